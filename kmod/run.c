// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_RUN: requests, blocking, and the nest of spans in which guests run.
 *
 *   loop      sleeping is allowed
 *   stretch   preemption off, the guest's FPU state in the registers
 *   section   interrupts off, the processor is ours
 */
#include <linux/context_tracking.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/trapnr.h>

#include "hvmon.h"
#include "trace.h"
#include "vcpu.h"

/*
 * Something that takes the vCPU out of its stretch. On PREEMPT_RT softirqs run
 * in threads, which the scheduler prefers to us or not: waiting here for them
 * to be done would last forever if not.
 */
static __always_inline bool host_wants_cpu(struct hvmon_vcpu *vcpu)
{
	return hvmon_host_work_pending(vcpu->heed) ||
	       (!IS_ENABLED(CONFIG_PREEMPT_RT) && local_softirq_pending());
}

/* Without an irqchip: the launcher waits for the guest to take an interrupt */
static bool intr_window_open(struct hvmon_vcpu *vcpu)
{
	return vcpu->window_wanted && !vcpu->intr_user_valid && !vcpu->in_flight.valid &&
	       !vcpu->exception.valid && hvmon_call(can_inject, vcpu, HVMON_KIND_INTR);
}

/* Requests that are served inside the section do not end it */
#define IN_SECTION_REQS	BIT(HVMON_REQ_EVENT)

static __always_inline bool must_leave(struct hvmon_vcpu *vcpu)
{
	return vcpu->mp_state != HVMON_MP_RUNNABLE ||
	       (READ_ONCE(vcpu->requests) & ~IN_SECTION_REQS) || host_wants_cpu(vcpu) ||
	       intr_window_open(vcpu);
}

/* ---- injection, inside the section ---- */

#define DR7_GD		BIT_ULL(13)

/* Exceptions that are traps, and so leave RF alone: SDM vol. 3, 6.5 */
#define TRAPS	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_BP) | BIT(X86_TRAP_OF))

/*
 * What the processor does itself when it raises an exception, but not when one
 * is injected: CR2, DR6 (SDM vol. 3, 17.2) and RFLAGS.RF (17.3.1.1).
 */
static void exception_side_effects(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev)
{
	u64 dr;

	if (!(TRAPS & BIT(ev->vector)))
		vcpu->regs.rflags |= X86_EFLAGS_RF;
	if (ev->vector == X86_TRAP_PF)
		hvmon_call(set_reg, vcpu, HVMON_REG_CR2, ev->payload);
	if (ev->vector == X86_TRAP_DB) {
		dr = hvmon_call(get_reg, vcpu, HVMON_REG_DR6);
		hvmon_call(set_reg, vcpu, HVMON_REG_DR6, (dr & ~0xfULL) | ev->payload);
	}
}

/* Nor does it clear GD for the handler of a #DB, INT1's too: SDM vol. 3, 17.2.4 */
static void clear_gd(struct hvmon_vcpu *vcpu)
{
	u64 dr7 = hvmon_call(get_reg, vcpu, HVMON_REG_DR7);

	if (dr7 & DR7_GD)
		hvmon_call(set_reg, vcpu, HVMON_REG_DR7, dr7 & ~DR7_GD);
}

static void inject(struct hvmon_vcpu *vcpu, struct hvmon_event *ev, bool again)
{
	ev->valid = 0;
	trace_hvmon_inject(vcpu, ev, again);
	/* SDM vol. 3, 20.1.4: error codes are not pushed in real mode */
	if (ev->has_error && !(hvmon_call(get_reg, vcpu, HVMON_REG_CR0) & X86_CR0_PE))
		ev->has_error = 0;
	if (ev->type == HVMON_EV_EXCEPTION && !again)
		exception_side_effects(vcpu, ev);
	if (ev->vector == X86_TRAP_DB &&
	    (ev->type == HVMON_EV_EXCEPTION || ev->type == HVMON_EV_PRIV_SW))
		clear_gd(vcpu);
	hvmon_call(inject, vcpu, ev);
}

static int pending_vector(struct hvmon_vcpu *vcpu)
{
	if (vcpu->lapic)
		return hvmon_irq_pending(vcpu);
	return vcpu->intr_user_valid ? vcpu->intr_user_vector : -1;
}

