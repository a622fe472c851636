// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: whatever the emulator executes leaves the registers, flags, vector
 * registers and memory that the processor leaves, and faults where it faults.
 *
 * Random instructions with random operands run natively on one buffer and
 * emulated on a copy of it. The emulator's memory is a device that makes every
 * access wait, so that each instruction is also executed again from its log.
 *
 *   emul_fuzz [ROUNDS [SEED]]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "../../kmod/emul.h"
#include "native.h"

#define BUF_BASE	0x20000000ULL	/* within reach of disp32 and 32-bit addresses */
#define BUF_SIZE	0x4000
#define CODE_BASE	0x50000000ULL	/* where no bit offset of BT reaches: 512 MiB */

struct machine native;
u64 native_target;
static sigjmp_buf fault_jump;
static u8 memory[BUF_SIZE];		/* the emulator's */
static u8 *const buffer = (u8 *)BUF_BASE;	/* the processor's */
bool have_avx;

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	siglongjmp(fault_jump, sig);
}

static u64 rnd(void)
{
	static u64 x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Values near the edges find more than random ones */
static u64 rnd_value(void)
{
	static const u64 edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};

	return rnd() & 1 ? rnd() : edges[rnd() % ARRAY_SIZE(edges)] + rnd() % 3 - 1;
}

/* ---- the emulator's surroundings ---- */

static int fake_translate(struct hvmon_emul *em, u64 lin, u32 access, u64 *gpa, u32 *error)
{
	*gpa = lin;
	*error = 0;
	return lin >= BUF_BASE && lin < BUF_BASE + BUF_SIZE ? EM_OK : EM_FAULT;
}

static int fake_access(struct hvmon_emul *em, struct hvmon_emul_access *a)
{
	u8 *p = memory + (a->gpa - BUF_BASE);

	if (a->write)
		memcpy(p, a->data, a->len);
	else
		memcpy(a->data, p, a->len);
	a->done = true;
	return EM_WAIT;
}

static bool fake_is_ram(struct hvmon_emul *em, u64 gpa, bool write)
{
	return false;
}

static void fake_get_seg(struct hvmon_emul *em, int seg, struct hvmon_segment *s)
{
	static const u16 selectors[] = { 0, 0x33, 0x2b, 0, 0, 0 };

	memset(s, 0, sizeof(*s));
	s->selector = selectors[seg];
}

static u64 fake_get_cr(struct hvmon_emul *em, int cr)
{
	return cr == 0 ? 0x80050033 : 0x40620;
}

static const struct hvmon_emul_ops fake_ops = {
	.translate = fake_translate,
	.access = fake_access,
	.is_ram = fake_is_ram,
	.get_seg = fake_get_seg,
	.get_cr = fake_get_cr,
};

/* Of these the program would die: emul_seg.c is KUnit's and the selftests' */
int hvmon_em_segment(struct hvmon_emul *em)
{
	return hvmon_em_unknown(em, "segment register");
}

/* ---- random instructions ---- */

/* What to put after the prefixes; @imm: bytes of immediate, z: 2 or 4 */
struct form {
	u8 map, opcode;
	s8 reg;		/* ModRM.reg, -1: any */
	char imm;
	u8 kind;
};

enum { NORMAL, STRING, VECTOR, DIVIDE, CONDITION, STACK };

