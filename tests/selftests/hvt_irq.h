/* SPDX-License-Identifier: GPL-2.0 */
/* Fragments of 64-bit guests that use interrupt controllers. */
#ifndef HVT_IRQ_H
#define HVT_IRQ_H

#include "hvt.h"

#define HVT_HANDLER	0x11000UL

/*
 * RBP: the xAPIC page, for all that follows; software-enables the LAPIC. The
 * PICs, which nobody programs and which see the same lines, are masked.
 */
#define G_LAPIC_ON							\
	"mov $0xff, %al\n out %al, $0x21\n out %al, $0xa1\n"		\
	"mov $0xfee00000, %ebp\n"					\
	"movl $0x1ff, 0xf0(%rbp)\n"
/* The LAPIC as a virtual wire, the PICs with all pins open: vectors 0x20 and 0x28 */
#define G_PICS_ON							\
	"mov $0xfee00000, %ebp\n"					\
	"movl $0x1ff, 0xf0(%rbp)\n"					\
	"movl $0x700, 0x350(%rbp)\n"	/* LINT0: ExtINT */		\
	"mov $0x11, %al\n out %al, $0x20\n out %al, $0xa0\n"		\
	"mov $0x20, %al\n out %al, $0x21\n"				\
	"mov $0x28, %al\n out %al, $0xa1\n"				\
	"mov $4, %al\n out %al, $0x21\n"				\
	"mov $2, %al\n out %al, $0xa1\n"				\
	"mov $1, %al\n out %al, $0x21\n out %al, $0xa1\n"		\
	"mov $0, %al\n out %al, $0x21\n out %al, $0xa1\n"
#define G_EOI		"movl $0, 0xb0(%rbp)\n"
/* Waits for interrupts, for good */
#define G_IDLE		"sti\n 1: hlt\n jmp 1b\n"
/* IOAPIC pin @pin: low word @low (vector, trigger, mask), to APIC ID 0 */
#define G_IOAPIC(pin, low)						\
	"mov $0xfec00000, %edi\n"					\
	"movl $(0x11 + 2 * " #pin "), (%rdi)\n movl $0, 0x10(%rdi)\n"	\
	"movl $(0x10 + 2 * " #pin "), (%rdi)\n movl $" #low ", 0x10(%rdi)\n"

/* A handler that counts at HVT_DATA, reports the count, and ends */
#define HVT_COUNTING_HANDLER(name)					\
	GUEST64(name,							\
		"push %rax\n"						\
		"incl 0x100000\n"					\
		"mov 0x100000, %eax\n"					\
		G_REPORT						\
		G_EOI							\
		"pop %rax\n"						\
		"iretq\n")

#define HVT_SET_HANDLER(vm, vector, name)	hvt_set_handler(vm, vector, name, name##_end)

static inline void hvt_set_handler(struct hvt_vm *vm, int vector, const u8 *code, const u8 *end)
{
	hvt_load(vm, HVT_HANDLER, code, end);
	hvt_gate64(vm, vector, HVT_HANDLER);
}

static inline u32 hvt_msi(struct hvt_vm *vm, u64 addr, u32 data)
{
	HVT_DEFINE_ARG(hvmon_msi, arg, .addr = addr, .data = data);

	SYS(ioctl(vm->fd, HVMON_MSI, &arg));
	return arg.delivered;
}

/* vCPU @v in 64-bit mode, running, although it is no bootstrap processor */
static inline void hvt_start_ap(struct hvt_vcpu *v)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_MP);
	hvt_state64(&st);
	st.regs.gpr[HVMON_RSP] = HVT_STACK - 0x4000 * v->id;
	st.mp = (struct hvmon_mp){ .state = HVMON_MP_RUNNABLE };
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_MP);
}

#endif /* HVT_IRQ_H */
