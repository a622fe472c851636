/* SPDX-License-Identifier: GPL-2.0 */
/* The host's processor, as both vendors' code meets it. */
#ifndef _HVMON_HOST_H
#define _HVMON_HOST_H

#include <linux/string.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>

#include "hvmon.h"

/*
 * In line: each section reads and writes a handful, and the kernel's functions take
 * twice the instructions.
 */

/* Of a register that every processor has on which this is called */
static __always_inline u64 hvmon_rdmsr(u32 msr)
{
	return __rdmsr(msr);
}

/* -EIO for a fault; *val is 0 then */
static inline int hvmon_rdmsr_safe(u32 msr, u64 *val)
{
	u32 lo = 0, hi = 0;
	int r = -EIO;

	asm volatile("1: rdmsr\n\t"
		     "xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (r), "+a" (lo), "+d" (hi) : "c" (msr));
	*val = lo | (u64)hi << 32;
	return r;
}

static __always_inline int hvmon_wrmsr(u32 msr, u64 val)
{
	asm goto("1: wrmsr\n"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : "c" (msr), "a" (lower_32_bits(val)), "d" (upper_32_bits(val))
		 : "memory" : fault);
	return 0;
fault:
	return -EIO;
}

/* A line more of what guests cannot run without */
static inline void hvmon_missing(struct hvmon_probe *p, const char *text)
{
	if (p->why[0])
		strlcat(p->why, "\n", sizeof(p->why));
	strlcat(p->why, text, sizeof(p->why));
}

/*
 * A barrier between guests, where the host's kernel would use one. Newer
 * kernels have lost the feature bit that said so.
 */
static inline bool hvmon_want_ibpb(void)
{
#ifdef X86_FEATURE_USE_IBPB
	return boot_cpu_has(X86_FEATURE_USE_IBPB);
#else
	return boot_cpu_has(X86_FEATURE_IBPB) && !cpu_mitigations_off();
#endif
}

/*
 * A machine check in the guest was intercepted and so has not reached the
 * host. The handler decides what the error was by the MCA banks; to it, it
 * came from user space, interrupts on, as far as recovery goes. No emulator
 * raises one: this has not been seen to run.
 */
static inline void hvmon_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = {
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
#endif
}

#endif /* _HVMON_HOST_H */
