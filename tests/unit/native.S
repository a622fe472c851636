/* SPDX-License-Identifier: GPL-2.0 */
/* See native.h; offsets are those of struct machine */

	.macro	gprs op
	.set	n, 0
	.irp	r, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	\op	\r, n
	.set	n, n + 8
	.endr
	.endm

	.macro	load r, n
	mov	native + \n(%rip), %\r
	.endm

	.macro	store r, n
	mov	%\r, native + \n(%rip)
	.endm

	.macro	vectors op
	cmpb	$0, have_avx(%rip)
	je	.Lnone\@
	.irp	v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op	\v
	.endr
.Lnone\@:
	.endm

	.macro	vload v
	vmovdqu	native + 136 + 32 * \v(%rip), %ymm\v
	.endm

	.macro	vstore v
	vmovdqu	%ymm\v, native + 136 + 32 * \v(%rip)
	.endm

	/* The store leaves the x87 empty, as C code expects it */
	.macro	mmx_load
	.irp	m, 0, 1, 2, 3, 4, 5, 6, 7
	movq	native + 648 + 8 * \m(%rip), %mm\m
	.endr
	.endm

	.macro	mmx_store
	.irp	m, 0, 1, 2, 3, 4, 5, 6, 7
	movq	%mm\m, native + 648 + 8 * \m(%rip)
	.endr
	emms
	.endm

	.text
	.globl	native_run, native_end
native_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	vectors	vload
	mmx_load
	mov	%rsp, host_rsp(%rip)
	push	native + 128(%rip)
	popf
	gprs	load
	jmp	*native_target(%rip)
native_end:
	gprs	store
	mov	host_rsp(%rip), %rsp
	pushf
	pop	native + 128(%rip)
	cld
	vectors	vstore
	mmx_store
	cmpb	$0, have_avx(%rip)
	je	1f
	vzeroupper
1:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.bss
	.balign	8
host_rsp:
	.skip	8

	.section .note.GNU-stack, "", @progbits
