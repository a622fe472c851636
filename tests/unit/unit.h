/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests of the userspace's parts that need no guest. A claim is a
 * sentence; expect() is what must hold for it.
 */
#ifndef UNIT_H
#define UNIT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "vm.h"

#include <fcntl.h>
#include <unistd.h>

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

/* The child of @pid, which has one, or will within a second; or 0 */
static inline pid_t child_of(pid_t pid)
{
	char name[64], text[32] = "";
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
	for (int i = 0; i < 100 && !atoi(text); i++) {
		usleep(10000);
		fd = open(name, O_RDONLY);
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return atoi(text);
}

/* What stands for the VM: the last calls of devices */
static int fake_irq[24];
static struct {
	bool bound;
	int fd;
	uint64_t addr;
	uint32_t data;
} fake_msi[HVMON_MAX_ROUTES];
static struct {
	unsigned int n;		/* how many were sent */
	uint64_t addr;		/* and the last one */
	uint32_t data;
} fake_sent;
static struct {
	uint64_t addr;
	int fd;
} fake_bell[64];		/* fd 0: none */
static struct {
	uint32_t flags;
	uint64_t gpa, len;
	uint8_t *hva;
} fake_slot[HVMON_MAX_SLOTS];
static enum end_reason fake_end;
static int fake_end_value;

void vm_irq(struct vm *vm, uint32_t gsi, int level)
{
	(void)vm;
	fake_irq[gsi] = level;
}

int vm_gsi_alloc(struct vm *vm)
{
	if (vm->nr_free_gsis)
		return vm->free_gsi[--vm->nr_free_gsis];
	return vm->next_gsi < HVMON_MAX_ROUTES ? (int)vm->next_gsi++ : -ENOSPC;
}

void vm_gsi_free(struct vm *vm, uint32_t gsi)
{
	vm->free_gsi[vm->nr_free_gsis++] = gsi;
}

static inline uint64_t fake_take(uint32_t gsi)
{
	uint64_t count = 0;

	if (read(fake_msi[gsi].fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	fake_sent.addr = fake_msi[gsi].addr;
	fake_sent.data = fake_msi[gsi].data;
	return count;
}

/* As an irqfd: what was signalled before is one message */
bool vm_msi_bind(struct vm *vm, int fd, uint32_t gsi, uint64_t addr, uint32_t data)
{
	(void)vm;
	expect(!fake_msi[gsi].bound);
	fake_msi[gsi].bound = true;
	fake_msi[gsi].fd = fd;
	fake_msi[gsi].addr = addr;
	fake_msi[gsi].data = data;
	fake_sent.n += !!fake_take(gsi);
	return true;
}

static inline void fake_collect(void)
{
	for (uint32_t gsi = 0; gsi < HVMON_MAX_ROUTES; gsi++)
		if (fake_msi[gsi].bound)
			fake_sent.n += fake_take(gsi);
}

void vm_msi_unbind(struct vm *vm, int fd, uint32_t gsi)
{
	(void)vm;
	fake_sent.n += fake_take(gsi);
	expect(fake_msi[gsi].bound && fake_msi[gsi].fd == fd);
	fake_msi[gsi].bound = false;
}

static inline unsigned int *fake_count(void)
{
	fake_collect();
	return &fake_sent.n;
}

#define fake_msis	(*fake_count())
#define fake_msi_addr	(fake_collect(), fake_sent.addr)
#define fake_msi_data	(fake_collect(), fake_sent.data)

static inline int fake_bell_at(uint64_t addr)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(fake_bell); i++)
		if (fake_bell[i].fd && fake_bell[i].addr == addr)
			return i;
	return -1;
}

bool vm_doorbell_bind(struct vm *vm, uint64_t addr, int fd, bool lazy)
{
	(void)vm;
	(void)lazy;
	expect(fake_bell_at(addr) < 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(fake_bell); i++)
		if (!fake_bell[i].fd) {
			fake_bell[i].addr = addr;
			fake_bell[i].fd = fd;
			return true;
		}
	return false;
}

void vm_doorbell_unbind(struct vm *vm, uint64_t addr, int fd)
{
	int i = fake_bell_at(addr);

	(void)vm;
	expect(i >= 0 && fake_bell[i].fd == fd);
	if (i >= 0)
		fake_bell[i].fd = 0;
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

void vm_sleep(struct vm *vm)
{
	vm->sleeping = true;
}

void vm_wake(struct vm *vm)
{
	if (vm->sleeping)
		vm->woken = true;
	vm->sleeping = false;
}

int vm_mem_set(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len,
	       void *hva)
{
	(void)vm;
	fake_slot[slot].flags = flags;
	fake_slot[slot].gpa = gpa;
	fake_slot[slot].len = len;
	fake_slot[slot].hva = hva;
	return 0;
}

int vm_add_device(struct vm *vm, struct bus *bus, uint64_t start, uint64_t len,
		  uint32_t width, struct iodev *dev)
{
	vm->dev_list[vm->nr_devs++] = dev;
	return bus_add(bus, start, len, width, dev);
}

#endif
