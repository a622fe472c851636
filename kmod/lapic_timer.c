// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline mode.
 *
 * Facts: SDM vol. 3, 11.5.4. Nothing counts: the present count follows from
 * the time at which it was loaded. The host's timer only runs while an
 * interrupt would come of it, and, where a processor can end the guest's run at
 * a given TSC (hvmon_vcpu.has_deadline), only while the vCPU sleeps: a guest
 * that sets its timer and runs on costs the host no timer, and a tick that is
 * due while the vCPU is elsewhere ends its next run at once.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "irqchip.h"
#include "lapic.h"

/* Divide configuration: bits 3, 1, 0; 0 is by 2, 6 by 128, 7 by 1 */
u32 hvmon_apic_divide_shift(u32 divide)
{
	return (((divide & 3) | (divide & 8) >> 1) + 1) & 7;
}

/**
 * hvmon_apic_timer_left() - time to the next tick
 * @t: the timer
 * @periodic: it starts again when it has run out
 * @now: ktime_get_ns()
 *
 * Return: nanoseconds; 0 if it has stopped.
 */
u64 hvmon_apic_timer_left(const struct hvmon_apic_timer *t, bool periodic, u64 now)
{
	u64 elapsed = now - t->start, rest;

	if (!t->initial || t->spent)
		return 0;
	if (elapsed < t->period)
		return t->period - elapsed;
	if (!periodic)
		return 0;
	div64_u64_rem(elapsed, t->period, &rest);
	return t->period - rest;
}

/**
 * hvmon_apic_timer_count() - the current count register
 * @t: the timer
 * @periodic: it starts again when it has run out
 * @now: ktime_get_ns()
 *
 * Return: the count; not 0 while it runs.
 */
u32 hvmon_apic_timer_count(const struct hvmon_apic_timer *t, bool periodic, u64 now)
{
	u32 shift = hvmon_apic_divide_shift(t->divide);

	return (hvmon_apic_timer_left(t, periodic, now) + BIT_ULL(shift) - 1) >> shift;
}

/**
 * hvmon_apic_timer_load() - start with a new count
 * @t: the timer
 * @initial: the count; 0 stops it
 * @now: ktime_get_ns()
 */
void hvmon_apic_timer_load(struct hvmon_apic_timer *t, u32 initial, u64 now)
{
	t->initial = initial;
	t->spent = false;
	t->period = (u64)initial << hvmon_apic_divide_shift(t->divide);
	t->start = now;
}

/**
 * hvmon_apic_timer_divide() - change the divider; the present count stays
 * @t: the timer
 * @periodic: it starts again when it has run out
 * @divide: divide configuration register
 * @now: ktime_get_ns()
 */
void hvmon_apic_timer_divide(struct hvmon_apic_timer *t, bool periodic, u32 divide, u64 now)
{
	u64 count = hvmon_apic_timer_count(t, periodic, now);
	u32 shift = hvmon_apic_divide_shift(divide);

	t->divide = divide;
	t->period = (u64)t->initial << shift;
	t->start = now - (t->period - (count << shift));
}

static u32 timer_mode(const struct hvmon_lapic *l)
{
	return HVMON_LVT_TIMER_MODE(READ_ONCE(l->lvt[HVMON_LVT_TIMER]));
}

bool hvmon_lapic_periodic(const struct hvmon_lapic *l)
{
	return timer_mode(l) == HVMON_TIMER_PERIODIC;
}

static u64 tsc_to_ns(u64 cycles)
{
	u32 khz = hvmon_host_tsc_khz();

	/* Farther away than a month: look again then */
	cycles = min_t(u64, cycles, (u64)khz * 1000 * 3600 * 24 * 30);
	return mul_u64_u32_div(cycles, NSEC_PER_SEC / 1000, khz) + 1;
}

static u64 ns_to_tsc(u64 ns)
{
	return mul_u64_u32_div(ns, hvmon_host_tsc_khz(), NSEC_PER_SEC / 1000);
}

/* The guest's TSC has this far to go, in its cycles; 0 if it is there */
static u64 deadline_left(struct hvmon_lapic *l)
{
	s64 left = READ_ONCE(l->timer.deadline) - hvmon_guest_tsc(l->vcpu);

	return left > 0 ? left : 0;
}

