// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that load a segment register, the task register or CS from a
 * selector, which may come from device memory: SDM vol. 3, 3.4 and 5.5 to 5.8.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emul.h"
#include "task.h"

/* A descriptor, where it lies, and what a register caches of it */
struct desc {
	u64 lin;
	u64 raw[2];	/* the second of system segments in long mode */
	struct hvmon_segment s;
};

static int raise(struct hvmon_emul *em, u8 vector, u16 selector)
{
	return hvmon_em_raise(em, vector, true, selector & ~3, 0);
}

/* In real and virtual-8086 mode a selector is the base */
static bool no_descriptors(struct hvmon_emul *em)
{
	return !(em->ops->get_cr(em, 0) & X86_CR0_PE) || em->regs.rflags & X86_EFLAGS_VM;
}

static void load_base(struct hvmon_emul *em, int seg, u16 selector)
{
	struct hvmon_segment s;

	em->ops->get_seg(em, seg, &s);
	s.selector = selector;
	s.base = selector << 4;
	em->ops->set_seg(em, seg, &s);
}

static int read_desc(struct hvmon_emul *em, u16 selector, u32 len, struct desc *d)
{
	struct hvmon_dtable gdt;
	struct hvmon_segment ldt;
	u64 base;
	u32 limit;
	int r;

	if (selector & SEL_TI) {
		em->ops->get_seg(em, HVMON_LDTR, &ldt);
		if (ldt.attr & HVMON_SEG_UNUSABLE)
			return raise(em, X86_TRAP_GP, selector);
		base = ldt.base;
		limit = ldt.limit;
	} else {
		r = em->ops->get_gdt(em, &gdt);
		if (r)
			return r;
		base = gdt.base;
		limit = gdt.limit;
	}
	if ((selector & ~7) + len - 1 > limit)
		return raise(em, X86_TRAP_GP, selector);
	d->lin = base + (selector & ~7);
	r = hvmon_em_map_access(em, EM_MAP_OTHER, d->lin, len, HVMON_ACCESS_IMPLICIT);
	if (!r)
		r = hvmon_em_read(em, EM_MAP_OTHER, d->raw);
	if (!r)
		hvmon_desc_to_seg(selector, d->raw[0], &d->s);
	return r;
}

/* Accessed or busy from now on, in the table and in the register */
static int set_type(struct hvmon_emul *em, struct desc *d, u8 bit)
{
	u8 byte = d->raw[0] >> 40 | bit;
	int r;

	if (d->s.attr & bit)
		return EM_OK;
	d->s.attr |= bit;
	r = hvmon_em_map_access(em, EM_MAP_TYPE, d->lin + DESC_TYPE, 1,
				HVMON_ACCESS_IMPLICIT | HVMON_ACCESS_WRITE);
	return r ? r : hvmon_em_write(em, EM_MAP_TYPE, &byte);
}

/* SS may be null in 64-bit code that is not the user's; its DPL is the CPL */
static int load_null(struct hvmon_emul *em, int seg, u16 selector)
{
	struct hvmon_segment s = { .selector = selector, .attr = HVMON_SEG_UNUSABLE };

	if (seg == HVMON_SS) {
		if (em->insn.bits != 64 || em->cpl == 3 || selector != em->cpl)
			return raise(em, X86_TRAP_GP, 0);
		s.attr |= em->cpl << 5;
	}
	em->ops->set_seg(em, seg, &s);
	return EM_OK;
}

static int load_seg(struct hvmon_emul *em, u16 selector)
{
	struct desc d = { };
	int seg = em->insn.reg, r;

	/* No interrupt before the next instruction, which loads the stack pointer */
	em->shadow = seg == HVMON_SS;
	if (no_descriptors(em)) {
		load_base(em, seg, selector);
		return EM_OK;
	}
	if (selector < 4)
		return load_null(em, seg, selector);
	r = read_desc(em, selector, 8, &d);
	if (r)
		return r;
	/* What a new task may have, but for another vector */
	r = hvmon_task_check_seg(seg, &d.s, em->cpl);
	if (r)
		return raise(em, r == X86_TRAP_TS ? X86_TRAP_GP : r, selector);
	r = set_type(em, &d, TYPE_ACCESSED);
	if (!r)
		em->ops->set_seg(em, seg, &d.s);
	return r;
}