static const struct form forms[] = {
	{ 0, 0x00, -1, 0, NORMAL },	/* stands for 00-3F, see pick() */
	{ 0, 0x00, -1, 0, NORMAL }, { 0, 0x00, -1, 0, NORMAL },
	{ 0, 0x80, -1, 1, NORMAL }, { 0, 0x81, -1, 'z', NORMAL }, { 0, 0x83, -1, 1, NORMAL },
	{ 0, 0x84, -1, 0, NORMAL }, { 0, 0x85, -1, 0, NORMAL }, { 0, 0x86, -1, 0, NORMAL },
	{ 0, 0x87, -1, 0, NORMAL }, { 0, 0x88, -1, 0, NORMAL }, { 0, 0x89, -1, 0, NORMAL },
	{ 0, 0x8a, -1, 0, NORMAL }, { 0, 0x8b, -1, 0, NORMAL }, { 0, 0x8c, 2, 0, NORMAL },
	{ 0, 0x63, -1, 0, NORMAL }, { 0, 0x8f, 0, 0, NORMAL }, { 0, 0xff, 6, 0, NORMAL },
	{ 0, 0xc6, 0, 1, NORMAL }, { 0, 0xc7, 0, 'z', NORMAL },
	{ 0, 0xf6, 0, 1, NORMAL }, { 0, 0xf7, 0, 'z', NORMAL },
	{ 0, 0xf6, 2, 0, NORMAL }, { 0, 0xf7, 2, 0, NORMAL },
	{ 0, 0xf6, 3, 0, NORMAL }, { 0, 0xf7, 3, 0, NORMAL },
	{ 0, 0xf6, 4, 0, NORMAL }, { 0, 0xf7, 4, 0, NORMAL },
	{ 0, 0xf6, 5, 0, NORMAL }, { 0, 0xf7, 5, 0, NORMAL },
	{ 0, 0xf6, 6, 0, DIVIDE }, { 0, 0xf7, 6, 0, DIVIDE },
	{ 0, 0xf6, 7, 0, DIVIDE }, { 0, 0xf7, 7, 0, DIVIDE },
	{ 0, 0xc0, -1, 1, NORMAL }, { 0, 0xc1, -1, 1, NORMAL }, { 0, 0xd0, -1, 0, NORMAL },
	{ 0, 0xd1, -1, 0, NORMAL }, { 0, 0xd2, -1, 0, NORMAL }, { 0, 0xd3, -1, 0, NORMAL },
	{ 1, 0x40, -1, 0, CONDITION }, { 1, 0x90, -1, 0, CONDITION },
	{ 0, 0xfe, 0, 0, NORMAL }, { 0, 0xff, 0, 0, NORMAL },
	{ 0, 0xfe, 1, 0, NORMAL }, { 0, 0xff, 1, 0, NORMAL },
	{ 1, 0xa3, -1, 0, NORMAL }, { 1, 0xab, -1, 0, NORMAL }, { 1, 0xb3, -1, 0, NORMAL },
	{ 1, 0xbb, -1, 0, NORMAL }, { 1, 0xba, 4, 1, NORMAL }, { 1, 0xba, 5, 1, NORMAL },
	{ 1, 0xba, 6, 1, NORMAL }, { 1, 0xba, 7, 1, NORMAL },
	{ 1, 0xb0, -1, 0, NORMAL }, { 1, 0xb1, -1, 0, NORMAL }, { 1, 0xb6, -1, 0, NORMAL },
	{ 1, 0xb7, -1, 0, NORMAL }, { 1, 0xbe, -1, 0, NORMAL }, { 1, 0xbf, -1, 0, NORMAL },
	{ 1, 0xc0, -1, 0, NORMAL }, { 1, 0xc1, -1, 0, NORMAL }, { 1, 0xc3, -1, 0, NORMAL },
	{ 1, 0xc7, 1, 0, NORMAL },
	{ 1, 0xbc, -1, 0, NORMAL }, { 1, 0xbd, -1, 0, NORMAL }, { 1, 0xaf, -1, 0, NORMAL },
	{ 0, 0x69, -1, 'z', NORMAL }, { 0, 0x6b, -1, 1, NORMAL },
	{ 1, 0xa4, -1, 1, NORMAL }, { 1, 0xa5, -1, 0, NORMAL },
	{ 1, 0xac, -1, 1, NORMAL }, { 1, 0xad, -1, 0, NORMAL },
	{ 0, 0x50, -1, 0, STACK }, { 0, 0x58, -1, 0, STACK }, { 0, 0x68, -1, 'z', STACK },
	{ 0, 0x6a, -1, 1, STACK }, { 0, 0xc2, -1, 2, STACK }, { 0, 0xc3, -1, 0, STACK },
	{ 0, 0xc8, -1, 3, STACK }, { 0, 0xc9, -1, 0, STACK }, { 0, 0xe8, -1, 'z', STACK },
	{ 0, 0xff, 2, 0, NORMAL }, { 0, 0xff, 4, 0, NORMAL },
	{ 2, 0xf0, -1, 0, NORMAL }, { 2, 0xf1, -1, 0, NORMAL },
	{ 0, 0xa4, -1, 0, STRING }, { 0, 0xa5, -1, 0, STRING }, { 0, 0xa6, -1, 0, STRING },
	{ 0, 0xa7, -1, 0, STRING }, { 0, 0xaa, -1, 0, STRING }, { 0, 0xab, -1, 0, STRING },
	{ 0, 0xac, -1, 0, STRING }, { 0, 0xad, -1, 0, STRING }, { 0, 0xae, -1, 0, STRING },
	{ 0, 0xaf, -1, 0, STRING },
	{ 1, 0x10, -1, 0, VECTOR }, { 1, 0x11, -1, 0, VECTOR }, { 1, 0x12, -1, 0, VECTOR },
	{ 1, 0x13, -1, 0, VECTOR }, { 1, 0x16, -1, 0, VECTOR }, { 1, 0x17, -1, 0, VECTOR },
	{ 1, 0x28, -1, 0, VECTOR }, { 1, 0x29, -1, 0, VECTOR }, { 1, 0x2b, -1, 0, VECTOR },
	{ 1, 0x6e, -1, 0, VECTOR }, { 1, 0x6f, -1, 0, VECTOR }, { 1, 0x7e, -1, 0, VECTOR },
	{ 1, 0x7f, -1, 0, VECTOR }, { 1, 0xd6, -1, 0, VECTOR }, { 1, 0xe7, -1, 0, VECTOR },
	{ 1, 0xf0, -1, 0, VECTOR }, { 2, 0x2a, -1, 0, VECTOR },
};

