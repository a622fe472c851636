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

/* Of zero there is no bit: the destination stays, APM vol. 3, "BSF" */
static void scan(struct hvmon_int_args *a, bool reverse)
{
	a->keep = !a->src;
	a->rflags &= ~ZF;
	if (a->keep)
		a->rflags |= ZF;
	else
		a->dst = reverse ? 63 - __builtin_clzll(a->src) : __builtin_ctzll(a->src);
}

static void op_bsf(struct hvmon_int_args *a)
{
	scan(a, false);
}

static void op_bsr(struct hvmon_int_args *a)
{
	scan(a, true);
}

static s64 sign_extend(const struct hvmon_int_args *a, u64 val)
{
	int shift = 64 - 8 * a->size;

	return (s64)(val << shift) >> shift;
}

/* CF and OF say that the product does not fit */
static void imul(struct hvmon_int_args *a, u64 x, u64 y)
{
	s64 res;
	bool over = __builtin_mul_overflow(sign_extend(a, x), sign_extend(a, y), &res);

	a->dst = res & hvmon_size_mask(a->size);
	a->rflags &= ~(CF | OF);
	if (over || sign_extend(a, a->dst) != res)
		a->rflags |= CF | OF;
}

static void op_imul(struct hvmon_int_args *a)
{
	imul(a, a->dst, a->src);
}

static void op_imul_imm(struct hvmon_int_args *a)
{
	imul(a, a->src, a->third & hvmon_size_mask(a->size));
}

/* OF is defined for shifts by one bit, then it says that the sign has changed */
static void shift_double(struct hvmon_int_args *a, bool left)
{
	unsigned int bits = 8 * a->size, n = a->third & (bits == 64 ? 63 : 31);
	u64 res, old = a->dst, in = a->src, out;

	/* Flags stay; the store still clears the upper half of a 32-bit register */
	if (!n)
		return;
	/* More than 16 bits: undefined, processors go on with the source's */
	if (n > bits) {
		n -= bits;
		swap(old, in);
	}
	if (left) {
		res = (n == bits ? 0 : old << n) | in >> (bits - n);
		out = old >> (bits - n);
	} else {
		res = old >> n | (n == bits ? in : in << (bits - n));
		out = old >> (n - 1);
	}
	a->dst = res & hvmon_size_mask(a->size);
	set_flags(a, a->dst, (out & 1 ? CF : 0) | ((a->dst ^ old) & sign_bit(a) ? OF : 0),
		  n == 1 ? AF : AF | OF);
}

static void op_shld(struct hvmon_int_args *a)
{
	shift_double(a, true);
}

static void op_shrd(struct hvmon_int_args *a)
{
	shift_double(a, false);
}

/* ---- products and quotients of double width ---- */

/* CF and OF say that the upper half is more than the extension of the lower one */
static void set_product(struct hvmon_int_args *a, unsigned __int128 product, bool wide)
{
	a->acc = (u64)product & hvmon_size_mask(a->size);
	a->high = (u64)(product >> (8 * a->size)) & hvmon_size_mask(a->size);
	a->rflags &= ~(CF | OF);
	if (wide)
		a->rflags |= CF | OF;
}

static void op_mul(struct hvmon_int_args *a)
{
	unsigned __int128 product = (unsigned __int128)a->acc * a->src;

	set_product(a, product, product >> (8 * a->size));
}

static void op_imul_wide(struct hvmon_int_args *a)
{
	__int128 product = (__int128)sign_extend(a, a->acc) * sign_extend(a, a->src);

	set_product(a, product, product != sign_extend(a, (u64)product));
}

/* False if the quotient has more than 64 bits; the kernel lacks the compiler's function */
static bool divide(unsigned __int128 n, u64 d, u64 *quotient, u64 *rest)
{
	u64 high = n >> 64;

	if (high >= d)
		return false;
	asm("divq %[d]" : "=a" (*quotient), "=d" (*rest)
	    : [d] "r" (d), "0" ((u64)n), "1" (high) : "cc");
	return true;
}

static unsigned __int128 dividend(const struct hvmon_int_args *a)
{
	return (unsigned __int128)a->high << (8 * a->size) | a->acc;
}

static void op_div(struct hvmon_int_args *a)
{
	u64 quotient, rest;

	a->fault = !divide(dividend(a), a->src, &quotient, &rest) ||
		   quotient > hvmon_size_mask(a->size);
	if (a->fault)
		return;
	a->acc = quotient;
	a->high = rest;
}

