// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>

#include "dev/dev.h"
#include "unit.h"

#define MEMORY	0xff000000ULL

static void out(struct vm *vm, uint16_t port, int len, uint32_t v)
{
	bus_write(&vm->pio, port, &v, len);
}

static uint32_t in(struct vm *vm, uint16_t port, int len)
{
	uint32_t v = 0;

	bus_read(&vm->pio, port, &v, len);
	return v;
}

static void test_ports(struct vm *vm)
{
	claim("testdev: the value written is the guest's verdict");
	out(vm, 0xf4, 4, 0x10);
	expect(fake_end == END_TESTDEV && fake_end_value == 0x10);

	claim("testdev: the latch keeps bytes, words and doublewords");
	out(vm, 0xe0, 4, 0x12345678);
	expect(in(vm, 0xe0, 4) == 0x12345678);
	out(vm, 0xe0, 1, 0xaa);
	out(vm, 0xe2, 2, 0xbbcc);
	expect(in(vm, 0xe0, 4) == 0xbbcc56aa && in(vm, 0xe1, 1) == 0x56);

	claim("testdev: each interrupt line has a port; any value but 0 raises it");
	out(vm, 0x200e, 1, 2);
	expect(fake_irq[14] == 1 && !fake_irq[13] && !fake_irq[15]);
	out(vm, 0x200e, 1, 0);
	expect(fake_irq[14] == 0);
	out(vm, 0x2017, 1, 1);
	expect(fake_irq[23] == 1);
}

static void test_memory(struct vm *vm)
{
	uint64_t v = 0x1122334455667788, w = 0;

	claim("testdev: its memory keeps what any width writes at any place");
	bus_write(&vm->mmio, MEMORY + 3, &v, 8);
	bus_read(&vm->mmio, MEMORY + 3, &w, 8);
	expect(w == v);
	w = 0;
	bus_read(&vm->mmio, MEMORY + 8, &w, 2);
	expect(w == 0x2233);
	bus_write(&vm->mmio, MEMORY + 0xfffc, &v, 4);
	w = 0;
	bus_read(&vm->mmio, MEMORY + 0xfffc, &w, 4);
	expect(w == 0x55667788);
	claim("testdev: behind its memory is nothing");
	bus_read(&vm->mmio, MEMORY + 0x10000, &w, 8);
	expect(w == ~0ULL);
}

static void test_flush(struct vm *vm)
{
	claim("testdev: a flushed page stays as it was and can be written");
	if (mem_alloc(&vm->mem, 4 * MiB, MEM_ANON)) {
		expect(!"no memory");
		return;
	}
	memset(mem_at(&vm->mem, MiB, 4096), 0x5a, 4096);
	out(vm, 0xe4, 4, MiB + 0x123);
	expect(*(uint8_t *)mem_at(&vm->mem, MiB + 5, 1) == 0x5a);
	*(uint8_t *)mem_at(&vm->mem, MiB + 5, 1) = 1;
	claim("testdev: a flush of what is no memory does nothing");
	out(vm, 0xe4, 4, 0xa0000);
	out(vm, 0xe4, 4, 4 * MiB);
	out(vm, 0xe4, 4, 0xfffff000);
}

static uint64_t item(struct vm *vm, uint16_t key, int len)
{
	uint64_t v = 0;

	out(vm, 0x510, 2, key);
	for (int i = 0; i < len; i++)
		v |= (uint64_t)in(vm, 0x511, 1) << i % 8 * 8;
	return v;
}

static void test_fw_cfg(struct vm *vm)
{
	claim("fw_cfg: signature, interface, processors and memory");
	expect(item(vm, 0, 4) == 0x554d4551);
	expect(item(vm, 1, 4) == 3);
	expect(item(vm, 5, 2) == 3 && item(vm, 15, 2) == 3);
	expect(item(vm, 3, 8) == vm->mem.size);
	claim("fw_cfg: zeroes after an item and under unknown keys");
	expect(item(vm, 5, 16) == 3);
	expect(item(vm, 0x11, 8) == 0 && item(vm, 0xffff, 8) == 0);
	claim("fw_cfg: a selection starts the item anew, one byte selects nothing");
	expect(item(vm, 0, 1) == 'Q' && item(vm, 0, 1) == 'Q');
	out(vm, 0x510, 1, 5);
	expect(in(vm, 0x511, 1) == 'E');
}

int main(void)
{
	static const struct options opt = { .cpus = 3 };
	static struct vm vm = { .opt = &opt };

	if (testdev_create(&vm))
		return 1;
	test_ports(&vm);
	test_memory(&vm);
	test_flush(&vm);
	if (fw_cfg_create(&vm))
		return 1;
	test_fw_cfg(&vm);
	while (vm.nr_devs) {
		struct iodev *dev = vm.dev_list[--vm.nr_devs];

		dev->ops->free(dev);
	}
	mem_free(&vm.mem);
	return unit_finish();
}
