// SPDX-License-Identifier: GPL-2.0
/*
 * The i8254 interval timer with port 0x61.
 *
 * Facts: Intel 8254 data sheet (231164). Nothing counts: a channel is the time
 * at which its count was loaded, and all else is computed from that when
 * somebody looks. Channel 0 pulses GSI 0; a tick that comes while the last is
 * still latched in the interrupt controllers is merged with it, ticks that the
 * host was late for are dropped, and no two are closer than
 * HVMON_TIMER_MIN_NS.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "irqchip.h"

#define PIT_HZ		1193182U

/* read_state, write_state, rw_mode and count_latched */
enum { RW_NONE, RW_LSB, RW_MSB, RW_WORD, RW_WORD_MSB };

/* "Long ago": any count has run out */
#define LONG_AGO_NS	((u64)NSEC_PER_SEC)

static u64 ns_to_ticks(u64 ns)
{
	return mul_u64_u32_div(ns, PIT_HZ, NSEC_PER_SEC);
}

/* Rounded up, so that the tick has passed at that time */
static u64 ticks_to_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, PIT_HZ) + 1;
}

/* The gate starts modes 1 and 5 and does not stop them; all others it stops */
static bool pit_stopped(const struct hvmon_pit_channel *c)
{
	return !c->gate && c->mode != 1 && c->mode != 5;
}

static u64 pit_elapsed_ns(const struct hvmon_pit_channel *c, u64 now)
{
	return pit_stopped(c) ? c->elapsed_ns : now - c->elapsed_ns;
}

/* What a count register holds, binary or four decimal digits */
static u32 to_bcd(u32 n)
{
	return n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 | n / 1000 % 10 << 12;
}

