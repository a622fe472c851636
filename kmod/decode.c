// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder. Opcode numbers, formats and prefix rules are those
 * of AMD's APM vol. 3, appendix A, and Intel's SDM vol. 2, appendix A.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../uapi/hvmon.h"
#include "decode.h"

/* hvmon_opcode.fmt: what follows the opcode and what restricts it */
#define F_MODRM		BIT(0)
#define F_IMM8		BIT(1)	/* also 8-bit branch offsets */
#define F_IMM16		BIT(2)
#define F_IMMZ		BIT(3)	/* 2 bytes with 16-bit operands, else 4 */
#define F_IMMV		BIT(4)	/* 2, 4 or 8 bytes */
#define F_MOFFS		BIT(5)	/* an address instead of a ModRM byte */
#define F_FAR		BIT(6)	/* offset and selector */
#define F_BYTE		BIT(7)	/* operands of one byte */
#define F_D64		BIT(8)	/* 64-bit code: operands of 8 bytes by default */
#define F_NO64		BIT(9)	/* undefined in 64-bit code */
#define F_LOCK		BIT(10)	/* LOCK is legal if memory is written */
#define F_MEM		BIT(11)	/* undefined with a register */
#define F_MEM_ONLY	BIT(12)	/* something else with a register */
#define F_REG		BIT(13)	/* ModRM.mod is ignored: always registers */
#define F_SRC8		BIT(14)	/* the source has 1 byte */
#define F_SRC16		BIT(15)	/* the source has 2 bytes */

struct hvmon_opcode {
	u16 fmt;
	u8 op;		/* enum hvmon_op */
	u8 dst;		/* enum hvmon_operand, or enum group for OP_GROUP */
	u8 src;
};

enum group {
	GRP_VEC,	/* vec_moves has the rows */
	GRP_1A, GRP_3B, GRP_3V, GRP_4, GRP_5, GRP_6, GRP_7, GRP_8, GRP_9, GRP_11B, GRP_11V,
};

#define ROW(f, o, d, s)	{ .fmt = (f), .op = (o), .dst = (d), .src = (s) }
#define LEN(f)		ROW(f, OP_LEN, 0, 0)
#define UD		ROW(0, OP_UD, 0, 0)
#define UNKNOWN		ROW(0, OP_UNKNOWN, 0, 0)
#define GROUP(f, g)	ROW((f) | F_MODRM, OP_GROUP, g, 0)

/*
 * 00-3F, but where bits 2:0 are 6 or 7: bits 5:3 name the operation, bits 2:0
 * the operands (APM vol. 3, table A-1)
 */
static const struct hvmon_opcode arithmetic[6] = {
	ROW(F_MODRM | F_BYTE | F_LOCK, OP_ALU, OPD_RM, OPD_REG),
	ROW(F_MODRM | F_LOCK, OP_ALU, OPD_RM, OPD_REG),
	ROW(F_MODRM | F_BYTE, OP_ALU, OPD_REG, OPD_RM),
	ROW(F_MODRM, OP_ALU, OPD_REG, OPD_RM),
	ROW(F_IMM8 | F_BYTE, OP_ALU, OPD_ACC, OPD_IMM),
	ROW(F_IMMZ, OP_ALU, OPD_ACC, OPD_IMM),
};

