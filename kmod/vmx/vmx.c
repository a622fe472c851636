// SPDX-License-Identifier: GPL-2.0
/*
 * VT-x: the vendor contract, and sections, in which the processor is ours.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "../cpuid.h"
#include "../pt.h"
#include "vmx.h"

#define NO_VMCS		(~0ULL)

struct vmx_hw vmx_hw;
DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);

static char *l1d_flush = "auto";
module_param(l1d_flush, charp, 0444);
MODULE_PARM_DESC(l1d_flush,
		 "Flush the L1 data cache before guests run: auto (where L1TF is mitigated), always, never");

static atomic64_t next_id = ATOMIC64_INIT(1);

/* ---- instructions: 0, or -EIO if they fault or fail ---- */

/* CF: no current VMCS; ZF: an error; both are failures (31.2) */
#define VMX_INSN(insn, operand)						\
({									\
	int _r = -EIO;							\
									\
	asm volatile("1: " insn " %1\n\t"				\
		     "jbe 2f\n\t"					\
		     "xorl %0, %0\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE(1b, 2b)				\
		     : "+r" (_r) : "m" (operand) : "cc", "memory");	\
	_r;								\
})

static int vmxon(const u64 *pa)
{
	return VMX_INSN("vmxon", *pa);
}

static int vmptrld(const u64 *pa)
{
	return VMX_INSN("vmptrld", *pa);
}

static int vmclear(const u64 *pa)
{
	return VMX_INSN("vmclear", *pa);
}

static int store_pointer(u64 *pa)
{
	int r = -EIO;

	asm volatile("1: vmptrst %1\n\t"
		     "xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (r), "=m" (*pa) : : "cc");
	return r;
}

static void leave_vmx(void)
{
	asm volatile("1: vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
}

#define INVEPT_SINGLE	1
#define INVEPT_ALL	2

/* 31.3, INVEPT */
static noinstr void flush_ept(struct hvmon_vmx_vcpu *vmx)
{
	u64 type = vmx_hw.ept_vpid & VMX_EPT_INVEPT_SINGLE ? INVEPT_SINGLE : INVEPT_ALL;

	vmx->invept.eptp = vmx->field[VMX_EPTP];
	asm volatile("1: invept %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "m" (vmx->invept), "r" (type) : "cc", "memory");
}

/* The kernel's copy of CR4 need not know: the bit does not outlive the section */
static void write_cr4(unsigned long val)
{
	asm volatile("mov %0, %%cr4" : : "r" (val) : "memory");
}

/* ---- the processor, for one section ---- */

/*
 * With CR4.VMXE clear nobody uses VT-x: VMX operation is entered for the
 * section. With VMXE set KVM has the processor, and lends it: VMX operation
 * stays, and its VMCS becomes the current one again at the end.
 */
static int own_cpu(struct vmx_cpu *cpu)
{
	int r;

	cpu->cr4 = __read_cr4();
	cpu->borrowed = cpu->cr4 & X86_CR4_VMXE;
	if (cpu->borrowed) {
		r = store_pointer(&cpu->old_vmcs);
		if (r)
			pr_err_ratelimited("hvmon: VMPTRST failed on CPU %u: CR4.VMXE is set there, but it is not in VMX operation\n",
					   smp_processor_id());
		return r;
	}
	write_cr4(cpu->cr4 | X86_CR4_VMXE);
	r = vmxon(&cpu->region_pa);
	if (r) {
		write_cr4(cpu->cr4);
		pr_err_ratelimited("hvmon: VMXON failed on CPU %u: the region's revision is 0x%x, the processor's 0x%x\n",
				   smp_processor_id(), *(u32 *)cpu->region, vmx_hw.revision);
	}
	return r;
}

static void disown_cpu(struct vmx_cpu *cpu)
{
	if (!cpu->borrowed) {
		leave_vmx();
		write_cr4(cpu->cr4);
	} else if (cpu->old_vmcs != NO_VMCS) {
		vmptrld(&cpu->old_vmcs);
	}
}

static int make_current(struct hvmon_vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	int r = own_cpu(cpu);

	if (r)
		return r;
	r = vmptrld(&vmx->vmcs_pa);
	if (r) {
		disown_cpu(cpu);
		pr_err_ratelimited("hvmon: VMPTRLD failed: the VMCS's revision is 0x%x, the processor's 0x%x\n",
				   *(u32 *)vmx->vmcs, vmx_hw.revision);
		return r;
	}
	vmx->current_here = true;
	return 0;
}

/* VMCLEAR: the next section may be on another processor (25.11.1) */
static void release(struct hvmon_vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	vmclear(&vmx->vmcs_pa);
	vmx->current_here = false;
	vmx->sw.launched = 0;
	disown_cpu(cpu);
}

static noinline void fetch_outside(struct hvmon_vmx_vcpu *vmx)
{
	struct vmx_cpu *cpu;
	unsigned long flags;

	local_irq_save(flags);
	cpu = this_cpu_ptr(&vmx_cpus);
	if (make_current(vmx, cpu)) {
		pr_err_ratelimited("hvmon: VMX operation cannot be entered: state of a guest is stale\n");
	} else {
		vmx_fetch_all(vmx);
		release(vmx, cpu);
	}
	local_irq_restore(flags);
}

/**
 * vmx_fetch() - a field that the cache does not have
 * @vcpu: the vCPU
 * @field: which
 *
 * Outside a section the processor is borrowed for as long as it takes to read
 * all fields: whoever wants one mostly wants more.
 *
 * Return: its value.
 */
u64 vmx_fetch(struct hvmon_vcpu *vcpu, enum vmx_field field)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	if (likely(vmx->current_here)) {
		vmx->field[field] = vmx_vmread(field);
		__set_bit(field, vmx->valid);
	} else {
		fetch_outside(vmx);
	}
	return vmx->field[field];
}

/*
 * Predictions of one guest must not steer another. A guest of the lender's may
 * have run here since, but only if this thread was scheduled out.
 */
static void barrier_between_guests(struct vmx_cpu *cpu, struct hvmon_vmx_vcpu *vmx)
{
	u64 switches = (u64)current->nvcsw + current->nivcsw;
	bool alone = !cpu->borrowed || cpu->last_switches == switches;

	cpu->last_switches = switches;
	if (cpu->last_vcpu == vmx->id && alone)
		return;
	cpu->last_vcpu = vmx->id;
	if (vmx_hw.ibpb)
		hvmon_wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

/*
 * What the host has in the cache could be read by a guest on a processor with
 * L1TF. It has run other code before every section, if only an interrupt's.
 */
static void flush_l1d(void)
{
	if (!vmx_hw.l1d_flush)
		return;
	if (vmx_hw.l1d_pages)
		hvmon_vmx_flush_l1d(vmx_hw.l1d_pages);
	else
		hvmon_wrmsr(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}

static void host_msrs_begin(struct vmx_cpu *cpu, struct hvmon_vmx_vcpu *vmx)
{
	if (vmx_hw.rdtscp) {
		cpu->tsc_aux = hvmon_rdmsr(MSR_TSC_AUX);
		cpu->tsc_aux_now = cpu->tsc_aux;
	}
	if (vmx_hw.spec_ctrl)
		vmx->sw.spec_host = hvmon_rdmsr(MSR_IA32_SPEC_CTRL);
	cpu->pebs_enable = 0;
	/* Its buffer's addresses mean nothing in a guest: 20.3.9.3 */
	if (vmx_hw.pebs && !hvmon_rdmsr_safe(MSR_IA32_PEBS_ENABLE, &cpu->pebs_enable) &&
	    cpu->pebs_enable)
		hvmon_wrmsr(MSR_IA32_PEBS_ENABLE, 0);
}

static int section_begin(struct hvmon_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	int r;

	/* From memory, which may have to be waited for: before any event is prepared */
	if (unlikely(vmx->pdptrs_stale)) {
		vcpu->exit.code = VMX_PSEUDO_PDPTRS;
		return HVMON_LATER;
	}
	r = make_current(vmx, cpu);
	if (r)
		return r;
	/*
	 * Mappings are tagged by the EPT pointer (29.4.1), and all vCPUs share
	 * a VPID: what others left, or what has been taken away, goes here.
	 */
	vmx->flush = true;
	vmx->sw.host_rsp = 0;
	vmx_host_section_begin(vcpu, cpu);
	host_msrs_begin(cpu, vmx);
	vmx_dr_section_begin(vcpu, cpu);
	vmx_msrs_section_begin(vcpu, cpu);
	if (vcpu->virt_intr)
		vmx_apic_section_begin(vcpu);
	vmx_pml_section_begin(vcpu);
	vmx_sync(vcpu, cpu);
	vmx_events_section_begin(vcpu);
	barrier_between_guests(cpu, vmx);
	hvmon_fpu_section_begin(vcpu);
	flush_l1d();
	return 0;
}

static void section_end(struct hvmon_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	hvmon_fpu_section_end(vcpu);
	if (vmx->pml_on)
		vmx_pml_drain(vcpu);
	if (vcpu->virt_intr)
		vmx_apic_section_end(vcpu);
	vmx_dr_section_end(vcpu, cpu);
	vmx_msrs_section_end(vcpu, cpu);
	if (vmx_hw.rdtscp && cpu->tsc_aux_now != cpu->tsc_aux)
		hvmon_wrmsr(MSR_TSC_AUX, cpu->tsc_aux);
	if (unlikely(cpu->pebs_enable))
		hvmon_wrmsr(MSR_IA32_PEBS_ENABLE, cpu->pebs_enable);
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	/* Nor may a guest steer its launcher: the kernel has a barrier for it */
	if (boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
	/* KVM's guest may go on here without a barrier of KVM's */
	if (cpu->borrowed && vmx_hw.ibpb)
		hvmon_wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	vmx_host_section_end(cpu);
	release(vmx, cpu);
	/*
	 * NMIs have been blocked since the exit; the handler's IRET unblocks
	 * them, as it does for any NMI (28.2, 7.7.1).
	 */
	if (unlikely(vmx->nmi)) {
		vmx->nmi = false;
		asm volatile("int $2");
	}
	if (unlikely(vmx->machine_check)) {
		vmx->machine_check = false;
		hvmon_machine_check();
	}
}

/* ---- entry ---- */

/* Exit reasons that have a qualification (28.2.1) */
#define QUALIFIED	(BIT_ULL(VMX_REASON_EXCEPTION_NMI) | BIT_ULL(VMX_REASON_TASK_SWITCH) | \
			 BIT_ULL(VMX_REASON_CR) | BIT_ULL(VMX_REASON_DR) |		\
			 BIT_ULL(VMX_REASON_IO) | BIT_ULL(VMX_REASON_INVALID_STATE) |	\
			 BIT_ULL(VMX_REASON_MSR_LOAD) | BIT_ULL(VMX_REASON_EPT_VIOLATION) | \
			 BIT_ULL(VMX_REASON_APIC_ACCESS) | BIT_ULL(VMX_REASON_EOI) |	\
			 BIT_ULL(VMX_REASON_APIC_WRITE) | BIT_ULL(VMX_REASON_PML_FULL))

/* A field that is always known; the VMCS gets it now */
static __always_inline void give_now(struct hvmon_vmx_vcpu *vmx, enum vmx_field field, u64 val)
{
	if (vmx->field[field] == val)
		return;
	vmx->field[field] = val;
	vmx_vmwrite(field, val);
}

/* One of VMX_EAGER_FIELDS */
static __always_inline u64 fetch_now(struct hvmon_vmx_vcpu *vmx, enum vmx_field field)
{
	return vmx->field[field] = vmx_vmread(field);
}

/*
 * The run ends when the LAPIC's timer is due, by itself: no timer of the host's.
 * With a timer of 0 it would end before the first instruction (26.5.1), and a
 * periodic one that is due again whenever it has been handled would keep the
 * guest from ever getting further.
 */
static __always_inline void set_timer(struct hvmon_vcpu *vcpu)
{
	u64 now, due = vcpu->deadline_tsc;
	u32 ticks = vmx_hw.run_limit;

	if (due) {
		now = rdtsc();
		if ((s64)(due - now) < vmx_hw.run_least)
			due = now + vmx_hw.run_least;
		ticks = min(ticks, vmx_timer_ticks(now, due, vmx_hw.misc & VMX_MISC_TIMER_SHIFT));
	}
	give_now(vcpu->vmx, VMX_PREEMPT_TIMER, ticks);
}

static_assert(BITS_TO_LONGS(VMX_NR_FIELDS) == 2);

/*
 * One entry and one exit; kept short, since every exit pays for it. The host's
 * kernel counts the CPU as being in the guest here: no tracing.
 */
static noinstr int enter(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	struct hvmon_regs *regs = &vcpu->regs;
	u32 reason;

	vcpu->exit.insn_len = 0;
	vcpu->exit.bytes_len = 0;
	vcpu->exit.no_memory = false;
	vcpu->exit.info1 = 0;
	vcpu->exit.info2 = 0;
	give_now(vmx, VMX_RSP, regs->gpr[HVMON_RSP]);
	give_now(vmx, VMX_RIP, regs->rip);
	give_now(vmx, VMX_RFLAGS, regs->rflags);
	set_timer(vcpu);
	if (unlikely(vmx->dirty[0] | vmx->dirty[1]))
		vmx_flush_dirty(vmx);
	if (vmx->flush) {
		vmx->flush = false;
		flush_ept(vmx);
	}
	if (unlikely(hvmon_vmx_enter(regs, &vmx->sw))) {
		/* The guest's state is as it was written */
		vcpu->exit.code = VMX_PSEUDO_FAILED;
		vcpu->exit.info1 = vmx_vmread(VMX_INSTRUCTION_ERROR);
		return 0;
	}
	vmx->injecting = false;
	vmx_forget(vmx);
	regs->gpr[HVMON_RSP] = fetch_now(vmx, VMX_RSP);
	regs->rip = fetch_now(vmx, VMX_RIP);
	regs->rflags = fetch_now(vmx, VMX_RFLAGS);
	reason = vmx_vmread(VMX_EXIT_REASON);
	vcpu->exit.code = reason;
	reason &= VMX_REASON_MASK;
	if (reason < 64 && BIT_ULL(reason) & QUALIFIED)
		vcpu->exit.info1 = vmx_vmread(VMX_EXIT_QUALIFICATION);
	return 0;
}

/* ---- module, VM and vCPU ---- */

/* A page whose first word is the revision, as VMXON and VMPTRLD want it */
static void *revision_page(int node, gfp_t gfp)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_ZERO, 0);

	if (!page)
		return NULL;
	*(u32 *)page_address(page) = vmx_hw.revision;
	return page_address(page);
}

static void hw_exit(void)
{
	struct vmx_cpu *c;
	int cpu;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&vmx_cpus, cpu);
		free_page((unsigned long)c->region);
		c->region = NULL;
	}
	free_pages((unsigned long)vmx_hw.l1d_pages, VMX_L1D_ORDER);
	vmx_hw.l1d_pages = NULL;
	vmx_msr_bitmap_exit();
}

static int l1d_init(void)
{
	if (!strcmp(l1d_flush, "auto"))
		vmx_hw.l1d_flush = boot_cpu_has_bug(X86_BUG_L1TF) && !cpu_mitigations_off();
	else if (!strcmp(l1d_flush, "always"))
		vmx_hw.l1d_flush = true;
	else if (strcmp(l1d_flush, "never"))
		return -EINVAL;
	if (!vmx_hw.l1d_flush || boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return 0;
	vmx_hw.l1d_pages = (void *)__get_free_pages(GFP_KERNEL, VMX_L1D_ORDER);
	if (!vmx_hw.l1d_pages)
		return -ENOMEM;
	memset(vmx_hw.l1d_pages, 0x5a, PAGE_SIZE << VMX_L1D_ORDER);
	return 0;
}

/* Instructions that raise #UD in every guest if a control is missing: 26.3 */
static void withhold_features(void)
{
	if (!vmx_has2(VMX_PROC2_RDTSCP)) {
		hvmon_cpuid_withhold(0x80000001, 0, HVMON_CPUID_EDX, 27);
		hvmon_cpuid_withhold(7, 0, HVMON_CPUID_ECX, 22);	/* RDPID */
	}
	if (!vmx_has2(VMX_PROC2_INVPCID))
		hvmon_cpuid_withhold(7, 0, HVMON_CPUID_EBX, 10);
	if (!vmx_has2(VMX_PROC2_XSAVES))
		hvmon_cpuid_withhold(0xd, 1, HVMON_CPUID_EAX, 3);
}

static int hw_init(void)
{
	struct vmx_cpu *c;
	int cpu, r;

	vmx_detect(&vmx_hw);
	withhold_features();
	vmx_apic_detect();
	vmx_pml_detect();
	vmx_ept_init();
	r = vmx_msr_bitmap_init();
	if (r)
		return r;
	r = l1d_init();
	if (r) {
		hw_exit();
		return r;
	}
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&vmx_cpus, cpu);
		c->region = revision_page(cpu_to_node(cpu), GFP_KERNEL);
		if (!c->region) {
			hw_exit();
			return -ENOMEM;
		}
		c->region_pa = __pa(c->region);
	}
	return 0;
}

/* What the guest's CPUID does not show raises #UD */
static void update_caps(struct hvmon_vcpu *vcpu)
{
	u32 proc2;

	/* CPUID's first table may come before the VMCS */
	if (!vcpu->vmx)
		return;
	proc2 = vmx_get(vcpu, VMX_PROC2_CTLS) &
		~(VMX_PROC2_RDTSCP | VMX_PROC2_INVPCID | VMX_PROC2_XSAVES);
	if (vcpu->caps.rdtscp || vcpu->caps.rdpid)
		proc2 |= VMX_PROC2_RDTSCP;
	if (vcpu->caps.pcid)
		proc2 |= VMX_PROC2_INVPCID;
	/* XSS is always 0, so that none of them exits: 26.1.3 */
	if (vcpu->caps.xsaves)
		proc2 |= VMX_PROC2_XSAVES;
	vmx_set(vcpu, VMX_PROC2_CTLS, vmx_adjust(vmx_hw.proc2, proc2));
}

static void vcpu_fini(struct hvmon_vcpu *vcpu)
{
	vmx_pml_fini(vcpu);
	vmx_apic_fini(vcpu);
	free_page((unsigned long)vcpu->vmx->vmcs);
	kfree(vcpu->vmx);
	vcpu->vmx = NULL;
}

static int vcpu_init(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);
	unsigned long flags;
	struct vmx_cpu *cpu;
	int r;

	if (!vmx)
		return -ENOMEM;
	vmx->vmcs = revision_page(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs) {
		kfree(vmx);
		return -ENOMEM;
	}
	vmx->vmcs_pa = __pa(vmx->vmcs);
	vmx->id = atomic64_inc_return(&next_id);
	/* Its launch state has to be made "clear" before the first use: 25.11.3 */
	local_irq_save(flags);
	cpu = this_cpu_ptr(&vmx_cpus);
	r = own_cpu(cpu);
	if (!r) {
		r = vmclear(&vmx->vmcs_pa);
		disown_cpu(cpu);
	}
	local_irq_restore(flags);
	if (r) {
		free_page((unsigned long)vmx->vmcs);
		kfree(vmx);
		return r;
	}
	vcpu->vmx = vmx;
	r = vmx_apic_init(vcpu) ?: vmx_pml_init(vcpu);
	if (r) {
		vcpu_fini(vcpu);
		return r;
	}
	vmx_vmcs_init(vcpu);
	update_caps(vcpu);
	vmx_apic_update(vcpu);
	return 0;
}

static void set_root(struct hvmon_vcpu *vcpu, u64 root)
{
	vmx_set(vcpu, VMX_EPTP, root);
	vcpu->vmx->flush = true;
}

static void flush_tlb(struct hvmon_vcpu *vcpu)
{
	vcpu->vmx->flush = true;
}

static void set_tsc_offset(struct hvmon_vcpu *vcpu, u64 offset)
{
	vmx_set(vcpu, VMX_TSC_OFFSET, offset);
}

const struct hvmon_vendor_ops hvmon_vmx_ops = {
	.name		= "VT-x",
	.id		= HVMON_VENDOR_VMX,
	.tdp_fmt	= &hvmon_ept_fmt,
	.probe		= vmx_probe,
	.hw_init	= hw_init,
	.hw_exit	= hw_exit,
	.vcpu_init	= vcpu_init,
	.vcpu_fini	= vcpu_fini,
	.vcpu_reset	= vmx_vcpu_reset,
	.section_begin	= section_begin,
	.section_end	= section_end,
	.enter		= enter,
	.handle_exit	= vmx_handle_exit,
	.get_state	= vmx_get_state,
	.set_state	= vmx_set_state,
	.get_reg	= vmx_get_reg,
	.set_reg	= vmx_set_reg,
	.get_seg	= vmx_get_seg,
	.seg_base	= vmx_seg_base,
	.set_seg	= vmx_set_seg,
	.get_paging	= vmx_get_paging,
	.load_pdptrs	= vmx_load_pdptrs,
	.get_msr	= vmx_get_msr,
	.set_msr	= vmx_set_msr,
	.cpl		= vmx_cpl,
	.code_bits	= vmx_code_bits,
	.get_code	= vmx_get_code,
	.can_inject	= vmx_can_inject,
	.nmi_blocked	= vmx_nmi_blocked,
	.inject		= vmx_inject,
	.open_window	= vmx_open_window,
	.skip_insn	= vmx_skip_insn,
	.set_root	= set_root,
	.flush_tlb	= flush_tlb,
	.update_caps	= update_caps,
	.set_tsc_offset	= set_tsc_offset,
	.apic_changed	= vmx_apic_update,
	.post_irr	= vmx_post_irr,
};
