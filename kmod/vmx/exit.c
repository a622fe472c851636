// SPDX-License-Identifier: GPL-2.0
/*
 * Decodes exits into the neutral calls of kmod/exit.c, which decide. Handlers
 * return what those return, or HVMON_LEAVE where the host waits (hvmon.h).
 */
#include <linux/nospec.h>
#include <asm/processor-flags.h>

#include "../lapic.h"
#include "../pt.h"
#include "vmx.h"

/* ---- instructions ---- */

/* A handler that is called again, after the section, knows it already */
static void know_len(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_section)
		vcpu->exit.insn_len = vmx_vmread(VMX_EXIT_INSN_LEN);
}

/* RIP has been moved on from @old; @blocked is the interruptibility state */
static __always_inline int skipped(struct hvmon_vcpu *vcpu, u64 old, u64 blocked)
{
	if (unlikely(blocked & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS)))
		vmx_set(vcpu, VMX_INTERRUPTIBILITY,
			blocked & ~(u64)(VMX_BLOCK_STI | VMX_BLOCK_MOVSS));
	if (unlikely((vcpu->regs.rip ^ old) >> 32 | (vcpu->regs.rflags & X86_EFLAGS_TF)))
		return hvmon_skip_end(vcpu);
	return HVMON_RESUME;
}

static noinline int skipped_outside(struct hvmon_vcpu *vcpu, u64 old)
{
	return skipped(vcpu, old, vmx_get(vcpu, VMX_INTERRUPTIBILITY));
}

/**
 * vmx_skip_insn() - the instruction that exited is done
 * @vcpu: the vCPU, with exit.insn_len set
 *
 * Return: HVMON_RESUME.
 */
int vmx_skip_insn(struct hvmon_vcpu *vcpu)
{
	u64 old = vcpu->regs.rip;

	vcpu->regs.rip = old + vcpu->exit.insn_len;
	if (unlikely(!vcpu->in_section))
		return skipped_outside(vcpu, old);
	return skipped(vcpu, old, vmx_peek(vcpu, VMX_INTERRUPTIBILITY));
}

static int exit_cpuid(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return hvmon_exit_cpuid(vcpu);
}

static int exit_rdmsr(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return hvmon_exit_rdmsr(vcpu);
}

/* Does the processor have to be told what the exit has changed? */
static bool out_of_sync(const struct hvmon_vcpu *vcpu)
{
	return vcpu->out_of_sync || (vcpu->virt_intr && vcpu->lapic->changed);
}

static int exit_wrmsr(struct hvmon_vcpu *vcpu)
{
	int r;

	know_len(vcpu);
	r = hvmon_exit_wrmsr(vcpu);
	if (unlikely(out_of_sync(vcpu)) && vcpu->in_section)
		vmx_sync(vcpu, this_cpu_ptr(&vmx_cpus));
	return r;
}

static int exit_hlt(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return hvmon_exit_hlt(vcpu);
}

static int exit_vmcall(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return hvmon_exit_hypercall(vcpu);
}

static int exit_xsetbv(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return hvmon_exit_xsetbv(vcpu);
}

/* Does nothing, as far as the guest can tell: its memory is cached coherently */
static int exit_nop(struct hvmon_vcpu *vcpu)
{
	know_len(vcpu);
	return vmx_skip_insn(vcpu);
}

static int exit_ud(struct hvmon_vcpu *vcpu)
{
	hvmon_inject_ud(vcpu);
	return HVMON_RESUME;
}

/* There are no performance counters */
static int exit_rdpmc(struct hvmon_vcpu *vcpu)
{
	hvmon_inject_gp(vcpu);
	return HVMON_RESUME;
}

/* A wait for a write that ends at once is within what MWAIT may do */
static int exit_mwait(struct hvmon_vcpu *vcpu)
{
	return vcpu->caps.mwait ? exit_nop(vcpu) : exit_ud(vcpu);
}

