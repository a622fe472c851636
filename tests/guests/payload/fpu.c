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

/* Sixteen registers are loaded, kept across a yield loop, stored */
#define ROUND(mov, r)							\
	"lea (%0), %%rax\n"						\
	mov " (%%rax), %%" r "0\n" mov " 32(%%rax), %%" r "1\n"		\
	mov " 64(%%rax), %%" r "2\n" mov " 96(%%rax), %%" r "3\n"	\
	mov " 128(%%rax), %%" r "4\n" mov " 160(%%rax), %%" r "5\n"	\
	mov " 192(%%rax), %%" r "6\n" mov " 224(%%rax), %%" r "7\n"	\
	mov " 256(%%rax), %%" r "8\n" mov " 288(%%rax), %%" r "9\n"	\
	mov " 320(%%rax), %%" r "10\n" mov " 352(%%rax), %%" r "11\n"	\
	mov " 384(%%rax), %%" r "12\n" mov " 416(%%rax), %%" r "13\n"	\
	mov " 448(%%rax), %%" r "14\n" mov " 480(%%rax), %%" r "15\n"	\
	"mov $24, %%eax\n"		/* sched_yield */		\
	"mov %2, %%r9\n"						\
	"1: push %%r9\n mov $24, %%eax\n syscall\n pop %%r9\n"		\
	"dec %%r9\n jnz 1b\n"						\
	"lea (%1), %%rax\n"						\
	mov " %%" r "0, (%%rax)\n" mov " %%" r "1, 32(%%rax)\n"		\
	mov " %%" r "2, 64(%%rax)\n" mov " %%" r "3, 96(%%rax)\n"	\
	mov " %%" r "4, 128(%%rax)\n" mov " %%" r "5, 160(%%rax)\n"	\
	mov " %%" r "6, 192(%%rax)\n" mov " %%" r "7, 224(%%rax)\n"	\
	mov " %%" r "8, 256(%%rax)\n" mov " %%" r "9, 288(%%rax)\n"	\
	mov " %%" r "10, 320(%%rax)\n" mov " %%" r "11, 352(%%rax)\n"	\
	mov " %%" r "12, 384(%%rax)\n" mov " %%" r "13, 416(%%rax)\n"	\
	mov " %%" r "14, 448(%%rax)\n" mov " %%" r "15, 480(%%rax)\n"

#define CLOBBERS "rax", "rcx", "r9", "r11", "memory", "xmm0", "xmm1", "xmm2",	\
	"xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",	\
	"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void round_xmm(const uint8_t *in, uint8_t *out)
{
	asm volatile("sub $128, %%rsp\n" ROUND("movups", "xmm") "add $128, %%rsp\n"
		     : : "r"(in), "r"(out), "r"(50UL) : CLOBBERS);
}

static void round_ymm(const uint8_t *in, uint8_t *out)
{
	asm volatile("sub $128, %%rsp\n" ROUND("vmovups", "ymm") "vzeroupper\n add $128, %%rsp\n"
		     : : "r"(in), "r"(out), "r"(50UL) : CLOBBERS);
}

static long double series(int seed)
{
	volatile long double sum = seed;
	long i;

	for (i = 1; i < 3000; i++)
		sum = sum * 0.999L + 1.0L / (sum + i);
	return sum;
}

static void *work(void *p)
{
	int seed = (int)(long)p, avx = __builtin_cpu_supports("avx"), i;
	unsigned long rounds = 0;
	long double first = series(seed);
	uint8_t in[512], out[512];

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
		if (series(seed) != first) {
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