struct bytes {
	u8 b[24];
	int n;
	int imm;	/* bytes of immediate at the end */
};

static void put(struct bytes *c, u8 byte)
{
	c->b[c->n++] = byte;
}

static void put_modrm(struct bytes *c, int reg)
{
	u8 modrm = rnd(), sib = rnd();
	int disp;

	if (rnd() % 4)
		modrm &= 0xbf | (rnd() & 0x40 ? 0 : 0x40);
	if (rnd() % 4 && modrm >= 0xc0)
		modrm ^= 0x40;
	if (reg >= 0)
		modrm = (modrm & 0xc7) | reg << 3;
	put(c, modrm);
	if (modrm >= 0xc0)
		return;
	disp = modrm >> 6 == 2 ? 4 : modrm >> 6;
	if ((modrm & 7) == 4) {
		put(c, sib);
		if (modrm < 0x40 && (sib & 7) == 5)
			disp = 4;
	}
	if (modrm < 0x40 && (modrm & 7) == 5)
		disp = 4;
	while (disp--)
		put(c, rnd());
}

static void put_legacy(struct bytes *c, const struct form *f, u8 opcode)
{
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	static const u8 segs[] = { 0x26, 0x2e, 0x36, 0x3e };
	u8 rep = rnd() & 1 ? 0xf3 : 0xf2, pp = mandatory[rnd() & 3];

	if (rnd() % 16 == 0)
		put(c, segs[rnd() & 3]);
	if (rnd() % 8 == 0)
		put(c, 0x67);
	if (f->kind == VECTOR) {
		if (pp)
			put(c, pp);
	} else {
		if (rnd() % 3 == 0)
			put(c, 0x66);
		if (f->kind == STRING && rnd() % 4)
			put(c, rep);
		if (f->kind != STRING && rnd() % 6 == 0)
			put(c, 0xf0);
	}
	if (rnd() & 1)
		put(c, 0x40 | (rnd() & 15));
	if (f->map)
		put(c, 0x0f);
	if (f->map == 2)
		put(c, 0x38);
	put(c, opcode);
}

