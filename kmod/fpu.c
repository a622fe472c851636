// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's FPU state.
 *
 * The launcher's own state must survive whatever a guest does, and the kernel
 * gives no module a place in its bookkeeping: fpu_swap_kvm_fpstate() is closed
 * on newer kernels. So the guest runs as kernel code that uses the FPU:
 *
 *  - kernel_fpu_begin_mask(0) has saved the launcher's registers (all
 *    components, also supervisor ones) into its fpstate and set
 *    TIF_NEED_FPU_LOAD, so that they come back from memory on the way to user
 *    space whatever the registers hold by then. It also forgets which task's
 *    state this CPU holds. Nobody relies on registers after that.
 *  - Until kernel_fpu_end() nothing else uses the FPU on this CPU: preemption
 *    is off; interrupts and softirqs ask irq_fpu_usable(), which says no. On
 *    6.x a softirq whose user of the FPU has no other way (it is rare but was
 *    seen with crypto) would nest, so softirqs wait; newer kernels see to that
 *    themselves, and doing it twice harms nothing. On PREEMPT_RT softirqs run
 *    in threads: preemption off is enough, and local_bh_disable() is a lock.
 *  - Components outside our mask (AMX tiles, PKRU) keep the launcher's values
 *    in the registers; the guest's XCR0 hides them.
 *  - Both calls are made with interrupts on: newer kernels tell by the
 *    interrupt flag whether they have to undo their own softirq disabling.
 *
 * "Loaded" is true only between begin and end: whoever sleeps in between
 * finds the registers in somebody else's hands.
 */
#include <linux/bottom_half.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include "cpuid.h"
#include "msr.h"

#define AVX512_MASK	(XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM)

/* No AMX: XRSTOR of tiles under XFD would kill the task. No MPX: it is gone */
#define GUEST_MASK	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | AVX512_MASK | \
			 XFEATURE_MASK_PKRU)

#define MXCSR_RESET	0x1f80
#define FCW_RESET	0x37f

/* The legacy region and header of an XSAVE area: SDM vol. 1, 13.4 */
#define AREA_FCW	0
#define AREA_MXCSR	24
#define AREA_MXCSR_MASK	28
#define AREA_XSTATE_BV	512
#define AREA_XCOMP_BV	520
#define AREA_HEADER_END	576

static struct {
	u64 xcr0;		/* components that guests may have; 0: no XSAVE */
	u64 rfbm;		/* what XSAVE and XRSTOR handle: without PKRU */
	u32 size;		/* of the standard format, for all of xcr0 */
	u32 mxcsr_mask;
	bool pku, xss;
} fpu __ro_after_init;

/* Valid combinations: SDM vol. 1, 13.3; APM vol. 2, 11.5.2 */
bool hvmon_xcr0_legal(u64 xcr0)
{
	if (!(xcr0 & XFEATURE_MASK_FP))
		return false;
	if (xcr0 & XFEATURE_MASK_YMM && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	if (xcr0 & AVX512_MASK)
		return (xcr0 & AVX512_MASK) == AVX512_MASK && xcr0 & XFEATURE_MASK_YMM;
	return true;
}

static u32 read_mxcsr_mask(void)
{
	/* FXSAVE changes no register; the copy of the caller's is wiped */
	u8 *buf = kzalloc(512, GFP_KERNEL);
	u32 mask;

	if (!buf)
		return 0xffbf;
	asm volatile("fxsave64 %0" : "=m" (*(u8 (*)[512])buf));
	memcpy(&mask, buf + AREA_MXCSR_MASK, sizeof(mask));
	kfree_sensitive(buf);
	return mask ?: 0xffbf;	/* SDM vol. 1, 11.6.6 */
}

/**
 * hvmon_fpu_global_init() - what guests can have of the host's state
 *
 * Return: 0, or -EOPNOTSUPP if the host does not use XSAVE.
 */
int hvmon_fpu_global_init(void)
{
	u32 eax, ebx, ecx, edx, size = AREA_HEADER_END;
	u64 xcr0;
	int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || !boot_cpu_has(X86_FEATURE_OSXSAVE))
		return -EOPNOTSUPP;
	xcr0 = xgetbv(0) & GUEST_MASK;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		xcr0 &= ~XFEATURE_MASK_PKRU;
	if ((xcr0 & AVX512_MASK) != AVX512_MASK)
		xcr0 &= ~AVX512_MASK;
	if (!hvmon_xcr0_legal(xcr0) || !(xcr0 & XFEATURE_MASK_SSE))
		return -EOPNOTSUPP;

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		if (eax + ebx > HVMON_XSAVE_SIZE)
			return -EOPNOTSUPP;
		size = max(size, eax + ebx);
	}
	fpu.rfbm = xcr0 & ~XFEATURE_MASK_PKRU;
	fpu.size = size;
	fpu.mxcsr_mask = read_mxcsr_mask();
	fpu.pku = boot_cpu_has(X86_FEATURE_OSPKE);
	cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx);
	fpu.xss = eax & BIT(3);
	fpu.xcr0 = xcr0;
	return 0;
}

