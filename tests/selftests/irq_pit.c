// SPDX-License-Identifier: GPL-2.0
/* PIT channel 0 interrupts periodically through IOAPIC pin 2, at its rate. */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(2, 0x40)
	"mov $0x34, %al\n"	/* channel 0, low and high byte, mode 2 */
	"out %al, $0x43\n"
	"mov $0x9c, %al\n"	/* 11932: 100 Hz */
	"out %al, $0x40\n"
	"mov $0x2e, %al\n"
	"out %al, $0x40\n"
	G_IDLE);

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, HVMON_IRQCHIP_PIT);
	u64 start, ms;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x40, handler);
	for (i = 1; i <= 3; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	start = hvt_now_ns();
	for (; i <= 53; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	/* 50 ticks of 10 ms; a loaded host is late but not early */
	ms = (hvt_now_ns() - start) / 1000000;
	CHECK(ms >= 400 && ms < 5000, "50 ticks took %llu ms", (unsigned long long)ms);
	CHECK(hvt_stats(v).irq_injected >= 53, "%llu", hvt_stats(v).irq_injected);
	CHECK(hvt_stats(v).halted_ns > 0, "it never blocked");
	return 0;
}
