// SPDX-License-Identifier: GPL-2.0
/* Life of a vCPU, its modes, and events that are queued for it. */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "hvmon.h"
#include "vcpu.h"

/* ---- static calls of the vendor contract ---- */

#define HVMON_DEFINE_HOOK(name)						\
	DEFINE_STATIC_CALL_NULL(hvmon_hook_##name,			\
				*((struct hvmon_vendor_ops *)0)->name);
HVMON_HOT_HOOKS(HVMON_DEFINE_HOOK)

/**
 * hvmon_vendor_calls_init() - patch hvmon_call() to a vendor's hooks
 * @ops: the vendor that was found
 */
void hvmon_vendor_calls_init(const struct hvmon_vendor_ops *ops)
{
#define HVMON_UPDATE_HOOK(name) static_call_update(hvmon_hook_##name, ops->name);
	HVMON_HOT_HOOKS(HVMON_UPDATE_HOOK)
}

/* ---- modes and kicks ---- */

/* The VM whose section this CPU is in: what a remote flush has to wait for */
DEFINE_PER_CPU(struct hvmon_vm *, hvmon_section_vm);

void hvmon_vcpu_kick(struct hvmon_vcpu *vcpu)
{
	int cpu;

	rcuwait_wake_up(&vcpu->wait);
	/*
	 * A vCPU in the guest on this very CPU can only be the caller's own,
	 * which looks at its requests before the next entry.
	 */
	preempt_disable();
	if (READ_ONCE(vcpu->mode) == HVMON_VCPU_IN_GUEST) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != smp_processor_id())
			hvmon_send_reschedule(cpu);
	}
	preempt_enable();
}

static bool cpu_in_section(int cpu, void *vm)
{
	return READ_ONCE(per_cpu(hvmon_section_vm, cpu)) == vm;
}

static void section_ended(void *unused)
{
	/* Runs with interrupts on the way: so the section is over */
}

void hvmon_kick_all_sync(struct hvmon_vm *vm)
{
	/*
	 * The caller's change of the tables comes before the look at the CPUs.
	 * Pairs with hvmon_vcpu_set_mode(): a section that is not seen here
	 * begins with a TLB flush that sees the change.
	 */
	smp_mb();
	vm->stats.remote_flushes++;
	on_each_cpu_cond(cpu_in_section, section_ended, vm, true);
}

/* ---- events ---- */

/* Vectors that merge into a double fault: SDM vol. 3, table 6-5 */
#define CONTRIBUTORY	(BIT(0) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(21))
#define PAGE_FAULT	BIT(14)

enum hvmon_merge hvmon_merge_exceptions(u8 first, u8 second)
{
	u32 a = BIT(first & 31), b = BIT(second & 31);

	if (first == 8)
		return b & (CONTRIBUTORY | PAGE_FAULT) ? HVMON_MERGE_TRIPLE : HVMON_MERGE_SECOND;
	if ((a & CONTRIBUTORY && b & CONTRIBUTORY) ||
	    (a & PAGE_FAULT && b & (CONTRIBUTORY | PAGE_FAULT)))
		return HVMON_MERGE_DOUBLE;
	return HVMON_MERGE_SECOND;
}

static struct hvmon_event *earlier_exception(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_flight.valid && vcpu->in_flight.type == HVMON_EV_EXCEPTION)
		return &vcpu->in_flight;
	if (vcpu->exception.valid)
		return &vcpu->exception;
	return NULL;
}

