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
	uint8_t byte = PWRBTN >> 8, gpe = 1 << GPE_HOTPLUG, none = 0, all[16];

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

	claim("pm: a general-purpose event raises the SCI while it is enabled and not cleared");
	out(STATUS, 0xffff);
	bus_write(&vm.pio, GPE0_PORT + 1, &none, 1);
	expect(!pm_gpe_enabled(&vm, GPE_HOTPLUG));
	pm_gpe(&vm, GPE_HOTPLUG);
	expect(in(GPE0_PORT) == 1 << GPE_HOTPLUG && !fake_irq[SCI_IRQ]);
	out(GPE0_PORT, 1 << GPE_HOTPLUG << 8);
	expect(fake_irq[SCI_IRQ] && pm_gpe_enabled(&vm, GPE_HOTPLUG));
	expect(in(GPE0_PORT) == (1 << GPE_HOTPLUG | 1 << GPE_HOTPLUG << 8));
	/* The other events' status is no concern of its */
	out(STATUS, 0xffff);
	expect(fake_irq[SCI_IRQ]);
	bus_write(&vm.pio, GPE0_PORT, &gpe, 1);
	expect(!fake_irq[SCI_IRQ] && in(GPE0_PORT) == 1 << GPE_HOTPLUG << 8);
	bus_read(&vm.pio, PM1_EVENT_PORT, all, sizeof(all));
	expect(all[13] == 1 << GPE_HOTPLUG && all[3] == PWRBTN >> 8 && all[15] == 0xff);

	claim("pm: S5 powers off, and nothing else in the control register does");
	out(PM1_CONTROL_PORT, SLP_TYP_S5 << 10);
	out(PM1_CONTROL_PORT, (SLP_TYP_S5 - 1) << 10 | 1 << 13);
	expect(fake_end == END_NONE);
	out(PM1_CONTROL_PORT, SLP_TYP_S5 << 10 | 1 << 13);
	expect(fake_end == END_POWEROFF && in(PM1_CONTROL_PORT) & 1);
	vm.dev_list[0]->ops->free(vm.dev_list[0]);
	return unit_finish();
}
