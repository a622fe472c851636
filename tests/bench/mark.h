/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What programs tell insns.c, by NOPs that no compiler chooses: 0F 1F /0 with a
 * displacement (SDM vol. 2, NOP). "MARK" has it write down what it has counted.
 * "WAT" and N stand in a loop that waits, of N instructions beside this one: no round of
 * it counts as anything.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_DISP	0x4b52414d
#define WAIT_DISP(n)	(0x00544157 | (n) << 24)
#ifndef __ASSEMBLER__
#define MARK_INSN	"\x0f\x1f\x80MARK"
#define MARK_LEN	(sizeof(MARK_INSN) - 1)
#define WAIT_INSN	"\x0f\x1f\x80WAT"		/* and a byte, N */
#define WAIT_LEN	(sizeof(WAIT_INSN) - 1)

static inline void mark(void)
{
	asm volatile("nopl %c0(%%rax)" : : "i"(MARK_DISP) : "memory");
}

#endif
#endif
