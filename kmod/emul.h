/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulator's core executes one decoded instruction on a copy of the
 * registers. All that it needs of the outside goes through struct
 * hvmon_emul_ops, so that tests can run it on memory and devices of their own.
 */
#ifndef _HVMON_EMUL_H
#define _HVMON_EMUL_H

#include <linux/bits.h>
#include <linux/types.h>

#include "../uapi/hvmon.h"
#include "decode.h"

struct hvmon_emul;

/* What the core's functions return, or a negative errno */
enum {
	EM_OK,
	EM_FAULT,	/* em->fault is to be raised in the guest */
	EM_WAIT,	/* an access went to the launcher: step again with its answer */
	EM_UNKNOWN,	/* not an instruction that can be emulated; em->why */
	EM_RETRY,	/* must be atomic, and the processor can do it now */
};

/*
 * A memory access of an instruction, in the order in which it makes them. An
 * instruction that had to wait is executed again from the start; accesses that
 * were done then are answered from here and not repeated.
 */
struct hvmon_emul_access {
	u64 gpa;
	u8 data[32];
	u32 len;
	bool write;
	bool done;
};

/* Three operands, each in two pages */
#define HVMON_EMUL_LOG	6

/* Where an operand in memory lies; a second part if it crosses a page */
struct hvmon_emul_map {
	bool valid;
	u8 nr;
	u32 len[2];
	u64 gpa[2];
};

/* hvmon_emul.map[]: the RM operand, the other one or a descriptor, its type */
enum { EM_MAP_RM, EM_MAP_OTHER, EM_MAP_TYPE, EM_NR_MAPS };

/**
 * struct hvmon_emul_ops - what surrounds the core
 * @translate: linear to physical address; HVMON_ACCESS_*. EM_OK, EM_FAULT with
 *             *error for a page fault, EM_UNKNOWN, or -errno
 * @access: fill a->data from a->gpa, or write it there. EM_OK or EM_WAIT
 * @is_ram: the processor could access the page by itself
 * @pio: one port access of a device in the kernel; -EOPNOTSUPP if there is none
 * @pio_user: hand @count accesses to the launcher, data at em->pio_data. EM_WAIT
 * @ram_write: write em->pio_data to memory for which @is_ram was true
 * @ram_read: read memory to em->pio_data
 * @get_seg: a segment register
 * @set_seg: likewise; nothing after it may fail or wait
 * @get_gdt: where the GDT is; EM_OK or -errno
 * @long_mode: EFER.LMA
 * @get_cr: control register, 0, 2, 3, 4 or 8
 * @set_cr: likewise; -EINVAL for a value that is #GP
 * @get_dr: debug register, 0-3, 6, 7
 * @set_dr: likewise
 * @invlpg: forget the translation of a linear address
 */
struct hvmon_emul_ops {
	int (*translate)(struct hvmon_emul *em, u64 lin, u32 access, u64 *gpa, u32 *error);
	int (*access)(struct hvmon_emul *em, struct hvmon_emul_access *a);
	bool (*is_ram)(struct hvmon_emul *em, u64 gpa, bool write);
	int (*pio)(struct hvmon_emul *em, bool in, u16 port, u32 size, void *data);
	int (*pio_user)(struct hvmon_emul *em, bool in, u16 port, u32 size, u32 count);
	int (*ram_write)(struct hvmon_emul *em, u64 gpa, u32 len);
	int (*ram_read)(struct hvmon_emul *em, u64 gpa, u32 len);
	void (*get_seg)(struct hvmon_emul *em, int seg, struct hvmon_segment *s);
	void (*set_seg)(struct hvmon_emul *em, int seg, const struct hvmon_segment *s);
	int (*get_gdt)(struct hvmon_emul *em, struct hvmon_dtable *gdt);
	bool (*long_mode)(struct hvmon_emul *em);
	u64 (*get_cr)(struct hvmon_emul *em, int cr);
	int (*set_cr)(struct hvmon_emul *em, int cr, u64 val);
	u64 (*get_dr)(struct hvmon_emul *em, int dr);
	int (*set_dr)(struct hvmon_emul *em, int dr, u64 val);
	void (*invlpg)(struct hvmon_emul *em, u64 lin);
};

/**
 * struct hvmon_emul - an instruction and how far it got
 * @ops: the outside
 * @in: registers before the instruction; hvmon_emul_step() leaves them alone
 * @regs: registers after it, when hvmon_emul_step() returned EM_OK; on the way RIP is
 *        that of the next instruction
 * @cpl: privilege level
 * @xsave: XSAVE area in standard format, NULL: no vector instructions
 * @ymm_offset: of YMM_Hi128 in @xsave, 0 if the processor lacks AVX
 * @zmm_offset: of ZMM_Hi256, 0 if it lacks AVX-512
 * @xcr0: the guest's
 * @insn: the decoded instruction
 * @map: operands whose addresses have been translated
 * @log: accesses of this instruction, or of this iteration of a string one
 * @nr_log: how many there are
 * @pos: the next one during a run
 * @pio_data: where the launcher takes and leaves the data of ports;
 *            HVMON_RUN_DATA bytes
 * @pio_count: port accesses that the launcher has been given
 * @pio_val: the value, if it is one
 * @pio_done: the ports have answered; whoever answers fills in @pio_val
 * @again: a string instruction has iterations left: commit @regs, step again
 * @shadow: it was MOV SS: no interrupt before the next instruction
 * @fault: for EM_FAULT
 * @why: for EM_UNKNOWN
 */
