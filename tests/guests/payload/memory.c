// SPDX-License-Identifier: GPL-2.0
/*
 * memory MIB [SEED]: fills MIB of memory with a pattern by page, in several
 * passes that change it, and verifies every word of every pass.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static uint64_t pattern(uint64_t i, uint64_t seed)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL ^ seed * 0xff51afd7ed558ccdULL;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? atoi(argv[1]) : 64, words = mib << 17, i;
	uint64_t seed = argc > 2 ? atoi(argv[2]) : 1;
	uint64_t *p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (p == MAP_FAILED) {
		perror("memory: mmap");
		return 1;
	}
	for (i = 0; i < words; i++)
		p[i] = pattern(i, seed);
	/* Second pass: every third page gets another pattern, from the end */
	for (i = words; i-- > 0;) {
		if (p[i] != pattern(i, seed)) {
			printf("memory: word %zu is %#lx\n", i, p[i]);
			return 1;
		}
		if ((i >> 9) % 3 == 0)
			p[i] = pattern(i, seed + 1);
	}
	for (i = 0; i < words; i++) {
		if (p[i] != pattern(i, seed + ((i >> 9) % 3 == 0))) {
			printf("memory: word %zu is %#lx\n", i, p[i]);
			return 1;
		}
	}
	printf("memory: %zu MiB ok\n", mib);
	return 0;
}
