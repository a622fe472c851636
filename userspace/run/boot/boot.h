/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a firmware would have done: kernel, tables and the state of the first
 * vCPU. All of it works on guest memory only, so that tests need no guest.
 */
#ifndef RUN_BOOT_H
#define RUN_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libhvmon.h"

#include "../mem.h"

/* Inside BOOT_START .. EBDA_START */
#define BOOT_INFO	0x90000ULL	/* zero page, start info, multiboot info */
#define BOOT_MAP	0x91000ULL	/* memory map and module list */
#define BOOT_GDT	0x91f00ULL
#define BOOT_PAGES	0x92000ULL	/* identity map of 4 GiB: 6 pages */
#define BOOT_CMDLINE	0x98000ULL
#define BOOT_CMDLINE_MAX (EBDA_START - BOOT_CMDLINE)
#define BOOT_STACK	BOOT_START	/* grows down */

/* Inside BIOS_START .. 1 MiB */
#define BIOS_RSDP	0xf0000ULL
#define BIOS_MP		0xf0040ULL
#define BIOS_ACPI	0xf4000ULL
#define BIOS_FACS	BIOS_ACPI	/* the first of the tables */
#define BIOS_END	0x100000ULL

enum boot_mode { BOOT_REAL, BOOT_PROTECTED, BOOT_LONG };

/* State at the kernel's first instruction */
struct boot_entry {
	enum boot_mode mode;
	uint64_t rip;
	uint64_t rax, rbx, rsi;
	uint16_t cs, ds;	/* selectors; real mode: CS paragraph */
};

struct boot {
	const struct guest_mem *mem;
	const char *kernel;	/* paths */
	const char *initrd;	/* or NULL */
	const char *cmdline;
	bool flat;
	uint64_t flat_addr;
	int flat_mode;		/* 16, 32, 64 */

	int fd;			/* the kernel file, while it is loaded */
	uint64_t image_size;
	uint64_t kernel_end;	/* first address above all that was loaded */
	uint64_t initrd_addr, initrd_size;
	const char *protocol;	/* in words, once known */
	struct boot_entry entry;
	char err[400];		/* one line, when a function has failed */
};

/* Loads everything; 0, or -1 with @err. On 0 @entry is filled in */
int boot_load(struct boot *b);

/* Sets @b->err, unless it is set, and returns -1 */
__attribute__((format(printf, 2, 3)))
int boot_err(struct boot *b, const char *fmt, ...);
/* What a loader finds no more that its probe has found */
int boot_changed(struct boot *b);

/*
 * One loader per protocol. The probe says whether the image claims to be of
 * its kind; load then returns 0, or -1 with @err.
 */
bool linux_probe(struct boot *b);
int linux_load(struct boot *b);
bool pvh_probe(struct boot *b);
int pvh_load(struct boot *b);
bool multiboot_probe(struct boot *b);
int multiboot_load(struct boot *b);
int flat_load(struct boot *b);

/* Steps that loaders share */
/* Does the kernel file have @len bytes from @offset on? */
bool boot_has(const struct boot *b, uint64_t offset, uint64_t len);
/* Reads them; false if it has not all of them, or with @err */
bool boot_read(struct boot *b, uint64_t offset, void *to, uint64_t len);
/* Reads @file_len of them to guest memory after checking the range; @what is for the message */
int boot_place(struct boot *b, const char *what, uint64_t gpa, uint64_t offset,
	       uint64_t file_len, uint64_t mem_len);
/* Reads the initrd to the highest place below @limit; @b->initrd_size 0: none */
int boot_place_initrd(struct boot *b, uint64_t limit);
int boot_place_cmdline(struct boot *b, uint64_t max);
/* Multiboot information, also given to flat images */
void multiboot_info(struct boot *b);
/* Loads the segments of an ELF file at their physical addresses */
bool elf_probe(struct boot *b);
int elf_load(struct boot *b, uint64_t *entry);
/* The value, of 4 or 8 bytes, of a note in an ELF file; false if it is not there */
bool elf_note(struct boot *b, const char *name, uint32_t type, uint64_t *value);

/* entry.c: GDT and page tables in memory, then the registers that go with them */
void boot_tables(const struct guest_mem *mem);
/* @st has the vCPU's present REGS and SREGS, and gets those of @entry */
void boot_state(const struct boot_entry *entry, struct hvmon_state *st);

/*
 * acpi.c, mptable.c: write the tables for @cpus processors. @gpa_bits: width of
 * guest-physical addresses
 */
void acpi_build(const struct guest_mem *mem, unsigned int cpus, unsigned int gpa_bits);
void mptable_build(const struct guest_mem *mem, unsigned int cpus);

#endif
