// SPDX-License-Identifier: GPL-2.0
/* COM1: a UART between the port bus, an interrupt line and a chardev */
#include <errno.h>
#include <stdlib.h>

#include "../chardev.h"
#include "../vm.h"
#include "dev.h"
#include "uart.h"

struct com {
	struct iodev dev;
	struct vm *vm;
	struct chardev *cd;
	struct uart uart;
};

static void com_irq(void *arg, int level)
{
	struct com *com = arg;

	vm_irq(com->vm, COM1_IRQ, level);
}

static bool com_room(void *arg)
{
	struct com *com = arg;

	return chardev_room(com->cd);
}

static void com_transmit(void *arg, uint8_t byte)
{
	struct com *com = arg;

	chardev_put(com->cd, byte);
}

static void com_more(void *arg)
{
	struct com *com = arg;

	chardev_more(com->cd);
}

static size_t com_rx_room(void *arg)
{
	struct com *com = arg;

	return uart_rx_room(&com->uart);
}

static void com_receive(void *arg, const uint8_t *p, size_t n)
{
	struct com *com = arg;

	uart_receive(&com->uart, p, n);
}

static void com_drained(void *arg)
{
	struct com *com = arg;

	uart_tx_drained(&com->uart);
}

static uint64_t com_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct com *com = (struct com *)dev;

	(void)len;
	return uart_read(&com->uart, offset);
}

static void com_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct com *com = (struct com *)dev;

	(void)len;
	uart_write(&com->uart, offset, value);
}

static void com_free(struct iodev *dev)
{
	struct com *com = (struct com *)dev;

	chardev_close(com->cd);
	free(com);
}

static const struct iodev_ops com_ops = {
	.name = "uart",
	.read = com_read,
	.write = com_write,
	.free = com_free,
};

int uart_create(struct vm *vm, struct chardev *cd)
{
	struct com *com = calloc(1, sizeof(*com));
	struct chardev_client client = { com_rx_room, com_receive, com_drained, com };

	if (!com)
		return -ENOMEM;
	com->dev.ops = &com_ops;
	com->vm = vm;
	com->cd = cd;
	com->uart.wire = (struct uart_wiring){ com_irq, com_room, com_transmit, com_more,
					       com };
	uart_reset(&com->uart);
	chardev_attach(cd, &client);
	return vm_add_device(vm, &vm->pio, COM1_PORT, 8, 1, &com->dev);
}