static int ack_vector(struct hvmon_vcpu *vcpu, bool *more)
{
	*more = false;
	if (vcpu->lapic)
		return hvmon_irq_ack(vcpu, more);
	if (!vcpu->intr_user_valid)
		return -1;
	vcpu->intr_user_valid = false;
	return vcpu->intr_user_vector;
}

/* An interrupt has to wait, or the launcher for the guest to take one */
static void open_intr_window(struct hvmon_vcpu *vcpu, bool pending)
{
	if (pending || vcpu->window_wanted)
		hvmon_call(open_window, vcpu, HVMON_KIND_INTR);
	else if (vcpu->lapic)
		hvmon_call(open_window, vcpu, HVMON_KIND_TPR);
}

/*
 * An exception takes the place of the event whose delivery raised it (SDM vol. 3,
 * 6.15, table 6-5). INT n and its like are executed again when its handler returns;
 * an interrupt is lost, as on a processor, and cannot come before that: IF is clear.
 * An NMI is lost on a processor too, but blocked; the exit has taken that back.
 */
static void displace_in_flight(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_flight.valid && vcpu->in_flight.type == HVMON_EV_NMI)
		atomic_add_unless(&vcpu->nmi_queued, 1, 2);
	vcpu->in_flight.valid = 0;
}

static bool nmi_is_handled(struct hvmon_vcpu *vcpu)
{
	return hvmon_vendor->nmi_blocked(vcpu) ||
	       (vcpu->in_flight.valid && vcpu->in_flight.type == HVMON_EV_NMI);
}

/*
 * One event per entry, by priority: exceptions of the last instruction, what
 * was interrupted, NMI, interrupt (SDM vol. 3, 6.9; APM vol. 2, 8.5). For what
 * has to wait a window is opened.
 */
static void inject_events(struct hvmon_vcpu *vcpu)
{
	struct hvmon_event ev = { .valid = 1 };
	bool busy = false, more;
	int vector;

	/* While one is handled one more is remembered, no third: SDM vol. 3, 6.7.1 */
	if (atomic_read(&vcpu->nmi_queued) > 1 && nmi_is_handled(vcpu))
		atomic_cmpxchg(&vcpu->nmi_queued, 2, 1);

	if (vcpu->exception.valid) {
		displace_in_flight(vcpu);
		inject(vcpu, &vcpu->exception, false);
		busy = true;
	} else if (vcpu->in_flight.valid) {
		inject(vcpu, &vcpu->in_flight, true);
		busy = true;
	}

	if (atomic_read(&vcpu->nmi_queued)) {
		if (busy || !hvmon_call(can_inject, vcpu, HVMON_KIND_NMI)) {
			hvmon_call(open_window, vcpu, HVMON_KIND_NMI);
		} else {
			atomic_dec(&vcpu->nmi_queued);
			vcpu->stats.nmi_injected++;
			ev.type = HVMON_EV_NMI;
			ev.vector = 2;
			inject(vcpu, &ev, false);
			busy = true;
			if (atomic_read(&vcpu->nmi_queued))
				hvmon_call(open_window, vcpu, HVMON_KIND_NMI);
		}
	}

	if (vcpu->virt_intr)
		hvmon_call(post_irr, vcpu);
	if (busy || !hvmon_call(can_inject, vcpu, HVMON_KIND_INTR)) {
		open_intr_window(vcpu, pending_vector(vcpu) >= 0);
		return;
	}
	vector = ack_vector(vcpu, &more);
	if (vector < 0) {
		open_intr_window(vcpu, false);
		return;
	}
	vcpu->stats.irq_injected++;
	ev.type = HVMON_EV_INTR;
	ev.vector = vector;
	inject(vcpu, &ev, false);
	hvmon_pv_eoi_set(vcpu);
	/* What is left waits for an EOI, and what has come since has requested an event */
	open_intr_window(vcpu, more && pending_vector(vcpu) >= 0);
}

/* ---- section ---- */

/*
 * World switches until something needs interrupts or the CPU. The caller has
 * checked nothing yet that may change before interrupts are off.
 *
 * Return: HVMON_RESUME or HVMON_LEAVE (nothing left to do), HVMON_LATER (the
 * exit is to be handled outside), HVMON_USER, -errno.
 */
