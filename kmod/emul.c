// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's core: addresses, segmentation, the log of memory accesses,
 * and the integer instructions.
 *
 * An instruction works on a copy of the registers and may be executed several
 * times: whenever an access has to wait for the launcher, it ends with EM_WAIT
 * and begins anew with the answer in the log. So nothing but an access in the
 * log and the caller's commit at the end has an effect.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "emul.h"

#define CR0_PE		BIT_ULL(0)
#define CR4_LA57	BIT_ULL(12)
#define RFLAGS_ZF	BIT_ULL(6)
#define RFLAGS_RF	BIT_ULL(16)
#define RFLAGS_VM	BIT_ULL(17)

int hvmon_em_raise(struct hvmon_emul *em, u8 vector, bool has_error, u32 error, u64 payload)
{
	em->fault = (struct hvmon_event) {
		.valid = 1,
		.type = HVMON_EV_EXCEPTION,
		.vector = vector,
		.has_error = has_error,
		.error = error,
		.payload = payload,
	};
	return EM_FAULT;
}

int hvmon_em_unknown(struct hvmon_emul *em, const char *why)
{
	em->why = why;
	return EM_UNKNOWN;
}

/* AH, CH, DH and BH, if there is no REX prefix */
static bool is_high_byte(const struct hvmon_insn *insn, int reg, int size)
{
	return size == 1 && reg >= 4 && reg < 8 && !insn->rex;
}

u64 hvmon_insn_reg(const struct hvmon_insn *insn, const struct hvmon_regs *regs, int reg,
		   int size)
{
	if (is_high_byte(insn, reg, size))
		return regs->gpr[reg - 4] >> 8 & 0xff;
	return regs->gpr[reg] & hvmon_size_mask(size);
}

/* 32-bit results clear the upper half, smaller ones leave the rest alone */
void hvmon_insn_set_reg(const struct hvmon_insn *insn, struct hvmon_regs *regs, int reg,
			int size, u64 val)
{
	u64 mask = size == 4 ? ~0ULL : hvmon_size_mask(size);

	val &= hvmon_size_mask(size);
	if (is_high_byte(insn, reg, size)) {
		reg -= 4;
		mask <<= 8;
		val <<= 8;
	}
	regs->gpr[reg] = (regs->gpr[reg] & ~mask) | val;
}

/* ---- addresses ---- */

/* Are the bytes within the limit? APM vol. 2, 4.12 */
bool hvmon_seg_has(const struct hvmon_segment *s, u64 ea, u32 len)
{
	u64 last = ea + len - 1;

	/* Data that expands down */
	if ((s->attr & 0xc) == 4)
		return ea > s->limit && last <= (s->attr & HVMON_SEG_DB ? U32_MAX : U16_MAX);
	return last <= s->limit;
}

/* Limit and type, APM vol. 2, 4.7 and 4.12 */
static bool seg_allows(const struct hvmon_segment *s, u64 cr0, u64 rflags, u64 ea, u32 len,
		       bool write)
{
	u32 type = s->attr & 0xf;
	bool code = type & 8;

	if ((cr0 & CR0_PE) && !(rflags & RFLAGS_VM)) {
		if ((s->attr & HVMON_SEG_UNUSABLE) || !(s->attr & HVMON_SEG_P))
			return false;
		if (write && (code || !(type & 2)))
			return false;
		if (code && !(type & 2))
			return false;
	}
	return hvmon_seg_has(s, ea, len);
}

bool hvmon_em_is_canonical(struct hvmon_emul *em, u64 lin)
{
	int shift = em->ops->get_cr(em, 4) & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(lin << shift) >> shift) == lin;
}

/* Linear address of @len bytes at @seg:@ea, with the checks of the access */
int hvmon_em_linear(struct hvmon_emul *em, int seg, u64 ea, u32 len, bool write, u64 *lin)
{
	struct hvmon_segment s;
	bool ok;

	if (em->insn.bits == 64) {
		*lin = ea;
		if (seg == HVMON_FS || seg == HVMON_GS) {
			em->ops->get_seg(em, seg, &s);
			*lin += s.base;
		}
		ok = hvmon_em_is_canonical(em, *lin) &&
		     hvmon_em_is_canonical(em, *lin + len - 1);
	} else {
		em->ops->get_seg(em, seg, &s);
		*lin = (u32)(s.base + ea);
		ok = seg_allows(&s, em->ops->get_cr(em, 0), em->regs.rflags, ea, len, write);
	}
	if (ok)
		return EM_OK;
	return seg == HVMON_SS ? hvmon_em_raise(em, 12, true, 0, 0) : hvmon_em_gp(em);
}