static u32 from_bcd(u32 v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

/**
 * hvmon_pit_count() - the present count of a channel
 * @c: the channel
 * @now: ktime_get_ns()
 *
 * Return: as the guest reads it, 16 bits, in BCD if the channel counts so.
 */
u32 hvmon_pit_count(const struct hvmon_pit_channel *c, u64 now)
{
	u64 d = ns_to_ticks(pit_elapsed_ns(c, now));
	u32 modulus = c->bcd ? 10000 : 0x10000, n, rest;

	switch (c->mode) {
	case 2:
		div_u64_rem(d, c->count, &rest);
		n = c->count - rest;
		break;
	case 3:
		/* Counts by twos, twice per period, from the even count */
		div_u64_rem(d * 2, c->count, &rest);
		n = (c->count - rest) & ~1U;
		break;
	default:
		/* One-shot: goes on below zero, wrapping */
		div_u64_rem(d, modulus, &rest);
		n = c->count + modulus - rest;
		break;
	}
	n %= modulus;
	return c->bcd ? to_bcd(n) : n;
}

/**
 * hvmon_pit_out() - the output of a channel
 * @c: the channel
 * @now: ktime_get_ns()
 *
 * Return: true if it is high.
 */
bool hvmon_pit_out(const struct hvmon_pit_channel *c, u64 now)
{
	u64 d = ns_to_ticks(pit_elapsed_ns(c, now));
	u32 rest;

	div_u64_rem(d, c->count, &rest);
	switch (c->mode) {
	case 0:
	case 1:
		return d >= c->count;
	case 2:
		return !c->gate || rest != c->count - 1;
	case 3:
		return !c->gate || rest < (c->count + 1) / 2;
	default:
		return d != c->count;
	}
}

/**
 * hvmon_pit_next_tick() - when the output rises next
 * @c: the channel
 * @now: ktime_get_ns()
 *
 * Return: the time, after @now; 0 if it will not rise.
 */
u64 hvmon_pit_next_tick(const struct hvmon_pit_channel *c, u64 now)
{
	u64 elapsed, end;

	if (pit_stopped(c))
		return 0;
	elapsed = pit_elapsed_ns(c, now);
	switch (c->mode) {
	case 2:
	case 3:
		end = (div_u64(ns_to_ticks(elapsed), c->count) + 1) * c->count;
		break;
	case 4:
	case 5:
		/* A low pulse of one tick at the end */
		end = c->count + 1;
		break;
	default:
		end = c->count;
		break;
	}
	end = ticks_to_ns(end);
	return end > elapsed ? now + end - elapsed : 0;
}

static void pit_load(struct hvmon_pit_channel *c, u16 val, u64 now)
{
	c->count = c->bcd ? from_bcd(val) : val;
	if (!c->count)
		c->count = c->bcd ? 10000 : 0x10000;
	if (c->mode == 1 || c->mode == 5)
		c->elapsed_ns = now - LONG_AGO_NS;	/* until the gate rises */
	else
		c->elapsed_ns = pit_stopped(c) ? 0 : now;
}

static void pit_set_gate(struct hvmon_pit_channel *c, bool gate, u64 now)
{
	if (gate == c->gate)
		return;
	switch (c->mode) {
	case 0:
	case 4:
		/* Hold what has elapsed, or go on from there */
		c->elapsed_ns = now - c->elapsed_ns;
		break;
	case 2:
	case 3:
		/* A rising gate begins a new period */
		c->elapsed_ns = gate ? now : 0;
		break;
	default:
		if (gate)
			c->elapsed_ns = now;
		break;
	}
	c->gate = gate;
}

/**
 * hvmon_pit_reset() - power-on state: no channel has been programmed
 * @st: the chip
 * @now: ktime_get_ns()
 */
void hvmon_pit_reset(struct hvmon_pit_state *st, u64 now)
{
	int i;

	memset(st, 0, sizeof(*st));
	for (i = 0; i < 3; i++) {
		st->channel[i].count = 0x10000;
		st->channel[i].read_state = RW_WORD;
		st->channel[i].write_state = RW_WORD;
		st->channel[i].rw_mode = RW_WORD;
		st->channel[i].gate = i != 2;
		st->channel[i].elapsed_ns = i == 2 ? LONG_AGO_NS : now - LONG_AGO_NS;
	}
}

static void pit_latch_count(struct hvmon_pit_channel *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = hvmon_pit_count(c, now);
	c->count_latched = c->rw_mode;
}

static void pit_latch_status(struct hvmon_pit_channel *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = hvmon_pit_out(c, now) << 7 | c->rw_mode << 4 | c->mode << 1 | c->bcd;
	c->status_latched = 1;
}

/* True if channel 0 was stopped */
static bool pit_control(struct hvmon_pit_state *st, u8 val, u64 now)
{
	int sel = val >> 6, rw = val >> 4 & 3, i;
	struct hvmon_pit_channel *c;

	if (sel == 3) {
		/* Read-back: bits 5 and 4 are active low */
		for (i = 0; i < 3; i++) {
			if (!(val & BIT(i + 1)))
				continue;
			if (!(val & BIT(5)))
				pit_latch_count(&st->channel[i], now);
			if (!(val & BIT(4)))
				pit_latch_status(&st->channel[i], now);
		}
		return false;
	}
	c = &st->channel[sel];
	if (!rw) {
		pit_latch_count(c, now);
		return false;
	}
	c->rw_mode = rw;
	c->read_state = rw;
	c->write_state = rw;
	c->count_latched = 0;
	c->status_latched = 0;
	c->mode = val >> 1 & 7;
	if (c->mode > 5)
		c->mode &= 3;
	c->bcd = val & 1;
	if (c->bcd && c->count > 10000)
		c->count = 10000;
	/* It waits for its count; mode 0 shows a low output meanwhile */
	if (pit_stopped(c))
		c->elapsed_ns = 0;
	else
		c->elapsed_ns = c->mode == 0 ? now : now - LONG_AGO_NS;
	return sel == 0;
}

/**
 * hvmon_pit_write() - the guest writes a port
 * @st: the chip
 * @port: 0-2 a channel, 3 the control word
 * @val: the byte
 * @now: ktime_get_ns()
 * @armed: set to whether channel 0 has a count to run, if it changed
 *
 * Return: true if channel 0 was reprogrammed.
 */
bool hvmon_pit_write(struct hvmon_pit_state *st, u32 port, u8 val, u64 now, bool *armed)
{
	struct hvmon_pit_channel *c;

	if (port == 3) {
		*armed = false;
		return pit_control(st, val, now);
	}
	c = &st->channel[port];
	switch (c->write_state) {
	case RW_LSB:
		pit_load(c, val, now);
		break;
	case RW_MSB:
		pit_load(c, val << 8, now);
		break;
	case RW_WORD_MSB:
		pit_load(c, c->write_latch | val << 8, now);
		c->write_state = RW_WORD;
		break;
	default:
		c->write_latch = val;
		c->write_state = RW_WORD_MSB;
		return false;
	}
	*armed = true;
	return port == 0;
}

/**
 * hvmon_pit_read() - the guest reads a port
 * @st: the chip
 * @port: 0-2 a channel; 3 cannot be read
 * @now: ktime_get_ns()
 *
 * Return: the byte.
 */
u8 hvmon_pit_read(struct hvmon_pit_state *st, u32 port, u64 now)
{
	struct hvmon_pit_channel *c;
	u32 count;

	if (port == 3)
		return 0xff;
	c = &st->channel[port];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched) {
		bool high = c->count_latched == RW_MSB;

		c->count_latched = c->count_latched == RW_WORD ? RW_MSB : RW_NONE;
		return high ? c->latched_count >> 8 : c->latched_count;
	}
	count = hvmon_pit_count(c, now);
	switch (c->read_state) {
	case RW_MSB:
		return count >> 8;
	case RW_WORD:
		c->read_state = RW_WORD_MSB;
		return count;
	case RW_WORD_MSB:
		c->read_state = RW_WORD;
		return count >> 8;
	default:
		return count;
	}
}

