// SPDX-License-Identifier: GPL-2.0
/*
 * Events: injection, windows, NMI blocking, and what an exit interrupted.
 *
 * AMD-V does not track NMI blocking without vNMI, which is not used. After an
 * NMI is injected IRET is intercepted; that exit comes before the instruction,
 * so NMIs stay blocked until it is seen to be done: RIP has changed, or, if an
 * NMI waits, a single step over it has ended.
 */
#include <linux/sched.h>
#include <asm/processor-flags.h>
#include <asm/smp.h>

#include "svm.h"

#define DR6_BD		BIT(13)		/* access with DR7.GD set */

/* ---- encodings: 15.20 and 15.7.2 ---- */

/**
 * svm_encode_event() - an event as EVENTINJ wants it
 * @ev: of type INTR, NMI or EXCEPTION
 *
 * Return: the value, with the valid bit.
 */
u64 svm_encode_event(const struct hvmon_event *ev)
{
	u64 val = ev->vector | (u64)ev->type << SVM_EVENT_TYPE_SHIFT | SVM_EVENT_VALID;

	if (ev->has_error)
		val |= SVM_EVENT_ERROR_VALID | (u64)ev->error << 32;
	return val;
}

/**
 * svm_decode_event() - EXITINTINFO or EVENTINJ as an event
 * @info: the field
 * @ev: filled in; not valid if the field is not, or if it holds an exception
 *      with a vector that no exception has
 *
 * No processor leaves such an exception behind, but QEMU has been seen to.
 * VMRUN would fail with it (15.20), and the guest would end.
 */
