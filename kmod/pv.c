// SPDX-License-Identifier: GPL-2.0
/*
 * The paravirtual interface that stock Linux guests know: MSRs, steal time,
 * EOI without an exit, hypercalls. The ABI is in the kernel's
 * Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/pvclock-abi.h>
#include <uapi/asm/kvm_para.h>
#include <uapi/linux/kvm_para.h>

#include "pv.h"

/* Interrupt command: SDM vol. 3, 10.6.1 */
#define ICR_LOGICAL	BIT(11)
#define ICR_SHORTHAND	(BIT(18) | BIT(19))

#define FEATURE(n)	BIT(KVM_FEATURE_##n)

/**
 * hvmon_pv_features() - CPUID 0x40000001 EAX
 *
 * Return: the features that are implemented, and no other.
 */
u32 hvmon_pv_features(void)
{
	u32 f = FEATURE(CLOCKSOURCE2) | FEATURE(NOP_IO_DELAY) | FEATURE(PV_EOI) |
		FEATURE(PV_UNHALT) | FEATURE(PV_SEND_IPI) | FEATURE(POLL_CONTROL) |
		BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);

	if (IS_ENABLED(CONFIG_SCHED_INFO))
		f |= FEATURE(STEAL_TIME) | FEATURE(PV_TLB_FLUSH);
	return f;
}

static bool has(const struct hvmon_vcpu *vcpu, u32 feature)
{
	return vcpu->caps.pv && vcpu->caps.pv_features & feature;
}

/* ------------------------------------------------------------------ */
/* MSRs */

/* Real time at the zero of the guest's clock */
static void write_wall_clock(struct hvmon_vcpu *vcpu, u64 gpa)
{
	struct pvclock_wall_clock wc = { 0 };
	struct hvmon_vm *vm = vcpu->vm;
	unsigned long flags;
	u64 tsc, ns;
	u32 rem;

	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	vm->clock.wall_version += 2;
	wc.version = vm->clock.wall_version - 1;
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);

	ns = ktime_get_real_ns() - hvmon_clock_read(vm, &tsc);
	if (hvmon_gpa_write(vcpu, gpa, &wc.version, sizeof(wc.version)))
		return;
	smp_wmb();	/* odd version before data; pairs with the guest's reads */
	wc.sec = div_u64_rem(ns, NSEC_PER_SEC, &rem);
	wc.nsec = rem;
	if (hvmon_gpa_write(vcpu, gpa, &wc, sizeof(wc)))
		return;
	smp_wmb();	/* data before even version; pairs with the guest's reads */
	wc.version++;
	hvmon_gpa_write(vcpu, gpa, &wc.version, sizeof(wc.version));
}

/* The feature that an MSR belongs to, 0 if there is no such MSR */
static u32 msr_feature(u32 msr)
{
	switch (msr) {
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return FEATURE(CLOCKSOURCE2);
	case MSR_KVM_STEAL_TIME:
		return FEATURE(STEAL_TIME);
	case MSR_KVM_PV_EOI_EN:
		return FEATURE(PV_EOI);
	case MSR_KVM_POLL_CONTROL:
		return FEATURE(POLL_CONTROL);
	}
	return 0;
}

/**
 * hvmon_pv_get_msr() - read a paravirtual MSR
 * @vcpu: the vCPU
 * @msr: 0x4b564d00 and up
 * @val: filled in
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_pv_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val)
{
	if (!has(vcpu, msr_feature(msr)))
		return -EINVAL;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK_NEW:
		*val = vcpu->pv.wall_clock_msr;
		break;
	case MSR_KVM_SYSTEM_TIME_NEW:
		*val = vcpu->pv.clock_msr;
		break;
	case MSR_KVM_STEAL_TIME:
		*val = vcpu->pv.steal_msr;
		break;
	case MSR_KVM_PV_EOI_EN:
		*val = vcpu->pv.eoi_msr;
		break;
	default:
		*val = vcpu->pv.poll_control;
		break;
	}
	return 0;
}

static u64 run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

static int set_steal(struct hvmon_vcpu *vcpu, u64 val)
{
	if (val & KVM_STEAL_RESERVED_MASK)
		return -EINVAL;
	vcpu->pv.steal_msr = val;
	vcpu->pv.preempted = false;
	vcpu->pv.last_run_delay = run_delay();
	if (val & KVM_MSR_ENABLED)
		hvmon_request(vcpu, HVMON_REQ_STEAL);
	return 0;
}

static int set_eoi(struct hvmon_vcpu *vcpu, u64 val)
{
	if (val & 2)
		return -EINVAL;
	if (!hvmon_pv_eoi_sync(vcpu))
		return HVMON_LATER;
	vcpu->pv.eoi_msr = val;
	return 0;
}

/**
 * hvmon_pv_set_msr() - write a paravirtual MSR
 * @vcpu: the vCPU
 * @msr: 0x4b564d00 and up
 * @val: new value
 *
 * Return: 0, -EINVAL, or HVMON_LATER in a section.
 */
