// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's model-specific registers: one table. An MSR that has no row
 * does not exist and faults, which Linux expects of all that it probes with
 * rdmsr_safe(); what its code for AMD and Intel processors reads without that
 * has a row, if only to give zero.
 */
#include <linux/stddef.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <uapi/asm/kvm_para.h>

#include "cpuid.h"
#include "msr.h"
#include "pv.h"

#define PAT_RESET	0x0007040600070406ULL	/* SDM vol. 3, 11.12.4 */
#define MTRR_VARIABLE	8
/* Variable ranges, the fixed ones, write-combining: SDM vol. 3, 11.11.1 */
#define MTRR_CAP	(MTRR_VARIABLE | BIT(8) | BIT(10))

/*
 * Fast strings; no BTS, no PEBS, which are read-only. What can be written, SDM
 * vol. 4, table 2-2, is kept; of the effects on CPUID there are none.
 */
#define MISC_ENABLE_RO		(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_EMON)
#define MISC_ENABLE_RESET	(MSR_IA32_MISC_ENABLE_FAST_STRING | \
				 MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define MISC_ENABLE_RW		(MSR_IA32_MISC_ENABLE_FAST_STRING | \
				 MSR_IA32_MISC_ENABLE_TCC | \
				 MSR_IA32_MISC_ENABLE_TM1 | \
				 MSR_IA32_MISC_ENABLE_ENHANCED_SPEEDSTEP | \
				 MSR_IA32_MISC_ENABLE_LIMIT_CPUID | \
				 MSR_IA32_MISC_ENABLE_MWAIT | \
				 MSR_IA32_MISC_ENABLE_XTPR_DISABLE | \
				 MSR_IA32_MISC_ENABLE_XD_DISABLE)

/* HWCR of AMD: what Linux sets for errata, and TSC at P0 frequency */
#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)
#define HWCR_VALID		(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8) | BIT_ULL(18) | \
				 HWCR_TSC_FREQ_SEL | BIT_ULL(30))

#define X2APIC_FIRST	0x800
#define X2APIC_LAST	0x8ff

/* ------------------------------------------------------------------ */
/* Validators, pure */

static bool memory_type_valid(u8 type, bool uc_minus)
{
	/* UC WC WT WP WB, in the PAT also UC-: SDM vol. 3, table 11-10 */
	return type < 8 && (0x73 | (uc_minus ? 0x80 : 0)) & BIT(type);
}

bool hvmon_pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if (!memory_type_valid(pat >> i & 0xff, true))
			return false;
	return true;
}

bool hvmon_mtrr_valid(u32 msr, u64 val, u32 maxphyaddr)
{
	u64 reserved_addr = maxphyaddr < 64 ? ~0ULL << maxphyaddr : 0;
	int i;

	if (msr == HVMON_MTRR_DEF_TYPE)
		return !(val & ~0xcffULL) && memory_type_valid(val & 0xff, false);
	if (msr >= HVMON_MTRR_FIX_64K && msr <= HVMON_MTRR_FIX_LAST) {
		for (i = 0; i < 64; i += 8)
			if (!memory_type_valid(val >> i & 0xff, false))
				return false;
		return true;
	}
	if (msr & 1)	/* mask */
		return !(val & (reserved_addr | 0x7ff));
	return !(val & (reserved_addr | 0xf00)) && memory_type_valid(val & 0xff, false);
}

/* ------------------------------------------------------------------ */
/* MSRs with a side effect or a home elsewhere */

static u64 *stored(struct hvmon_vcpu *vcpu, const struct hvmon_msr_row *row, u32 msr)
{
	return (u64 *)((void *)&vcpu->msr + row->value - 1) + (msr - row->index);
}

static int vendor_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	return hvmon_call(get_msr, vcpu, msr, val) ? -EINVAL : 0;
}

static int vendor_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return hvmon_call(set_msr, vcpu, msr, val) ? -EINVAL : 0;
}

/*
 * AMD takes any address here and keeps 32 bits of it, because SYSENTER does
 * not exist in its 64-bit mode; Intel faults (SDM vol. 4, IA32_SYSENTER_ESP).
 */
static int sysenter_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	s64 canonical = sign_extend64(val, vcpu->caps.la57 ? 56 : 47);

	if (canonical != val && !vcpu->caps.amd)
		return -EINVAL;
	return vendor_set(vcpu, msr, canonical, host);
}

static int efer_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	*val = hvmon_call(get_reg, vcpu, HVMON_REG_EFER);
	return 0;
}

