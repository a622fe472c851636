// SPDX-License-Identifier: GPL-2.0
/*
 * The VMCS: the cache in front of it, the MSR bitmap, and what a new vCPU's
 * controls are.
 *
 * VMREAD and VMWRITE need the processor, which is ours only inside a section.
 * So everything works on a copy in memory: fields that were changed are written
 * before the next entry; fields that an exit may have changed are read when
 * somebody asks for them, which costs nothing for those that nobody needs.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>

#include "vmx.h"

static_assert(VMX_CR4 == VMX_CR0 + 2 && VMX_SS_AR == VMX_CS_AR + 1);

/* ---- the cache ---- */

/**
 * vmx_flush_dirty() - write the fields that have changed
 * @vmx: the vCPU, whose VMCS is current
 */
noinstr void vmx_flush_dirty(struct hvmon_vmx_vcpu *vmx)
{
	unsigned int i, field;
	unsigned long word;

	for (i = 0; i < BITS_TO_LONGS(VMX_NR_FIELDS); i++) {
		word = vmx->dirty[i];
		if (!word)
			continue;
		vmx->dirty[i] = 0;
		while (word) {
			field = i * BITS_PER_LONG + __ffs(word);
			vmx_vmwrite(field, vmx->field[field]);
			word &= word - 1;
		}
	}
}

/**
 * vmx_fetch_all() - make every field of the cache valid
 * @vmx: the vCPU, whose VMCS is current
 */
void vmx_fetch_all(struct hvmon_vmx_vcpu *vmx)
{
	unsigned int field;

	for_each_clear_bit(field, vmx->valid, VMX_NR_FIELDS)
		vmx->field[field] = vmx_vmread(field);
	bitmap_fill(vmx->valid, VMX_NR_FIELDS);
}

static void fetch_range(struct hvmon_vmx_vcpu *vmx, unsigned int first, unsigned int n)
{
	unsigned int field;

	for (field = first; field < first + n; field++) {
		if (test_bit(field, vmx->valid))
			continue;
		vmx->field[field] = vmx_vmread(field);
		__set_bit(field, vmx->valid);
	}
}

#define CODE_AND_DATA	(HVMON_GS + 1)

/**
 * vmx_fetch_for_emulation() - make those fields valid that an instruction needs
 * @vcpu: the vCPU, in a section
 *
 * Emulation comes after the section, where each field that is missing means to
 * enter VMX operation again. What decoding, a walk of the guest's tables and
 * the checks of an access read is here; other fields are read by few.
 */
void vmx_fetch_for_emulation(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	fetch_range(vmx, VMX_INTERRUPTIBILITY, 1);
	fetch_range(vmx, VMX_CR0, 3);
	fetch_range(vmx, VMX_CS_AR, 2);
	if (vmx_code_bits(vcpu) == 64) {
		/* Segments have no limits, and two of them a base */
		fetch_range(vmx, VMX_FS_BASE, 2);
		fetch_range(vmx, VMX_FS_SELECTOR, 2);
		fetch_range(vmx, VMX_FS_LIMIT, 2);
		fetch_range(vmx, VMX_FS_AR, 2);
		return;
	}
	fetch_range(vmx, VMX_ES_SELECTOR, CODE_AND_DATA);
	fetch_range(vmx, VMX_ES_LIMIT, CODE_AND_DATA);
	fetch_range(vmx, VMX_ES_AR, CODE_AND_DATA);
	fetch_range(vmx, VMX_ES_BASE, CODE_AND_DATA);
	/* The processor's copy of them counts in PAE paging alone */
	if (vmx_get(vcpu, VMX_CR4) & X86_CR4_PAE && !(vmx_get(vcpu, VMX_EFER) & EFER_LMA))
		fetch_range(vmx, VMX_PDPTE0, 4);
}

/* ---- MSR bitmap: 25.6.9 ---- */

/*
 * What entries and exits switch anyway is the guest's to use. What sections
 * switch it may read: a write is rare, and that none went unseen saves reading
 * all of them at every section's end.
 */
static const struct {
	u32 msr;
	bool writable;
} guest_msrs[] = {
	{ MSR_FS_BASE, true }, { MSR_GS_BASE, true }, { MSR_KERNEL_GS_BASE, true },
	{ MSR_IA32_SYSENTER_CS, true }, { MSR_IA32_SYSENTER_ESP, true },
	{ MSR_IA32_SYSENTER_EIP, true },
	{ MSR_STAR, false }, { MSR_LSTAR, false }, { MSR_CSTAR, false },
	{ MSR_SYSCALL_MASK, false },
};

#define WRITE_HALF	2048

/**
 * vmx_msr_bitmap_bit() - where an MSR is in the bitmap
 * @msr: index
 * @byte: offset of the read's bit; the write's lies 2 KiB further
 * @bit: in that byte
 *
 * Return: false if the bitmap does not cover it: it always exits.
 */
bool vmx_msr_bitmap_bit(u32 msr, unsigned int *byte, unsigned int *bit)
{
	u32 n = msr & 0x1fff;

	if (msr != n && msr != (n | 0xc0000000))
		return false;
	*byte = (msr == n ? 0 : 1024) + n / 8;
	*bit = n % 8;
	return true;
}

