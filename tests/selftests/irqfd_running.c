// SPDX-License-Identifier: GPL-2.0
/* An irqfd interrupts a vCPU that runs and does not halt, on this CPU or another. */
#include "hvt_eventfd.h"

#define ROUNDS	100

GUEST64(guest,
	G_LAPIC_ON
	G_REPORT
	"sti\n"
	"1: jmp 1b\n");

HVT_SILENT_HANDLER(handler);

int main(void)
{
	static const struct hvmon_irq_route r = {
		.gsi = 100, .type = HVMON_ROUTE_MSI, .addr = 0xfee00000, .data = 0x61 };
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	int fd = hvt_eventfd();
	struct hvt_thread t;
	u64 start;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x61, handler);
	hvt_routes(v->vm, &r, 1);
	hvt_irqfd(v->vm, 100, fd, 0);
	EXPECT_REPORT(v);
	hvt_spawn(&t, v);
	start = hvt_now_ns();
	for (i = 1; i <= ROUNDS; i++) {
		hvt_eventfd_signal(fd);
		hvt_wait_count(v->vm, i);
	}
	printf("%llu us each\n", (unsigned long long)(hvt_now_ns() - start) / 1000 / ROUNDS);
	CHECK_EQ(hvt_stats(v).irq_injected, ROUNDS);
	CHECK_EQ(hvt_stats(v).hlt, 0);
	hvt_stop(&t);
	CHECK_EQ(hvt_count(v->vm), ROUNDS);
	return 0;
}
