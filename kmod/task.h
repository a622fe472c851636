/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the task switch that need no VM. */
#ifndef _HVMON_TASK_H
#define _HVMON_TASK_H

#include "hvmon.h"

/* Parts of selectors and of descriptors' attributes: SDM vol. 3, 3.4.2, 3.4.5, 3.5, 8.2 */
#define SEL_TI		BIT(2)
#define SEL_RPL(sel)	((sel) & 3)
#define DESC_DPL(attr)	((attr) >> 5 & 3)
#define TYPE_ACCESSED	BIT(0)
#define TYPE_CONFORMING	BIT(2)
#define TYPE_CODE	BIT(3)
#define TSS_AVAILABLE	1
#define TSS_BUSY	BIT(1)
#define TSS_32		BIT(3)
/* A descriptor's byte that has its type */
#define DESC_TYPE	5

/**
 * struct hvmon_tss_fmt - where a TSS has what: SDM vol. 3, figures 8-2 and 8-10
 * @width: bytes of a field
 * @nr_segs: segment registers that it holds, in the order of encodings
 * @ip: offset of the instruction pointer, the first field that a switch saves
 * @flags: ... of the flags
 * @gpr: ... of the first of eight general registers, in the order of encodings
 * @seg: ... of the first segment selector
 * @ldt: ... of the LDT's selector, after the last field that a switch saves
 * @cr3: ... of CR3, 0 without
 * @trap: ... of the T flag's word, 0 without
 * @min_limit: the least limit that its descriptor may have
 */
struct hvmon_tss_fmt {
	u8 width, nr_segs;
	u8 ip, flags, gpr, seg, ldt, cr3, trap;
	u8 min_limit;
};

extern const struct hvmon_tss_fmt hvmon_tss16, hvmon_tss32;

#define HVMON_TSS_MAX	0x68	/* bytes of either that a switch uses */

/**
 * struct hvmon_tss - what a TSS holds
 * @cr3: CR3, 0 if the format has none
 * @eip: instruction pointer
 * @eflags: flags
 * @gpr: general registers; of 16 bits each in the small format
 * @seg: selectors, null where the format has none
 * @ldt: selector of the LDT
 * @trap: the T flag
 */
struct hvmon_tss {
	u32 cr3, eip, eflags, gpr[8];
	u16 seg[6], ldt;
	bool trap;
};

void hvmon_tss_load(const struct hvmon_tss_fmt *fmt, const u8 *image, struct hvmon_tss *t);
void hvmon_tss_store(const struct hvmon_tss_fmt *fmt, u8 *image, const struct hvmon_tss *t);
void hvmon_desc_to_seg(u16 selector, u64 desc, struct hvmon_segment *s);
int hvmon_task_check_seg(int seg, const struct hvmon_segment *s, int cpl);

#endif /* _HVMON_TASK_H */