/* Neither prefixes nor those of arithmetic[] reach this table */
static const struct hvmon_opcode one_byte[256] = {
	[0x06 ... 0x07] = LEN(F_NO64),
	[0x0e] = LEN(F_NO64), [0x0f] = UD,
	[0x16 ... 0x17] = LEN(F_NO64),
	[0x1e ... 0x1f] = LEN(F_NO64),
	[0x26] = UD, [0x27] = LEN(F_NO64),
	[0x2e] = UD, [0x2f] = LEN(F_NO64),
	[0x36] = UD, [0x37] = LEN(F_NO64),
	[0x3e] = UD, [0x3f] = LEN(F_NO64),
	[0x40 ... 0x4f] = LEN(F_NO64),
	[0x50 ... 0x57] = ROW(F_D64, OP_PUSH, 0, OPD_RM),
	[0x58 ... 0x5f] = ROW(F_D64, OP_POP, OPD_RM, 0),
	[0x60 ... 0x61] = LEN(F_NO64),
	[0x62] = LEN(F_MODRM | F_MEM),		/* EVEX is told apart before */
	[0x63] = ROW(F_MODRM, OP_MOVSX, OPD_REG, OPD_RM),	/* or ARPL */
	[0x64 ... 0x67] = UD,
	[0x68] = ROW(F_IMMZ | F_D64, OP_PUSH, 0, OPD_IMM),
	[0x69] = ROW(F_MODRM | F_IMMZ, OP_IMUL_IMM, OPD_REG, OPD_RM),
	[0x6a] = ROW(F_IMM8 | F_D64, OP_PUSH, 0, OPD_IMM),
	[0x6b] = ROW(F_MODRM | F_IMM8, OP_IMUL_IMM, OPD_REG, OPD_RM),
	[0x6c] = ROW(F_BYTE, OP_INS, 0, 0), [0x6d] = ROW(0, OP_INS, 0, 0),
	[0x6e] = ROW(F_BYTE, OP_OUTS, 0, 0), [0x6f] = ROW(0, OP_OUTS, 0, 0),
	[0x70 ... 0x7f] = LEN(F_IMM8),
	[0x80] = ROW(F_MODRM | F_IMM8 | F_BYTE | F_LOCK, OP_ALU, OPD_RM, OPD_IMM),
	[0x81] = ROW(F_MODRM | F_IMMZ | F_LOCK, OP_ALU, OPD_RM, OPD_IMM),
	[0x82] = ROW(F_MODRM | F_IMM8 | F_BYTE | F_LOCK | F_NO64, OP_ALU, OPD_RM, OPD_IMM),
	[0x83] = ROW(F_MODRM | F_IMM8 | F_LOCK, OP_ALU, OPD_RM, OPD_IMM),
	[0x84] = ROW(F_MODRM | F_BYTE, OP_TEST, OPD_RM, OPD_REG),
	[0x85] = ROW(F_MODRM, OP_TEST, OPD_RM, OPD_REG),
	[0x86] = ROW(F_MODRM | F_BYTE | F_LOCK, OP_XCHG, OPD_RM, OPD_REG),
	[0x87] = ROW(F_MODRM | F_LOCK, OP_XCHG, OPD_RM, OPD_REG),
	[0x88] = ROW(F_MODRM | F_BYTE, OP_MOV, OPD_RM, OPD_REG),
	[0x89] = ROW(F_MODRM, OP_MOV, OPD_RM, OPD_REG),
	[0x8a] = ROW(F_MODRM | F_BYTE, OP_MOV, OPD_REG, OPD_RM),
	[0x8b] = ROW(F_MODRM, OP_MOV, OPD_REG, OPD_RM),
	[0x8c] = ROW(F_MODRM, OP_MOV, OPD_RM, OPD_SEG),
	[0x8d] = LEN(F_MODRM | F_MEM),
	[0x8e] = ROW(F_MODRM, OP_LDSEG, OPD_SEG, OPD_RM),
	[0x8f] = GROUP(F_D64, GRP_1A),
	[0x90 ... 0x99] = LEN(0),
	[0x9a] = LEN(F_FAR | F_NO64),
	[0x9b ... 0x9f] = LEN(0),
	[0xa0] = ROW(F_MOFFS | F_BYTE, OP_MOV, OPD_ACC, OPD_RM),
	[0xa1] = ROW(F_MOFFS, OP_MOV, OPD_ACC, OPD_RM),
	[0xa2] = ROW(F_MOFFS | F_BYTE, OP_MOV, OPD_RM, OPD_ACC),
	[0xa3] = ROW(F_MOFFS, OP_MOV, OPD_RM, OPD_ACC),
	[0xa4] = ROW(F_BYTE, OP_MOVS, 0, 0), [0xa5] = ROW(0, OP_MOVS, 0, 0),
	[0xa6] = ROW(F_BYTE, OP_CMPS, 0, 0), [0xa7] = ROW(0, OP_CMPS, 0, 0),
	[0xa8] = ROW(F_IMM8 | F_BYTE, OP_TEST, OPD_ACC, OPD_IMM),
	[0xa9] = ROW(F_IMMZ, OP_TEST, OPD_ACC, OPD_IMM),
	[0xaa] = ROW(F_BYTE, OP_STOS, 0, 0), [0xab] = ROW(0, OP_STOS, 0, 0),
	[0xac] = ROW(F_BYTE, OP_LODS, 0, 0), [0xad] = ROW(0, OP_LODS, 0, 0),
	[0xae] = ROW(F_BYTE, OP_SCAS, 0, 0), [0xaf] = ROW(0, OP_SCAS, 0, 0),
	[0xb0 ... 0xb7] = LEN(F_IMM8),
	[0xb8 ... 0xbf] = LEN(F_IMMV),
	[0xc0] = ROW(F_MODRM | F_IMM8 | F_BYTE, OP_SHIFT, OPD_RM, OPD_IMM),
	[0xc1] = ROW(F_MODRM | F_IMM8, OP_SHIFT, OPD_RM, OPD_IMM),
	[0xc2] = ROW(F_IMM16 | F_D64, OP_RET, 0, 0), [0xc3] = ROW(F_D64, OP_RET, 0, 0),
	[0xc4 ... 0xc5] = LEN(F_MODRM | F_MEM | F_NO64),	/* not VEX */
	[0xc6] = GROUP(F_IMM8 | F_BYTE, GRP_11B),
	[0xc7] = GROUP(F_IMMZ, GRP_11V),
	[0xc8] = ROW(F_IMM16 | F_IMM8 | F_D64, OP_ENTER, 0, 0), [0xc9] = ROW(F_D64, OP_LEAVE, 0, 0),
	[0xca] = LEN(F_IMM16), [0xcb ... 0xcc] = LEN(0),
	[0xcd] = LEN(F_IMM8), [0xce] = LEN(F_NO64), [0xcf] = LEN(0),
	[0xd0] = ROW(F_MODRM | F_BYTE, OP_SHIFT, OPD_RM, OPD_ONE),
	[0xd1] = ROW(F_MODRM, OP_SHIFT, OPD_RM, OPD_ONE),
	[0xd2] = ROW(F_MODRM | F_BYTE, OP_SHIFT, OPD_RM, OPD_CL),
	[0xd3] = ROW(F_MODRM, OP_SHIFT, OPD_RM, OPD_CL),
	[0xd4 ... 0xd5] = LEN(F_IMM8 | F_NO64), [0xd6] = LEN(F_NO64),
	[0xd7] = LEN(0),
	[0xd8 ... 0xdf] = LEN(F_MODRM),
	[0xe0 ... 0xe7] = LEN(F_IMM8),
	[0xe8] = ROW(F_IMMZ | F_D64, OP_CALL, 0, OPD_IMM), [0xe9] = LEN(F_IMMZ),
	[0xea] = LEN(F_FAR | F_NO64), [0xeb] = LEN(F_IMM8),
	[0xec ... 0xef] = LEN(0),
	[0xf0] = UD, [0xf1] = LEN(0), [0xf2 ... 0xf3] = UD,
	[0xf4 ... 0xf5] = LEN(0),
	[0xf6] = GROUP(F_BYTE, GRP_3B),
	[0xf7] = GROUP(0, GRP_3V),
	[0xf8 ... 0xfd] = LEN(0),
	[0xfe] = GROUP(F_BYTE, GRP_4),
	[0xff] = GROUP(0, GRP_5),
};