u64 hvmon_fpu_xcr0_supported(void)
{
	return fpu.xcr0;
}

u32 hvmon_fpu_xsave_size(void)
{
	return fpu.size;
}

/* ------------------------------------------------------------------ */
/* Life of the area */

static void reset_area(void *area)
{
	u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;

	memset(area, 0, fpu.size);
	memcpy(area + AREA_FCW, &fcw, sizeof(fcw));
	memcpy(area + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
}

/**
 * hvmon_fpu_init() - the XSAVE area of a new vCPU
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int hvmon_fpu_init(struct hvmon_vcpu *vcpu)
{
	/* kmalloc() aligns powers of two to their size: XSAVE wants 64 */
	vcpu->xsave = kzalloc(roundup_pow_of_two(fpu.size), GFP_KERNEL_ACCOUNT);
	if (!vcpu->xsave)
		return -ENOMEM;
	hvmon_fpu_reset(vcpu, false);
	return 0;
}

void hvmon_fpu_fini(struct hvmon_vcpu *vcpu)
{
	kfree_sensitive(vcpu->xsave);
	vcpu->xsave = NULL;
}

/**
 * hvmon_fpu_reset() - power-on values
 * @vcpu: the vCPU, outside a stretch
 * @init: INIT, which leaves all of this alone (SDM vol. 3, table 9-1)
 */
void hvmon_fpu_reset(struct hvmon_vcpu *vcpu, bool init)
{
	if (init)
		return;
	reset_area(vcpu->xsave);
	vcpu->xcr0 = XFEATURE_MASK_FP;
	vcpu->xss = 0;
	vcpu->pkru = 0;
}

/* ------------------------------------------------------------------ */
/* The stretch */

static bool xrstor(void *area)
{
	u32 lo = fpu.rfbm, hi = fpu.rfbm >> 32;

	int fault = 1;

	asm volatile("1: xrstor64 (%1)\n\t"
		     "xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (fault) : "r" (area), "a" (lo), "d" (hi) : "memory");
	return !fault;
}

static void xsave(void *area)
{
	u32 lo = fpu.rfbm, hi = fpu.rfbm >> 32;

	/*
	 * Not XSAVEOPT: it may leave out what it thinks unmodified since the
	 * last XRSTOR from this address, and that decision survives neither a
	 * move to another CPU nor a nested hypervisor with certainty.
	 */
	asm volatile("xsave64 (%0)" : : "r" (area), "a" (lo), "d" (hi) : "memory");
}

/*
 * Old AMD processors leave the last instruction and data pointers alone when
 * no exception is pending: fill them with something of ours, lest the guest
 * see another task's (APM vol. 2, 11.4.4.3).
 */
static void hide_pointers(void)
{
	static const u32 zero;

	if (!boot_cpu_has_bug(X86_BUG_FXSAVE_LEAK))
		return;
	asm volatile("fnclex\n\temms\n\tfildl %0" : : "m" (zero));
}

/**
 * hvmon_fpu_begin() - the stretch begins: the guest's state into the registers
 * @vcpu: the caller's; interrupts are on
 *
 * Preemption is off from here to hvmon_fpu_end().
 */
void hvmon_fpu_begin(struct hvmon_vcpu *vcpu)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_bh_disable();
	kernel_fpu_begin_mask(0);
	hide_pointers();
	if (likely(xrstor(vcpu->xsave)))
		return;
	/* All ways into the area check it, so this is a bug: of ours, contained */
	WARN_ON_ONCE(1);
	reset_area(vcpu->xsave);
	xrstor(vcpu->xsave);
}

/**
 * hvmon_fpu_end() - the stretch ends: the guest's state into its area
 * @vcpu: the caller's; interrupts are on
 */
void hvmon_fpu_end(struct hvmon_vcpu *vcpu)
{
	xsave(vcpu->xsave);
	kernel_fpu_end();
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_bh_enable();
}

/* ------------------------------------------------------------------ */
/* The section */

static void set_xcr0(u64 val)
{
	asm volatile("xsetbv" : : "a" ((u32)val), "d" ((u32)(val >> 32)), "c" (0) : "memory");
}

static u64 read_xss(void)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (MSR_IA32_XSS));
	return (u64)hi << 32 | lo;
}

static void write_xss(u64 val)
{
	asm volatile("wrmsr" : : "a" ((u32)val), "d" ((u32)(val >> 32)), "c" (MSR_IA32_XSS) :
		     "memory");
}

/**
 * hvmon_fpu_section_begin() - XCR0, XSS and PKRU become the guest's
 * @vcpu: the caller's; interrupts (and on AMD GIF) are off
 *
 * The present values are read and kept, never assumed. The guest's XSS is
 * loaded even where its CPUID has no XSAVES, because AMD-V cannot intercept
 * the instruction: it would save the host's supervisor state.
 */