static int efer_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return hvmon_set_efer(vcpu, val, host);
}

/* Without an irqchip: the launcher's LAPIC if any, at its usual place, off */
static int apic_base_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	*val = vcpu->lapic ? hvmon_lapic_get_base(vcpu) :
	       0xfee00000 | (vcpu->id ? 0 : MSR_IA32_APICBASE_BSP);
	return 0;
}

static int apic_base_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return vcpu->lapic ? hvmon_lapic_set_base(vcpu, val, host) : -EINVAL;
}

static int tsc_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	*val = hvmon_guest_tsc(vcpu);
	return 0;
}

static int tsc_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	hvmon_tsc_write(vcpu, val, host);
	return 0;
}

/* The guest's write moves its TSC by the difference: SDM vol. 3, 17.17.3 */
static int tsc_adjust_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	if (!host)
		hvmon_set_tsc_offset(vcpu, vcpu->tsc_offset + val - vcpu->msr.tsc_adjust);
	return 0;
}

static int tsc_aux_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	if (!vcpu->caps.rdtscp && !vcpu->caps.rdpid)
		return -EINVAL;
	*val = vcpu->msr.tsc_aux;
	return 0;
}

static int tsc_aux_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	if (!vcpu->caps.rdtscp && !vcpu->caps.rdpid)
		return -EINVAL;
	/* AMD drops the upper half, Intel faults */
	if (val >> 32 && !vcpu->caps.amd)
		return -EINVAL;
	vcpu->msr.tsc_aux = (u32)val;
	vcpu->out_of_sync = true;
	return 0;
}

/*
 * Some have a home in the vendor's control block on some processors only
 * (SPEC_CTRL, PAT, DEBUGCTL on AMD-V): the copy here is for all others.
 */
static int shared_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	if (hvmon_call(get_msr, vcpu, msr, val))
		*val = *stored(vcpu, hvmon_msr_find(msr), msr);
	return 0;
}

static int shared_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	int r = hvmon_call(set_msr, vcpu, msr, val);

	return r == -ENOENT ? 0 : r;
}

static int pat_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return hvmon_pat_valid(val) ? shared_set(vcpu, msr, val, host) : -EINVAL;
}

static int mtrr_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return hvmon_mtrr_valid(msr, val, vcpu->caps.maxphyaddr) ? 0 : -EINVAL;
}

/* Guests may only clear it; bits beyond the three are reserved */
static int mcg_status_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return val && !host ? -EINVAL : 0;
}

static int de_cfg_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	*val = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? MSR_AMD64_DE_CFG_LFENCE_SERIALIZE : 0;
	return 0;
}

static u64 spec_ctrl_valid(const struct hvmon_vcpu *vcpu)
{
	const struct hvmon_cpuid_entry *e;
	u64 valid = 0;

	for (e = vcpu->cpuid; e < vcpu->cpuid + vcpu->nr_cpuid; e++) {
		if (e->leaf == 7 && !e->subleaf) {
			valid |= e->edx & BIT(26) ? SPEC_CTRL_IBRS : 0;
			valid |= e->edx & BIT(27) ? SPEC_CTRL_STIBP : 0;
			valid |= e->edx & BIT(31) ? SPEC_CTRL_SSBD : 0;
		} else if (e->leaf == 0x80000008) {
			valid |= e->ebx & BIT(14) ? SPEC_CTRL_IBRS : 0;
			valid |= e->ebx & BIT(15) ? SPEC_CTRL_STIBP : 0;
			valid |= e->ebx & BIT(24) ? SPEC_CTRL_SSBD : 0;
			valid |= e->ebx & BIT(28) ? BIT(7) : 0;	/* PSFD */
		}
	}
	return valid;
}

static int spec_ctrl_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return val & ~spec_ctrl_valid(vcpu) ? -EINVAL : shared_set(vcpu, msr, val, host);
}

static int wrmsr_checked(u32 msr, u64 val)
{
	int r = -EINVAL;

	asm volatile("1: wrmsr\n\t"
		     "xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (r)
		     : "c" (msr), "a" ((u32)val), "d" ((u32)(val >> 32)) : "memory");
	return r;
}

static int pred_cmd_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	/* Nothing to restore; the barrier is for the CPU that runs the vCPU now */
	if (host || !val)
		return 0;
	return wrmsr_checked(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

static int pv_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	return hvmon_pv_get_msr(vcpu, msr, val);
}

static int pv_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	return hvmon_pv_set_msr(vcpu, msr, val);
}