/* Opcodes after 0F, but for 38 and 3A */
static const struct hvmon_opcode two_byte[256] = {
	[0x00] = GROUP(0, GRP_6), [0x01] = GROUP(0, GRP_7),
	[0x02 ... 0x03] = LEN(F_MODRM), [0x04] = UD, [0x05] = LEN(0),
	[0x06] = ROW(0, OP_CLTS, 0, 0),
	[0x07 ... 0x09] = LEN(0), [0x0a] = UD, [0x0b] = UD, [0x0c] = UD,
	[0x0d] = LEN(F_MODRM), [0x0e] = LEN(0), [0x0f] = LEN(F_MODRM | F_IMM8),
	[0x10 ... 0x13] = GROUP(0, GRP_VEC),
	[0x14 ... 0x15] = LEN(F_MODRM),
	[0x16 ... 0x17] = GROUP(0, GRP_VEC),
	[0x18 ... 0x1f] = LEN(F_MODRM),
	[0x20] = ROW(F_MODRM | F_REG, OP_RDCR, 0, 0),
	[0x21] = ROW(F_MODRM | F_REG, OP_RDDR, 0, 0),
	[0x22] = ROW(F_MODRM | F_REG, OP_WRCR, 0, 0),
	[0x23] = ROW(F_MODRM | F_REG, OP_WRDR, 0, 0),
	[0x24 ... 0x27] = UD,
	[0x28 ... 0x29] = GROUP(0, GRP_VEC), [0x2a] = LEN(F_MODRM),
	[0x2b] = GROUP(0, GRP_VEC), [0x2c ... 0x2f] = LEN(F_MODRM),
	[0x30 ... 0x35] = LEN(0), [0x36] = UD, [0x37] = LEN(0),
	[0x38 ... 0x3f] = UD,
	[0x40 ... 0x4f] = ROW(F_MODRM, OP_CMOV, OPD_REG, OPD_RM),
	[0x50 ... 0x6d] = LEN(F_MODRM),
	[0x6e ... 0x6f] = GROUP(0, GRP_VEC),
	[0x70 ... 0x73] = LEN(F_MODRM | F_IMM8),
	[0x74 ... 0x76] = LEN(F_MODRM), [0x77] = LEN(0),
	[0x78] = UNKNOWN,	/* VMREAD, EXTRQ, INSERTQ: three formats */
	[0x79 ... 0x7d] = LEN(F_MODRM),
	[0x7e ... 0x7f] = GROUP(0, GRP_VEC),
	[0x80 ... 0x8f] = LEN(F_IMMZ),
	[0x90 ... 0x9f] = ROW(F_MODRM | F_BYTE, OP_SET, OPD_RM, 0),
	[0xa0 ... 0xa2] = LEN(0),
	[0xa3] = ROW(F_MODRM, OP_BT, OPD_RM, OPD_REG),
	[0xa4] = ROW(F_MODRM | F_IMM8, OP_SHLD, OPD_RM, OPD_REG),
	[0xa5] = ROW(F_MODRM, OP_SHLD, OPD_RM, OPD_REG),
	[0xa6 ... 0xa7] = UNKNOWN,
	[0xa8 ... 0xaa] = LEN(0),
	[0xab] = ROW(F_MODRM | F_LOCK, OP_BTS, OPD_RM, OPD_REG),
	[0xac] = ROW(F_MODRM | F_IMM8, OP_SHRD, OPD_RM, OPD_REG),
	[0xad] = ROW(F_MODRM, OP_SHRD, OPD_RM, OPD_REG),
	[0xae] = LEN(F_MODRM),
	[0xaf] = ROW(F_MODRM, OP_IMUL, OPD_REG, OPD_RM),
	[0xb0] = ROW(F_MODRM | F_BYTE | F_LOCK, OP_CMPXCHG, OPD_RM, OPD_REG),
	[0xb1] = ROW(F_MODRM | F_LOCK, OP_CMPXCHG, OPD_RM, OPD_REG),
	[0xb2] = LEN(F_MODRM | F_MEM),
	[0xb3] = ROW(F_MODRM | F_LOCK, OP_BTR, OPD_RM, OPD_REG),
	[0xb4 ... 0xb5] = LEN(F_MODRM | F_MEM),
	[0xb6] = ROW(F_MODRM | F_SRC8, OP_MOVZX, OPD_REG, OPD_RM),
	[0xb7] = ROW(F_MODRM | F_SRC16, OP_MOVZX, OPD_REG, OPD_RM),
	[0xb8] = LEN(F_MODRM), [0xb9] = UD,
	[0xba] = GROUP(F_IMM8, GRP_8),
	[0xbb] = ROW(F_MODRM | F_LOCK, OP_BTC, OPD_RM, OPD_REG),
	[0xbc] = ROW(F_MODRM, OP_BSF, OPD_REG, OPD_RM),
	[0xbd] = ROW(F_MODRM, OP_BSR, OPD_REG, OPD_RM),
	[0xbe] = ROW(F_MODRM | F_SRC8, OP_MOVSX, OPD_REG, OPD_RM),
	[0xbf] = ROW(F_MODRM | F_SRC16, OP_MOVSX, OPD_REG, OPD_RM),
	[0xc0] = ROW(F_MODRM | F_BYTE | F_LOCK, OP_XADD, OPD_RM, OPD_REG),
	[0xc1] = ROW(F_MODRM | F_LOCK, OP_XADD, OPD_RM, OPD_REG),
	[0xc2] = LEN(F_MODRM | F_IMM8),
	[0xc3] = ROW(F_MODRM | F_MEM, OP_MOV, OPD_RM, OPD_REG),	/* MOVNTI */
	[0xc4 ... 0xc6] = LEN(F_MODRM | F_IMM8),
	[0xc7] = GROUP(0, GRP_9),
	[0xc8 ... 0xcf] = LEN(0),
	[0xd0 ... 0xd5] = LEN(F_MODRM),
	[0xd6] = GROUP(0, GRP_VEC), [0xd7 ... 0xe6] = LEN(F_MODRM),
	[0xe7] = GROUP(0, GRP_VEC), [0xe8 ... 0xef] = LEN(F_MODRM),
	[0xf0] = GROUP(0, GRP_VEC), [0xf1 ... 0xfe] = LEN(F_MODRM), [0xff] = UD,
};