static void timer_expire(struct hvmon_lapic *l)
{
	u32 lvt = READ_ONCE(l->lvt[HVMON_LVT_TIMER]);

	if (HVMON_LVT_TIMER_MODE(lvt) == HVMON_TIMER_DEADLINE)
		WRITE_ONCE(l->timer.deadline, 0);
	/* The timer's LVT has no delivery mode: bits 10:8 cannot be set */
	hvmon_lapic_local(l, lvt);
}

/* In hard interrupt context, on -rt too */
static enum hrtimer_restart timer_fn(struct hrtimer *hrtimer)
{
	struct hvmon_lapic *l = container_of(hrtimer, struct hvmon_lapic, hrtimer);
	u64 left;

	if (timer_mode(l) == HVMON_TIMER_DEADLINE) {
		/* The clock is slewed, the TSC is not: it may lag behind */
		left = deadline_left(l);
		if (left) {
			left = tsc_to_ns(hvmon_tsc_to_host(l->vcpu->vm, left));
			hrtimer_set_expires(hrtimer, ktime_add_ns(ktime_get(), left));
			return HRTIMER_RESTART;
		}
	}
	timer_expire(l);
	if (!hvmon_lapic_periodic(l))
		return HRTIMER_NORESTART;
	/* Ticks that we were late for are dropped: IRR holds but one */
	hrtimer_forward(hrtimer, ktime_get(),
			ns_to_ktime(max(l->timer.period, HVMON_TIMER_MIN_NS)));
	return HRTIMER_RESTART;
}

/* Is the tick due that was to come at @ns? By the clock that the mode counts */
static bool tick_due(struct hvmon_lapic *l, u64 ns)
{
	if (timer_mode(l) == HVMON_TIMER_DEADLINE)
		return !deadline_left(l);
	return ktime_get_ns() >= ns;
}

bool hvmon_lapic_timer_armed(struct hvmon_lapic *l)
{
	return l->vcpu->deadline_tsc || hrtimer_is_queued(&l->hrtimer);
}

/*
 * Stop the timer before the registers that it depends on are changed. A tick
 * that nobody has seen yet, although it is due, comes first. Inside a section
 * this spins if the hrtimer's callback runs on another CPU, which never waits
 * for us.
 *
 * Return: true if it was armed, and its tick has not come yet.
 */
bool hvmon_lapic_timer_stop(struct hvmon_lapic *l)
{
	struct hvmon_vcpu *vcpu = l->vcpu;
	bool due;

	if (vcpu->deadline_tsc) {
		vcpu->deadline_tsc = 0;
		due = tick_due(l, l->timer.due);
	} else {
		/* It seldom runs: not worth four calls to learn that */
		if (!hrtimer_active(&l->hrtimer) || hrtimer_cancel(&l->hrtimer) <= 0)
			return false;
		due = tick_due(l, ktime_to_ns(hrtimer_get_expires(&l->hrtimer)));
	}
	if (due)
		timer_expire(l);
	return !due;
}

/*
 * The tick comes @ns after @now; @cycles from here, or 0: of the host's TSC. Where
 * that is not to be trusted the host's timer has to do.
 */
static void arm(struct hvmon_lapic *l, u64 now, u64 ns, u64 cycles)
{
	struct hvmon_vcpu *vcpu = l->vcpu;

	if (!vcpu->has_deadline || l->asleep || check_tsc_unstable()) {
		hrtimer_start(&l->hrtimer, ns_to_ktime(now + ns), HRTIMER_MODE_ABS_PINNED_HARD);
		return;
	}
	l->timer.due = now + ns;
	vcpu->deadline_tsc = rdtsc() + (cycles ?: ns_to_tsc(ns)) ?: 1;
}

static void timer_start_at(struct hvmon_lapic *l, bool queued, u64 now)
{
	u64 left;

	if (l->lvt[HVMON_LVT_TIMER] & HVMON_LVT_MASKED)
		return;
	switch (timer_mode(l)) {
	case HVMON_TIMER_DEADLINE:
		if (!l->timer.deadline)
			return;
		left = deadline_left(l);
		if (!left) {
			timer_expire(l);
			return;
		}
		left = hvmon_tsc_to_host(l->vcpu->vm, left);
		arm(l, now, tsc_to_ns(left), left);
		return;
	case HVMON_TIMER_ONESHOT:
	case HVMON_TIMER_PERIODIC:
		if (!l->timer.initial)
			return;
		left = hvmon_apic_timer_left(&l->timer, hvmon_lapic_periodic(l), now);
		if (!left) {
			/* It ran out between the stop and now: its tick is due */
			if (queued)
				timer_expire(l);
			return;
		}
		/* A guest that is interrupted in between has to get somewhere */
		if (hvmon_lapic_periodic(l) && l->timer.period < HVMON_TIMER_MIN_NS)
			left = HVMON_TIMER_MIN_NS;
		arm(l, now, left, 0);
		return;
	}
}