/* ------------------------------------------------------------------ */
/* The table, by index */

#define STATE	HVMON_MSR_STATE
#define LATE	HVMON_MSR_LATE
#define RO	HVMON_MSR_RO
#define WO	HVMON_MSR_WO
#define DROP	HVMON_MSR_DROP
#define CANON	HVMON_MSR_CANON
#define SYNC	HVMON_MSR_SYNC

#define VALUE(f)	.value = offsetof(struct hvmon_msr_values, f) + 1
#define CAP(f)		.cap = offsetof(struct hvmon_guest_caps, f) + 1
#define IN_VENDOR	.get = vendor_get, .set = vendor_set
#define HIGH_HALF	0xffffffff00000000ULL

const struct hvmon_msr_row hvmon_msr_rows[] = {
	{ MSR_IA32_TSC, .flags = STATE | LATE, .get = tsc_get, .set = tsc_set },
	/* Linux's microcode code for Intel reads it without a net */
	{ MSR_IA32_PLATFORM_ID, .flags = RO },
	{ MSR_IA32_APICBASE, .get = apic_base_get, .set = apic_base_set },
	{ MSR_IA32_EBL_CR_POWERON, .flags = DROP },
	{ MSR_IA32_TSC_ADJUST, .flags = STATE, VALUE(tsc_adjust), CAP(tsc_adjust),
	  .set = tsc_adjust_set },
	{ MSR_IA32_SPEC_CTRL, .flags = STATE | SYNC, VALUE(spec_ctrl), CAP(spec_ctrl),
	  .get = shared_get, .set = spec_ctrl_set },
	{ MSR_IA32_PRED_CMD, .flags = WO, CAP(pred_cmd), .reserved = ~PRED_CMD_IBPB,
	  .set = pred_cmd_set },
	/* Intel guests write 0 here before they read the revision */
	{ MSR_IA32_UCODE_REV, .flags = STATE | DROP, VALUE(patch_level) },
	{ HVMON_MTRR_CAP, .flags = RO, CAP(mtrr), .fixed = MTRR_CAP },
	{ MSR_IA32_SYSENTER_CS, .flags = STATE, .reserved = HIGH_HALF, IN_VENDOR },
	{ MSR_IA32_SYSENTER_ESP, .count = 2, .flags = STATE, .get = vendor_get,
	  .set = sysenter_set },
	/* Machine check without banks */
	{ MSR_IA32_MCG_CAP, .flags = RO },
	{ MSR_IA32_MCG_STATUS, .flags = STATE, VALUE(mcg_status), .reserved = ~7ULL,
	  .set = mcg_status_set },
	{ MSR_IA32_MISC_ENABLE, .flags = STATE, VALUE(misc_enable), .keep = MISC_ENABLE_RO,
	  .reserved = ~(u64)(MISC_ENABLE_RO | MISC_ENABLE_RW) },
	/* Branch stepping is accepted, even if it steps instructions; no LBR */
	{ MSR_IA32_DEBUGCTLMSR, .flags = STATE, VALUE(debugctl),
	  .reserved = ~(u64)DEBUGCTLMSR_BTF, .get = shared_get, .set = shared_set },
	{ HVMON_MTRR_BASE(0), .count = 2 * MTRR_VARIABLE, .flags = STATE, VALUE(mtrr_var),
	  CAP(mtrr), .set = mtrr_set },
	{ HVMON_MTRR_FIX_64K, .flags = STATE, VALUE(mtrr_fixed), CAP(mtrr), .set = mtrr_set },
	{ HVMON_MTRR_FIX_16K, .count = 2, .flags = STATE, VALUE(mtrr_fixed[1]), CAP(mtrr),
	  .set = mtrr_set },
	{ HVMON_MTRR_FIX_4K, .count = 8, .flags = STATE, VALUE(mtrr_fixed[3]), CAP(mtrr),
	  .set = mtrr_set },
	{ MSR_IA32_CR_PAT, .flags = STATE | SYNC, VALUE(pat), CAP(pat), .get = shared_get,
	  .set = pat_set },
	{ HVMON_MTRR_DEF_TYPE, .flags = STATE, VALUE(mtrr_def_type), CAP(mtrr), .set = mtrr_set },
	/* No supervisor state for guests */
	{ MSR_IA32_XSS, CAP(xsaves), .reserved = ~0ULL },
	{ MSR_KVM_WALL_CLOCK_NEW, .count = 2, .flags = STATE | LATE, .get = pv_get,
	  .set = pv_set },
	{ MSR_KVM_STEAL_TIME, .count = 3, .flags = STATE | LATE, .get = pv_get, .set = pv_set },
	{ MSR_EFER, .get = efer_get, .set = efer_set },
	{ MSR_STAR, .flags = STATE, CAP(syscall), IN_VENDOR },
	{ MSR_LSTAR, .count = 2, .flags = STATE | CANON, CAP(longmode), IN_VENDOR },
	{ MSR_SYSCALL_MASK, .flags = STATE, CAP(longmode), IN_VENDOR },
	{ MSR_FS_BASE, .count = 2, .flags = CANON, CAP(longmode), IN_VENDOR },
	{ MSR_KERNEL_GS_BASE, .flags = STATE | CANON, CAP(longmode), IN_VENDOR },
	{ MSR_TSC_AUX, .flags = STATE, .get = tsc_aux_get, .set = tsc_aux_set },
	/* AMD, from here. What is zero is read unprotected by Linux somewhere */
	/* Four counters exist whatever CPUID says: APM vol. 2, 13.2.1. They stand still */
	{ MSR_K7_EVNTSEL0, .count = 8, .flags = DROP, CAP(amd) },
	{ MSR_AMD64_SYSCFG, .flags = DROP, CAP(amd) },
	{ MSR_K7_HWCR, .flags = STATE, CAP(amd), VALUE(hwcr), .reserved = ~HWCR_VALID },
	{ MSR_K8_TOP_MEM1, .flags = RO, CAP(amd) },
	{ MSR_K8_TOP_MEM2, .flags = RO, CAP(amd) },
	{ MSR_AMD64_NB_CFG, .flags = DROP, CAP(amd) },
	{ MSR_AMD64_PATCH_LOADER, .flags = WO | DROP, CAP(amd) },
	{ MSR_K8_INT_PENDING_MSG, .flags = DROP, CAP(amd) },
	{ MSR_FAM10H_MMIO_CONF_BASE, .flags = DROP, CAP(amd) },
	{ MSR_K8_TSEG_ADDR, .count = 2, .flags = DROP, CAP(amd) },
	/* SVM is off and locked: APM vol. 2, 15.30.1 */
	{ MSR_VM_CR, .flags = RO, CAP(amd), .fixed = BIT(3) | BIT(4) },
	{ MSR_AMD64_DE_CFG, .flags = DROP, CAP(amd), .get = de_cfg_get },
	{ MSR_AMD64_BU_CFG2, .flags = DROP, CAP(amd) },
};