/* Rows chosen by ModRM.reg; fmt adds to that of the opcode */
static const struct hvmon_opcode groups[][8] = {
	[GRP_1A] = { ROW(0, OP_POP, OPD_RM, 0), [1 ... 7] = UNKNOWN },	/* XOP */
	[GRP_3B] = {
		ROW(F_IMM8, OP_TEST, OPD_RM, OPD_IMM), ROW(F_IMM8, OP_TEST, OPD_RM, OPD_IMM),
		ROW(F_LOCK, OP_NOT, OPD_RM, 0), ROW(F_LOCK, OP_NEG, OPD_RM, 0),
		ROW(0, OP_MUL, 0, OPD_RM), ROW(0, OP_IMUL_WIDE, 0, OPD_RM),
		ROW(0, OP_DIV, 0, OPD_RM), ROW(0, OP_IDIV, 0, OPD_RM),
	},
	[GRP_3V] = {
		ROW(F_IMMZ, OP_TEST, OPD_RM, OPD_IMM), ROW(F_IMMZ, OP_TEST, OPD_RM, OPD_IMM),
		ROW(F_LOCK, OP_NOT, OPD_RM, 0), ROW(F_LOCK, OP_NEG, OPD_RM, 0),
		ROW(0, OP_MUL, 0, OPD_RM), ROW(0, OP_IMUL_WIDE, 0, OPD_RM),
		ROW(0, OP_DIV, 0, OPD_RM), ROW(0, OP_IDIV, 0, OPD_RM),
	},
	[GRP_4] = {
		ROW(F_LOCK, OP_INC, OPD_RM, 0), ROW(F_LOCK, OP_DEC, OPD_RM, 0),
		[2 ... 7] = UD,
	},
	[GRP_5] = {
		ROW(F_LOCK, OP_INC, OPD_RM, 0), ROW(F_LOCK, OP_DEC, OPD_RM, 0),
		ROW(F_D64, OP_CALL, 0, OPD_RM), LEN(F_MEM),
		ROW(F_D64, OP_JMP, 0, OPD_RM), ROW(F_MEM, OP_JMP_FAR, 0, OPD_RM),
		ROW(F_D64, OP_PUSH, 0, OPD_RM), UD,
	},
	[GRP_6] = {
		LEN(0), LEN(0), LEN(0), ROW(0, OP_LTR, 0, OPD_RM), [4 ... 7] = LEN(0),
	},
	[GRP_7] = {
		LEN(0), LEN(0), LEN(0), LEN(0), ROW(0, OP_SMSW, OPD_RM, 0), LEN(0),
		ROW(F_SRC16, OP_LMSW, 0, OPD_RM), ROW(F_MEM_ONLY, OP_INVLPG, OPD_RM, 0),
	},
	[GRP_8] = {
		UD, UD, UD, UD, ROW(0, OP_BT, OPD_RM, OPD_IMM),
		ROW(F_LOCK, OP_BTS, OPD_RM, OPD_IMM), ROW(F_LOCK, OP_BTR, OPD_RM, OPD_IMM),
		ROW(F_LOCK, OP_BTC, OPD_RM, OPD_IMM),
	},
	[GRP_9] = {
		LEN(0), ROW(F_LOCK | F_MEM, OP_CMPXCHG8B, OPD_RM, 0), [2 ... 7] = LEN(0),
	},
	/* /7 with a register is XABORT and XBEGIN, of the same format */
	[GRP_11B] = { ROW(0, OP_MOV, OPD_RM, OPD_IMM), [1 ... 6] = UD, LEN(0) },
	[GRP_11V] = { ROW(0, OP_MOV, OPD_RM, OPD_IMM), [1 ... 6] = UD, LEN(0) },
};

