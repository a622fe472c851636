/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_LOADER_H
#define RUN_LOADER_H

#include <stdint.h>

#include "out.h"

/* Names of the files */
#define LOADER_TABLES	"etc/acpi/tables"
#define LOADER_RSDP	"etc/acpi/rsdp"
#define LOADER_SCRIPT	"etc/table-loader"

#define LOADER_NAME	56
#define LOADER_MAX	16	/* commands */

/* One command, little-endian */
struct loader_entry {
	uint32_t command;
	union {
		struct {
			char file[LOADER_NAME];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) allocate;
		struct {
			char file[LOADER_NAME], to[LOADER_NAME];
			uint32_t offset;
			uint8_t size;
		} __attribute__((packed)) pointer;
		struct {
			char file[LOADER_NAME];
			uint32_t offset, start, length;
		} __attribute__((packed)) checksum;
		char pad[124];
	};
} __attribute__((packed));

_Static_assert(sizeof(struct loader_entry) == 128, "a command's size");

struct loader {
	struct loader_entry script[LOADER_MAX];
	unsigned int entries;
};

/* The script for tables that were built with a base of 0 */
void loader_script(struct loader *l, const struct acpi_image *im);

#endif
