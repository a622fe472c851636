// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's TSC and its paravirtual clock (Documentation/virt/kvm/x86/msr.rst
 * and pvclock-abi.h of the kernel).
 *
 * Where the host trusts its TSC, a VM has one pair of TSC and guest clock, and
 * every clock page is made from it: all vCPUs agree to the nanosecond, time is
 * a straight line, and the guest may be told so. Where it does not, each page
 * is made from a fresh reading of the raw monotonic clock when its vCPU moves
 * to another CPU and every so often; the guest then makes the clock monotonic
 * itself, because the page lacks the flag.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

#include "pv.h"

/* How long a page may be extrapolated from where the TSC is unstable */
#define UNSTABLE_PERIOD	(HZ / 4)

void hvmon_pvclock_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 hz = (u64)khz * 1000;
	int s = 0;

	/* Bring hz * 2^s above 10^9 and to 2 * 10^9 at most: mul has 32 bits */
	while (s > -32 && hz >> -s > 2ULL * NSEC_PER_SEC)
		s--;
	if (!s)
		while (s < 31 && hz << s <= NSEC_PER_SEC)
			s++;
	if (s < 0)
		*mul = min_t(u64, mul_u64_u64_div_u64((u64)NSEC_PER_SEC << 32, 1ULL << -s, hz),
			     U32_MAX);
	else
		*mul = div64_u64((u64)NSEC_PER_SEC << 32, hz << s);
	*shift = s;
}

u64 hvmon_pvclock_ns(u64 cycles, u32 mul, s8 shift)
{
	cycles = shift < 0 ? cycles >> -shift : cycles << shift;
	return mul_u64_u32_shr(cycles, mul, 32);
}

static u64 cycles_to_ns(u64 cycles)
{
	u32 mul;
	s8 shift;

	hvmon_pvclock_scale(hvmon_host_tsc_khz(), &mul, &shift);
	return hvmon_pvclock_ns(cycles, mul, shift);
}

/* The kernel marks it for all of: not synchronous, stops in idle, varies */
static bool host_tsc_stable(void)
{
	return boot_cpu_has(X86_FEATURE_TSC) && !check_tsc_unstable();
}

/*
 * One instant on both clocks. There is no call on all kernels that gives the
 * pair, so the raw clock is read between two TSCs, several times: an interrupt
 * in between only spoils one try.
 */
static u64 sample(u64 *tsc)
{
	u64 before, after, best = U64_MAX, ns = 0, t;
	int i;

	for (i = 0; i < 4; i++) {
		before = rdtsc_ordered();
		t = ktime_get_raw_ns();
		after = rdtsc_ordered();
		if (after - before >= best)
			continue;
		best = after - before;
		ns = t;
		*tsc = before + best / 2;
	}
	return ns;
}

/**
 * hvmon_clock_vm_init() - start the clocks of a new VM at 0
 * @vm: the VM
 */
void hvmon_clock_vm_init(struct hvmon_vm *vm)
{
	u64 tsc = 0;

	raw_spin_lock_init(&vm->clock.lock);
	vm->clock.base_ns = sample(&tsc);
	vm->clock.master_tsc = tsc;
	vm->clock.master_ns = 0;
	vm->clock.stable = host_tsc_stable();
	vm->clock.tsc_khz = hvmon_host_tsc_khz();
	vm->clock.tsc_offset = -tsc;
}

static u64 clock_read_locked(struct hvmon_vm *vm, u64 *tsc)
{
	if (!vm->clock.stable)
		return sample(tsc) - vm->clock.base_ns;
	*tsc = rdtsc_ordered();
	return vm->clock.master_ns + cycles_to_ns(*tsc - vm->clock.master_tsc);
}

u64 hvmon_clock_read(struct hvmon_vm *vm, u64 *tsc)
{
	unsigned long flags;
	u64 ns;

	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	ns = clock_read_locked(vm, tsc);
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);
	return ns;
}

static void request_all(struct hvmon_vm *vm)
{
	struct hvmon_vcpu *v;

	hvmon_for_each_vcpu(v, vm) {
		hvmon_request(v, HVMON_REQ_CLOCK);
		hvmon_vcpu_kick(v);
	}
}

/* How far, at most, two calibrations of one clock are apart: one in so many */
#define TSC_TOLERANCE	4000
/* Both vendors' multipliers have at least eight bits before the point */
#define TSC_RATIO_MAX	256

int hvmon_tsc_ratio(u32 khz, u32 host_khz, u8 frac, u64 *ratio)
{
	if (khz / TSC_RATIO_MAX >= host_khz || host_khz / TSC_RATIO_MAX >= khz)
		return -EINVAL;
	*ratio = khz == host_khz ? 0 : mul_u64_u64_div_u64(khz, 1ULL << frac, host_khz);
	return 0;
}