static const struct hvmon_opcode three_byte_38 = LEN(F_MODRM);
static const struct hvmon_opcode three_byte_3a = LEN(F_MODRM | F_IMM8);
static const struct hvmon_opcode movbe_load = ROW(F_MODRM | F_MEM, OP_MOVBE, OPD_REG, OPD_RM);
static const struct hvmon_opcode movbe_store = ROW(F_MODRM | F_MEM, OP_MOVBE, OPD_RM, OPD_REG);
static const struct hvmon_opcode vec_row = ROW(F_MODRM, OP_VEC, 0, 0);

static const struct hvmon_vec_move vec_moves[] = {
	{ 1, 0x10, 0, 0, 0 },				/* MOVUPS */
	{ 1, 0x10, 1, 0, 0 },				/* MOVUPD */
	{ 1, 0x10, 2, 4, VEC_MEM },			/* MOVSS */
	{ 1, 0x10, 3, 8, VEC_MEM },			/* MOVSD */
	{ 1, 0x11, 0, 0, VEC_STORE },
	{ 1, 0x11, 1, 0, VEC_STORE },
	{ 1, 0x11, 2, 4, VEC_STORE | VEC_MEM },
	{ 1, 0x11, 3, 8, VEC_STORE | VEC_MEM },
	{ 1, 0x12, 0, 8, VEC_LOW | VEC_L0 | VEC_MEM },	/* MOVLPS */
	{ 1, 0x12, 1, 8, VEC_LOW | VEC_L0 | VEC_MEM },	/* MOVLPD */
	{ 1, 0x13, 0, 8, VEC_STORE | VEC_L0 | VEC_MEM },
	{ 1, 0x13, 1, 8, VEC_STORE | VEC_L0 | VEC_MEM },
	{ 1, 0x16, 0, 8, VEC_HIGH | VEC_L0 | VEC_MEM },	/* MOVHPS */
	{ 1, 0x16, 1, 8, VEC_HIGH | VEC_L0 | VEC_MEM },	/* MOVHPD */
	{ 1, 0x17, 0, 8, VEC_HIGH | VEC_STORE | VEC_L0 | VEC_MEM },
	{ 1, 0x17, 1, 8, VEC_HIGH | VEC_STORE | VEC_L0 | VEC_MEM },
	{ 1, 0x28, 0, 0, VEC_ALIGN },			/* MOVAPS */
	{ 1, 0x28, 1, 0, VEC_ALIGN },			/* MOVAPD */
	{ 1, 0x29, 0, 0, VEC_STORE | VEC_ALIGN },
	{ 1, 0x29, 1, 0, VEC_STORE | VEC_ALIGN },
	{ 1, 0x2b, 0, 0, VEC_STORE | VEC_ALIGN | VEC_MEM },	/* MOVNTPS */
	{ 1, 0x2b, 1, 0, VEC_STORE | VEC_ALIGN | VEC_MEM },	/* MOVNTPD */
	{ 1, 0x6e, 0, 0, VEC_MMX | VEC_W | VEC_MEM },	/* MOVD, MOVQ */
	{ 1, 0x6e, 1, 0, VEC_W | VEC_L0 | VEC_MEM },	/* MOVD, MOVQ */
	{ 1, 0x6f, 0, 8, VEC_MMX | VEC_MEM },		/* MOVQ */
	{ 1, 0x6f, 1, 0, VEC_ALIGN },			/* MOVDQA */
	{ 1, 0x6f, 2, 0, 0 },				/* MOVDQU */
	{ 1, 0x7e, 0, 0, VEC_MMX | VEC_W | VEC_STORE | VEC_MEM },
	{ 1, 0x7e, 1, 0, VEC_W | VEC_STORE | VEC_L0 | VEC_MEM },
	{ 1, 0x7e, 2, 8, VEC_L0 | VEC_MEM },		/* MOVQ */
	{ 1, 0x7f, 0, 8, VEC_MMX | VEC_STORE | VEC_MEM },
	{ 1, 0x7f, 1, 0, VEC_STORE | VEC_ALIGN },
	{ 1, 0x7f, 2, 0, VEC_STORE },
	{ 1, 0xd6, 1, 8, VEC_STORE | VEC_L0 | VEC_MEM },	/* MOVQ */
	{ 1, 0xe7, 0, 8, VEC_MMX | VEC_STORE | VEC_MEM },	/* MOVNTQ */
	{ 1, 0xe7, 1, 0, VEC_STORE | VEC_ALIGN | VEC_MEM },	/* MOVNTDQ */
	{ 1, 0xf0, 3, 0, VEC_MEM },			/* LDDQU */
	{ 2, 0x2a, 1, 0, VEC_ALIGN | VEC_MEM },		/* MOVNTDQA */
};

/* The bytes, and what the prefixes among them said */
struct cursor {
	const u8 *buf;
	int len;
	int pos;
	bool opsize, adsize;
	u8 seg;
};

