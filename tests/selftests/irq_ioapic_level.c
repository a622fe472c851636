// SPDX-License-Identifier: GPL-2.0
/*
 * A level-triggered IOAPIC pin interrupts again after each EOI while the line
 * is up, and no more once it is down.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(10, 0x8062)
	"mov $0x777, %eax\n"
	G_REPORT
	G_IDLE);

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	HVT_DEFINE_ARG(hvmon_irqchip, chip, .chip = HVMON_CHIP_IOAPIC);
	struct hvt_thread t;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x62, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	hvt_irq_line(v->vm, 10, 1);
	for (i = 1; i <= 3; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	SYS(ioctl(v->vm->fd, HVMON_IRQCHIP_GET, &chip));
	CHECK(chip.state.ioapic.redir[10] & 1 << 14, "remote IRR is clear in the handler");
	/* the handler of the third is under way: EOI comes with the line down */
	hvt_irq_line(v->vm, 10, 0);
	hvt_spawn(&t, v);
	hvt_sleep_ms(200);
	CHECK_EQ(t.reports, 0);
	SYS(ioctl(v->vm->fd, HVMON_IRQCHIP_GET, &chip));
	CHECK(!(chip.state.ioapic.redir[10] & 1 << 14), "remote IRR is set after EOI");
	hvt_irq_line(v->vm, 10, 1);
	hvt_wait_reports(&t, 0);
	hvt_irq_line(v->vm, 10, 0);
	hvt_stop(&t);
	return 0;
}
