/* SPDX-License-Identifier: GPL-2.0 */
/* Entry of the test guest, and of its other processors. */

#define MULTIBOOT_MAGIC	0x1badb002
#define NOTE_PHYS32	18

	.section .start, "ax"
	.globl	start
start:
#ifdef __x86_64__
	mov	$stack_top, %rsp
	cld
	mov	%eax, %edi
	mov	%ebx, %esi
#else
	mov	$stack_top, %esp
	cld
	push	%ebx
	push	%eax
#endif
	/* A raw image has no .bss that somebody else cleared. */
	mov	$bss_start, %ebx
1:	movl	$0, (%ebx)
	add	$4, %ebx
	cmp	$end, %ebx
	jb	1b
	call	guest
2:	cli
	hlt
	jmp	2b

#ifdef MULTIBOOT
	.align	4
	.long	MULTIBOOT_MAGIC
	.long	0x3
	.long	-(MULTIBOOT_MAGIC + 0x3)
#endif

#ifdef PVH
	.section .note, "a", @note
	.align	4
	.long	4
	.long	4
	.long	NOTE_PHYS32
	.asciz	"Xen"
	.long	start
#endif

/*
 * What a processor executes after SIPI, once it has been copied below 1 MiB:
 * counts itself at the word that follows, and sleeps.
 */
	.text
	.globl	ap_start, ap_end
	.code16
ap_start:
	lock incw %cs:(ap_count - ap_start)
3:	cli
	hlt
	jmp	3b
	.align	2
ap_count:
	.word	0
ap_end:

	.data
	.align	16
	.space	16384
stack_top:
