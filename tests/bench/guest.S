/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bench guest: flat 32-bit protected mode, paging off. An entry per
 * operation: it repeats the operation OPS times, writes the TSC's difference
 * to port PORT_RESULT and starts again. ESI counts, EBP keeps the start.
 */
#include "bench.h"

	/* For the strings below, which the preprocessor leaves alone */
	.set	port_device, PORT_DEVICE
	.set	touch_gpa, TOUCH_GPA

	.section .rodata
	.code32
	.balign	16
	.globl	guest_start, guest_end
guest_start:

	/* \setup runs before the clock, \body is what is measured */
	.macro	op name, setup, body
	.globl	guest_\name
guest_\name:
	mov	$OPS, %esi
	mov	$DEVICE_GPA, %edi
	\setup
	rdtsc
	mov	%eax, %ebp
1:
	\body
	dec	%esi
	jnz	1b
	rdtsc
	sub	%ebp, %eax
	out	%eax, $PORT_RESULT
	jmp	guest_\name
	.endm

	op	nothing, "nop", "nop"
	op	cpuid, "nop", "cpuid"
	op	rdmsr, "mov $0x1b, %ecx", "rdmsr"
	op	out, "nop", "out %al, $port_device"
	op	in, "nop", "in $port_device, %al"
	op	mmio_read, "nop", "mov (%edi), %eax"
	op	mmio_write, "nop", "mov %eax, (%edi)"
	op	touch, "mov $touch_gpa, %edi", "movb $1, (%edi); add $4096, %edi"
guest_end:
	.section .note.GNU-stack, "", @progbits