/* Truncates towards zero: the rest has the dividend's sign */
static void op_idiv(struct hvmon_int_args *a)
{
	bool minus = a->high & sign_bit(a), opposite = !!(a->src & sign_bit(a)) != minus;
	unsigned __int128 n = dividend(a), mask = ~(unsigned __int128)0 >> (128 - 16 * a->size);
	u64 d = a->src & sign_bit(a) ? -(u64)sign_extend(a, a->src) : a->src, quotient, rest;

	if (minus)
		n = -n & mask;
	a->fault = !divide(n, d, &quotient, &rest) || quotient > sign_bit(a) - !opposite;
	if (a->fault)
		return;
	a->acc = (opposite ? -quotient : quotient) & hvmon_size_mask(a->size);
	a->high = (minus ? -rest : rest) & hvmon_size_mask(a->size);
}

/* ---- shifts and rotations, bit by bit ---- */

/* What comes in at the other end */
enum { IN_ZERO, IN_CARRY, IN_OUT, IN_SIGN };

static void shift(struct hvmon_int_args *a, bool left, int in)
{
	unsigned int bits = 8 * a->size, count = a->src & (bits == 64 ? 63 : 31), i;
	u64 carry = a->rflags & CF, flags, out, bit, top;

	/* Flags stay; the store still clears the upper half of a 32-bit register */
	if (!count)
		return;
	for (i = 0; i < count; i++) {
		out = left ? a->dst >> (bits - 1) : a->dst & 1;
		bit = in == IN_CARRY ? carry : in == IN_OUT ? out :
		      in == IN_SIGN ? a->dst >> (bits - 1) : 0;
		carry = out;
		if (left)
			a->dst = (a->dst << 1 | bit) & hvmon_size_mask(a->size);
		else
			a->dst = a->dst >> 1 | bit << (bits - 1);
	}
	/* Defined for one bit only: the sign has changed, or will if that goes on */
	top = a->dst >> (bits - 1);
	flags = carry;
	if (top ^ (left ? carry : a->dst >> (bits - 2) & 1))
		flags |= OF;
	if (in == IN_CARRY || in == IN_OUT)
		a->rflags = (a->rflags & ~CF) | carry;
	else
		set_flags(a, a->dst, flags, AF | OF);
	if (count == 1)
		a->rflags = (a->rflags & ~OF) | (flags & OF);
}

static void op_rol(struct hvmon_int_args *a)
{
	shift(a, true, IN_OUT);
}

static void op_ror(struct hvmon_int_args *a)
{
	shift(a, false, IN_OUT);
}

static void op_rcl(struct hvmon_int_args *a)
{
	shift(a, true, IN_CARRY);
}

static void op_rcr(struct hvmon_int_args *a)
{
	shift(a, false, IN_CARRY);
}

static void op_shl(struct hvmon_int_args *a)
{
	shift(a, true, IN_ZERO);
}

static void op_shr(struct hvmon_int_args *a)
{
	shift(a, false, IN_ZERO);
}

static void op_sar(struct hvmon_int_args *a)
{
	shift(a, false, IN_SIGN);
}

/* ---- conditions, APM vol. 3, "Jcc" ---- */

static bool condition(const struct hvmon_int_args *a)
{
	static const u64 any_of[8] = { OF, CF, ZF, CF | ZF, SF, PF, 0, ZF };
	bool less = !!(a->rflags & SF) != !!(a->rflags & OF);
	bool met = a->rflags & any_of[a->third >> 1];

	if (a->third >= 12)
		met |= less;
	return met != (a->third & 1);
}

/* Its destination is written in any case: the upper half of a 32-bit register */
static void op_cmov(struct hvmon_int_args *a)
{
	if (condition(a))
		a->dst = a->src;
}

static void op_set(struct hvmon_int_args *a)
{
	a->dst = condition(a);
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
	[OP_BSF] = { op_bsf, INT_WR },
	[OP_BSR] = { op_bsr, INT_WR },
	[OP_IMUL] = { op_imul, RDWR },
	[OP_IMUL_IMM] = { op_imul_imm, INT_WR },
	[OP_SHLD] = { op_shld, RDWR },
	[OP_SHRD] = { op_shrd, RDWR },
	[OP_MUL] = { op_mul, INT_WIDE },
	[OP_IMUL_WIDE] = { op_imul_wide, INT_WIDE },
	[OP_DIV] = { op_div, INT_WIDE },
	[OP_IDIV] = { op_idiv, INT_WIDE },
	[OP_CMOV] = { op_cmov, RDWR },
	[OP_SET] = { op_set, INT_WR },
	[OP_ROL] = { op_rol, RDWR },
	[OP_ROR] = { op_ror, RDWR },
	[OP_RCL] = { op_rcl, RDWR },
	[OP_RCR] = { op_rcr, RDWR },
	[OP_SHL] = { op_shl, RDWR },
	[OP_SHR] = { op_shr, RDWR },
	[OP_SAL] = { op_shl, RDWR },
	[OP_SAR] = { op_sar, RDWR },
};