static void put_vex(struct bytes *c, const struct form *f)
{
	u8 vvvv = rnd() % 4 ? 0x78 : rnd() & 0x78;

	if (f->map == 1 && rnd() & 1) {
		put(c, 0xc5);
		put(c, (rnd() & 0x87) | vvvv);
	} else {
		put(c, 0xc4);
		put(c, (rnd() & 0xe0) | f->map);
		put(c, (rnd() & 0x87) | vvvv);
	}
	put(c, f->opcode);
}

static void generate(struct bytes *c, const struct form *f)
{
	static const u8 alu[] = { 0, 1, 2, 3 };
	u8 opcode = f->opcode;

	c->n = 0;
	c->imm = 0;
	if (!f->map && !opcode)
		opcode = (rnd() & 0x38) | alu[rnd() & 3];
	if (f->kind == CONDITION)
		opcode |= rnd() & 15;
	if (opcode == 0x50 || opcode == 0x58)
		opcode |= rnd() & 7;
	if (f->kind == VECTOR && have_avx && rnd() & 1)
		put_vex(c, f);
	else
		put_legacy(c, f, opcode);
	if (f->kind == STRING)
		return;
	if (f->kind != STACK)
		put_modrm(c, f->reg);
	c->imm = f->imm == 'z' ? 4 : f->imm;
}

/* ---- one round ---- */

/* Make the operand's address fall into the buffer; false: not possible */
static bool aim(struct hvmon_emul *em, struct hvmon_regs *in, struct bytes *c)
{
	struct hvmon_insn *insn = &em->insn;
	u64 want = BUF_BASE + 0x1000 + rnd() % 0x1100, ea;
	s64 delta;
	s32 disp;

	if (rnd() & 1)
		want &= ~31ULL;
	em->regs = *in;
	em->regs.rip = CODE_BASE + insn->len;
	ea = hvmon_em_address(em);
	delta = want - ea;
	if (insn->base < 16 && insn->base != insn->index && insn->base != HVMON_RSP) {
		in->gpr[insn->base] += delta;
		if (insn->adsize == 4)
			in->gpr[insn->base] = (u32)in->gpr[insn->base];
	} else if (insn->base == HVMON_BASE_RIP || insn->base == HVMON_NO_REG) {
		disp = insn->disp + delta;
		if (disp != (s64)insn->disp + delta && insn->adsize == 8)
			return false;
		memcpy(c->b + insn->len - c->imm - 4, &disp, 4);
		insn->disp = disp;
	} else {
		return false;
	}
	em->regs = *in;
	em->regs.rip = CODE_BASE + insn->len;
	return hvmon_em_address(em) == want;
}

static void set_up(struct hvmon_regs *in, u8 *xsave)
{
	u64 bv = have_avx ? 7 : 3;
	int i;

	memset(xsave, 0, 1024);
	memcpy(xsave + 512, &bv, 8);
	for (i = 0; i < 8; i++) {
		native.mm[i] = rnd();
		memcpy(xsave + 32 + 16 * i, &native.mm[i], 8);
	}
	for (i = 0; i < 16; i++) {
		in->gpr[i] = rnd_value();
		for (int j = 0; j < 32; j++)
			native.ymm[i][j] = rnd();
		memcpy(xsave + 160 + 16 * i, native.ymm[i], 16);
		memcpy(xsave + 576 + 16 * i, native.ymm[i] + 16, 16);
	}
	in->gpr[HVMON_RSP] = BUF_BASE + 0x3000 + (rnd() & 0x7f8);
	in->rip = CODE_BASE;
	in->rflags = 0x202 | (rnd() & HVMON_ARITH_FLAGS) | (rnd() & 0x400);
}

