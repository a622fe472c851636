// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables (ACPI 6.5, chapter 5): RSDP, XSDT, FADT with its FACS, MADT, and
 * a DSDT of S5, COM1 and the RTC. They describe the devices in dev/dev.h.
 */
#include <string.h>

#include "../dev/dev.h"
#include "boot.h"

#define LAPIC_BASE	0xfee00000
#define IOAPIC_BASE	0xfec00000
#define HEADER_LEN	36
#define FADT_LEN	276
#define FACS_LEN	64
#define CENTURY_INDEX	0x32

/* A table, or a piece of AML, that grows at its end */
struct out {
	uint8_t *p;
	uint32_t len;
};

static void put(struct out *o, uint64_t v, int bytes)
{
	while (bytes--) {
		o->p[o->len++] = (uint8_t)v;
		v >>= 8;
	}
}

static void put_str(struct out *o, const char *s, size_t n)
{
	memcpy(o->p + o->len, s, n);
	o->len += n;
}

static void set(uint8_t *p, uint64_t v, int bytes)
{
	struct out o = { p, 0 };

	put(&o, v, bytes);
}

static void checksum(uint8_t *p, uint32_t len, uint32_t at)
{
	uint8_t sum = 0;

	p[at] = 0;
	for (uint32_t i = 0; i < len; i++)
		sum += p[i];
	p[at] = -sum;
}

/* Common header, 5.2.6; the length and checksum come with finish() */
static void begin(struct out *o, const char *signature, uint8_t revision)
{
	put_str(o, signature, 4);
	put(o, 0, 4);
	put(o, revision, 1);
	put(o, 0, 1);
	put_str(o, "HVMON ", 6);
	put_str(o, "HVMONVM ", 8);
	put(o, 1, 4);
	put_str(o, "HVMN", 4);
	put(o, 1, 4);
}

static void finish(struct out *o)
{
	set(o->p + 4, o->len, 4);
	checksum(o->p, o->len, 9);
}

/* ---- AML, chapter 20 */

#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_DWORD	0x0c
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_EXT		0x5b
#define AML_DEVICE	0x82

/*
 * A package begins with its length, which counts itself. Two bytes always:
 * 0x40 | low nibble, then bits 11:4; enough for 4 KiB.
 */
static uint32_t open_package(struct out *o)
{
	o->len += 2;
	return o->len - 2;
}

static void close_package(struct out *o, uint32_t at)
{
	uint32_t len = o->len - at;

	o->p[at] = 0x40 | (len & 15);
	o->p[at + 1] = len >> 4;
}

static void aml_name(struct out *o, const char *name)
{
	put(o, AML_NAME, 1);
	put_str(o, name, 4);
}

static void aml_byte(struct out *o, uint8_t v)
{
	put(o, AML_BYTE, 1);
	put(o, v, 1);
}

/* Device with _HID and _CRS of one port range and one ISA interrupt */
static void aml_isa_device(struct out *o, const char *name, uint32_t hid, uint16_t port,
			   uint8_t ports, int irq)
{
	uint32_t dev, buf;

	put(o, AML_EXT, 1);
	put(o, AML_DEVICE, 1);
	dev = open_package(o);
	put_str(o, name, 4);
	aml_name(o, "_HID");
	put(o, AML_DWORD, 1);
	put(o, hid, 4);
	aml_name(o, "_UID");
	put(o, AML_ONE, 1);
	aml_name(o, "_CRS");
	put(o, AML_BUFFER, 1);
	buf = open_package(o);
	aml_byte(o, 13);
	put(o, 0x47, 1);		/* I/O port descriptor, 6.4.2.5 */
	put(o, 0x01, 1);		/* 16-bit decode */
	put(o, port, 2);
	put(o, port, 2);
	put(o, 1, 1);
	put(o, ports, 1);
	put(o, 0x22, 1);		/* IRQ descriptor, 6.4.2.1: edge, high */
	put(o, 1u << irq, 2);
	put(o, 0x79, 1);		/* end tag, no checksum */
	put(o, 0, 1);
	close_package(o, buf);
	close_package(o, dev);
}