static int enter_repeatedly(struct hvmon_vcpu *vcpu)
{
	int r;

	do {
		if (unlikely(READ_ONCE(vcpu->requests))) {
			if (READ_ONCE(vcpu->requests) & ~IN_SECTION_REQS)
				return HVMON_RESUME;
			if (hvmon_request_take(vcpu, HVMON_REQ_EVENT))
				inject_events(vcpu);
		}
		trace_hvmon_entry(vcpu);
		hvmon_guest_enter();
		r = hvmon_call(enter, vcpu);
		hvmon_guest_exit();
		if (r)
			return r;
		vcpu->stats.exits++;
		trace_hvmon_exit(vcpu);
		r = hvmon_call(handle_exit, vcpu);
	} while (r == HVMON_RESUME && !host_wants_cpu(vcpu) && !intr_window_open(vcpu));
	return r;
}

/* ---- a doorbell's reader waits ---- */

static unsigned int defer_us = 50;

static int set_defer_us(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 1000);
}

static const struct kernel_param_ops defer_us_ops = {
	.set = set_defer_us,
	.get = param_get_uint,
};
module_param_cb(defer_us, &defer_us_ops, &defer_us, 0644);
MODULE_PARM_DESC(defer_us,
		 "Microseconds that a guest goes on after a lazy doorbell, 0 to 1000 (default 50)");