/* Arm the timer as the registers say. @queued: what hvmon_lapic_timer_stop() said */
void hvmon_lapic_timer_start(struct hvmon_lapic *l, bool queued)
{
	timer_start_at(l, queued, ktime_get_ns());
}

void hvmon_lapic_timer_poll(struct hvmon_vcpu *vcpu)
{
	if (vcpu->deadline_tsc)
		hvmon_lapic_timer_start(vcpu->lapic, hvmon_lapic_timer_stop(vcpu->lapic));
}

void hvmon_lapic_timer_sleep(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	l->asleep = true;
	hvmon_lapic_timer_start(l, hvmon_lapic_timer_stop(l));
}

void hvmon_lapic_timer_wake(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	l->asleep = false;
	hvmon_lapic_timer_start(l, hvmon_lapic_timer_stop(l));
}

void hvmon_lapic_write_initial(struct hvmon_lapic *l, u32 val)
{
	u64 now;

	/* Ignored in deadline mode: SDM vol. 3, 11.5.4.1 */
	if (timer_mode(l) == HVMON_TIMER_DEADLINE)
		return;
	hvmon_lapic_timer_stop(l);
	now = ktime_get_ns();
	hvmon_apic_timer_load(&l->timer, val, now);
	timer_start_at(l, false, now);
}

void hvmon_lapic_write_divide(struct hvmon_lapic *l, u32 val)
{
	bool queued = hvmon_lapic_timer_stop(l);
	u64 now = ktime_get_ns();

	hvmon_apic_timer_divide(&l->timer, hvmon_lapic_periodic(l), val, now);
	timer_start_at(l, queued, now);
}

void hvmon_lapic_write_lvt(struct hvmon_lapic *l, u32 val)
{
	u32 old = l->lvt[HVMON_LVT_TIMER];
	bool queued = hvmon_lapic_timer_stop(l);
	u64 now = ktime_get_ns(), left;

	/* A deadline that passed while masked is over without an interrupt */
	if ((old & HVMON_LVT_MASKED) && l->timer.deadline && !deadline_left(l))
		l->timer.deadline = 0;
	left = hvmon_apic_timer_left(&l->timer, hvmon_lapic_periodic(l), now);
	WRITE_ONCE(l->lvt[HVMON_LVT_TIMER], val);
	if (HVMON_LVT_TIMER_MODE(old) == HVMON_LVT_TIMER_MODE(val)) {
		timer_start_at(l, queued, now);
		return;
	}
	/*
	 * To and from deadline mode disarms; else the present round goes on, and without
	 * a new count there is no other
	 */
	if (HVMON_LVT_TIMER_MODE(old) == HVMON_TIMER_DEADLINE ||
	    timer_mode(l) == HVMON_TIMER_DEADLINE) {
		l->timer.deadline = 0;
		l->timer.initial = 0;
	}
	l->timer.spent = !left;
	l->timer.start = now - (l->timer.period - left);
	timer_start_at(l, queued, now);
}

u64 hvmon_lapic_read_deadline(struct hvmon_lapic *l)
{
	if (timer_mode(l) != HVMON_TIMER_DEADLINE)
		return 0;
	return READ_ONCE(l->timer.deadline) && deadline_left(l) ? l->timer.deadline : 0;
}

void hvmon_lapic_write_deadline(struct hvmon_lapic *l, u64 val)
{
	if (timer_mode(l) != HVMON_TIMER_DEADLINE)
		return;
	hvmon_lapic_timer_stop(l);
	WRITE_ONCE(l->timer.deadline, val);
	hvmon_lapic_timer_start(l, false);
}

void hvmon_lapic_tsc_changed(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	if (!l || timer_mode(l) != HVMON_TIMER_DEADLINE)
		return;
	hvmon_lapic_timer_stop(l);
	hvmon_lapic_timer_start(l, false);
}

/**
 * hvmon_lapic_timer_init() - prepare the host's timer
 * @l: a new LAPIC
 */
void hvmon_lapic_timer_init(struct hvmon_lapic *l)
{
	hvmon_hrtimer_setup(&l->hrtimer, timer_fn, HRTIMER_MODE_ABS_PINNED_HARD);
}
