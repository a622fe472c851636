// SPDX-License-Identifier: GPL-2.0
/* Multiboot 0.6.96 kernels, ELF or by the addresses in their header */
#include <string.h>

#include "boot.h"

#define HEADER_SEARCH	8192
#define HEADER_MAGIC	0x1badb002
#define LOADER_MAGIC	0x2badb002

/* Header flags: bits 0-15 must be understood, or the kernel refused */
#define WANT_ALIGN	(1u << 0)
#define WANT_MEMORY	(1u << 1)
#define WANT_VIDEO	(1u << 2)
#define MUST_KNOW	0xffffu
#define HAS_ADDRESSES	(1u << 16)

#define INFO_MEMORY	(1u << 0)
#define INFO_CMDLINE	(1u << 2)
#define INFO_MODULES	(1u << 3)
#define INFO_MAP	(1u << 6)
#define INFO_LOADER	(1u << 9)

#define CMDLINE_MAX	4095

struct mb_header {
	uint32_t magic, flags, checksum;
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

struct mb_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives_length, drives_addr;
	uint32_t config_table, boot_loader_name, apm_table;
};

struct mb_module {
	uint32_t start, end, cmdline, reserved;
};

struct mb_mmap {
	uint32_t size;		/* of the rest */
	uint64_t addr, len;
	uint32_t type;
} __attribute__((packed));

/* The header's offset in the file, or -1 */
static long find_header(struct boot *b, struct mb_header *h)
{
	/* What the file does not have of the header is zero */
	uint8_t start[HEADER_SEARCH + sizeof(*h)] = { 0 };
	size_t len = b->image_size < sizeof(start) ? b->image_size : sizeof(start);
	size_t end = len < HEADER_SEARCH ? len : HEADER_SEARCH;

	if (!boot_read(b, 0, start, len))
		return -1;
	for (size_t at = 0; at + 12 <= end; at += 4) {
		memcpy(h, start + at, sizeof(*h));
		if (h->magic == HEADER_MAGIC && !(h->magic + h->flags + h->checksum))
			return at;
	}
	return -1;
}

bool multiboot_probe(struct boot *b)
{
	struct mb_header h;

	return find_header(b, &h) >= 0;
}

/* By the addresses in the header: one run of bytes, then zeroes */
static int load_by_addresses(struct boot *b, const struct mb_header *h, long at)
{
	uint64_t offset, file_len, mem_len;

	if (h->load_addr > h->header_addr || h->header_addr - h->load_addr > (uint32_t)at)
		return boot_err(b, "%s: a damaged multiboot header: it would be loaded "
				"before the file's start",
				b->kernel);
	offset = at - (h->header_addr - h->load_addr);
	file_len = b->image_size - offset;
	if (h->load_end_addr) {
		if (h->load_end_addr < h->load_addr ||
		    h->load_end_addr - h->load_addr > file_len)
			return boot_err(b, "%s: a truncated multiboot kernel: its header "
					"asks for 0x%x-0x%x, the file has %llu bytes of it",
					b->kernel, h->load_addr, h->load_end_addr,
					(unsigned long long)file_len);
		file_len = h->load_end_addr - h->load_addr;
	}
	mem_len = file_len;
	if (h->bss_end_addr) {
		if (h->bss_end_addr < h->load_addr + file_len)
			return boot_err(b, "%s: a damaged multiboot header: the BSS ends "
					"before the data",
					b->kernel);
		mem_len = h->bss_end_addr - h->load_addr;
	}
	return boot_place(b, "the kernel", h->load_addr, offset, file_len, mem_len);
}

static uint32_t put_map(const struct boot *b, uint64_t gpa)
{
	struct mb_mmap *to = mem_at(b->mem, gpa, MEM_MAX_RANGES * sizeof(*to));
	struct mem_range map[MEM_MAX_RANGES];
	int n = mem_map(b->mem, map);

	for (int i = 0; i < n; i++)
		to[i] = (struct mb_mmap){
			.size = sizeof(*to) - sizeof(to->size),
			.addr = map[i].start,
			.len = map[i].len,
			.type = map[i].type,
		};
	return n * sizeof(*to);
}

void multiboot_info(struct boot *b)
{
	struct mb_info *info = mem_at(b->mem, BOOT_INFO, sizeof(*info));
	struct mb_module *module = mem_at(b->mem, BOOT_MAP, sizeof(*module));
	static const char loader[] = "hvmon-run";
	uint64_t name = BOOT_INFO + sizeof(*info);

	*module = (struct mb_module){
		.start = b->initrd_addr,
		.end = b->initrd_addr + b->initrd_size,
		.cmdline = BOOT_CMDLINE,
	};
	memcpy(mem_at(b->mem, name, sizeof(loader)), loader, sizeof(loader));
	*info = (struct mb_info){
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MAP | INFO_LOADER,
		.mem_lower = 639,
		.mem_upper = (b->mem->low - HIGH_START) / KiB,
		.cmdline = BOOT_CMDLINE,
		.mods_count = b->initrd_size ? 1 : 0,
		.mods_addr = BOOT_MAP,
		.mmap_addr = BOOT_MAP + sizeof(*module),
		.boot_loader_name = name,
	};
	info->mmap_length = put_map(b, info->mmap_addr);
	b->entry.rax = LOADER_MAGIC;
	b->entry.rbx = BOOT_INFO;
}

int multiboot_load(struct boot *b)
{
	struct mb_header h;
	long at = find_header(b, &h);
	uint64_t entry;
	int ret;

	if (at < 0)
		return boot_changed(b);
	if (h.flags & MUST_KNOW & ~(WANT_ALIGN | WANT_MEMORY | WANT_VIDEO))
		return boot_err(b, "%s: its multiboot header demands features 0x%x that "
				"hvmon-run lacks",
				b->kernel, h.flags & MUST_KNOW);
	if (h.flags & HAS_ADDRESSES) {
		entry = h.entry_addr;
		ret = load_by_addresses(b, &h, at);
	} else {
		ret = elf_load(b, &entry);
	}
	if (ret)
		return -1;
	if (entry >= ABOVE_4G || !mem_at(b->mem, entry, 1))
		return boot_err(b, "%s: its entry 0x%llx lies outside of guest memory", b->kernel,
				(unsigned long long)entry);
	if (boot_place_cmdline(b, CMDLINE_MAX) || boot_place_initrd(b, PCI_HOLE))
		return -1;
	multiboot_info(b);
	b->entry.mode = BOOT_PROTECTED;
	b->entry.rip = entry;
	b->entry.cs = 0x08;
	b->entry.ds = 0x18;
	return 0;
}
