// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI host bridge (PCI Local Bus Specification 3.0): bus 0, configuration
 * access by the ports 0xcf8 and 0xcfc and by memory (ECAM, PCI Express Base
 * Specification 7.2.2), base address registers that the guest may move, and
 * interrupt pins. Among the ports lies the reset control register at 0xcf9,
 * which only byte accesses reach.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../vm.h"
#include "dev.h"
#include "pci.h"
#include "rom.h"

#define CONFIG_PORT	0xcf8
#define CONFIG_LEN	8
#define CONFIG_DATA	4		/* from CONFIG_PORT */
#define CONFIG_ENABLE	(1u << 31)
#define RESET_CPU	0x04

/* First addresses to give to BARs, as a firmware would */
#define FIRST_PORT	0x1000
#define FIRST_MEMORY	PCI_WINDOW

#define HOST_BRIDGE_CLASS 0x060000
#define BRIDGE_PAM	0x59		/* PAM0, six more follow */
#define FIRST_CAP	0x40

struct pci_host {
	struct iodev ports;
	struct iodev ecam;
	struct vm *vm;
	uint32_t address;		/* the register at 0xcf8 */
	uint8_t reset;
	unsigned int asserted[PCI_LINES];	/* how many devices hold the line */
	uint64_t next_port, next_memory;
	bool hot;			/* no firmware gives addresses any more */
	int newest;			/* slot filled last, until pci_newest() */
	struct pci_dev *dev[PCI_SLOTS];
	struct pci_dev *gone[PCI_SLOTS];	/* off the bus, not yet released */
	struct pci_dev bridge;
};

void pci_set16(struct pci_dev *dev, uint8_t reg, uint16_t value)
{
	memcpy(dev->config + reg, &value, sizeof(value));
}

void pci_set32(struct pci_dev *dev, uint8_t reg, uint32_t value)
{
	memcpy(dev->config + reg, &value, sizeof(value));
}

uint16_t pci_get16(const struct pci_dev *dev, uint8_t reg)
{
	uint16_t value;

	memcpy(&value, dev->config + reg, sizeof(value));
	return value;
}

uint32_t pci_get32(const struct pci_dev *dev, uint8_t reg)
{
	uint32_t value;

	memcpy(&value, dev->config + reg, sizeof(value));
	return value;
}

static void lock(struct pci_dev *dev)
{
	if (dev->lock)
		pthread_mutex_lock(dev->lock);
}

static void unlock(struct pci_dev *dev)
{
	if (dev->lock)
		pthread_mutex_unlock(dev->lock);
}

/* ---- base address registers */

static uint8_t bar_reg(int i)
{
	return PCI_BASE_ADDRESS_0 + 4 * i;
}

static bool bar_is_io(const struct pci_dev *dev, int i)
{
	return dev->config[bar_reg(i)] & PCI_BASE_ADDRESS_SPACE_IO;
}

static bool bar_is_64(const struct pci_dev *dev, int i)
{
	return !bar_is_io(dev, i) &&
	       (dev->config[bar_reg(i)] & PCI_BASE_ADDRESS_MEM_TYPE_64);
}

static struct bus *bar_bus(const struct pci_dev *dev, int i)
{
	return bar_is_io(dev, i) ? &dev->vm->pio : &dev->vm->mmio;
}

static uint64_t bar_addr(const struct pci_dev *dev, int i)
{
	uint64_t v = pci_get32(dev, bar_reg(i));

	if (bar_is_64(dev, i))
		v |= (uint64_t)pci_get32(dev, bar_reg(i + 1)) << 32;
	return v & ~(dev->bar[i].size - 1);
}

static uint64_t bar_read(struct iodev *io, uint64_t offset, uint32_t len)
{
	struct pci_bar *bar = (struct pci_bar *)io;
	uint64_t value;

	lock(bar->dev);
	value = bar->dev->ops->bar_read(bar->dev, bar->index, offset, len);
	unlock(bar->dev);
	return value;
}

static void bar_write(struct iodev *io, uint64_t offset, uint32_t len, uint64_t value)
{
	struct pci_bar *bar = (struct pci_bar *)io;

	lock(bar->dev);
	bar->dev->ops->bar_write(bar->dev, bar->index, offset, len, value);
	unlock(bar->dev);
}

static const struct iodev_ops bar_ops = {
	.name = "pci-bar",
	.read = bar_read,
	.write = bar_write,
};

