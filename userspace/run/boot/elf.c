// SPDX-License-Identifier: GPL-2.0
/* ELF files: segments to memory, notes */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

#define MAX_SEGMENTS	64

/* The two classes in one form */
struct header {
	uint64_t entry, phoff;
	uint32_t phnum, phentsize;
	bool is64;
};

struct segment {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz, align;
};

bool elf_probe(struct boot *b)
{
	char magic[SELFMAG];

	return boot_read(b, 0, magic, SELFMAG) && !memcmp(magic, ELFMAG, SELFMAG);
}

static bool read_header(struct boot *b, struct header *h)
{
	unsigned char ident[EI_NIDENT];

	if (!boot_read(b, 0, ident, sizeof(ident)) || memcmp(ident, ELFMAG, SELFMAG) ||
	    ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (ident[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr e;

		if (!boot_read(b, 0, &e, sizeof(e)))
			return false;
		*h = (struct header){ e.e_entry, e.e_phoff, e.e_phnum, e.e_phentsize, true };
		return e.e_machine == EM_X86_64 && h->phentsize >= sizeof(Elf64_Phdr);
	}
	if (ident[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr e;

		if (!boot_read(b, 0, &e, sizeof(e)))
			return false;
		*h = (struct header){ e.e_entry, e.e_phoff, e.e_phnum, e.e_phentsize, false };
		return e.e_machine == EM_386 && h->phentsize >= sizeof(Elf32_Phdr);
	}
	return false;
}

/* Program header @i; false if it lies outside of the file */
static bool read_segment(struct boot *b, const struct header *h, uint32_t i, struct segment *s)
{
	uint64_t at = h->phoff + (uint64_t)i * h->phentsize;

	if (h->phoff > b->image_size)
		return false;
	if (h->is64) {
		Elf64_Phdr p;

		if (!boot_read(b, at, &p, sizeof(p)))
			return false;
		*s = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz,
				       p.p_memsz, p.p_align };
	} else {
		Elf32_Phdr p;

		if (!boot_read(b, at, &p, sizeof(p)))
			return false;
		*s = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz,
				       p.p_memsz, p.p_align };
	}
	return true;
}

static int load_segment(struct boot *b, const struct segment *s)
{
	if (!boot_has(b, s->offset, s->filesz))
		return boot_err(b, "%s: a truncated ELF file: a segment of %llu bytes at "
				"offset %llu, the file has %llu",
				b->kernel, (unsigned long long)s->filesz,
				(unsigned long long)s->offset,
				(unsigned long long)b->image_size);
	if (s->memsz < s->filesz)
		return boot_err(b, "%s: a damaged ELF file: a segment is longer in the "
				"file than in memory",
				b->kernel);
	return boot_place(b, "a segment", s->paddr, s->offset, s->filesz, s->memsz);
}

int elf_load(struct boot *b, uint64_t *entry)
{
	struct header h;
	struct segment s;
	int loaded = 0;

	if (!read_header(b, &h))
		return boot_err(b, "%s: a damaged ELF file, or not one for x86", b->kernel);
	if (h.phnum > MAX_SEGMENTS)
		return boot_err(b, "%s: an ELF file with %u program headers", b->kernel, h.phnum);
	for (uint32_t i = 0; i < h.phnum; i++) {
		if (!read_segment(b, &h, i, &s))
			return boot_err(b, "%s: a truncated ELF file: program headers are "
					"cut off",
					b->kernel);
		if (s.type != PT_LOAD || !s.memsz)
			continue;
		if (load_segment(b, &s))
			return -1;
		loaded++;
	}
	if (!loaded)
		return boot_err(b, "%s: an ELF file with nothing to load", b->kernel);
	*entry = h.entry;
	return 0;
}

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* In one PT_NOTE segment */
static bool find_in(const uint8_t *p, uint64_t size, uint64_t align, const char *name,
		    uint32_t type, uint64_t *value)
{
	uint64_t at = 0;
	Elf64_Nhdr n;		/* the same in both classes */

	while (size - at >= sizeof(n)) {
		uint64_t desc, next;

		memcpy(&n, p + at, sizeof(n));
		at += sizeof(n);
		desc = at + align_up(n.n_namesz, align);
		next = desc + align_up(n.n_descsz, align);
		if (desc + n.n_descsz > size)
			return false;
		if (n.n_type == type && n.n_namesz == strlen(name) + 1 &&
		    !memcmp(p + at, name, n.n_namesz)) {
			if (n.n_descsz != 4 && n.n_descsz != 8)
				return false;
			*value = 0;
			memcpy(value, p + desc, n.n_descsz);
			return true;
		}
		if (next > size)
			return false;
		at = next;
	}
	return false;
}

static bool find_in_segment(struct boot *b, const struct segment *s, const char *name,
			    uint32_t type, uint64_t *value)
{
	uint8_t *notes;
	bool found;

	if (!boot_has(b, s->offset, s->filesz))
		return false;
	notes = malloc(s->filesz);
	if (!notes) {
		boot_err(b, "%s: no memory to read it", b->kernel);
		return false;
	}
	/* Linkers have written 8 where notes are aligned to 4 */
	found = boot_read(b, s->offset, notes, s->filesz) &&
		((s->align == 8 && find_in(notes, s->filesz, 8, name, type, value)) ||
		 find_in(notes, s->filesz, 4, name, type, value));
	free(notes);
	return found;
}

bool elf_note(struct boot *b, const char *name, uint32_t type, uint64_t *value)
{
	struct header h;
	struct segment s;

	if (!read_header(b, &h))
		return false;
	for (uint32_t i = 0; i < h.phnum && i < MAX_SEGMENTS; i++) {
		if (!read_segment(b, &h, i, &s))
			return false;
		if (s.type == PT_NOTE && find_in_segment(b, &s, name, type, value))
			return true;
	}
	return false;
}