/**
 * hvmon_pit_speaker_read() - the guest reads port 0x61
 * @st: the chip
 * @now: ktime_get_ns()
 *
 * Return: gate and speaker (bits 0, 1), the refresh clock (bit 4), which
 * toggles about every 15 us, and the output of channel 2 (bit 5).
 */
u8 hvmon_pit_speaker_read(const struct hvmon_pit_state *st, u64 now)
{
	return st->speaker | (now >> 14 & 1) << 4 | hvmon_pit_out(&st->channel[2], now) << 5;
}

/**
 * hvmon_pit_speaker_write() - the guest writes port 0x61
 * @st: the chip
 * @val: bit 0: gate of channel 2, bit 1: speaker
 * @now: ktime_get_ns()
 */
void hvmon_pit_speaker_write(struct hvmon_pit_state *st, u8 val, u64 now)
{
	st->speaker = val & 3;
	pit_set_gate(&st->channel[2], val & 1, now);
}

/**
 * hvmon_pit_check() - can the chip be in this state?
 * @st: state from the launcher
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_pit_check(const struct hvmon_pit_state *st)
{
	int i;

	for (i = 0; i < 3; i++) {
		const struct hvmon_pit_channel *c = &st->channel[i];

		if (c->bcd > 1 || c->gate > 1 || c->status_latched > 1 || c->mode > 5)
			return -EINVAL;
		if (!c->count || c->count > (c->bcd ? 10000 : 0x10000))
			return -EINVAL;
		if (c->count_latched > RW_WORD || !c->rw_mode || c->rw_mode > RW_WORD)
			return -EINVAL;
		if (!c->read_state || c->read_state > RW_WORD_MSB)
			return -EINVAL;
		if (!c->write_state || c->write_state > RW_WORD_MSB)
			return -EINVAL;
		if (c->elapsed_ns < 0 || c->elapsed_ns > S64_MAX / 2)
			return -EINVAL;
		if (i != 2 && !c->gate)
			return -EINVAL;
	}
	if (st->speaker > 3 || (st->speaker & 1) != st->channel[2].gate)
		return -EINVAL;
	if (st->irq_pending > 1 || memchr_inv(st->reserved, 0, sizeof(st->reserved)))
		return -EINVAL;
	return 0;
}

/*
 * Let the timer follow pit->next. hrtimer_start() is right even while the
 * callback runs: that sees under the lock that it was started anew.
 */
static void pit_rearm(struct hvmon_pit *pit)
{
	lockdep_assert_held(&pit->lock);
	if (pit->next)
		hrtimer_start(&pit->timer, ns_to_ktime(pit->next), HRTIMER_MODE_ABS_HARD);
	else
		hrtimer_try_to_cancel(&pit->timer);
}

static void pit_tick(struct hvmon_pit *pit)
{
	hvmon_irq_line(pit->vm, 0, 1);
	hvmon_irq_line(pit->vm, 0, 0);
}

/* In hard interrupt context, on -rt too */
static enum hrtimer_restart pit_timer_fn(struct hrtimer *timer)
{
	struct hvmon_pit *pit = container_of(timer, struct hvmon_pit, timer);
	u64 now = ktime_get_ns();
	bool tick, restart;

	raw_spin_lock(&pit->lock);
	tick = pit->next && now >= pit->next;
	if (tick) {
		pit->next = hvmon_pit_next_tick(&pit->st.channel[0], now);
		if (pit->next)
			pit->next = max(pit->next, now + HVMON_TIMER_MIN_NS);
	}
	/* Queued again already: reprogrammed while we waited for the lock */
	restart = pit->next && !hrtimer_is_queued(timer);
	if (restart)
		hrtimer_set_expires(timer, ns_to_ktime(pit->next));
	raw_spin_unlock(&pit->lock);

