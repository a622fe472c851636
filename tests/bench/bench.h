/* SPDX-License-Identifier: GPL-2.0 */
/* What the bench guest, its driver and the two back ends agree on. */
#ifndef BENCH_H
#define BENCH_H

#define OPS		1000
#define PORT_DEVICE	0x10	/* answered by the launcher */
#define PORT_RESULT	0xf4
#define DEVICE_GPA	0xd0000000
#define CODE_GPA	0x10000
#define TOUCH_GPA	0x200000
#define TOUCH_SIZE	(4 << 20)
#define MEM_SIZE	(8 << 20)
#define IDLE_SIZE	(256UL << 20)

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_exit { EXIT_OUT, EXIT_IN, EXIT_READ, EXIT_WRITE, EXIT_OTHER };

/**
 * struct backend - a hypervisor's ABI, as little of it as the bench needs
 * @name: as on the command line
 * @create: a VM with one vCPU in flat 32-bit mode and @size bytes at 0
 * @start: sets EIP
 * @run: to the next exit; the port of EXIT_OUT and EXIT_IN in *@port and
 *       where its data lies in *@data
 * @idle: a VM with irqchip, PIT, one vCPU and @size bytes at 0, never run
 */
struct backend {
	const char *name;
	void (*create)(void *mem, size_t size);
	void (*start)(uint32_t eip);
	enum bench_exit (*run)(uint16_t *port, void **data);
	void (*idle)(void *mem, size_t size);
	void (*explain)(void);
};

extern const struct backend hvmon_backend, kvm_backend;

/* guest.S: its bounds and its entries */
extern const uint8_t guest_start[], guest_end[];
extern const uint8_t guest_nothing[], guest_cpuid[], guest_rdmsr[], guest_out[], guest_in[];
extern const uint8_t guest_mmio_read[], guest_mmio_write[], guest_touch[];

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
/* @what failed, with errno, if @result is negative; else gives it back */
int must(int result, const char *what);
#endif
#endif