/**
 * vmx_io_info() - qualification of an I/O instruction: table 28-5
 * @qualification: the field
 *
 * Return: the access.
 */
struct hvmon_pio_info vmx_io_info(u64 qualification)
{
	return (struct hvmon_pio_info) {
		.port = qualification >> 16,
		.size = (qualification & 7) + 1,
		.in = qualification & BIT(3),
		.string = qualification & BIT(4),
	};
}

static int exit_io(struct hvmon_vcpu *vcpu)
{
	vcpu->pio = vmx_io_info(vcpu->exit.info1);
	know_len(vcpu);
	/* If the launcher answers, the skip comes after the section */
	vmx_get(vcpu, VMX_INTERRUPTIBILITY);
	if (vcpu->pio.string && vcpu->in_section)
		vmx_fetch_for_emulation(vcpu);
	return hvmon_exit_pio(vcpu);
}

/* ---- control and debug registers: table 28-3 ---- */

enum { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/* Do the PDPTEs have to be loaded when CR0 or CR4 becomes this? 4.4.1 */
static bool loads_pdptrs(struct hvmon_vcpu *vcpu, int cr, u64 val)
{
	u64 cr0 = cr == 0 ? val : vmx_get_reg(vcpu, HVMON_REG_CR0);
	u64 cr4 = cr == 4 ? val : vmx_get_reg(vcpu, HVMON_REG_CR4);
	u64 efer = vmx_get_reg(vcpu, HVMON_REG_EFER);

	return cr != 8 && cr0 & X86_CR0_PG && cr4 & X86_CR4_PAE && !(efer & EFER_LME);
}

static int write_cr(struct hvmon_vcpu *vcpu, int cr, u64 val)
{
	bool pdptrs = loads_pdptrs(vcpu, cr, val);
	u64 old = hvmon_get_cr(vcpu, cr);
	int r;

	if (pdptrs && vcpu->in_section)
		return HVMON_LATER;
	r = hvmon_set_cr(vcpu, cr, val);
	if (!r && pdptrs && !vmx_load_pdptrs(vcpu)) {
		hvmon_set_cr(vcpu, cr, old);
		r = -EINVAL;
	}
	if (r == -EINVAL) {
		hvmon_inject_gp(vcpu);
		return HVMON_RESUME;
	}
	return r < 0 ? r : vmx_skip_insn(vcpu);
}

static int exit_cr(struct hvmon_vcpu *vcpu)
{
	u64 qualification = vcpu->exit.info1, cr0;
	u64 *gpr = &vcpu->regs.gpr[qualification >> 8 & 15];
	int cr = qualification & 15;

	know_len(vcpu);
	vcpu->stats.other += vcpu->in_section;
	switch (qualification >> 4 & 3) {
	case CR_MOV_TO:
		return write_cr(vcpu, cr, vmx_code_bits(vcpu) == 64 ? *gpr : (u32)*gpr);
	case CR_MOV_FROM:
		*gpr = hvmon_get_cr(vcpu, cr);
		return vmx_skip_insn(vcpu);
	case CR_CLTS:
		return write_cr(vcpu, 0, hvmon_get_cr(vcpu, 0) & ~X86_CR0_TS);
	default:
		/* LMSW sets PE, but does not clear it */
		cr0 = hvmon_get_cr(vcpu, 0);
		return write_cr(vcpu, 0, (cr0 & ~0xeULL) | (qualification >> 16 & 15));
	}
}

/* The first use of a debug register: from now on it needs no exit */
static int exit_dr(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	vmx_dr_make_live(vcpu);
	return HVMON_RESUME;
}

/* ---- exceptions, and the host's and the guest's interrupts ---- */

/*
 * An IRET that faulted had unblocked NMIs already: they are blocked until it
 * succeeds (28.2.3).
 */
static void iret_faulted(struct hvmon_vcpu *vcpu)
{
	if (!vcpu->in_flight.valid)
		vmx_set_bits(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_NMI);
}

/*
 * INT1 is a trap that leaves DR6 alone, but RIP is where the instruction is (28.3.3). It is
 * delivered as what it is: the processor adds its length.
 */
static int exit_int1(struct hvmon_vcpu *vcpu, u32 info)
{
	vcpu->stats.exceptions++;
	vmx_decode_event(info, 0, vmx_get(vcpu, VMX_EXIT_INSN_LEN), &vcpu->in_flight);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return HVMON_RESUME;
}

static int exit_db(struct hvmon_vcpu *vcpu, u32 info)
{
	u64 causes = vcpu->exit.info1 & (DR_TRAP_BITS | BIT(13) | DR_STEP);

	vcpu->stats.other++;
	/* A debug exception clears BTF: 18.4.4 */
	vcpu->msr.debugctl &= ~(u64)DEBUGCTLMSR_BTF;
	vmx_set(vcpu, VMX_DEBUGCTL, vcpu->msr.debugctl);
	if ((info & VMX_INTR_TYPE_MASK) >> VMX_INTR_TYPE_SHIFT == HVMON_EV_PRIV_SW)
		return exit_int1(vcpu, info);
	hvmon_queue_exception(vcpu, 1, false, 0, causes);
	return HVMON_RESUME;
}

static int exit_exception(struct hvmon_vcpu *vcpu)
{
	u32 info = vmx_get(vcpu, VMX_EXIT_INTR_INFO);

	if ((info & VMX_INTR_TYPE_MASK) >> VMX_INTR_TYPE_SHIFT == HVMON_EV_NMI) {
		vcpu->stats.host_intr++;
		vcpu->vmx->nmi = true;
		return HVMON_LEAVE;
	}
	if (info & VMX_INTR_NMI_UNBLOCKED)
		iret_faulted(vcpu);
	switch (info & VMX_INTR_VECTOR_MASK) {
	case 1:
		return exit_db(vcpu, info);
	case 17:
		vcpu->stats.other++;
		hvmon_queue_exception(vcpu, 17, true, vmx_get(vcpu, VMX_EXIT_INTR_ERROR), 0);
		return HVMON_RESUME;
	case 18:
		vcpu->stats.other++;
		vcpu->vmx->machine_check = true;
		return HVMON_LEAVE;
	default:
		return hvmon_exit_unexpected(vcpu);
	}
}

static int exit_entry_mc(struct hvmon_vcpu *vcpu)
{
	vcpu->vmx->machine_check = true;
	return HVMON_LEAVE;
}

/* Pending still: taken by the host as soon as the section has ended */
static int exit_host_event(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.host_intr++;
	return HVMON_LEAVE;
}

/*
 * The LAPIC's timer is due, or the guest has run long enough. One that takes no
 * interrupts can do nothing with a tick: there it counts as the latter, lest
 * periodic ticks keep the section from ending (vmx_hw.run_limit).
 */
static int exit_timer(struct hvmon_vcpu *vcpu)
{
	u64 deadline = vcpu->deadline_tsc;

	hvmon_lapic_timer_poll(vcpu);
	if (!deadline || (s64)(deadline - rdtsc()) > 0)
		return exit_host_event(vcpu);
	vcpu->stats.timer++;
	return vcpu->regs.rflags & X86_EFLAGS_IF ? HVMON_RESUME : HVMON_LEAVE;
}

static int exit_window(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	vmx_clear_bits(vcpu, VMX_PROC_CTLS, vcpu->exit.code == VMX_REASON_INTR_WINDOW ?
		       VMX_PROC_INTR_WINDOW : VMX_PROC_NMI_WINDOW);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return HVMON_RESUME;
}

/* What the TPR masked is not masked any more */
static int exit_tpr(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	vmx_set(vcpu, VMX_TPR_THRESHOLD, 0);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return HVMON_RESUME;
}

/* ---- tasks: 26.4.2, table 28-2 ---- */

/*
 * Does what the switch did last block or unblock? An IRET unblocks NMIs even if
 * it faults. An NMI that has not arrived comes again.
 */
static void after_task_switch(struct hvmon_vcpu *vcpu, enum hvmon_task_source source, bool nmi)
{
	u64 blocked = vmx_get(vcpu, VMX_INTERRUPTIBILITY);

	blocked &= ~(u64)(VMX_BLOCK_STI | VMX_BLOCK_MOVSS);
	if (source == HVMON_TASK_IRET)
		blocked &= ~(u64)VMX_BLOCK_NMI;
	else if (nmi && !vcpu->in_flight.valid)
		blocked |= VMX_BLOCK_NMI;
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, blocked);
}