/* Compressed EISA IDs, as EISAID() of ASL gives them */
#define PNP0501		0x0105d041	/* 16550A-compatible serial port */
#define PNP0B00		0x000bd041	/* AT real-time clock */

static void build_dsdt(struct out *o)
{
	uint32_t package;

	begin(o, "DSDT", 2);
	/* Name(_S5, Package(4) { 5, 5, 0, 0 }): SLP_TYPa, SLP_TYPb, reserved */
	aml_name(o, "_S5_");
	put(o, AML_PACKAGE, 1);
	package = open_package(o);
	put(o, 4, 1);
	aml_byte(o, SLP_TYP_S5);
	aml_byte(o, SLP_TYP_S5);
	put(o, AML_ZERO, 1);
	put(o, AML_ZERO, 1);
	close_package(o, package);

	put(o, AML_SCOPE, 1);
	package = open_package(o);
	put_str(o, "\\_SB_", 5);
	aml_isa_device(o, "COM1", PNP0501, COM1_PORT, 8, COM1_IRQ);
	aml_isa_device(o, "RTC_", PNP0B00, 0x70, 2, RTC_IRQ);
	close_package(o, package);
	finish(o);
}

/* ---- FADT, 5.2.9 */

/* Generic address structure for a port */
static void set_gas(uint8_t *p, uint16_t port, uint8_t bytes)
{
	p[0] = 1;			/* system I/O */
	p[1] = bytes * 8;
	p[2] = 0;
	p[3] = bytes == 4 ? 3 : bytes;	/* access size: 1 byte, 2 word, 3 dword */
	set(p + 4, port, 8);
}

#define FADT_WBINVD		(1u << 0)
#define FADT_PROC_C1		(1u << 2)
#define FADT_NO_PWR_BUTTON	(1u << 4)
#define FADT_NO_SLP_BUTTON	(1u << 5)
#define FADT_NO_FIX_RTC		(1u << 6)
#define FADT_TMR_32BIT		(1u << 8)
#define FADT_RESET_REG		(1u << 10)

#define BOOT_LEGACY		(1u << 0)
#define BOOT_NO_VGA		(1u << 2)
#define BOOT_NO_ASPM		(1u << 4)

static void build_fadt(struct out *o, uint64_t facs, uint64_t dsdt)
{
	uint8_t *p = o->p;

	begin(o, "FACP", 6);
	o->len = FADT_LEN;
	memset(p + HEADER_LEN, 0, FADT_LEN - HEADER_LEN);
	set(p + 36, facs, 4);
	set(p + 40, dsdt, 4);
	set(p + 46, SCI_IRQ, 2);
	/* SMI_CMD stays 0: ACPI mode cannot be left */
	set(p + 56, PM1_EVENT_PORT, 4);
	set(p + 64, PM1_CONTROL_PORT, 4);
	set(p + 76, PM_TIMER_PORT, 4);
	p[88] = 4;			/* PM1_EVT_LEN */
	p[89] = 2;			/* PM1_CNT_LEN */
	p[91] = 4;			/* PM_TMR_LEN */
	set(p + 96, 0xfff, 2);		/* no C2 */
	set(p + 98, 0xfff, 2);		/* no C3 */
	p[108] = CENTURY_INDEX;
	/* Without the 8042 bit Linux does not wait for a keyboard */
	set(p + 109, BOOT_LEGACY | BOOT_NO_VGA | BOOT_NO_ASPM, 2);
	set(p + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON |
	    FADT_NO_FIX_RTC | FADT_TMR_32BIT | FADT_RESET_REG, 4);
	set_gas(p + 116, RESET_PORT, 1);
	p[128] = RESET_VALUE;
	set(p + 132, facs, 8);
	set(p + 140, dsdt, 8);
	set_gas(p + 148, PM1_EVENT_PORT, 4);
	set_gas(p + 172, PM1_CONTROL_PORT, 2);
	set_gas(p + 208, PM_TIMER_PORT, 4);
	memcpy(p + 268, "hvmon", 5);	/* hypervisor vendor */
	finish(o);
}