/*
 * Translate operand @n, both of its pages, before anything is accessed. The
 * answer stays for all runs of the instruction.
 */
int hvmon_em_map_access(struct hvmon_emul *em, int n, u64 lin, u32 len, u32 access)
{
	struct hvmon_emul_map *map = &em->map[n];
	u32 error = 0, part;
	int r;

	if (map->valid)
		return EM_OK;
	map->nr = 0;
	while (len) {
		part = min_t(u32, len, 4096 - (lin & 4095));
		r = em->ops->translate(em, lin, access, &map->gpa[map->nr], &error);
		if (r == EM_FAULT)
			return hvmon_em_raise(em, 14, true, error, lin);
		if (r)
			return r;
		map->len[map->nr++] = part;
		len -= part;
		lin += part;
		if (em->insn.bits != 64 && lin == BIT_ULL(32))
			lin = 0;
	}
	map->valid = true;
	return EM_OK;
}

int hvmon_em_map(struct hvmon_emul *em, int n, u64 lin, u32 len, bool write)
{
	u32 access = write ? HVMON_ACCESS_WRITE : 0;

	if (em->cpl == 3)
		access |= HVMON_ACCESS_USER;
	return hvmon_em_map_access(em, n, lin, len, access);
}

int hvmon_em_map_at(struct hvmon_emul *em, int n, int seg, u64 ea, u32 len, bool write)
{
	u64 lin;
	int r;

	if (em->map[n].valid)
		return EM_OK;
	r = hvmon_em_linear(em, seg, ea, len, write, &lin);
	return r ? r : hvmon_em_map(em, n, lin, len, write);
}

/* ---- accesses ---- */

static int do_access(struct hvmon_emul *em, u64 gpa, u32 len, bool write, u8 *buf)
{
	struct hvmon_emul_access *a;
	int r;

	if (em->pos == HVMON_EMUL_LOG)
		return -EIO;
	a = &em->log[em->pos++];
	if (em->pos > em->nr_log) {
		em->nr_log = em->pos;
		a->gpa = gpa;
		a->len = len;
		a->write = write;
		a->done = false;
		if (write)
			memcpy(a->data, buf, len);
	}
	if (!a->done) {
		r = em->ops->access(em, a);
		if (r)
			return r;
		a->done = true;
	}
	if (!write)
		memcpy(buf, a->data, len);
	return EM_OK;
}

static int access_map(struct hvmon_emul *em, int n, bool write, u8 *buf)
{
	const struct hvmon_emul_map *map = &em->map[n];
	int i, r;

	for (i = 0; i < map->nr; i++) {
		r = do_access(em, map->gpa[i], map->len[i], write, buf);
		if (r)
			return r;
		buf += map->len[i];
	}
	return EM_OK;
}

int hvmon_em_read(struct hvmon_emul *em, int n, void *buf)
{
	return access_map(em, n, false, buf);
}

int hvmon_em_write(struct hvmon_emul *em, int n, const void *buf)
{
	return access_map(em, n, true, (u8 *)buf);
}

/*
 * A locked access to memory that the processor can reach is its business:
 * there it is atomic. Only before the first access of the instruction.
 */
static bool left_to_processor(struct hvmon_emul *em, bool locked)
{
	const struct hvmon_emul_map *map = &em->map[EM_MAP_RM];
	int i;

	if (!locked || em->nr_log)
		return false;
	for (i = 0; i < map->nr; i++)
		if (!em->ops->is_ram(em, map->gpa[i], true))
			return false;
	return true;
}

/* ---- instructions ---- */

int hvmon_em_load(struct hvmon_emul *em, int opd, int size, u64 *val)
{
	const struct hvmon_insn *insn = &em->insn;
	struct hvmon_segment s;

	*val = 0;
	switch (opd) {
	case OPD_RM:
		if (insn->mem)
			return hvmon_em_read(em, EM_MAP_RM, val);
		*val = hvmon_em_reg(em, insn->rm, size);
		break;
	case OPD_REG:
		*val = hvmon_em_reg(em, insn->reg, size);
		break;
	case OPD_ACC:
		*val = hvmon_em_reg(em, HVMON_RAX, size);
		break;
	case OPD_IMM:
		*val = insn->imm & hvmon_size_mask(size);
		break;
	case OPD_ONE:
		*val = 1;
		break;
	case OPD_CL:
		*val = hvmon_em_reg(em, HVMON_RCX, 1);
		break;
	case OPD_SEG:
		em->ops->get_seg(em, insn->reg, &s);
		*val = s.selector;
		break;
	}
	return EM_OK;
}

