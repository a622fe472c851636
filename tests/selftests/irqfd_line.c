// SPDX-License-Identifier: GPL-2.0
/*
 * An irqfd with line routes gives each pin one edge per signal: the IOAPIC
 * interrupts, the PIC latches a request, and the lines are low afterwards.
 */
#include "hvt_eventfd.h"

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(10, 0x62)
	G_REPORT
	G_IDLE);

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	HVT_DEFINE_ARG(hvmon_irqchip, pic, .chip = HVMON_CHIP_PIC_SLAVE);
	int fd = hvt_eventfd();
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x62, handler);
	EXPECT_REPORT(v);
	hvt_irqfd(v->vm, 10, fd, 0);
	for (i = 1; i <= 50; i++) {
		hvt_eventfd_signal(fd);
		CHECK_EQ(EXPECT_REPORT(v), i);
		CHECK_EQ(hvt_ioapic(v->vm).lines, 0);
	}
	SYS(ioctl(v->vm->fd, HVMON_IRQCHIP_GET, &pic));
	CHECK_EQ(pic.state.pic.irr, 1 << 2);
	CHECK_EQ(pic.state.pic.lines, 0);
	/* No edge where another source keeps the line up */
	hvt_irq_line(v->vm, 10, 1);
	CHECK_EQ(EXPECT_REPORT(v), i);
	hvt_eventfd_signal(fd);
	CHECK_EQ(hvt_ioapic(v->vm).lines, 1 << 10);
	CHECK_EQ(hvt_ioapic(v->vm).irr, 0);
	hvt_irq_line(v->vm, 10, 0);
	hvt_eventfd_signal(fd);
	CHECK_EQ(EXPECT_REPORT(v), i + 1);
	return 0;
}