/*
 * Registers of the LAPIC that the virtual-APIC page has, as MSRs: 30.5. Those
 * that do not exist have to exit: the processor would read the page for them.
 */
static const struct {
	u32 first, last;
	bool writable;
} x2apic_msrs[] = {
	{ 0x802, 0x803, false },	/* ID, version */
	{ 0x808, 0x808, true },		/* TPR */
	{ 0x80a, 0x80a, false },	/* PPR */
	{ 0x80d, 0x80d, false },	/* LDR */
	{ 0x80f, 0x828, false },	/* SVR, ISR, TMR, IRR, ESR */
	{ 0x830, 0x830, false },	/* ICR */
	{ 0x832, 0x838, false },	/* LVTs, initial count */
	{ 0x83e, 0x83e, false },	/* divide configuration */
};

/* ... and those that are written only: EOI and self IPI */
static const u32 x2apic_commands[] = { 0x80b, 0x83f };

static void fill_x2apic_bitmap(u8 *map)
{
	unsigned int i, byte, bit;
	u32 msr;

	for (i = 0; i < ARRAY_SIZE(x2apic_msrs); i++) {
		for (msr = x2apic_msrs[i].first; msr <= x2apic_msrs[i].last; msr++) {
			vmx_msr_bitmap_bit(msr, &byte, &bit);
			map[byte] &= ~BIT(bit);
			if (x2apic_msrs[i].writable)
				map[WRITE_HALF + byte] &= ~BIT(bit);
		}
	}
	for (i = 0; i < ARRAY_SIZE(x2apic_commands); i++) {
		vmx_msr_bitmap_bit(x2apic_commands[i], &byte, &bit);
		map[WRITE_HALF + byte] &= ~BIT(bit);
	}
}

int vmx_msr_bitmap_init(void)
{
	unsigned int i, byte, bit;
	u8 *map = (u8 *)__get_free_page(GFP_KERNEL);
	u8 *x2apic = (u8 *)__get_free_page(GFP_KERNEL);

	vmx_hw.msr_bitmap = map;
	vmx_hw.x2apic_bitmap = x2apic;
	if (!map || !x2apic) {
		vmx_msr_bitmap_exit();
		return -ENOMEM;
	}
	memset(map, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(guest_msrs); i++) {
		if (!vmx_msr_bitmap_bit(guest_msrs[i].msr, &byte, &bit))
			continue;
		map[byte] &= ~BIT(bit);
		if (guest_msrs[i].writable)
			map[WRITE_HALF + byte] &= ~BIT(bit);
	}
	memcpy(x2apic, map, PAGE_SIZE);
	fill_x2apic_bitmap(x2apic);
	vmx_hw.msr_bitmap_pa = __pa(map);
	vmx_hw.x2apic_bitmap_pa = __pa(x2apic);
	return 0;
}

void vmx_msr_bitmap_exit(void)
{
	free_page((unsigned long)vmx_hw.msr_bitmap);
	free_page((unsigned long)vmx_hw.x2apic_bitmap);
	vmx_hw.msr_bitmap = NULL;
	vmx_hw.x2apic_bitmap = NULL;
}

/* ---- a new vCPU ---- */

/* The timer ends a run when the guest's LAPIC timer is due, or at vmx_hw.run_limit */
#define PIN_WANTED	(VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI |		\
			 VMX_PIN_PREEMPT_TIMER)

/* INVLPG and CR3 are the guest's own business under EPT */
#define PROC_WANTED	(VMX_PROC_TSC_OFFSET | VMX_PROC_HLT | VMX_PROC_MWAIT |		\
			 VMX_PROC_RDPMC | VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE |	\
			 VMX_PROC_MOV_DR | VMX_PROC_IO | VMX_PROC_MSR_BITMAP |		\
			 VMX_PROC_MONITOR | VMX_PROC_SECONDARY)
#define PROC_UNWANTED	(VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE | VMX_PROC_INVLPG)
/* ... and CR8 with a TPR shadow */
#define PROC_CR8	(VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE)

#define PROC2_WANTED	(VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED | VMX_PROC2_WBINVD |	\
			 VMX_PROC2_VPID)

/* The host's performance counters rest while a guest runs, where they can */
#define EXIT_WANTED	(VMX_EXIT_SAVE_DEBUG | VMX_EXIT_HOST_64 | VMX_EXIT_LOAD_PAT |	\
			 VMX_EXIT_LOAD_EFER)
#define ENTRY_WANTED	(VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER)

/*
 * #AC and #DB because a guest can nest them without end in front of its first
 * instruction, where no interrupt would ever be taken; #MC for the host.
 */
#define EXCEPTIONS	(BIT(1) | BIT(17) | BIT(18))