static int exit_task_switch(struct hvmon_vcpu *vcpu)
{
	bool nmi = vcpu->in_flight.valid && vcpu->in_flight.type == HVMON_EV_NMI;
	struct hvmon_task_switch sw = {
		.selector = vcpu->exit.info1,
		.source = vcpu->exit.info1 >> 30 & 3,
		.gdt.base = vmx_get(vcpu, VMX_GDTR_BASE),
		.gdt.limit = vmx_get(vcpu, VMX_GDTR_LIMIT),
	};
	int r;

	/* Of an event the length is valid only if an instruction raised it */
	sw.insn_len = sw.source == HVMON_TASK_GATE ? vcpu->in_flight.insn_len :
						     vmx_get(vcpu, VMX_EXIT_INSN_LEN);
	r = hvmon_exit_task_switch(vcpu, &sw);
	if (r == HVMON_RESUME)
		after_task_switch(vcpu, sw.source, nmi);
	return r;
}

/* ---- memory ---- */

#define EPT_READ	BIT(0)
#define EPT_WRITE	BIT(1)
#define EPT_FETCH	BIT(2)
#define EPT_FINAL	(BIT(7) | BIT(8))
#define EPT_NMI_UNBLOCKED	BIT(12)

/**
 * vmx_ept_access() - what an EPT violation wanted: table 28-7
 * @qualification: the field
 *
 * Return: HVMON_ACCESS_*.
 */
