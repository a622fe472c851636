// SPDX-License-Identifier: GPL-2.0
/* ELF files: segments to memory, notes */
#include <elf.h>
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

bool elf_probe(const struct boot *b)
{
	return b->image_size >= SELFMAG && !memcmp(b->image, ELFMAG, SELFMAG);
}

static bool read_header(const struct boot *b, struct header *h)
{
	const unsigned char *ident = b->image;

	if (!elf_probe(b) || b->image_size < sizeof(Elf32_Ehdr) ||
	    ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (ident[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr e;

		if (b->image_size < sizeof(e))
			return false;
		memcpy(&e, b->image, sizeof(e));
		*h = (struct header){ e.e_entry, e.e_phoff, e.e_phnum, e.e_phentsize, true };
		return e.e_machine == EM_X86_64 && h->phentsize >= sizeof(Elf64_Phdr);
	}
	if (ident[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr e;

		memcpy(&e, b->image, sizeof(e));
		*h = (struct header){ e.e_entry, e.e_phoff, e.e_phnum, e.e_phentsize, false };
		return e.e_machine == EM_386 && h->phentsize >= sizeof(Elf32_Phdr);
	}
	return false;
}

/* Program header @i; false if it lies outside of the file */
static bool read_segment(const struct boot *b, const struct header *h, uint32_t i,
			 struct segment *s)
{
	uint64_t at = h->phoff + (uint64_t)i * h->phentsize;

	if (h->phoff > b->image_size || at > b->image_size ||
	    h->phentsize > b->image_size - at)
		return false;
	if (h->is64) {
		Elf64_Phdr p;

		memcpy(&p, b->image + at, sizeof(p));
		*s = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz,
				       p.p_memsz, p.p_align };
	} else {
		Elf32_Phdr p;

		memcpy(&p, b->image + at, sizeof(p));
		*s = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz,
				       p.p_memsz, p.p_align };
	}
	return true;
}

static bool inside_file(const struct boot *b, const struct segment *s)
{
	return s->offset <= b->image_size && s->filesz <= b->image_size - s->offset;
}

static int load_segment(struct boot *b, const struct segment *s)
{
	if (!inside_file(b, s))
		return boot_err(b, "%s: a truncated ELF file: a segment of %llu bytes at "
				"offset %llu, the file has %zu",
				b->kernel, (unsigned long long)s->filesz,
				(unsigned long long)s->offset, b->image_size);
	if (s->memsz < s->filesz)
		return boot_err(b, "%s: a damaged ELF file: a segment is longer in the "
				"file than in memory",
				b->kernel);
	return boot_place(b, "a segment", s->paddr, b->image + s->offset, s->filesz, s->memsz);
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

/* In one PT_NOTE segment, which has been checked to lie in the file */
static const uint8_t *find_in(const uint8_t *p, uint64_t size, uint64_t align,
			      const char *name, uint32_t type, uint32_t *len)
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
			return NULL;
		if (n.n_type == type && n.n_namesz == strlen(name) + 1 &&
		    !memcmp(p + at, name, n.n_namesz)) {
			*len = n.n_descsz;
			return p + desc;
		}
		if (next > size)
			return NULL;
		at = next;
	}
	return NULL;
}

const uint8_t *elf_note(const struct boot *b, const char *name, uint32_t type, uint32_t *len)
{
	struct header h;
	struct segment s;

	if (!read_header(b, &h))
		return NULL;
	for (uint32_t i = 0; i < h.phnum && i < MAX_SEGMENTS; i++) {
		const uint8_t *found;

		if (!read_segment(b, &h, i, &s))
			return NULL;
		if (s.type != PT_NOTE || !inside_file(b, &s))
			continue;
		found = find_in(b->image + s.offset, s.filesz, s.align == 8 ? 8 : 4, name,
				type, len);
		/* Linkers have written 8 where notes are aligned to 4 */
		if (!found && s.align == 8)
			found = find_in(b->image + s.offset, s.filesz, 4, name, type, len);
		if (found)
			return found;
	}
	return NULL;
}
