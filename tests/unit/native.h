/* SPDX-License-Identifier: GPL-2.0 */
/* Running an instruction on the processor itself, native.S */
#ifndef _NATIVE_H
#define _NATIVE_H

#include <linux/types.h>

struct machine {
	u64 gpr[16];
	u64 rflags;
	u8 ymm[16][32];
	u64 mm[8];
};

extern struct machine native;
extern u64 native_target;
extern bool have_avx;

/*
 * Loads all registers from native, jumps to native_target, whose code ends
 * with a jump to native_end, and stores them again.
 */
void native_run(void);
void native_end(void);

#endif
