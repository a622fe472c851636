// SPDX-License-Identifier: GPL-2.0
/* The RTC on its ports, with timers, and the sizes that a BIOS leaves in CMOS */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "../vm.h"
#include "dev.h"
#include "rtc.h"

#define CMOS_PORT	0x70
#define NSEC		1000000000ULL

struct cmos {
	struct iodev dev;
	struct vm *vm;
	struct rtc rtc;
	struct loop_timer periodic, second;
	uint64_t period;	/* that the timer runs with */
	bool seconds;
	bool line;
	uint8_t index;
};

static int64_t host_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * (int64_t)NSEC + ts.tv_nsec;
}

static void update_line(struct cmos *c)
{
	if (c->rtc.irq == c->line)
		return;
	c->line = c->rtc.irq;
	vm_irq(c->vm, RTC_IRQ, c->line);
}

static void arm_second(struct cmos *c)
{
	uint64_t into = host_time() % NSEC;

	/* A little late is right, early would show the old second */
	timer_set(&c->second, NSEC - into + 1000, 0);
}

static void update_timers(struct cmos *c)
{
	uint64_t period = rtc_period(&c->rtc);

	if (period != c->period) {
		c->period = period;
		timer_set(&c->periodic, period, period);
	}
	if (rtc_wants_seconds(&c->rtc) != c->seconds) {
		c->seconds = !c->seconds;
		if (c->seconds)
			arm_second(c);
		else
			timer_stop(&c->second);
	}
}

static void periodic_event(void *arg)
{
	struct cmos *c = arg;

	rtc_periodic(&c->rtc);
	update_line(c);
}

static void second_event(void *arg)
{
	struct cmos *c = arg;

	if (rtc_second(&c->rtc, host_time()))
		pm_rtc_alarm(c->vm);
	update_line(c);
	if (c->seconds)
		arm_second(c);
}

static uint64_t cmos_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct cmos *c = (struct cmos *)dev;
	uint8_t v;

	(void)len;
	if (!offset)
		return 0xff;	/* the index is write-only */
	v = rtc_read(&c->rtc, c->index, host_time());
	update_line(c);
	return v;
}

static void cmos_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct cmos *c = (struct cmos *)dev;

	(void)len;
	if (!offset) {
		c->index = value & 0x7f;	/* bit 7 masks NMIs on a real board */
		return;
	}
	rtc_write(&c->rtc, c->index, value, host_time());
	update_timers(c);
	update_line(c);
}

static void cmos_free(struct iodev *dev)
{
	struct cmos *c = (struct cmos *)dev;

	timer_fini(&c->vm->loop, &c->periodic);
	timer_fini(&c->vm->loop, &c->second);
	free(c);
}

static const struct iodev_ops cmos_ops = {
	.name = "cmos",
	.read = cmos_read,
	.write = cmos_write,
	.free = cmos_free,
};

static void put16(uint8_t *cmos, int index, uint64_t v)
{
	if (v > 0xffff)
		v = 0xffff;
	cmos[index] = v;
	cmos[index + 1] = v >> 8;
}

/* Where firmware and old kernels look for memory sizes and the CPU count */
static void fill_sizes(const struct vm *vm, uint8_t *cmos)
{
	uint64_t low = vm->mem.low, high = vm->mem.size - vm->mem.low;

	put16(cmos, 0x15, 640);				/* KiB below 640 KiB */
	put16(cmos, 0x17, (low - MiB) / KiB);		/* KiB above 1 MiB */
	put16(cmos, 0x30, (low - MiB) / KiB);
	put16(cmos, 0x34, low > 16 * MiB ? (low - 16 * MiB) / (64 * KiB) : 0);
	put16(cmos, 0x5b, high / (64 * KiB));		/* 64 KiB above 4 GiB */
	cmos[0x5d] = high / (64 * KiB) >> 16;
	cmos[0x5f] = vm->opt->cpus - 1;
	cmos[0x14] = 0x01;				/* equipment: no floppy */
	cmos[0x3d] = 0x42;				/* boot order: disks, network */
}

int cmos_create(struct vm *vm)
{
	struct cmos *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->dev.ops = &cmos_ops;
	c->vm = vm;
	c->second.source.fd = -1;
	rtc_reset(&c->rtc);
	fill_sizes(vm, c->rtc.cmos);
	ret = timer_init(&vm->loop, &c->periodic, periodic_event, c);
	if (ret)
		c->periodic.source.fd = -1;
	else
		ret = timer_init(&vm->loop, &c->second, second_event, c);
	if (ret) {
		cmos_free(&c->dev);
		return ret;
	}
	return vm_add_device(vm, &vm->pio, CMOS_PORT, 2, 1, &c->dev);
}
