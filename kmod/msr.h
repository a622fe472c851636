/* SPDX-License-Identifier: GPL-2.0 */
/* What msr.c and fpu.c show to each other and to their unit tests. */
#ifndef _HVMON_MSR_H
#define _HVMON_MSR_H

#include "hvmon.h"

/* Indices: SDM vol. 3, 11.11 */
#define HVMON_MTRR_CAP		0x0fe
#define HVMON_MTRR_BASE(n)	(0x200 + 2 * (n))
#define HVMON_MTRR_MASK(n)	(0x201 + 2 * (n))
#define HVMON_MTRR_FIX_64K	0x250
#define HVMON_MTRR_FIX_16K	0x258
#define HVMON_MTRR_FIX_4K	0x268
#define HVMON_MTRR_FIX_LAST	0x26f
#define HVMON_MTRR_DEF_TYPE	0x2ff

/* struct hvmon_msr_row.flags */
#define HVMON_MSR_STATE		BIT(0)	/* in HVMON_MSRS_LIST */
#define HVMON_MSR_LATE		BIT(1)	/* ... and after all that are not late */
#define HVMON_MSR_RO		BIT(2)	/* the guest's writes fault */
#define HVMON_MSR_DROP		BIT(3)	/* writes are ignored */
#define HVMON_MSR_WO		BIT(4)	/* the guest's reads fault */
#define HVMON_MSR_CANON		BIT(5)	/* holds an address */
#define HVMON_MSR_SYNC		BIT(6)	/* sets vcpu->out_of_sync */

/**
 * struct hvmon_msr_row - an MSR, or a run of them, that guests have
 * @index: the first
 * @count: how many; 0 means 1
 * @flags: HVMON_MSR_*
 * @value: offset + 1 in struct hvmon_msr_values where it is stored, 0: nowhere
 * @cap: offset + 1 in struct hvmon_guest_caps of the bool that it needs, 0: none
 * @reserved: bits that fault when set
 * @keep: bits that a write does not change, if it is stored
 * @fixed: what reads give if it is not stored
 * @get: reads, instead of all that
 * @set: writes, after the checks; stored if it returns 0 and @value is set
 */
struct hvmon_msr_row {
	u32 index;
	u16 count;
	u16 flags;
	u16 value;
	u16 cap;
	u64 reserved;
	u64 keep;
	u64 fixed;
	int (*get)(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host);
	int (*set)(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host);
};

extern const struct hvmon_msr_row hvmon_msr_rows[];
extern const unsigned int hvmon_nr_msr_rows;

const struct hvmon_msr_row *hvmon_msr_find(u32 msr);
bool hvmon_pat_valid(u64 pat);
bool hvmon_mtrr_valid(u32 msr, u64 val, u32 maxphyaddr);

/* fpu.c */
bool hvmon_xcr0_legal(u64 xcr0);
int hvmon_xsave_area_check(const void *area, u64 xcr0, u32 mxcsr_mask);
/* XCR0 changed inside a section: make the processor follow */
void hvmon_fpu_xcr0_changed(struct hvmon_vcpu *vcpu);

#endif /* _HVMON_MSR_H */
