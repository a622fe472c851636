// SPDX-License-Identifier: GPL-2.0
/*
 * The firmware configuration device of QEMU's PCs (docs/specs/fw_cfg there), by
 * which firmware and test kernels learn of the machine: items of bytes under
 * 16-bit keys, some of which are files with names in a directory. Read-only.
 *
 * A key is written to the selector and the item read from the data port, zeroes
 * after its end and under unknown keys; or the address of a request in guest
 * memory is written to the DMA register, upper half first, all big-endian.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../vm.h"
#include "dev.h"

#define FW_CFG_PORT	0x510	/* the selector, 2 bytes; the second is the data port */
#define FW_CFG_DMA_PORT	0x514	/* 8 bytes, big-endian */

#define KEY_SIGNATURE	0x00
#define KEY_ID		0x01	/* interfaces: bit 0 this one, bit 1 DMA */
#define KEY_RAM_SIZE	0x03
#define KEY_NB_CPUS	0x05
#define KEY_BOOT_MENU	0x0e
#define KEY_MAX_CPUS	0x0f
#define KEY_DIRECTORY	0x19
#define KEY_FIRST_FILE	0x20
#define KEY_IRQ0_MOVED	0x8002	/* the PIT's interrupt is the IOAPIC's pin 2 */

#define MAX_ITEMS	24

/* Of a request */
#define DMA_ERROR	(1u << 0)
#define DMA_READ	(1u << 1)
#define DMA_SKIP	(1u << 2)
#define DMA_SELECT	(1u << 3)	/* the key in the upper half */
#define DMA_WRITE	(1u << 4)

struct dma_request {
	uint32_t control;
	uint32_t length;
	uint64_t address;
};

/* All big-endian */
struct dir_entry {
	uint32_t size;
	uint16_t key;
	uint16_t reserved;
	char name[FW_CFG_NAME];
};

struct item {
	uint16_t key;
	uint32_t len;
	void *data;
};

struct fw_cfg {
	struct iodev dev, dma;
	struct vm *vm;
	struct item item[MAX_ITEMS];
	unsigned int items;
	uint16_t files;
	const struct item *selected;	/* NULL: a key that is not known */
	uint32_t at;
	uint32_t dma_high;		/* first half of a request's address */
};

_Static_assert(sizeof(struct dir_entry) == 64, "an entry of the directory");

static struct item *find(struct fw_cfg *f, uint16_t key)
{
	for (unsigned int i = 0; i < f->items; i++)
		if (f->item[i].key == key)
			return &f->item[i];
	return NULL;
}

/* The bytes are copied. 0 or -errno */
static int add(struct fw_cfg *f, uint16_t key, const void *data, uint32_t len)
{
	void *copy;

	if (f->items == MAX_ITEMS)
		return -ENOSPC;
	copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	f->item[f->items++] = (struct item){ key, len, copy };
	return 0;
}

int fw_cfg_add_file(struct vm *vm, const char *name, const void *data, uint32_t len)
{
	struct fw_cfg *f = vm->fw_cfg;
	struct item *dir = find(f, KEY_DIRECTORY);
	uint32_t count = htobe32(f->files + 1);
	struct dir_entry e = {
		.size = htobe32(len),
		.key = htobe16(KEY_FIRST_FILE + f->files),
	};
	uint8_t *p;
	int ret;

	if (strlen(name) >= sizeof(e.name))
		return -EINVAL;
	memcpy(e.name, name, strlen(name) + 1);
	p = realloc(dir->data, dir->len + sizeof(e));
	if (!p)
		return -ENOMEM;
	dir->data = p;
	ret = add(f, KEY_FIRST_FILE + f->files, data, len);
	if (ret)
		return ret;
	memcpy(p, &count, sizeof(count));
	memcpy(p + dir->len, &e, sizeof(e));
	dir->len += sizeof(e);
	f->files++;
	return 0;
}

static void select_item(struct fw_cfg *f, uint16_t key)
{
	f->selected = find(f, key);
	f->at = 0;
}

/* The next @len bytes of the item, and zeroes after it; @to NULL skips them */
static void take(struct fw_cfg *f, uint8_t *to, uint32_t len)
{
	uint32_t left = f->selected ? f->selected->len - f->at : 0;
	uint32_t n = len < left ? len : left;

	if (to) {
		if (n)
			memcpy(to, (uint8_t *)f->selected->data + f->at, n);
		memset(to + n, 0, len - n);
	}
	f->at += n;
}

