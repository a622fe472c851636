// SPDX-License-Identifier: GPL-2.0
/*
 * What neither VM entry nor VM exit switches, and what an exit leaves other
 * than the host had it: at a section's two ends.
 */
#include <linux/percpu.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
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

/*
 * SYSCALL's are those that the kernel writes, the same whenever a processor starts (but
 * CSTAR, which Intel's do not use and the kernel leaves alone); but another hypervisor
 * may have left its guest's there until the next return to user space, which the thread
 * has been told of, whoever it is: see user-return-notifier.h.
 */
static bool msrs_may_be_foreign(const struct vmx_cpu *cpu)
{
	return cpu->borrowed || test_thread_flag(TIF_USER_RETURN_NOTIFY);
}

static noinline void learn_msrs(struct vmx_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < VMX_MSR_KERNEL_GS; i++)
		cpu->msr[i] = hvmon_rdmsr(vmx_switched_msrs[i]);
	cpu->msrs_known = !msrs_may_be_foreign(cpu);
}

static __always_inline void load_msr(const struct hvmon_vmx_vcpu *vmx, const struct vmx_cpu *cpu,
				     enum vmx_switched_msr i)
{
	if (cpu->msr[i] != vmx->msr[i])
		hvmon_wrmsr(vmx_switched_msrs[i], vmx->msr[i]);
}

static __always_inline void unload_msr(const struct hvmon_vmx_vcpu *vmx,
				       const struct vmx_cpu *cpu, enum vmx_switched_msr i)
{
	if (cpu->msr[i] != vmx->msr[i])
		hvmon_wrmsr(vmx_switched_msrs[i], cpu->msr[i]);
}

/**
 * vmx_msrs_section_begin() - SYSCALL's MSRs and the other GS base become the guest's
 * @vcpu: the vCPU
 * @cpu: this processor
 */
void vmx_msrs_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	if (unlikely(!cpu->msrs_known || msrs_may_be_foreign(cpu)))
		learn_msrs(cpu);
	/* The launcher's own */
	cpu->msr[VMX_MSR_KERNEL_GS] = hvmon_rdmsr(MSR_KERNEL_GS_BASE);
	load_msr(vmx, cpu, VMX_MSR_STAR);
	load_msr(vmx, cpu, VMX_MSR_LSTAR);
	load_msr(vmx, cpu, VMX_MSR_CSTAR);
	load_msr(vmx, cpu, VMX_MSR_SFMASK);
	load_msr(vmx, cpu, VMX_MSR_KERNEL_GS);
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

	vmx->msr[VMX_MSR_KERNEL_GS] = hvmon_rdmsr(MSR_KERNEL_GS_BASE);
	vmx->msr_loaded = false;
	unload_msr(vmx, cpu, VMX_MSR_STAR);
	unload_msr(vmx, cpu, VMX_MSR_LSTAR);
	unload_msr(vmx, cpu, VMX_MSR_CSTAR);
	unload_msr(vmx, cpu, VMX_MSR_SFMASK);
	unload_msr(vmx, cpu, VMX_MSR_KERNEL_GS);
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

static noinline void unload_dr(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned long dr6 = native_get_debugreg(6);
	int i;

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

void vmx_dr_section_end(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	if (unlikely(vcpu->vmx->dr_loaded))
		unload_dr(vcpu, cpu);
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
static noinline void learn(struct vmx_cpu *cpu)
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

/* The vCPU has not been on this processor before, or elsewhere since */
static noinline void give_cpu(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	if (!cpu->known)
		learn(cpu);
	vmx_set(vcpu, VMX_HOST_GS_BASE, cpu->gs_base);
	vmx_set(vcpu, VMX_HOST_TR_BASE, cpu->tr_base);
	vmx_set(vcpu, VMX_HOST_GDTR_BASE, cpu->gdt.address);
	vmx_set(vcpu, VMX_HOST_IDTR_BASE, cpu->idt.address);
	vmx_set(vcpu, VMX_HOST_SYSENTER_ESP, cpu->sysenter_esp);
	vcpu->vmx->host_cpu = cpu;
}

static union vmx_selectors selectors(void)
{
	union vmx_selectors s;
	u32 ds, es, fs, gs;

	savesegment(ds, ds);
	savesegment(es, es);
	savesegment(fs, fs);
	savesegment(gs, gs);
	s.all = ds | es << 16 | (u64)(fs | gs << 16) << 32;
	return s;
}

/**
 * vmx_host_section_begin() - what exits have to load
 * @vcpu: the vCPU
 * @cpu: this processor
 *
 * The fields of the data segments' selectors are 0: nothing in the kernel uses these, and
 * one with RPL or TI set is not allowed there (27.2.3). Those of the launcher's thread, a
 * 32-bit one's above all, are loaded by vmx_host_section_end().
 */
void vmx_host_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu)
{
	if (unlikely(vcpu->vmx->host_cpu != cpu))
		give_cpu(vcpu, cpu);
	cpu->selectors = selectors();
	store_ldt(cpu->ldt);
	cpu->fs_base = x86_fsbase_read_cpu();
	vmx_set(vcpu, VMX_HOST_FS_BASE, cpu->fs_base);
	/* Natively: no paravirtual host has VT-x */
	vmx_set(vcpu, VMX_HOST_CR0, native_read_cr0());
	vmx_set(vcpu, VMX_HOST_CR3, __native_read_cr3());
	vmx_set(vcpu, VMX_HOST_CR4, cpu->cr4 | X86_CR4_VMXE);
}

/*
 * A thread may have selectors whose descriptors are gone or others by now: modify_ldt()
 * and set_thread_area() leave what is in the registers alone. These become 0, by the
 * kernel's own fixups, as they would at its next switch to the thread.
 */
static noinline void load_selectors(const struct vmx_cpu *cpu)
{
	const union vmx_selectors s = cpu->selectors;

	asm volatile("lldt %w0" : : "q" (cpu->ldt));
	loadsegment(ds, s.ds);
	loadsegment(es, s.es);
	if (s.fs) {
		loadsegment(fs, s.fs);
		hvmon_wrmsr(MSR_FS_BASE, cpu->fs_base);
	}
	if (s.gs) {
		native_load_gs_index(s.gs);
		hvmon_wrmsr(MSR_KERNEL_GS_BASE, cpu->msr[VMX_MSR_KERNEL_GS]);
	}
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
	if (unlikely(cpu->ldt || cpu->selectors.all))
		load_selectors(cpu);
}
