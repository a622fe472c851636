// SPDX-License-Identifier: GPL-2.0
/*
 * Raw images: loaded at an address and entered there, in 16-bit real mode,
 * flat 32-bit protected mode or 64-bit mode with 4 GiB mapped one to one. In
 * the latter two EAX and EBX are as multiboot has them.
 */
#include "boot.h"

#define CMDLINE_MAX	4095

int flat_load(struct boot *b)
{
	uint64_t addr = b->flat_addr;

	if (addr >= ABOVE_4G)
		return boot_err(b, "--flat: 0x%llx: the entry must lie below 4 GiB",
				(unsigned long long)addr);
	if (b->flat_mode == 16 && addr >= HIGH_START)
		return boot_err(b, "--flat: 0x%llx: real mode reaches only the first MiB; "
				"use --flat-mode 32 or 64",
				(unsigned long long)addr);
	if (boot_place(b, "the image", addr, 0, b->image_size, b->image_size))
		return -1;
	if (boot_place_cmdline(b, CMDLINE_MAX) || boot_place_initrd(b, PCI_HOLE))
		return -1;
	multiboot_info(b);
	b->entry.rip = addr;
	b->entry.ds = 0x18;
	switch (b->flat_mode) {
	case 16:
		b->entry.mode = BOOT_REAL;
		b->entry.cs = addr >> 4;
		b->entry.ds = addr >> 4;
		b->entry.rip = addr & 15;
		break;
	case 32:
		b->entry.mode = BOOT_PROTECTED;
		b->entry.cs = 0x08;
		break;
	default:
		b->entry.mode = BOOT_LONG;
		b->entry.cs = 0x10;
	}
	return 0;
}
