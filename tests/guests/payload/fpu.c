// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps sums in all x87, XMM or (where there is AVX) YMM registers on several
 * threads for a while, yielding between rounds, and compares each round with
 * the first. Runs in guests and, at the same time, on their host.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS	4

static int bad;
static double until;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

#define EACH	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
#define LOAD(mov, r)	EACH mov " 32 * \\n(%0), %%" r "\\n\n .endr\n"
#define STORE(mov, r)	EACH mov " %%" r "\\n, 32 * \\n(%1)\n .endr\n"
/* sched_yield(), %2 times, without the compiler's eyes on the registers */
#define YIELDS								\
	"mov %2, %%r9\n"						\
	"1: push %%r9\n mov $24, %%eax\n syscall\n pop %%r9\n"		\
	"dec %%r9\n jnz 1b\n"

#define CLOBBERS "rax", "rcx", "r9", "r11", "memory", "xmm0", "xmm1", "xmm2",	\
	"xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",	\
	"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void round_xmm(const uint8_t *in, uint8_t *out)
{
	asm volatile("sub $128, %%rsp\n" LOAD("movups", "xmm") YIELDS STORE("movups", "xmm")
		     "add $128, %%rsp\n"
		     : : "r"(in), "r"(out), "r"(50UL) : CLOBBERS);
}

static void round_ymm(const uint8_t *in, uint8_t *out)
{
	asm volatile("sub $128, %%rsp\n" LOAD("vmovups", "ymm") YIELDS STORE("vmovups", "ymm")
		     "vzeroupper\n add $128, %%rsp\n"
		     : : "r"(in), "r"(out), "r"(50UL) : CLOBBERS);
}

static long double series(long double sum)
{
	long i;

	for (i = 1; i < 3000; i++)
		sum = sum * 0.999L + 1.0L / (sum + i);
	return sum;
}

static void *work(void *p)
{
	int seed = (int)(long)p, avx = __builtin_cpu_supports("avx"), i;
	uint8_t in[512], out[512];
	unsigned long rounds = 0;
	double first = series(seed);

	while (now() < until) {
		for (i = 0; i < 512; i++)
			in[i] = seed * 37 + i * 11 + rounds * 3;
		memset(out, 0, sizeof(out));
		if (avx)
			round_ymm(in, out);
		else
			round_xmm(in, out);
		for (i = 0; i < 512; i++) {
			if (!avx && i % 32 >= 16)
				continue;
			if (in[i] != out[i]) {
				printf("fpu: byte %d of register %d was %#x and is %#x\n",
				       i % 32, i / 32, in[i], out[i]);
				bad = 1;
				return NULL;
			}
		}
		if ((double)series(seed) != first) {
			printf("fpu: an x87 sum differs\n");
			bad = 1;
			return NULL;
		}
		rounds++;
	}
	return (void *)rounds;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	unsigned long total = 0;
	long i;

	until = now() + (argc > 1 ? atof(argv[1]) : 5);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, (void *)(i + (argc > 2 ? atoi(argv[2]) : 1))))
			return 1;
	for (i = 0; i < THREADS; i++) {
		void *r;

		pthread_join(t[i], &r);
		total += (unsigned long)r;
	}
	if (!bad && total)
		printf("fpu: %lu rounds ok\n", total);
	return bad || !total;
}
