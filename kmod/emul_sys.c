// SPDX-License-Identifier: GPL-2.0
/*
 * Control and debug registers, for processors whose exits do not say which
 * register was meant (AMD-V without decode assists, APM vol. 2, 15.33).
 */
#include <linux/bits.h>
#include <linux/kernel.h>

#include "emul.h"

#define CR0_TS		BIT_ULL(3)
#define CR4_DE		BIT_ULL(3)
#define CR4_UMIP	BIT_ULL(11)
#define DR6_BD		BIT_ULL(13)
#define DR7_GD		BIT_ULL(13)

static int set_cr(struct hvmon_emul *em, int cr, u64 val)
{
	return em->ops->set_cr(em, cr, val) ? hvmon_em_gp(em) : EM_OK;
}

static int move_cr(struct hvmon_emul *em, bool write)
{
	const struct hvmon_insn *insn = &em->insn;
	int size = insn->bits == 64 ? 8 : 4;
	int cr = insn->lock ? 8 : insn->reg;

	if (cr != 0 && cr != 2 && cr != 3 && cr != 4 && cr != 8)
		return hvmon_em_ud(em);
	if (em->cpl)
		return hvmon_em_gp(em);
	if (write)
		return set_cr(em, cr, hvmon_em_reg(em, insn->rm, size));
	hvmon_em_set_reg(em, insn->rm, size, em->ops->get_cr(em, cr));
	return EM_OK;
}

static int move_dr(struct hvmon_emul *em, bool write)
{
	const struct hvmon_insn *insn = &em->insn;
	int size = insn->bits == 64 ? 8 : 4;
	int dr = insn->reg;

	if (dr > 7)
		return hvmon_em_ud(em);
	/* APM vol. 2, 13.1.1.4: DR4 and DR5 are DR6 and DR7 without CR4.DE */
	if (dr == 4 || dr == 5) {
		if (em->ops->get_cr(em, 4) & CR4_DE)
			return hvmon_em_ud(em);
		dr += 2;
	}
	if (em->cpl)
		return hvmon_em_gp(em);
	if (em->ops->get_dr(em, 7) & DR7_GD)
		return hvmon_em_raise(em, 1, false, 0, DR6_BD);
	if (!write) {
		hvmon_em_set_reg(em, insn->rm, size, em->ops->get_dr(em, dr));
		return EM_OK;
	}
	return em->ops->set_dr(em, dr, hvmon_em_reg(em, insn->rm, size)) ?
	       hvmon_em_gp(em) : EM_OK;
}

/* LMSW sets PE, MP, EM and TS, and cannot clear PE */
static int load_msw(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	u64 cr0 = em->ops->get_cr(em, 0), val = 0;
	int r;

	if (em->cpl)
		return hvmon_em_gp(em);
	if (insn->mem) {
		r = hvmon_em_map_at(em, EM_MAP_RM, insn->seg, hvmon_em_address(em), 2, false);
		if (!r)
			r = hvmon_em_read(em, EM_MAP_RM, &val);
		if (r)
			return r;
	} else {
		val = hvmon_em_reg(em, insn->rm, 2);
	}
	return set_cr(em, 0, (cr0 & ~0xeULL) | (val & 0xf));
}

static int store_msw(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	u64 cr0 = em->ops->get_cr(em, 0);
	int r;

	if (em->cpl && (em->ops->get_cr(em, 4) & CR4_UMIP))
		return hvmon_em_gp(em);
	if (!insn->mem) {
		hvmon_em_set_reg(em, insn->rm, insn->opsize, cr0);
		return EM_OK;
	}
	r = hvmon_em_map_at(em, EM_MAP_RM, insn->seg, hvmon_em_address(em), 2, true);
	return r ? r : hvmon_em_write(em, EM_MAP_RM, &cr0);
}

static int invlpg(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	struct hvmon_segment s = { };

	if (em->cpl)
		return hvmon_em_gp(em);
	if (insn->bits != 64 || insn->seg == HVMON_FS || insn->seg == HVMON_GS)
		em->ops->get_seg(em, insn->seg, &s);
	em->ops->invlpg(em, s.base + hvmon_em_address(em));
	return EM_OK;
}

int hvmon_em_system(struct hvmon_emul *em)
{
	switch (em->insn.op) {
	case OP_RDCR:
	case OP_WRCR:
		return move_cr(em, em->insn.op == OP_WRCR);
	case OP_RDDR:
	case OP_WRDR:
		return move_dr(em, em->insn.op == OP_WRDR);
	case OP_CLTS:
		if (em->cpl)
			return hvmon_em_gp(em);
		return set_cr(em, 0, em->ops->get_cr(em, 0) & ~CR0_TS);
	case OP_LMSW:
		return load_msw(em);
	case OP_SMSW:
		return store_msw(em);
	default:
		return invlpg(em);
	}
}