int hvmon_pv_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val)
{
	if (!has(vcpu, msr_feature(msr)))
		return -EINVAL;
	switch (msr) {
	case MSR_KVM_WALL_CLOCK_NEW:
		if (vcpu->in_section)
			return HVMON_LATER;
		vcpu->pv.wall_clock_msr = val;
		if (val)
			write_wall_clock(vcpu, val);
		return 0;
	case MSR_KVM_SYSTEM_TIME_NEW:
		vcpu->pv.clock_msr = val;
		hvmon_request(vcpu, HVMON_REQ_CLOCK);
		return 0;
	case MSR_KVM_STEAL_TIME:
		return set_steal(vcpu, val);
	case MSR_KVM_PV_EOI_EN:
		return set_eoi(vcpu, val);
	default:
		if (val & ~1ULL)
			return -EINVAL;
		vcpu->pv.poll_control = val;
		return 0;
	}
}

/**
 * hvmon_pv_reset() - power-on values
 * @vcpu: the vCPU
 * @init: INIT, which only ends what belongs to the LAPIC: a flag that still
 *        stood for an EOI would end the first interrupt after it
 */
void hvmon_pv_reset(struct hvmon_vcpu *vcpu, bool init)
{
	if (init) {
		vcpu->pv.eoi_pending = false;
		vcpu->pv.eoi_msr = 0;
		return;
	}
	vcpu->pv = (struct hvmon_pv){ .poll_control = 1, .clock_cpu = -1 };
}

/* ------------------------------------------------------------------ */
/* Steal time */

static u64 steal_gpa(const struct hvmon_vcpu *vcpu)
{
	return vcpu->pv.steal_msr & KVM_STEAL_VALID_BITS;
}

/*
 * While the flag says "preempted", other vCPUs may turn it into "preempted,
 * flush" instead of sending an IPI: so it has to be taken in one step.
 * Returns what it was.
 */
static u8 take_preempted(struct hvmon_vcpu *vcpu)
{
	u64 gpa = steal_gpa(vcpu) + offsetof(struct kvm_steal_time, preempted);
	struct hvmon_slot *slot;
	u8 __user *flag;
	u8 old = 0;
	int idx;

	idx = srcu_read_lock(&vcpu->vm->srcu);
	slot = hvmon_slot_by_gfn(vcpu->vm, gpa >> PAGE_SHIFT);
	if (!slot || slot->flags & HVMON_MEM_READONLY)
		goto out;
	flag = (u8 __user *)(slot->hva + (gpa - (slot->gfn << PAGE_SHIFT)));
	if (!access_ok(flag, 1) || get_user(old, flag))
		goto out;
	/* 1: somebody changed it, and old is the new value. <0: the page is gone */
	while (__try_cmpxchg_user(flag, &old, (u8)0, gone) > 0)
		cpu_relax();
	hvmon_mark_dirty(vcpu->vm, &gpa, 1);
out:
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return old;
}

/**
 * hvmon_pv_steal_grew() - has the thread waited for a CPU that the guest knows nothing of?
 * @vcpu: the caller's
 *
 * Return: true if hvmon_pv_steal_update() has something to tell.
 */
bool hvmon_pv_steal_grew(struct hvmon_vcpu *vcpu)
{
	return vcpu->pv.steal_msr & KVM_MSR_ENABLED && vcpu->pv.last_run_delay != run_delay();
}

/**
 * hvmon_pv_steal_update() - the vCPU runs again: clear "preempted", count
 * @vcpu: the caller's
 *
 * Time stolen is what the scheduler says that the thread waited for a CPU.
 */