u32 vmx_ept_access(u64 qualification)
{
	return (qualification & EPT_WRITE ? HVMON_ACCESS_WRITE : 0) |
	       (qualification & EPT_FETCH ? HVMON_ACCESS_EXEC : 0) |
	       ((qualification & EPT_FINAL) == EPT_FINAL ? HVMON_ACCESS_FINAL : 0);
}

static int exit_ept_section(struct hvmon_vcpu *vcpu, u32 access)
{
	u64 gpa = vmx_peek(vcpu, VMX_GUEST_PHYSICAL);
	int r;

	vcpu->exit.info2 = gpa;
	if (vcpu->exit.info1 & EPT_NMI_UNBLOCKED)
		iret_faulted(vcpu);
	if (vmx_virtualizes_apic(vcpu, gpa, access))
		return HVMON_LATER;
	r = hvmon_exit_mmu(vcpu, gpa, access);
	/* It may have been the LAPIC's TPR */
	if (unlikely(out_of_sync(vcpu)))
		vmx_sync(vcpu, this_cpu_ptr(&vmx_cpus));
	if (r == HVMON_LATER && vcpu->exit.no_memory)
		vmx_fetch_for_emulation(vcpu);
	/* The skip comes after the section */
	if (r == HVMON_USER)
		vmx_get(vcpu, VMX_INTERRUPTIBILITY);
	return r;
}

static int exit_ept(struct hvmon_vcpu *vcpu)
{
	u32 access = vmx_ept_access(vcpu->exit.info1);

	if (vcpu->in_section)
		return exit_ept_section(vcpu, access);
	if (vmx_virtualizes_apic(vcpu, vcpu->exit.info2, access) &&
	    !hvmon_tdp_map_apic(vcpu->vm))
		return HVMON_RESUME;
	return hvmon_exit_mmu(vcpu, vcpu->exit.info2, access);
}

/*
 * The log is full, and an access that would set an accessed or dirty bit waits
 * (29.3.6). Bit 12 of the qualification means what it does for EPT violations.
 */
