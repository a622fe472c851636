/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction decoder: bytes in, fields out, no processor state but the
 * size of the code segment. It knows the length of nearly every instruction
 * and the meaning of those that emul*.c executes.
 */
#ifndef _HVMON_DECODE_H
#define _HVMON_DECODE_H

#include <linux/bits.h>
#include <linux/types.h>

#define HVMON_INSN_MAX	15	/* APM vol. 3, 1.1: longer ones are #GP */

/* What an instruction does. Those up to OP_NR_INT have a row in emul_ops.c */
enum hvmon_op {
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_MOV, OP_MOVZX, OP_MOVSX, OP_MOVBE, OP_TEST, OP_NOT, OP_NEG,
	OP_INC, OP_DEC, OP_XCHG, OP_XADD, OP_CMPXCHG,
	OP_BT, OP_BTS, OP_BTR, OP_BTC, OP_BSF, OP_BSR,
	OP_IMUL, OP_IMUL_IMM, OP_SHLD, OP_SHRD,
	OP_MUL, OP_IMUL_WIDE, OP_DIV, OP_IDIV, OP_CMOV, OP_SET,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_NR_INT,

	OP_CMPXCHG8B = OP_NR_INT, OP_VEC,
	OP_PUSH, OP_POP, OP_CALL, OP_RET, OP_JMP, OP_LEAVE, OP_ENTER,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	OP_RDCR, OP_WRCR, OP_RDDR, OP_WRDR, OP_CLTS, OP_LMSW, OP_SMSW, OP_INVLPG,
	OP_LDSEG, OP_LTR, OP_JMP_FAR,
	OP_NR_EXEC,

	OP_LEN = OP_NR_EXEC,	/* only its length is known */
	OP_GROUP,		/* ModRM.reg selects, or a table of prefixes */
	OP_ALU,			/* one of the first eight, by the opcode or ModRM.reg */
	OP_SHIFT,		/* one of the eight from OP_ROL on, by ModRM.reg */
	OP_UD,			/* undefined: raises #UD */
	OP_UNKNOWN,		/* may be defined, but not here */
};

/* Where an operand lives */
enum hvmon_operand {
	OPD_NONE,
	OPD_RM,			/* ModRM.rm: register or memory; also moffs */
	OPD_REG,		/* ModRM.reg */
	OPD_ACC,		/* AL, AX, EAX, RAX */
	OPD_IMM,
	OPD_ONE,		/* the number 1 */
	OPD_CL,
	OPD_SEG,		/* selector of segment ModRM.reg */
};

/* hvmon_vec_move.flags */
#define VEC_STORE	BIT(0)	/* register to memory */
#define VEC_ALIGN	BIT(1)	/* #GP if not aligned to its size */
#define VEC_LOW		BIT(2)	/* loads replace bits 63:0 only */
#define VEC_HIGH	BIT(3)	/* bits 127:64 only, both ways */
#define VEC_W		BIT(4)	/* 4 bytes, 8 with REX.W or VEX.W */
#define VEC_L0		BIT(5)	/* VEX.L must be 0 */
#define VEC_MEM		BIT(6)	/* #UD, or another meaning, with a register */
#define VEC_MMX		BIT(7)	/* of an MMX register, never with VEX */

/**
 * struct hvmon_vec_move - an MMX, SSE or AVX move
 * @map: 1: 0F, 2: 0F 38
 * @opcode: last opcode byte
 * @pp: mandatory prefix as VEX encodes it: 0 none, 1 66, 2 F3, 3 F2
 * @size: bytes in memory, 0: the whole vector
 * @flags: VEC_*
 */
struct hvmon_vec_move {
	u8 map;
	u8 opcode;
	u8 pp;
	u8 size;
	u8 flags;
};

#define HVMON_NO_REG	0xff
#define HVMON_BASE_RIP	0x10	/* hvmon_insn.base: the next instruction */

/**
 * struct hvmon_insn - a decoded instruction
 * @len: bytes
 * @bits: of the code segment: 16, 32, 64
 * @map: 0: one-byte opcodes, 1: 0F, 2: 0F 38, 3: 0F 3A
 * @opcode: last opcode byte
 * @op: enum hvmon_op
 * @dst: enum hvmon_operand
 * @src: enum hvmon_operand
 * @opsize: bytes of the operands: 1, 2, 4, 8
 * @srcsize: bytes of the source; differs from @opsize for MOVZX and MOVSX
 * @adsize: bytes of addresses: 2, 4, 8
 * @rex: the REX prefix, 0 if none; VEX's W, R, X, B in the same bits
 * @lock: LOCK prefix
 * @rep: 0xf2 or 0xf3, the last one given; 0 if none
 * @seg: segment of the memory operand, overrides and defaults applied
 * @has_modrm: @modrm is there
 * @mem: the RM operand is memory, described by the fields from @base to @disp
 * @modrm: the byte
 * @reg: ModRM.reg with REX.R
 * @rm: ModRM.rm with REX.B; without ModRM the register that is part of the opcode,
 *      RBP for ENTER and LEAVE
 * @base: register, HVMON_BASE_RIP or HVMON_NO_REG
 * @index: register or HVMON_NO_REG
 * @scale: 0 .. 3
 * @disp: displacement, or the offset of the moffs forms
 * @imm: sign-extended immediate; the last one if there are two
 * @imm16: the first of two, ENTER's size
 * @vex: has a VEX prefix
 * @vvvv: its register
 * @vlen: bytes of the vectors: 16, 32
 * @pp: mandatory prefix as VEX encodes it
 * @vec: the row of OP_VEC
 */
struct hvmon_insn {
	u8 len;
	u8 bits;
	u8 map;
	u8 opcode;
	u8 op;
	u8 dst;
	u8 src;
	u8 opsize;
	u8 srcsize;
	u8 adsize;
	u8 rex;
	bool lock;
	u8 rep;
	u8 seg;
	bool has_modrm;
	bool mem;
	u8 modrm;
	u8 reg;
	u8 rm;
	u8 base;
	u8 index;
	u8 scale;
	bool vex;
	u8 vvvv;
	u8 vlen;
	u8 pp;
	s64 disp;
	u64 imm;
	u16 imm16;
	const struct hvmon_vec_move *vec;
};

int hvmon_decode(struct hvmon_insn *insn, const u8 *buf, int len, int bits);

#endif /* _HVMON_DECODE_H */
