// SPDX-License-Identifier: GPL-2.0
/*
 * An irqfd with an MSI route wakes a halted vCPU, each time that its eventfd is
 * signalled, and takes what was added; what was added before counts as one.
 */
#include "hvt_eventfd.h"

#define ROUNDS	200
#define SLEEPS	(ROUNDS / 8)

GUEST64(guest,
	G_LAPIC_ON
	G_REPORT
	G_IDLE);

HVT_SILENT_HANDLER(handler);

int main(void)
{
	static const struct hvmon_irq_route r = {
		.gsi = 100, .type = HVMON_ROUTE_MSI, .addr = 0xfee00000, .data = 0x61 };
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	int fd = hvt_eventfd();
	struct hvt_thread t;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x61, handler);
	hvt_routes(v->vm, &r, 1);
	EXPECT_REPORT(v);
	hvt_eventfd_signal(fd);
	hvt_eventfd_signal(fd);
	hvt_irqfd(v->vm, 100, fd, 0);
	CHECK_EQ(hvt_eventfd_take(fd), 0);
	hvt_spawn(&t, v);
	hvt_wait_count(v->vm, 1);
	for (i = 2; i <= ROUNDS; i++) {
		/* Now and then it certainly sleeps by then */
		if (i % (ROUNDS / SLEEPS) == 0)
			hvt_sleep_ms(2);
		hvt_eventfd_signal(fd);
		hvt_wait_count(v->vm, i);
		CHECK_EQ(hvt_eventfd_take(fd), 0);
	}
	CHECK(hvt_stats(v).hlt >= SLEEPS, "%llu HLTs", hvt_stats(v).hlt);
	hvt_irqfd_end(v->vm, 100, fd);
	hvt_eventfd_signal(fd);
	hvt_sleep_ms(20);
	CHECK_EQ(hvt_count(v->vm), ROUNDS);
	CHECK_EQ(hvt_eventfd_take(fd), 1);
	hvt_stop(&t);
	return 0;
}
