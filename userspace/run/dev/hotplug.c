// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug of PCI devices by ACPI (ACPI 6.5, 5.6.4 and 6.3): a general-purpose event has
 * the guest run a method of the DSDT's, which reads here which slots have a new device
 * and which devices the host wants back, and notifies the slots. _EJ0 of a slot gives
 * its device back here. No bridges and no registers in configuration space are needed,
 * and every system that knows ACPI hotplug knows it on bus 0.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../plug.h"
#include "../vm.h"
#include "dev.h"
#include "pci.h"

struct hotplug {
	struct iodev dev;
	struct vm *vm;
	uint32_t news, wanted;		/* HOTPLUG_NEW, HOTPLUG_WANTED */
	uint32_t allowed;		/* may be given back */
	struct loop_source ejected;	/* an eventfd */
};

/* In the loop's thread, as pci_reap() wants it */
static void ejected_event(void *arg, uint32_t events)
{
	struct hotplug *hp = arg;
	uint64_t count;

	(void)events;
	(void)!read(hp->ejected.fd, &count, sizeof(count));
	pci_reap(hp->vm);
	plug_reaped(hp->vm);
}

static void eject(struct hotplug *hp, uint32_t slots)
{
	uint64_t one = 1;

	slots &= hp->allowed;
	hp->allowed &= ~slots;
	hp->news &= ~slots;
	hp->wanted &= ~slots;
	for (unsigned int slot = 0; slot < PCI_SLOTS; slot++)
		if (slots >> slot & 1)
			pci_detach(hp->vm, slot);
	if (slots)
		(void)!write(hp->ejected.fd, &one, sizeof(one));
}

static uint64_t hotplug_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	const struct hotplug *hp = (const struct hotplug *)dev;
	uint64_t both = hp->news | (uint64_t)hp->wanted << 32;

	if (offset >= HOTPLUG_EJECT)
		return 0;
	return both >> offset * 8 & ((1ULL << len * 8) - 1);
}

static void hotplug_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct hotplug *hp = (struct hotplug *)dev;

	for (uint32_t i = 0; i < len; i++, value >>= 8) {
		uint32_t bits = (value & 0xff) << (offset + i) % 4 * 8;

		if (offset + i < HOTPLUG_WANTED)
			hp->news &= ~bits;
		else if (offset + i < HOTPLUG_EJECT)
			hp->wanted &= ~bits;
		else
			eject(hp, bits);
	}
}

void hotplug_allow(struct vm *vm, unsigned int slot)
{
	vm->hotplug->allowed |= 1u << slot;
}

bool hotplug_allowed(const struct vm *vm, unsigned int slot)
{
	return vm->hotplug->allowed >> slot & 1;
}

void hotplug_tell(struct vm *vm, unsigned int slot)
{
	vm->hotplug->news |= 1u << slot;
	pm_gpe(vm, GPE_HOTPLUG);
}

bool hotplug_ask(struct vm *vm, unsigned int slot)
{
	if (!pm_gpe_enabled(vm, GPE_HOTPLUG))
		return false;
	vm->hotplug->wanted |= 1u << slot;
	pm_gpe(vm, GPE_HOTPLUG);
	return true;
}

static void hotplug_free(struct iodev *dev)
{
	struct hotplug *hp = (struct hotplug *)dev;
	int fd = hp->ejected.fd;

	loop_del(&hp->vm->loop, &hp->ejected);
	if (fd >= 0)
		close(fd);
	hp->vm->hotplug = NULL;
	free(hp);
}

static const struct iodev_ops hotplug_ops = {
	.name = "hotplug",
	.read = hotplug_read,
	.write = hotplug_write,
	.free = hotplug_free,
};

int hotplug_create(struct vm *vm)
{
	struct hotplug *hp = calloc(1, sizeof(*hp));
	int fd, ret;

	if (!hp)
		return -ENOMEM;
	hp->dev.ops = &hotplug_ops;
	hp->vm = vm;
	hp->ejected.fd = -1;
	vm->hotplug = hp;
	ret = vm_add_device(vm, &vm->pio, HOTPLUG_PORT, HOTPLUG_LEN, 4, &hp->dev);
	if (ret)
		return ret;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = loop_add(&vm->loop, &hp->ejected, fd, EPOLLIN, ejected_event, hp);
	if (ret)
		close(fd);
	return ret;
}