/* Is it decoded, by the command register and at an address that does not wrap? */
static bool bar_on(const struct pci_dev *dev, int i)
{
	uint16_t bit = bar_is_io(dev, i) ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	uint64_t size = dev->bar[i].size;

	return size && (pci_get16(dev, PCI_COMMAND) & bit) && bar_addr(dev, i) <= -size - 1;
}

static void set_mapped(struct pci_bar *bar, bool mapped)
{
	struct pci_dev *dev = bar->dev;

	if (mapped == bar->mapped)
		return;
	lock(dev);
	bar->mapped = mapped;
	if (dev->ops->bar_moved)
		dev->ops->bar_moved(dev, bar->index);
	unlock(dev);
}

static void unmap_bar(struct pci_bar *bar)
{
	if (bar->mapped)
		bus_remove(bar_bus(bar->dev, bar->index), &bar->io);
	set_mapped(bar, false);
}

/* Where two regions overlap the first one stays until it moves */
static void map_bar(struct pci_bar *bar)
{
	bar->addr = bar_addr(bar->dev, bar->index);
	set_mapped(bar, !bus_add(bar_bus(bar->dev, bar->index), bar->addr, bar->size, 4,
				 &bar->io));
}

/*
 * Registers of one device have changed. Others may have waited for the place
 * that it leaves, so all are looked at.
 */
static void update_bars(struct pci_host *host, struct pci_dev *dev)
{
	for (int i = 0; i < PCI_BARS; i++)
		if (!bar_on(dev, i) || bar_addr(dev, i) != dev->bar[i].addr)
			unmap_bar(&dev->bar[i]);
	for (int slot = 0; slot < PCI_SLOTS; slot++)
		for (int i = 0; host->dev[slot] && i < PCI_BARS; i++)
			if (!host->dev[slot]->bar[i].mapped && bar_on(host->dev[slot], i))
				map_bar(&host->dev[slot]->bar[i]);
}

void pci_set_bar(struct pci_dev *dev, int bar, uint32_t type, uint64_t size)
{
	uint32_t keep = type & PCI_BASE_ADDRESS_SPACE_IO ? PCI_BASE_ADDRESS_IO_MASK :
							   PCI_BASE_ADDRESS_MEM_MASK;
	uint64_t mask = ~(size - 1);
	uint32_t low = (uint32_t)mask & keep, high = mask >> 32;

	dev->bar[bar].size = size;
	pci_set32(dev, bar_reg(bar), type);
	memcpy(dev->writable + bar_reg(bar), &low, sizeof(low));
	if (type & PCI_BASE_ADDRESS_MEM_TYPE_64)
		memcpy(dev->writable + bar_reg(bar + 1), &high, sizeof(high));
}

static void assign_bars(struct pci_host *host, struct pci_dev *dev)
{
	for (int i = 0; i < PCI_BARS; i++) {
		uint64_t *next = bar_is_io(dev, i) ? &host->next_port : &host->next_memory;
		uint64_t size = dev->bar[i].size;

		if (!size)
			continue;
		*next = (*next + size - 1) & ~(size - 1);
		pci_set32(dev, bar_reg(i), pci_get32(dev, bar_reg(i)) | *next);
		*next += size;
	}
}

/* ---- interrupt pins */