static void set_up_string(struct hvmon_regs *in)
{
	in->gpr[HVMON_RSI] = BUF_BASE + 0x1000 + rnd() % 0x1000;
	in->gpr[HVMON_RDI] = BUF_BASE + 0x1000 + rnd() % 0x1000;
	in->gpr[HVMON_RCX] = rnd() % 20;
	/* Equal runs make REPE and REPNE worthwhile */
	if (rnd() & 1)
		memset(buffer + 0xf00, rnd() & 1 ? 0 : 0x80, 0x1200);
}

/* A small dividend, of either sign, has a quotient that fits */
static void set_up_divide(struct hvmon_regs *in)
{
	s64 high = rnd() % 3 - 1;

	in->gpr[HVMON_RDX] = high ? high >> 1 : rnd() & 0xff;
	if (rnd() & 1)
		in->gpr[HVMON_RAX] = (in->gpr[HVMON_RAX] & ~0xff00ULL) | (high & 0xff00);
}

#define FAULT_DE	32	/* whose vector is 0 */

/* Make a branch go to TARGET; false: not possible */
#define TARGET	(CODE_BASE + 64)

static bool aim_branch(struct hvmon_emul *em, struct hvmon_regs *in, struct bytes *c)
{
	struct hvmon_insn *insn = &em->insn;
	u64 target = TARGET;
	s32 rel = TARGET - (CODE_BASE + c->n);
	u8 *from = buffer + (in->gpr[HVMON_RSP] - BUF_BASE);

	if (insn->op == OP_CALL && insn->src == OPD_IMM) {
		memcpy(c->b + c->n - 4, &rel, 4);
		insn->imm = rel;
		return true;
	}
	if (insn->op != OP_RET) {
		if (!insn->mem) {
			in->gpr[insn->rm] = TARGET;
			return insn->rm != HVMON_RSP;
		}
		em->regs = *in;
		em->regs.rip = CODE_BASE + insn->len;
		from = buffer + (hvmon_em_address(em) - BUF_BASE);
	}
	memcpy(from, &target, 8);
	return true;
}

static bool is_branch(const struct hvmon_insn *insn)
{
	return insn->op == OP_CALL || insn->op == OP_RET || insn->op == OP_JMP;
}

/* 0, or the vector of the fault */
static int emulate(struct hvmon_emul *em, struct hvmon_regs *in)
{
	int r;

	hvmon_emul_reset(em);
	do {
		do {
			r = hvmon_emul_step(em);
		} while (r == EM_WAIT);
		if (r == EM_FAULT)
			return em->fault.vector ?: FAULT_DE;
		if (r) {
			printf("result %d\n", r);
			return 255;
		}
		*in = em->regs;
	} while (em->again);
	return 0;
}

static int run_native(void)
{
	int sig = sigsetjmp(fault_jump, 1);

	if (!sig)
		native_run();
	return sig;
}

static u8 *const code = (u8 *)CODE_BASE;

static void put_code(const struct bytes *c)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 };
	void *end = native_end;

	memcpy(code, c->b, c->n);
	for (u8 *p = code + c->n; p <= code + 64; p += code + 64 - p ?: 1) {
		memcpy(p, jump, 6);
		memcpy(p + 6, &end, 8);
	}
}

static bool same_vectors(const u8 *xsave)
{
	for (int i = 0; i < 8; i++)
		if (memcmp(xsave + 32 + 16 * i, &native.mm[i], 8))
			return false;
	for (int i = 0; i < 16 && have_avx; i++)
		if (memcmp(xsave + 160 + 16 * i, native.ymm[i], 16) ||
		    memcmp(xsave + 576 + 16 * i, native.ymm[i] + 16, 16))
			return false;
	return true;
}

