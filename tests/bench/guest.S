/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bench guest: flat 32-bit protected mode, paging off. An entry per
 * operation: it repeats the operation, writes the TSC's difference to port
 * PORT_RESULT and starts again. ESI counts; EBP keeps the TSC, EBX the
 * instructions spent waiting, of both from before the first operation.
 */
#include "bench.h"
#include "mark.h"

#define LAPIC		0xfee00000
#define LAPIC_TPR	(LAPIC + 0x80)
#define LAPIC_EOI	(LAPIC + 0xb0)
#define LAPIC_SVR	(LAPIC + 0xf0)
#define LAPIC_ICR	(LAPIC + 0x300)
#define LAPIC_ICR_HIGH	(LAPIC + 0x310)
#define LAPIC_LVT_TIMER	(LAPIC + 0x320)
#define LAPIC_COUNT	(LAPIC + 0x380)
#define LAPIC_DIVIDE	(LAPIC + 0x3e0)
#define IOAPIC		0xfec00000

#define MSR_APIC_BASE	0x1b
#define MSR_MISC_ENABLE	0x1a0
#define MSR_TSC_DEADLINE 0x6e0

#define TIMER_NS	1000000		/* longer than KVM polls before it sleeps */
#define DEADLINE_CYCLES	100000
#define SETTLE		300000		/* rounds until the other vCPU sleeps */

	/* For the strings below, which the preprocessor leaves alone */
	.set	port_device, PORT_DEVICE
	.set	touch_gpa, TOUCH_GPA
	.set	msr_apic_base, MSR_APIC_BASE
	.set	msr_misc_enable, MSR_MISC_ENABLE
	.set	lapic, LAPIC
	.set	ioapic, IOAPIC

	.section .rodata
	.code32
	.balign	16
	.globl	guest_start, guest_end
guest_start:

	.macro	entry name
	.globl	guest_\name
guest_\name:
	.endm

	.macro	spun reg
	mov	WORD_SPIN(SPIN_VCPU0), \reg
	add	WORD_SPIN(SPIN_VCPU1), \reg
	add	WORD_SPIN(SPIN_CPU0), \reg
	add	WORD_SPIN(SPIN_CPU1), \reg
	.endm

	.macro	begin
	spun	%ebx
	rdtsc
	mov	%eax, %ebp
	.endm

	.macro	finish
	rdtsc
	sub	%ebp, %eax
	spun	%ecx
	sub	%ebx, %ecx
	mov	%ecx, WORD_SPUN
	out	%eax, $PORT_RESULT
	.endm

	/* Until what is waited for has happened: 4 instructions a round */
	.macro	await
9:	nopl	WAIT_DISP(3)(%eax)
	addl	$4, WORD_SPIN(SPIN_VCPU0)
	cmpl	$0, WORD_FLAG
	je	9b
	.endm

	/* \setup runs before the clock, \body is what is measured */
	.macro	op name, setup, body
	entry	\name
	mov	WORD_ROUNDS, %esi
	mov	$DEVICE_GPA, %edi
	\setup
	begin
1:
	\body
	dec	%esi
	jnz	1b
	finish
	jmp	guest_\name
	.endm

	op	nothing, "nop", "nop"
	/* CPUID writes EBX */
	entry	cpuid
	mov	WORD_ROUNDS, %esi
	begin
	mov	%ebx, %edi
1:	cpuid
	dec	%esi
	jnz	1b
	mov	%edi, %ebx
	finish
	jmp	guest_cpuid
	op	rdmsr, "mov $msr_apic_base, %ecx", "rdmsr"
	/* RDTSC writes EAX and EDX: the value is the MSR's own high half, 0, and low */
	entry	wrmsr
	mov	WORD_ROUNDS, %esi
	mov	$MSR_MISC_ENABLE, %ecx
	begin
	rdmsr