static int exit_pml_full(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	if (vcpu->exit.info1 & EPT_NMI_UNBLOCKED)
		iret_faulted(vcpu);
	vmx_pml_drain(vcpu);
	return HVMON_RESUME;
}

/* ---- entries that fail ---- */

/*
 * What was to be delivered with it is lost, as on AMD-V: nothing of it may come
 * with the next entry, which may be that of another state.
 */
static int entry_failed(struct hvmon_vcpu *vcpu, u64 code, const char *why)
{
	vmx_set(vcpu, VMX_ENTRY_INTR_INFO, 0);
	vcpu->vmx->injecting = false;
	return hvmon_exit_invalid(vcpu, code, why);
}

/* What MOV to CR3 would have loaded, for a state that came without it */
static int exit_pdptrs(struct hvmon_vcpu *vcpu)
{
	if (!vmx_load_pdptrs(vcpu))
		return entry_failed(vcpu, VMX_REASON_INVALID_STATE,
				    "a reserved bit is set in a PDPTE that CR3 leads to");
	return HVMON_RESUME;
}

static int exit_invalid(struct hvmon_vcpu *vcpu)
{
	char text[sizeof(vcpu->run->message)];
	struct vmx_broken b;

	if (vcpu->in_section)
		return HVMON_LATER;
	/* Any field: the first one that is not known brings all */
	vmx_get(vcpu, VMX_ACTIVITY);
	if (vmx_check(vcpu->vmx->field, &vmx_hw, &b))
		snprintf(text, sizeof(text), "no rule of VM entry is seen to be broken (%llu)",
			 vcpu->exit.info1);
	else
		snprintf(text, sizeof(text), "%s is 0x%llx: %s", vmx_field_name(b.field),
			 b.value, b.rule);
	return entry_failed(vcpu, vcpu->exit.code, text);
}

/* What a handler may return is said above HVMON_RESUME in hvmon.h */
static int (*const handlers[VMX_REASONS])(struct hvmon_vcpu *vcpu) = {
	[VMX_REASON_EXCEPTION_NMI]	= exit_exception,
	[VMX_REASON_EXT_INTR]		= exit_host_event,
	[VMX_REASON_TRIPLE_FAULT]	= hvmon_exit_shutdown,
	[VMX_REASON_INIT]		= exit_host_event,
	[VMX_REASON_INTR_WINDOW]	= exit_window,
	[VMX_REASON_NMI_WINDOW]		= exit_window,
	[VMX_REASON_TASK_SWITCH]	= exit_task_switch,
	[VMX_REASON_CPUID]		= exit_cpuid,
	[VMX_REASON_GETSEC]		= exit_ud,
	[VMX_REASON_HLT]		= exit_hlt,
	[VMX_REASON_INVD]		= exit_nop,
	[VMX_REASON_RDPMC]		= exit_rdpmc,
	[VMX_REASON_RSM]		= exit_ud,
	[VMX_REASON_VMCALL]		= exit_vmcall,
	[VMX_REASON_VMCLEAR ... VMX_REASON_VMXON] = exit_ud,
	[VMX_REASON_CR]			= exit_cr,
	[VMX_REASON_DR]			= exit_dr,
	[VMX_REASON_IO]			= exit_io,
	[VMX_REASON_RDMSR]		= exit_rdmsr,
	[VMX_REASON_WRMSR]		= exit_wrmsr,
	[VMX_REASON_MWAIT]		= exit_mwait,
	[VMX_REASON_MONITOR]		= exit_mwait,
	[VMX_REASON_ENTRY_MC]		= exit_entry_mc,
	[VMX_REASON_TPR]		= exit_tpr,
	[VMX_REASON_APIC_ACCESS]	= vmx_exit_apic_access,
	[VMX_REASON_EOI]		= vmx_exit_eoi,
	[VMX_REASON_EPT_VIOLATION]	= exit_ept,
	[VMX_REASON_INVEPT]		= exit_ud,
	[VMX_REASON_PREEMPT_TIMER]	= exit_timer,
	[VMX_REASON_INVVPID]		= exit_ud,
	[VMX_REASON_WBINVD]		= exit_nop,
	[VMX_REASON_XSETBV]		= exit_xsetbv,
	[VMX_REASON_APIC_WRITE]		= vmx_exit_apic_write,
	[VMX_REASON_VMFUNC]		= exit_ud,
	[VMX_REASON_PML_FULL]		= exit_pml_full,
};

