// SPDX-License-Identifier: GPL-2.0
/*
 * The keyboard controller, as far as it resets the machine and answers probes
 * without delay; no keyboard, no mouse. And port 0x92, which resets too.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "../vm.h"
#include "dev.h"

#define DATA_PORT	0x60
#define COMMAND_PORT	0x64
#define FAST_PORT	0x92

#define STATUS_OUTPUT	0x01	/* a byte waits at the data port */
#define STATUS_SYSTEM	0x04	/* self-test passed */

#define FAST_RESET	0x01
#define FAST_A20	0x02

struct i8042 {
	struct iodev data, command, fast;
	struct vm *vm;
	uint8_t control;	/* the command byte */
	uint8_t output;
	uint8_t argument_of;	/* command that awaits a byte at the data port */
	bool full;
};

/* The commands that answer with a byte */
static const struct {
	uint8_t command;
	uint8_t answer;
} answers[] = {
	{ 0xa9, 0xff },		/* test of the mouse port: not there */
	{ 0xaa, 0x55 },		/* self-test: passed */
	{ 0xab, 0x00 },		/* test of the keyboard port: passed */
	{ 0xc0, 0x80 },		/* input port: keyboard not locked */
	{ 0xd0, 0x03 },		/* output port: not in reset, A20 on */
};

static void put_output(struct i8042 *k, uint8_t byte)
{
	k->output = byte;
	k->full = true;
}

static uint64_t data_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	struct i8042 *k = (struct i8042 *)dev;

	(void)offset;
	(void)len;
	k->full = false;
	return k->output;
}

static void data_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct i8042 *k = (struct i8042 *)dev;
	uint8_t command = k->argument_of;

	(void)offset;
	(void)len;
	k->argument_of = 0;
	if (command == 0x60)
		k->control = value;
	else if (command == 0xd1 && !(value & 1))
		vm_end(k->vm, END_REBOOT, 0);
	else if (!command)
		put_output(k, 0xfe);	/* no device: "resend" ends a probe fast */
}

static struct i8042 *of_command(struct iodev *dev)
{
	return (struct i8042 *)((char *)dev - offsetof(struct i8042, command));
}

static uint64_t command_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)offset;
	(void)len;
	return STATUS_SYSTEM | (of_command(dev)->full ? STATUS_OUTPUT : 0);
}

static void command_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct i8042 *k = of_command(dev);

	(void)offset;
	(void)len;
	k->argument_of = 0;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].command == value)
			put_output(k, answers[i].answer);
	if (value == 0x20)
		put_output(k, k->control);
	else if (value == 0x60 || (value >= 0xd1 && value <= 0xd4))
		k->argument_of = value;
	else if (value >= 0xf0 && !(value & 1))
		vm_end(k->vm, END_REBOOT, 0);	/* pulses the reset line */
}

static uint64_t fast_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return FAST_A20;
}

static void fast_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct i8042 *k = (struct i8042 *)((char *)dev - offsetof(struct i8042, fast));

	(void)offset;
	(void)len;
	if (value & FAST_RESET)
		vm_end(k->vm, END_REBOOT, 0);
}

static void i8042_free(struct iodev *dev)
{
	free(dev);
}

static const struct iodev_ops data_ops = {
	.name = "i8042 data",
	.read = data_read,
	.write = data_write,
	.free = i8042_free,
};

static const struct iodev_ops command_ops = {
	.name = "i8042 command",
	.read = command_read,
	.write = command_write,
};

static const struct iodev_ops fast_ops = {
	.name = "port 0x92",
	.read = fast_read,
	.write = fast_write,
};

int i8042_create(struct vm *vm)
{
	struct i8042 *k = calloc(1, sizeof(*k));
	int ret;

	if (!k)
		return -ENOMEM;
	k->data.ops = &data_ops;
	k->command.ops = &command_ops;
	k->fast.ops = &fast_ops;
	k->vm = vm;
	/* First: the VM frees the whole through it */
	ret = vm_add_device(vm, &vm->pio, DATA_PORT, 1, 1, &k->data);
	if (!ret)
		ret = bus_add(&vm->pio, COMMAND_PORT, 1, 1, &k->command);
	if (!ret)
		ret = bus_add(&vm->pio, FAST_PORT, 1, 1, &k->fast);
	return ret;
}
