// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables for a firmware that chooses their place: RSDP and tables in two
 * files, with file offsets where addresses go, and a script in a third that says
 * which offsets become addresses and which checksums are to be made right then
 * (struct BiosLinkerLoaderEntry of QEMU's bios-linker-loader is the format).
 */
#include <endian.h>
#include <string.h>

#include "loader.h"

#define TABLES_ALIGN	64	/* what the FACS wants */
#define RSDP_ALIGN	16	/* where it is looked for */

enum { ALLOCATE = 1, ADD_POINTER, ADD_CHECKSUM };
enum { ZONE_HIGH = 1, ZONE_FSEG };

/* The next command of the script, cleared */
static struct loader_entry *next(struct loader *l, uint32_t command)
{
	struct loader_entry *e = &l->script[l->entries++];

	memset(e, 0, sizeof(*e));
	e->command = htole32(command);
	return e;
}

static void set_name(char *to, const char *name)
{
	memcpy(to, name, strlen(name) + 1);
}

static void allocate(struct loader *l, const char *file, uint32_t align, uint8_t zone)
{
	struct loader_entry *e = next(l, ALLOCATE);

	set_name(e->allocate.file, file);
	e->allocate.align = htole32(align);
	e->allocate.zone = zone;
}

/* All pointers lead into the tables */
static void pointer(struct loader *l, const char *file, uint32_t offset, uint8_t size)
{
	struct loader_entry *e = next(l, ADD_POINTER);

	set_name(e->pointer.file, file);
	set_name(e->pointer.to, LOADER_TABLES);
	e->pointer.offset = htole32(offset);
	e->pointer.size = size;
}

static void checksum(struct loader *l, const char *file, uint32_t at, uint32_t start,
		     uint32_t len)
{
	struct loader_entry *e = next(l, ADD_CHECKSUM);

	set_name(e->checksum.file, file);
	e->checksum.offset = htole32(at);
	e->checksum.start = htole32(start);
	e->checksum.length = htole32(len);
}

static uint32_t table_len(const struct acpi_image *im, uint32_t table)
{
	uint32_t len;

	memcpy(&len, im->p + table + 4, sizeof(len));
	return le32toh(len);
}

static void table_checksum(struct loader *l, const struct acpi_image *im, uint32_t table)
{
	checksum(l, LOADER_TABLES, table + 9, table, table_len(im, table));
}

void loader_script(struct loader *l, const struct acpi_image *im)
{
	uint32_t end = im->xsdt + table_len(im, im->xsdt);

	l->entries = 0;
	allocate(l, LOADER_TABLES, TABLES_ALIGN, ZONE_HIGH);
	allocate(l, LOADER_RSDP, RSDP_ALIGN, ZONE_FSEG);
	pointer(l, LOADER_TABLES, im->fadt + FADT_FACS, 4);
	pointer(l, LOADER_TABLES, im->fadt + FADT_DSDT, 4);
	pointer(l, LOADER_TABLES, im->fadt + FADT_X_FACS, 8);
	pointer(l, LOADER_TABLES, im->fadt + FADT_X_DSDT, 8);
	for (uint32_t at = im->xsdt + XSDT_ENTRIES; at < end; at += 8)
		pointer(l, LOADER_TABLES, at, 8);
	pointer(l, LOADER_RSDP, RSDP_XSDT, 8);
	table_checksum(l, im, im->fadt);
	table_checksum(l, im, im->xsdt);
	checksum(l, LOADER_RSDP, 8, 0, 20);
	checksum(l, LOADER_RSDP, 32, 0, RSDP_LEN);
}
