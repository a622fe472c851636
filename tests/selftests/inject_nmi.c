// SPDX-License-Identifier: GPL-2.0
/*
 * An injected NMI is delivered once, blocks the next until IRET, and one more
 * waits meanwhile.
 */
#include "hvt.h"

GUEST64(guest,
	"1: mov $1, %eax\n"
	G_REPORT
	"jmp 1b\n");

/* The handler at 0x11000: report 2, then IRET after a second report */
GUEST64(handler,
	"push %rax\n"
	"mov $2, %eax\n"
	G_REPORT
	"mov $3, %eax\n"
	G_REPORT
	"pop %rax\n"
	"iretq\n");

static void nmi(struct hvt_vcpu *v)
{
	SYS(hvt_try_inject(v, HVMON_EV_NMI, 0, false, 0, 0));
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	hvt_load(v->vm, 0x11000, handler, handler_end);
	hvt_gate64(v->vm, 2, 0x11000);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	nmi(v);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	nmi(v);		/* inside the handler */
	nmi(v);		/* and a third, which is forgotten */
	CHECK_EQ(EXPECT_REPORT(v), 3);
	/* the second comes only after IRET, before the interrupted code goes on */
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(EXPECT_REPORT(v), 3);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(hvt_stats(v).nmi_injected, 2);
	return 0;
}
