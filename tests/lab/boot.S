/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Boot sector of a host in Bochs: loads what tests/lab/bochs.py lists and enters
 * the unpacked kernel as a 64-bit boot loader does
 * (Documentation/arch/x86/boot.rst in Linux).
 *
 * The firmware and a boot loader on an emulated disk take a minute for what
 * takes this a second, and the kernel's own unpacking takes 20 s.
 *
 * From sector 1 on the disk holds what belongs at PARAMS: struct boot_params,
 * the command line, and a table of extents of 16 bytes: first sector, number of
 * sectors, address, drive select (0xe0 master, 0xf0 slave of the first channel).
 * The row that ends it has no sectors and the kernel's entry for an address.
 */
#define PARAMS		0x10000
#define PARAMS_SECTORS	24
#define TABLE		0x12000
#define PML4		0x13000
#define PDPT		0x14000
#define PD		0x15000

#define E820_COUNT	0x1e8
#define E820_TABLE	0x2d0

#define ATA		0x1f0
#define ATA_CONTROL	0x3f6

	.code16
	.globl	_start
_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp

	movw	$packet, %si
	movw	$0x4280, %ax
	movb	%al, %dl
	int	$0x13
	jc	stop

	pushw	$PARAMS >> 4
	popw	%es
	movw	$E820_TABLE, %di
	xorl	%ebx, %ebx
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx	/* "SMAP" */
	movl	$20, %ecx
	int	$0x15
	jc	2f
	incb	%es:E820_COUNT
	addw	%cx, %di
	testl	%ebx, %ebx
	jnz	1b
2:
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92
	lgdt	gdtr
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmp	$0x08, $protected

stop:	hlt
	jmp	stop

	.code32
protected:
	movw	$0x18, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$ATA_CONTROL, %dx
	movb	$2, %al			/* no interrupts */
	outb	%al, %dx
	movl	$TABLE, %ebp
extent:
	movl	(%ebp), %ebx
	movl	4(%ebp), %esi
	movl	8(%ebp), %edi
	testl	%esi, %esi
	jz	loaded
command:
	movl	$256, %ecx
	cmpl	%ecx, %esi
	cmovb	%esi, %ecx
	movw	$ATA + 2, %dx
	movb	%cl, %al
	outb	%al, %dx
	movl	%ebx, %eax
1:	incl	%edx
	cmpb	$(ATA + 6) & 0xff, %dl
	je	2f
	outb	%al, %dx
	shrl	$8, %eax
	jmp	1b
2:	orb	12(%ebp), %al
	outb	%al, %dx
	incl	%edx
	movb	$0x20, %al		/* READ SECTORS */
	outb	%al, %dx
	addl	%ecx, %ebx
	subl	%ecx, %esi
sector:
	movw	$ATA + 7, %dx
1:	inb	%dx, %al
	testb	$0x80, %al		/* BSY */
	jnz	1b
	testb	$0x21, %al		/* DF, ERR */
	jnz	stop
	testb	$0x08, %al		/* DRQ */
	jz	1b
	movl	%ecx, %eax
	movl	$256, %ecx
	movw	$ATA, %dx
	rep insw
	movl	%eax, %ecx
	loop	sector
	testl	%esi, %esi
	jnz	command
	addl	$16, %ebp
	jmp	extent

loaded:
	movl	%edi, %ebp
	/* The first GiB, as it is, in pages of 2 MiB. */
	movl	$PML4, %edi
	movl	%edi, %cr3
	xorl	%eax, %eax
	movl	$3 * 1024, %ecx
	rep stosl
	movl	$PDPT + 3, PML4
	movl	$PD + 3, PDPT
	movl	$0x83, %eax
	movl	$PD, %edi
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	cmpl	$0x40000000, %eax
	jb	1b
	movl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orb	$1, %ah			/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ljmp	$0x10, $long_mode

	.code64
long_mode:
	movl	$PARAMS, %esi
	jmp	*%rbp

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdtr:	.word	gdtr - gdt - 1
	.long	gdt
packet:	.byte	16, 0
	.word	PARAMS_SECTORS, 0, PARAMS >> 4
	.quad	1

	.org	510
	.word	0xaa55
