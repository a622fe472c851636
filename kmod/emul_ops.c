// SPDX-License-Identifier: GPL-2.0
/*
 * Integer operations on values, with the flags that they leave. Flags that
 * the manuals call undefined are left alone, but for AF of the logical
 * operations, which processors clear.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/swab.h>

#include "emul.h"

#define CF	BIT_ULL(0)
#define PF	BIT_ULL(2)
#define AF	BIT_ULL(4)
#define ZF	BIT_ULL(6)
#define SF	BIT_ULL(7)
#define OF	BIT_ULL(11)

static u64 sign_bit(const struct hvmon_int_args *a)
{
	return 1ULL << (8 * a->size - 1);
}

/* SF, ZF and PF of the result, and the others as given; @keep stay as they are */
static void set_flags(struct hvmon_int_args *a, u64 res, u64 flags, u64 keep)
{
	u8 low = res;

	low ^= low >> 4;
	low ^= low >> 2;
	low ^= low >> 1;
	if (!(low & 1))
		flags |= PF;
	if (!res)
		flags |= ZF;
	if (res & sign_bit(a))
		flags |= SF;
	keep |= ~HVMON_ARITH_FLAGS;
	a->rflags = (a->rflags & keep) | (flags & ~keep);
}

static u64 add(struct hvmon_int_args *a, u64 x, u64 y, u64 carry, u64 keep)
{
	u64 res = (x + y + carry) & hvmon_size_mask(a->size);
	u64 flags = (x ^ y ^ res) & AF;

	if (res < x || (carry && res == x))
		flags |= CF;
	if ((x ^ res) & (y ^ res) & sign_bit(a))
		flags |= OF;
	set_flags(a, res, flags, keep);
	return res;
}

static u64 sub(struct hvmon_int_args *a, u64 x, u64 y, u64 borrow, u64 keep)
{
	u64 res = (x - y - borrow) & hvmon_size_mask(a->size);
	u64 flags = (x ^ y ^ res) & AF;

	if (x < y || (borrow && x == y))
		flags |= CF;
	if ((x ^ y) & (x ^ res) & sign_bit(a))
		flags |= OF;
	set_flags(a, res, flags, keep);
	return res;
}

static u64 logic(struct hvmon_int_args *a, u64 res)
{
	set_flags(a, res, 0, 0);
	return res;
}

static void op_add(struct hvmon_int_args *a)
{
	a->dst = add(a, a->dst, a->src, 0, 0);
}

static void op_adc(struct hvmon_int_args *a)
{
	a->dst = add(a, a->dst, a->src, a->rflags & CF, 0);
}

static void op_sub(struct hvmon_int_args *a)
{
	a->dst = sub(a, a->dst, a->src, 0, 0);
}

static void op_sbb(struct hvmon_int_args *a)
{
	a->dst = sub(a, a->dst, a->src, a->rflags & CF, 0);
}

static void op_or(struct hvmon_int_args *a)
{
	a->dst = logic(a, a->dst | a->src);
}

/* TEST and CMP are AND and SUB whose result nobody stores */
static void op_and(struct hvmon_int_args *a)
{
	a->dst = logic(a, a->dst & a->src);
}

static void op_xor(struct hvmon_int_args *a)
{
	a->dst = logic(a, a->dst ^ a->src);
}

static void op_not(struct hvmon_int_args *a)
{
	a->dst = ~a->dst & hvmon_size_mask(a->size);
}

static void op_neg(struct hvmon_int_args *a)
{
	a->dst = sub(a, 0, a->dst, 0, 0);
}

static void op_inc(struct hvmon_int_args *a)
{
	a->dst = add(a, a->dst, 1, 0, CF);
}

static void op_dec(struct hvmon_int_args *a)
{
	a->dst = sub(a, a->dst, 1, 0, CF);
}

static void op_mov(struct hvmon_int_args *a)
{
	a->dst = a->src;
}

static void op_movsx(struct hvmon_int_args *a)
{
	int shift = 64 - 8 * a->srcsize;

	a->dst = ((s64)(a->src << shift) >> shift) & hvmon_size_mask(a->size);
}

static void op_movbe(struct hvmon_int_args *a)
{
	a->dst = swab64(a->src) >> (64 - 8 * a->size);
}

static void op_xchg(struct hvmon_int_args *a)
{
	swap(a->dst, a->src);
}

static void op_xadd(struct hvmon_int_args *a)
{
	u64 old = a->dst;

	a->dst = add(a, a->dst, a->src, 0, 0);
	a->src = old;
}

/* The destination is written in any case, APM vol. 3, "CMPXCHG" */
static void op_cmpxchg(struct hvmon_int_args *a)
{
	sub(a, a->acc, a->dst, 0, 0);
	if (a->rflags & ZF) {
		a->dst = a->src;
	} else {
		a->acc = a->dst;
		a->set_acc = true;
	}
}

/* The bit's value before the operation is in CF; returns the bit */
static u64 bit_test(struct hvmon_int_args *a)
{
	u64 bit = 1ULL << (a->src & (8 * a->size - 1));

	a->rflags &= ~CF;
	if (a->dst & bit)
		a->rflags |= CF;
	return bit;
}

static void op_bt(struct hvmon_int_args *a)
{
	bit_test(a);
}

static void op_bts(struct hvmon_int_args *a)
{
	a->dst |= bit_test(a);
}

static void op_btr(struct hvmon_int_args *a)
{
	a->dst &= ~bit_test(a);
}

static void op_btc(struct hvmon_int_args *a)
{
	a->dst ^= bit_test(a);
}

#define RDWR	(INT_RD | INT_WR)

const struct hvmon_int_op hvmon_int_ops[OP_NR_INT] = {
	[OP_ADD] = { op_add, RDWR },
	[OP_OR] = { op_or, RDWR },
	[OP_ADC] = { op_adc, RDWR },
	[OP_SBB] = { op_sbb, RDWR },
	[OP_AND] = { op_and, RDWR },
	[OP_SUB] = { op_sub, RDWR },
	[OP_XOR] = { op_xor, RDWR },
	[OP_CMP] = { op_sub, INT_RD },
	[OP_MOV] = { op_mov, INT_WR },
	[OP_MOVZX] = { op_mov, INT_WR },
	[OP_MOVSX] = { op_movsx, INT_WR },
	[OP_MOVBE] = { op_movbe, INT_WR },
	[OP_TEST] = { op_and, INT_RD },
	[OP_NOT] = { op_not, RDWR },
	[OP_NEG] = { op_neg, RDWR },
	[OP_INC] = { op_inc, RDWR },
	[OP_DEC] = { op_dec, RDWR },
	[OP_XCHG] = { op_xchg, RDWR | INT_WR_SRC },
	[OP_XADD] = { op_xadd, RDWR | INT_WR_SRC },
	[OP_CMPXCHG] = { op_cmpxchg, RDWR },
	[OP_BT] = { op_bt, INT_RD | INT_BIT },
	[OP_BTS] = { op_bts, RDWR | INT_BIT },
	[OP_BTR] = { op_btr, RDWR | INT_BIT },
	[OP_BTC] = { op_btc, RDWR | INT_BIT },
};