void hvmon_pv_steal_update(struct hvmon_vcpu *vcpu)
{
	u64 gpa = steal_gpa(vcpu), delay = run_delay();
	struct kvm_steal_time st;

	if (!(vcpu->pv.steal_msr & KVM_MSR_ENABLED))
		return;
	vcpu->pv.preempted = false;
	if (take_preempted(vcpu) & KVM_VCPU_FLUSH_TLB)
		hvmon_vendor->flush_tlb(vcpu);

	/*
	 * The sum lives in the guest's memory, which a restored vCPU brings
	 * along: to the guest time stolen must never become less.
	 */
	if (hvmon_gpa_read(vcpu, gpa, &st, offsetof(struct kvm_steal_time, preempted)))
		return;
	/* Another thread may run the vCPU now, with a count of its own */
	if (delay > vcpu->pv.last_run_delay)
		st.steal += delay - vcpu->pv.last_run_delay;
	vcpu->pv.last_run_delay = delay;

	st.version |= 1;
	if (hvmon_gpa_write(vcpu, gpa + offsetof(struct kvm_steal_time, version), &st.version,
			    sizeof(st.version)))
		return;
	smp_wmb();	/* odd version before data; pairs with the guest's reads */
	hvmon_gpa_write(vcpu, gpa + offsetof(struct kvm_steal_time, steal), &st.steal,
			sizeof(st.steal));
	smp_wmb();	/* data before even version; pairs with the guest's reads */
	st.version++;
	hvmon_gpa_write(vcpu, gpa + offsetof(struct kvm_steal_time, version), &st.version,
			sizeof(st.version));
}

void hvmon_pv_tell_preempted(struct hvmon_vcpu *vcpu)
{
	u8 flag = KVM_VCPU_PREEMPTED;

	if (!(vcpu->pv.steal_msr & KVM_MSR_ENABLED) || vcpu->pv.preempted)
		return;
	/* The flag is 0, and then nobody but us changes it */
	if (!hvmon_gpa_write(vcpu, steal_gpa(vcpu) + offsetof(struct kvm_steal_time, preempted),
			     &flag, sizeof(flag)))
		vcpu->pv.preempted = true;
	hvmon_request(vcpu, HVMON_REQ_STEAL);
}

/* ------------------------------------------------------------------ */
/* EOI */

/* hvmon_pv_eoi_set(), where it is possible at all */
void hvmon_pv_eoi_offer(struct hvmon_vcpu *vcpu)
{
	u8 flag = KVM_PV_EOI_ENABLED;

	if (!(vcpu->pv.eoi_msr & KVM_MSR_ENABLED) || !hvmon_lapic_pv_eoi_ok(vcpu))
		return;
	if (!hvmon_gpa_write(vcpu, vcpu->pv.eoi_msr & ~3ULL, &flag, sizeof(flag)))
		vcpu->pv.eoi_pending = true;
}

/* hvmon_pv_eoi_sync(), where there is a flag */
bool hvmon_pv_eoi_take_back(struct hvmon_vcpu *vcpu)
{
	u64 gpa = vcpu->pv.eoi_msr & ~3ULL;
	u8 flag;
	int r;

	r = hvmon_gpa_read(vcpu, gpa, &flag, sizeof(flag));
	if (!r && flag & KVM_PV_EOI_ENABLED) {
		flag &= ~KVM_PV_EOI_ENABLED;
		r = hvmon_gpa_write(vcpu, gpa, &flag, sizeof(flag));
		if (r != -EAGAIN)
			r = -ENOENT;	/* withdrawn: the guest will do it itself */
	}
	if (r == -EAGAIN && vcpu->in_section) {
		hvmon_request(vcpu, HVMON_REQ_KICK);
		hvmon_request(vcpu, HVMON_REQ_EVENT);
		/*
		 * The look for requests before the entry may have been; an event may be in
		 * the control block, and the section must not end without its entry
		 */
		hvmon_send_reschedule(smp_processor_id());
		return false;
	}
	vcpu->pv.eoi_pending = false;
	if (!r)
		hvmon_lapic_eoi(vcpu);
	return true;
}

/* ------------------------------------------------------------------ */
/* Hypercalls */

