// SPDX-License-Identifier: GPL-2.0
/*
 * MMX, SSE and AVX moves. Registers live in the XSAVE area of the vCPU, in standard
 * format: a component whose bit in XSTATE_BV is clear is all zero, whatever
 * its memory holds (SDM vol. 1, 13.4.2 and 13.8.1).
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "emul.h"

#define XSAVE_FCW	0
#define XSAVE_FSW	2
#define XSAVE_FTW	4
#define XSAVE_ST	32
#define XSAVE_XMM	160
#define XSAVE_BV	512

#define XSTATE_X87	BIT_ULL(0)
#define XSTATE_SSE	BIT_ULL(1)
#define XSTATE_YMM	BIT_ULL(2)
#define XSTATE_ZMM_HI	BIT_ULL(6)

#define FCW_INIT	0x37f
#define FSW_ES		BIT(7)	/* an unmasked exception waits */
#define FSW_TOP		(7 << 11)

#define CR0_PE		BIT_ULL(0)
#define CR0_EM		BIT_ULL(2)
#define CR0_TS		BIT_ULL(3)
#define CR4_OSFXSR	BIT_ULL(9)
#define CR4_OSXSAVE	BIT_ULL(18)
#define RFLAGS_VM	BIT_ULL(17)

/* A part of the vector registers in the XSAVE area, @size bytes each */
struct part {
	u64 component;
	u32 offset;
	u32 size;
	u32 room;	/* of the whole component */
};

static struct part xmm_part(void)
{
	return (struct part) { XSTATE_SSE, XSAVE_XMM, 16, 256 };
}

static struct part ymm_part(const struct hvmon_emul *em)
{
	return (struct part) { XSTATE_YMM, em->ymm_offset, 16, 256 };
}

static bool in_use(const struct hvmon_emul *em, u64 component)
{
	u64 bv;

	memcpy(&bv, em->xsave + XSAVE_BV, 8);
	return bv & component;
}

static void set_in_use(struct hvmon_emul *em, u64 component)
{
	u64 bv;

	memcpy(&bv, em->xsave + XSAVE_BV, 8);
	bv |= component;
	memcpy(em->xsave + XSAVE_BV, &bv, 8);
}

static void read_part(struct hvmon_emul *em, const struct part *p, int reg, u8 *buf)
{
	if (in_use(em, p->component))
		memcpy(buf, em->xsave + p->offset + p->size * reg, p->size);
	else
		memset(buf, 0, p->size);
}

static void write_part(struct hvmon_emul *em, const struct part *p, int reg, const u8 *buf)
{
	if (!in_use(em, p->component)) {
		memset(em->xsave + p->offset, 0, p->room);
		set_in_use(em, p->component);
	}
	memcpy(em->xsave + p->offset + p->size * reg, buf, p->size);
}

/* Whole registers of 32 bytes; without AVX the upper half does not exist */
static void read_vec(struct hvmon_emul *em, int reg, u8 *buf)
{
	struct part lo = xmm_part(), hi = ymm_part(em);

	read_part(em, &lo, reg, buf);
	if (em->ymm_offset)
		read_part(em, &hi, reg, buf + 16);
}

/* VEX instructions clear all above the vector, others leave it alone */
static void write_vec(struct hvmon_emul *em, int reg, const u8 *buf)
{
	static const u8 zero[32];
	struct part lo = xmm_part(), hi = ymm_part(em);
	struct part top = { XSTATE_ZMM_HI, em->zmm_offset, 32, 512 };

	write_part(em, &lo, reg, buf);
	if (!em->insn.vex)
		return;
	write_part(em, &hi, reg, buf + 16);
	if (em->zmm_offset && in_use(em, XSTATE_ZMM_HI))
		write_part(em, &top, reg, zero);
}

/*
 * MMX registers are the significands of the x87's, by number; the area has them
 * by their distance from the top of the x87's stack. SDM vol. 1, 9.2 and 9.5.
 */
static bool is_mmx(const struct hvmon_emul *em)
{
	return em->insn.vec->flags & VEC_MMX;
}

static u16 status_word(const struct hvmon_emul *em)
{
	u16 fsw;

	memcpy(&fsw, em->xsave + XSAVE_FSW, 2);
	return fsw;
}

static u8 *mmx_reg(struct hvmon_emul *em, int reg)
{
	int top = (status_word(em) & FSW_TOP) >> 11;

	return em->xsave + XSAVE_ST + 16 * ((reg - top) & 7);
}

static void read_mmx(struct hvmon_emul *em, int reg, u8 *buf)
{
	if (in_use(em, XSTATE_X87))
		memcpy(buf, mmx_reg(em, reg), 8);
	else
		memset(buf, 0, 8);
}

