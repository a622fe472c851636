// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI configuration ports of a machine without PCI: they read as all
 * ones. Among them lies the reset control register at 0xcf9, which only
 * byte accesses reach.
 */
#include <errno.h>
#include <stdlib.h>

#include "../vm.h"
#include "dev.h"

#define CONFIG_PORT	0xcf8
#define CONFIG_LEN	8
#define RESET_CPU	0x04

struct pci {
	struct iodev dev;
	struct vm *vm;
	uint8_t reset;
};

static uint64_t pci_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct pci *pci = (struct pci *)dev;

	if (len == 1 && offset == RESET_PORT - CONFIG_PORT)
		return pci->reset;
	return ~0ULL;
}

static void pci_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct pci *pci = (struct pci *)dev;

	if (len != 1 || offset != RESET_PORT - CONFIG_PORT)
		return;
	/* Bit 1 chooses between hard and soft, bit 2 going from 0 to 1 resets */
	if ((value & RESET_CPU) && !(pci->reset & RESET_CPU))
		vm_end(pci->vm, END_REBOOT, 0);
	pci->reset = value & ~RESET_CPU;
}

static void pci_free(struct iodev *dev)
{
	free(dev);
}

static const struct iodev_ops pci_ops = {
	.name = "pci",
	.read = pci_read,
	.write = pci_write,
	.free = pci_free,
};

int pci_create(struct vm *vm)
{
	struct pci *pci = calloc(1, sizeof(*pci));

	if (!pci)
		return -ENOMEM;
	pci->dev.ops = &pci_ops;
	pci->vm = vm;
	return vm_add_device(vm, &vm->pio, CONFIG_PORT, CONFIG_LEN, 4, &pci->dev);
}
