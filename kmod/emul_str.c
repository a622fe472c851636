// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions. One step is one iteration, with its effect on the
 * count and index registers, so that a REP can stop and go on after any; port
 * strings hand many elements to the launcher in one step.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "emul.h"

#define RFLAGS_ZF	BIT_ULL(6)
#define RFLAGS_DF	BIT_ULL(10)

static u64 reg_addr(const struct hvmon_emul *em, int reg)
{
	return hvmon_em_reg(em, reg, em->insn.adsize);
}

/* RSI or RDI past @count elements, by the direction flag and address size */
static void advance(struct hvmon_emul *em, int reg, u32 count)
{
	s64 delta = (s64)count * em->insn.opsize;

	if (em->regs.rflags & RFLAGS_DF)
		delta = -delta;
	hvmon_em_set_reg(em, reg, em->insn.adsize, reg_addr(em, reg) + delta);
}

/* Take @count off RCX; true if a REP goes on */
static bool count_down(struct hvmon_emul *em, u32 count)
{
	if (!em->insn.rep)
		return false;
	hvmon_em_set_reg(em, HVMON_RCX, em->insn.adsize, reg_addr(em, HVMON_RCX) - count);
	return reg_addr(em, HVMON_RCX);
}

static bool rep_is_over(const struct hvmon_emul *em)
{
	return em->insn.rep && !reg_addr(em, HVMON_RCX);
}

/* What each instruction does with DS:RSI and ES:RDI */
enum { SRC_RD = 1, DST_RD = 2, DST_WR = 4, COMPARE = 8 };

static const u8 uses[OP_OUTS - OP_MOVS + 1] = {
	[OP_MOVS - OP_MOVS] = SRC_RD | DST_WR,
	[OP_CMPS - OP_MOVS] = SRC_RD | DST_RD | COMPARE,
	[OP_STOS - OP_MOVS] = DST_WR,
	[OP_LODS - OP_MOVS] = SRC_RD,
	[OP_SCAS - OP_MOVS] = DST_RD | COMPARE,
};

/* MOVS, CMPS, STOS, LODS, SCAS */
int hvmon_em_string(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	u8 use = uses[insn->op - OP_MOVS];
	int size = insn->opsize, r = EM_OK;
	struct hvmon_int_args a = { .size = size, .srcsize = size };
	u64 first = hvmon_em_reg(em, HVMON_RAX, size), second = 0;
	bool more;

	if (rep_is_over(em))
		return EM_OK;
	/* Both operands may fault before either is touched */
	if (use & SRC_RD)
		r = hvmon_em_map_at(em, EM_MAP_RM, insn->seg, reg_addr(em, HVMON_RSI), size,
				    false);
	if (!r && (use & (DST_RD | DST_WR)))
		r = hvmon_em_map_at(em, EM_MAP_OTHER, HVMON_ES, reg_addr(em, HVMON_RDI), size,
				    use & DST_WR);
	if (!r && (use & SRC_RD)) {
		first = 0;
		r = hvmon_em_read(em, EM_MAP_RM, &first);
	}
	if (!r && (use & DST_RD))
		r = hvmon_em_read(em, EM_MAP_OTHER, &second);
	if (!r && (use & DST_WR))
		r = hvmon_em_write(em, EM_MAP_OTHER, &first);
	if (r)
		return r;

	if (insn->op == OP_LODS)
		hvmon_em_set_reg(em, HVMON_RAX, size, first);
	if (use & COMPARE) {
		a.dst = first;
		a.src = second;
		a.rflags = em->regs.rflags;
		hvmon_int_ops[OP_CMP].fn(&a);
		em->regs.rflags = a.rflags;
	}
	if (use & SRC_RD)
		advance(em, HVMON_RSI, 1);
	if (use & (DST_RD | DST_WR))
		advance(em, HVMON_RDI, 1);
	more = count_down(em, 1);
	/* REPE goes on while equal, REPNE while not */
	if (use & COMPARE)
		more &= !!(em->regs.rflags & RFLAGS_ZF) == !!(insn->rep & 1);
	em->again = more;
	return EM_OK;
}

/*
 * How many elements can go in one step: all in one page, ascending, in memory,
 * and by an operand whose last byte the segment allows too.
 */
static u32 batch(struct hvmon_emul *em, int seg, int reg, bool write)
{
	const struct hvmon_emul_map *map = &em->map[EM_MAP_RM];
	u64 ea = reg_addr(em, reg), lin, n;
	u32 size = em->insn.opsize;

	if (!em->insn.rep || (em->regs.rflags & RFLAGS_DF) || map->nr != 1 ||
	    !em->ops->is_ram(em, map->gpa[0], write))
		return 1;
	n = min_t(u64, reg_addr(em, HVMON_RCX), HVMON_RUN_DATA / size);
	n = min_t(u64, n, (4096 - (map->gpa[0] & 4095)) / size);
	if (ea + n * size - 1 > hvmon_size_mask(em->insn.adsize) ||
	    hvmon_em_linear(em, seg, ea, n * size, write, &lin))
		return 1;
	return n;
}

/* The ports have given, or taken, em->pio_count elements */
static int finish_ports(struct hvmon_emul *em, bool in)
{
	if (!in)
		return EM_OK;
	if (em->pio_count > 1)
		return em->ops->ram_write(em, em->map[EM_MAP_RM].gpa[0],
					  em->pio_count * em->insn.opsize);
	return hvmon_em_write(em, EM_MAP_RM, &em->pio_val);
}

static int to_launcher(struct hvmon_emul *em, bool in, u16 port)
{
	const struct hvmon_insn *insn = &em->insn;
	u32 n = batch(em, in ? HVMON_ES : insn->seg, in ? HVMON_RDI : HVMON_RSI, in);
	int r;

	if (!in && n > 1) {
		r = em->ops->ram_read(em, em->map[EM_MAP_RM].gpa[0], n * insn->opsize);
		if (r)
			return r;
	} else if (!in) {
		memcpy(em->pio_data, &em->pio_val, insn->opsize);
	}
	em->pio_count = n;
	return em->ops->pio_user(em, in, port, insn->opsize, n);
}

/*
 * INS and OUTS. The processor has checked IOPL and the TSS's permission map
 * before the exit, but not the operand in memory: APM vol. 2, 15.10.2, checks
 * all other exceptions after the intercept. That is translated first: once a
 * port has been read, its value must have a place to go to.
 */
int hvmon_em_port_string(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	bool in = insn->op == OP_INS;
	int reg = in ? HVMON_RDI : HVMON_RSI, r;
	u16 port = hvmon_em_reg(em, HVMON_RDX, 2);
	u32 count;

	if (rep_is_over(em))
		return EM_OK;
	r = hvmon_em_map_at(em, EM_MAP_RM, in ? HVMON_ES : insn->seg, reg_addr(em, reg),
			    insn->opsize, in);
	if (r)
		return r;
	if (!em->pio_done) {
		em->pio_val = 0;
		if (!in)
			r = hvmon_em_read(em, EM_MAP_RM, &em->pio_val);
		if (!r)
			r = em->ops->pio(em, in, port, insn->opsize, &em->pio_val);
		if (r == -EOPNOTSUPP)
			return to_launcher(em, in, port);
		if (r)
			return r;
		em->pio_count = 1;
		em->pio_done = true;
	}
	r = finish_ports(em, in);
	if (r)
		return r;
	count = em->pio_count;
	advance(em, reg, count);
	em->again = count_down(em, count);
	return EM_OK;
}
