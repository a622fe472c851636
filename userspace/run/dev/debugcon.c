// SPDX-License-Identifier: GPL-2.0
/*
 * The debug port of emulators, where firmware writes its log byte by byte; a
 * read tells it that somebody listens.
 */
#include <errno.h>
#include <stdlib.h>

#include "../chardev.h"
#include "../vm.h"
#include "dev.h"

#define DEBUG_PORT	0x402
#define LISTENING	0xe9

struct debugcon {
	struct iodev dev;
	struct chardev *cd;
};

static uint64_t debugcon_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return LISTENING;
}

static void debugcon_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	(void)offset;
	(void)len;
	chardev_put(((struct debugcon *)dev)->cd, value);
}

/* No input: there is never room for it */
static size_t debugcon_room(void *arg)
{
	(void)arg;
	return 0;
}

static void debugcon_receive(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

static void debugcon_drained(void *arg)
{
	(void)arg;
}

static void debugcon_free(struct iodev *dev)
{
	struct debugcon *d = (struct debugcon *)dev;

	chardev_close(d->cd);
	free(d);
}

static const struct iodev_ops debugcon_ops = {
	.name = "debug port",
	.read = debugcon_read,
	.write = debugcon_write,
	.free = debugcon_free,
};

int debugcon_create(struct vm *vm, struct chardev *cd)
{
	const struct chardev_client client = {
		debugcon_room, debugcon_receive, debugcon_drained, NULL,
	};
	struct debugcon *d = calloc(1, sizeof(*d));

	if (!d) {
		chardev_close(cd);
		return -ENOMEM;
	}
	d->dev.ops = &debugcon_ops;
	d->cd = cd;
	chardev_attach(cd, &client);
	return vm_add_device(vm, &vm->pio, DEBUG_PORT, 1, 1, &d->dev);
}
