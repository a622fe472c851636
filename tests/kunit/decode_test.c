// SPDX-License-Identifier: GPL-2.0
/* The instruction decoder, kmod/decode.c: bytes in, fields out. */
#include <kunit/test.h>

#include "../../kmod/decode.h"
#include "../../uapi/hvmon.h"

#define NONE HVMON_NO_REG

struct code {
	u8 n;
	u8 bytes[16];
};

#define B(...) { sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ } }

/* Bytes, and the fields that a decoder gets wrong most easily */
struct decode_case {
	const char *name;
	u8 bits;
	struct code code;
	u8 op, opsize, adsize, seg;
	u8 base, index, scale;
	s64 disp;
	u64 imm;
};

static const struct decode_case good[] = {
	{ "mov [rax], ecx", 64, B(0x89, 0x08), OP_MOV, 4, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "mov [eax], ecx", 32, B(0x89, 0x08), OP_MOV, 4, 4, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "mov [bx+si], cx", 16, B(0x89, 0x08), OP_MOV, 2, 2, HVMON_DS,
	  HVMON_RBX, HVMON_RSI },
	{ "mov [bp+di-2], cx", 16, B(0x89, 0x4b, 0xfe), OP_MOV, 2, 2, HVMON_SS,
	  HVMON_RBP, HVMON_RDI, 0, -2 },
	{ "mov [0x1234], cx", 16, B(0x89, 0x0e, 0x34, 0x12), OP_MOV, 2, 2, HVMON_DS,
	  NONE, NONE, 0, 0x1234 },
	{ "mov [eax], ecx in 16-bit code", 16, B(0x67, 0x66, 0x89, 0x08), OP_MOV, 4, 4,
	  HVMON_DS, HVMON_RAX, NONE },
	{ "mov [bx+si], cx in 32-bit code", 32, B(0x66, 0x67, 0x89, 0x08), OP_MOV, 2, 2,
	  HVMON_DS, HVMON_RBX, HVMON_RSI },
	{ "mov [r8+r9*4+8], r10", 64, B(0x4f, 0x89, 0x54, 0x88, 0x08), OP_MOV, 8, 8,
	  HVMON_DS, 8, 9, 2, 8 },
	{ "mov [rsp], eax: SS, no index", 64, B(0x89, 0x04, 0x24), OP_MOV, 4, 8,
	  HVMON_SS, HVMON_RSP, NONE },
	{ "mov [r12], eax: not SS", 64, B(0x41, 0x89, 0x04, 0x24), OP_MOV, 4, 8,
	  HVMON_DS, 12, NONE },
	{ "mov [r13], eax: displacement, not RIP", 64, B(0x41, 0x89, 0x45, 0x00), OP_MOV, 4, 8,
	  HVMON_DS, 13, NONE },
	{ "mov [rip+16], eax", 64, B(0x89, 0x05, 0x10, 0, 0, 0), OP_MOV, 4, 8, HVMON_DS,
	  HVMON_BASE_RIP, NONE, 0, 16 },
	{ "mov [disp32], eax", 32, B(0x89, 0x05, 0x10, 0, 0, 0x80), OP_MOV, 4, 4, HVMON_DS,
	  NONE, NONE, 0, (s32)0x80000010 },
	{ "mov [fs:disp32] by SIB", 64, B(0x64, 0x89, 0x04, 0x25, 0x10, 0, 0, 0), OP_MOV, 4, 8,
	  HVMON_FS, NONE, NONE, 0, 16 },
	{ "ES is ignored in 64-bit code", 64, B(0x26, 0x89, 0x08), OP_MOV, 4, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "ES in 32-bit code", 32, B(0x26, 0x89, 0x08), OP_MOV, 4, 4, HVMON_ES,
	  HVMON_RAX, NONE },
	{ "REX before 66 does not count", 64, B(0x48, 0x66, 0x89, 0x08), OP_MOV, 2, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "REX.W wins over 66", 64, B(0x66, 0x48, 0x89, 0x08), OP_MOV, 8, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "mov al, [moffs64]", 64, B(0xa0, 1, 2, 3, 4, 5, 6, 7, 8), OP_MOV, 1, 8, HVMON_DS,
	  NONE, NONE, 0, 0x0807060504030201 },
	{ "mov ax, [moffs16]", 16, B(0xa1, 0x34, 0x12), OP_MOV, 2, 2, HVMON_DS,
	  NONE, NONE, 0, 0x1234 },
	{ "mov dword [rax], -1", 64, B(0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff), OP_MOV, 8, 8,
	  HVMON_DS, HVMON_RAX, NONE, 0, 0, ~0ULL },
	{ "add word [rax], 0x1234", 64, B(0x66, 0x81, 0x00, 0x34, 0x12), OP_ADD, 2, 8,
	  HVMON_DS, HVMON_RAX, NONE, 0, 0, 0x1234 },
	{ "and dword [rax], -2", 64, B(0x83, 0x20, 0xfe), OP_AND, 4, 8, HVMON_DS,
	  HVMON_RAX, NONE, 0, 0, -2ULL },
	{ "test byte [rax], 1", 64, B(0xf6, 0x00, 0x01), OP_TEST, 1, 8, HVMON_DS,
	  HVMON_RAX, NONE, 0, 0, 1 },
	{ "not byte [rax]: no immediate", 64, B(0xf6, 0x10), OP_NOT, 1, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "push qword [rax]", 64, B(0xff, 0x30), OP_PUSH, 8, 8, HVMON_DS, HVMON_RAX, NONE },
	{ "lock cmpxchg [rdi], esi", 64, B(0xf0, 0x0f, 0xb1, 0x37), OP_CMPXCHG, 4, 8,
	  HVMON_DS, HVMON_RDI, NONE },
	{ "movbe eax, [rdi]", 64, B(0x0f, 0x38, 0xf0, 0x07), OP_MOVBE, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "crc32 eax, byte [rdi]", 64, B(0xf2, 0x0f, 0x38, 0xf0, 0x07), OP_LEN, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "bsr eax, [rdi]", 64, B(0x0f, 0xbd, 0x07), OP_BSR, 4, 8, HVMON_DS, HVMON_RDI, NONE },
	{ "lzcnt eax, [rdi]", 64, B(0xf3, 0x0f, 0xbd, 0x07), OP_LEN, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "imul eax, [rdi], imm8", 64, B(0x6b, 0x07, 0xfe), OP_IMUL_IMM, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE, 0, 0, (u64)-2 },
	{ "movdqu xmm0, [rdi]", 64, B(0xf3, 0x0f, 0x6f, 0x07), OP_VEC, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "vmovdqu ymm8, [rdi]", 64, B(0xc5, 0x7e, 0x6f, 0x07), OP_VEC, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "vmovdqu ymm0, [r15], 3 byte VEX", 64, B(0xc4, 0xc1, 0x7e, 0x6f, 0x07), OP_VEC, 4, 8,
	  HVMON_DS, 15, NONE },
	{ "les ecx, [eax]", 32, B(0xc4, 0x08), OP_LEN, 4, 4, HVMON_DS, HVMON_RAX, NONE },
	{ "rep movsb", 64, B(0xf3, 0xa4), OP_MOVS, 1, 8, HVMON_DS, NONE, NONE },
	{ "rep outsd", 32, B(0xf3, 0x6f), OP_OUTS, 4, 4, HVMON_DS, NONE, NONE },
	{ "mov cr0, eax: mod is ignored", 64, B(0x0f, 0x22, 0x00), OP_WRCR, 4, 8, HVMON_DS,
	  NONE, NONE },
	{ "cpuid", 64, B(0x0f, 0xa2), OP_LEN, 4, 8, HVMON_DS, NONE, NONE },
	{ "vmmcall", 64, B(0x0f, 0x01, 0xd9), OP_LEN, 4, 8, HVMON_DS, NONE, NONE },
	{ "invlpg [rax]", 64, B(0x0f, 0x01, 0x38), OP_INVLPG, 4, 8, HVMON_DS, HVMON_RAX, NONE },
	{ "swapgs is not invlpg", 64, B(0x0f, 0x01, 0xf8), OP_LEN, 4, 8, HVMON_DS, NONE, NONE },
	{ "enter", 64, B(0xc8, 1, 0, 2), OP_ENTER, 8, 8, HVMON_DS, NONE, NONE, 0, 0, 2 },
	{ "mul byte [rax]: no immediate", 64, B(0xf6, 0x20), OP_MUL, 1, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "shr dword [rax], 4", 64, B(0xc1, 0x28, 0x04), OP_SHR, 4, 8, HVMON_DS,
	  HVMON_RAX, NONE, 0, 0, 4 },
	{ "push -2", 64, B(0x6a, 0xfe), OP_PUSH, 8, 8, HVMON_DS, NONE, NONE, 0, 0, (u64)-2 },
	{ "push r9w", 64, B(0x66, 0x41, 0x51), OP_PUSH, 2, 8, HVMON_DS, NONE, NONE },
	{ "call rel32", 64, B(0xe8, 1, 0, 0, 0x80), OP_CALL, 8, 8, HVMON_DS, NONE, NONE,
	  0, 0, 0xffffffff80000001 },
	{ "call with 66, which vendors read differently", 64, B(0x66, 0xff, 0x10), OP_LEN, 2, 8,
	  HVMON_DS, HVMON_RAX, NONE },
	{ "call word [eax]", 32, B(0x66, 0xff, 0x10), OP_CALL, 2, 4, HVMON_DS, HVMON_RAX, NONE },
	{ "jmp far [rax], 16:64", 64, B(0x48, 0xff, 0x28), OP_JMP_FAR, 8, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "mov ss, [rax]", 64, B(0x8e, 0x10), OP_LDSEG, 2, 8, HVMON_DS, HVMON_RAX, NONE },
	{ "str [rax] is not ltr", 64, B(0x0f, 0x00, 0x08), OP_LEN, 4, 8, HVMON_DS,
	  HVMON_RAX, NONE },
	{ "movq mm0, [rdi]", 64, B(0x0f, 0x6f, 0x07), OP_VEC, 4, 8, HVMON_DS, HVMON_RDI, NONE },
	{ "MMX has no VEX form", 64, B(0xc5, 0xf8, 0x6f, 0x07), OP_LEN, 4, 8, HVMON_DS,
	  HVMON_RDI, NONE },
	{ "jmp far 16:32", 32, B(0xea, 1, 2, 3, 4, 5, 6), OP_LEN, 4, 4, HVMON_DS, NONE, NONE,
	  0, 0, 0x04030201 },
	{ "mov rax, imm64", 64, B(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8), OP_LEN, 8, 8, HVMON_DS,
	  NONE, NONE, 0, 0, 0x0807060504030201 },
};

