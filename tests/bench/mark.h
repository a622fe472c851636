/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction at which insns.c writes down what it has counted: a NOP that no
 * compiler chooses, 0F 1F /0 with "MARK" as its displacement (SDM vol. 2, NOP).
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_INSN	"\x0f\x1f\x80MARK"
#define MARK_LEN	(sizeof(MARK_INSN) - 1)

static inline void mark(void)
{
	asm volatile("nopl 0x4b52414d(%%rax)" : : : "memory");
}

#endif