/* The interrupt itself is what ends the section */
static enum hrtimer_restart defer_timer_fn(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

void hvmon_defer_init(struct hvmon_vcpu *vcpu)
{
	vcpu->heed = HVMON_TIF_WORK;
	hvmon_hrtimer_setup(&vcpu->defer_timer, defer_timer_fn, HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * hvmon_defer_resched() - the scheduler has to wait for the end of the section
 * @vcpu: the vCPU
 *
 * Called when a doorbell has woken a thread that is to run here. An interrupt after
 * defer_us ends the section, if nothing else does before. Outside a section there
 * is no effect.
 */
void hvmon_defer_resched(struct hvmon_vcpu *vcpu)
{
	unsigned int us = READ_ONCE(defer_us);

	if (!us || !vcpu->in_section || vcpu->heed != HVMON_TIF_WORK)
		return;
	vcpu->heed = HVMON_TIF_WORK & ~HVMON_TIF_RESCHED;
	hrtimer_start(&vcpu->defer_timer, ns_to_ktime(us * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void defer_end(struct hvmon_vcpu *vcpu)
{
	if (vcpu->heed == HVMON_TIF_WORK)
		return;
	vcpu->heed = HVMON_TIF_WORK;
	/* It is this processor's: its callback cannot be running */
	hrtimer_try_to_cancel(&vcpu->defer_timer);
}

static int run_section(struct hvmon_vcpu *vcpu)
{
	int r = HVMON_RESUME;

	local_irq_disable();
	vcpu->cpu = smp_processor_id();
	this_cpu_write(hvmon_section_vm, vcpu->vm);
	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_IN_GUEST);
	if (must_leave(vcpu))
		goto out;

	vtime_account_guest_enter();
	hvmon_note_context_switch(&vcpu->rcu_noted);
	r = hvmon_call(section_begin, vcpu);
	if (!r) {
		vcpu->stats.sections++;
		vcpu->in_section = true;
		r = enter_repeatedly(vcpu);
		vcpu->in_section = false;
		defer_end(vcpu);
		hvmon_call(section_end, vcpu);
	}
	/* The tick that ended the section is taken here, as the guest's time */
	local_irq_enable();
	local_irq_disable();
	vtime_account_guest_exit();
out:
	this_cpu_write(hvmon_section_vm, NULL);
	vcpu->cpu = -1;
	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_RUNNING);
	local_irq_enable();
	return r;
}

/* ---- stretch ---- */

static int run_stretch(struct hvmon_vcpu *vcpu)
{
	u64 start;
	int r;

	hvmon_fpu_begin(vcpu);
	vcpu->in_stretch = true;
	hvmon_clock_stretch_begin(vcpu);
	start = rdtsc();
	do {
		r = run_section(vcpu);
	} while ((r == HVMON_RESUME || r == HVMON_LEAVE) && !must_leave(vcpu));
	vcpu->stats.guest_ns += rdtsc() - start;
	/* A preemptible kernel schedules as soon as the stretch has ended */
	if (hvmon_need_resched())
		hvmon_pv_mark_preempted(vcpu);
	vcpu->in_stretch = false;
	hvmon_fpu_end(vcpu);
	return r;
}

/* ---- loop ---- */

bool hvmon_vcpu_has_event(struct hvmon_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->requests) & ~(BIT(HVMON_REQ_EVENT) | BIT(HVMON_REQ_CLOCK) |
					  BIT(HVMON_REQ_STEAL)))
		return true;
	if (vcpu->mp_state == HVMON_MP_WAIT_SIPI)
		return false;
	if (vcpu->in_flight.valid || vcpu->exception.valid || hvmon_pv_unhalted(vcpu))
		return true;
	/* While one NMI is being handled the next does not end HLT */
	if (atomic_read(&vcpu->nmi_queued) && hvmon_call(can_inject, vcpu, HVMON_KIND_NMI))
		return true;
	return vcpu->regs.rflags & X86_EFLAGS_IF && pending_vector(vcpu) >= 0;
}

/*
 * Work that the kernel only does on the way to user space, such as throttling
 * by memory.high. A pretended signal makes it restart the call afterwards.
 */
static int visit_user_space(void)
{
	set_thread_flag(TIF_SIGPENDING);
	return -ERESTARTNOHAND;
}

static void yield_to_host(struct hvmon_vcpu *vcpu)
{
	if (hvmon_need_resched()) {
		hvmon_pv_mark_preempted(vcpu);
		schedule();
		hvmon_pv_steal_request(vcpu);
	}
}

/*
 * 0, or what HVMON_RUN has to return. After a signal that ran no handler (a
 * stop, a debugger, the freezer) the call goes on by itself; after one that
 * did it is EINTR.
 */
static noinline int do_host_work(struct hvmon_vcpu *vcpu)
{
	if (signal_pending(current))
		return -ERESTARTNOHAND;
	yield_to_host(vcpu);
	return hvmon_host_work_pending(HVMON_TIF_WORK) ? visit_user_space() : 0;
}

/*
 * HLT, or an AP before its SIPI: sleep until there may be something to do; the
 * caller comes again if not
 */
static void vcpu_block(struct hvmon_vcpu *vcpu)
{
	u64 start = rdtsc();
	bool event, timer;
	s64 slept;

	hvmon_pv_mark_preempted(vcpu);
	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_BLOCKED);
	prepare_to_rcuwait(&vcpu->wait);
	/* The barrier pairs with rcuwait_wake_up(), called after a request */
	set_current_state(TASK_INTERRUPTIBLE);
	event = hvmon_vcpu_has_event(vcpu);
	if (!event) {
		/* Without one the host's timer runs already, if any */
		timer = vcpu->deadline_tsc;
		if (timer)
			hvmon_lapic_timer_sleep(vcpu);
		/* Returns at once if there is a signal */
		schedule();
		if (timer)
			hvmon_lapic_timer_wake(vcpu);
		event = hvmon_vcpu_has_event(vcpu);
	}
	finish_rcuwait(&vcpu->wait);
	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_RUNNING);
	/* Perhaps on another processor, whose TSC lags behind, or which has been asleep */
	slept = rdtsc() - start;
	if (slept > 0)
		vcpu->stats.halted_ns += slept;

	if (event && vcpu->mp_state == HVMON_MP_HALTED &&
	    !hvmon_request_pending(vcpu, HVMON_REQ_APIC_EVENT)) {
		vcpu->mp_state = HVMON_MP_RUNNABLE;
		hvmon_pv_clear_unhalted(vcpu);
	}
}

/* INIT and SIPI: SDM vol. 3, 8.4 */
static void apic_event(struct hvmon_vcpu *vcpu)
{
	struct hvmon_segment cs;
	int vector;

	if (hvmon_lapic_take_init_sipi(vcpu, &vector)) {
		hvmon_vcpu_reset(vcpu, true);
		vcpu->mp_state = vcpu->id ? HVMON_MP_WAIT_SIPI : HVMON_MP_RUNNABLE;
	}
	if (vector < 0 || vcpu->mp_state != HVMON_MP_WAIT_SIPI)
		return;
	hvmon_call(get_seg, vcpu, HVMON_CS, &cs);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	hvmon_vendor->set_seg(vcpu, HVMON_CS, &cs);
	vcpu->regs.rip = 0;
	vcpu->mp_state = HVMON_MP_RUNNABLE;
}

