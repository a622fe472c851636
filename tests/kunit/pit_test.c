// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>

#include "irq_fake.h"

#define T0	1000000000000ULL	/* when the tests happen */
#define TICK(n)	(T0 + ((n) * 1000000000ULL + 1193181) / 1193182)

static struct hvmon_pit_state *pit_new(struct kunit *test)
{
	struct hvmon_pit_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, st);
	hvmon_pit_reset(st, T0);
	return st;
}

/* Control word and both bytes of a count, at T0 */
static bool program(struct hvmon_pit_state *st, int ch, u8 control, u16 count)
{
	bool armed = false;

	hvmon_pit_write(st, 3, ch << 6 | 0x30 | control, T0, &armed);
	hvmon_pit_write(st, ch, count, T0, &armed);
	return hvmon_pit_write(st, ch, count >> 8, T0, &armed) && armed;
}

static u16 latched(struct hvmon_pit_state *st, int ch, u64 now)
{
	bool armed;
	u8 low;

	hvmon_pit_write(st, 3, ch << 6, now, &armed);
	low = hvmon_pit_read(st, ch, now + 1000000);
	return low | hvmon_pit_read(st, ch, now + 2000000) << 8;
}

/* Mode 0 counts down once, its output rises at the end and stays high */
static void pit_mode0(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[0];

	KUNIT_EXPECT_TRUE(test, program(st, 0, 0 << 1, 1000));
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, T0), 1000);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(400)), 600);
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(999)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(1000)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(123456)));
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(1001)), 0xffff);
	KUNIT_EXPECT_LE(test, TICK(1000), hvmon_pit_next_tick(c, T0));
	KUNIT_EXPECT_GE(test, TICK(1000) + 2, hvmon_pit_next_tick(c, T0));
	KUNIT_EXPECT_EQ(test, hvmon_pit_next_tick(c, TICK(1002)), 0);
}

/* Modes 1 and 5 begin at a rising gate, and again at the next */
static void pit_gate_started(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[2];

	program(st, 2, 1 << 1, 100);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, T0));
	hvmon_pit_speaker_write(st, 1, T0);
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(99)));
	hvmon_pit_speaker_write(st, 0, TICK(50));
	hvmon_pit_speaker_write(st, 1, TICK(60));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(158)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(161)));

	hvmon_pit_speaker_write(st, 0, T0);
	program(st, 2, 5 << 1, 100);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(100)));
	hvmon_pit_speaker_write(st, 1, T0);
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(100)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(101)));
}

/* Mode 2 repeats, low for one tick at the end of each period */
static void pit_mode2(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[0];

	program(st, 0, 2 << 1, 11932);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(1)), 11931);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(11932 * 3 + 2)), 11930);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(11930)));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(11931)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(11932)));
	KUNIT_EXPECT_LE(test, TICK(11932 * 3), hvmon_pit_next_tick(c, TICK(11932 * 2 + 5)));
	KUNIT_EXPECT_GE(test, TICK(11932 * 3) + 2, hvmon_pit_next_tick(c, TICK(11932 * 2 + 5)));
	/* 0 stands for 65536 */
	program(st, 0, 2 << 1, 0);
	KUNIT_EXPECT_EQ(test, c->count, 0x10000U);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, T0), 0);
}

/* Mode 3 is a square wave, an odd count one tick longer high than low */
static void pit_mode3(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[0];

	program(st, 0, 3 << 1, 1001);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(500)));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(501)));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(1000)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(1001)));
	program(st, 0, 3 << 1, 1000);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(10)), 980);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(510)), 980);
	/* Modes 6 and 7 are other names of 2 and 3 */
	program(st, 0, 7 << 1, 1000);
	KUNIT_EXPECT_EQ(test, c->mode, 3);
}

