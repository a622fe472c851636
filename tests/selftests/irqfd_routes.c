// SPDX-License-Identifier: GPL-2.0
/*
 * While the route of an irqfd's GSI moves between messages and pins, each
 * signal interrupts exactly once: none is lost, none comes twice.
 */
#include "hvt_eventfd.h"

#define GSI	40
#define ROUNDS	400	/* at least */
#define CHANGES	50

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(10, 0x63)
	G_IOAPIC(11, 0x64)
	G_REPORT
	G_IDLE);

HVT_SILENT_HANDLER(handler);

static struct hvt_vm *vm;
static u32 stop, changes;

static void *change(void *p)
{
	static const struct hvmon_irq_route r[] = {
		{ .gsi = GSI, .type = HVMON_ROUTE_MSI, .addr = 0xfee00000, .data = 0x61 },
		{ .gsi = GSI, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
		{ .gsi = GSI, .type = HVMON_ROUTE_MSI, .addr = 0xfee00000, .data = 0x62 },
		{ .gsi = GSI, .type = HVMON_ROUTE_IOAPIC, .pin = 11 },
	};
	u32 i;

	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		hvt_routes(vm, &r[i % ARRAY_SIZE(r)], 1);
		__atomic_store_n(&changes, i, __ATOMIC_RELEASE);
	}
	return p;
}

int main(void)
{
	static const struct hvmon_irq_route first = {
		.gsi = GSI, .type = HVMON_ROUTE_IOAPIC, .pin = 10 };
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	int fd = hvt_eventfd();
	pthread_t changer;
	struct hvt_thread t;
	u32 i;

	vm = v->vm;
	HVT_SET_HANDLER(vm, 0x61, handler);
	for (i = 0x62; i <= 0x64; i++)
		hvt_gate64(vm, i, HVT_HANDLER);
	hvt_routes(vm, &first, 1);
	hvt_irqfd(vm, GSI, fd, 0);
	EXPECT_REPORT(v);
	hvt_spawn(&t, v);
	if (pthread_create(&changer, NULL, change, NULL))
		FAIL("pthread_create failed");
	/* Signals are faster than changes, each of which waits for readers */
	for (i = 1; i <= ROUNDS || __atomic_load_n(&changes, __ATOMIC_ACQUIRE) < CHANGES; i++) {
		hvt_eventfd_signal(fd);
		hvt_wait_count(vm, i);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(changer, NULL);
	hvt_sleep_ms(20);
	CHECK_EQ(hvt_count(vm), i - 1);
	printf("%u changes, %u signals\n", changes, i - 1);
	hvt_stop(&t);
	return 0;
}
