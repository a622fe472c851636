/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests of the userspace's parts that need no guest. A claim is a
 * sentence; expect() is what must hold for it.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "vm.h"

static const char *unit_claim;
static int unit_failures;
static bool unit_ok;

#define expect(cond) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		unit_ok = false;					\
	}								\
} while (0)

static inline void unit_end(void)
{
	if (!unit_claim)
		return;
	printf("%s %s\n", unit_ok ? "ok" : "not ok", unit_claim);
	unit_failures += !unit_ok;
	unit_claim = NULL;
}

static inline void claim(const char *text)
{
	unit_end();
	unit_claim = text;
	unit_ok = true;
}

static inline int unit_finish(void)
{
	unit_end();
	return unit_failures != 0;
}

/* What stands for the VM: the last calls of devices */
static int fake_irq[24];
static unsigned int fake_msis;	/* how many were sent */
static uint64_t fake_msi_addr;	/* and the last one */
static uint32_t fake_msi_data;
static enum end_reason fake_end;
static int fake_end_value;

void vm_irq(struct vm *vm, uint32_t gsi, int level)
{
	(void)vm;
	fake_irq[gsi] = level;
}

void vm_msi(struct vm *vm, uint64_t addr, uint32_t data)
{
	(void)vm;
	fake_msis++;
	fake_msi_addr = addr;
	fake_msi_data = data;
}

void vm_end(struct vm *vm, enum end_reason reason, int value)
{
	(void)vm;
	fake_end = reason;
	fake_end_value = value;
}

void vm_end_text(struct vm *vm, enum end_reason reason, const char *fmt, ...)
{
	(void)fmt;
	vm_end(vm, reason, 0);
}

int vm_add_device(struct vm *vm, struct bus *bus, uint64_t start, uint64_t len,
		  uint32_t width, struct iodev *dev)
{
	vm->dev_list[vm->nr_devs++] = dev;
	return bus_add(bus, start, len, width, dev);
}

#endif