/**
 * vmx_exit_known() - is there a handler?
 * @reason: basic exit reason
 *
 * Return: true if there is.
 */
bool vmx_exit_known(u32 reason)
{
	return reason < ARRAY_SIZE(handlers) && handlers[reason];
}

/* Exits that can come amid the delivery of an event: 28.2.4 */
#define VECTORING	(BIT_ULL(VMX_REASON_EXCEPTION_NMI) | BIT_ULL(VMX_REASON_TASK_SWITCH) | \
			 BIT_ULL(VMX_REASON_EPT_VIOLATION) | BIT_ULL(VMX_REASON_EPT_MISCONFIG) | \
			 BIT_ULL(VMX_REASON_APIC_ACCESS) | BIT_ULL(VMX_REASON_PML_FULL))

/* The frequent ones by comparisons: an indirect branch costs more than these */
static __always_inline int dispatch(struct hvmon_vcpu *vcpu)
{
	u32 code = vcpu->exit.code;

	if (code == VMX_REASON_WRMSR)
		return exit_wrmsr(vcpu);
	if (code == VMX_REASON_CPUID)
		return exit_cpuid(vcpu);
	if (code == VMX_REASON_EXT_INTR)
		return exit_host_event(vcpu);
	if (code == VMX_REASON_EPT_VIOLATION)
		return exit_ept(vcpu);
	if (code == VMX_REASON_IO)
		return exit_io(vcpu);
	if (code == VMX_REASON_HLT)
		return exit_hlt(vcpu);
	if (code == VMX_REASON_RDMSR)
		return exit_rdmsr(vcpu);
	if (code == VMX_REASON_VMCALL)
		return exit_vmcall(vcpu);
	if (code == VMX_PSEUDO_PDPTRS)
		return exit_pdptrs(vcpu);
	if (code == VMX_PSEUDO_FAILED || code & VMX_REASON_FAILED_ENTRY)
		return (code & VMX_REASON_MASK) == VMX_REASON_ENTRY_MC ? exit_entry_mc(vcpu) :
									 exit_invalid(vcpu);
	if (!vmx_exit_known(code))
		return hvmon_exit_unexpected(vcpu);
	return handlers[array_index_nospec(code, ARRAY_SIZE(handlers))](vcpu);
}

static bool may_be_vectoring(u32 code)
{
	return code < 64 && BIT_ULL(code) & VECTORING;
}

static noinline int handle_with_care(struct hvmon_vcpu *vcpu)
{
	u32 vectoring;

	if (vmx_tpr_changed(vcpu->vmx))
		vmx_take_tpr(vcpu);
	if (vcpu->in_section && may_be_vectoring(vcpu->exit.code)) {
		vectoring = vmx_peek(vcpu, VMX_IDT_VECTORING_INFO);
		if (unlikely(vectoring & VMX_INTR_VALID))
			vmx_after_exit(vcpu, vectoring);
	}
	return dispatch(vcpu);
}

/**
 * vmx_handle_exit() - settle the last exit
 * @vcpu: the vCPU
 *
 * Return: HVMON_RESUME, HVMON_USER, HVMON_LATER, HVMON_LEAVE or -errno.
 */
int vmx_handle_exit(struct hvmon_vcpu *vcpu)
{
	if (unlikely(vmx_tpr_changed(vcpu->vmx)) || may_be_vectoring(vcpu->exit.code))
		return handle_with_care(vcpu);
	return dispatch(vcpu);
}
