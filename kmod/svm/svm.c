// SPDX-License-Identifier: GPL-2.0
/*
 * AMD-V: the vendor contract, and sections, in which the processor is ours.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>

#include "../pt.h"
#include "svm.h"

struct svm_hw svm_hw;
DEFINE_PER_CPU(struct svm_cpu, svm_cpus);

static atomic64_t next_id = ATOMIC64_INIT(1);

/* ---- the processor, for one section ---- */

/*
 * With EFER.SVME clear nobody uses AMD-V: it is switched on for the section.
 * With SVME set KVM has the processor, and lends it: its host save area is put
 * back, and the TLB gets no entry of ours to keep.
 */
static int own_cpu(struct svm_cpu *cpu)
{
	int r;

	cpu->efer = hvmon_rdmsr(MSR_EFER);
	cpu->borrowed = cpu->efer & EFER_SVME;
	if (!cpu->borrowed) {
		r = hvmon_wrmsr(MSR_EFER, cpu->efer | EFER_SVME);
		if (r)
			return r;
	}
	cpu->old_hsave_pa = hvmon_rdmsr(MSR_VM_HSAVE_PA);
	r = hvmon_wrmsr(MSR_VM_HSAVE_PA, cpu->hsave_pa);
	if (r && !cpu->borrowed)
		hvmon_wrmsr(MSR_EFER, cpu->efer);
	return r;
}

static void disown_cpu(struct svm_cpu *cpu)
{
	hvmon_wrmsr(MSR_VM_HSAVE_PA, cpu->old_hsave_pa);
	if (!cpu->borrowed)
		hvmon_wrmsr(MSR_EFER, cpu->efer);
}

/*
 * Before a borrowed processor goes back. KVM hands out ASIDs upwards, flushes
 * all of them once when it starts over and relies on that: a guest of KVM's
 * that gets the highest one later would find translations of ours, that is,
 * memory of our guest. TLB_CONTROL acts at VMRUN alone (15.16.1), so one more
 * is made, of a guest that executes nothing: see svm_flush_vmcb_init(). An
 * owned processor needs none of this: whoever sets SVME later must not assume
 * anything about the TLB, KVM starts with a flush of all ASIDs, and our own
 * next section starts with one of ours.
 *
 * The section's own VMRUNs have shown that this one can only fail if the VMCB
 * is wrong. There is no other way to flush an ASID, so that would be said.
 */
static void flush_for_lender(struct svm_cpu *cpu)
{
	struct svm_vmcb *vmcb = cpu->host;

	/* TLB_CONTROL stays set: VMRUN reads it and leaves it alone */
	vmcb->exit_code = SVM_EXIT_INVALID;
	if (hvmon_svm_vmrun(cpu->host_pa) || (u32)vmcb->exit_code == SVM_EXIT_INVALID)
		pr_err_ratelimited("hvmon: TLB not flushed before the processor went back to KVM\n");
}

/*
 * DEBUGCTL is not switched by VMRUN without LBR virtualization (15.23): BTF
 * and LBR of the host's debugger or perf would act on the guest.
 */
static void debugctl_begin(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	u64 want = vcpu->msr.debugctl & DEBUGCTLMSR_BTF;

	cpu->restore_debugctl = false;
	cpu->debugctl = hvmon_rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (cpu->debugctl != want)
		cpu->restore_debugctl = !hvmon_wrmsr(MSR_IA32_DEBUGCTLMSR, want);
}

static void debugctl_end(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	u64 now;

	/* A debug exception clears BTF: 13.1.1.5 */
	if (unlikely(vcpu->msr.debugctl & DEBUGCTLMSR_BTF)) {
		now = hvmon_rdmsr(MSR_IA32_DEBUGCTLMSR);
		if (!(now & DEBUGCTLMSR_BTF)) {
			vcpu->msr.debugctl &= ~(u64)DEBUGCTLMSR_BTF;
			cpu->restore_debugctl |= now != cpu->debugctl;
		}
	}
	if (cpu->restore_debugctl)
		hvmon_wrmsr(MSR_IA32_DEBUGCTLMSR, cpu->debugctl);
}

/*
 * VMRUN loads DR6 and DR7 from the VMCB; an exit saves them there and leaves
 * DR7 without a breakpoint, DR6 as it was in the guest (15.6). They are read
 * here, not taken from the kernel's variables, which need not be in step; and
 * natively, for no paravirtual host has AMD-V.
 */
static void dr_begin(struct hvmon_svm_vcpu *svm, struct svm_cpu *cpu)
{
	cpu->dr6 = native_get_debugreg(6);
	cpu->dr7 = native_get_debugreg(7);
	if (svm->dr_live)
		svm_dr_load(svm, cpu);
}

static void dr_end(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	if (vcpu->svm->dr_loaded)
		svm_dr_unload(vcpu, cpu);
	/* The VMCB's may have been changed since the exit left it in DR6 */
	if (native_get_debugreg(6) != cpu->dr6)
		native_set_debugreg(6, cpu->dr6);
	if (cpu->dr7 & ~0x400UL)
		native_set_debugreg(7, cpu->dr7);
}

