// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest wrote to a shared memfd survives being paged out and comes
 * back, also when only the guest had touched it.
 */
#include "hvt.h"

#define PAGES	1024

/* Pass EDX: writes EDX + page to each page's second word, adds up the first */
GUEST64(guest,
	"xor %edx, %edx\n"
	"2: inc %edx\n"
	"mov $0x1000000, %ebx\n"
	"xor %eax, %eax\n"
	"mov $1024, %ecx\n"
	"1: add 8(%rbx), %eax\n"
	"lea (%rdx, %rcx), %esi\n"
	"mov %esi, 8(%rbx)\n"
	"add $4096, %ebx\n"
	"dec %ecx\n"
	"jnz 1b\n"
	G_REPORT
	"jmp 2b\n");

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

/* Free swap in pages; caches of slots per processor make it a little vague */
static long swap_free(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SwapFree: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 4;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd = SYS(memfd_create("guest", 0)), pass;
	FILE *swaps = fopen("/proc/swaps", "r");
	char line[256];
	u32 sum, i, lines = 0;
	long out = swap_free();
	u8 *p;

	while (swaps && fgets(line, sizeof(line), swaps))
		lines++;
	if (lines < 2)
		hvt_skip("the host has no swap");
	SYS(ftruncate(fd, PAGES * 4096));
	p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "mmap");
	hvt_mem(v->vm, 1, 0, 16 * MiB, PAGES * 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	for (pass = 1; pass < 6; pass++) {
		/* Twice: the first may only clear the accessed bits */
		madvise(p, PAGES * 4096, MADV_PAGEOUT);
		madvise(p, PAGES * 4096, MADV_PAGEOUT);
		for (sum = 0, i = 1; i <= PAGES; i++)
			sum += pass + i;
		CHECK_EQ(EXPECT_REPORT(v), sum);
	}
	madvise(p, PAGES * 4096, MADV_PAGEOUT);
	madvise(p, PAGES * 4096, MADV_PAGEOUT);
	out -= swap_free();
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(*(u32 *)(p + i * 4096 + 8), pass + PAGES - i);
	CHECK(out >= PAGES / 2, "only %ld of %d pages were paged out", out, PAGES);
	return 0;
}