/* Every field of well-known encodings comes out as the manual has it */
static void decode_fields(struct kunit *test)
{
	const struct decode_case *c;
	struct hvmon_insn insn;
	int len;

	for (c = good; c < good + ARRAY_SIZE(good); c++) {
		len = hvmon_decode(&insn, c->code.bytes, c->code.n, c->bits);
		KUNIT_EXPECT_EQ_MSG(test, len, c->code.n, "%s", c->name);
		if (len <= 0)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, insn.op, c->op, "%s", c->name);
		if (c->opsize != 8 || insn.op != OP_LEN)
			KUNIT_EXPECT_EQ_MSG(test, insn.opsize, c->opsize, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.adsize, c->adsize, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.seg, c->seg, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.base, c->base, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.index, c->index, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.scale, c->scale, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.disp, c->disp, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, insn.imm, c->imm, "%s", c->name);
	}
}

/* An instruction that is cut short asks for more bytes, at every length */
static void decode_truncated(struct kunit *test)
{
	const struct decode_case *c;
	struct hvmon_insn insn;
	int len;

	for (c = good; c < good + ARRAY_SIZE(good); c++)
		for (len = 0; len < c->code.n; len++)
			KUNIT_EXPECT_EQ_MSG(test, hvmon_decode(&insn, c->code.bytes, len, c->bits),
					    -ENODATA, "%s, %d bytes", c->name, len);
}