static void host_msrs_begin(struct svm_cpu *cpu, struct hvmon_svm_vcpu *svm)
{
	cpu->restore_tsc_aux = false;
	if (svm_hw.rdtscp) {
		cpu->tsc_aux = hvmon_rdmsr(MSR_TSC_AUX);
		cpu->tsc_aux_now = cpu->tsc_aux;
	}
	if (svm_hw.spec_ctrl)
		svm->sw.spec_host = hvmon_rdmsr(MSR_IA32_SPEC_CTRL);
}

/*
 * The register scales the TSC of whoever runs next; KVM leaves its last guest's
 * ratio there (15.30.5). It is not written for a guest at the host's rate on a
 * processor that nobody has lent.
 */
static void tsc_ratio_begin(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	u64 ratio = vcpu->vm->clock.tsc_ratio;

	cpu->tsc_ratio = 0;
	if (!svm_hw.tsc_ratio || (!ratio && !cpu->borrowed))
		return;
	cpu->tsc_ratio = hvmon_rdmsr(MSR_AMD64_TSC_RATIO);
	ratio = ratio ?: TSC_RATIO_ONE;
	if (cpu->tsc_ratio == ratio || hvmon_wrmsr(MSR_AMD64_TSC_RATIO, ratio))
		cpu->tsc_ratio = 0;
}

static void tsc_ratio_end(struct svm_cpu *cpu)
{
	if (cpu->tsc_ratio)
		hvmon_wrmsr(MSR_AMD64_TSC_RATIO, cpu->tsc_ratio);
}

/*
 * Predictions of one guest must not steer another. A guest of the lender's may
 * have run here since, but only if this thread was scheduled out.
 */
static void barrier_between_guests(struct svm_cpu *cpu, struct hvmon_svm_vcpu *svm)
{
	u64 switches = (u64)current->nvcsw + current->nivcsw;
	bool alone = !cpu->borrowed || cpu->last_switches == switches;

	cpu->last_switches = switches;
	if (cpu->last_vcpu == svm->id && alone)
		return;
	cpu->last_vcpu = svm->id;
	if (svm_hw.ibpb)
		hvmon_wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

/*
 * GIF is clear from here to the section's end, also while exits are handled:
 * NMIs wait, so that none sees the guest's XCR0, PKRU or host save area. A
 * pending one exits from the next VMRUN, and that exit ends the section.
 */
static int section_begin(struct hvmon_vcpu *vcpu)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	int r;

	r = own_cpu(cpu);
	if (r)
		return r;
	r = hvmon_svm_clgi(0);
	if (r)
		goto disown;
	r = hvmon_svm_vmsave(cpu->host_pa);
	if (r)
		goto set_gif;

	svm->sw.host_pa = cpu->host_pa;
	/* Another processor, or other guests in between: nothing is known */
	svm->vmcb->clean = 0;
	svm_flush(svm);
	host_msrs_begin(cpu, svm);
	tsc_ratio_begin(vcpu, cpu);
	debugctl_begin(vcpu, cpu);
	dr_begin(svm, cpu);
	svm_sync(vcpu, cpu);
	barrier_between_guests(cpu, svm);
	hvmon_fpu_section_begin(vcpu);
	return 0;

set_gif:
	hvmon_svm_stgi(0);
disown:
	disown_cpu(cpu);
	return r;
}

static void section_end(struct hvmon_vcpu *vcpu)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	hvmon_fpu_section_end(vcpu);
	/* Before the debug registers come back: an exit disables DR7 */
	if (cpu->borrowed) {
		flush_for_lender(cpu);
		/* KVM's guest may go on here without a barrier of KVM's */
		if (svm_hw.ibpb)
			hvmon_wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	}
	dr_end(vcpu, cpu);
	debugctl_end(vcpu, cpu);
	tsc_ratio_end(cpu);
	if (cpu->restore_tsc_aux)
		hvmon_wrmsr(MSR_TSC_AUX, cpu->tsc_aux);
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	/* Nor may a guest steer its launcher: the kernel has a barrier for it */
	if (boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
	hvmon_svm_stgi(0);
	disown_cpu(cpu);
	if (unlikely(svm->machine_check)) {
		svm->machine_check = false;
		hvmon_machine_check();
	}
}

/* A division by zero in the host must not show its dividend to the guest */
static __always_inline void clear_divider(void)
{
#ifdef X86_BUG_DIV0
	asm volatile(ALTERNATIVE("", "div %2", X86_BUG_DIV0)
		     : : "a" (0), "d" (0), "r" (1));
#endif
}

/*
 * One entry and one exit; kept short, since every exit pays for it. The host's
 * kernel counts the CPU as being in the guest here: no tracing.
 */
static noinstr int enter(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;
	struct hvmon_regs *regs = &vcpu->regs;
	int r;

	vmcb->save.rax = regs->gpr[HVMON_RAX];
	vmcb->save.rsp = regs->gpr[HVMON_RSP];
	vmcb->save.rip = regs->rip;
	vmcb->save.rflags = regs->rflags;

	clear_divider();
	r = hvmon_svm_enter(regs, &svm->sw);
	if (unlikely(r))
		return r;

	vmcb->clean = svm_hw.clean;
	vmcb->tlb_control = 0;
	regs->gpr[HVMON_RAX] = vmcb->save.rax;
	regs->gpr[HVMON_RSP] = vmcb->save.rsp;
	regs->rip = vmcb->save.rip;
	regs->rflags = vmcb->save.rflags;
	vcpu->exit.code = vmcb->exit_code;
	vcpu->exit.info1 = vmcb->exit_info1;
	vcpu->exit.info2 = vmcb->exit_info2;
	vcpu->exit.insn_len = 0;
	vcpu->exit.bytes_len = 0;
	vcpu->exit.no_memory = false;
	return 0;
}

/* ---- module, VM and vCPU ---- */

static void hw_exit(void)
{
	struct svm_cpu *c;
	int cpu;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&svm_cpus, cpu);
		free_page((unsigned long)c->host);
		free_page((unsigned long)c->hsave);
		c->host = NULL;
		c->hsave = NULL;
	}
	svm_maps_exit();
}

static void *cpu_page(int cpu)
{
	struct page *page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);

	return page ? page_address(page) : NULL;
}

static int hw_init(void)
{
	struct svm_cpu *c;
	int cpu, r;

	svm_detect(&svm_hw);
	r = svm_maps_init();
	if (r)
		return r;
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&svm_cpus, cpu);
		c->host = cpu_page(cpu);
		c->hsave = cpu_page(cpu);
		if (!c->host || !c->hsave) {
			hw_exit();
			return -ENOMEM;
		}
		c->host_pa = __sme_pa(c->host);
		c->hsave_pa = __sme_pa(c->hsave);
		svm_flush_vmcb_init(c->host);
	}
	return 0;
}

static void update_caps(struct hvmon_vcpu *vcpu)
{
	/* CPUID's first table may come before the control block */
	if (!vcpu->svm)
		return;
	if (svm_hw.rdtscp && !vcpu->caps.rdtscp)
		svm_intercept(vcpu->svm->vmcb, SVM_EXIT_RDTSCP);
	else
		svm_unintercept(vcpu->svm->vmcb, SVM_EXIT_RDTSCP);
}

static int vcpu_init(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);

	if (!svm)
		return -ENOMEM;
	svm->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb) {
		kfree(svm);
		return -ENOMEM;
	}
	svm->sw.vmcb_pa = __sme_pa(svm->vmcb);
	svm->id = atomic64_inc_return(&next_id);
	vcpu->svm = svm;
	svm_vmcb_init(vcpu);
	update_caps(vcpu);
	return 0;
}

static void vcpu_fini(struct hvmon_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->svm->vmcb);
	kfree(vcpu->svm);
	vcpu->svm = NULL;
}

static void set_root(struct hvmon_vcpu *vcpu, u64 root)
{
	vcpu->svm->vmcb->n_cr3 = root;
	svm_dirty(vcpu->svm->vmcb, SVM_CLEAN_NP);
	svm_flush(vcpu->svm);
}

static void flush_tlb(struct hvmon_vcpu *vcpu)
{
	svm_flush(vcpu->svm);
}

static void set_tsc_offset(struct hvmon_vcpu *vcpu, u64 offset)
{
	vcpu->svm->vmcb->tsc_offset = offset;
	svm_dirty(vcpu->svm->vmcb, SVM_CLEAN_I);
}

const struct hvmon_vendor_ops hvmon_svm_ops = {
	.name		= "AMD-V",
	.id		= HVMON_VENDOR_SVM,
	.tdp_fmt	= &hvmon_npt_fmt,
	.probe		= svm_probe,
	.hw_init	= hw_init,
	.hw_exit	= hw_exit,
	.vcpu_init	= vcpu_init,
	.vcpu_fini	= vcpu_fini,
	.vcpu_reset	= svm_vcpu_reset,
	.section_begin	= section_begin,
	.section_end	= section_end,
	.enter		= enter,
	.handle_exit	= svm_handle_exit,
	.get_state	= svm_get_state,
	.set_state	= svm_set_state,
	.get_reg	= svm_get_reg,
	.set_reg	= svm_set_reg,
	.get_seg	= svm_get_seg,
	.seg_base	= svm_seg_base,
	.set_seg	= svm_set_seg,
	.get_paging	= svm_get_paging,
	.get_msr	= svm_get_msr,
	.set_msr	= svm_set_msr,
	.cpl		= svm_cpl,
	.code_bits	= svm_code_bits,
	.get_code	= svm_get_code,
	.can_inject	= svm_can_inject,
	.nmi_blocked	= svm_nmi_blocked,
	.inject		= svm_inject,
	.open_window	= svm_open_window,
	.skip_insn	= svm_skip_insn,
	.set_root	= set_root,
	.flush_tlb	= flush_tlb,
	.update_caps	= update_caps,
	.set_tsc_offset	= set_tsc_offset,
};