static int next_byte(struct cursor *c, u8 *val)
{
	if (c->pos == HVMON_INSN_MAX)
		return -E2BIG;
	if (c->pos == c->len)
		return -ENODATA;
	*val = c->buf[c->pos++];
	return 0;
}

/* A little-endian number of @size bytes, sign-extended */
static int next_number(struct cursor *c, int size, s64 *val)
{
	u64 v = 0;
	u8 byte;
	int i, r;

	for (i = 0; i < size; i++) {
		r = next_byte(c, &byte);
		if (r)
			return r;
		v |= (u64)byte << (8 * i);
	}
	i = 64 - 8 * size;
	*val = (s64)(v << i) >> i;
	return 0;
}

/* Legacy prefixes in any order, then REX, which counts only if it comes last */
static int decode_prefixes(struct cursor *c, struct hvmon_insn *insn, u8 *byte)
{
	int r;

	for (;;) {
		r = next_byte(c, byte);
		if (r)
			return r;
		switch (*byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			/* Ignored in 64-bit code, APM vol. 3, 1.2.4 */
			if (insn->bits != 64)
				c->seg = (*byte >> 3) & 3;
			break;
		case 0x64:
		case 0x65:
			c->seg = *byte & 7;
			break;
		case 0x66:
			c->opsize = true;
			break;
		case 0x67:
			c->adsize = true;
			break;
		case 0xf0:
			insn->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			insn->rep = *byte;
			break;
		case 0x40 ... 0x4f:
			if (insn->bits != 64)
				return 0;
			insn->rex = *byte;
			continue;
		default:
			return 0;
		}
		insn->rex = 0;
	}
}

/* After C4 or C5, known to be VEX; APM vol. 3, 1.2.7 */
static int decode_vex(struct cursor *c, struct hvmon_insn *insn, bool three)
{
	u8 b1, b2;
	int r;

	if (insn->lock || insn->rep || c->opsize || insn->rex)
		return -EINVAL;
	r = next_byte(c, &b1);
	if (r)
		return r;
	b2 = b1;
	insn->map = 1;
	insn->rex = 0x40 | (b1 & 0x80 ? 0 : 4);
	if (three) {
		r = next_byte(c, &b2);
		if (r)
			return r;
		insn->map = b1 & 0x1f;
		insn->rex |= (b1 & 0x40 ? 0 : 2) | (b1 & 0x20 ? 0 : 1) | (b2 & 0x80 ? 8 : 0);
		if (insn->map < 1 || insn->map > 3)
			return -EOPNOTSUPP;
	}
	/* Only 8 registers, and no 64-bit operands, outside 64-bit code */
	if (insn->bits != 64)
		insn->rex = 0x40;
	insn->vex = true;
	insn->pp = b2 & 3;
	insn->vlen = b2 & 4 ? 32 : 16;
	insn->vvvv = ~(b2 >> 3) & 15;
	return next_byte(c, &insn->opcode);
}

/* In 32-bit code C4, C5 and 62 are LES, LDS and BOUND if followed by memory */
static bool is_vector_prefix(const struct cursor *c, const struct hvmon_insn *insn)
{
	return insn->bits == 64 || (c->pos < c->len && c->buf[c->pos] >= 0xc0);
}

static int decode_opcode(struct cursor *c, struct hvmon_insn *insn)
{
	u8 byte;
	int r;

	r = decode_prefixes(c, insn, &byte);
	if (r)
		return r;
	if ((byte & 0xfe) == 0xc4 || byte == 0x62) {
		if (insn->bits != 64 && c->pos == c->len)
			return -ENODATA;
		if (is_vector_prefix(c, insn))
			return byte == 0x62 ? -EOPNOTSUPP : decode_vex(c, insn, byte == 0xc4);
	}
	if (byte == 0x0f) {
		insn->map = 1;
		r = next_byte(c, &byte);
		if (!r && (byte == 0x38 || byte == 0x3a)) {
			insn->map = byte == 0x38 ? 2 : 3;
			r = next_byte(c, &byte);
		}
	}
	insn->opcode = byte;
	if (insn->rep)
		insn->pp = insn->rep == 0xf3 ? 2 : 3;
	else
		insn->pp = c->opsize;
	return r;
}

static const struct hvmon_vec_move *find_vec(const struct hvmon_insn *insn)
{
	const struct hvmon_vec_move *v;

	for (v = vec_moves; v < vec_moves + ARRAY_SIZE(vec_moves); v++)
		if (v->opcode == insn->opcode && v->map == insn->map && v->pp == insn->pp &&
		    !(insn->vex && v->flags & VEC_MMX))
			return v;
	return NULL;
}

static bool is_arithmetic(const struct hvmon_insn *insn)
{
	return insn->map == 0 && insn->opcode < 0x40 && (insn->opcode & 7) < 6;
}