/* Mode 4 strobes once: low for the tick at the end */
static void pit_mode4(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[0];

	program(st, 0, 4 << 1, 100);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(99)));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_out(c, TICK(100)));
	KUNIT_EXPECT_TRUE(test, hvmon_pit_out(c, TICK(101)));
	KUNIT_EXPECT_EQ(test, hvmon_pit_next_tick(c, TICK(103)), 0);
}

/* A low gate holds the count in mode 0 and starts mode 2 anew */
static void pit_gate_stops(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	struct hvmon_pit_channel *c = &st->channel[2];

	program(st, 2, 0 << 1, 1000);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(500)), 1000);
	hvmon_pit_speaker_write(st, 1, TICK(500));
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(601)), 899);
	hvmon_pit_speaker_write(st, 2, TICK(601));
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(900)), 899);
	KUNIT_EXPECT_EQ(test, hvmon_pit_speaker_read(st, TICK(900)) & 0x23, 2);
	hvmon_pit_speaker_write(st, 1, TICK(900));
	KUNIT_EXPECT_EQ(test, hvmon_pit_speaker_read(st, TICK(1900)) & 0x23, 0x21);

	hvmon_pit_speaker_write(st, 0, TICK(1900));
	program(st, 2, 2 << 1, 1000);
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(300)), 1000);
	hvmon_pit_speaker_write(st, 1, TICK(300));
	KUNIT_EXPECT_EQ(test, hvmon_pit_count(c, TICK(302) + 1), 998);
}

/* A latched count stays until both bytes are read; more latches wait */
static void pit_latch(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	bool armed;
	u8 low;

	program(st, 0, 2 << 1, 0x4321);
	KUNIT_EXPECT_EQ(test, latched(st, 0, TICK(0x21)), 0x4300);
	hvmon_pit_write(st, 3, 0, TICK(1), &armed);
	hvmon_pit_write(st, 3, 0, TICK(0x300), &armed);
	low = hvmon_pit_read(st, 0, TICK(0x400));
	KUNIT_EXPECT_EQ(test, low, 0x20);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(0x400)), 0x43);
	/* Not latched: low byte, high byte, in turn */
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(0x121)), 0x00);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(0x121)), 0x42);
	/* Only the high byte, by access mode 2; the low one is 0 */
	hvmon_pit_write(st, 3, 0x24, T0, &armed);
	KUNIT_EXPECT_TRUE(test, hvmon_pit_write(st, 0, 0x12, T0, &armed));
	KUNIT_EXPECT_EQ(test, st->channel[0].count, 0x1200U);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(1)), 0x11);
}

/* Read-back gives the status, then the count, of each channel named */
static void pit_read_back(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	bool armed;

	program(st, 0, 3 << 1, 1000);
	program(st, 1, 2 << 1, 20);
	hvmon_pit_write(st, 3, 0xc6, T0, &armed);	/* both, channels 0 and 1 */
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(7)), 0xb6);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(7)), 1000 & 0xff);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 0, TICK(7)), 1000 >> 8);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 1, TICK(7)), 0xb4);
	KUNIT_EXPECT_EQ(test, hvmon_pit_read(st, 1, TICK(7)), 20);
	KUNIT_EXPECT_FALSE(test, st->channel[2].status_latched);
}

/* In BCD a count has four decimal digits, and 0 is 10000 */
static void pit_bcd(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);

	program(st, 0, 2 << 1 | 1, 0x1234);
	KUNIT_EXPECT_EQ(test, st->channel[0].count, 1234U);
	KUNIT_EXPECT_EQ(test, latched(st, 0, TICK(35)), 0x1199);
	program(st, 0, 2 << 1 | 1, 0);
	KUNIT_EXPECT_EQ(test, st->channel[0].count, 10000U);
	KUNIT_EXPECT_EQ(test, latched(st, 0, TICK(1)), 0x9999);
}

