// SPDX-License-Identifier: GPL-2.0
/*
 * What the processor does of a local APIC without an exit: chapter 30. The
 * guest's TPR is in the virtual-APIC page, and MOV to and from CR8 use it.
 */
#include <linux/gfp.h>

#include "vmx.h"

/**
 * vmx_apic_init() - the virtual-APIC page of a new vCPU
 * @vcpu: the vCPU
 *
 * Return: 0, also where the processor has no use for one; -ENOMEM.
 */
int vmx_apic_init(struct hvmon_vcpu *vcpu)
{
	if (!(vmx_hw.proc.may & VMX_PROC_TPR_SHADOW))
		return 0;
	vcpu->vmx->vapic = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->vmx->vapic ? 0 : -ENOMEM;
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
	u32 tpr = vcpu->lapic ? hvmon_lapic_get_tpr(vcpu) : vcpu->cr8 << 4;

	if (!vcpu->vmx->vapic || tpr == vcpu->vmx->tpr)
		return;
	*vmx_vapic(vcpu->vmx, APIC_TASKPRI) = tpr;
	remember_tpr(vcpu, tpr);
}
