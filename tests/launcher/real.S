/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode: says where it runs, awaits the PIC's line 11 at vector 0x73, leaves
 * through the test device with 4.
 */
	.code16
	.text
	call	1f
1:	pop	%si
	add	$(text - 1b), %si
	mov	$0x3f8, %dx
	cld
2:	lodsb
	test	%al, %al
	jz	3f
	out	%al, %dx
	jmp	2b
3:	sub	$(end - handler), %si
	xor	%ax, %ax
	mov	%ax, %es
	mov	%si, %es:(0x73 * 4)
	mov	%cs, %es:(0x73 * 4 + 2)
	mov	$0x200b, %dx
	mov	$1, %al
	out	%al, %dx
	mov	$0, %al
	out	%al, %dx
	sti
	hlt
4:	jmp	4b
handler:
	mov	$0xf4, %dx
	mov	$4, %al
	out	%al, %dx
	hlt
text:
	.asciz	"real mode\n"
end:
