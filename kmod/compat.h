/* SPDX-License-Identifier: GPL-2.0 */
/* Differences between kernels, and nothing else: probed by presence. */
#ifndef _HVMON_COMPAT_H
#define _HVMON_COMPAT_H

/* ---- entry to and exit from guest mode, as the host's accounting sees it ---- */

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <linux/vtime.h>

#ifndef _TIF_NEED_RESCHED_LAZY
#define _TIF_NEED_RESCHED_LAZY	0
#endif

/*
 * TIF_NOTIFY_RESUME stands for several things. Restartable sequences, for
 * whose sake it is set whenever a thread was scheduled out, only concern the
 * next return to user space, whenever that is: no reason to go there.
 */
static inline bool hvmon_resume_work_pending(void)
{
#ifdef CONFIG_MEMCG
	if (READ_ONCE(current->memcg_nr_pages_over_high))
		return true;
#endif
	return task_work_pending(current);
}

#define HVMON_TIF_RESCHED	(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)

#define HVMON_TIF_WORK		(HVMON_TIF_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | \
				 _TIF_NOTIFY_RESUME)

/*
 * Work that the thread has to do before it may enter a guest, as far as @heed has
 * it of HVMON_TIF_WORK. The kernel's helper that does the work dereferences a
 * struct kvm_vcpu on 6.x: run.c returns to user space for signals and calls
 * schedule() for the scheduler.
 */
static __always_inline bool hvmon_host_work_pending(unsigned long heed)
{
	unsigned long flags = READ_ONCE(current_thread_info()->flags) & heed;

	if (likely(!flags))
		return false;
	return flags & ~(unsigned long)_TIF_NOTIFY_RESUME || hvmon_resume_work_pending();
}

static inline bool hvmon_need_resched(void)
{
	return READ_ONCE(current_thread_info()->flags) & HVMON_TIF_RESCHED;
}

/*
 * A CPU in a guest is as good as in user space to RCU. Before a section; grace
 * periods take jiffies, so once in each is enough, and *@noted says when.
 */
static __always_inline void hvmon_note_context_switch(unsigned long *noted)
{
	unsigned long now = READ_ONCE(jiffies);

	if (*noted == now)
		return;
	*noted = now;
	rcu_note_context_switch(false);
}

/* Around each world switch: lockdep and context tracking (nohz_full) */
static __always_inline void hvmon_guest_enter(void)
{
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void hvmon_guest_exit(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	trace_hardirqs_off_finish();
}

/* ---- names that moved into asm/msr-index.h ---- */

#include <asm/msr-index.h>

#ifndef SVM_VM_CR_SVM_DIS_MASK
#define SVM_VM_CR_SVM_DIS_MASK	0x10ULL
#endif

/* ---- the CPUID instruction, once part of asm/processor.h ---- */

#include <asm/processor.h>

#if __has_include("asm/cpuid/api.h")
#include <asm/cpuid/api.h>
#endif

/* ---- native_load_gs_index(), once part of asm/special_insns.h ---- */

#if __has_include("asm/gsseg.h")
#include <asm/gsseg.h>
#else
#include <asm/special_insns.h>
#endif

/* ---- debug registers: 6.1's header counts on asm/processor.h ---- */

#include <asm/debugreg.h>

/* ---- newer than 6.1 ---- */

#include <asm/processor-flags.h>
#include <linux/math.h>

#ifndef X86_CR4_LAM_SUP
#define X86_CR4_LAM_SUP		BIT_ULL(28)
#define X86_CR3_LAM_U57		BIT_ULL(61)
#define X86_CR3_LAM_U48		BIT_ULL(62)
#endif

#ifndef abs_diff
#define abs_diff(a, b)							\
({									\
	typeof(a) _a = (a);						\
	typeof(a) _b = (b);						\
	_a > _b ? _a - _b : _b - _a;					\
})
#endif

/* ---- MMU notifiers ---- */

/* What the aging callbacks return: int, later bool */
#define hvmon_young_t							\
	typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0))

/* ---- high-resolution timers ---- */

#include <linux/hrtimer.h>

/* Kbuild defines HVMON_HAVE_HRTIMER_SETUP where the kernel has it */
static inline void hvmon_hrtimer_setup(struct hrtimer *timer,
				       enum hrtimer_restart (*fn)(struct hrtimer *),
				       enum hrtimer_mode mode)
{
#ifdef HVMON_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = fn;
#endif
}

/* ---- eventfds ---- */

#include <linux/eventfd.h>

/* eventfd_signal() had a count: the function that fits its type is taken */
static __always_inline void hvmon_eventfd_add(__u64 (*signal)(struct eventfd_ctx *, __u64),
					      struct eventfd_ctx *ctx)
{
	signal(ctx, 1);
}

static __always_inline void hvmon_eventfd_once(void (*signal)(struct eventfd_ctx *),
					       struct eventfd_ctx *ctx)
{
	signal(ctx);
}

#define hvmon_eventfd_signal(ctx)					\
	__builtin_choose_expr(						\
		__same_type(&eventfd_signal, (void (*)(struct eventfd_ctx *))NULL),	\
		hvmon_eventfd_once, hvmon_eventfd_add)(eventfd_signal, ctx)

/* ---- interprocessor interrupts ---- */

#include <asm/smp.h>

/* Newer kernels have a macro of the member's name, which traces what it sends */
static inline void hvmon_send_reschedule(int cpu)
{
	void (*send)(int cpu) = smp_ops.smp_send_reschedule;

	send(cpu);
}

#endif /* _HVMON_COMPAT_H */
