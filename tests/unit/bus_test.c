// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "dev/dev.h"
#include "unit.h"

static uint64_t last_off, last_val;
static uint32_t last_len;
static int calls;

static uint64_t probe_read(struct iodev *dev, uint64_t off, uint32_t len)
{
	(void)dev;
	(void)len;
	calls++;
	return 0x10 + off;
}

static void probe_write(struct iodev *dev, uint64_t off, uint32_t len, uint64_t val)
{
	(void)dev;
	calls++;
	last_off = off;
	last_len = len;
	last_val = val;
}

static const struct iodev_ops probe_ops = { "probe", probe_read, probe_write, NULL };

static uint32_t in(struct vm *vm, uint16_t port, int len)
{
	uint32_t v = 0;

	bus_read(&vm->pio, port, &v, len);
	return v;
}

static void out(struct vm *vm, uint16_t port, int len, uint32_t v)
{
	bus_write(&vm->pio, port, &v, len);
}

static void test_bus(void)
{
	struct iodev a = { &probe_ops }, b = { &probe_ops };
	struct bus bus = { .name = "test" };
	uint32_t v;

	claim("bus: regions that overlap are refused and change nothing");
	expect(!bus_add(&bus, 0x100, 8, 1, &a));
	expect(bus_add(&bus, 0x107, 1, 1, &b) == -EEXIST);
	expect(bus_add(&bus, 0xf0, 0x11, 1, &b) == -EEXIST);
	expect(bus.nr == 1);
	expect(!bus_add(&bus, 0xf0, 0x10, 1, &b));
	expect(!bus_add(&bus, 0x108, 4, 4, &b));

	claim("bus: a wide access is split to the device's width");
	calls = 0;
	bus_read(&bus, 0x102, &v, 4);
	expect(calls == 4 && v == 0x15141312);
	calls = 0;
	v = 0xddccbbaa;
	bus_write(&bus, 0x108, &v, 4);
	expect(calls == 1 && last_off == 0 && last_len == 4 && last_val == 0xddccbbaa);

	claim("bus: absent devices read as all ones, also past a region's end");
	v = 0;
	bus_read(&bus, 0x10a, &v, 4);
	expect(v == 0xffff0012);
	bus_read(&bus, 0x300, &v, 4);
	expect(v == 0xffffffff);

	claim("bus: a removed device is gone");
	bus_remove(&bus, &a);
	bus_read(&bus, 0x100, &v, 4);
	expect(v == 0xffffffff && bus.nr == 2);
}

static void test_resets(struct vm *vm)
{
	claim("i8042: no byte waits, self-test passes, 0xfe resets");
	expect(!(in(vm, 0x64, 1) & 1));
	out(vm, 0x64, 1, 0xaa);
	expect((in(vm, 0x64, 1) & 1) && in(vm, 0x60, 1) == 0x55 && !(in(vm, 0x64, 1) & 1));
	fake_end = END_NONE;
	out(vm, 0x64, 1, 0xfe);
	expect(fake_end == END_REBOOT);

	claim("pci: config address writes do not touch the reset register inside");
	fake_end = END_NONE;
	out(vm, 0xcf8, 4, 0x80000600);
	expect(fake_end == END_NONE && in(vm, 0xcf8, 4) == 0x80000600);
	out(vm, 0xcf9, 1, 0x02);
	expect(fake_end == END_NONE);
	out(vm, 0xcf9, 1, 0x06);
	expect(fake_end == END_REBOOT);
}

static void test_pm(struct vm *vm)
{
	uint32_t t;

	claim("pm: ACPI is on, the timer runs, S5 powers off and nothing else does");
	expect(in(vm, PM1_CONTROL_PORT, 2) & 1);
	t = in(vm, PM_TIMER_PORT, 4);
	for (int i = 0; i < 1000000 && in(vm, PM_TIMER_PORT, 4) == t; i++)
		;
	expect(in(vm, PM_TIMER_PORT, 4) != t);
	fake_end = END_NONE;
	out(vm, PM1_CONTROL_PORT, 2, SLP_TYP_S5 << 10);
	out(vm, PM1_CONTROL_PORT, 2, 2 << 10 | 1 << 13);
	expect(fake_end == END_NONE);
	out(vm, PM1_CONTROL_PORT, 2, SLP_TYP_S5 << 10 | 1 << 13);
	expect(fake_end == END_POWEROFF);

	claim("pm: enable bits are kept, written status bits not set");
	out(vm, PM1_EVENT_PORT, 2, 0xffff);
	out(vm, PM1_EVENT_PORT + 2, 2, 0x0120);
	expect(in(vm, PM1_EVENT_PORT, 4) == 0x01200000);

	claim("pm: the RTC's alarm sets its status, and with its enable bit the SCI");
	pm_rtc_alarm(vm);
	expect(in(vm, PM1_EVENT_PORT, 2) == 0x400 && !fake_irq[SCI_IRQ]);
	out(vm, PM1_EVENT_PORT + 2, 2, 0x400);
	expect(fake_irq[SCI_IRQ] == 1);
	out(vm, PM1_EVENT_PORT, 2, 0x8000);
	expect(fake_irq[SCI_IRQ] == 1);
	out(vm, PM1_EVENT_PORT, 2, 0x400);
	expect(fake_irq[SCI_IRQ] == 0 && in(vm, PM1_EVENT_PORT, 2) == 0);

	claim("pm: SLP_TYP 1 with SLP_EN sleeps until an alarm that is enabled");
	out(vm, PM1_EVENT_PORT + 2, 2, 0);
	out(vm, PM1_CONTROL_PORT, 2, SLP_TYP_S3 << 10);
	expect(!vm->sleeping);
	out(vm, PM1_CONTROL_PORT, 2, SLP_TYP_S3 << 10 | 1 << 13);
	expect(vm->sleeping && !vm->woken);
	pm_rtc_alarm(vm);
	expect(vm->sleeping && !vm->woken);
	out(vm, PM1_EVENT_PORT, 2, 0xffff);
	out(vm, PM1_EVENT_PORT + 2, 2, 0x400);
	pm_rtc_alarm(vm);
	expect(!vm->sleeping && vm->woken && in(vm, PM1_EVENT_PORT, 2) == 0x8400);
	claim("pm: with an alarm pending already there is no sleep");
	vm->woken = false;
	out(vm, PM1_CONTROL_PORT, 2, SLP_TYP_S3 << 10 | 1 << 13);
	expect(!vm->sleeping && vm->woken);
}

int main(void)
{
	static struct vm vm;

	test_bus();
	if (i8042_create(&vm) || pci_create(&vm) || pm_create(&vm))
		return 1;
	test_resets(&vm);
	test_pm(&vm);
	return unit_finish();
}