void svm_decode_event(u64 info, struct hvmon_event *ev)
{
	u8 vector = info & SVM_EVENT_VECTOR_MASK;
	u8 type = (info & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT;

	*ev = (struct hvmon_event) { };
	if (!(info & SVM_EVENT_VALID))
		return;
	if (type == HVMON_EV_EXCEPTION && (vector > 31 || vector == 2))
		return;
	ev->valid = 1;
	ev->vector = vector;
	ev->type = type;
	if (info & SVM_EVENT_ERROR_VALID) {
		ev->has_error = 1;
		ev->error = info >> 32;
	}
}

/* ---- NMI blocking ---- */

/**
 * svm_block_nmi() - NMIs are blocked until the next IRET, or no longer
 * @svm: the vCPU
 * @block: which
 */
void svm_block_nmi(struct hvmon_svm_vcpu *svm, bool block)
{
	svm->nmi_blocked = block;
	svm->iret_pending = false;
	if (block)
		svm_intercept(svm->vmcb, SVM_EXIT_IRET);
	else
		svm_unintercept(svm->vmcb, SVM_EXIT_IRET);
}

static void unblock_nmi(struct hvmon_vcpu *vcpu)
{
	svm_block_nmi(vcpu->svm, false);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
}

/* The guest is about to execute the IRET that ends an NMI handler */
int svm_exit_iret(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	svm_unintercept(svm->vmcb, SVM_EXIT_IRET);
	svm->iret_pending = true;
	svm->iret_rip = vcpu->regs.rip;
	svm->watch = true;
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return HVMON_RESUME;
}

/* ---- single step, as a window for NMIs ---- */

static void step_begin(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	if (svm->step)
		return;
	svm->step = true;
	svm->step_iret = svm->iret_pending;
	svm->step_tf = vcpu->regs.rflags & X86_EFLAGS_TF;
	svm->step_rip = vcpu->regs.rip;
	svm->step_dr6 = svm->vmcb->save.dr6;
	svm->watch = true;
	vcpu->regs.rflags |= X86_EFLAGS_TF;
}

static void step_restore_tf(struct hvmon_vcpu *vcpu)
{
	if (!vcpu->svm->step_tf)
		vcpu->regs.rflags &= ~(u64)X86_EFLAGS_TF;
}

/* #DB is always intercepted; most are the guest's and go back to it */
int svm_exit_db(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_save *save = &svm->vmcb->save;
	u64 causes = save->dr6 & (DR_TRAP_BITS | DR_STEP | DR_SWITCH | DR6_BD);

	if (svm->step && save->dr6 & DR_STEP) {
		svm->step = false;
		hvmon_request(vcpu, HVMON_REQ_EVENT);
		/* What IRET has loaded is the guest's own */
		if (!svm->step_iret)
			step_restore_tf(vcpu);
		if (!svm->step_tf && !(svm->step_dr6 & DR_STEP)) {
			save->dr6 &= ~(u64)DR_STEP;
			svm_dirty(svm->vmcb, SVM_CLEAN_DRX);
		}
		causes &= ~svm->step_dr6;
		if (!svm->step_tf)
			causes &= ~(u64)DR_STEP;
		if (!causes)
			return HVMON_RESUME;
	}
	vcpu->stats.other++;
	/* DR6 and DR7 are as the guest's handler must find them: 15.12.2 */
	hvmon_queue_exception(vcpu, 1, false, 0, causes);
	return HVMON_RESUME;
}

/* ---- after an exit ---- */

/*
 * An instruction that raises its event by itself, and at which RIP still
 * points, is simply executed again: so RIP needs no correction and the
 * instruction's length need not be known (15.7.2).
 */
static bool redone_by_guest(const struct hvmon_event *ev, u32 info, u32 injected)
{
	if (ev->type == HVMON_EV_SOFT_INT)
		return true;
	return ev->type == HVMON_EV_EXCEPTION && (ev->vector == 3 || ev->vector == 4) &&
	       info != injected;
}

static void watch_nmi(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	bool db = vcpu->exit.code == SVM_EXIT_EXCP(1) && svm->vmcb->save.dr6 & DR_STEP;

	if (svm->iret_pending && (vcpu->regs.rip != svm->iret_rip || (svm->step && db)))
		unblock_nmi(vcpu);
	if (svm->step && !db && vcpu->regs.rip == svm->step_rip) {
		/*
		 * Not executed yet. Whoever handles the exit must see the
		 * guest's TF; the window is opened again before the entry.
		 * If RIP has changed, TF is on the guest's stack, in the frame
		 * of an exception in the instruction: the step goes on.
		 */
		svm->step = false;
		step_restore_tf(vcpu);
		hvmon_request(vcpu, HVMON_REQ_EVENT);
	}
	svm->watch = svm->iret_pending || svm->step;
}

/**
 * svm_after_exit() - what few exits need, before they are handled
 * @vcpu: the vCPU
 */
void svm_after_exit(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;

	vmcb->event_inj = 0;
	if (vmcb->exit_int_info & SVM_EVENT_VALID &&
	    (u32)vmcb->exit_code != SVM_EXIT_INVALID) {
		svm_decode_event(vmcb->exit_int_info, &vcpu->in_flight);
		if (redone_by_guest(&vcpu->in_flight, (u32)vmcb->exit_int_info,
				    svm->injected))
			vcpu->in_flight.valid = 0;
		else if (vcpu->in_flight.type == HVMON_EV_EXCEPTION &&
			 vcpu->in_flight.vector == 14)
			vcpu->in_flight.payload = vmcb->save.cr2;
		hvmon_request(vcpu, HVMON_REQ_EVENT);
	}
	svm->injected = 0;
	watch_nmi(vcpu);
}

/* ---- hooks ---- */

static bool injecting(const struct svm_vmcb *vmcb)
{
	return vmcb->event_inj & SVM_EVENT_VALID;
}

bool svm_can_inject(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind)
{
	const struct hvmon_svm_vcpu *svm = vcpu->svm;

	if (injecting(svm->vmcb) || svm->vmcb->int_state & SVM_INT_SHADOW)
		return false;
	if (kind == HVMON_KIND_NMI)
		return !svm->nmi_blocked;
	return vcpu->regs.rflags & X86_EFLAGS_IF;
}

bool svm_nmi_blocked(struct hvmon_vcpu *vcpu)
{
	return vcpu->svm->nmi_blocked;
}

/**
 * svm_inject() - deliver an event with the next entry
 * @vcpu: the vCPU
 * @ev: the event. CR2, DR6 and DR7 are up to date. Software interrupts that another
 *      vendor's processor left in flight are executed again instead.
 */
void svm_inject(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;

	if (ev->type > HVMON_EV_EXCEPTION)
		return;
	vmcb->event_inj = svm_encode_event(ev);
	svm->injected = (u32)vmcb->event_inj;
	svm->watch = true;
	/* The shadow is the last instruction's; the handler's first has none */
	vmcb->int_state &= ~SVM_INT_SHADOW;

	if (ev->type == HVMON_EV_NMI)
		svm_block_nmi(svm, true);
	else if (ev->type == HVMON_EV_INTR)
		svm_close_window(svm);
}

/* A virtual interrupt is pending only for its intercept: 15.21.4 */
static void open_intr_window(struct hvmon_svm_vcpu *svm)
{
	if (svm->window)
		return;
	svm->window = true;
	svm->vmcb->vintr |= SVM_VINTR_IRQ | SVM_VINTR_IGN_TPR | SVM_VINTR_PRIO_MASK;
	svm_dirty(svm->vmcb, SVM_CLEAN_TPR);
	svm_intercept(svm->vmcb, SVM_EXIT_VINTR);
}

void svm_close_window(struct hvmon_svm_vcpu *svm)
{
	if (!svm->window)
		return;
	svm->window = false;
	svm->vmcb->vintr &= ~(SVM_VINTR_IRQ | SVM_VINTR_IGN_TPR | SVM_VINTR_PRIO_MASK);
	svm_dirty(svm->vmcb, SVM_CLEAN_TPR);
	svm_unintercept(svm->vmcb, SVM_EXIT_VINTR);
}

static void open_nmi_window(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	/* The intercept of IRET is the window */
	if (svm->nmi_blocked && !svm->iret_pending)
		return;
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	if (injecting(svm->vmcb)) {
		/*
		 * TF would end up in the frame of the event that goes first. A
		 * physical interrupt exits right after that event's delivery,
		 * and this one has nothing else to do.
		 */
		hvmon_send_reschedule(smp_processor_id());
		return;
	}
	step_begin(vcpu);
}

/**
 * svm_open_window() - exit as soon as svm_can_inject() will say yes
 * @vcpu: the vCPU
 * @kind: for what
 *
 * Every write to the TPR exits, and common code looks again.
 */
void svm_open_window(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind)
{
	if (kind == HVMON_KIND_INTR)
		open_intr_window(vcpu->svm);
	else if (kind == HVMON_KIND_NMI)
		open_nmi_window(vcpu);
}
