/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI tables and AML as they are written: acpi.c has the tables, dsdt.c the AML */
#ifndef RUN_OUT_H
#define RUN_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "../mem.h"
#include "boot.h"

/* A table, or a piece of AML, that grows at its end */
struct out {
	uint8_t *p;
	uint32_t len;
};

#define HEADER_LEN	36

/* Little-endian value */
void put(struct out *o, uint64_t v, int bytes);
void put_str(struct out *o, const char *s, size_t n);
/* Common header, 5.2.6; its length and checksum come with finish() */
void begin(struct out *o, const char *signature, uint8_t revision);
void finish(struct out *o);

/* Pointers in the FADT, 5.2.9, and the XSDT's first */
#define FADT_FACS	36
#define FADT_DSDT	40
#define FADT_X_FACS	132
#define FADT_X_DSDT	140
#define XSDT_ENTRIES	HEADER_LEN

#define RSDP_LEN	36
#define RSDP_XSDT	24

#define ACPI_MAX	(BIOS_END - BIOS_ACPI)	/* all tables together */

/*
 * All tables in one piece. @p and @base are given: ACPI_MAX bytes, and the address
 * that the guest will see them at. The rest is the outcome: bytes used, where each
 * table begins, and the RSDP, which lies elsewhere
 */
struct acpi_image {
	uint8_t *p;
	uint64_t base;
	uint32_t len;
	uint32_t facs, dsdt, fadt, madt, mcfg, xsdt;
	uint8_t rsdp[RSDP_LEN];
};

/* @window64: the third PCI window's address, 0: there is none */
void acpi_image(struct acpi_image *im, unsigned int cpus, uint64_t window64);
/* That for guests with addresses of @gpa_bits */
uint64_t acpi_window64(const struct guest_mem *mem, unsigned int gpa_bits);

/* @window64: as above */
void build_dsdt(struct out *o, uint64_t window64);

#endif
