/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's paravirtual clock. */
#ifndef HVT_CLOCK_H
#define HVT_CLOCK_H

#include "hvt.h"

/* The layout of the clock page, as Documentation/virt/kvm/x86/msr.rst has it */
struct hvt_clock_page {
	u32 version, pad0;
	u64 tsc, system_time;
	u32 mul;
	int8_t shift;
	u8 flags, pad[2];
};

static inline volatile struct hvt_clock_page *hvt_clock_page(struct hvt_vm *vm, u64 gpa)
{
	return (struct hvt_clock_page *)(vm->mem + gpa);
}

/* The time that a guest computes for @tsc */
static inline u64 hvt_clock_ns(const volatile struct hvt_clock_page *p, u64 tsc)
{
	u64 delta = tsc - p->tsc;

	delta = p->shift < 0 ? delta >> -p->shift : delta << p->shift;
	/* delta * mul >> 32 without a wider type */
	return p->system_time + (delta >> 32) * p->mul + ((delta & 0xffffffff) * p->mul >> 32);
}

#endif /* HVT_CLOCK_H */
