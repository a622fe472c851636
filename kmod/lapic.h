/* SPDX-License-Identifier: GPL-2.0 */
/* The local APIC's insides, for lapic.c, irq.c and tests. */
#ifndef _HVMON_LAPIC_H
#define _HVMON_LAPIC_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "hvmon.h"

#define HVMON_VECTORS	256

/* -1: none. In line, four words: every interrupt asks several times */
static __always_inline int hvmon_highest_vector(const unsigned long *map)
{
	unsigned long word;
	int i;

#pragma GCC unroll 4
	for (i = BITS_TO_LONGS(HVMON_VECTORS) - 1; i >= 0; i--) {
		word = READ_ONCE(map[i]);
		if (word)
			return i * BITS_PER_LONG + __fls(word);
	}
	return -1;
}

/* hvmon_lapic.lvt[], in the order of the registers from 0x320 on */
enum {
	HVMON_LVT_TIMER, HVMON_LVT_THERMAL, HVMON_LVT_PERF,
	HVMON_LVT_LINT0, HVMON_LVT_LINT1, HVMON_LVT_ERROR, HVMON_NR_LVTS,
};

/* hvmon_lapic.latched */
enum { HVMON_LATCHED_INIT, HVMON_LATCHED_SIPI };

/* Bits 18:17 of the timer's LVT */
enum { HVMON_TIMER_ONESHOT, HVMON_TIMER_PERIODIC, HVMON_TIMER_DEADLINE };

/**
 * struct hvmon_apic_timer - the timer: when it began, not what it counts
 * @start: time (ktime_get_ns()) at which the count was loaded
 * @period: nanoseconds of a whole count; one tick of the undivided clock is
 *          one nanosecond
 * @initial: initial count register, 0: stopped
 * @divide: divide configuration register
 * @spent: it has run out for good, whatever the mode: until there is a new count
 * @deadline: TSC_DEADLINE, 0: not armed
 * @due: time of the tick that hvmon_vcpu.deadline_tsc stands for
 */
struct hvmon_apic_timer {
	u64 start;
	u64 period;
	u32 initial;
	u32 divide;
	bool spent;
	u64 deadline;
	u64 due;
};

/**
 * struct hvmon_lapic - a local APIC
 * @vcpu: owner
 *
 * Written by anyone, atomically:
 * @irr: requested vectors
 * @tmr: of which these are level-triggered
 * @irr_pending: false only if @irr is empty
 * @latched: HVMON_LATCHED_* bits
 * @sipi_vector: of the latched SIPI; valid once its bit is set
 * @esr_new: errors since ESR was last written
 *
 * Written by the vCPU's thread, read by senders of interrupts:
 * @base: MSR APIC_BASE
 * @id: in xAPIC mode; the vCPU's number until the guest writes another
 * @svr: spurious interrupt vector register
 * @ldr: logical destination register (in xAPIC mode)
 * @dfr: destination format register
 * @ppr: processor priority
 * @lvt: local vector table
 *
 * The vCPU's thread alone:
 * @isr: vectors in service
 * @tpr: task priority
 * @esr: error status register as the guest reads it
 * @icr: interrupt command register
 * @changed: registers that were written, by offset / 16: who keeps a copy of
 *           them clears it
 *
 * @timer: written by the vCPU's thread while @hrtimer is not running, but for
 *         the deadline, which the expiring timer clears
 * @hrtimer: queued while the timer counts and is not masked, unless the end of
 *           the guest's run does its work (hvmon_vcpu.deadline_tsc)
 * @asleep: only @hrtimer will do: the vCPU sleeps
 */
struct hvmon_lapic {
	struct hvmon_vcpu *vcpu;

	DECLARE_BITMAP(irr, HVMON_VECTORS);
	DECLARE_BITMAP(tmr, HVMON_VECTORS);
	unsigned long latched;
	unsigned long esr_new;
	bool irr_pending;
	u8 sipi_vector;

	u8 ppr;
	u8 tpr;
	u8 id;
	u32 svr;
	u32 ldr;
	u32 dfr;
	u32 lvt[HVMON_NR_LVTS];
	u64 base;

	DECLARE_BITMAP(isr, HVMON_VECTORS);
	u32 esr;
	u64 icr;
	u64 changed;

	struct hvmon_apic_timer timer;
	struct hrtimer hrtimer;
	bool asleep;
};

#define HVMON_LVT_MASKED	BIT(16)
#define HVMON_LVT_MODE(v)	(((v) >> 8) & 7)
#define HVMON_LVT_TIMER_MODE(v)	(((v) >> 17) & 3)

#define HVMON_SVR_ENABLE	BIT(8)

#define HVMON_FIRST_VECTOR	16	/* those below are the processor's own */

/* Bits of ESR */
enum { HVMON_ESR_SEND_ILLEGAL = 5, HVMON_ESR_RECEIVED_ILLEGAL, HVMON_ESR_ILLEGAL_REG };

