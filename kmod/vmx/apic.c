// SPDX-License-Identifier: GPL-2.0
/*
 * What the processor does of a local APIC without an exit: chapter 30. The
 * guest's TPR is in the virtual-APIC page, and MOV to and from CR8 use it.
 *
 * With virtual-interrupt delivery that page is the LAPIC in a section: the
 * processor moves vectors from its IRR to its ISR and takes EOIs. Outside
 * sections struct hvmon_lapic is all that counts, as without. In between,
 * vectors that others send arrive in struct hvmon_lapic, and vmx_post_irr()
 * moves them on.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>

#include "../lapic.h"
#include "../pt.h"
#include "vmx.h"

static bool apicv = true;
module_param(apicv, bool, 0444);
MODULE_PARM_DESC(apicv, "Let the processor deliver a LAPIC's interrupts where it can");

#define APICV_COMMON	(VMX_PROC2_APIC_REG | VMX_PROC2_INTR_DELIVERY)
#define APICV_ALL	(APICV_COMMON | VMX_PROC2_APIC_ACCESS | VMX_PROC2_X2APIC)

#define REG(offset)	BIT_ULL((offset) >> 4)
/* What the page has as hvmon_lapic_reg_read() gives it */
#define PLAIN_REGS	(REG(APIC_ID) | REG(APIC_LVR) | REG(APIC_LDR) | REG(APIC_DFR) |	\
			 REG(APIC_SPIV) | REG(APIC_ESR) | REG(APIC_ICR) | REG(APIC_ICR2) |	\
			 GENMASK_ULL(APIC_LVTERR >> 4, APIC_LVTT >> 4) |		\
			 REG(APIC_TMICT) | REG(APIC_TDCR))

/* Guest interrupt status: the vector requested, and the one in service */
#define STATUS_RVI	0xff
#define STATUS_SVI	8	/* shift */

/**
 * vmx_apic_init() - the virtual-APIC page of a new vCPU
 * @vcpu: the vCPU; the VM's lock is held
 *
 * And the VM's APIC-access page, if it is the first one.
 *
 * Return: 0, also where the processor has no use for one; -ENOMEM.
 */
int vmx_apic_init(struct hvmon_vcpu *vcpu)
{
	if (!(vmx_hw.proc.may & VMX_PROC_TPR_SHADOW))
		return 0;
	vcpu->vmx->vapic = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->vmx->vapic)
		return -ENOMEM;
	/* Nobody but the processor ever looks at it, and only at its address */
	if (vmx_hw.apicv && vcpu->lapic && !vcpu->vm->mmu.apic_page) {
		vcpu->vm->mmu.apic_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!vcpu->vm->mmu.apic_page)
			return -ENOMEM;
	}
	return 0;
}

void vmx_apic_fini(struct hvmon_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->vmx->vapic);
}

/*
 * An entry fails whose threshold is above the TPR (27.2.1.1): one that was made
 * for another TPR does not stay. A LAPIC in which something waits asks for the
 * next one by HVMON_REQ_EVENT.
 */
static void remember_tpr(struct hvmon_vcpu *vcpu, u32 tpr)
{
	vcpu->vmx->tpr = tpr;
	vmx_set(vcpu, VMX_TPR_THRESHOLD, 0);
}

/**
 * vmx_take_tpr() - the guest has changed its TPR
 * @vcpu: the vCPU, after an exit
 */
void vmx_take_tpr(struct hvmon_vcpu *vcpu)
{
	u32 tpr = *vmx_vapic(vcpu->vmx, APIC_TASKPRI);

	remember_tpr(vcpu, tpr);
	if (vcpu->lapic)
		hvmon_lapic_set_tpr(vcpu, tpr);
	else
		vcpu->cr8 = tpr >> 4;
}

/**
 * vmx_give_tpr() - the guest finds the TPR that common code has
 * @vcpu: the vCPU, before an entry
 */
void vmx_give_tpr(struct hvmon_vcpu *vcpu)
{
	u32 tpr = hvmon_tpr(vcpu);

	if (!vcpu->vmx->vapic || tpr == vcpu->vmx->tpr)
		return;
	*vmx_vapic(vcpu->vmx, APIC_TASKPRI) = tpr;
	remember_tpr(vcpu, tpr);
}

/* ---- modes ---- */

/**
 * vmx_apic_detect() - what of this the processor has, and the user wants
 *
 * Register virtualization and interrupt delivery came together, and one
 * without the other is not worth a mode of its own.
 */
void vmx_apic_detect(void)
{
	vmx_hw.apicv = apicv && vmx_hw.proc.may & VMX_PROC_TPR_SHADOW &&
		       vmx_has2(APICV_COMMON | VMX_PROC2_APIC_ACCESS);
	vmx_hw.x2apicv = vmx_hw.apicv && vmx_has2(VMX_PROC2_X2APIC);
}

