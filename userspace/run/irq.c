// SPDX-License-Identifier: GPL-2.0
/*
 * Between devices and the module: interrupt lines, messages, and the eventfds
 * that stand for both where a device works without this process's threads.
 */
#include <errno.h>
#include <string.h>

#include "vm.h"

#define PIC_PINS	16
#define FIRST_MESSAGE	24		/* GSIs of messages come after those of pins */

void vm_irq(struct vm *vm, uint32_t gsi, int level)
{
	int ret = hvmon_irq_line(vm->fd, gsi, level);

	if (ret)
		vm_end_text(vm, END_HOST_ERROR, "interrupt line %u: %s", gsi, strerror(-ret));
}

/* The pins as the module has them from the start: a new table is a whole one */
void vm_routes_init(struct vm *vm)
{
	struct hvmon_irq_route *r = vm->route;

	for (uint32_t gsi = 0; gsi < FIRST_MESSAGE; gsi++) {
		if (gsi < PIC_PINS)
			*r++ = (struct hvmon_irq_route){
				.gsi = gsi, .type = HVMON_ROUTE_PIC, .pin = gsi,
			};
		if (gsi != 2)
			*r++ = (struct hvmon_irq_route){
				.gsi = gsi, .type = HVMON_ROUTE_IOAPIC, .pin = gsi ? gsi : 2,
			};
	}
	vm->nr_routes = r - vm->route;
	vm->next_gsi = FIRST_MESSAGE;
}

int vm_gsi_alloc(struct vm *vm)
{
	if (vm->nr_free_gsis)
		return vm->free_gsi[--vm->nr_free_gsis];
	/* The table has a place for each, beside two for a pin */
	return vm->next_gsi + FIRST_MESSAGE < HVMON_MAX_ROUTES ? (int)vm->next_gsi++ : -ENOSPC;
}

/* Its route stays: nothing leads there before the next owner sets it */
void vm_gsi_free(struct vm *vm, uint32_t gsi)
{
	vm->free_gsi[vm->nr_free_gsis++] = gsi;
}

static struct hvmon_irq_route *route_of(struct vm *vm, uint32_t gsi)
{
	uint32_t i = vm->nr_routes;

	while (i && vm->route[i - 1].gsi >= FIRST_MESSAGE)
		if (vm->route[--i].gsi == gsi)
			return &vm->route[i];
	return NULL;
}

static int set_route(struct vm *vm, uint32_t gsi, uint64_t addr, uint32_t data)
{
	struct hvmon_irq_route *r = route_of(vm, gsi), old;
	uint32_t nr = vm->nr_routes;
	int ret;

	if (r && r->addr == addr && r->data == data)
		return 0;
	if (!r)
		r = &vm->route[vm->nr_routes++];
	old = *r;
	*r = (struct hvmon_irq_route){
		.gsi = gsi, .type = HVMON_ROUTE_MSI, .addr = addr, .data = data,
	};
	ret = hvmon_irq_routes(vm->fd, vm->route, vm->nr_routes);
	if (ret) {
		*r = old;
		vm->nr_routes = nr;
	}
	return ret;
}

bool vm_msi_bind(struct vm *vm, int fd, uint32_t gsi, uint64_t addr, uint32_t data)
{
	int ret = set_route(vm, gsi, addr, data);

	if (!ret)
		ret = hvmon_irqfd(vm->fd, fd, gsi, -1);
	/* A guest may compose what is no message */
	if (ret && ret != -EINVAL)
		vm_end_text(vm, END_HOST_ERROR, "message-signalled interrupt: %s",
			    strerror(-ret));
	return !ret;
}

void vm_msi_unbind(struct vm *vm, int fd, uint32_t gsi)
{
	hvmon_irqfd_remove(vm->fd, fd, gsi);
}

bool vm_doorbell_bind(struct vm *vm, uint64_t addr, int fd, bool lazy)
{
	return !hvmon_ioeventfd(vm->fd, lazy ? HVMON_IOEVENTFD_LAZY : 0, addr, 0, 0, fd);
}

void vm_doorbell_unbind(struct vm *vm, uint64_t addr, int fd)
{
	hvmon_ioeventfd_remove(vm->fd, 0, addr, 0, 0, fd);
}