/* MSR APIC_BASE */
#define HVMON_APIC_BSP		BIT(8)
#define HVMON_APIC_EXTD		BIT(10)
#define HVMON_APIC_EN		BIT(11)

static inline bool hvmon_lapic_enabled(const struct hvmon_lapic *l)
{
	return READ_ONCE(l->base) & HVMON_APIC_EN;
}

/* Is an address in the page of the xAPIC's registers? They are there if it is enabled */
static __always_inline bool hvmon_lapic_page_has(const struct hvmon_lapic *l, u64 gpa)
{
	return !((READ_ONCE(l->base) ^ gpa) >> PAGE_SHIFT);
}

static inline bool hvmon_lapic_x2apic(const struct hvmon_lapic *l)
{
	return READ_ONCE(l->base) & HVMON_APIC_EXTD;
}

/* lapic.c */
/* Does a message's destination (not its shorthand) name this LAPIC? */
bool hvmon_lapic_match(const struct hvmon_lapic *l, const struct hvmon_irq_msg *msg);
/* May take part in the arbitration for the lowest priority */
bool hvmon_lapic_sw_enabled(const struct hvmon_lapic *l);
/* Take a message that was found to be for this LAPIC; true if accepted */
bool hvmon_lapic_accept(struct hvmon_lapic *l, const struct hvmon_irq_msg *msg);
/* The PICs' output rose: the LINT0 pin of vCPU 0 */
void hvmon_lapic_lint0(struct hvmon_vm *vm);
/* Do interrupts of the PICs reach this vCPU? */
bool hvmon_lapic_accepts_extint(const struct hvmon_lapic *l);
/* The vector that the LAPIC would give the processor now, or -1 */
int hvmon_lapic_pending(struct hvmon_lapic *l);
int hvmon_lapic_ack(struct hvmon_lapic *l);
bool hvmon_lapic_take_irr(struct hvmon_lapic *l, unsigned long *irr);
void hvmon_lapic_give_irr(struct hvmon_lapic *l, const unsigned long *irr);
/* Mode or address may have changed; outside sections */
void hvmon_lapic_mode_changed(struct hvmon_lapic *l);
/* A source of a LVT entry fires; an error (HVMON_ESR_*) happens */
void hvmon_lapic_local(struct hvmon_lapic *l, u32 lvt);
void hvmon_lapic_error(struct hvmon_lapic *l, int bit);
void hvmon_lapic_set_id(struct hvmon_lapic *l, u8 id);
/* Wake the vCPU, or bring it out of the guest, to look for events */
void hvmon_lapic_notify(struct hvmon_lapic *l);
void hvmon_lapic_update_ppr(struct hvmon_lapic *l);
u32 hvmon_x2apic_ldr(u32 id);
bool hvmon_lapic_base_valid(struct hvmon_vcpu *vcpu, u64 base);

/* CR8 is its upper half, also without a LAPIC */
static inline u8 hvmon_tpr(const struct hvmon_vcpu *vcpu)
{
	return vcpu->lapic ? vcpu->lapic->tpr : vcpu->cr8 << 4;
}

/* lapic_reg.c: registers by their offset in the page; -EINVAL: there is none */
int hvmon_lapic_reg_read(struct hvmon_lapic *l, u32 offset, u32 *val);
int hvmon_lapic_reg_write(struct hvmon_lapic *l, u32 offset, u32 val);
int hvmon_lapic_check_state(struct hvmon_vcpu *vcpu, const struct hvmon_lapic_state *st);

/* lapic_timer.c */
u32 hvmon_apic_divide_shift(u32 divide);
u64 hvmon_apic_timer_left(const struct hvmon_apic_timer *t, bool periodic, u64 now);
u32 hvmon_apic_timer_count(const struct hvmon_apic_timer *t, bool periodic, u64 now);
void hvmon_apic_timer_load(struct hvmon_apic_timer *t, u32 initial, u64 now);
void hvmon_apic_timer_divide(struct hvmon_apic_timer *t, bool periodic, u32 divide, u64 now);
void hvmon_lapic_timer_init(struct hvmon_lapic *l);
bool hvmon_lapic_timer_stop(struct hvmon_lapic *l);
void hvmon_lapic_timer_start(struct hvmon_lapic *l, bool queued);
bool hvmon_lapic_timer_armed(struct hvmon_lapic *l);
bool hvmon_lapic_periodic(const struct hvmon_lapic *l);
void hvmon_lapic_write_initial(struct hvmon_lapic *l, u32 val);
void hvmon_lapic_write_divide(struct hvmon_lapic *l, u32 val);
void hvmon_lapic_write_lvt(struct hvmon_lapic *l, u32 val);
u64 hvmon_lapic_read_deadline(struct hvmon_lapic *l);
void hvmon_lapic_write_deadline(struct hvmon_lapic *l, u64 val);

#endif /* _HVMON_LAPIC_H */
