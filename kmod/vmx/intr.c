// SPDX-License-Identifier: GPL-2.0
/* Events: injection, windows, and what an exit interrupted. */
#include <linux/sched.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vmx.h"

/* ---- encodings: tables 25-17 and 25-19 ---- */

static bool software(u8 type)
{
	return type >= HVMON_EV_SOFT_INT && type <= HVMON_EV_SW_EXC;
}

/**
 * vmx_encode_event() - an event as VM-entry interruption information
 * @ev: the event
 *
 * Return: the value, with the valid bit.
 */
u32 vmx_encode_event(const struct hvmon_event *ev)
{
	return ev->vector | (u32)ev->type << VMX_INTR_TYPE_SHIFT |
	       (ev->has_error ? VMX_INTR_ERROR_VALID : 0) | VMX_INTR_VALID;
}

/**
 * vmx_decode_event() - IDT-vectoring information as an event
 * @info: the field
 * @error: error code, if @info says that there is one
 * @insn_len: of a software interrupt's or exception's instruction
 * @ev: filled in; not valid if the field is not
 */
void vmx_decode_event(u32 info, u32 error, u32 insn_len, struct hvmon_event *ev)
{
	*ev = (struct hvmon_event) { };
	if (!(info & VMX_INTR_VALID))
		return;
	ev->valid = 1;
	ev->vector = info & VMX_INTR_VECTOR_MASK;
	ev->type = (info & VMX_INTR_TYPE_MASK) >> VMX_INTR_TYPE_SHIFT;
	if (info & VMX_INTR_ERROR_VALID) {
		ev->has_error = 1;
		ev->error = error;
	}
	if (software(ev->type))
		ev->insn_len = insn_len;
}

/* ---- after an exit ---- */

/**
 * vmx_after_exit() - an exit interrupted the delivery of an event: 28.2.4
 * @vcpu: the vCPU
 * @vectoring: IDT-vectoring information, valid
 *
 * An NMI that comes again is blocked anew by its injection.
 */
void vmx_after_exit(struct hvmon_vcpu *vcpu, u32 vectoring)
{
	struct hvmon_event *ev = &vcpu->in_flight;
	u32 error = 0, len = 0;

	if (vectoring & VMX_INTR_ERROR_VALID)
		error = vmx_get(vcpu, VMX_IDT_VECTORING_ERROR);
	if (software((vectoring & VMX_INTR_TYPE_MASK) >> VMX_INTR_TYPE_SHIFT))
		len = vmx_get(vcpu, VMX_EXIT_INSN_LEN);
	vmx_decode_event(vectoring, error, len, ev);
	if (ev->type == HVMON_EV_NMI)
		vmx_clear_bits(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_NMI);
	if (ev->type == HVMON_EV_EXCEPTION && ev->vector == 14)
		ev->payload = vcpu->vmx->sw.cr2;
	hvmon_request(vcpu, HVMON_REQ_EVENT);
}

/* ---- before an entry ---- */

/**
 * vmx_fit_shadow() - make a shadow and what it holds back fit: 27.3.1.5
 * @rflags: the guest's
 * @debugctl: the guest's
 * @blocked: interruptibility state, changed if need be
 * @pending: pending debug exceptions, likewise
 *
 * The processor leaves them fitting, but a launcher may change RFLAGS, and other
 * processors do not tell which instruction cast the shadow or have no pending
 * debug exceptions. STI's shadow holds no trap back: with BS the one for STI
 * itself would come at once. MOV SS's holds it until the next instruction has
 * been executed, which has the same trap.
 */
void vmx_fit_shadow(u64 rflags, u64 debugctl, u64 *blocked, u64 *pending)
{
	bool steps = rflags & X86_EFLAGS_TF && !(debugctl & DEBUGCTLMSR_BTF);
	u64 was = *blocked & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS);

	if (!was)
		return;
	if (!(rflags & X86_EFLAGS_IF) || (steps && !(*pending & VMX_PENDING_BS)))
		*blocked = (*blocked & ~(u64)VMX_BLOCK_STI) | VMX_BLOCK_MOVSS;
	if (steps)
		*pending = (*pending & ~VMX_PENDING_RTM) | VMX_PENDING_BS;
	else
		*pending &= ~VMX_PENDING_BS;
}

