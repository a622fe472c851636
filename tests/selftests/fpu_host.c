// SPDX-License-Identifier: GPL-2.0
/* XMM, YMM and x87 registers of guest and launcher survive each other, exit by exit. */
#include "hvt.h"

#define LOAD(r, off)	"vmovdqu " #off "(%rbx), %ymm" #r "\n"
#define STORE(r, off)	"vmovdqu %ymm" #r ", " #off "(%rbx)\n"

GUEST64(guest,
	"mov %cr4, %rax\n"
	"or $0x40000, %eax\n"
	"mov %rax, %cr4\n"
	"xor %ecx, %ecx\n"
	"xor %edx, %edx\n"
	"mov $7, %eax\n"
	"xsetbv\n"
	"fninit\n"
	"fldpi\n"
	"mov $0x100000, %ebx\n"
	LOAD(0, 0) LOAD(1, 32) LOAD(7, 64) LOAD(15, 96)
	"1: mov $1, %eax\n"
	G_REPORT
	"mov $0x101000, %ebx\n"
	STORE(0, 0) STORE(1, 32) STORE(7, 64) STORE(15, 96)
	"fld %st(0)\n"
	"fstpt 0x102000\n"
	/* what comes next differs */
	"vpaddb %ymm1, %ymm0, %ymm0\n"
	"jmp 1b\n");

typedef u8 ymm __attribute__((vector_size(32)));

static ymm host[4] __attribute__((aligned(32)));

__attribute__((noinline, target("avx2")))
static int run_with_avx(struct hvt_vcpu *v, ymm *after)
{
	long r;

	/* registers are loaded right before the system call and stored right after */
	asm volatile("vmovdqu (%[in]), %%ymm0\n vmovdqu 32(%[in]), %%ymm1\n"
		     "vmovdqu 64(%[in]), %%ymm7\n vmovdqu 96(%[in]), %%ymm15\n"
		     "syscall\n"
		     "vmovdqu %%ymm0, (%[out])\n vmovdqu %%ymm1, 32(%[out])\n"
		     "vmovdqu %%ymm7, 64(%[out])\n vmovdqu %%ymm15, 96(%[out])\n"
		     "vzeroupper\n"
		     : "=a"(r)
		     : "0"(16L), "D"((long)v->fd), "S"((long)HVMON_RUN), "d"(0L), [in] "r"(host),
		       [out] "r"(after)
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm7", "xmm15");
	return r;
}

int main(void)
{
	struct hvt_vcpu *v;
	u8 *in, *out, want[128], pi[10];
	ymm after[4];
	int i, round;

	if (!__builtin_cpu_supports("avx2") || !(hvt_info().xcr0 & 4))
		hvt_skip("the host has no AVX2");
	v = HVT_BOOT(64, guest);
	in = v->vm->mem + HVT_DATA;
	out = v->vm->mem + 0x101000;
	for (i = 0; i < 128; i++)
		in[i] = 3 * i + 1;
	memcpy(want, in, 128);
	asm volatile("fldpi\n fstpt %0" : "=m"(pi));
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 128; i++)
			((u8 *)host)[i] = 0x80 + round + i;
		CHECK_EQ(run_with_avx(v, after), 0);
		CHECK_EQ(v->run->exit, HVMON_EXIT_PIO);
		if (v->run->pio.port != HVT_PORT)
			hvt_explain(v, HVMON_EXIT_PIO, __FILE_NAME__, __LINE__, "a report");
		CHECK(!memcmp(after, host, 128), "the launcher's registers changed in round %d",
		      round);
		if (round) {
			CHECK(!memcmp(out, want, 128), "the guest's registers in round %d", round);
			CHECK(!memcmp(v->vm->mem + 0x102000, pi, 10), "the guest's x87 stack");
			for (i = 0; i < 32; i++)
				want[i] += want[32 + i];
		}
	}
	return 0;
}
