// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI fixed hardware (ACPI 6.5, 4.8): PM1a event and control blocks, the power
 * management timer, and the register block of general-purpose events (4.8.4.1).
 * The SCI is raised for those, the power button and the RTC's alarm, which also
 * ends S3; ACPI mode is always on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../vm.h"
#include "dev.h"

#define PWRBTN		(1u << 8)	/* in PM1 status and PM1 enable */
#define RTC_ALARM	(1u << 10)	/* likewise */
#define WAK_STS		(1u << 15)
#define SCI_EN		(1u << 0)
#define SLP_TYP_SHIFT	10
#define SLP_EN		(1u << 13)
#define PM_TIMER_HZ	3579545ULL
#define BLOCK_LEN	(GPE0_PORT + GPE0_LEN - PM1_EVENT_PORT)

struct pm {
	struct iodev dev;
	struct vm *vm;
	uint16_t status, enable;	/* PM1 */
	uint16_t control;
	uint8_t gpe_status, gpe_enable;
};

static uint32_t pm_timer(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * PM_TIMER_HZ + ts.tv_nsec * PM_TIMER_HZ / 1000000000;
}

/* The whole block as bytes, so that any width and offset reads right */
static uint64_t pm_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	const struct pm *pm = (const struct pm *)dev;
	const struct {
		uint16_t status, enable, control, none;
		uint32_t timer;
		uint8_t gpe_status, gpe_enable;
	} block = {
		pm->status, pm->enable, pm->control | SCI_EN, 0, pm_timer(),
		pm->gpe_status, pm->gpe_enable,
	};
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)&block + offset, len);
	return v;
}

/* Level-triggered, as long as an enabled event has its status bit set */
static void update_sci(struct pm *pm)
{
	vm_irq(pm->vm, SCI_IRQ, (pm->status & pm->enable) || (pm->gpe_status & pm->gpe_enable));
}

/* WAK_STS and the event's bit tell the guest why it wakes: ACPI 6.5, 4.8.3.1.1 */
static void update_sleep(struct pm *pm)
{
	if (!(pm->status & pm->enable))
		return;
	if (pm->vm->sleeping)
		pm->status |= WAK_STS;
	vm_wake(pm->vm);
}

static void write_control(struct pm *pm, uint16_t value)
{
	pm->control = value & ~SLP_EN;
	if (!(value & SLP_EN))
		return;
	if (((value >> SLP_TYP_SHIFT) & 7) == SLP_TYP_S5)
		vm_end(pm->vm, END_POWEROFF, 0);
	if (((value >> SLP_TYP_SHIFT) & 7) == SLP_TYP_S3) {
		vm_sleep(pm->vm);
		update_sleep(pm);
	}
}

static void pm_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct pm *pm = (struct pm *)dev;

	for (uint32_t i = 0; i < len; i++, value >>= 8) {
		unsigned int at = offset + i;
		unsigned int shift = at % 2 * 8;
		uint16_t byte = (uint16_t)((value & 0xff) << shift);
		uint16_t keep = (uint16_t)(0xff00 >> shift);

		if (at < 2)
			pm->status &= ~byte;		/* ones clear */
		else if (at < 4)
			pm->enable = (pm->enable & keep) | byte;
		else if (at == 4 || at == 5)
			write_control(pm, (pm->control & keep) | byte);
		else if (at == GPE0_PORT - PM1_EVENT_PORT)
			pm->gpe_status &= ~value;
		else if (at == GPE0_PORT + 1 - PM1_EVENT_PORT)
			pm->gpe_enable = value;
	}
	update_sci(pm);
}

bool pm_power_button(struct vm *vm)
{
	struct pm *pm = vm->pm;

	if (!(pm->enable & PWRBTN))
		return false;
	pm->status |= PWRBTN;
	update_sleep(pm);
	update_sci(pm);
	return true;
}

void pm_rtc_alarm(struct vm *vm)
{
	struct pm *pm = vm->pm;

	if (!pm)
		return;
	pm->status |= RTC_ALARM;
	update_sleep(pm);
	update_sci(pm);
}

bool pm_gpe_enabled(const struct vm *vm, unsigned int n)
{
	return vm->pm->gpe_enable >> n & 1;
}

void pm_gpe(struct vm *vm, unsigned int n)
{
	vm->pm->gpe_status |= 1u << n;
	update_sci(vm->pm);
}

static void pm_free(struct iodev *dev)
{
	free(dev);
}

static const struct iodev_ops pm_ops = {
	.name = "pm",
	.read = pm_read,
	.write = pm_write,
	.free = pm_free,
};

int pm_create(struct vm *vm)
{
	struct pm *pm = calloc(1, sizeof(*pm));

	if (!pm)
		return -ENOMEM;
	pm->dev.ops = &pm_ops;
	pm->vm = vm;
	vm->pm = pm;
	return vm_add_device(vm, &vm->pio, PM1_EVENT_PORT, BLOCK_LEN, 4, &pm->dev);
}
