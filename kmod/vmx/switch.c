// SPDX-License-Identifier: GPL-2.0
/*
 * What neither VM entry nor VM exit switches, and what an exit leaves other
 * than the host had it: at a section's two ends.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "../lapic.h"
#include "vmx.h"

#define DR7_ENABLES	0xffULL
#define DR7_RESET	0x400UL

/* ---- MSRs ---- */

const u32 vmx_switched_msrs[VMX_NR_MSRS] = {
	[VMX_MSR_STAR] = MSR_STAR,
	[VMX_MSR_LSTAR] = MSR_LSTAR,
	[VMX_MSR_CSTAR] = MSR_CSTAR,
	[VMX_MSR_SFMASK] = MSR_SYSCALL_MASK,
	[VMX_MSR_KERNEL_GS] = MSR_KERNEL_GS_BASE,
};

/**
 * vmx_msrs_section_begin() - SYSCALL's MSRs and the other GS base become the guest's
 * @vcpu: the vCPU
 * @cpu: this processor
 *
 * The host's are read, never assumed: another hypervisor may have left its
 * guest's there until its thread returns to user space.
 */
void vmx_msrs_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned int i;

	for (i = 0; i < VMX_NR_MSRS; i++) {
		cpu->msr[i] = hvmon_rdmsr(vmx_switched_msrs[i]);
		if (cpu->msr[i] != vmx->msr[i])
			hvmon_wrmsr(vmx_switched_msrs[i], vmx->msr[i]);
	}
	vmx->msr_loaded = true;
}

/**
 * vmx_msrs_section_end() - the host's MSRs come back
 * @vcpu: the vCPU
 * @cpu: this processor
 *
 * Only the GS base can be changed by a guest without an exit (SWAPGS).
 */
void vmx_msrs_section_end(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned int i;

	vmx->msr[VMX_MSR_KERNEL_GS] = hvmon_rdmsr(MSR_KERNEL_GS_BASE);
	vmx->msr_loaded = false;
	for (i = 0; i < VMX_NR_MSRS; i++)
		if (cpu->msr[i] != vmx->msr[i])
			hvmon_wrmsr(vmx_switched_msrs[i], cpu->msr[i]);
}

/**
 * vmx_sync() - bring to the processor what common code keeps
 * @vcpu: the vCPU
 * @cpu: this processor, in a section
 *
 * TPR, PAT, SPEC_CTRL, TSC_AUX, and the virtual-APIC page: at the section's start,
 * and in it when one was written since.
 */
void vmx_sync(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	vcpu->out_of_sync = false;
	vmx_give_tpr(vcpu);
	if (vcpu->virt_intr && vcpu->lapic->changed)
		vmx_apic_refresh(vcpu);
	vmx_set(vcpu, VMX_PAT, vcpu->msr.pat);
	if (vmx_hw.spec_ctrl)
		vmx->sw.spec_guest = vcpu->caps.spec_ctrl ? vcpu->msr.spec_ctrl :
							     vmx->sw.spec_host;
	if (vmx_hw.rdtscp && (vcpu->caps.rdtscp || vcpu->caps.rdpid) &&
	    cpu->tsc_aux_now != vcpu->msr.tsc_aux &&
	    !hvmon_wrmsr(MSR_TSC_AUX, vcpu->msr.tsc_aux))
		cpu->tsc_aux_now = vcpu->msr.tsc_aux;
}

/* ---- debug registers ---- */

static void load_dr(struct hvmon_vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	int i;

	/* A host breakpoint must not go off at the guest's address in here */
	native_set_debugreg(7, DR7_RESET);
	for (i = 0; i < 4; i++) {
		cpu->dr[i] = native_get_debugreg(i);
		native_set_debugreg(i, vmx->dr[i]);
	}
	native_set_debugreg(6, vmx->dr6);
	vmx->dr_loaded = true;
}

/**
 * vmx_dr_make_live() - the guest uses debug registers from now on
 * @vcpu: the vCPU
 *
 * Until the end of the first section that finds no breakpoint enabled in DR7.
 */
void vmx_dr_make_live(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	if (vmx->dr_live)
		return;
	vmx->dr_live = true;
	vmx_clear_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_MOV_DR);
	if (vcpu->in_section)
		load_dr(vmx, this_cpu_ptr(&vmx_cpus));
}

/**
 * vmx_dr_section_begin() - keep the host's debug registers, load the guest's
 * @vcpu: the vCPU
 * @cpu: this processor
 *
 * Entries load DR7 from the VMCS, exits save it there and leave 0x400 (28.3.1
 * and 28.5.1); DR6 and the addresses are nobody's but ours.
 */
void vmx_dr_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	cpu->dr6 = native_get_debugreg(6);
	cpu->dr7 = native_get_debugreg(7);
	cpu->debugctl = hvmon_rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (vcpu->vmx->dr_live)
		load_dr(vcpu->vmx, cpu);
}

void vmx_dr_section_end(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned long dr6;
	int i;

	if (vmx->dr_loaded) {
		dr6 = native_get_debugreg(6);
		vmx->dr6 = dr6;
		for (i = 0; i < 4; i++) {
			vmx->dr[i] = native_get_debugreg(i);
			native_set_debugreg(i, cpu->dr[i]);
		}
		vmx->dr_loaded = false;
		if (dr6 != cpu->dr6)
			native_set_debugreg(6, cpu->dr6);
		if (!(vmx_get(vcpu, VMX_DR7) & DR7_ENABLES)) {
			vmx->dr_live = false;
			vmx_set_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_MOV_DR);
		}
	}
	if (cpu->dr7 != DR7_RESET)
		native_set_debugreg(7, cpu->dr7);
	if (cpu->debugctl)
		hvmon_wrmsr(MSR_IA32_DEBUGCTLMSR, cpu->debugctl);
}

