/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI tables and AML as they are written: acpi.c has the tables, dsdt.c the AML */
#ifndef RUN_OUT_H
#define RUN_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "../mem.h"

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

/* @window64: the second PCI window's address, 0: there is none */
void build_dsdt(struct out *o, uint64_t window64);

#endif
