// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables (ACPI 6.5, chapter 5): RSDP, XSDT, FADT with its FACS, MADT,
 * MCFG, and the DSDT of dsdt.c. They describe the devices in dev/dev.h.
 */
#include <string.h>

#include "../dev/dev.h"
#include "boot.h"
#include "out.h"

#define LAPIC_BASE	0xfee00000
#define FADT_LEN	276
#define FACS_LEN	64
#define CENTURY_INDEX	0x32

void put(struct out *o, uint64_t v, int bytes)
{
	while (bytes--) {
		o->p[o->len++] = (uint8_t)v;
		v >>= 8;
	}
}

void put_str(struct out *o, const char *s, size_t n)
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

void begin(struct out *o, const char *signature, uint8_t revision)
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

void finish(struct out *o)
{
	set(o->p + 4, o->len, 4);
	checksum(o->p, o->len, 9);
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
	set(p + FADT_FACS, facs, 4);
	set(p + FADT_DSDT, dsdt, 4);
	set(p + 46, SCI_IRQ, 2);
	/* SMI_CMD stays 0: ACPI mode cannot be left */
	set(p + 56, PM1_EVENT_PORT, 4);
	set(p + 64, PM1_CONTROL_PORT, 4);
	set(p + 76, PM_TIMER_PORT, 4);
	set(p + 80, GPE0_PORT, 4);
	p[88] = 4;			/* PM1_EVT_LEN */
	p[89] = 2;			/* PM1_CNT_LEN */
	p[91] = 4;			/* PM_TMR_LEN */
	p[92] = GPE0_LEN;
	set(p + 96, 0xfff, 2);		/* no C2 */
	set(p + 98, 0xfff, 2);		/* no C3 */
	p[108] = CENTURY_INDEX;
	/* Without the 8042 bit Linux does not wait for a keyboard */
	set(p + 109, BOOT_LEGACY | BOOT_NO_VGA | BOOT_NO_ASPM, 2);
	/* Without PWR_BUTTON: the power button is fixed hardware */
	set(p + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLP_BUTTON | FADT_NO_FIX_RTC |
	    FADT_TMR_32BIT | FADT_RESET_REG, 4);
	set_gas(p + 116, RESET_PORT, 1);
	p[128] = RESET_VALUE;
	set(p + FADT_X_FACS, facs, 8);
	set(p + FADT_X_DSDT, dsdt, 8);
	set_gas(p + 148, PM1_EVENT_PORT, 4);
	set_gas(p + 172, PM1_CONTROL_PORT, 2);
	set_gas(p + 208, PM_TIMER_PORT, 4);
	set_gas(p + 220, GPE0_PORT, GPE0_LEN);
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

/* MCFG, PCI Firmware Specification 3.3, 4.1.2: configuration space of bus 0 */
static void build_mcfg(struct out *o)
{
	begin(o, "MCFG", 1);
	put(o, 0, 8);
	put(o, PCI_ECAM, 8);
	put(o, 0, 2);			/* segment */
	put(o, 0, 1);			/* first and last bus */
	put(o, 0, 1);
	put(o, 0, 4);
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
	put(o, RSDP_LEN, 4);
	put(o, xsdt, 8);
	put(o, 0, 4);
	checksum(o->p, 20, 8);
	checksum(o->p, RSDP_LEN, 32);
}

/* The next table, which begins where the last one ended */
static struct out place(const struct acpi_image *im, uint32_t *at)
{
	*at = (im->len + 63) & ~63u;
	return (struct out){ im->p + *at, 0 };
}

static void placed(struct acpi_image *im, uint32_t at, const struct out *o)
{
	im->len = at + o->len;
}

void acpi_image(struct acpi_image *im, unsigned int cpus, uint64_t window64)
{
	struct out o;

	im->len = 0;
	o = place(im, &im->facs);
	build_facs(&o);
	placed(im, im->facs, &o);
	o = place(im, &im->dsdt);
	build_dsdt(&o, window64);
	placed(im, im->dsdt, &o);
	o = place(im, &im->fadt);
	build_fadt(&o, im->base + im->facs, im->base + im->dsdt);
	placed(im, im->fadt, &o);
	o = place(im, &im->madt);
	build_madt(&o, cpus);
	placed(im, im->madt, &o);
	o = place(im, &im->mcfg);
	build_mcfg(&o);
	placed(im, im->mcfg, &o);
	o = place(im, &im->xsdt);
	begin(&o, "XSDT", 1);
	put(&o, im->base + im->fadt, 8);
	put(&o, im->base + im->madt, 8);
	put(&o, im->base + im->mcfg, 8);
	finish(&o);
	placed(im, im->xsdt, &o);

	o = (struct out){ im->rsdp, 0 };
	build_rsdp(&o, im->base + im->xsdt);
}

uint64_t acpi_window64(const struct guest_mem *mem, unsigned int gpa_bits)
{
	uint64_t window64 = mem_window64(mem);

	return window64 + PCI_WINDOW64_LEN > 1ULL << gpa_bits ? 0 : window64;
}

void acpi_build(const struct guest_mem *mem, unsigned int cpus, unsigned int gpa_bits)
{
	struct acpi_image im = {
		.p = mem_at(mem, BIOS_ACPI, ACPI_MAX),
		.base = BIOS_ACPI,
	};

	acpi_image(&im, cpus, acpi_window64(mem, gpa_bits));
	memcpy(mem_at(mem, BIOS_RSDP, RSDP_LEN), im.rsdp, RSDP_LEN);
}
