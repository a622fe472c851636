/* SPDX-License-Identifier: GPL-2.0 */
/* Real mode: says where it runs, leaves through the test device with 4. */
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
3:	mov	$0xf4, %dx
	mov	$4, %al
	out	%al, %dx
	hlt
text:
	.asciz	"real mode\n"
