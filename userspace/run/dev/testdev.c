// SPDX-License-Identifier: GPL-2.0
/* An exit port for test kernels: what they write becomes the exit status */
#include <errno.h>
#include <stdlib.h>

#include "../vm.h"
#include "dev.h"

#define EXIT_PORT	0xf4

struct testdev {
	struct iodev dev;
	struct vm *vm;
};

static uint64_t testdev_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return 0;
}

static void testdev_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct testdev *t = (struct testdev *)dev;

	(void)offset;
	(void)len;
	vm_end(t->vm, END_TESTDEV, value & 0x7fffffff);
}

static void testdev_free(struct iodev *dev)
{
	free(dev);
}

static const struct iodev_ops testdev_ops = {
	.name = "testdev",
	.read = testdev_read,
	.write = testdev_write,
	.free = testdev_free,
};

int testdev_create(struct vm *vm)
{
	struct testdev *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->dev.ops = &testdev_ops;
	t->vm = vm;
	return vm_add_device(vm, &vm->pio, EXIT_PORT, 4, 4, &t->dev);
}
