// SPDX-License-Identifier: GPL-2.0
/*
 * PUSH, POP, ENTER, LEAVE, and the near branches that take their target from
 * memory or need the stack.
 */
#include "emul.h"

/* Bytes of the stack pointer */
static int stack_size(struct hvmon_emul *em)
{
	struct hvmon_segment ss;

	if (em->insn.bits == 64)
		return 8;
	em->ops->get_seg(em, HVMON_SS, &ss);
	return ss.attr & HVMON_SEG_DB ? 4 : 2;
}

static int map_rm(struct hvmon_emul *em, bool write)
{
	const struct hvmon_insn *insn = &em->insn;

	if (!insn->mem)
		return EM_OK;
	return hvmon_em_map_at(em, EM_MAP_RM, insn->seg, hvmon_em_address(em), insn->opsize,
			       write);
}

static int jump(struct hvmon_emul *em, u64 rip)
{
	struct hvmon_segment cs;

	rip &= hvmon_size_mask(em->insn.opsize);
	if (em->insn.bits == 64) {
		if (!hvmon_em_is_canonical(em, rip))
			return hvmon_em_gp(em);
	} else {
		em->ops->get_seg(em, HVMON_CS, &cs);
		if (!hvmon_seg_has(&cs, rip, 1))
			return hvmon_em_gp(em);
	}
	em->regs.rip = rip;
	return EM_OK;
}

static int exec_jmp(struct hvmon_emul *em)
{
	u64 target;
	int r;

	r = map_rm(em, false);
	if (!r)
		r = hvmon_em_load(em, em->insn.src, em->insn.opsize, &target);
	return r ? r : jump(em, target);
}

/* PUSH, CALL, and ENTER's push of RBP */
static int exec_push(struct hvmon_emul *em, int src)
{
	const struct hvmon_insn *insn = &em->insn;
	int ssize = stack_size(em), r;
	u64 sp = (hvmon_em_reg(em, HVMON_RSP, ssize) - insn->opsize) & hvmon_size_mask(ssize);
	u64 next = em->regs.rip, val;

	r = map_rm(em, false);
	if (!r)
		r = hvmon_em_map_at(em, EM_MAP_OTHER, HVMON_SS, sp, insn->opsize, true);
	if (!r)
		r = hvmon_em_load(em, src, insn->opsize, &val);
	if (!r && insn->op == OP_CALL) {
		r = jump(em, src == OPD_IMM ? next + val : val);
		val = next;
	}
	if (!r)
		r = hvmon_em_write(em, EM_MAP_OTHER, &val);
	hvmon_em_set_reg(em, HVMON_RSP, ssize, sp);
	return r;
}

static int exec_pop(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	int ssize = stack_size(em), r;
	u64 sp = hvmon_em_reg(em, insn->op == OP_LEAVE ? HVMON_RBP : HVMON_RSP, ssize), val = 0;

	r = hvmon_em_map_at(em, EM_MAP_OTHER, HVMON_SS, sp, insn->opsize, false);
	if (r)
		return r;
	/* A destination relative to the stack pointer sees its new value */
	sp += insn->opsize;
	hvmon_em_set_reg(em, HVMON_RSP, ssize, sp);
	r = map_rm(em, true);
	if (!r)
		r = hvmon_em_read(em, EM_MAP_OTHER, &val);
	if (r)
		return r;
	if (insn->op != OP_RET)
		return hvmon_em_store(em, OPD_RM, insn->opsize, val);
	hvmon_em_set_reg(em, HVMON_RSP, ssize, sp + insn->imm16);
	return jump(em, val);
}

/*
 * Of nesting level 0, as compilers have it. The processor looks whether the new
 * top of the stack can be written; here that shows when something is written.
 */
static int exec_enter(struct hvmon_emul *em)
{
	int ssize = stack_size(em), r;
	u64 frame;

	if (em->insn.imm & 31)
		return hvmon_em_unknown(em, "ENTER with a nesting level");
	r = exec_push(em, OPD_RM);
	frame = hvmon_em_reg(em, HVMON_RSP, ssize);
	hvmon_em_set_reg(em, HVMON_RBP, em->insn.opsize, frame);
	hvmon_em_set_reg(em, HVMON_RSP, ssize, frame - em->insn.imm16);
	return r;
}

int hvmon_em_stack(struct hvmon_emul *em)
{
	switch (em->insn.op) {
	case OP_JMP:
		return exec_jmp(em);
	case OP_PUSH:
	case OP_CALL:
		return exec_push(em, em->insn.src);
	case OP_ENTER:
		return exec_enter(em);
	default:
		return exec_pop(em);
	}
}
