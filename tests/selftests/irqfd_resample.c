// SPDX-License-Identifier: GPL-2.0
/*
 * Irqfds with a resample eventfd assert an IOAPIC pin until its EOI, which
 * signals those that had, once each; they share the pin with the launcher.
 */
#include "hvt_eventfd.h"

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(10, 0x8062)
	G_REPORT
	G_IDLE);

HVT_SILENT_HANDLER(handler);

static struct hvt_vm *vm;
static int a, b, c, ra, rb, rc;

static void settled(u32 count, u32 lines)
{
	hvt_wait_count(vm, count);
	hvt_sleep_ms(20);
	CHECK_EQ(hvt_count(vm), count);
	CHECK_EQ(hvt_ioapic(vm).lines, lines);
}

int main(void)
{
	static const struct hvmon_irq_route r[] = {
		{ .gsi = 10, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
		{ .gsi = 50, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
	};
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	struct hvt_thread t;
	u32 i;

	vm = v->vm;
	a = hvt_eventfd();
	b = hvt_eventfd();
	c = hvt_eventfd();
	ra = hvt_eventfd();
	rb = hvt_eventfd();
	rc = hvt_eventfd();
	HVT_SET_HANDLER(vm, 0x62, handler);
	hvt_routes(vm, r, 2);
	hvt_irqfd(vm, 10, a, ra);
	hvt_irqfd(vm, 10, b, rb);
	hvt_irqfd(vm, 50, c, rc);
	EXPECT_REPORT(v);

	/* Two of three, before the vCPU sees it: one interrupt */
	hvt_eventfd_signal(a);
	hvt_eventfd_signal(c);
	hvt_eventfd_signal(c);
	CHECK_EQ(hvt_ioapic(vm).lines, 1 << 10);
	CHECK_EQ(hvt_eventfd_take(ra), 0);
	hvt_spawn(&t, v);
	CHECK_EQ(hvt_eventfd_wait(ra), 1);
	CHECK_EQ(hvt_eventfd_wait(rc), 1);
	settled(1, 0);
	CHECK_EQ(hvt_eventfd_take(rb), 0);

	/* A device that is not done yet says so again */
	for (i = 2; i <= 50; i++) {
		hvt_eventfd_signal(b);
		CHECK_EQ(hvt_eventfd_wait(rb), 1);
	}
	settled(50, 0);
	CHECK_EQ(hvt_eventfd_take(ra) + hvt_eventfd_take(rc), 0);

	/* The launcher's level stays, and interrupts again and again */
	hvt_irq_line(vm, 50, 1);
	hvt_eventfd_signal(a);
	CHECK_EQ(hvt_eventfd_wait(ra), 1);
	while (hvt_count(vm) < 60)
		sched_yield();
	CHECK_EQ(hvt_ioapic(vm).lines, 1 << 10);
	hvt_irq_line(vm, 50, 0);
	hvt_sleep_ms(20);
	i = hvt_count(vm);
	settled(i, 0);
	CHECK_EQ(hvt_eventfd_take(ra) + hvt_eventfd_take(rb) + hvt_eventfd_take(rc), 0);
	hvt_stop(&t);

	/* One that goes takes its level along, but not the others' */
	hvt_eventfd_signal(a);
	hvt_eventfd_signal(b);
	hvt_irqfd_end(vm, 10, a);
	CHECK_EQ(hvt_ioapic(vm).lines, 1 << 10);
	hvt_irqfd_end(vm, 10, b);
	CHECK_EQ(hvt_ioapic(vm).lines, 0);
	return 0;
}