/* Any of them makes register 0 the top, and all valid */
static void enter_mmx(struct hvmon_emul *em)
{
	u16 fcw = FCW_INIT, fsw;
	u8 st[8 * 16];
	int i;

	if (!in_use(em, XSTATE_X87)) {
		memset(em->xsave, 0, 24);
		memcpy(em->xsave + XSAVE_FCW, &fcw, 2);
		memset(em->xsave + XSAVE_ST, 0, sizeof(st));
		set_in_use(em, XSTATE_X87);
	}
	for (i = 0; i < 8; i++)
		memcpy(st + 16 * i, mmx_reg(em, i), 16);
	memcpy(em->xsave + XSAVE_ST, st, sizeof(st));
	fsw = status_word(em) & ~FSW_TOP;
	memcpy(em->xsave + XSAVE_FSW, &fsw, 2);
	em->xsave[XSAVE_FTW] = 0xff;	/* one bit each, 13.5.1 */
}

static void write_mmx(struct hvmon_emul *em, int reg, const u8 *buf)
{
	u8 *st;

	enter_mmx(em);
	st = mmx_reg(em, reg);
	memcpy(st, buf, 8);
	memset(st + 8, 0xff, 2);
}

/* SDM vol. 2, 2.4 and 2.5: when SSE and AVX instructions are there at all */
static int check_enabled(struct hvmon_emul *em)
{
	u64 cr0 = em->ops->get_cr(em, 0), cr4 = em->ops->get_cr(em, 4);
	u64 avx = XSTATE_SSE | XSTATE_YMM;

	if (!em->xsave)
		return hvmon_em_unknown(em, "no vector registers");
	if (em->insn.vex) {
		if (!(cr0 & CR0_PE) || (em->regs.rflags & RFLAGS_VM) ||
		    !(cr4 & CR4_OSXSAVE) || (em->xcr0 & avx) != avx || !em->ymm_offset)
			return hvmon_em_ud(em);
	} else if ((cr0 & CR0_EM) || !(is_mmx(em) || cr4 & CR4_OSFXSR)) {
		return hvmon_em_ud(em);
	}
	if (cr0 & CR0_TS)
		return hvmon_em_raise(em, 7, false, 0, 0);
	if (is_mmx(em) && in_use(em, XSTATE_X87) && status_word(em) & FSW_ES)
		return hvmon_em_raise(em, 16, false, 0, 0);
	return EM_OK;
}

static int exec_load(struct hvmon_emul *em, u8 *mem, u32 size)
{
	const struct hvmon_insn *insn = &em->insn;
	u8 buf[32] = { };

	if (is_mmx(em)) {
		write_mmx(em, insn->reg & 7, mem);
		return EM_OK;
	}
	if (insn->vec->flags & (VEC_LOW | VEC_HIGH)) {
		/* The half that is not loaded comes from a register */
		read_vec(em, insn->vex ? insn->vvvv : insn->reg, buf);
		memset(buf + 16, 0, 16);
		memcpy(buf + (insn->vec->flags & VEC_HIGH ? 8 : 0), mem, 8);
	} else {
		memcpy(buf, mem, size);
	}
	write_vec(em, insn->reg, buf);
	return EM_OK;
}

/* Whole vectors between registers */
static int exec_reg_move(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	bool store = insn->vec->flags & VEC_STORE;
	u8 buf[32] = { };

	read_vec(em, store ? insn->reg : insn->rm, buf);
	if (insn->vlen != 32)
		memset(buf + 16, 0, 16);
	write_vec(em, store ? insn->rm : insn->reg, buf);
	return EM_OK;
}

int hvmon_em_vec(struct hvmon_emul *em)
{
	const struct hvmon_insn *insn = &em->insn;
	u8 flags = insn->vec->flags;
	bool store = flags & VEC_STORE;
	u32 size = insn->vec->size;
	u8 buf[32] = { };
	u64 lin;
	int r;

	r = check_enabled(em);
	if (r)
		return r;
	if (!insn->mem)
		return exec_reg_move(em);
	if (flags & VEC_W)
		size = insn->rex & 8 ? 8 : 4;
	else if (!size)
		size = insn->vex ? insn->vlen : 16;

	r = hvmon_em_linear(em, insn->seg, hvmon_em_address(em), size, store, &lin);
	if (r)
		return r;
	if ((flags & VEC_ALIGN) && (lin & (size - 1)))
		return hvmon_em_gp(em);
	r = hvmon_em_map(em, EM_MAP_RM, lin, size, store);
	if (r)
		return r;
	if (store && is_mmx(em)) {
		read_mmx(em, insn->reg & 7, buf);
		r = hvmon_em_write(em, EM_MAP_RM, buf);
		if (!r)
			enter_mmx(em);
		return r;
	}
	if (store) {
		read_vec(em, insn->reg, buf);
		return hvmon_em_write(em, EM_MAP_RM, buf + (flags & VEC_HIGH ? 8 : 0));
	}
	r = hvmon_em_read(em, EM_MAP_RM, buf);
	return r ? r : exec_load(em, buf, size);
}
