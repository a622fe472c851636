// SPDX-License-Identifier: GPL-2.0
/*
 * A device for test kernels, as QEMU's isa-debug-exit and pc-testdev are: an exit
 * port, a port that remembers, one that takes a page of memory out of the guest's
 * translations, one for each interrupt line, and memory that answers as a device.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../vm.h"
#include "dev.h"

#define EXIT_PORT	0xf4
#define LATCH_PORT	0xe0
#define FLUSH_PORT	0xe4
#define IRQ_PORT	0x2000
#define IRQ_LINES	24
#define MEMORY_ADDR	0xff000000
#define MEMORY_LEN	0x10000
#define HOST_PAGE	4096ULL

struct testdev {
	struct iodev exit, latch, flush, irq, memory;
	struct vm *vm;
	uint8_t latched[4];
	uint8_t contents[MEMORY_LEN];
};

#define of(dev, member) ((struct testdev *)((char *)(dev) - offsetof(struct testdev, member)))

static uint64_t nothing_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return 0;
}

static void exit_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	(void)offset;
	(void)len;
	vm_end(of(dev, exit)->vm, END_TESTDEV, value & 0x7fffffff);
}

static void testdev_free(struct iodev *dev)
{
	free(of(dev, exit));
}

static uint64_t latch_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, of(dev, latch)->latched + offset, len);
	return value;
}

static void latch_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	memcpy(of(dev, latch)->latched + offset, &value, len);
}

/*
 * A change of the mapping's protection makes the module drop the page, so that
 * the guest's next access to it faults. Reading stays allowed, for others of this
 * process may look; a guest that writes there at this moment dies of it.
 */
static void flush_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	void *page = mem_at(&of(dev, flush)->vm->mem, value & ~(HOST_PAGE - 1), HOST_PAGE);

	(void)offset;
	/* Huge pages of the host's cannot be changed by halves: then nothing happens */
	if (page && len == 4 && !mprotect(page, HOST_PAGE, PROT_READ))
		mprotect(page, HOST_PAGE, PROT_READ | PROT_WRITE);
}

static void irq_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	(void)len;
	vm_irq(of(dev, irq)->vm, offset, value != 0);
}

static uint64_t memory_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, of(dev, memory)->contents + offset, len);
	return value;
}

static void memory_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	memcpy(of(dev, memory)->contents + offset, &value, len);
}

static const struct iodev_ops exit_ops = {
	.name = "testdev exit",
	.read = nothing_read,
	.write = exit_write,
	.free = testdev_free,
};

static const struct iodev_ops latch_ops = {
	.name = "testdev latch",
	.read = latch_read,
	.write = latch_write,
};

static const struct iodev_ops flush_ops = {
	.name = "testdev flush",
	.read = nothing_read,
	.write = flush_write,
};

static const struct iodev_ops irq_ops = {
	.name = "testdev interrupts",
	.read = nothing_read,
	.write = irq_write,
};

static const struct iodev_ops memory_ops = {
	.name = "testdev memory",
	.read = memory_read,
	.write = memory_write,
};

int testdev_create(struct vm *vm)
{
	struct testdev *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	t->exit.ops = &exit_ops;
	t->latch.ops = &latch_ops;
	t->flush.ops = &flush_ops;
	t->irq.ops = &irq_ops;
	t->memory.ops = &memory_ops;
	t->vm = vm;
	/* First: the VM frees the whole through it */
	ret = vm_add_device(vm, &vm->pio, EXIT_PORT, 4, 4, &t->exit);
	if (!ret)
		ret = bus_add(&vm->pio, LATCH_PORT, 4, 4, &t->latch);
	if (!ret)
		ret = bus_add(&vm->pio, FLUSH_PORT, 4, 4, &t->flush);
	if (!ret)
		ret = bus_add(&vm->pio, IRQ_PORT, IRQ_LINES, 1, &t->irq);
	if (!ret)
		ret = bus_add(&vm->mmio, MEMORY_ADDR, MEMORY_LEN, 8, &t->memory);
	return ret;
}