/* Under vm->lock: no vCPU is being created */
static int set_rate(struct hvmon_vm *vm, u32 khz)
{
	u8 frac = hvmon_probe_result.tsc_frac;
	u32 host = hvmon_host_tsc_khz();
	u64 ratio;
	int r;

	if (!khz)
		return 0;
	r = hvmon_tsc_ratio(khz, host, frac, &ratio);
	if (r)
		return r;
	if (khz != host && !frac) {
		if (abs_diff(khz, host) > host / TSC_TOLERANCE)
			return -EOPNOTSUPP;
		khz = host;
		ratio = 0;
	}
	if (khz == vm->clock.tsc_khz)
		return 0;
	if (vm->nr_vcpus)
		return -EBUSY;
	vm->clock.tsc_khz = khz;
	vm->clock.tsc_frac = frac;
	vm->clock.tsc_ratio = ratio;
	/* vCPUs start with a TSC of 0 now */
	vm->clock.tsc_offset = -hvmon_tsc_scale(vm, rdtsc());
	return 0;
}

/**
 * hvmon_clock_get() - HVMON_CLOCK_GET
 * @vm: the VM
 * @arg: filled in
 *
 * Return: 0, or -EINVAL for a reserved field that is not 0.
 */
int hvmon_clock_get(struct hvmon_vm *vm, struct hvmon_clock *arg)
{
	u64 tsc;

	if (arg->reserved)
		return -EINVAL;
	arg->tsc_khz = vm->clock.tsc_khz;
	arg->ns = hvmon_clock_read(vm, &tsc);
	arg->host_tsc = tsc;
	return 0;
}

/**
 * hvmon_clock_set() - HVMON_CLOCK_SET
 * @vm: the VM
 * @arg: @arg->ns is what the guest's clock shows now, @arg->tsc_khz the rate of
 *       its TSC
 *
 * Return: 0; -EINVAL if a field is given that must be 0, or the time is beyond
 * what a signed count of nanoseconds holds; -EINVAL, -EBUSY or -EOPNOTSUPP if
 * the rate cannot be had.
 */
int hvmon_clock_set(struct hvmon_vm *vm, const struct hvmon_clock *arg)
{
	unsigned long flags;
	u64 tsc = 0, raw;
	int r;

	if (arg->host_tsc || arg->reserved || arg->ns > S64_MAX)
		return -EINVAL;
	r = set_rate(vm, arg->tsc_khz);
	if (r)
		return r;
	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	raw = sample(&tsc);
	vm->clock.base_ns = raw - arg->ns;
	vm->clock.master_ns = arg->ns;
	vm->clock.master_tsc = tsc;
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);
	request_all(vm);
	return 0;
}

/* ------------------------------------------------------------------ */
/* TSC */

u64 hvmon_guest_tsc(struct hvmon_vcpu *vcpu)
{
	return hvmon_tsc_scale(vcpu->vm, rdtsc()) + vcpu->tsc_offset;
}

u64 hvmon_tsc_to_host(const struct hvmon_vm *vm, u64 cycles)
{
	u64 ratio = vm->clock.tsc_ratio;

	if (!ratio)
		return cycles;
	/* The ratio is more than a 256th, so that the quotient has 64 bits */
	cycles = min(cycles, 1ULL << 54);
	return mul_u64_u64_div_u64(cycles, 1ULL << vm->clock.tsc_frac, ratio) + 1;
}

/**
 * hvmon_set_tsc_offset() - change the guest's TSC
 * @vcpu: the caller's
 * @offset: guest TSC minus the host's at the guest's rate
 */
void hvmon_set_tsc_offset(struct hvmon_vcpu *vcpu, u64 offset)
{
	bool same = vcpu->tsc_offset == offset;

	WRITE_ONCE(vcpu->tsc_offset, offset);
	hvmon_vendor->set_tsc_offset(vcpu, offset);
	if (vcpu->lapic)
		hvmon_lapic_tsc_changed(vcpu);
	hvmon_request(vcpu, HVMON_REQ_CLOCK);
	/* Whether the pages may be called stable depends on all offsets */
	if (!same)
		request_all(vcpu->vm);
}

/*
 * A launcher restores vCPUs one after the other, each with the TSC that it
 * had at one moment. Values within a second of each other mean one TSC.
 */
static u64 restored_offset(struct hvmon_vm *vm, u64 offset)
{
	s64 second = (s64)vm->clock.tsc_khz * 1000, diff;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	diff = offset - vm->clock.tsc_offset;
	if (vm->clock.tsc_restored && diff > -second && diff < second)
		offset = vm->clock.tsc_offset;
	vm->clock.tsc_offset = offset;
	vm->clock.tsc_restored = true;
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);
	return offset;
}