int hvmon_em_store(struct hvmon_emul *em, int opd, int size, u64 val)
{
	const struct hvmon_insn *insn = &em->insn;

	switch (opd) {
	case OPD_RM:
		if (insn->mem)
			return hvmon_em_write(em, EM_MAP_RM, &val);
		hvmon_em_set_reg(em, insn->rm, size, val);
		break;
	case OPD_REG:
		hvmon_em_set_reg(em, insn->reg, size, val);
		break;
	case OPD_ACC:
		hvmon_em_set_reg(em, HVMON_RAX, size, val);
		break;
	}
	return EM_OK;
}

/* A bit number in a register reaches beyond the operand, APM vol. 3, "BT" */
static u64 bit_string_offset(struct hvmon_emul *em)
{
	int size = em->insn.opsize, shift = 64 - 8 * size;
	s64 bit = (s64)(hvmon_em_reg(em, em->insn.reg, size) << shift) >> shift;

	return (bit >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
}

static int map_rm(struct hvmon_emul *em, const struct hvmon_int_op *op)
{
	const struct hvmon_insn *insn = &em->insn;
	bool is_dst = insn->dst == OPD_RM;
	u64 ea = hvmon_em_address(em);

	if ((op->flags & INT_BIT) && insn->src == OPD_REG)
		ea = (ea + bit_string_offset(em)) & hvmon_size_mask(insn->adsize);
	return hvmon_em_map_at(em, EM_MAP_RM, insn->seg, ea,
			       is_dst ? insn->opsize : insn->srcsize,
			       is_dst && (op->flags & INT_WR));
}

/*
 * The operand that is neither destination nor source: CL of A5 and AD, a condition
 * or an immediate
 */
static u64 third_operand(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;

	if (insn->op == OP_CMOV || insn->op == OP_SET)
		return insn->opcode & 15;
	if ((insn->op == OP_SHLD || insn->op == OP_SHRD) && insn->opcode & 1)
		return hvmon_em_reg(em, HVMON_RCX, 1);
	return insn->imm;
}

/* AH or rDX */
static u64 high_half(struct hvmon_emul *em)
{
	if (em->insn.opsize == 1)
		return hvmon_em_reg(em, HVMON_RAX, 2) >> 8;
	return hvmon_em_reg(em, HVMON_RDX, em->insn.opsize);
}

static void set_halves(struct hvmon_emul *em, const struct hvmon_int_args *a)
{
	if (a->size == 1) {
		hvmon_em_set_reg(em, HVMON_RAX, 2, a->high << 8 | a->acc);
		return;
	}
	hvmon_em_set_reg(em, HVMON_RAX, a->size, a->acc);
	hvmon_em_set_reg(em, HVMON_RDX, a->size, a->high);
}

static int exec_int(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	const struct hvmon_int_op *op = &hvmon_int_ops[insn->op];
	struct hvmon_int_args a = {
		.size = insn->opsize,
		.srcsize = insn->srcsize,
		.rflags = em->regs.rflags,
		.third = third_operand(em),
		.acc = hvmon_em_reg(em, HVMON_RAX, insn->opsize),
		.high = op->flags & INT_WIDE ? high_half(em) : 0,
	};
	int r;

	if (insn->mem) {
		r = map_rm(em, op);
		if (r)
			return r;
		if (left_to_processor(em, insn->lock || insn->op == OP_XCHG))
			return EM_RETRY;
	}
	r = hvmon_em_load(em, insn->src, insn->srcsize, &a.src);
	if (!r && (op->flags & INT_RD))
		r = hvmon_em_load(em, insn->dst, insn->opsize, &a.dst);
	if (r)
		return r;
	op->fn(&a);
	if (a.fault)
		return hvmon_em_raise(em, 0, false, 0, 0);
	em->regs.rflags = a.rflags;
	if (op->flags & INT_WIDE)
		set_halves(em, &a);
	if (op->flags & INT_WR_SRC)
		r = hvmon_em_store(em, insn->src, insn->opsize, a.src);
	/* Only memory sees the write of a CMPXCHG that found another value */
	if (!r && !a.keep && (op->flags & INT_WR) && (insn->mem || !a.set_acc))
		r = hvmon_em_store(em, insn->dst, insn->opsize, a.dst);
	if (a.set_acc)
		hvmon_em_set_reg(em, HVMON_RAX, insn->opsize, a.acc);
	return r;
}

static int exec_cmpxchg8b(struct hvmon_emul *em)
{
	int half = em->insn.opsize == 8 ? 8 : 4;
	u64 old[2], val[2], lin;
	u8 buf[16];
	bool equal;
	int r;

	r = hvmon_em_linear(em, em->insn.seg, hvmon_em_address(em), 2 * half, true, &lin);
	if (r)
		return r;
	if (half == 8 && (lin & 15))
		return hvmon_em_gp(em);
	r = hvmon_em_map(em, EM_MAP_RM, lin, 2 * half, true);
	if (r)
		return r;
	if (left_to_processor(em, em->insn.lock))
		return EM_RETRY;
	r = hvmon_em_read(em, EM_MAP_RM, buf);
	if (r)
		return r;
	memset(old, 0, sizeof(old));
	memcpy(&old[0], buf, half);
	memcpy(&old[1], buf + half, half);
	equal = old[0] == hvmon_em_reg(em, HVMON_RAX, half) &&
		old[1] == hvmon_em_reg(em, HVMON_RDX, half);
	if (equal) {
		val[0] = hvmon_em_reg(em, HVMON_RBX, half);
		val[1] = hvmon_em_reg(em, HVMON_RCX, half);
		memcpy(buf, &val[0], half);
		memcpy(buf + half, &val[1], half);
		em->regs.rflags |= RFLAGS_ZF;
	} else {
		hvmon_em_set_reg(em, HVMON_RAX, half, old[0]);
		hvmon_em_set_reg(em, HVMON_RDX, half, old[1]);
		em->regs.rflags &= ~RFLAGS_ZF;
	}
	return hvmon_em_write(em, EM_MAP_RM, buf);
}

static int (*const exec[OP_NR_EXEC - OP_NR_INT])(struct hvmon_emul *em) = {
	[OP_CMPXCHG8B - OP_NR_INT] = exec_cmpxchg8b,
	[OP_VEC - OP_NR_INT] = hvmon_em_vec,
	[OP_PUSH - OP_NR_INT ... OP_ENTER - OP_NR_INT] = hvmon_em_stack,
	[OP_MOVS - OP_NR_INT ... OP_SCAS - OP_NR_INT] = hvmon_em_string,
	[OP_INS - OP_NR_INT ... OP_OUTS - OP_NR_INT] = hvmon_em_port_string,
	[OP_RDCR - OP_NR_INT ... OP_INVLPG - OP_NR_INT] = hvmon_em_system,
	[OP_LDSEG - OP_NR_INT ... OP_JMP_FAR - OP_NR_INT] = hvmon_em_segment,
};

/**
 * hvmon_emul_reset - forget the accesses of an instruction
 * @em: the emulator
 */
void hvmon_emul_reset(struct hvmon_emul *em)
{
	int i;

	em->nr_log = 0;
	em->pio_count = 0;
	em->pio_done = false;
	for (i = 0; i < EM_NR_MAPS; i++)
		em->map[i].valid = false;
}

/**
 * hvmon_emul_step - execute em->insn, or one iteration of it
 * @em: the emulator, set up with an instruction and its surroundings
 *
 * Return: EM_OK: em->regs are the new registers; RIP stays while em->again.
 * EM_WAIT: call again when the last access in the log, or the port access, is
 * done. Any other: nothing has changed.
 */
int hvmon_emul_step(struct hvmon_emul *em)
{
	int r;

	em->regs = *em->in;
	em->regs.rip += em->insn.len;
	if (em->insn.bits != 64)
		em->regs.rip = (u32)em->regs.rip;
	em->pos = 0;
	em->again = false;
	em->shadow = false;
	if (em->insn.op < OP_NR_INT)
		r = exec_int(em);
	else if (em->insn.op < OP_NR_EXEC)
		r = exec[em->insn.op - OP_NR_INT](em);
	else
		r = hvmon_em_unknown(em, "instruction is not one that can be emulated");
	if (r == EM_WAIT)
		return r;
	hvmon_emul_reset(em);
	if (em->again)
		em->regs.rip = em->in->rip;
	else
		em->regs.rflags &= ~RFLAGS_RF;
	return r;
}