	if (tick)
		pit_tick(pit);
	return restart ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/**
 * hvmon_pit_get_state() - HVMON_IRQCHIP_GET
 * @pit: the chip
 * @st: out
 */
void hvmon_pit_get_state(struct hvmon_pit *pit, struct hvmon_pit_state *st)
{
	unsigned long flags;
	u64 now;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	now = ktime_get_ns();
	*st = pit->st;
	for (i = 0; i < 3; i++)
		st->channel[i].elapsed_ns = pit_elapsed_ns(&pit->st.channel[i], now);
	/* A tick that is due, but whose timer has not fired yet */
	st->irq_pending = pit->next && now >= pit->next;
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

/**
 * hvmon_pit_set_state() - load a state that hvmon_pit_check() has accepted
 * @pit: the chip
 * @st: the state
 */
void hvmon_pit_set_state(struct hvmon_pit *pit, const struct hvmon_pit_state *st)
{
	struct hvmon_pit_channel *c;
	unsigned long flags;
	u64 now;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	now = ktime_get_ns();
	pit->st = *st;
	pit->st.irq_pending = 0;
	for (i = 0; i < 3; i++) {
		c = &pit->st.channel[i];
		if (!pit_stopped(c))
			c->elapsed_ns = now - c->elapsed_ns;
	}
	pit->next = hvmon_pit_next_tick(&pit->st.channel[0], now);
	pit_rearm(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	if (st->irq_pending)
		pit_tick(pit);
}

static int pit_dev_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			void *data)
{
	struct hvmon_pit *pit = container_of(dev, struct hvmon_pit, ports);
	unsigned long flags;
	u8 *p = data;
	u32 i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		p[i] = hvmon_pit_read(&pit->st, offset + i, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_dev_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			 const void *data)
{
	struct hvmon_pit *pit = container_of(dev, struct hvmon_pit, ports);
	const u8 *p = data;
	unsigned long flags;
	bool armed;
	u64 now;
	u32 i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++) {
		now = ktime_get_ns();
		if (!hvmon_pit_write(&pit->st, offset + i, p[i], now, &armed))
			continue;
		pit->next = armed ? hvmon_pit_next_tick(&pit->st.channel[0], now) : 0;
		pit_rearm(pit);
	}
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_dev_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			    void *data)
{
	struct hvmon_pit *pit = container_of(dev, struct hvmon_pit, speaker);
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	*(u8 *)data = hvmon_pit_speaker_read(&pit->st, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int speaker_dev_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset,
			     u32 len, const void *data)
{
	struct hvmon_pit *pit = container_of(dev, struct hvmon_pit, speaker);
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	hvmon_pit_speaker_write(&pit->st, *(const u8 *)data, ktime_get_ns());
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct hvmon_iodev_ops pit_ops = {
	.read = pit_dev_read,
	.write = pit_dev_write,
};

static const struct hvmon_iodev_ops speaker_ops = {
	.read = speaker_dev_read,
	.write = speaker_dev_write,
};

/**
 * hvmon_pit_create() - a PIT on the port bus
 * @irqs: of the VM that gets it
 *
 * Under vm->lock. On failure the caller removes what is on the bus and frees
 * irqs->pit.
 *
 * Return: 0 or -errno.
 */
int hvmon_pit_create(struct hvmon_irqs *irqs)
{
	struct hvmon_pit *pit;
	int ret;

	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->vm = irqs->vm;
	raw_spin_lock_init(&pit->lock);
	hvmon_hrtimer_setup(&pit->timer, pit_timer_fn, HRTIMER_MODE_ABS_HARD);
	hvmon_pit_reset(&pit->st, ktime_get_ns());
	pit->ports.ops = &pit_ops;
	pit->speaker.ops = &speaker_ops;
	irqs->pit = pit;
	ret = hvmon_bus_add(irqs->vm, HVMON_BUS_PIO, 0x40, 4, &pit->ports);
	if (!ret)
		ret = hvmon_bus_add(irqs->vm, HVMON_BUS_PIO, 0x61, 1, &pit->speaker);
	return ret;
}

/**
 * hvmon_pit_free() - stop and free a PIT that is on no bus any more
 * @pit: the chip, or NULL
 */
void hvmon_pit_free(struct hvmon_pit *pit)
{
	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	kfree(pit);
}