static noinline void fit_shadow(struct hvmon_vcpu *vcpu)
{
	u64 blocked = vmx_get(vcpu, VMX_INTERRUPTIBILITY);
	u64 pending = vmx_get(vcpu, VMX_PENDING_DBG);

	vmx_fit_shadow(vcpu->regs.rflags, vmx_get(vcpu, VMX_DEBUGCTL), &blocked, &pending);
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, blocked);
	vmx_set(vcpu, VMX_PENDING_DBG, pending);
}

/**
 * vmx_events_section_begin() - what happened between sections may not fit
 * @vcpu: the vCPU, in a section
 */
void vmx_events_section_begin(struct hvmon_vcpu *vcpu)
{
	const struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	u64 rflags = vcpu->regs.rflags;

	if (unlikely(rflags & X86_EFLAGS_TF || rflags != vmx->field[VMX_RFLAGS] ||
		     arch_test_bit(VMX_INTERRUPTIBILITY, vmx->dirty) ||
		     arch_test_bit(VMX_PENDING_DBG, vmx->dirty)))
		fit_shadow(vcpu);
}

/* ---- hooks ---- */

bool vmx_nmi_blocked(struct hvmon_vcpu *vcpu)
{
	return vmx_get(vcpu, VMX_INTERRUPTIBILITY) & VMX_BLOCK_NMI;
}

bool vmx_can_inject(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind)
{
	u64 blocked;

	if (vcpu->vmx->injecting)
		return false;
	if (kind == HVMON_KIND_INTR && !(vcpu->regs.rflags & X86_EFLAGS_IF))
		return false;
	blocked = vmx_get(vcpu, VMX_INTERRUPTIBILITY);
	/* After STI some processors refuse an NMI: 27.3.1.5 */
	if (blocked & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS))
		return false;
	return kind != HVMON_KIND_NMI || !(blocked & VMX_BLOCK_NMI);
}

/*
 * Whether an exception pushes an error code is not for the event to choose
 * (27.2.1.3): those of a state that came from elsewhere may lack it.
 */
static bool wants_error(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev)
{
	if (ev->type != HVMON_EV_EXCEPTION || !(vmx_get_reg(vcpu, HVMON_REG_CR0) & X86_CR0_PE))
		return false;
	if (vmx_hw.error_any)
		return ev->has_error;
	return HVMON_EXC_WITH_ERROR & ~BIT(21) & BIT(ev->vector);
}

/**
 * vmx_inject() - deliver an event with the next entry
 * @vcpu: the vCPU
 * @ev: the event. CR2, DR6 and DR7 are up to date.
 */
void vmx_inject(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev)
{
	u32 info = vmx_encode_event(ev) & ~VMX_INTR_ERROR_VALID;

	if (wants_error(vcpu, ev)) {
		info |= VMX_INTR_ERROR_VALID;
		vmx_set(vcpu, VMX_ENTRY_ERROR_CODE, ev->error);
	}
	if (software(ev->type)) {
		/* A processor of another vendor has executed it: again, then */
		if (!ev->insn_len)
			return;
		vmx_set(vcpu, VMX_ENTRY_INSN_LEN, ev->insn_len);
	}
	vmx_set(vcpu, VMX_ENTRY_INTR_INFO, info);
	vcpu->vmx->injecting = true;
	if (ev->type == HVMON_EV_INTR)
		vmx_clear_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_INTR_WINDOW);
	else if (ev->type == HVMON_EV_NMI)
		vmx_clear_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_NMI_WINDOW);
	/* The shadow is the last instruction's; the handler's first has none */
	vmx_clear_bits(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_STI | VMX_BLOCK_MOVSS);
}

/**
 * vmx_open_window() - exit as soon as vmx_can_inject() will say yes
 * @vcpu: the vCPU
 * @kind: for what
 *
 * An NMI window opens when NMIs are not blocked, also right after the event
 * that is being injected (27.7.6): the exit then looks again. A TPR below the
 * threshold exits whatever RFLAGS.IF is (30.1.2).
 */
void vmx_open_window(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind)
{
	switch (kind) {
	case HVMON_KIND_INTR:
		vmx_set_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_INTR_WINDOW);
		break;
	case HVMON_KIND_NMI:
		vmx_set_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_NMI_WINDOW);
		break;
	case HVMON_KIND_TPR:
		if (vcpu->vmx->vapic && !vcpu->virt_intr)
			vmx_set(vcpu, VMX_TPR_THRESHOLD, hvmon_lapic_masked_class(vcpu));
		break;
	}
}