/* The count of shifts and rotations */
static unsigned int shift_count(const struct hvmon_insn *insn, const struct hvmon_regs *start)
{
	bool by_cl = insn->map ? insn->opcode & 1 : insn->src == OPD_CL;
	u64 n = insn->src == OPD_ONE ? 1 : by_cl ? start->gpr[HVMON_RCX] : insn->imm;

	return n & (insn->opsize == 8 ? 63 : 31);
}

/* AF is undefined, OF but for one bit; CF if all that was in the operand is gone */
static u64 shift_flags(const struct hvmon_insn *insn, unsigned int count)
{
	u64 flags = HVMON_ARITH_FLAGS;

	if (count)
		flags &= ~0x10ULL;
	if (count > 1)
		flags &= ~0x800ULL;
	if (count >= 8 * insn->opsize && insn->op >= OP_SHL && insn->op <= OP_SAL)
		flags &= ~1ULL;
	return flags;
}

/* BT leaves all but CF and ZF undefined, logical operations AF */
static u64 defined_flags(const struct hvmon_insn *insn, const struct hvmon_regs *start)
{
	switch (insn->op) {
	case OP_BT ... OP_BTC:
		return 0x41;
	case OP_BSF: case OP_BSR:
		return 0x40;
	case OP_IMUL: case OP_IMUL_IMM: case OP_MUL: case OP_IMUL_WIDE:
		return 0x801;
	case OP_DIV: case OP_IDIV:
		return 0;
	case OP_SHLD: case OP_SHRD: case OP_SHL ... OP_SAR:
		return shift_flags(insn, shift_count(insn, start));
	case OP_ROL ... OP_RCR:		/* they leave AF and the others alone */
		return shift_flags(insn, shift_count(insn, start)) | 0x10;
	case OP_AND: case OP_OR: case OP_XOR: case OP_TEST:
		return HVMON_ARITH_FLAGS & ~0x10ULL;
	default:
		return HVMON_ARITH_FLAGS;
	}
}

static int complain(const struct bytes *c, const char *what, const struct hvmon_regs *start,
		    const struct hvmon_regs *got, int fault, int sig)
{
	printf("FAIL %s: fault %d, signal %d, bytes", what, fault, sig);
	for (int i = 0; i < c->n; i++)
		printf(" %02x", c->b[i]);
	printf("\n");
	for (int i = 0; i < 16; i++)
		if (got->gpr[i] != native.gpr[i])
			printf("  r%d %llx -> %llx, should be %llx\n", i, start->gpr[i],
			       got->gpr[i], native.gpr[i]);
	printf("  flags %llx -> %llx, should be %llx\n", start->rflags, got->rflags,
	       native.rflags);
	return -1;
}