/* A control word stops channel 0 until its count comes */
static void pit_stop(struct kunit *test)
{
	struct hvmon_pit_state *st = pit_new(test);
	bool armed = true;

	KUNIT_EXPECT_TRUE(test, hvmon_pit_write(st, 3, 0x34, T0, &armed));
	KUNIT_EXPECT_FALSE(test, armed);
	KUNIT_EXPECT_FALSE(test, hvmon_pit_write(st, 0, 1, T0, &armed));
	KUNIT_EXPECT_FALSE(test, hvmon_pit_write(st, 3, 0x74, T0, &armed));
}

/* Programmed through its ports, channel 0 raises GSI 0 until it is stopped */
static void pit_interrupts(struct kunit *test)
{
	static const u8 low = 0xa9, high = 0x04;	/* 1 ms */
	u8 control = 0x34;
	struct hvmon_vm *vm;
	struct hvmon_vcpu *v;

	irq_fake_init(test, 1);
	vm = test->priv;
	v = vm->vcpu[0];
	vm->irqs->pic.chip[0].imr = 0;
	hvmon_bus_write(v, HVMON_BUS_PIO, 0x43, 1, &control);
	hvmon_bus_write(v, HVMON_BUS_PIO, 0x40, 1, &low);
	hvmon_bus_write(v, HVMON_BUS_PIO, 0x40, 1, &high);
	msleep(20);
	KUNIT_EXPECT_TRUE(test, hvmon_request_take(v, HVMON_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, ack(test, v), 0);
	hvmon_bus_write(v, HVMON_BUS_PIO, 0x43, 1, &control);
	msleep(20);
	KUNIT_EXPECT_EQ(test, vm->irqs->pit->next, 0ULL);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(&vm->irqs->pit->timer));
	irq_fake_exit(test);
}

/* States that no guest can reach are refused */
static void pit_states(struct kunit *test)
{
	struct hvmon_pit_state *good = pit_new(test), *st = pit_new(test);
	int i;

	for (i = 0; i < 3; i++)
		good->channel[i].elapsed_ns = 5;
	KUNIT_EXPECT_EQ(test, hvmon_pit_check(good), 0);
#define BAD(change)	do {						\
		*st = *good;						\
		(change);						\
		KUNIT_EXPECT_EQ_MSG(test, hvmon_pit_check(st), -EINVAL, #change); \
	} while (0)
	BAD(st->channel[0].count = 0);
	BAD(st->channel[0].count = 0x10001);
	BAD(st->channel[1].mode = 6);
	BAD(st->channel[1].gate = 0);
	BAD(st->channel[2].gate = 1);
	BAD(st->channel[2].bcd = 1);
	BAD(st->channel[0].rw_mode = 0);
	BAD(st->channel[0].rw_mode = 4);
	BAD(st->channel[0].read_state = 5);
	BAD(st->channel[0].write_state = 0);
	BAD(st->channel[0].count_latched = 4);
	BAD(st->channel[0].status_latched = 2);
	BAD(st->channel[0].elapsed_ns = -1);
	BAD(st->channel[0].elapsed_ns = S64_MAX);
	BAD(st->speaker = 1);
	BAD(st->speaker = 4);
	BAD(st->irq_pending = 2);
	BAD(st->reserved[5] = 1);
#undef BAD
}

static struct kunit_case pit_cases[] = {
	KUNIT_CASE(pit_mode0),
	KUNIT_CASE(pit_gate_started),
	KUNIT_CASE(pit_mode2),
	KUNIT_CASE(pit_mode3),
	KUNIT_CASE(pit_mode4),
	KUNIT_CASE(pit_gate_stops),
	KUNIT_CASE(pit_latch),
	KUNIT_CASE(pit_read_back),
	KUNIT_CASE(pit_bcd),
	KUNIT_CASE(pit_stop),
	KUNIT_CASE(pit_interrupts),
	KUNIT_CASE(pit_states),
	{}
};

static struct kunit_suite pit_suite = {
	.name = "hvmon-pit",
	.test_cases = pit_cases,
};

kunit_test_suite(pit_suite);