void hvmon_tsc_write(struct hvmon_vcpu *vcpu, u64 val, bool host)
{
	u64 offset = val - hvmon_tsc_scale(vcpu->vm, rdtsc());

	if (host)
		offset = restored_offset(vcpu->vm, offset);
	else
		/* SDM vol. 3, 17.17.3: writes of the TSC show in TSC_ADJUST */
		vcpu->msr.tsc_adjust += offset - vcpu->tsc_offset;
	hvmon_set_tsc_offset(vcpu, offset);
}

/* ------------------------------------------------------------------ */
/* Clock page */

/*
 * The vDSO reads the page of vCPU 0 on all vCPUs when it has the flag: then
 * their TSCs must be the same.
 */
static bool offsets_agree(struct hvmon_vm *vm)
{
	struct hvmon_vcpu *v;

	hvmon_for_each_vcpu(v, vm)
		if (READ_ONCE(v->tsc_offset) != vm->clock.tsc_offset)
			return false;
	return true;
}

static void fill_page(struct hvmon_vcpu *vcpu, struct pvclock_vcpu_time_info *ti)
{
	struct hvmon_vm *vm = vcpu->vm;
	unsigned long flags;
	u64 tsc = 0;

	memset(ti, 0, sizeof(*ti));
	hvmon_pvclock_scale(vm->clock.tsc_khz, &ti->tsc_to_system_mul, &ti->tsc_shift);
	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	if (vm->clock.stable) {
		tsc = vm->clock.master_tsc;
		ti->system_time = vm->clock.master_ns;
		if (offsets_agree(vm))
			ti->flags = PVCLOCK_TSC_STABLE_BIT;
	} else {
		ti->system_time = clock_read_locked(vm, &tsc);
	}
	vcpu->pv.clock_cpu = raw_smp_processor_id();
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);

	/*
	 * The guest computes with unsigned differences: after a write of its
	 * TSC the pair may lie before its zero, so move it to now.
	 */
	ti->tsc_timestamp = hvmon_tsc_scale(vm, tsc) + vcpu->tsc_offset;
	if ((s64)ti->tsc_timestamp < 0 || hvmon_guest_tsc(vcpu) < ti->tsc_timestamp) {
		ti->system_time = hvmon_clock_read(vm, &tsc);
		ti->tsc_timestamp = hvmon_tsc_scale(vm, tsc) + vcpu->tsc_offset;
		/* Another pair than other vCPUs have: rounding tells them apart */
		ti->flags = 0;
	}
}

/**
 * hvmon_pv_clock_update() - make the clock page anew
 * @vcpu: the caller's
 *
 * Another vCPU may be reading: the version is odd meanwhile. Memory that is
 * not there is the guest's problem.
 */
void hvmon_pv_clock_update(struct hvmon_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info ti;
	u64 gpa = vcpu->pv.clock_msr & ~1ULL;

	if (!(vcpu->pv.clock_msr & KVM_MSR_ENABLED))
		return;
	fill_page(vcpu, &ti);
	vcpu->pv.clock_next = jiffies + UNSTABLE_PERIOD;

	ti.version = ++vcpu->pv.clock_version | 1;
	if (hvmon_gpa_write(vcpu, gpa, &ti.version, sizeof(ti.version)))
		return;
	smp_wmb();	/* odd version before data; pairs with the guest's reads */
	if (hvmon_gpa_write(vcpu, gpa + sizeof(ti.version), (u8 *)&ti + sizeof(ti.version),
			    sizeof(ti) - sizeof(ti.version)))
		return;
	smp_wmb();	/* data before even version; pairs with the guest's reads */
	vcpu->pv.clock_version = ti.version + 1;
	hvmon_gpa_write(vcpu, gpa, &vcpu->pv.clock_version, sizeof(u32));
}

static void lose_stability(struct hvmon_vm *vm)
{
	unsigned long flags;
	u64 tsc = 0, ns;

	raw_spin_lock_irqsave(&vm->clock.lock, flags);
	if (vm->clock.stable) {
		ns = clock_read_locked(vm, &tsc);
		vm->clock.stable = false;
		vm->clock.base_ns = sample(&tsc) - ns;
	}
	raw_spin_unlock_irqrestore(&vm->clock.lock, flags);
	request_all(vm);
}

/* hvmon_clock_stretch_begin(), where the TSC is not to be relied on */
void hvmon_clock_check(struct hvmon_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->clock.stable))
		lose_stability(vcpu->vm);
	else if (vcpu->pv.clock_msr & KVM_MSR_ENABLED &&
		 (vcpu->pv.clock_cpu != smp_processor_id() ||
		  time_after_eq(jiffies, vcpu->pv.clock_next)))
		hvmon_request(vcpu, HVMON_REQ_CLOCK);
}
