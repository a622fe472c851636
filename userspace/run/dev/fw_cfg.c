// SPDX-License-Identifier: GPL-2.0
/*
 * The firmware configuration device of QEMU's PCs (docs/specs/fw_cfg there), by
 * which test kernels learn the number of processors and the size of memory: a
 * key is written to the selector, the item's bytes are read from the data port,
 * zeroes after its end and under keys that are not known. Neither files nor DMA.
 */
#include <errno.h>
#include <stdlib.h>

#include "../vm.h"
#include "dev.h"

#define FW_CFG_PORT	0x510	/* the selector, 2 bytes; the second is the data port */

#define KEY_SIGNATURE	0x00
#define KEY_ID		0x01	/* interfaces: bit 0 this one, bit 1 DMA */
#define KEY_RAM_SIZE	0x03
#define KEY_NB_CPUS	0x05
#define KEY_MAX_CPUS	0x0f

struct fw_cfg {
	struct iodev dev;
	struct vm *vm;
	uint64_t item;		/* little-endian */
	unsigned int at;
};

static uint64_t item(const struct vm *vm, uint16_t key)
{
	switch (key) {
	case KEY_SIGNATURE:
		return 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24;
	case KEY_ID:
		return 1;
	case KEY_RAM_SIZE:
		return vm->mem.size;
	case KEY_NB_CPUS:
	case KEY_MAX_CPUS:
		return vm->opt->cpus;
	}
	return 0;
}

static uint64_t fw_cfg_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;

	if (offset != 1 || len != 1 || f->at == sizeof(f->item))
		return 0;
	return f->item >> f->at++ * 8 & 0xff;
}

static void fw_cfg_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;

	if (offset || len != 2)
		return;
	f->item = item(f->vm, value);
	f->at = 0;
}

static void fw_cfg_free(struct iodev *dev)
{
	free(dev);
}

static const struct iodev_ops fw_cfg_ops = {
	.name = "fw_cfg",
	.read = fw_cfg_read,
	.write = fw_cfg_write,
	.free = fw_cfg_free,
};

int fw_cfg_create(struct vm *vm)
{
	struct fw_cfg *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->dev.ops = &fw_cfg_ops;
	f->vm = vm;
	return vm_add_device(vm, &vm->pio, FW_CFG_PORT, 2, 2, &f->dev);
}
