// SPDX-License-Identifier: GPL-2.0
/*
 * An edge-triggered IOAPIC pin interrupts once per edge, not while it is
 * masked, and the latest vector counts.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(11, 0x63)
	"sti\n"
	"1: mov $0x777, %eax\n"
	G_REPORT
	"jmp 1b\n");

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);

	HVT_SET_HANDLER(v->vm, 0x63, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	hvt_irq_line(v->vm, 11, 1);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	hvt_irq_line(v->vm, 11, 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	hvt_irq_line(v->vm, 11, 0);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	hvt_irq_line(v->vm, 11, 1);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	return 0;
}