static uint64_t fw_cfg_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	uint8_t byte = 0;

	if (offset == 1 && len == 1)
		take((struct fw_cfg *)dev, &byte, 1);
	return byte;
}

static void fw_cfg_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	if (!offset && len == 2)
		select_item((struct fw_cfg *)dev, value);
}

/* Returns what the request's control then says: 0 or DMA_ERROR */
static uint32_t do_request(struct fw_cfg *f, uint32_t control, uint64_t addr, uint32_t len)
{
	uint8_t *to = NULL;

	if (control & DMA_SELECT)
		select_item(f, control >> 16);
	if (control & DMA_READ) {
		to = mem_at(&f->vm->mem, addr, len);
		if (!to)
			return DMA_ERROR;
	} else if (control & DMA_WRITE) {
		return DMA_ERROR;
	}
	if (control & (DMA_READ | DMA_SKIP))
		take(f, to, len);
	return 0;
}

static void run_request(struct fw_cfg *f, uint64_t addr)
{
	struct dma_request *p = mem_at(&f->vm->mem, addr, sizeof(*p));
	struct dma_request r;
	uint32_t result;

	/* There is nowhere to say so */
	if (!p)
		return;
	memcpy(&r, p, sizeof(r));
	result = htobe32(do_request(f, be32toh(r.control), be64toh(r.address),
				    be32toh(r.length)));
	/* Last: the guest may wait for it to change */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(&p->control, &result, sizeof(result));
}

#define of_dma(d)	((struct fw_cfg *)((char *)(d) - offsetof(struct fw_cfg, dma)))

static uint64_t dma_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	static const char signature[] = "QEMU CFG";
	uint64_t value = 0;

	(void)dev;
	memcpy(&value, signature + offset, len);
	return value;
}

static void dma_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct fw_cfg *f = of_dma(dev);
	uint32_t half = be32toh((uint32_t)value);
	uint64_t addr = (uint64_t)f->dma_high << 32 | half;

	if (len != 4)
		return;
	if (!offset) {
		f->dma_high = half;
	} else if (offset == 4) {
		f->dma_high = 0;
		run_request(f, addr);
	}
}

static void fw_cfg_free(struct iodev *dev)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;

	for (unsigned int i = 0; i < f->items; i++)
		free(f->item[i].data);
	f->vm->fw_cfg = NULL;
	free(f);
}

static const struct iodev_ops fw_cfg_ops = {
	.name = "fw_cfg",
	.read = fw_cfg_read,
	.write = fw_cfg_write,
	.free = fw_cfg_free,
};

static const struct iodev_ops dma_ops = {
	.name = "fw_cfg DMA",
	.read = dma_read,
	.write = dma_write,
};

static int add_numbers(struct fw_cfg *f)
{
	const struct {
		uint16_t key;
		uint8_t len;
		uint64_t value;
	} numbers[] = {
		{ KEY_SIGNATURE, 4, 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24 },
		{ KEY_ID, 4, 3 },
		{ KEY_RAM_SIZE, 8, f->vm->mem.size },
		{ KEY_NB_CPUS, 2, f->vm->opt->cpus },
		{ KEY_MAX_CPUS, 2, f->vm->opt->cpus },
		{ KEY_BOOT_MENU, 2, f->vm->opt->boot_menu },
		{ KEY_IRQ0_MOVED, 1, 1 },
		{ KEY_DIRECTORY, 4, 0 },	/* how many files follow */
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(numbers); i++) {
		uint64_t value = htole64(numbers[i].value);

		ret = add(f, numbers[i].key, &value, numbers[i].len);
	}
	return ret;
}

int fw_cfg_create(struct vm *vm)
{
	struct fw_cfg *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	f->dev.ops = &fw_cfg_ops;
	f->dma.ops = &dma_ops;
	f->vm = vm;
	vm->fw_cfg = f;
	/* First: the VM frees it from now on */
	ret = vm_add_device(vm, &vm->pio, FW_CFG_PORT, 2, 2, &f->dev);
	if (!ret)
		ret = bus_add(&vm->pio, FW_CFG_DMA_PORT, 8, 4, &f->dma);
	return ret ? ret : add_numbers(f);
}
