/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks: 32-bit guests with a TSS per task. Task n's TSS is at HVT_TSS_AT(n),
 * its selector HVT_TSS_SEL(n). Task 0 is the one that runs first.
 */
#ifndef HVT_TASK_H
#define HVT_TASK_H

#include "hvt.h"

#define HVT_TSS_AT(n)	(HVT_DATA + (n) * 0x1000UL)
#define HVT_TSS_SEL(n)	(0x40 + (n) * 8)
#define HVT_GDT_ENTRIES	64

struct hvt_tss {
	u32 link, stack[6], cr3, eip, eflags, gpr[8], seg[6], ldt;
	u16 trap, iomap;
};

_Static_assert(sizeof(struct hvt_tss) == 0x68, "SDM vol. 3, figure 8-2");

struct hvt_tss16 {
	u16 link, stack[6], ip, flags, gpr[8], seg[4], ldt;
};

_Static_assert(sizeof(struct hvt_tss16) == 0x2c, "SDM vol. 3, figure 8-10");

#define HVT_TSS_AVAIL	0x89
#define HVT_TSS16_AVAIL	0x81
#define HVT_TSS_BUSY	2

static inline u64 *hvt_gdt(struct hvt_vcpu *v, u16 sel)
{
	return (u64 *)(v->vm->mem + HVT_GDT + (sel & ~7));
}

static inline void hvt_set_desc(struct hvt_vcpu *v, u16 sel, u32 base, u32 limit, u32 attr)
{
	*hvt_gdt(v, sel) = hvt_desc(limit, attr) | (u64)(base & 0xffffff) << 16 |
			   (u64)(base >> 24) << 56;
}

/* Type, S, DPL and P of a descriptor */
static inline u8 hvt_type(struct hvt_vcpu *v, u16 sel)
{
	return *hvt_gdt(v, sel) >> 40;
}

static inline struct hvt_tss *hvt_tss(struct hvt_vcpu *v, int n)
{
	return (struct hvt_tss *)(v->vm->mem + HVT_TSS_AT(n));
}

static inline void hvt_gate32(struct hvt_vcpu *v, int vector, u32 gpa)
{
	((u64 *)(v->vm->mem + HVT_IDT))[vector] = (gpa & 0xffff) | HVT_SEL_CODE32 << 16 |
						  0x8eULL << 40 | (u64)(gpa >> 16) << 48;
}

static inline void hvt_task_gate(struct hvt_vcpu *v, int vector, u16 sel)
{
	((u64 *)(v->vm->mem + HVT_IDT))[vector] = (u64)sel << 16 | 0x85ULL << 40;
}

/* Task @n, of flat segments, that starts at @eip */
static inline struct hvt_tss *hvt_task(struct hvt_vcpu *v, int n, u32 eip)
{
	struct hvt_tss *tss = hvt_tss(v, n);
	int i;

	memset(tss, 0, sizeof(*tss));
	tss->eip = eip;
	tss->eflags = 2;
	for (i = 0; i < 6; i++)
		tss->seg[i] = i == HVMON_CS ? HVT_SEL_CODE32 : HVT_SEL_DATA;
	tss->gpr[HVMON_RSP] = 0x38000 - n * 0x1000;
	tss->iomap = 0x68;
	hvt_set_desc(v, HVT_TSS_SEL(n), HVT_TSS_AT(n), 0x67, HVT_TSS_AVAIL);
	return tss;
}

/* A label within a guest */
#define HVT_LABEL(name)		extern const u8 name[]

/* Where task @n's code is loaded */
#define HVT_TASK_CODE(n)	(HVT_CODE + (n) * 0x1000UL)

/* Where the guest is that touches all memory */
#define HVT_TOUCH_AT	(HVT_DATA + 0x40000UL)

GUEST32(hvt_touch,
	"xor %ebx, %ebx\n"
	"1: orb $0, (%ebx)\n"
	"add $0x1000, %ebx\n"
	"cmp $0x400000, %ebx\n"	/* HVT_MEM */
	"jb 1b\n"
	"mov %ebx, %eax\n"
	G_REPORT);

/*
 * QEMU's AMD-V switches tasks without an exit, and if a nested page fault comes
 * in the middle, half of it is done twice: none must come.
 */
static inline void hvt_touch_all(struct hvt_vcpu *v)
{
	struct hvmon_state st, touch;

	hvt_load(v->vm, HVT_TOUCH_AT, hvt_touch, hvt_touch_end);
	hvt_get(v, &st, HVMON_STATE_REGS);
	touch = st;
	touch.regs.rip = HVT_TOUCH_AT;
	hvt_set(v, &touch, HVMON_STATE_REGS);
	EXPECT_REPORT(v);
	hvt_set(v, &st, HVMON_STATE_REGS);
}

/*
 * Exceptions go to the stubs of hvt_tables(), and the vCPU becomes task 0.
 */
static inline void hvt_task_setup(struct hvt_vcpu *v)
{
	struct hvmon_state st;
	int i;

	for (i = 0; i < 32; i++)
		hvt_gate32(v, i, HVT_STUBS + i * 16);
	hvt_task(v, 0, 0);
	hvt_set_desc(v, HVT_TSS_SEL(0), HVT_TSS_AT(0), 0x67, HVT_TSS_AVAIL | HVT_TSS_BUSY);
	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.gdt.limit = HVT_GDT_ENTRIES * 8 - 1;
	st.sregs.idt.limit = 256 * 8 - 1;
	st.sregs.seg[HVMON_TR] = (struct hvmon_segment){
		.selector = HVT_TSS_SEL(0), .base = HVT_TSS_AT(0), .limit = 0x67, .attr = 0x8b };
	hvt_set(v, &st, HVMON_STATE_SREGS);
	hvt_touch_all(v);
}

#define HVT_BOOT_TASK(name)						\
	({								\
		struct hvt_vcpu *t_ = HVT_BOOT(32, name);		\
									\
		hvt_task_setup(t_);					\
		t_;							\
	})

/* Task @n with the code of guest @name */
#define HVT_TASK(v, n, name)						\
	({								\
		struct hvt_vcpu *t_ = (v);				\
		int n_ = (n);						\
									\
		hvt_load(t_->vm, HVT_TASK_CODE(n_), name, name##_end);	\
		hvt_task(t_, n_, HVT_TASK_CODE(n_));			\
	})

/* Is task @n the current one, and CR0.TS set by the switch to it? */
static inline void hvt_check_task(struct hvt_vcpu *v, int n, const char *file, int line)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_SREGS);
	if (st.sregs.seg[HVMON_TR].selector != HVT_TSS_SEL(n) ||
	    st.sregs.seg[HVMON_TR].base != HVT_TSS_AT(n))
		hvt_fail(file, line, "TR is %#x, not that of task %d (%#x)",
			 st.sregs.seg[HVMON_TR].selector, n, HVT_TSS_SEL(n));
	if (!(st.sregs.cr0 & 8))
		hvt_fail(file, line, "CR0.TS is clear");
}

#define CHECK_TASK(v, n)	hvt_check_task(v, n, __FILE_NAME__, __LINE__)
#define EFLAGS_NT		(1u << 14)

#endif /* HVT_TASK_H */
