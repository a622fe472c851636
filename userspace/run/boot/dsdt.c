// SPDX-License-Identifier: GPL-2.0
/*
 * The DSDT (ACPI 6.5, 5.2.11.1) in AML (chapter 20): S5, COM1, the RTC, and the
 * PCI host bridge with its windows, interrupt lines and slots.
 */
#include <stdio.h>

#include "../dev/dev.h"
#include "../dev/pci.h"
#include "boot.h"
#include "out.h"

#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_METHOD	0x14
#define AML_LOCAL0	0x60
#define AML_STORE	0x70
#define AML_AND		0x7b
#define AML_NOTIFY	0x86
#define AML_IF		0xa0
#define AML_EXT		0x5b
#define AML_REGION	0x80	/* after AML_EXT, as the next two */
#define AML_FIELD	0x81
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

static void aml_dword(struct out *o, uint32_t v)
{
	put(o, AML_DWORD, 1);
	put(o, v, 4);
}

/* Opens Method(@name, @args), with 8 in @args: serialized */
static uint32_t open_method(struct out *o, const char *name, uint8_t args)
{
	uint32_t method;

	put(o, AML_METHOD, 1);
	method = open_package(o);
	put_str(o, name, 4);
	put(o, args, 1);
	return method;
}

/* Opens Device(@name) with its _HID and _UID */
static uint32_t open_device(struct out *o, const char *name, uint32_t hid)
{
	uint32_t dev;

	put(o, AML_EXT, 1);
	put(o, AML_DEVICE, 1);
	dev = open_package(o);
	put_str(o, name, 4);
	aml_name(o, "_HID");
	put(o, AML_DWORD, 1);
	put(o, hid, 4);
	aml_name(o, "_UID");
	put(o, AML_ONE, 1);
	return dev;
}

/* ---- resource descriptors, 6.4 */

/* Opens Name(_CRS, Buffer() {...}); close_resources() needs what it returns */
static uint32_t open_resources(struct out *o)
{
	uint32_t buf;

	aml_name(o, "_CRS");
	put(o, AML_BUFFER, 1);
	buf = open_package(o);
	/* The buffer's size, a word */
	put(o, AML_WORD, 1);
	put(o, 0, 2);
	return buf;
}

static void close_resources(struct out *o, uint32_t buf)
{
	uint32_t size;

	put(o, 0x79, 1);		/* end tag, no checksum */
	put(o, 0, 1);
	size = o->len - (buf + 5);
	o->p[buf + 3] = size;
	o->p[buf + 4] = size >> 8;
	close_package(o, buf);
}

static void resource_ports(struct out *o, uint16_t port, uint8_t ports)
{
	put(o, 0x47, 1);		/* 6.4.2.5 */
	put(o, 0x01, 1);		/* 16-bit decode */
	put(o, port, 2);
	put(o, port, 2);
	put(o, 1, 1);
	put(o, ports, 1);
}

static void resource_irq(struct out *o, int irq)
{
	put(o, 0x22, 1);		/* 6.4.2.1: edge, high */
	put(o, 1u << irq, 2);
}

static void resource_memory(struct out *o, uint32_t addr, uint32_t len)
{
	put(o, 0x86, 1);		/* 6.4.3.4: 32-bit fixed memory */
	put(o, 9, 2);
	put(o, 1, 1);			/* writable */
	put(o, addr, 4);
	put(o, len, 4);
}

enum { SPACE_MEMORY, SPACE_IO, SPACE_BUS };

/* A window of the host bridge, 6.4.3.5, in fields of 2, 4 or 8 bytes */
static void resource_window(struct out *o, int space, int bytes, uint64_t first,
			    uint64_t last)
{
	static const uint8_t tag[] = { [2] = 0x88, [4] = 0x87, [8] = 0x8a };
	/* Memory: writable, not cacheable; ports: the whole range; bus: nothing */
	static const uint8_t type[] = { 0x01, 0x03, 0x00 };

	put(o, tag[bytes], 1);
	put(o, 3 + 5 * bytes, 2);
	put(o, space, 1);
	put(o, 0x0c, 1);		/* first and last are fixed */
	put(o, type[space], 1);
	put(o, 0, bytes);		/* granularity */
	put(o, first, bytes);
	put(o, last, bytes);
	put(o, 0, bytes);		/* no translation */
	put(o, last - first + 1, bytes);
}

/* ---- devices */

/* One port range and one ISA interrupt */
static void aml_isa_device(struct out *o, const char *name, uint32_t hid, uint16_t port,
			   uint8_t ports, int irq)
{
	uint32_t dev = open_device(o, name, hid);
	uint32_t crs = open_resources(o);

	resource_ports(o, port, ports);
	resource_irq(o, irq);
	close_resources(o, crs);
	close_package(o, dev);
}

/* _PRT, 6.2.13: a package of address, pin, no link device, global interrupt */
static void aml_interrupt_pins(struct out *o)
{
	uint32_t table;

	aml_name(o, "_PRT");
	put(o, AML_PACKAGE, 1);
	table = open_package(o);
	put(o, (PCI_SLOTS - 1) * 4, 1);
	/* Slot 0 is the bridge */
	for (unsigned int slot = 1; slot < PCI_SLOTS; slot++) {
		for (unsigned int pin = 0; pin < 4; pin++) {
			uint32_t entry;

			put(o, AML_PACKAGE, 1);
			entry = open_package(o);
			put(o, 4, 1);
			put(o, AML_DWORD, 1);
			put(o, slot << 16 | 0xffff, 4);
			aml_byte(o, pin);
			put(o, AML_ZERO, 1);
			aml_byte(o, PCI_GSI + PCI_LINE(slot, pin));
			close_package(o, entry);
		}
	}
	close_package(o, table);
}

