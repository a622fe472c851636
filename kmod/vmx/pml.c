// SPDX-License-Identifier: GPL-2.0
/*
 * Page-modification logging: 29.3.6. The processor writes the address of each
 * page in whose leaf it sets the dirty bit to a log of the vCPU's, so that the
 * tables need not be searched for it.
 *
 * The log fills from its last entry down, and the index is that of the next
 * entry. It is emptied at the section's end, and when it is full.
 */
#include <linux/gfp.h>
#include <linux/moduleparam.h>

#include "vmx.h"

#define LAST	(VMX_PML_ENTRIES - 1)

static_assert(VMX_PML_ENTRIES * sizeof(u64) == PAGE_SIZE);

static bool pml = true;
module_param(pml, bool, 0444);
MODULE_PARM_DESC(pml, "Let the processor log which pages guests write where it can");

/**
 * vmx_pml_detect() - has the processor got it, and does the user want it?
 */
void vmx_pml_detect(void)
{
	vmx_hw.pml = pml && vmx_hw.ept_ad && vmx_has2(VMX_PROC2_PML);
}

/**
 * vmx_pml_init() - the log of a new vCPU
 * @vcpu: the vCPU
 *
 * Return: 0, also where there is none; -ENOMEM.
 */
int vmx_pml_init(struct hvmon_vcpu *vcpu)
{
	if (!vmx_hw.pml)
		return 0;
	vcpu->vmx->pml = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->vmx->pml ? 0 : -ENOMEM;
}

void vmx_pml_fini(struct hvmon_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->vmx->pml);
}

/**
 * vmx_pml_section_begin() - log while some slot of the VM does
 * @vcpu: the vCPU
 *
 * hvmon_tdp_set_logging() waits for the sections that began earlier.
 */
void vmx_pml_section_begin(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	bool on = vmx->pml && READ_ONCE(vcpu->vm->mmu.logging);

	if (likely(on == vmx->pml_on))
		return;
	vmx->pml_on = on;
	if (on)
		vmx_set_bits(vcpu, VMX_PROC2_CTLS, VMX_PROC2_PML);
	else
		vmx_clear_bits(vcpu, VMX_PROC2_CTLS, VMX_PROC2_PML);
}

/**
 * vmx_pml_drain() - pass on what the processor has logged
 * @vcpu: the vCPU, in a section that logs
 *
 * Bits 11:0 of an entry should be 0, but are not on every processor.
 */
void vmx_pml_drain(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	u16 index = vmx_get(vcpu, VMX_PML_INDEX);
	u16 first = index + 1;	/* 0 also after 0xffff, which is what comes below 0 */

	if (first >= VMX_PML_ENTRIES)
		return;
	hvmon_mark_dirty(vcpu->vm, &vmx->pml[first], VMX_PML_ENTRIES - first);
	vmx_set(vcpu, VMX_PML_INDEX, LAST);
}