/* The controls for the LAPIC's present mode; 0: the TPR shadow has to do */
static u32 wanted(struct hvmon_vcpu *vcpu)
{
	u64 base = vcpu->lapic ? hvmon_lapic_get_base(vcpu) : 0;

	if (!vmx_hw.apicv || !(base & HVMON_APIC_EN))
		return 0;
	if (base & HVMON_APIC_EXTD)
		return vmx_hw.x2apicv ? APICV_COMMON | VMX_PROC2_X2APIC : 0;
	return (base & PAGE_MASK) == APIC_DEFAULT_PHYS_BASE ?
	       APICV_COMMON | VMX_PROC2_APIC_ACCESS : 0;
}

/**
 * vmx_apic_update() - the LAPIC's mode or address may have changed
 * @vcpu: the vCPU, outside sections
 *
 * All vCPUs share the tables that map the APIC-access page, and one that does
 * not virtualize accesses to it would find memory there. So the page goes for
 * good as soon as there is one: for the others accesses are emulated then.
 */
void vmx_apic_update(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	u32 ctls;

	if (!vmx || !vmx->vapic)
		return;
	ctls = wanted(vcpu);
	if (!(ctls & VMX_PROC2_APIC_ACCESS))
		hvmon_tdp_bar_apic(vcpu->vm);
	vmx_set(vcpu, VMX_PROC2_CTLS, (vmx_get(vcpu, VMX_PROC2_CTLS) & ~(u64)APICV_ALL) | ctls);
	vmx_set(vcpu, VMX_MSR_BITMAP, ctls & VMX_PROC2_X2APIC ? vmx_hw.x2apic_bitmap_pa :
								vmx_hw.msr_bitmap_pa);
	if (ctls & VMX_PROC2_APIC_ACCESS)
		vmx_set(vcpu, VMX_APIC_ACCESS, __pa(vcpu->vm->mmu.apic_page));
	vmx_set(vcpu, VMX_TPR_THRESHOLD, 0);
	vcpu->virt_intr = ctls;
	if (ctls)
		vcpu->lapic->changed = ~0ULL;
}

/**
 * vmx_virtualizes_apic() - is a fault one in the LAPIC's page that the processor is
 * to have?
 * @vcpu: the vCPU
 * @gpa: that faulted
 * @access: HVMON_ACCESS_*
 *
 * Return: true if the page is only to be mapped.
 */
bool vmx_virtualizes_apic(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	return vcpu->virt_intr && (gpa & PAGE_MASK) == APIC_DEFAULT_PHYS_BASE &&
	       !(access & HVMON_ACCESS_EXEC) &&
	       vmx_get(vcpu, VMX_PROC2_CTLS) & VMX_PROC2_APIC_ACCESS;
}

/* ---- IRR, ISR, TMR ---- */

static u32 map_word(const unsigned long *map, unsigned int i)
{
	return READ_ONCE(map[i / 2]) >> i % 2 * 32;
}

static void store_map(struct hvmon_vmx_vcpu *vmx, u32 offset, const unsigned long *map)
{
	unsigned int i;

	for (i = 0; i < HVMON_VECTORS / 32; i++)
		*vmx_vapic(vmx, offset + i * 16) = map_word(map, i);
}

static void load_map(struct hvmon_vmx_vcpu *vmx, u32 offset, unsigned long *map)
{
	unsigned int i;

	for (i = 0; i < HVMON_VECTORS / 64; i++)
		map[i] = *vmx_vapic(vmx, offset + i * 32) |
			 (u64)*vmx_vapic(vmx, offset + i * 32 + 16) << 32;
}

/* 0, which is no interrupt's, for none: 30.2.1 */
static u8 highest(const unsigned long *map)
{
	return max(hvmon_highest_vector(map), 0);
}

/* EOIs of level-triggered vectors exit: the IOAPIC waits for them */
static void give_tmr(struct hvmon_vcpu *vcpu)
{
	unsigned int i;

	store_map(vcpu->vmx, APIC_TMR, vcpu->lapic->tmr);
	for (i = 0; i < HVMON_VECTORS / 64; i++)
		vmx_set(vcpu, VMX_EOI_EXIT0 + i, READ_ONCE(vcpu->lapic->tmr[i]));
}

/**
 * vmx_post_irr() - what has arrived goes to the processor
 * @vcpu: the vCPU, in a section
 */