struct hvmon_emul {
	const struct hvmon_emul_ops *ops;
	const struct hvmon_regs *in;
	struct hvmon_regs regs;
	u8 cpl;
	u8 *xsave;
	u32 ymm_offset;
	u32 zmm_offset;
	u64 xcr0;
	struct hvmon_insn insn;
	u8 nr_log;
	u8 pos;
	struct hvmon_emul_map map[EM_NR_MAPS];
	struct hvmon_emul_access log[HVMON_EMUL_LOG];
	u8 *pio_data;
	u64 pio_val;
	u32 pio_count;
	bool pio_done;
	bool again;
	bool shadow;
	struct hvmon_event fault;
	const char *why;
};

/* emul.c */
int hvmon_emul_step(struct hvmon_emul *em);
void hvmon_emul_reset(struct hvmon_emul *em);
int hvmon_em_raise(struct hvmon_emul *em, u8 vector, bool has_error, u32 error, u64 payload);
int hvmon_em_unknown(struct hvmon_emul *em, const char *why);
u64 hvmon_insn_reg(const struct hvmon_insn *insn, const struct hvmon_regs *regs, int reg,
		   int size);
void hvmon_insn_set_reg(const struct hvmon_insn *insn, struct hvmon_regs *regs, int reg,
			int size, u64 val);

static inline u64 hvmon_em_reg(const struct hvmon_emul *em, int reg, int size)
{
	return hvmon_insn_reg(&em->insn, &em->regs, reg, size);
}

static inline void hvmon_em_set_reg(struct hvmon_emul *em, int reg, int size, u64 val)
{
	hvmon_insn_set_reg(&em->insn, &em->regs, reg, size, val);
}

bool hvmon_em_is_canonical(struct hvmon_emul *em, u64 lin);
bool hvmon_seg_has(const struct hvmon_segment *s, u64 ea, u32 len);
int hvmon_em_linear(struct hvmon_emul *em, int seg, u64 ea, u32 len, bool write, u64 *lin);
int hvmon_em_map(struct hvmon_emul *em, int n, u64 lin, u32 len, bool write);
int hvmon_em_map_access(struct hvmon_emul *em, int n, u64 lin, u32 len, u32 access);
int hvmon_em_map_at(struct hvmon_emul *em, int n, int seg, u64 ea, u32 len, bool write);
int hvmon_em_read(struct hvmon_emul *em, int n, void *buf);
int hvmon_em_write(struct hvmon_emul *em, int n, const void *buf);
int hvmon_em_load(struct hvmon_emul *em, int opd, int size, u64 *val);
int hvmon_em_store(struct hvmon_emul *em, int opd, int size, u64 val);

static inline int hvmon_em_gp(struct hvmon_emul *em)
{
	return hvmon_em_raise(em, 13, true, 0, 0);
}

static inline int hvmon_em_ud(struct hvmon_emul *em)
{
	return hvmon_em_raise(em, 6, false, 0, 0);
}

/* emul_seg.c, emul_stack.c, emul_str.c, emul_vec.c, emul_sys.c */
int hvmon_em_segment(struct hvmon_emul *em);
int hvmon_em_stack(struct hvmon_emul *em);
int hvmon_em_string(struct hvmon_emul *em);
int hvmon_em_port_string(struct hvmon_emul *em);
int hvmon_em_vec(struct hvmon_emul *em);
int hvmon_em_system(struct hvmon_emul *em);

/* emul_ops.c */

#define HVMON_ARITH_FLAGS	0x8d5ULL	/* OF SF ZF AF PF CF */

/**
 * struct hvmon_int_args - operands of an integer operation, zero-extended
 * @dst: in and out
 * @src: in; out for XCHG and XADD
 * @third: in; the immediate of IMUL, the count of SHLD and SHRD, the condition
 *         of CMOVcc and SETcc as opcodes encode it
 * @acc: in and out, for CMPXCHG; with INT_WIDE the lower half
 * @high: in and out, with INT_WIDE: the upper half
 * @rflags: in and out
 * @size: bytes of the operands
 * @srcsize: bytes of the source
 * @set_acc: out: @acc is to be written
 * @keep: out: the destination is not to be written
 * @fault: out: #DE, and nothing is to be written
 */
struct hvmon_int_args {
	u64 dst;
	u64 src;
	u64 third;
	u64 acc;
	u64 high;
	u64 rflags;
	u8 size;
	u8 srcsize;
	bool set_acc;
	bool keep;
	bool fault;
};

/* hvmon_int_op.flags: what it does with its operands besides reading the source */
#define INT_RD		BIT(0)	/* reads the destination */
#define INT_WR		BIT(1)	/* writes it */
#define INT_WR_SRC	BIT(2)	/* writes the source */
#define INT_BIT		BIT(3)	/* the source is a bit number */
#define INT_WIDE	BIT(4)	/* the destination is twice as wide: AX, DX:AX, ... RDX:RAX */

struct hvmon_int_op {
	void (*fn)(struct hvmon_int_args *a);
	u8 flags;
};

extern const struct hvmon_int_op hvmon_int_ops[OP_NR_INT];

static inline u64 hvmon_size_mask(int size)
{
	return ~0ULL >> (64 - 8 * size);
}

/* The effective address of the RM operand */
static inline u64 hvmon_insn_address(const struct hvmon_insn *insn, const struct hvmon_regs *regs,
				     u64 next_rip)
{
	u64 ea = insn->disp;

	if (insn->base == HVMON_BASE_RIP)
		ea += next_rip;
	else if (insn->base != HVMON_NO_REG)
		ea += regs->gpr[insn->base];
	if (insn->index != HVMON_NO_REG)
		ea += regs->gpr[insn->index] << insn->scale;
	return ea & hvmon_size_mask(insn->adsize);
}

static inline u64 hvmon_em_address(const struct hvmon_emul *em)
{
	return hvmon_insn_address(&em->insn, &em->regs, em->regs.rip);
}

#endif /* _HVMON_EMUL_H */