void hvmon_fpu_section_begin(struct hvmon_vcpu *vcpu)
{
	vcpu->host_xcr0 = xgetbv(0);
	if (vcpu->xcr0 != vcpu->host_xcr0)
		set_xcr0(vcpu->xcr0);
	if (fpu.xss) {
		vcpu->host_xss = read_xss();
		if (vcpu->host_xss != vcpu->xss)
			write_xss(vcpu->xss);
	}
	if (fpu.pku) {
		vcpu->host_pkru = rdpkru();
		if (vcpu->host_pkru != vcpu->pkru)
			wrpkru(vcpu->pkru);
	}
	vcpu->xstate_switched = true;
}

/**
 * hvmon_fpu_section_end() - XCR0, XSS and PKRU become the host's again
 * @vcpu: the caller's; interrupts (and on AMD GIF) are off
 */
void hvmon_fpu_section_end(struct hvmon_vcpu *vcpu)
{
	vcpu->xstate_switched = false;
	if (fpu.pku) {
		vcpu->pkru = rdpkru();
		if (vcpu->host_pkru != vcpu->pkru)
			wrpkru(vcpu->host_pkru);
	}
	if (fpu.xss && vcpu->host_xss != vcpu->xss)
		write_xss(vcpu->host_xss);
	if (vcpu->xcr0 != vcpu->host_xcr0)
		set_xcr0(vcpu->host_xcr0);
}

void hvmon_fpu_xcr0_changed(struct hvmon_vcpu *vcpu)
{
	if (vcpu->xstate_switched && xgetbv(0) != vcpu->xcr0)
		set_xcr0(vcpu->xcr0);
}

/* ------------------------------------------------------------------ */
/* State */

/**
 * hvmon_xsave_area_check() - whether XRSTOR would take an area
 * @area: HVMON_XSAVE_SIZE bytes, standard format
 * @xcr0: components that may be in it
 * @mxcsr_mask: MXCSR bits that exist
 *
 * SDM vol. 1, 13.8.1: what raises #GP.
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_xsave_area_check(const void *area, u64 xcr0, u32 mxcsr_mask)
{
	u64 xstate_bv;
	u32 mxcsr;

	memcpy(&xstate_bv, area + AREA_XSTATE_BV, sizeof(xstate_bv));
	memcpy(&mxcsr, area + AREA_MXCSR, sizeof(mxcsr));
	if (xstate_bv & ~xcr0 || mxcsr & ~mxcsr_mask)
		return -EINVAL;
	/* XCOMP_BV is 0 in the standard format, the rest is reserved */
	if (memchr_inv(area + AREA_XCOMP_BV, 0, AREA_HEADER_END - AREA_XCOMP_BV))
		return -EINVAL;
	return 0;
}

int hvmon_fpu_get_state(struct hvmon_vcpu *vcpu, struct hvmon_xsave *st)
{
	memset(st, 0, sizeof(*st));
	st->xcr0 = vcpu->xcr0;
	st->xss = vcpu->xss;
	st->pkru = vcpu->pkru;
	memcpy(st->area, vcpu->xsave, fpu.size);
	/* XSAVE writes what its processor has, which is no state of the guest's */
	memset(st->area + AREA_MXCSR_MASK, 0, sizeof(u32));
	return 0;
}

/**
 * hvmon_fpu_check_state() - whether hvmon_fpu_set_state() may be called
 * @vcpu: the vCPU
 * @st: from the launcher
 *
 * PKRU travels in @st->pkru: its component in the area must be absent.
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_fpu_check_state(struct hvmon_vcpu *vcpu, const struct hvmon_xsave *st)
{
	u64 shown = vcpu->caps.xcr0 | XFEATURE_MASK_FP;

	if (st->xcr0 & ~shown || !hvmon_xcr0_legal(st->xcr0) || st->xss)
		return -EINVAL;
	if (st->pkru && !vcpu->caps.pku)
		return -EINVAL;
	if (memchr_inv(st->reserved, 0, sizeof(st->reserved)))
		return -EINVAL;
	/* Nothing of ours lies beyond: what is there would be lost */
	if (memchr_inv(st->area + fpu.size, 0, sizeof(st->area) - fpu.size))
		return -EINVAL;
	return hvmon_xsave_area_check(st->area, (shown | XFEATURE_MASK_FPSSE) & fpu.rfbm,
				      fpu.mxcsr_mask);
}

void hvmon_fpu_set_state(struct hvmon_vcpu *vcpu, const struct hvmon_xsave *st)
{
	vcpu->xcr0 = st->xcr0;
	vcpu->xss = st->xss;
	vcpu->pkru = st->pkru;
	memcpy(vcpu->xsave, st->area, fpu.size);
	/* Only a hint of the processor that saved it; ours writes its own */
	memset(vcpu->xsave + AREA_MXCSR_MASK, 0, sizeof(u32));
}