static void update_line(struct pci_host *host, struct pci_dev *dev)
{
	bool level = dev->intx && !msix_enabled(dev) &&
		     !(pci_get16(dev, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	unsigned int line = PCI_LINE(dev->slot, 0);

	if (level == dev->line)
		return;
	dev->line = level;
	if (level ? !host->asserted[line]++ : !--host->asserted[line])
		vm_irq(host->vm, PCI_GSI + line, level);
}

void pci_intx(struct pci_dev *dev, bool level)
{
	dev->intx = level;
	if (level)
		dev->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		dev->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
	update_line(dev->vm->pci, dev);
}

/* ---- configuration space */

/* Without a device there, and past what a conventional one has */
static uint32_t config_read(struct pci_host *host, uint32_t devfn, uint32_t reg,
			    uint32_t len)
{
	struct pci_dev *dev = devfn & 7 ? NULL : host->dev[devfn >> 3];
	uint32_t value = 0;

	if (!dev)
		return ~0u;
	if (reg + len > PCI_CONFIG_LEN)
		return 0;
	lock(dev);
	if (dev->ops->config_read)
		dev->ops->config_read(dev, reg, len);
	memcpy(&value, dev->config + reg, len);
	unlock(dev);
	return value;
}

static bool touches(uint32_t reg, uint32_t len, uint32_t first, uint32_t bytes)
{
	return reg < first + bytes && first < reg + len;
}

static void config_write(struct pci_host *host, uint32_t devfn, uint32_t reg, uint32_t len,
			 uint32_t value)
{
	struct pci_dev *dev = devfn & 7 ? NULL : host->dev[devfn >> 3];

	if (!dev || reg + len > PCI_CONFIG_LEN)
		return;
	lock(dev);
	for (uint32_t i = 0; i < len; i++, value >>= 8) {
		uint8_t mask = dev->writable[reg + i];

		dev->config[reg + i] = (dev->config[reg + i] & ~mask) | (value & mask);
	}
	unlock(dev);
	if (touches(reg, len, PCI_COMMAND, 2) ||
	    touches(reg, len, PCI_BASE_ADDRESS_0, 4 * PCI_BARS))
		update_bars(host, dev);
	lock(dev);
	/* Bus mastering, the pin's gate, MSI-X's enable and mask */
	update_line(host, dev);
	msix_update(dev);
	if (dev->ops->config_write)
		dev->ops->config_write(dev, reg, len);
	unlock(dev);
}

static bool config_selected(const struct pci_host *host)
{
	return (host->address & CONFIG_ENABLE) && !(host->address >> 16 & 0xff);
}

static uint64_t ports_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct pci_host *host = (struct pci_host *)dev;

	if (offset == 0 && len == 4)
		return host->address;
	if (offset == RESET_PORT - CONFIG_PORT && len == 1)
		return host->reset;
	if (offset < CONFIG_DATA || !config_selected(host))
		return ~0ULL;
	return config_read(host, host->address >> 8 & 0xff,
			   (host->address & 0xfc) + offset - CONFIG_DATA, len);
}

static void write_reset(struct pci_host *host, uint8_t value)
{
	/* Bit 1 chooses between hard and soft, bit 2 going from 0 to 1 resets */
	if ((value & RESET_CPU) && !(host->reset & RESET_CPU))
		vm_end(host->vm, END_REBOOT, 0);
	host->reset = value & ~RESET_CPU;
}

static void ports_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct pci_host *host = (struct pci_host *)dev;

	if (offset == 0 && len == 4)
		host->address = value & (CONFIG_ENABLE | 0xfffffc);
	else if (offset == RESET_PORT - CONFIG_PORT && len == 1)
		write_reset(host, value);
	else if (offset >= CONFIG_DATA && config_selected(host))
		config_write(host, host->address >> 8 & 0xff,
			     (host->address & 0xfc) + offset - CONFIG_DATA, len, value);
}

/* A function has 4 KiB there, of which the first 256 bytes are backed */
static uint64_t ecam_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct pci_host *host = (struct pci_host *)((char *)dev - offsetof(struct pci_host, ecam));

	return config_read(host, offset >> 12, offset & 0xfff, len);
}

static void ecam_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct pci_host *host = (struct pci_host *)((char *)dev - offsetof(struct pci_host, ecam));

	config_write(host, offset >> 12, offset & 0xfff, len, value);
}

/* ---- devices */

void pci_init(struct pci_dev *dev, struct vm *vm, const struct pci_ops *ops,
	      const struct pci_id *id)
{
	uint16_t command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			   PCI_COMMAND_INTX_DISABLE;

	dev->vm = vm;
	dev->ops = ops;
	pci_set16(dev, PCI_VENDOR_ID, id->vendor);
	pci_set16(dev, PCI_DEVICE_ID, id->device);
	pci_set32(dev, PCI_CLASS_REVISION, id->class << 8 | id->revision);
	pci_set16(dev, PCI_SUBSYSTEM_VENDOR_ID, id->subsystem_vendor);
	pci_set16(dev, PCI_SUBSYSTEM_ID, id->subsystem);
	memcpy(dev->writable + PCI_COMMAND, &command, sizeof(command));
	dev->config[PCI_INTERRUPT_LINE] = 0xff;	/* not known: the DSDT knows */
	dev->writable[PCI_INTERRUPT_LINE] = 0xff;
	dev->last_cap = PCI_CAPABILITY_LIST;
	dev->next_cap = FIRST_CAP;
	for (int i = 0; i < PCI_BARS; i++) {
		dev->bar[i].io.ops = &bar_ops;
		dev->bar[i].dev = dev;
		dev->bar[i].index = i;
	}
}

uint8_t pci_add_cap(struct pci_dev *dev, uint8_t id, const void *body, uint8_t len)
{
	uint8_t at = dev->next_cap;

	dev->config[dev->last_cap] = at;
	dev->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	dev->config[at + PCI_CAP_LIST_ID] = id;
	memcpy(dev->config + at + 2, body, len);
	dev->last_cap = at + PCI_CAP_LIST_NEXT;
	dev->next_cap = (at + 2 + len + 3) & ~3;
	return at;
}

