// SPDX-License-Identifier: GPL-2.0
#include "dev/dev.h"
#include "unit.h"

#define STATUS	PM1_EVENT_PORT
#define ENABLE	(PM1_EVENT_PORT + 2)
#define PWRBTN	0x100

static struct vm vm;

static uint16_t in(uint16_t port)
{
	uint16_t v;

	bus_read(&vm.pio, port, &v, 2);
	return v;
}

static void out(uint16_t port, uint16_t v)
{
	bus_write(&vm.pio, port, &v, 2);
}

int main(void)
{
	uint8_t byte = PWRBTN >> 8;

	claim("pm: a power button that the guest does not wait for is not pressed");
	expect(!pm_create(&vm));
	expect(!pm_power_button(&vm));
	out(ENABLE, ~PWRBTN);
	expect(!pm_power_button(&vm));
	expect(!in(STATUS) && !fake_irq[SCI_IRQ]);

	claim("pm: the power button raises the SCI until its status bit is cleared");
	out(ENABLE, PWRBTN);
	expect(!fake_irq[SCI_IRQ]);
	expect(pm_power_button(&vm) && in(STATUS) == PWRBTN && fake_irq[SCI_IRQ]);
	out(STATUS, ~PWRBTN);
	expect(in(STATUS) == PWRBTN && fake_irq[SCI_IRQ]);
	out(STATUS, PWRBTN);
	expect(!in(STATUS) && !fake_irq[SCI_IRQ]);
	/* A byte at a time */
	expect(pm_power_button(&vm) && fake_irq[SCI_IRQ]);
	bus_write(&vm.pio, STATUS + 1, &byte, 1);
	expect(!in(STATUS) && !fake_irq[SCI_IRQ]);

	claim("pm: a masked event keeps its status and loses the SCI");
	expect(pm_power_button(&vm) && fake_irq[SCI_IRQ]);
	out(ENABLE, 0);
	expect(in(STATUS) == PWRBTN && !fake_irq[SCI_IRQ]);
	out(ENABLE, PWRBTN);
	expect(fake_irq[SCI_IRQ] && in(ENABLE) == PWRBTN);

	claim("pm: S5 powers off, and nothing else in the control register does");
	out(PM1_CONTROL_PORT, SLP_TYP_S5 << 10);
	out(PM1_CONTROL_PORT, (SLP_TYP_S5 - 1) << 10 | 1 << 13);
	expect(fake_end == END_NONE);
	out(PM1_CONTROL_PORT, SLP_TYP_S5 << 10 | 1 << 13);
	expect(fake_end == END_POWEROFF && in(PM1_CONTROL_PORT) & 1);
	vm.dev_list[0]->ops->free(vm.dev_list[0]);
	return unit_finish();
}
