// SPDX-License-Identifier: GPL-2.0
/* MP tables (Intel's MultiProcessor Specification 1.4) for guests without ACPI */
#include <string.h>

#include "../dev/dev.h"
#include "boot.h"

#define LAPIC_BASE	0xfee00000
#define IOAPIC_ID	0
#define ISA_PINS	16
#define LEVEL_HIGH	0x000d

struct mp_pointer {
	char signature[4];
	uint32_t table;
	uint8_t length;		/* in 16 bytes */
	uint8_t revision;
	uint8_t checksum;
	uint8_t features[5];
};

struct mp_table {
	char signature[4];
	uint16_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[8];
	char product[12];
	uint32_t oem_table;
	uint16_t oem_length;
	uint16_t entries;
	uint32_t lapic;
	uint32_t extended;
};

struct mp_cpu {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features;
	uint32_t reserved[2];
};

struct mp_bus {
	uint8_t type, id;
	char name[6];
};

struct mp_ioapic {
	uint8_t type, id, version, flags;
	uint32_t addr;
};

struct mp_interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, irq, apic, pin;
};

_Static_assert(sizeof(struct mp_pointer) == 16, "MP floating pointer");
_Static_assert(sizeof(struct mp_table) == 44, "MP configuration table");
_Static_assert(sizeof(struct mp_cpu) == 20, "MP processor entry");

enum { MP_CPU, MP_BUS, MP_IOAPIC, MP_IO_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { KIND_INT, KIND_NMI, KIND_SMI, KIND_EXTINT };

static uint8_t sum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (len--)
		s += *b++;
	return s;
}

static uint8_t *add(struct mp_table *t, uint8_t *to, const void *entry, size_t len)
{
	memcpy(to, entry, len);
	t->entries++;
	t->length += len;
	return to + len;
}

static uint8_t *add_cpus(struct mp_table *t, uint8_t *to, unsigned int cpus)
{
	for (unsigned int i = 0; i < cpus; i++) {
		struct mp_cpu cpu = {
			.type = MP_CPU,
			.apic_id = i,
			.apic_version = 0x14,
			.flags = i ? 1 : 3,	/* enabled, bootstrap processor */
			.signature = 0x600,
			.features = 0x201,	/* FPU, APIC */
		};

		to = add(t, to, &cpu, sizeof(cpu));
	}
	return to;
}

static uint8_t *add_interrupts(struct mp_table *t, uint8_t *to)
{
	struct mp_interrupt in = { .type = MP_IO_INTERRUPT, .apic = IOAPIC_ID };

	for (int irq = 0; irq < ISA_PINS; irq++) {
		if (irq == 2)		/* the PICs' cascade; its pin is the PIT's */
			continue;
		in.irq = irq;
		in.pin = irq ? irq : 2;
		in.flags = irq == SCI_IRQ ? LEVEL_HIGH : 0;
		to = add(t, to, &in, sizeof(in));
	}
	in = (struct mp_interrupt){
		.type = MP_LOCAL_INTERRUPT, .kind = KIND_EXTINT, .apic = 0, .pin = 0,
	};
	to = add(t, to, &in, sizeof(in));
	in = (struct mp_interrupt){
		.type = MP_LOCAL_INTERRUPT, .kind = KIND_NMI, .apic = 0xff, .pin = 1,
	};
	return add(t, to, &in, sizeof(in));
}

void mptable_build(const struct guest_mem *mem, unsigned int cpus)
{
	uint64_t at = BIOS_MP + sizeof(struct mp_pointer);
	struct mp_pointer *ptr = mem_at(mem, BIOS_MP, BIOS_ACPI - BIOS_MP);
	struct mp_table *t = mem_at(mem, at, BIOS_ACPI - at);
	struct mp_bus bus = { MP_BUS, 0, { 'I', 'S', 'A', ' ', ' ', ' ' } };
	struct mp_ioapic ioapic = { MP_IOAPIC, IOAPIC_ID, 0x20, 1, IOAPIC_BASE };
	uint8_t *to = (uint8_t *)(t + 1);

	memset(t, 0, sizeof(*t));
	memcpy(t->signature, "PCMP", 4);
	memcpy(t->oem, "HVMON   ", 8);
	memcpy(t->product, "HVMONVM     ", 12);
	t->revision = 4;
	t->length = sizeof(*t);
	t->lapic = LAPIC_BASE;
	to = add_cpus(t, to, cpus);
	to = add(t, to, &bus, sizeof(bus));
	to = add(t, to, &ioapic, sizeof(ioapic));
	add_interrupts(t, to);
	t->checksum = -sum(t, t->length);

	memset(ptr, 0, sizeof(*ptr));
	memcpy(ptr->signature, "_MP_", 4);
	ptr->table = at;
	ptr->length = 1;
	ptr->revision = 4;
	ptr->checksum = -sum(ptr, sizeof(*ptr));
}
