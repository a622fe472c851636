// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID's leaves on processor topology. The module gives those of the host,
 * which need not fit the guest; here they become one socket of single-thread
 * cores, with the vCPU's number as APIC ID.
 */
#include <stdio.h>
#include <string.h>

#include "firmware.h"

/* Bits that hold the numbers 0 .. @n - 1 */
static uint32_t width(uint32_t n)
{
	uint32_t bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

static void field(uint32_t *reg, int high, int low, uint32_t value)
{
	uint32_t mask = (high - low == 31 ? ~0u : (1u << (high - low + 1)) - 1) << low;

	*reg = (*reg & ~mask) | ((value << low) & mask);
}

/* Leaves 0xb and 0x1f: subleaf 0 is threads, 1 is cores, others end the list */
static void extended_topology(struct hvmon_cpuid_entry *e, uint32_t cpus, uint32_t id)
{
	e->eax = 0;
	e->ebx = 0;
	e->ecx = e->subleaf & 0xff;
	e->edx = id;
	if (e->subleaf == 0) {
		e->ebx = 1;
		e->ecx |= 1 << 8;
	} else if (e->subleaf == 1) {
		e->eax = width(cpus);
		e->ebx = cpus;
		e->ecx |= 2 << 8;
	}
}

void topology_edit(struct hvmon_cpuid_entry *e, uint32_t n, uint32_t cpus, uint32_t id)
{
	for (; n--; e++) {
		switch (e->leaf) {
		case 0x1:
			field(&e->ebx, 31, 24, id);
			field(&e->ebx, 23, 16, cpus);
			break;
		case 0x4:
			if (!(e->eax & 0x1f))
				break;
			field(&e->eax, 31, 26, (1u << width(cpus)) - 1);
			/* L3 is shared by all, the others by none */
			field(&e->eax, 25, 14, (e->eax >> 5 & 7) >= 3 ? cpus - 1 : 0);
			break;
		case 0xb:
		case 0x1f:
			extended_topology(e, cpus, id);
			break;
		case 0x80000008:
			field(&e->ecx, 7, 0, cpus - 1);
			field(&e->ecx, 15, 12, width(cpus));
			break;
		case 0x8000001d:
			if (e->eax & 0x1f)
				field(&e->eax, 25, 14, (e->eax >> 5 & 7) >= 3 ? cpus - 1 : 0);
			break;
		case 0x8000001e:
			e->eax = id;
			field(&e->ebx, 7, 0, id);	/* core */
			field(&e->ebx, 15, 8, 0);	/* threads per core - 1 */
			field(&e->ecx, 10, 0, 0);	/* one node */
			break;
		}
	}
}

int topology_setup(struct vm *vm, const struct vcpu *vcpu)
{
	struct hvmon_cpuid_entry e[HVMON_MAX_CPUID];
	uint32_t n = HVMON_MAX_CPUID;
	int ret = hvmon_cpuid_get(vcpu->fd, e, &n);

	if (!ret) {
		topology_edit(e, n, vm->nr_vcpus, vcpu->id);
		features_hide(e, n, vm->opt->cpu_without);
		ret = hvmon_cpuid_set(vcpu->fd, e, n);
	}
	/* The host's topology is misleading, but a guest runs with it */
	if (ret && vm->opt->cpu_without)
		return ret;
	if (ret && vm->opt->verbose)
		complain(0, "vCPU %u: CPUID topology: %s", vcpu->id, strerror(-ret));
	return 0;
}
