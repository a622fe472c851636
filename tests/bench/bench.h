/* SPDX-License-Identifier: GPL-2.0 */
/* What the bench guest, its driver and the two back ends agree on. */
#ifndef BENCH_H
#define BENCH_H

/* Guest memory. The first megabyte */
#define WORDS_GPA	0x4000	/* struct words */
#define IDT_GPA		0x8000
#define GDT_GPA		0x9000
#define STACK_GPA	0xf000	/* vCPU 0's, downwards; vCPU 1's 4 KiB below */
#define CODE_GPA	0x10000
#define TOUCH_GPA	0x200000
#define TOUCH_SIZE	(4 << 20)
#define MEM_SIZE	(8 << 20)
#define IDLE_SIZE	(256UL << 20)
#define DEVICE_GPA	0xd0000000	/* answered by the launcher */

#define PORT_DEVICE	0x10	/* likewise */
#define PORT_DOORBELL	0x18	/* an ioeventfd */
#define PORT_RESULT	0xf4

#define VECTOR_TIMER	0x40
#define VECTOR_IPI	0x41
#define VECTOR_IRQFD	0x42
#define BENCH_GSI	24	/* of the irqfd; leads to VECTOR_IRQFD */

/* struct words, for guest.S */
#define WORD_FLAG	(WORDS_GPA + 0x00)
#define WORD_SPUN	(WORDS_GPA + 0x04)
#define WORD_SPIN(n)	(WORDS_GPA + 0x40 + 0x40 * (n))
#define WORD_ROUNDS	(WORDS_GPA + 0x08)
#define WORD_READY	(WORDS_GPA + 0x0c)

/* Whose instructions are no work: guests that wait, and the host's spinners */
#define SPIN_VCPU0	0
#define SPIN_VCPU1	1
#define SPIN_CPU0	2
#define SPIN_CPU1	3

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct words - what guest and launcher share in memory
 * @flag: what the guest waits for has happened
 * @spun: instructions spent waiting between the two readings of the TSC
 * @rounds: operations between these
 * @ready: vCPU 1 can take interrupts
 * @spin: instructions spent waiting, ever, by SPIN_*
 */
struct words {
	uint32_t flag;
	uint32_t spun;
	uint32_t rounds;
	uint32_t ready;
	uint32_t pad[12];
	struct {
		uint32_t count;
		uint32_t pad[15];
	} spin[4];
};

enum bench_exit { EXIT_OUT, EXIT_IN, EXIT_READ, EXIT_WRITE, EXIT_OTHER };

struct machine {
	int vm;
	int vcpu[2];
	void *run[2];
};

/**
 * struct backend - a hypervisor's ABI, as little of it as the bench needs
 * @create: a VM with irqchip and PIT, @size bytes at 0
 * @vcpu: adds vCPU @i in flat 32-bit mode, with the GDT and the IDT above
 * @start: sets EIP, ESP, ESI; the vCPU is running, not halted
 * @run: to the next exit; the port of EXIT_OUT and EXIT_IN in *@port and
 *       where its data lies in *@data
 * @ioeventfd: 4-byte writes to PORT_DOORBELL signal @fd
 * @irqfd: @fd raises VECTOR_IRQFD on vCPU 0
 * @destroy: ends what create() and vcpu() began
 * @explain: says why run() returned EXIT_OTHER
 */
struct backend {
	const char *name;
	void (*create)(struct machine *m, void *mem, size_t size);
	void (*vcpu)(struct machine *m, int i);
	void (*start)(struct machine *m, int i, uint32_t eip, uint32_t esp, uint32_t esi);
	enum bench_exit (*run)(struct machine *m, int i, uint16_t *port, void **data);
	void (*ioeventfd)(struct machine *m, int fd);
	void (*irqfd)(struct machine *m, int fd);
	void (*destroy)(struct machine *m);
	void (*explain)(struct machine *m, int i);
};

extern const struct backend hvmon_backend, kvm_backend;

/* guest.S: its bounds and its entries */
extern const uint8_t guest_start[], guest_end[];
extern const uint8_t guest_nothing[], guest_cpuid[], guest_rdmsr[], guest_wrmsr[];
extern const uint8_t guest_vmcall[], guest_vmmcall[];
extern const uint8_t guest_pit_read[], guest_pit_write[], guest_ioapic_read[];
extern const uint8_t guest_ioapic_write[], guest_lapic_read[], guest_lapic_write[];
extern const uint8_t guest_out[], guest_in[], guest_mmio_read[], guest_mmio_write[];
extern const uint8_t guest_touch[], guest_touch_all[], guest_doorbell[], guest_ipi[];
extern const uint8_t guest_halt_timer[], guest_deadline[], guest_spin[], guest_halt[];
extern const uint8_t guest_on_timer[], guest_on_ipi[], guest_on_irqfd[];

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
/* @what failed, with errno, if @result is negative; else gives it back */
int must(int result, const char *what);
#endif
#endif