/* 1: compared, 0: not a case, -1: differs */
static int round_of(const struct form *f)
{
	static u8 xsave[1024];
	struct hvmon_regs in, start;
	struct hvmon_emul em = { .ops = &fake_ops, .in = &in, .cpl = 3, .xsave = xsave,
				 .ymm_offset = have_avx ? 576 : 0, .xcr0 = 7 };
	struct bytes c;
	int r, len, fault, sig;
	bool word;

	for (int i = 0; i < BUF_SIZE; i++)
		buffer[i] = rnd();
	set_up(&in, xsave);
	generate(&c, f);
	len = c.n;
	for (int i = 0; i < 8; i++)
		c.b[len + i] = rnd();
	r = hvmon_decode(&em.insn, c.b, 15, 64);
	word = r > 0 && em.insn.opsize == 2 && f->imm == 'z';
	c.imm = word ? 2 : c.imm;
	c.n = len + c.imm;
	if (r == -EOPNOTSUPP || (r > 0 && em.insn.op >= OP_NR_EXEC))
		return 0;
	if (f->kind == STRING)
		set_up_string(&in);
	if (f->kind == DIVIDE && rnd() & 3)
		set_up_divide(&in);
	if (r > 0 && r != c.n) {
		printf("length %d\n", r);
		return complain(&c, "length", &in, &in, 0, 0);
	}
	if (r > 0 && em.insn.op == OP_ENTER) {
		/* No nesting level, and a new top of the stack that can be written */
		c.b[c.n - 1] &= 0xe0;
		em.insn.imm &= 0xe0;
		c.b[c.n - 2] &= 0xf;
		em.insn.imm16 &= 0xfff;
	}
	if (r > 0 && em.insn.op == OP_LEAVE)
		in.gpr[HVMON_RBP] = BUF_BASE + 0x1000 + rnd() % 0x2000;
	if (r > 0 && em.insn.mem && !aim(&em, &in, &c))
		return 0;
	if (r > 0 && is_branch(&em.insn) && !aim_branch(&em, &in, &c))
		return 0;
	if (r > 0 && !em.insn.mem && (em.insn.op == OP_POP || em.insn.opsize == 1) &&
	    em.insn.rm == HVMON_RSP && f->kind != STRING)
		return 0;
	if (r > 0 && (em.insn.op == OP_SHLD || em.insn.op == OP_SHRD) && em.insn.opsize == 2 &&
	    shift_count(&em.insn, &in) > 16)
		return 0;	/* undefined */

	start = in;
	memcpy(memory, buffer, BUF_SIZE);
	memcpy(native.gpr, in.gpr, sizeof(native.gpr));
	native.rflags = in.rflags;
	fault = r == -EINVAL ? 6 : r == -E2BIG ? 13 : emulate(&em, &in);
	put_code(&c);
	native_target = CODE_BASE;
	sig = run_native();
	if (fault || sig) {
		if (fault == 6 && sig == SIGILL)
			return 1;
		if (fault == FAULT_DE && sig == SIGFPE)
			return 1;
		if (fault >= 12 && fault <= 14 && (sig == SIGSEGV || sig == SIGBUS))
			return 1;
		return complain(&c, "fault", &start, &in, fault, sig);
	}
	if (memcmp(in.gpr, native.gpr, sizeof(in.gpr)))
		return complain(&c, "registers", &start, &in, fault, sig);
	if ((in.rflags ^ native.rflags) & defined_flags(&em.insn, &start))
		return complain(&c, "flags", &start, &in, fault, sig);
	if (memcmp(memory, buffer, BUF_SIZE))
		return complain(&c, "memory", &start, &in, fault, sig);
	if (!same_vectors(xsave))
		return complain(&c, "vectors", &start, &in, fault, sig);
	if (in.rip != (r > 0 && is_branch(&em.insn) ? TARGET : CODE_BASE + c.n))
		return complain(&c, "rip", &start, &in, fault, sig);
	return 1;
}

static void *map_fixed(u64 addr, size_t size, int prot)
{
	return mmap((void *)addr, size, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/*
 * The bit offset of a BT reaches 256 MiB down and 512 MiB up. Where the heap is placed
 * at random, it may lie there, and what must fault would hit it.
 */
static void fixed_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now == -1 || now & ADDR_NO_RANDOMIZE || personality(now | ADDR_NO_RANDOMIZE) == -1)
		return;
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100000, done = 0, failed = 0;
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_size = 1 << 16, .ss_sp = malloc(1 << 16) };

	fixed_addresses(argv);
	for (long i = argc > 2 ? atol(argv[2]) : 0; i > 0; i--)
		rnd();
	have_avx = __builtin_cpu_supports("avx");
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	if (map_fixed(BUF_BASE, BUF_SIZE, PROT_READ | PROT_WRITE) == MAP_FAILED ||
	    map_fixed(CODE_BASE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == MAP_FAILED) {
		perror("mmap");
		return 77;
	}
	for (long i = 0; i < rounds && failed < 10; i++) {
		int r = round_of(&forms[rnd() % ARRAY_SIZE(forms)]);

		if (r)
			done++;
		if (r < 0)
			failed++;
	}
	printf("emul_fuzz: %ld instructions compared, %ld differ\n", done, failed);
	return failed ? 1 : 0;
}
