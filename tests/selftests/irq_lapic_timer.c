// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC timer interrupts once in one-shot mode and again and again in
 * periodic mode, at the programmed rate. What has run out starts with a new
 * count, and not with the mode.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	"movl $0xb, 0x3e0(%rbp)\n"		/* divide by 1 */
	"movl $0x50, 0x320(%rbp)\n"		/* one-shot */
	"sti\n"
	"movl $100000, 0x380(%rbp)\n"
	"1: cmpl $1, 0x100000\n"
	"jne 1b\n"
	/* the count stays at 0 */
	"mov 0x390(%rbp), %eax\n"
	G_REPORT
	"movl $0x20050, 0x320(%rbp)\n"		/* periodic */
	"mov 0x390(%rbp), %eax\n"
	G_REPORT
	"movl $1000000, 0x380(%rbp)\n"
	"2: hlt\n"
	"jmp 2b\n");

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	u64 start, ns;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x50, handler);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	for (i = 2; i < 5; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	start = hvt_now_ns();
	for (; i < 45; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	/* The bus clock is between 10 MHz and 1 GHz: 40 ticks of 1 to 100 ms */
	ns = hvt_now_ns() - start;
	CHECK(ns > 20000000 && ns < 20000000000ULL, "40 ticks took %llu ns",
	      (unsigned long long)ns);
	return 0;
}