void hvmon_queue_exception(struct hvmon_vcpu *vcpu, u8 vector, bool has_error,
			   u32 error, u64 payload)
{
	struct hvmon_event *first = earlier_exception(vcpu);
	enum hvmon_merge merge = HVMON_MERGE_SECOND;

	vcpu->stats.exceptions++;
	if (first)
		merge = hvmon_merge_exceptions(first->vector, vector);
	if (first)
		first->valid = 0;
	if (merge == HVMON_MERGE_TRIPLE) {
		hvmon_request(vcpu, HVMON_REQ_TRIPLE_FAULT);
		return;
	}
	vcpu->exception = (struct hvmon_event){
		.valid = 1,
		.type = HVMON_EV_EXCEPTION,
		.vector = merge == HVMON_MERGE_DOUBLE ? 8 : vector,
		.has_error = merge == HVMON_MERGE_DOUBLE ? 1 : has_error,
		.error = merge == HVMON_MERGE_DOUBLE ? 0 : error,
		.payload = merge == HVMON_MERGE_DOUBLE ? 0 : payload,
	};
	hvmon_request(vcpu, HVMON_REQ_EVENT);
}

void hvmon_queue_nmi(struct hvmon_vcpu *vcpu)
{
	/* One to be taken and one behind it; inject_events() knows whether one is handled */
	atomic_add_unless(&vcpu->nmi_queued, 1, 2);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	hvmon_vcpu_kick(vcpu);
}