static int serve_requests(struct hvmon_vcpu *vcpu)
{
	if (hvmon_request_take(vcpu, HVMON_REQ_TRIPLE_FAULT))
		return hvmon_exit_shutdown(vcpu);
	hvmon_request_take(vcpu, HVMON_REQ_KICK);
	if (vcpu->lapic && hvmon_request_take(vcpu, HVMON_REQ_APIC_EVENT))
		apic_event(vcpu);
	if (hvmon_request_take(vcpu, HVMON_REQ_CLOCK))
		hvmon_pv_clock_update(vcpu);
	if (hvmon_request_take(vcpu, HVMON_REQ_STEAL))
		hvmon_pv_steal_update(vcpu);
	return HVMON_RESUME;
}

static int run_loop(struct hvmon_vcpu *vcpu)
{
	int r;

	for (;;) {
		if (READ_ONCE(vcpu->run->immediate_exit))
			return -EINTR;
		if (hvmon_host_work_pending(HVMON_TIF_WORK)) {
			r = do_host_work(vcpu);
			if (r)
				return r;
		}
		if (READ_ONCE(vcpu->requests) & ~IN_SECTION_REQS) {
			r = serve_requests(vcpu);
			if (r != HVMON_RESUME)
				return r;
		}
		if (vcpu->mp_state != HVMON_MP_RUNNABLE) {
			vcpu_block(vcpu);
			hvmon_pv_steal_request(vcpu);
			continue;
		}
		vcpu->window_wanted = !vcpu->lapic && READ_ONCE(vcpu->run->intr_window);
		if (intr_window_open(vcpu))
			return hvmon_user_exit(vcpu, HVMON_EXIT_INTR_WINDOW);
		if (vcpu->window_wanted)
			hvmon_request(vcpu, HVMON_REQ_EVENT);

		hvmon_pv_eoi_set(vcpu);
		r = run_stretch(vcpu);
		hvmon_pv_eoi_sync(vcpu);
		if (hvmon_request_take(vcpu, HVMON_REQ_RESAMPLE))
			hvmon_irqfd_resample(vcpu);
		if (r == HVMON_LATER)
			r = hvmon_call(handle_exit, vcpu);
		if (r != HVMON_RESUME && r != HVMON_LEAVE)
			return r;
	}
}

/*
 * A launcher that changed the general registers in the run page says so.
 * Exits that complete an instruction have no say: RIP and RAX are theirs. One
 * that gave registers to look at (a fault amid an emulated instruction) may
 * find them unchanged.
 */
static noinline int take_run_regs(struct hvmon_vcpu *vcpu)
{
	struct hvmon_run *run = vcpu->run;
	struct hvmon_regs regs;

	memcpy(&regs, &run->regs, sizeof(regs));
	barrier();	/* the copy is what is used */
	if (vcpu->complete)
		return memcmp(&regs, &vcpu->regs, sizeof(regs)) ? -EINVAL : 0;
	if (!hvmon_rflags_valid(regs.rflags, hvmon_get_cr(vcpu, 0),
				hvmon_call(get_reg, vcpu, HVMON_REG_EFER)))
		return -EINVAL;
	vcpu->regs = regs;
	return 0;
}

/**
 * hvmon_vcpu_run() - run the guest until the launcher is needed
 * @vcpu: the vCPU, its mutex held
 *
 * Return: 0 with vcpu->run->exit set; -EINTR for immediate_exit,
 * -ERESTARTNOHAND for a signal; -EIO from a foreign address space; other
 * -errno when the processor refused to work.
 */
long hvmon_vcpu_run(struct hvmon_vcpu *vcpu)
{
	int (*complete)(struct hvmon_vcpu *vcpu);
	long r;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	if (READ_ONCE(vcpu->run->regs_valid) & HVMON_RUN_REGS) {
		r = take_run_regs(vcpu);
		if (r)
			return r;
	}

	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_RUNNING);
	vcpu->has_run = true;
	vcpu->run->exit = HVMON_EXIT_NONE;
	vcpu->run->regs_valid = 0;
	if (hvmon_pv_steal_grew(vcpu))
		hvmon_request(vcpu, HVMON_REQ_STEAL);
	r = HVMON_RESUME;
	if (vcpu->complete) {
		complete = vcpu->complete;
		vcpu->complete = NULL;
		r = complete(vcpu);
	}
	if (r == HVMON_RESUME)
		r = run_loop(vcpu);
	if (r == HVMON_USER)
		vcpu->stats.user_exits++;
	hvmon_vcpu_set_mode(vcpu, HVMON_VCPU_IDLE);
	return r;
}
