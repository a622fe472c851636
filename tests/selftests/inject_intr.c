// SPDX-License-Identifier: GPL-2.0
/*
 * Without an irqchip an injected interrupt waits for IF, one at a time, and
 * intr_window tells when the guest can take it.
 */
#include "hvt.h"

GUEST64(guest,
	"cli\n"
	"mov $1, %eax\n"
	G_REPORT
	"mov $2, %eax\n"
	G_REPORT
	"sti\n"
	"mov $3, %ebx\n"
	"mov $4, %ebx\n"
	"1: mov $5, %eax\n"
	G_REPORT
	"jmp 1b\n");

GUEST64(handler, "mov $0x41, %eax\n" G_REPORT "iretq\n");

static void guest_at(struct hvt_vcpu *v)
{
	hvt_load(v->vm, 0x11000, handler, handler_end);
	hvt_gate64(v->vm, 0x41, 0x11000);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	guest_at(v);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	SYS(hvt_try_inject(v, HVMON_EV_INTR, 0x41, false, 0, 0));
	REFUSED(hvt_try_inject(v, HVMON_EV_INTR, 0x42, false, 0, 0), EBUSY);
	/* IF is clear */
	CHECK_EQ(EXPECT_REPORT(v), 2);
	/* STI's shadow covers one instruction */
	CHECK_EQ(EXPECT_REPORT(v), 0x41);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 3);

	v = HVT_BOOT(64, guest);
	guest_at(v);
	v->run->intr_window = 1;
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	EXPECT(v, HVMON_EXIT_INTR_WINDOW);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 3);
	v->run->intr_window = 0;
	SYS(hvt_try_inject(v, HVMON_EV_INTR, 0x41, false, 0, 0));
	CHECK_EQ(EXPECT_REPORT(v), 0x41);
	return 0;
}