static int inject_exception(struct hvmon_vcpu *vcpu, const struct hvmon_inject *arg)
{
	int r = 0;

	if (arg->vector > 31 || arg->vector == 2 || arg->has_error > 1)
		return -EINVAL;
	if (arg->has_error != !!(HVMON_EXC_WITH_ERROR & BIT(arg->vector)))
		return -EINVAL;
	if ((!arg->has_error && arg->error) || !hvmon_payload_valid(arg->vector, arg->payload))
		return -EINVAL;
	if (mutex_lock_interruptible(&vcpu->mutex))
		return -ERESTARTNOHAND;
	/* It would take the event's place, as if the event's delivery had raised it */
	if (vcpu->in_flight.valid && vcpu->in_flight.type != HVMON_EV_EXCEPTION)
		r = -EBUSY;
	else
		hvmon_queue_exception(vcpu, arg->vector, arg->has_error, arg->error,
				      arg->payload);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static int inject_interrupt(struct hvmon_vcpu *vcpu, const struct hvmon_inject *arg)
{
	int r = 0;

	if (arg->vector > 255 || arg->has_error || arg->error || arg->payload)
		return -EINVAL;
	if (vcpu->lapic)
		return -EOPNOTSUPP;
	if (mutex_lock_interruptible(&vcpu->mutex))
		return -ERESTARTNOHAND;
	if (vcpu->intr_user_valid) {
		r = -EBUSY;
	} else {
		vcpu->intr_user_vector = arg->vector;
		vcpu->intr_user_valid = true;
		hvmon_request(vcpu, HVMON_REQ_EVENT);
	}
	mutex_unlock(&vcpu->mutex);
	return r;
}

/**
 * hvmon_vcpu_inject() - HVMON_INJECT
 * @vcpu: target
 * @arg: see the uapi header
 *
 * An NMI comes without the vCPU's mutex, so that it reaches a running one.
 *
 * Return: 0 or -errno.
 */
int hvmon_vcpu_inject(struct hvmon_vcpu *vcpu, const struct hvmon_inject *arg)
{
	switch (arg->type) {
	case HVMON_EV_EXCEPTION:
		return inject_exception(vcpu, arg);
	case HVMON_EV_INTR:
		return inject_interrupt(vcpu, arg);
	case HVMON_EV_NMI:
		if (arg->vector || arg->has_error || arg->error || arg->payload)
			return -EINVAL;
		hvmon_queue_nmi(vcpu);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- life ---- */

void hvmon_vcpu_reset(struct hvmon_vcpu *vcpu, bool init)
{
	u32 eax, ebx, ecx, edx;

	/* SDM vol. 3, table 9-1; RDX has the processor's signature */
	hvmon_cpuid(vcpu, 1, 0, &eax, &ebx, &ecx, &edx);
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs.gpr[HVMON_RDX] = eax;
	vcpu->regs.rip = 0xfff0;
	vcpu->regs.rflags = 2;
	vcpu->in_flight.valid = 0;
	vcpu->exception.valid = 0;
	atomic_set(&vcpu->nmi_queued, 0);
	vcpu->intr_user_valid = false;
	vcpu->complete = NULL;
	hvmon_vendor->vcpu_reset(vcpu, init);
	if (!init) {
		hvmon_msr_reset(vcpu);
		hvmon_fpu_reset(vcpu, false);
	}
	hvmon_pv_reset(vcpu, init);
	if (vcpu->lapic)
		hvmon_lapic_reset(vcpu, init);
	vcpu->mp_state = vcpu->lapic && vcpu->id ? HVMON_MP_WAIT_SIPI : HVMON_MP_RUNNABLE;
}

/**
 * hvmon_vcpu_create() - a vCPU that nobody knows yet
 * @vm: its VM, whose lock is held
 * @id: below HVMON_MAX_VCPUS
 *
 * Return: the vCPU, to be published or freed; or ERR_PTR.
 */
struct hvmon_vcpu *hvmon_vcpu_create(struct hvmon_vm *vm, u32 id)
{
	struct hvmon_vcpu *vcpu;
	int r = -ENOMEM;

	BUILD_BUG_ON(sizeof(struct hvmon_run) > PAGE_SIZE);

	if (vm->vcpu[id])
		return ERR_PTR(-EEXIST);
	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	hvmon_defer_init(vcpu);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run)
		goto err_free;
	r = hvmon_cpuid_init(vcpu);
	if (r)
		goto err_run;
	r = hvmon_fpu_init(vcpu);
	if (r)
		goto err_cpuid;
	if (vm->irqs) {
		r = hvmon_lapic_create(vcpu);
		if (r)
			goto err_fpu;
	}
	r = hvmon_emul_init(vcpu);
	if (r)
		goto err_lapic;
	r = hvmon_vendor->vcpu_init(vcpu);
	if (r)
		goto err_emul;
	hvmon_vendor->set_root(vcpu, vm->mmu.root);
	hvmon_vendor->update_caps(vcpu);
	hvmon_set_tsc_offset(vcpu, vm->clock.tsc_offset);
	hvmon_vcpu_reset(vcpu, false);
	return vcpu;

err_emul:
	hvmon_emul_fini(vcpu);
err_lapic:
	if (vcpu->lapic)
		hvmon_lapic_free(vcpu);
err_fpu:
	hvmon_fpu_fini(vcpu);
err_cpuid:
	hvmon_cpuid_fini(vcpu);
err_run:
	free_page((unsigned long)vcpu->run);
err_free:
	kfree(vcpu);
	return ERR_PTR(r);
}

void hvmon_vcpu_publish(struct hvmon_vcpu *vcpu)
{
	struct hvmon_vm *vm = vcpu->vm;

	hvmon_debugfs_add_vcpu(vcpu);
	vm->nr_vcpus++;
	/* Pairs with hvmon_vcpu_by_id() */
	smp_store_release(&vm->vcpu[vcpu->id], vcpu);
}

void hvmon_vcpu_free(struct hvmon_vcpu *vcpu)
{
	if (vcpu->lapic)
		hvmon_lapic_free(vcpu);
	hvmon_vendor->vcpu_fini(vcpu);
	hvmon_emul_fini(vcpu);
	hvmon_fpu_fini(vcpu);
	hvmon_cpuid_fini(vcpu);
	/* A process may still have the page mapped; its mapping holds it */
	free_page((unsigned long)vcpu->run);
	kfree(vcpu);
}

struct hvmon_vcpu *hvmon_vcpu_by_id(struct hvmon_vm *vm, u32 id)
{
	/* Pairs with hvmon_vcpu_publish() */
	return id < HVMON_MAX_VCPUS ? smp_load_acquire(&vm->vcpu[id]) : NULL;
}