/* FACS, 5.2.10: no checksum */
static void build_facs(struct out *o)
{
	memset(o->p, 0, FACS_LEN);
	put_str(o, "FACS", 4);
	put(o, FACS_LEN, 4);
	o->p[32] = 2;			/* version */
	o->len = FACS_LEN;
}

/* ---- MADT, 5.2.12 */

#define MADT_PCAT		1
#define MPS_ACTIVE_HIGH		(1u << 0)
#define MPS_LEVEL		(3u << 2)

static void put_override(struct out *o, uint8_t irq, uint32_t pin, uint16_t flags)
{
	put(o, 2, 1);
	put(o, 10, 1);
	put(o, 0, 1);			/* ISA */
	put(o, irq, 1);
	put(o, pin, 4);
	put(o, flags, 2);
}

static void build_madt(struct out *o, unsigned int cpus)
{
	begin(o, "APIC", 4);
	put(o, LAPIC_BASE, 4);
	put(o, MADT_PCAT, 4);
	for (unsigned int i = 0; i < cpus; i++) {
		put(o, 0, 1);		/* processor local APIC */
		put(o, 8, 1);
		put(o, i, 1);		/* UID */
		put(o, i, 1);		/* APIC ID */
		put(o, 1, 4);		/* enabled */
	}
	put(o, 1, 1);			/* IOAPIC */
	put(o, 12, 1);
	put(o, 0, 2);			/* ID */
	put(o, IOAPIC_BASE, 4);
	put(o, 0, 4);			/* first GSI */
	put_override(o, 0, 2, 0);	/* the PIT is on pin 2 */
	put_override(o, SCI_IRQ, SCI_IRQ, MPS_ACTIVE_HIGH | MPS_LEVEL);
	put(o, 4, 1);			/* NMI on LINT1 of all */
	put(o, 6, 1);
	put(o, 0xff, 1);
	put(o, 0, 2);
	put(o, 1, 1);
	finish(o);
}

/* ---- the whole */

static void build_rsdp(struct out *o, uint64_t xsdt)
{
	put_str(o, "RSD PTR ", 8);
	put(o, 0, 1);
	put_str(o, "HVMON ", 6);
	put(o, 2, 1);
	put(o, 0, 4);			/* no RSDT */
	put(o, 36, 4);
	put(o, xsdt, 8);
	put(o, 0, 4);
	checksum(o->p, 20, 8);
	checksum(o->p, 36, 32);
}

/* Where the next table goes */
static struct out place(const struct guest_mem *mem, uint64_t *next, uint64_t *gpa)
{
	*gpa = (*next + 63) & ~63ULL;
	return (struct out){ mem_at(mem, *gpa, BIOS_END - *gpa), 0 };
}

void acpi_build(const struct guest_mem *mem, unsigned int cpus)
{
	uint64_t next = BIOS_ACPI, facs, dsdt, fadt, madt, xsdt;
	struct out o;

	o = place(mem, &next, &facs);
	build_facs(&o);
	next = facs + o.len;
	o = place(mem, &next, &dsdt);
	build_dsdt(&o);
	next = dsdt + o.len;
	o = place(mem, &next, &fadt);
	build_fadt(&o, facs, dsdt);
	next = fadt + o.len;
	o = place(mem, &next, &madt);
	build_madt(&o, cpus);
	next = madt + o.len;
	o = place(mem, &next, &xsdt);
	begin(&o, "XSDT", 1);
	put(&o, fadt, 8);
	put(&o, madt, 8);
	finish(&o);

	o = (struct out){ mem_at(mem, BIOS_RSDP, 36), 0 };
	build_rsdp(&o, xsdt);
}