/* Compressed EISA IDs, as EISAID() of ASL gives them */
#define PNP0501		0x0105d041	/* 16550A-compatible serial port */
#define PNP0B00		0x000bd041	/* AT real-time clock */
#define PNP0A03		0x030ad041	/* PCI bus */
#define PNP0C02		0x020cd041	/* motherboard resources */

static void aml_pci(struct out *o, uint64_t window64)
{
	uint32_t dev = open_device(o, "PCI0", PNP0A03);
	uint32_t crs;

	aml_name(o, "_BBN");
	put(o, AML_ZERO, 1);
	crs = open_resources(o);
	resource_window(o, SPACE_BUS, 2, 0, 0);
	resource_ports(o, 0xcf8, 8);
	resource_window(o, SPACE_IO, 2, 0, 0xcf7);
	resource_window(o, SPACE_IO, 2, 0xd00, 0xffff);
	resource_window(o, SPACE_MEMORY, 4, PCI_WINDOW, PCI_ECAM - 1);
	resource_window(o, SPACE_MEMORY, 4, PCI_WINDOW_TOP, IOAPIC_BASE - 1);
	if (window64)
		resource_window(o, SPACE_MEMORY, 8, window64, window64 + PCI_WINDOW64_LEN - 1);
	close_resources(o, crs);
	aml_interrupt_pins(o);
	close_package(o, dev);

	/* ECAM must be among somebody's resources, who is not the bridge */
	dev = open_device(o, "ECAM", PNP0C02);
	crs = open_resources(o);
	resource_ports(o, HOTPLUG_PORT, HOTPLUG_LEN);
	resource_memory(o, PCI_ECAM, PCI_ECAM_LEN);
	close_resources(o, crs);
	close_package(o, dev);
}

/* ---- hotplug: dev/hotplug.c */

#define SCAN		"HPSC"

/* OperationRegion and its three fields: new, wanted, eject */
static void aml_hotplug_registers(struct out *o)
{
	uint32_t field;

	put(o, AML_EXT, 1);
	put(o, AML_REGION, 1);
	put_str(o, "HPRG", 4);
	put(o, 1, 1);			/* system I/O */
	put(o, AML_WORD, 1);
	put(o, HOTPLUG_PORT, 2);
	aml_byte(o, HOTPLUG_LEN);
	put(o, AML_EXT, 1);
	put(o, AML_FIELD, 1);
	field = open_package(o);
	put_str(o, "HPRG", 4);
	put(o, 3, 1);			/* accesses of 4 bytes */
	put_str(o, "HPNW\x20", 5);	/* 32 bits each */
	put_str(o, "HPWT\x20", 5);
	put_str(o, "HPEJ\x20", 5);
	close_package(o, field);
}

static void slot_name(struct out *o, unsigned int slot)
{
	char name[8];

	snprintf(name, sizeof(name), "S%03u", slot);
	put_str(o, name, 4);
}

/* Device with the slot's address and number, and _EJ0, which makes it one for hotplug */
static void aml_slot(struct out *o, unsigned int slot)
{
	uint32_t dev, method;

	put(o, AML_EXT, 1);
	put(o, AML_DEVICE, 1);
	dev = open_package(o);
	slot_name(o, slot);
	aml_name(o, "_ADR");
	aml_dword(o, slot << 16);
	aml_name(o, "_SUN");
	aml_byte(o, slot);
	method = open_method(o, "_EJ0", 1);
	put(o, AML_STORE, 1);
	aml_dword(o, 1u << slot);
	put_str(o, "HPEJ", 4);
	close_package(o, method);
	close_package(o, dev);
}

/* Reads @field, clears what it read, and notifies the slots that were in it */
static void aml_notify_slots(struct out *o, const char *field, uint8_t value)
{
	put(o, AML_STORE, 1);
	put_str(o, field, 4);
	put(o, AML_LOCAL0, 1);
	put(o, AML_STORE, 1);
	put(o, AML_LOCAL0, 1);
	put_str(o, field, 4);
	for (unsigned int slot = 1; slot < PCI_SLOTS; slot++) {
		uint32_t then;

		put(o, AML_IF, 1);
		then = open_package(o);
		put(o, AML_AND, 1);
		put(o, AML_LOCAL0, 1);
		aml_dword(o, 1u << slot);
		put(o, 0, 1);		/* the result is not kept */
		put(o, AML_NOTIFY, 1);
		slot_name(o, slot);
		aml_byte(o, value);
		close_package(o, then);
	}
}

static void aml_hotplug(struct out *o)
{
	uint32_t scope, method;

	put(o, AML_SCOPE, 1);
	scope = open_package(o);
	put_str(o, "\\\x2e_SB_PCI0", 10);
	aml_hotplug_registers(o);
	for (unsigned int slot = 1; slot < PCI_SLOTS; slot++)
		aml_slot(o, slot);
	method = open_method(o, SCAN, 8);
	aml_notify_slots(o, "HPNW", 1);	/* device check, 5.6.6 */
	aml_notify_slots(o, "HPWT", 3);	/* eject request */
	close_package(o, method);
	close_package(o, scope);

	/* An edge: the event is cleared before the method, so that none is lost (5.6.4.1.1) */
	put(o, AML_SCOPE, 1);
	scope = open_package(o);
	put_str(o, "\\_GPE", 5);
	_Static_assert(GPE_HOTPLUG == 1, "the method is named for it");
	method = open_method(o, "_E01", 0);
	put_str(o, "\\\x2f\x03_SB_PCI0" SCAN, 15);
	close_package(o, method);
	close_package(o, scope);
}

void build_dsdt(struct out *o, uint64_t window64)
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
	aml_pci(o, window64);
	close_package(o, package);
	aml_hotplug(o);
	finish(o);
}