u64 vmx_get_dr(struct hvmon_vcpu *vcpu, int n)
{
	return vcpu->vmx->dr_loaded ? native_get_debugreg(n) : vcpu->vmx->dr[n];
}

void vmx_set_dr(struct hvmon_vcpu *vcpu, int n, u64 val)
{
	vcpu->vmx->dr[n] = val;
	if (vcpu->vmx->dr_loaded)
		native_set_debugreg(n, val);
}

/* ---- tables and selectors of the host ---- */

/* What is a processor's for good: its GDT, IDT, TSS and per-CPU area */
static void learn(struct vmx_cpu *cpu)
{
	const struct ldttss_desc *tss;

	native_store_gdt(&cpu->gdt);
	store_idt(&cpu->idt);
	tss = (void *)cpu->gdt.address + GDT_ENTRY_TSS * 8;
	cpu->tr_base = get_desc_base((const struct desc_struct *)tss) | (u64)tss->base3 << 32;
	cpu->gs_base = hvmon_rdmsr(MSR_GS_BASE);
	cpu->sysenter_esp = hvmon_rdmsr(MSR_IA32_SYSENTER_ESP);
	cpu->known = true;
}

/* The state-save fields hold selectors with RPL and TI clear only: 27.2.3 */
static u16 fit(u16 selector)
{
	return selector & 7 ? 0 : selector;
}

/**
 * vmx_host_section_begin() - what exits have to load
 * @vcpu: the vCPU
 * @cpu: this processor
 *
 * Selectors that an exit cannot load (a 32-bit launcher's, or its LDT's) are
 * loaded by vmx_host_section_end(): the kernel itself uses none of them.
 */
void vmx_host_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	if (unlikely(!cpu->known))
		learn(cpu);
	savesegment(ds, cpu->ds);
	savesegment(es, cpu->es);
	savesegment(fs, cpu->fs);
	savesegment(gs, cpu->gs);
	store_ldt(cpu->ldt);
	vmx_set(vcpu, VMX_HOST_DS_SELECTOR, fit(cpu->ds));
	vmx_set(vcpu, VMX_HOST_ES_SELECTOR, fit(cpu->es));
	vmx_set(vcpu, VMX_HOST_FS_SELECTOR, fit(cpu->fs));
	vmx_set(vcpu, VMX_HOST_GS_SELECTOR, fit(cpu->gs));
	cpu->fs_base = hvmon_rdmsr(MSR_FS_BASE);
	vmx_set(vcpu, VMX_HOST_FS_BASE, cpu->fs_base);
	vmx_set(vcpu, VMX_HOST_GS_BASE, cpu->gs_base);
	vmx_set(vcpu, VMX_HOST_TR_BASE, cpu->tr_base);
	vmx_set(vcpu, VMX_HOST_GDTR_BASE, cpu->gdt.address);
	vmx_set(vcpu, VMX_HOST_IDTR_BASE, cpu->idt.address);
	vmx_set(vcpu, VMX_HOST_SYSENTER_ESP, cpu->sysenter_esp);
	vmx_set(vcpu, VMX_HOST_CR0, read_cr0());
	vmx_set(vcpu, VMX_HOST_CR3, __read_cr3());
	vmx_set(vcpu, VMX_HOST_CR4, cpu->cr4 | X86_CR4_VMXE);
}

/* KERNEL_GS_BASE, which this changes, is restored after it */
static void load_gs_selector(u16 selector)
{
	asm volatile("swapgs\n\t"
		     "mov %0, %%gs\n\t"
		     "mfence\n\t"
		     "swapgs" : : "r" ((u32)selector) : "memory");
}

/**
 * vmx_host_section_end() - what exits leave other than they found it: 28.5.2
 * @cpu: this processor
 *
 * Table limits become 0xffff, the TSS's 0x67: the kernel loads the task
 * register again when a task with an I/O bitmap comes along.
 */
void vmx_host_section_end(struct vmx_cpu *cpu)
{
	native_load_gdt(&cpu->gdt);
	native_load_idt(&cpu->idt);
	this_cpu_write(__tss_limit_invalid, true);
	if (unlikely(cpu->ldt))
		asm volatile("lldt %w0" : : "q" (cpu->ldt));
	if (unlikely(cpu->ds & 7))
		asm volatile("mov %0, %%ds" : : "r" ((u32)cpu->ds));
	if (unlikely(cpu->es & 7))
		asm volatile("mov %0, %%es" : : "r" ((u32)cpu->es));
	if (unlikely(cpu->fs & 7)) {
		asm volatile("mov %0, %%fs" : : "r" ((u32)cpu->fs) : "memory");
		hvmon_wrmsr(MSR_FS_BASE, cpu->fs_base);
	}
	if (unlikely(cpu->gs & 7)) {
		load_gs_selector(cpu->gs);
		hvmon_wrmsr(MSR_KERNEL_GS_BASE, cpu->msr[VMX_MSR_KERNEL_GS]);
	}
}