static const struct hvmon_opcode *find_row(struct hvmon_insn *insn)
{
	const struct hvmon_opcode *row;

	switch (insn->map) {
	case 0:
		if (is_arithmetic(insn))
			return &arithmetic[insn->opcode & 7];
		return &one_byte[insn->opcode];
	case 1:
		row = &two_byte[insn->opcode];
		if (row->op == OP_GROUP && row->dst == GRP_VEC)
			insn->vec = find_vec(insn);
		/* With F3 they are TZCNT and LZCNT, if the processor has these */
		if ((row->op == OP_BSF || row->op == OP_BSR) && insn->rep == 0xf3)
			row = &three_byte_38;
		break;
	case 2:
		row = &three_byte_38;
		insn->vec = find_vec(insn);
		if ((insn->opcode & 0xfe) == 0xf0 && !insn->rep && !insn->vex)
			row = insn->opcode & 1 ? &movbe_store : &movbe_load;
		break;
	default:
		row = &three_byte_3a;
	}
	if (insn->vec)
		return &vec_row;
	/* A vector opcode that is no move, or one of another kind with VEX */
	if (row->op == OP_GROUP && row->dst == GRP_VEC)
		return &three_byte_38;
	if (insn->vex && row->op != OP_LEN)
		return &three_byte_38;
	return row;
}

static int decode_disp(struct cursor *c, struct hvmon_insn *insn, int size)
{
	return size ? next_number(c, size, &insn->disp) : 0;
}

static int decode_mem16(struct cursor *c, struct hvmon_insn *insn, u8 mod, u8 rm)
{
	static const struct { u8 base, index; } forms[8] = {
		{ HVMON_RBX, HVMON_RSI }, { HVMON_RBX, HVMON_RDI },
		{ HVMON_RBP, HVMON_RSI }, { HVMON_RBP, HVMON_RDI },
		{ HVMON_RSI, HVMON_NO_REG }, { HVMON_RDI, HVMON_NO_REG },
		{ HVMON_RBP, HVMON_NO_REG }, { HVMON_RBX, HVMON_NO_REG },
	};

	if (mod == 0 && rm == 6)
		return decode_disp(c, insn, 2);
	insn->base = forms[rm].base;
	insn->index = forms[rm].index;
	if (insn->base == HVMON_RBP)
		insn->seg = HVMON_SS;
	return decode_disp(c, insn, mod);
}

static int decode_mem(struct cursor *c, struct hvmon_insn *insn, u8 mod, u8 rm)
{
	int disp = mod == 2 ? 4 : mod;
	u8 sib, base = rm;
	int r;

	if (rm == 4) {
		r = next_byte(c, &sib);
		if (r)
			return r;
		base = sib & 7;
		insn->scale = sib >> 6;
		insn->index = (sib >> 3 & 7) | (insn->rex & 2 ? 8 : 0);
		if (insn->index == HVMON_RSP)
			insn->index = HVMON_NO_REG;
	}
	if (mod == 0 && base == 5) {
		if (rm == 5 && insn->bits == 64)
			insn->base = HVMON_BASE_RIP;
		return decode_disp(c, insn, 4);
	}
	insn->base = base | (insn->rex & 1 ? 8 : 0);
	if (insn->base == HVMON_RSP || insn->base == HVMON_RBP)
		insn->seg = HVMON_SS;
	return decode_disp(c, insn, disp);
}

static int decode_modrm(struct cursor *c, struct hvmon_insn *insn, u16 fmt)
{
	u8 mod, rm;
	int r;

	r = next_byte(c, &insn->modrm);
	if (r)
		return r;
	insn->has_modrm = true;
	mod = insn->modrm >> 6;
	rm = insn->modrm & 7;
	insn->reg = (insn->modrm >> 3 & 7) | (insn->rex & 4 ? 8 : 0);
	insn->rm = rm | (insn->rex & 1 ? 8 : 0);
	if (mod == 3 || (fmt & F_REG))
		return 0;
	insn->mem = true;
	return insn->adsize == 2 ? decode_mem16(c, insn, mod, rm) : decode_mem(c, insn, mod, rm);
}

static int decode_imm(struct cursor *c, struct hvmon_insn *insn, u16 fmt)
{
	s64 val = 0, skip;
	int r = 0;

	if (fmt & F_MOFFS) {
		insn->mem = true;
		r = next_number(c, insn->adsize, &insn->disp);
	}
	if (fmt & F_IMM16)
		r = next_number(c, 2, &val);
	insn->imm16 = val;
	if (!r && (fmt & F_IMM8))
		r = next_number(c, 1, &val);
	if (!r && (fmt & (F_IMMZ | F_FAR)))
		r = next_number(c, insn->opsize == 2 ? 2 : 4, &val);
	if (!r && (fmt & F_IMMV))
		r = next_number(c, insn->opsize, &val);
	if (!r && (fmt & F_FAR))
		r = next_number(c, 2, &skip);
	insn->imm = val;
	return r;
}

static void set_sizes(struct hvmon_insn *insn, const struct cursor *c, u16 fmt)
{
	bool word = c->opsize ^ (insn->bits == 16);

	if (fmt & F_BYTE)
		insn->opsize = 1;
	else if (insn->rex & 8)
		insn->opsize = 8;
	else if (insn->bits == 64 && (fmt & F_D64))
		insn->opsize = c->opsize ? 2 : 8;
	else
		insn->opsize = word ? 2 : 4;
	insn->srcsize = insn->opsize;
	if (fmt & F_SRC8)
		insn->srcsize = 1;
	else if (fmt & F_SRC16)
		insn->srcsize = 2;
}