struct bad_case {
	const char *name;
	int bits;
	struct code code;
	int result;
};

static const struct bad_case bad[] = {
	{ "ud2", 64, B(0x0f, 0x0b), -EINVAL },
	{ "lock mov", 64, B(0xf0, 0x89, 0x08), -EINVAL },
	{ "lock add to a register", 64, B(0xf0, 0x01, 0xc8), -EINVAL },
	{ "lock add from memory", 64, B(0xf0, 0x03, 0x08), -EINVAL },
	{ "lock cmp", 64, B(0xf0, 0x39, 0x08), -EINVAL },
	{ "lock bt", 64, B(0xf0, 0x0f, 0xa3, 0x08), -EINVAL },
	{ "push es in 64-bit code", 64, B(0x06), -EINVAL },
	{ "82 in 64-bit code", 64, B(0x82, 0x00, 0x01), -EINVAL },
	{ "lea of a register", 64, B(0x8d, 0xc0), -EINVAL },
	{ "movnti of a register", 64, B(0x0f, 0xc3, 0xc0), -EINVAL },
	{ "C7 /1", 64, B(0xc7, 0x08, 0, 0, 0, 0), -EINVAL },
	{ "FE /7", 64, B(0xfe, 0x38), -EINVAL },
	{ "FF /7", 64, B(0xff, 0x38), -EINVAL },
	{ "0F BA /0", 64, B(0x0f, 0xba, 0x00, 0x00), -EINVAL },
	{ "mov from segment 6", 64, B(0x8c, 0x30), -EINVAL },
	{ "mov to segment 7", 64, B(0x8e, 0x38), -EINVAL },
	{ "mov to CS", 64, B(0x8e, 0x08), -EINVAL },
	{ "jmp far to a register", 64, B(0xff, 0xe8), -EINVAL },
	{ "lock shl", 64, B(0xf0, 0xd1, 0x20), -EINVAL },
	{ "VEX after 66", 64, B(0x66, 0xc5, 0xfe, 0x6f, 0x07), -EINVAL },
	{ "VEX after REX", 64, B(0x40, 0xc5, 0xfe, 0x6f, 0x07), -EINVAL },
	{ "VEX.vvvv where none is used", 64, B(0xc5, 0xf6, 0x6f, 0x07), -EINVAL },
	{ "VEX.L with MOVLPS", 64, B(0xc5, 0xfc, 0x12, 0x07), -EINVAL },
	{ "EVEX", 64, B(0x62, 0xf1, 0x7e, 0x48, 0x6f, 0x07), -EOPNOTSUPP },
	{ "XOP", 64, B(0x8f, 0xe8, 0x78, 0xc0, 0xc0, 0x00), -EOPNOTSUPP },
	{ "16 bytes", 64, B(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			    0x66, 0x66, 0x66, 0x89, 0x08), -E2BIG },
	{ "15 bytes", 64, B(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			    0x66, 0x66, 0x89, 0x08), 15 },
};

