// SPDX-License-Identifier: GPL-2.0
/*
 * What firmware sets before it starts a kernel, which the launcher has loaded: in
 * each processor MTRRs and the LAPIC's pins, in the first one the state that the kernel
 * expects; and the PICs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "firmware.h"

#define MSR_MTRR_BASE0		0x200
#define MSR_MTRR_MASK0		0x201
#define MSR_MTRR_FIX64K		0x250
#define MSR_MTRR_FIX16K_8	0x258
#define MSR_MTRR_FIX16K_A	0x259
#define MSR_MTRR_FIX4K_C0	0x268
#define MSR_MTRR_DEF_TYPE	0x2ff

#define MTRR_WB			6ULL
#define MTRR_UC			0ULL
#define MTRR_FIXED_WB		0x0606060606060606ULL
#define MTRR_FIXED_UC		0ULL
#define MTRR_VALID		(1ULL << 11)
#define MTRR_ENABLE		(1ULL << 11)
#define MTRR_FIXED_ENABLE	(1ULL << 10)

/* Offsets in the xAPIC page */
#define APIC_SVR		0xf0
#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define SVR_ENABLED_FF		0x1ff
#define LVT_EXTINT		0x700
#define LVT_NMI			0x400

/*
 * Vectors as all PCs have them in real mode, and lines open that only PCI devices
 * use: the cascade, and of the slave's 10 and 11
 */
#define PIC_MASTER_BASE		0x08
#define PIC_MASTER_MASKED	0xfb
#define PIC_SLAVE_BASE		0x70
#define PIC_SLAVE_MASKED	0xf3

/* Width of physical addresses as the guest's CPUID has it */
static uint32_t address_bits(const struct vm *vm, int vcpu)
{
	struct hvmon_cpuid_entry e[HVMON_MAX_CPUID];
	uint32_t n = HVMON_MAX_CPUID;

	if (hvmon_cpuid_get(vcpu, e, &n))
		return vm->info.gpa_bits;
	for (uint32_t i = 0; i < n; i++)
		if (e[i].leaf == 0x80000008)
			return e[i].eax & 0xff;
	return 36;
}

/* All RAM write-back, the VGA and PCI holes uncached */
static int set_mtrrs(struct vm *vm, int vcpu)
{
	uint64_t address_mask = (1ULL << address_bits(vm, vcpu)) - 1;
	struct hvmon_msr msr[16] = {
		{ MSR_MTRR_FIX64K, 0, MTRR_FIXED_WB },
		{ MSR_MTRR_FIX16K_8, 0, MTRR_FIXED_WB },
		{ MSR_MTRR_FIX16K_A, 0, MTRR_FIXED_UC },
		{ MSR_MTRR_BASE0, 0, PCI_HOLE | MTRR_UC },
		{ MSR_MTRR_MASK0, 0, (address_mask & ~(GiB - 1)) | MTRR_VALID },
	};
	uint32_t n = 5;

	for (uint32_t i = 0; i < 8; i++)
		msr[n++] = (struct hvmon_msr){ MSR_MTRR_FIX4K_C0 + i, 0, MTRR_FIXED_WB };
	msr[n++] = (struct hvmon_msr){ MSR_MTRR_DEF_TYPE, 0,
				       MTRR_ENABLE | MTRR_FIXED_ENABLE | MTRR_WB };
	return hvmon_msrs_set(vcpu, msr, n, NULL);
}

static void set_apic(struct hvmon_lapic_state *lapic, uint32_t reg, uint32_t value)
{
	memcpy(lapic->page + reg, &value, sizeof(value));
}

/* Virtual wire mode: the PICs reach the first processor through LINT0 */
static int set_lapic(int vcpu, uint32_t id, struct hvmon_state *st)
{
	int ret = hvmon_state_get(vcpu, HVMON_STATE_LAPIC, st);

	if (ret)
		return ret;
	if (!id) {
		set_apic(&st->lapic, APIC_SVR, SVR_ENABLED_FF);
		set_apic(&st->lapic, APIC_LVT_LINT0, LVT_EXTINT);
	}
	set_apic(&st->lapic, APIC_LVT_LINT1, LVT_NMI);
	return hvmon_state_set(vcpu, HVMON_STATE_LAPIC, st);
}

static int set_pic(int vm, uint32_t chip, uint8_t base, uint8_t masked)
{
	struct hvmon_irqchip state;
	int ret = hvmon_irqchip_get(vm, chip, &state);

	if (ret)
		return ret;
	state.state.pic.irq_base = base;
	state.state.pic.imr = masked;
	return hvmon_irqchip_set(vm, &state);
}

static int set_entry(int vcpu, const struct boot_entry *entry, struct hvmon_state *st)
{
	uint64_t groups = HVMON_STATE_REGS | HVMON_STATE_SREGS;
	int ret = hvmon_state_get(vcpu, groups, st);

	if (ret)
		return ret;
	boot_state(entry, st);
	return hvmon_state_set(vcpu, groups, st);
}

int firmware_setup(struct vm *vm, const struct vcpu *vcpu, const struct boot_entry *entry)
{
	struct hvmon_state *st = calloc(1, sizeof(*st));
	int ret;

	if (!st)
		return -ENOMEM;
	ret = topology_setup(vm, vcpu);
	if (ret || !entry) {
		free(st);
		return ret;
	}
	/* A processor without MTRRs is fine: the guest sees none either */
	ret = set_mtrrs(vm, vcpu->fd);
	if (ret && vm->opt->verbose)
		complain(0, "vCPU %u: MTRRs: %s", vcpu->id, strerror(-ret));
	/* Non-fatal too: a kernel that knows APICs sets the pins itself */
	ret = set_lapic(vcpu->fd, vcpu->id, st);
	if (ret && vm->opt->verbose)
		complain(0, "vCPU %u: LAPIC: %s", vcpu->id, strerror(-ret));
	ret = vcpu->id ? 0 : set_entry(vcpu->fd, entry, st);
	free(st);
	if (!ret && !vcpu->id)
		ret = set_pic(vm->fd, HVMON_CHIP_PIC_MASTER, PIC_MASTER_BASE,
			      PIC_MASTER_MASKED);
	if (!ret && !vcpu->id)
		ret = set_pic(vm->fd, HVMON_CHIP_PIC_SLAVE, PIC_SLAVE_BASE, PIC_SLAVE_MASKED);
	return ret;
}