/* Few opcodes mean something else depending on more than a table shows */
static void settle_special(struct hvmon_insn *insn, const struct cursor *c)
{
	if (insn->op == OP_ALU) {
		insn->op = (is_arithmetic(insn) ? insn->opcode : insn->modrm) >> 3 & 7;
	} else if (insn->op == OP_SHIFT) {
		insn->op = OP_ROL + (insn->modrm >> 3 & 7);
	} else if (insn->map == 0 && insn->opcode == 0x63) {
		if (insn->bits != 64)
			insn->op = OP_LEN;	/* ARPL */
		else if (insn->opsize == 8)
			insn->srcsize = 4;
	} else if (insn->map == 0 && (insn->opcode == 0x8c || insn->opcode == 0x8e)) {
		if (insn->mem)
			insn->opsize = 2;
		insn->reg &= 7;		/* REX.R is ignored */
		if (insn->reg > HVMON_GS || (insn->op == OP_LDSEG && insn->reg == HVMON_CS))
			insn->op = OP_UD;
	} else if (insn->map == 1 && insn->opcode == 0xc3) {
		/* MOVNTI has no 16-bit form and no mandatory prefix */
		if (insn->rep || c->opsize)
			insn->op = OP_UD;
		insn->opsize = max_t(u8, insn->opsize, 4);
	} else if (insn->op == OP_INS || insn->op == OP_OUTS) {
		if (insn->opsize == 8)
			insn->opsize = 4;
	} else if (insn->op == OP_SMSW && insn->mem) {
		insn->opsize = 2;
	} else if ((insn->op == OP_CALL || insn->op == OP_RET || insn->op == OP_JMP) &&
		   insn->bits == 64 && insn->opsize == 2) {
		insn->op = OP_LEN;	/* vendors disagree about a 66 prefix */
	} else if (insn->op == OP_ENTER || insn->op == OP_LEAVE) {
		insn->rm = HVMON_RBP;
	}
}

static bool lock_legal(const struct hvmon_insn *insn, u16 fmt)
{
	/* LOCK MOV CR0 names CR8, APM vol. 3, "MOV CRn" */
	if (insn->op == OP_RDCR || insn->op == OP_WRCR)
		return insn->reg == 0;
	return (fmt & F_LOCK) && insn->mem && insn->op != OP_CMP;
}

static int check_vec(const struct hvmon_insn *insn)
{
	const struct hvmon_vec_move *v = insn->vec;

	if (!insn->mem && (v->flags & VEC_MEM))
		return OP_LEN;
	if (!insn->vex)
		return OP_VEC;
	/* VEX.vvvv names a register only where a load keeps the other half */
	if (insn->vvvv && ((v->flags & VEC_STORE) || !(v->flags & (VEC_LOW | VEC_HIGH))))
		return OP_UD;
	if ((v->flags & VEC_L0) && insn->vlen == 32)
		return OP_UD;
	return OP_VEC;
}

/**
 * hvmon_decode - decode one instruction
 * @insn: filled in
 * @buf: bytes from RIP on
 * @len: how many there are; more than 15 are of no use
 * @bits: size of the code segment: 16, 32 or 64
 *
 * The length is known whenever the result is positive; @insn->op is OP_LEN
 * for instructions of which nothing more is known.
 *
 * Return: the length; -EINVAL for an instruction that the manuals leave
 * undefined (#UD), -E2BIG if it has more than 15 bytes (#GP), -ENODATA if
 * @buf ends within it, -EOPNOTSUPP for one that the tables do not cover.
 */
int hvmon_decode(struct hvmon_insn *insn, const u8 *buf, int len, int bits)
{
	struct cursor c = { .buf = buf, .len = len, .seg = HVMON_NO_REG };
	const struct hvmon_opcode *row;
	u16 fmt;
	int r;

	memset(insn, 0, sizeof(*insn));
	insn->bits = bits;
	insn->base = HVMON_NO_REG;
	insn->index = HVMON_NO_REG;
	insn->seg = HVMON_DS;

	r = decode_opcode(&c, insn);
	if (r)
		return r;
	if (bits == 64)
		insn->adsize = c.adsize ? 4 : 8;
	else
		insn->adsize = c.adsize ^ (bits == 16) ? 2 : 4;

	row = find_row(insn);
	fmt = row->fmt;
	insn->rm = (insn->opcode & 7) | (insn->rex & 1 ? 8 : 0);
	if ((fmt & F_NO64) && bits == 64)
		return -EINVAL;
	if (fmt & F_MODRM) {
		r = decode_modrm(&c, insn, fmt);
		if (r)
			return r;
	}
	if (row->op == OP_GROUP) {
		row = &groups[row->dst][insn->modrm >> 3 & 7];
		fmt |= row->fmt;
	}
	insn->op = row->op;
	insn->dst = row->dst;
	insn->src = row->src;
	set_sizes(insn, &c, fmt);
	r = decode_imm(&c, insn, fmt);
	if (r)
		return r;

	settle_special(insn, &c);
	if (insn->op == OP_VEC)
		insn->op = check_vec(insn);
	if (!insn->mem && (fmt & F_MEM))
		insn->op = OP_UD;
	else if (!insn->mem && (fmt & F_MEM_ONLY))
		insn->op = OP_LEN;
	if (insn->op == OP_UNKNOWN)
		return -EOPNOTSUPP;
	if (insn->op == OP_UD || (insn->lock && !lock_legal(insn, fmt)))
		return -EINVAL;
	if (c.seg != HVMON_NO_REG)
		insn->seg = c.seg;
	insn->len = c.pos;
	return c.pos;
}
