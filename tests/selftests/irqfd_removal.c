// SPDX-License-Identifier: GPL-2.0
/*
 * Irqfds end while their eventfds are being signalled, with and without
 * resampling: none interrupts after that, none is signalled.
 */
#include "hvt_eventfd.h"

#define ROUNDS	40

GUEST64(guest,
	G_LAPIC_ON
	G_IOAPIC(10, 0x8062)
	G_REPORT
	G_IDLE);

HVT_SILENT_HANDLER(handler);

static int fd[2], eoi;
static u32 stop;

static void *fire(void *p)
{
	u32 i;

	/* Never so often that the counter of one without irqfd gets full */
	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++)
		hvt_eventfd_signal(fd[i & 1]);
	return p;
}

/* IRR of the vCPU, which does not run, has @vector; it is taken out */
static bool take_irr(struct hvt_vcpu *v, u32 vector)
{
	struct hvmon_state st;
	u32 *irr;
	bool set;

	hvt_get(v, &st, HVMON_STATE_LAPIC);
	irr = (u32 *)(st.lapic.page + 0x200 + (vector / 32) * 0x10);
	set = *irr & 1u << vector % 32;
	*irr &= ~(1u << vector % 32);
	hvt_set(v, &st, HVMON_STATE_LAPIC);
	return set;
}

int main(void)
{
	static const struct hvmon_irq_route r[] = {
		{ .gsi = 10, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
		{ .gsi = 60, .type = HVMON_ROUTE_MSI, .addr = 0xfee01000, .data = 0x61 },
	};
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0), *idle;
	u32 i, hits = 0, resampled = 0;
	struct hvt_thread t;
	pthread_t shooter;
	struct hvmon_state st;

	idle = hvt_vcpu(v->vm, 1);
	hvt_get(idle, &st, HVMON_STATE_LAPIC);
	*(u32 *)(st.lapic.page + 0xf0) = 0x1ff;
	hvt_set(idle, &st, HVMON_STATE_LAPIC);
	fd[0] = hvt_eventfd();
	fd[1] = hvt_eventfd();
	eoi = hvt_eventfd();
	HVT_SET_HANDLER(v->vm, 0x62, handler);
	hvt_routes(v->vm, r, 2);
	EXPECT_REPORT(v);
	hvt_spawn(&t, v);
	if (pthread_create(&shooter, NULL, fire, NULL))
		FAIL("pthread_create failed");
	for (i = 0; i < ROUNDS; i++) {
		hvt_irqfd(v->vm, 60, fd[0], 0);
		hvt_irqfd(v->vm, 10, fd[1], eoi);
		if (i % 8 == 0)
			hvt_sleep_ms(5);
		hvt_irqfd_end(v->vm, 60, fd[0]);
		hits += take_irr(idle, 0x61);
		hvt_irqfd_end(v->vm, 10, fd[1]);
		resampled += !!hvt_eventfd_take(eoi);
		sched_yield();
		CHECK(!take_irr(idle, 0x61), "an interrupt after the end, round %u", i);
		CHECK_EQ(hvt_ioapic(v->vm).lines, 0);
		CHECK_EQ(hvt_eventfd_take(eoi), 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(shooter, NULL);
	printf("%u of %u interrupted, %u were resampled\n", hits, ROUNDS, resampled);
	CHECK(hits && resampled, "%u and %u", hits, resampled);
	/* All is well for those that come next */
	hvt_eventfd_take(fd[1]);
	hvt_irqfd(v->vm, 10, fd[1], eoi);
	hvt_eventfd_signal(fd[1]);
	CHECK_EQ(hvt_eventfd_wait(eoi), 1);
	hvt_stop(&t);
	return 0;
}