int pci_add(struct pci_dev *dev)
{
	struct pci_host *host = dev->vm->pci;

	for (int slot = 0; slot < PCI_SLOTS; slot++) {
		if (host->dev[slot] || host->gone[slot])
			continue;
		host->dev[slot] = dev;
		host->newest = slot;
		dev->slot = slot;
		if (!host->hot)
			assign_bars(host, dev);
		return 0;
	}
	dev->ops->free(dev);
	return -ENOSPC;
}

bool pci_full(const struct vm *vm)
{
	const struct pci_host *host = vm->pci;
	int slot = 0;

	while (slot < PCI_SLOTS && (host->dev[slot] || host->gone[slot]))
		slot++;
	return slot == PCI_SLOTS;
}

void pci_hot(struct vm *vm)
{
	vm->pci->hot = true;
}

int pci_newest(struct vm *vm)
{
	int slot = vm->pci->newest;

	vm->pci->newest = -1;
	return slot;
}

void pci_detach(struct vm *vm, unsigned int slot)
{
	struct pci_host *host = vm->pci;

	/* Nothing decoded, nothing new from the guest's memory, no interrupts */
	config_write(host, slot << 3, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	host->gone[slot] = host->dev[slot];
	host->dev[slot] = NULL;
}

void pci_reap(struct vm *vm)
{
	for (int slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_dev *dev = vm->pci->gone[slot];

		if (dev && dev->ops->free)
			dev->ops->free(dev);
		vm->pci->gone[slot] = NULL;
	}
}

static void host_free(struct iodev *io)
{
	struct pci_host *host = (struct pci_host *)io;

	pci_reap(host->vm);
	for (int slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_dev *dev = host->dev[slot];

		for (int i = 0; dev && i < PCI_BARS; i++)
			unmap_bar(&dev->bar[i]);
		if (dev && dev->ops->free)
			dev->ops->free(dev);
	}
	host->vm->pci = NULL;
	free(host);
}

static const struct iodev_ops ports_ops = {
	.name = "pci",
	.read = ports_read,
	.write = ports_write,
	.free = host_free,
};

static const struct iodev_ops ecam_ops = {
	.name = "pci-ecam",
	.read = ecam_read,
	.write = ecam_write,
};

/* ---- the host bridge itself, device 0 */

static void bridge_write(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	if (dev->vm->rom && touches(reg, len, BRIDGE_PAM, PAM_REGS))
		rom_shadow(dev->vm, dev->config + BRIDGE_PAM);
}

static const struct pci_ops bridge_ops = {
	.name = "pci-host",
	.config_write = bridge_write,
};

static void bridge_init(struct pci_host *host, struct vm *vm)
{
	/* A host bridge that every system takes for just that */
	static const struct pci_id plain = {
		.vendor = 0x1b36, .device = 0x0008, .class = HOST_BRIDGE_CLASS,
	};
	/* One whose PAM registers firmware knows: Intel's 82441FX as QEMU has it */
	static const struct pci_id with_pam = {
		.vendor = 0x8086, .device = 0x1237, .class = HOST_BRIDGE_CLASS, .revision = 2,
		.subsystem_vendor = 0x1af4, .subsystem = 0x1100,
	};

	pci_init(&host->bridge, vm, &bridge_ops, vm->rom ? &with_pam : &plain);
	if (!vm->rom)
		return;
	/* Of each half of a register, reads and writes; 0: both go to the ROM */
	memset(host->bridge.writable + BRIDGE_PAM, 0x33, PAM_REGS);
	host->bridge.writable[BRIDGE_PAM] = 0x30;
}

int pci_create(struct vm *vm)
{
	struct pci_host *host = calloc(1, sizeof(*host));
	int ret;

	if (!host)
		return -ENOMEM;
	host->ports.ops = &ports_ops;
	host->ecam.ops = &ecam_ops;
	host->vm = vm;
	host->next_port = FIRST_PORT;
	host->next_memory = FIRST_MEMORY;
	vm->pci = host;
	bridge_init(host, vm);
	pci_add(&host->bridge);
	ret = vm_add_device(vm, &vm->pio, CONFIG_PORT, CONFIG_LEN, 4, &host->ports);
	return ret ? ret : bus_add(&vm->mmio, PCI_ECAM, PCI_ECAM_LEN, 4, &host->ecam);
}