/* Undefined, unknown and overlong instructions are told apart */
static void decode_refuses(struct kunit *test)
{
	const struct bad_case *c;
	struct hvmon_insn insn;

	for (c = bad; c < bad + ARRAY_SIZE(bad); c++)
		KUNIT_EXPECT_EQ_MSG(test, hvmon_decode(&insn, c->code.bytes, c->code.n, c->bits),
				    c->result, "%s", c->name);
}

/* No bytes make the decoder claim more than 15 or more than it was given */
static void decode_any_bytes(struct kunit *test)
{
	u32 x = 2463534242;
	struct hvmon_insn insn;
	u8 buf[15];
	int i, j, r;

	for (i = 0; i < 20000; i++) {
		for (j = 0; j < 15; j++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			buf[j] = x;
		}
		r = hvmon_decode(&insn, buf, i % 16, 16 << (i % 3));
		KUNIT_ASSERT_LE(test, r, i % 16);
		KUNIT_ASSERT_NE(test, r, 0);
		if (r > 0)
			KUNIT_ASSERT_LE(test, insn.op, OP_LEN);
	}
}

static struct kunit_case decode_cases[] = {
	KUNIT_CASE(decode_fields),
	KUNIT_CASE(decode_truncated),
	KUNIT_CASE(decode_refuses),
	KUNIT_CASE(decode_any_bytes),
	{ }
};

static struct kunit_suite decode_suite = {
	.name = "hvmon-decode",
	.test_cases = decode_cases,
};

kunit_test_suite(decode_suite);