void vmx_post_irr(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	DECLARE_BITMAP(irr, HVMON_VECTORS);
	u64 status;
	u32 i;

	if (!hvmon_lapic_take_irr(vcpu->lapic, irr))
		return;
	give_tmr(vcpu);
	for (i = 0; i < HVMON_VECTORS / 32; i++)
		*vmx_vapic(vmx, APIC_IRR + i * 16) |= map_word(irr, i);
	status = vmx_get(vcpu, VMX_INTR_STATUS);
	if (highest(irr) > (status & STATUS_RVI))
		status = (status & ~(u64)STATUS_RVI) | highest(irr);
	vmx_set(vcpu, VMX_INTR_STATUS, status);
	vmx->posted += bitmap_weight(irr, HVMON_VECTORS);
}

/**
 * vmx_apic_refresh() - registers that have changed go to the virtual-APIC page
 * @vcpu: the vCPU
 */
void vmx_apic_refresh(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;
	u64 changed = l->changed & PLAIN_REGS;
	u32 offset;

	for (l->changed = 0; changed; changed &= changed - 1) {
		offset = __ffs64(changed) << 4;
		hvmon_lapic_reg_read(l, offset, vmx_vapic(vcpu->vmx, offset));
	}
	/* As an MSR it has 64 bits: 30.5 */
	*vmx_vapic(vcpu->vmx, APIC_ICR + 4) = hvmon_lapic_x2apic(l) ? l->icr >> 32 : 0;
}

/**
 * vmx_apic_section_begin() - the processor takes the LAPIC over
 * @vcpu: the vCPU, with virt_intr
 */
void vmx_apic_section_begin(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	if (l->changed) {
		vmx_apic_refresh(vcpu);
		give_tmr(vcpu);
	}
	store_map(vcpu->vmx, APIC_ISR, l->isr);
	/* The page's IRR is empty: vmx_apic_section_end() */
	vmx_set(vcpu, VMX_INTR_STATUS, (u64)highest(l->isr) << STATUS_SVI);
	vmx_post_irr(vcpu);
}

/**
 * vmx_apic_section_end() - struct hvmon_lapic has it again
 * @vcpu: the vCPU, with virt_intr
 */
void vmx_apic_section_end(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	static const DECLARE_BITMAP(none, HVMON_VECTORS);
	DECLARE_BITMAP(irr, HVMON_VECTORS);
	struct hvmon_lapic *l = vcpu->lapic;
	u32 left = 0;

	if (vmx_get(vcpu, VMX_INTR_STATUS) & STATUS_RVI) {
		load_map(vmx, APIC_IRR, irr);
		store_map(vmx, APIC_IRR, none);
		hvmon_lapic_give_irr(l, irr);
		left = bitmap_weight(irr, HVMON_VECTORS);
	}
	/* Those that the guest has sent itself may be among the latter alone */
	if (vmx->posted > left)
		vcpu->stats.irq_injected += vmx->posted - left;
	vmx->posted = 0;
	load_map(vmx, APIC_ISR, l->isr);
	/* A write of it does not exit: 30.4.3.2 */
	if (!hvmon_lapic_x2apic(l))
		l->icr = (u32)l->icr | (u64)*vmx_vapic(vmx, APIC_ICR2) << 32;
	hvmon_lapic_update_ppr(l);
}

/* ---- exits ---- */

/* A register that is not virtualized, or not by this instruction: 30.4.2, 30.4.3 */
int vmx_exit_apic_access(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_section)
		return HVMON_LATER;
	return hvmon_emulate(vcpu, APIC_DEFAULT_PHYS_BASE | (vcpu->exit.info1 & ~PAGE_MASK));
}

/* The page has been written, the instruction is done: 30.4.3.3 */
int vmx_exit_apic_write(struct hvmon_vcpu *vcpu)
{
	u32 offset = vcpu->exit.info1 & 0xff0;
	struct hvmon_lapic *l = vcpu->lapic;
	u32 val = *vmx_vapic(vcpu->vmx, offset);

	vcpu->stats.other++;
	if (hvmon_lapic_x2apic(l)) {
		hvmon_lapic_set_msr(vcpu, 0x800 + (offset >> 4), val);
	} else {
		l->icr = (u32)l->icr | (u64)*vmx_vapic(vcpu->vmx, APIC_ICR2) << 32;
		hvmon_lapic_reg_write(l, offset, val);
	}
	/* Reserved bits, and what is not writable, are as they were */
	l->changed |= REG(offset);
	vmx_apic_refresh(vcpu);
	return HVMON_RESUME;
}

/* An EOI that the IOAPIC has to know of: 30.1.4 */
int vmx_exit_eoi(struct hvmon_vcpu *vcpu)
{
	u8 vector = vcpu->exit.info1;

	vcpu->stats.other++;
	if (test_bit(vector, vcpu->lapic->tmr))
		hvmon_irq_eoi(vcpu, vector);
	return HVMON_RESUME;
}