const unsigned int hvmon_nr_msr_rows = ARRAY_SIZE(hvmon_msr_rows);

static bool row_has(const struct hvmon_msr_row *row, u32 msr)
{
	return msr - row->index < max_t(u32, row->count, 1);
}

/* Not bsearch(), which calls its comparison through a pointer */
static noinline const struct hvmon_msr_row *search_rows(u32 msr)
{
	u32 lo = 0, hi = ARRAY_SIZE(hvmon_msr_rows), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (row_has(&hvmon_msr_rows[mid], msr))
			return &hvmon_msr_rows[mid];
		if (msr < hvmon_msr_rows[mid].index)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

#define HINTS	64

/*
 * Rows that were found, by the low bits of what was looked for. Of all vCPUs, and
 * no more than a hint: a row says itself which MSRs it has.
 */
static const struct hvmon_msr_row *found[HINTS] = { [0 ... HINTS - 1] = hvmon_msr_rows };

static __always_inline const struct hvmon_msr_row *find(u32 msr)
{
	const struct hvmon_msr_row **hint = &found[msr % HINTS], *row = READ_ONCE(*hint);

	if (likely(row->index == msr) || row_has(row, msr))
		return row;
	row = search_rows(msr);
	if (row)
		WRITE_ONCE(*hint, row);
	return row;
}

const struct hvmon_msr_row *hvmon_msr_find(u32 msr)
{
	return find(msr);
}

static __always_inline const struct hvmon_msr_row *find_for(struct hvmon_vcpu *vcpu, u32 msr)
{
	const struct hvmon_msr_row *row = find(msr);

	if (row && row->cap && !*((const bool *)&vcpu->caps + row->cap - 1))
		return NULL;
	return row;
}

static bool lapic_msr(u32 msr)
{
	return (msr >= X2APIC_FIRST && msr <= X2APIC_LAST) || msr == MSR_IA32_TSC_DEADLINE;
}

static bool lapic_msr_exists(struct hvmon_vcpu *vcpu, u32 msr)
{
	if (!vcpu->lapic)
		return false;
	return msr == MSR_IA32_TSC_DEADLINE ? vcpu->caps.tsc_deadline : vcpu->caps.x2apic;
}

/**
 * hvmon_msr_get() - RDMSR, or the launcher's
 * @vcpu: the vCPU
 * @msr: index
 * @val: filled in
 * @host: by the launcher
 *
 * Return: 0, -EINVAL (no such MSR: #GP), HVMON_LATER in a section.
 */
int hvmon_msr_get(struct hvmon_vcpu *vcpu, u32 msr, u64 *val, bool host)
{
	const struct hvmon_msr_row *row;

	/* The interrupt controller first: its registers are the busy ones */
	if (lapic_msr(msr))
		return lapic_msr_exists(vcpu, msr) ? hvmon_lapic_get_msr(vcpu, msr, val) :
						     -EINVAL;
	row = find_for(vcpu, msr);
	if (!row || row->flags & WO)
		return -EINVAL;
	if (row->get)
		return row->get(vcpu, msr, val, host);
	*val = row->value ? *stored(vcpu, row, msr) : row->fixed;
	return 0;
}

/**
 * hvmon_msr_set() - WRMSR, or the launcher's
 * @vcpu: the vCPU
 * @msr: index
 * @val: new value
 * @host: by the launcher, which may set what is read-only for the guest
 *
 * Return: 0, -EINVAL (no such MSR, reserved bits: #GP), HVMON_LATER in a
 * section for what may sleep.
 */
int hvmon_msr_set(struct hvmon_vcpu *vcpu, u32 msr, u64 val, bool host)
{
	const struct hvmon_msr_row *row;
	u64 *value;
	int r;

	if (lapic_msr(msr))
		return lapic_msr_exists(vcpu, msr) ? hvmon_lapic_set_msr(vcpu, msr, val) :
						     -EINVAL;
	row = find_for(vcpu, msr);
	if (!row || val & row->reserved)
		return -EINVAL;
	if (row->flags & CANON && sign_extend64(val, vcpu->caps.la57 ? 56 : 47) != val)
		return -EINVAL;
	if (!host && row->flags & RO)
		return -EINVAL;
	if (!host && row->flags & DROP)
		return 0;
	if (row->set) {
		r = row->set(vcpu, msr, val, host);
		if (r || !row->value)
			return r;
	}
	if (row->value) {
		value = stored(vcpu, row, msr);
		*value = (val & ~row->keep) | (*value & row->keep);
		vcpu->out_of_sync |= !!(row->flags & SYNC);
	} else if (val != row->fixed) {
		return -EINVAL;	/* the launcher's, of an MSR that holds nothing */
	}
	return 0;
}

/**
 * hvmon_msr_reset() - power-on values
 * @vcpu: the vCPU; what the vendor holds it resets itself
 */
void hvmon_msr_reset(struct hvmon_vcpu *vcpu)
{
	u64 patch = boot_cpu_data.microcode;

	vcpu->msr = (struct hvmon_msr_values){
		.pat = PAT_RESET,
		.misc_enable = MISC_ENABLE_RESET,
		.hwcr = HWCR_TSC_FREQ_SEL,
		/* Intel has the revision in the upper half */
		.patch_level = vcpu->caps.amd ? patch : patch << 32,
	};
}

/**
 * hvmon_msr_list() - the MSRs that belong to the vCPU's state
 * @vcpu: the vCPU
 * @index: filled in as far as there is room
 * @room: entries at @index
 *
 * The order is one in which they can be set: TSC_ADJUST before the TSC, and
 * what reaches into guest memory or the clock last. EFER, APIC_BASE,
 * TSC_DEADLINE, FS_BASE and GS_BASE travel in the state groups.
 *
 * Return: how many there are.
 */
u32 hvmon_msr_list(struct hvmon_vcpu *vcpu, u32 *index, u32 room)
{
	const struct hvmon_msr_row *row;
	u32 n = 0, late, i;
	u64 val;

	for (late = 0; late < 2; late++) {
		for (row = hvmon_msr_rows; row < hvmon_msr_rows + hvmon_nr_msr_rows; row++) {
			if (!(row->flags & STATE) || !!(row->flags & LATE) != late)
				continue;
			for (i = 0; i < max_t(u32, row->count, 1); i++) {
				if (hvmon_msr_get(vcpu, row->index + i, &val, true))
					continue;
				if (n < room)
					index[n] = row->index + i;
				n++;
			}
		}
	}
	return n;
}
