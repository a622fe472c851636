// SPDX-License-Identifier: GPL-2.0
/*
 * Linux bzImage through its 64-bit entry, after Documentation/arch/x86/boot.rst
 * of the kernel: boot protocol 2.12 or later.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <asm/bootparam.h>

#include "boot.h"

#define SECTOR		512
#define MAGIC		0x53726448	/* "HdrS" */
#define BOOT_FLAG	0xaa55
#define MIN_PROTOCOL	0x020c
#define ENTRY_64	0x200		/* from the start of the 64-bit code */
#define LOADER_UNKNOWN	0xff
#define VIDEO_NORMAL	0xffff

#define HEADER_AT	offsetof(struct boot_params, hdr)

/* Selectors that the protocol demands */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

bool linux_probe(struct boot *b)
{
	uint32_t magic;

	return boot_read(b, HEADER_AT + offsetof(struct setup_header, header), &magic,
			 sizeof(magic)) &&
	       magic == MAGIC;
}

/* Copies the header, as far as it goes, after checks of every field used */
static int read_header(struct boot *b, struct setup_header *hdr, uint64_t *setup_size)
{
	uint8_t start[2 * SECTOR];
	size_t len;

	if (!boot_read(b, 0, start, sizeof(start)))
		return boot_err(b, "%s: a truncated bzImage: its header is cut off", b->kernel);
	/* The byte at 0x201 is the jump over the header: it ends there */
	len = 0x202 + start[0x201] - HEADER_AT;
	if (len > sizeof(*hdr))
		len = sizeof(*hdr);
	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, start + HEADER_AT, len);
	if (hdr->boot_flag != BOOT_FLAG)
		return boot_err(b, "%s: a damaged bzImage: its boot flag is 0x%04x", b->kernel,
				hdr->boot_flag);
	if (hdr->version < MIN_PROTOCOL)
		return boot_err(b, "%s: boot protocol %u.%02u; hvmon-run needs 2.12 (Linux 3.8)",
				b->kernel, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH) || !(hdr->xloadflags & XLF_KERNEL_64))
		return boot_err(b, "%s: a bzImage without 64-bit entry; hvmon-run boots "
				"64-bit kernels only",
				b->kernel);
	*setup_size = ((hdr->setup_sects ? hdr->setup_sects : 4) + 1) * SECTOR;
	if (*setup_size >= b->image_size)
		return boot_err(b, "%s: a truncated bzImage: %llu bytes of setup code in "
				"a file of %llu",
				b->kernel, (unsigned long long)*setup_size,
				(unsigned long long)b->image_size);
	/* syssize is in units of 16 bytes, rounded up; signatures may follow */
	if ((uint64_t)hdr->syssize * 16 > b->image_size - *setup_size + 15)
		return boot_err(b, "%s: a truncated bzImage: %llu bytes of code expected, "
				"%llu there",
				b->kernel, (unsigned long long)hdr->syssize * 16,
				(unsigned long long)(b->image_size - *setup_size));
	return 0;
}

static bool fits(const struct boot *b, uint64_t addr, uint64_t len)
{
	return addr >= HIGH_START && addr < b->mem->low && len <= b->mem->low - addr;
}

/* Where the kernel prefers to be, or the lowest place that it accepts */
static int choose_address(struct boot *b, const struct setup_header *hdr, uint64_t need,
			  uint64_t *addr)
{
	uint64_t align = hdr->kernel_alignment;

	*addr = hdr->pref_address;
	if (fits(b, *addr, need))
		return 0;
	if (hdr->relocatable_kernel && align && !(align & (align - 1)) && align < GiB) {
		*addr = (HIGH_START + align - 1) & ~(align - 1);
		if (fits(b, *addr, need))
			return 0;
	}
	return boot_err(b, "%s: the kernel needs %llu MiB at 0x%llx to unpack itself, the "
			"guest has %llu MiB; give more with --memory",
			b->kernel, need / MiB + 1, (unsigned long long)hdr->pref_address,
			b->mem->size / MiB);
}

static void fill_e820(const struct boot *b, struct boot_params *bp)
{
	struct mem_range map[MEM_MAX_RANGES];
	int n = mem_map(b->mem, map);

	for (int i = 0; i < n; i++) {
		bp->e820_table[i].addr = map[i].start;
		bp->e820_table[i].size = map[i].len;
		bp->e820_table[i].type = map[i].type;
	}
	bp->e820_entries = n;
}

static void fill_boot_params(const struct boot *b, const struct setup_header *hdr)
{
	struct boot_params *bp = mem_at(b->mem, BOOT_INFO, sizeof(*bp));

	memset(bp, 0, sizeof(*bp));
	bp->hdr = *hdr;
	bp->hdr.type_of_loader = LOADER_UNKNOWN;
	bp->hdr.vid_mode = VIDEO_NORMAL;
	bp->hdr.cmd_line_ptr = BOOT_CMDLINE;
	bp->hdr.ramdisk_image = (uint32_t)b->initrd_addr;
	bp->hdr.ramdisk_size = (uint32_t)b->initrd_size;
	bp->ext_ramdisk_image = b->initrd_addr >> 32;
	bp->ext_ramdisk_size = b->initrd_size >> 32;
	bp->acpi_rsdp_addr = BIOS_RSDP;
	bp->alt_mem_k = (b->mem->low - HIGH_START) / KiB;
	fill_e820(b, bp);
}

int linux_load(struct boot *b)
{
	struct setup_header hdr;
	uint64_t setup = 0, addr = 0, code, need;

	if (read_header(b, &hdr, &setup))
		return -1;
	code = b->image_size - setup;
	need = hdr.init_size > code ? hdr.init_size : code;
	if (choose_address(b, &hdr, need, &addr))
		return -1;
	if (boot_place(b, "the kernel", addr, setup, code, code))
		return -1;
	b->kernel_end = addr + need;
	/* Some kernels say 0, which old protocols read as 255 */
	if (boot_place_cmdline(b, hdr.cmdline_size ? hdr.cmdline_size : 255))
		return -1;
	if (boot_place_initrd(b, (uint64_t)hdr.initrd_addr_max + 1))
		return -1;
	fill_boot_params(b, &hdr);
	b->entry = (struct boot_entry){
		.mode = BOOT_LONG,
		.rip = addr + ENTRY_64,
		.rsi = BOOT_INFO,
		.cs = BOOT_CS,
		.ds = BOOT_DS,
	};
	return 0;
}