static noinline u64 kick_cpu(struct hvmon_vcpu *vcpu, u64 apic_id)
{
	struct hvmon_vcpu *v;

	hvmon_for_each_vcpu(v, vcpu->vm) {
		if (!v->lapic || hvmon_lapic_id(v) != (u32)apic_id)
			continue;
		WRITE_ONCE(v->pv.unhalted, true);
		hvmon_request(v, HVMON_REQ_EVENT);
		hvmon_vcpu_kick(v);
	}
	return 0;
}

int hvmon_pv_ipi_dests(u64 lo, u64 hi, u32 min, bool long_mode, u32 *dest)
{
	u32 width = long_mode ? 64 : 32, bit;
	int n = 0;

	if (!long_mode) {
		lo = (u32)lo;
		hi = (u32)hi;
	}
	for (bit = 0; bit < 2 * width; bit++) {
		if (!((bit < width ? lo >> bit : hi >> (bit - width)) & 1))
			continue;
		/* Nobody has an ID beyond 32 bits, and the last one broadcasts */
		if ((u64)min + bit >= U32_MAX)
			break;
		dest[n++] = min + bit;
	}
	return n;
}

/* Not in line: what it needs of the stack is not for every hypercall to set up */
static noinline u64 send_ipi(struct hvmon_vcpu *vcpu, const u64 *gpr, u64 mask)
{
	u64 lo = gpr[HVMON_RBX] & mask, hi = gpr[HVMON_RCX] & mask;
	u64 icr = gpr[HVMON_RSI] & mask;
	struct hvmon_irq_msg msg = {
		.mode = icr >> 8 & 7,
		.vector = icr & 0xff,
		.assert = true,
		.x2apic_dest = true,
	};
	u32 dest[HVMON_PV_IPI_MAX];
	u64 reached = 0;
	int i, n;

	if (icr & (ICR_LOGICAL | ICR_SHORTHAND))
		return -KVM_EINVAL;
	if (msg.mode != HVMON_DM_FIXED && msg.mode != HVMON_DM_NMI)
		return -KVM_EINVAL;
	if (!vcpu->lapic)
		return -KVM_ENOSYS;
	n = hvmon_pv_ipi_dests(lo, hi, gpr[HVMON_RDX] & mask, mask == ~0ULL, dest);
	for (i = 0; i < n; i++) {
		msg.dest = dest[i];
		reached += hvmon_irq_deliver(vcpu->vm, vcpu->lapic, &msg);
	}
	return reached;
}

/**
 * hvmon_exit_hypercall() - VMCALL or VMMCALL
 * @vcpu: the caller's: the call's number is in RAX, its operands in RBX, RCX, RDX
 *	  and RSI, of each 32 bits outside of 64-bit mode. RAX gets the result
 *
 * Return: HVMON_RESUME; HVMON_LATER in a section, for what takes long; -errno.
 */
int hvmon_exit_hypercall(struct hvmon_vcpu *vcpu)
{
	u64 *gpr = vcpu->regs.gpr;
	u64 r = -KVM_ENOSYS, mask;

	if (!vcpu->caps.pv) {
		hvmon_inject_ud(vcpu);
		return HVMON_RESUME;
	}
	mask = hvmon_call(code_bits, vcpu) == 64 ? ~0ULL : U32_MAX;
	if (hvmon_call(cpl, vcpu)) {
		r = -KVM_EPERM;
		goto out;
	}
	switch (gpr[HVMON_RAX] & mask) {
	case KVM_HC_VAPIC_POLL_IRQ:
		r = 0;
		break;
	case KVM_HC_KICK_CPU:
		if (has(vcpu, FEATURE(PV_UNHALT)))
			r = kick_cpu(vcpu, gpr[HVMON_RCX] & mask);
		break;
	case KVM_HC_SEND_IPI:
		/* To as many as 128: too much with interrupts off */
		if (vcpu->in_section)
			return HVMON_LATER;
		if (has(vcpu, FEATURE(PV_SEND_IPI)))
			r = send_ipi(vcpu, gpr, mask);
		break;
	case KVM_HC_CLOCK_PAIRING:
		r = -KVM_EOPNOTSUPP;
		break;
	}
out:
	gpr[HVMON_RAX] = r & mask;
	vcpu->stats.hypercall++;
	return hvmon_call(skip_insn, vcpu);
}
