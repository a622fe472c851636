// SPDX-License-Identifier: GPL-2.0
/*
 * ELF kernels with a PVH note: 32-bit protected mode, EBX has the address of
 * the start info (Xen's docs/misc/pvh.pandoc).
 */
#include <string.h>

#include "boot.h"

#define NOTE_PHYS32_ENTRY	18
#define START_MAGIC		0x336ec578
#define TYPE_RAM		1
#define TYPE_RESERVED		2
#define CMDLINE_MAX		4095

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};

struct start_module {
	uint64_t addr, size, cmdline, reserved;
};

struct start_memmap {
	uint64_t addr, size;
	uint32_t type, reserved;
};

_Static_assert(sizeof(struct start_info) == 56, "hvm_start_info version 1");
_Static_assert(sizeof(struct start_memmap) == 24, "hvm_memmap_table_entry");

static bool find_entry(struct boot *b, uint64_t *entry)
{
	return elf_note(b, "Xen", NOTE_PHYS32_ENTRY, entry);
}

bool pvh_probe(struct boot *b)
{
	uint64_t entry;

	return find_entry(b, &entry);
}

static void fill_start_info(const struct boot *b)
{
	struct start_info *info = mem_at(b->mem, BOOT_INFO, sizeof(*info));
	struct start_module *module = mem_at(b->mem, BOOT_MAP, sizeof(*module));
	struct start_memmap *to = mem_at(b->mem, BOOT_MAP + sizeof(*module),
					 MEM_MAX_RANGES * sizeof(*to));
	struct mem_range map[MEM_MAX_RANGES];
	int n = mem_map(b->mem, map);

	for (int i = 0; i < n; i++)
		to[i] = (struct start_memmap){
			.addr = map[i].start,
			.size = map[i].len,
			.type = map[i].type == E820_USABLE ? TYPE_RAM : TYPE_RESERVED,
		};
	*module = (struct start_module){ .addr = b->initrd_addr, .size = b->initrd_size };
	*info = (struct start_info){
		.magic = START_MAGIC,
		.version = 1,
		.nr_modules = b->initrd_size ? 1 : 0,
		.modules = BOOT_MAP,
		.cmdline = BOOT_CMDLINE,
		.rsdp = BIOS_RSDP,
		.memmap = BOOT_MAP + sizeof(*module),
		.memmap_entries = n,
	};
}

int pvh_load(struct boot *b)
{
	uint64_t entry, unused;

	if (!find_entry(b, &entry))
		return boot_changed(b);
	if (elf_load(b, &unused))
		return -1;
	if (entry >= ABOVE_4G || !mem_at(b->mem, entry, 1))
		return boot_err(b, "%s: its PVH entry 0x%llx lies outside of guest memory",
				b->kernel, (unsigned long long)entry);
	if (boot_place_cmdline(b, CMDLINE_MAX) || boot_place_initrd(b, PCI_HOLE))
		return -1;
	fill_start_info(b);
	b->entry = (struct boot_entry){
		.mode = BOOT_PROTECTED,
		.rip = entry,
		.rbx = BOOT_INFO,
		.cs = 0x08,
		.ds = 0x18,
	};
	return 0;
}