static void control_init(struct hvmon_vcpu *vcpu)
{
	u32 proc = vmx_adjust(vmx_hw.proc, PROC_WANTED) & ~PROC_UNWANTED;
	u64 ratio = vcpu->vm->clock.tsc_ratio;
	u32 proc2 = vmx_adjust(vmx_hw.proc2,
			       PROC2_WANTED | (ratio ? VMX_PROC2_TSC_SCALING : 0));

	if (vcpu->vmx->vapic) {
		proc = (proc & ~PROC_CR8) | VMX_PROC_TPR_SHADOW;
		vmx_set(vcpu, VMX_VIRTUAL_APIC, __pa(vcpu->vmx->vapic));
	}
	vmx_set(vcpu, VMX_PIN_CTLS, vmx_adjust(vmx_hw.pin, PIN_WANTED));
	vmx_set(vcpu, VMX_PREEMPT_TIMER, vmx_hw.run_limit);
	vcpu->has_deadline = vmx_hw.pin.may & VMX_PIN_PREEMPT_TIMER;
	vmx_set(vcpu, VMX_PROC_CTLS, proc);
	vmx_set(vcpu, VMX_PROC2_CTLS, proc2);
	vmx_set(vcpu, VMX_TSC_MULTIPLIER, ratio);
	vmx_set(vcpu, VMX_EXIT_CTLS, vmx_adjust(vmx_hw.exit, EXIT_WANTED));
	vmx_set(vcpu, VMX_ENTRY_CTLS, vmx_adjust(vmx_hw.entry, ENTRY_WANTED));
	vmx_set(vcpu, VMX_EXCEPTION_BITMAP, EXCEPTIONS);
	vmx_set(vcpu, VMX_MSR_BITMAP, vmx_hw.msr_bitmap_pa);
	vmx_set(vcpu, VMX_EPTP, vcpu->vm->mmu.root);
	vmx_set(vcpu, VMX_VMCS_LINK, ~0ULL);
	if (vcpu->vmx->pml) {
		vmx_set(vcpu, VMX_PML_ADDRESS, __pa(vcpu->vmx->pml));
		vmx_set(vcpu, VMX_PML_INDEX, VMX_PML_ENTRIES - 1);
	}
	if (proc2 & VMX_PROC2_VPID)
		vmx_set(vcpu, VMX_VPID, vmx_hw.vpid);
}

/*
 * The host's state that never changes while the module runs. What follows the
 * processor or the process is vmx_host_section_begin()'s.
 */
static void host_init(struct hvmon_vcpu *vcpu)
{
	vmx_set(vcpu, VMX_HOST_CS_SELECTOR, __KERNEL_CS);
	vmx_set(vcpu, VMX_HOST_SS_SELECTOR, __KERNEL_DS);
	vmx_set(vcpu, VMX_HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmx_set(vcpu, VMX_HOST_RIP, (u64)hvmon_vmx_exit);
	vmx_set(vcpu, VMX_HOST_PAT, hvmon_rdmsr(MSR_IA32_CR_PAT));
	vmx_set(vcpu, VMX_HOST_EFER, hvmon_rdmsr(MSR_EFER));
	vmx_set(vcpu, VMX_HOST_SYSENTER_CS, hvmon_rdmsr(MSR_IA32_SYSENTER_CS));
	vmx_set(vcpu, VMX_HOST_SYSENTER_EIP, hvmon_rdmsr(MSR_IA32_SYSENTER_EIP));
}

/**
 * vmx_vmcs_init() - the VMCS of a new vCPU, in the cache
 * @vcpu: its vCPU; the guest's state is vmx_vcpu_reset()'s
 *
 * The contents of a new VMCS are undefined (25.11.3), so every field is
 * written; those of features that the processor lacks must not be.
 */
void vmx_vmcs_init(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned int field;

	bitmap_fill(vmx->valid, VMX_NR_FIELDS);
	control_init(vcpu);
	for (field = 0; field < VMX_FIRST_READ_ONLY; field++)
		__set_bit(field, vmx->dirty);
	if (!vmx_has2(VMX_PROC2_XSAVES))
		__clear_bit(VMX_XSS_EXIT_BITMAP, vmx->dirty);
	if (!vmx_has2(VMX_PROC2_TSC_SCALING))
		__clear_bit(VMX_TSC_MULTIPLIER, vmx->dirty);
	if (!vmx_has2(VMX_PROC2_VPID))
		__clear_bit(VMX_VPID, vmx->dirty);
	if (!vmx->vapic) {
		__clear_bit(VMX_VIRTUAL_APIC, vmx->dirty);
		__clear_bit(VMX_TPR_THRESHOLD, vmx->dirty);
	}
	if (!vmx_has2(VMX_PROC2_APIC_ACCESS))
		__clear_bit(VMX_APIC_ACCESS, vmx->dirty);
	if (!vmx_has2(VMX_PROC2_INTR_DELIVERY)) {
		bitmap_clear(vmx->dirty, VMX_EOI_EXIT0, 4);
		__clear_bit(VMX_INTR_STATUS, vmx->dirty);
	}
	if (!vmx->pml) {
		__clear_bit(VMX_PML_ADDRESS, vmx->dirty);
		__clear_bit(VMX_PML_INDEX, vmx->dirty);
	}
	if (!(vmx_hw.pin.may & VMX_PIN_PREEMPT_TIMER))
		__clear_bit(VMX_PREEMPT_TIMER, vmx->dirty);
	host_init(vcpu);
}