static bool is_available_tss(const struct desc *d, bool long_mode)
{
	u32 type = d->s.attr & (HVMON_SEG_S | 0xf);

	if (!long_mode)
		return (type & ~TSS_32) == TSS_AVAILABLE;
	/* The upper half has a type, too: 0 */
	return type == (TSS_32 | TSS_AVAILABLE) && !(d->raw[1] >> 40 & 0x1f);
}

static int load_task_register(struct hvmon_emul *em, u16 selector)
{
	bool long_mode = em->ops->long_mode(em);
	struct desc d = { };
	int r;

	if (no_descriptors(em))
		return hvmon_em_ud(em);
	if (em->cpl || selector < 4)
		return hvmon_em_gp(em);
	if (selector & SEL_TI)
		return raise(em, X86_TRAP_GP, selector);
	r = read_desc(em, selector, long_mode ? 16 : 8, &d);
	if (r)
		return r;
	if (long_mode)
		d.s.base |= d.raw[1] << 32;
	if (!is_available_tss(&d, long_mode) || !hvmon_em_is_canonical(em, d.s.base))
		return raise(em, X86_TRAP_GP, selector);
	if (!(d.s.attr & HVMON_SEG_P))
		return raise(em, X86_TRAP_NP, selector);
	r = set_type(em, &d, TSS_BUSY);
	if (!r)
		em->ops->set_seg(em, HVMON_TR, &d.s);
	return r;
}

static bool may_jump_to(const struct hvmon_segment *s, int cpl)
{
	int dpl = DESC_DPL(s->attr);

	if (!(s->attr & TYPE_CODE))
		return false;
	if (s->attr & TYPE_CONFORMING)
		return dpl <= cpl;
	return dpl == cpl && SEL_RPL(s->selector) <= cpl;
}

static int jump_far(struct hvmon_emul *em, u16 selector, u64 rip)
{
	bool long_mode = em->ops->long_mode(em), ok;
	struct desc d = { };
	int r;

	if (no_descriptors(em)) {
		em->ops->get_seg(em, HVMON_CS, &d.s);
		if (!hvmon_seg_has(&d.s, rip, 1))
			return hvmon_em_gp(em);
		load_base(em, HVMON_CS, selector);
		em->regs.rip = rip;
		return EM_OK;
	}
	if (selector < 4)
		return hvmon_em_gp(em);
	r = read_desc(em, selector, 8, &d);
	if (r)
		return r;
	if (!(d.s.attr & HVMON_SEG_S))
		return hvmon_em_unknown(em, "far jump through a gate or to a task");
	long_mode &= !!(d.s.attr & HVMON_SEG_L);
	if (!may_jump_to(&d.s, em->cpl) || (long_mode && d.s.attr & HVMON_SEG_DB))
		return raise(em, X86_TRAP_GP, selector);
	if (!(d.s.attr & HVMON_SEG_P))
		return raise(em, X86_TRAP_NP, selector);
	ok = long_mode ? hvmon_em_is_canonical(em, rip) : hvmon_seg_has(&d.s, rip, 1);
	if (!ok)
		return hvmon_em_gp(em);
	r = set_type(em, &d, TYPE_ACCESSED);
	if (r)
		return r;
	d.s.selector = (selector & ~3) | em->cpl;
	em->ops->set_seg(em, HVMON_CS, &d.s);
	em->regs.rip = rip;
	return EM_OK;
}

int hvmon_em_segment(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	int offset = insn->op == OP_JMP_FAR ? insn->opsize : 0, r;
	u16 selector = hvmon_em_reg(em, insn->rm, 2);
	u64 rip = 0;
	u8 buf[10];

	/* A far pointer is the offset, then the selector */
	if (insn->mem) {
		r = hvmon_em_map_at(em, EM_MAP_RM, insn->seg, hvmon_em_address(em), offset + 2,
				    false);
		if (!r)
			r = hvmon_em_read(em, EM_MAP_RM, buf);
		if (r)
			return r;
		memcpy(&rip, buf, offset);
		memcpy(&selector, buf + offset, 2);
	}
	switch (insn->op) {
	case OP_LTR:
		return load_task_register(em, selector);
	case OP_JMP_FAR:
		return jump_far(em, selector, rip);
	default:
		return load_seg(em, selector);
	}
}
