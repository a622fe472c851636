/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory and the map of guest-physical addresses */
#ifndef RUN_MEM_H
#define RUN_MEM_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define KiB	1024ULL
#define MiB	(1024 * KiB)
#define GiB	(1024 * MiB)

/*
 * RAM begins at 0. From PCI_HOLE to 4 GiB lie devices; RAM that does not fit
 * below goes on at 4 GiB. VGA_HOLE to VGA_END is no memory, BIOS_START to
 * 1 MiB is memory that holds the ACPI and MP tables.
 */
#define VGA_HOLE	0xa0000ULL
#define VGA_END		0xc0000ULL
#define BIOS_START	0xf0000ULL
#define HIGH_START	0x100000ULL
#define PCI_HOLE	0xc0000000ULL
#define ABOVE_4G	0x100000000ULL

/*
 * Of the hole PCI devices have PCI_WINDOW to PCI_ECAM, where configuration space of
 * bus 0 follows, and PCI_WINDOW_TOP, where firmware likes to put them, to the IOAPIC;
 * a third window lies above all memory, if a processor's addresses reach so far. The
 * firmware's image ends at 4 GiB.
 */
#define PCI_WINDOW	PCI_HOLE
#define PCI_ECAM	0xe0000000ULL
#define PCI_ECAM_LEN	(1 * MiB)
#define PCI_WINDOW_TOP	(PCI_ECAM + PCI_ECAM_LEN)
#define IOAPIC_BASE	0xfec00000ULL
#define PCI_WINDOW64_LEN (4 * GiB)

/* Kept for what the launcher hands to a kernel: tables, command line, ... */
#define BOOT_START	0x90000ULL
#define EBDA_START	0x9fc00ULL

#define MEM_MAX_SLOTS	3

/* Guest RAM in one piece, and where it lies here */
struct mem_slot {
	uint64_t gpa, len;
	void *hva;
};

enum mem_backend { MEM_ANON, MEM_MEMFD, MEM_HUGETLB };

struct guest_mem {
	uint8_t *base;
	uint64_t size;
	uint64_t low;	/* bytes from 0; the rest is at ABOVE_4G */
	uint64_t span;	/* bytes mapped at base */
	enum mem_backend backend;
	int fd;		/* of MEM_MEMFD: the same bytes, for other processes; else -1 */
};

/* 0 or -errno */
int mem_alloc(struct guest_mem *mem, uint64_t size, enum mem_backend backend);
void mem_free(struct guest_mem *mem);
/* The host's address of guest RAM; NULL if any of the range is none */
void *mem_at(const struct guest_mem *mem, uint64_t gpa, uint64_t len);
/*
 * Gives the whole pages in a range of guest RAM back to the host: they read as zeros
 * then, and cost nothing until they are written. 0; -EINVAL if any of the range is no
 * RAM, -EOPNOTSUPP with MEM_HUGETLB, or what the host says
 */
int mem_discard(const struct guest_mem *mem, uint64_t gpa, uint64_t len);
/* All guest RAM, ascending; returns how many pieces */
int mem_slots(const struct guest_mem *mem, struct mem_slot *slot);
/* The guest's address of what mem_at() gave */
uint64_t mem_gpa(const struct guest_mem *mem, const void *hva);
/* Where the PCI window above all memory begins */
uint64_t mem_window64(const struct guest_mem *mem);
/* MemTotal and swap of the host in bytes */
uint64_t mem_host_total(uint64_t *swap);

#define E820_USABLE	1
#define E820_RSVD	2

struct mem_range {
	uint64_t start;
	uint64_t len;
	uint32_t type;	/* E820_* */
};

#define MEM_MAX_RANGES	6

/* The BIOS's view of memory, ascending; returns how many ranges */
int mem_map(const struct guest_mem *mem, struct mem_range *map);

#endif