1:	wrmsr
	dec	%esi
	jnz	1b
	finish
	jmp	guest_wrmsr
	/* A number that neither hypervisor knows */
	op	vmcall, "nop", "mov $0xff, %eax; vmcall"
	op	vmmcall, "nop", "mov $0xff, %eax; vmmcall"
	op	pit_read, "nop", "in $0x40, %al"
	/* Port 0x61, without the gate of the speaker's channel */
	op	pit_write, "nop", "xor %eax, %eax; out %al, $0x61"
	op	ioapic_read, "mov $ioapic, %edi; movl $0, (%edi)", "mov 0x10(%edi), %eax"
	op	ioapic_write, "mov $ioapic, %edi", "mov %eax, (%edi)"
	op	lapic_read, "mov $lapic, %edi", "mov 0x80(%edi), %eax"
	op	lapic_write, "mov $lapic, %edi", "movl $0, 0x80(%edi)"
	op	out, "nop", "out %al, $port_device"
	op	in, "nop", "in $port_device, %al"
	op	mmio_read, "nop", "mov (%edi), %eax"
	op	mmio_write, "nop", "mov %eax, (%edi)"
	op	touch, "mov $touch_gpa, %edi", "movb $1, (%edi); add $4096, %edi"
	/* All of a machine of IDLE_SIZE but the first MiB */
	op	touch_all, "mov $0x100000, %edi", "movb $1, (%edi); add $4096, %edi"

	/* A thread of the launcher answers, in memory or with an interrupt */
	entry	doorbell
	movl	$0x1ff, LAPIC_SVR
	sti
1:	mov	WORD_ROUNDS, %esi
	begin
2:	movl	$0, WORD_FLAG
	out	%eax, $PORT_DOORBELL
	await
	dec	%esi
	jnz	2b
	finish
	jmp	1b

	/* For insns.c, which counts where the TSC does not */
	.macro	mark
	nopl	MARK_DISP(%eax)
	.endm

	/* To vCPU 1, whose handler sets the flag */
	entry	ipi
	movl	$0x1ff, LAPIC_SVR
	movl	$1 << 24, LAPIC_ICR_HIGH
1:	mov	$SETTLE, %ecx
2:	dec	%ecx
	jnz	2b
	movl	$0, WORD_FLAG
	begin
	mark
	movl	$0x4000 | VECTOR_IPI, LAPIC_ICR
	await
	mark
	finish
	jmp	1b

	entry	halt_timer
	movl	$0x1ff, LAPIC_SVR
	movl	$0xb, LAPIC_DIVIDE
	movl	$VECTOR_TIMER, LAPIC_LVT_TIMER
1:	begin
	movl	$TIMER_NS, LAPIC_COUNT
	sti
	hlt
	cli
	finish
	jmp	1b

	entry	deadline
	movl	$0x1ff, LAPIC_SVR
	movl	$0x40000 | VECTOR_TIMER, LAPIC_LVT_TIMER
	sti
1:	movl	$0, WORD_FLAG
	begin
	xor	%edx, %edx
	mov	$MSR_TSC_DEADLINE, %ecx
	rdtsc
	add	$DEADLINE_CYCLES, %eax
	adc	$0, %edx
	wrmsr
	await
	finish
	jmp	1b

	/* vCPU 1: waits for interrupts, running or halted */
	entry	spin
	movl	$0x1ff, LAPIC_SVR
	movl	$1, WORD_READY
	sti
1:	nopl	WAIT_DISP(2)(%eax)
	addl	$3, WORD_SPIN(SPIN_VCPU1)
	jmp	1b

	entry	halt
	movl	$0x1ff, LAPIC_SVR
	movl	$1, WORD_READY
	sti
1:	hlt
	jmp	1b

	entry	on_timer
	entry	on_ipi
	entry	on_irqfd
	movl	$0, LAPIC_EOI
	movl	$1, WORD_FLAG
	iret
guest_end:
	.section .note.GNU-stack, "", @progbits
