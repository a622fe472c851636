// SPDX-License-Identifier: GPL-2.0
/*
 * What VT-x of this processor offers, and what hvmon misses. Safe to ask on
 * any x86 processor; changes nothing.
 */
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>

#include "vmx.h"

/* The capability MSRs: appendix A */
#define CAP_BASIC		0x480
#define CAP_PIN			0x481
#define CAP_PROC		0x482
#define CAP_EXIT		0x483
#define CAP_ENTRY		0x484
#define CAP_MISC		0x485
#define CAP_CR0_FIXED0		0x486
#define CAP_CR0_FIXED1		0x487
#define CAP_CR4_FIXED0		0x488
#define CAP_CR4_FIXED1		0x489
#define CAP_PROC2		0x48b
#define CAP_EPT_VPID		0x48c
#define CAP_TRUE		0x48d	/* pin, proc, exit, entry in this order */

#define BASIC_TRUE		BIT_ULL(55)
#define BASIC_ERROR_ANY		BIT_ULL(56)
#define BASIC_MEMORY_TYPE	GENMASK_ULL(53, 50)
#define BASIC_WB		(6ULL << 50)

/* IA32_FEATURE_CONTROL, A.1 and 24.7 */
#define FEATURE_LOCKED		BIT_ULL(0)
#define FEATURE_VMX		BIT_ULL(2)

#define VPID_LAST		0xffff

/*
 * How long a guest may run without an exit. Interrupts of the host bound that,
 * too; but Bochs 2.7 holds them back from a guest that is entered with RFLAGS.IF
 * clear, until it changes IF, and a guest that never does so would keep the
 * processor (under KVM as well).
 */
#define RUN_LIMIT_MS		4

static u64 read_cap(u32 msr)
{
	u64 val;

	hvmon_rdmsr_safe(msr, &val);
	return val;
}

/**
 * vmx_ctls() - a capability MSR as allowed settings: A.2 to A.5
 * @cap: its value: bits that may be 0 are clear in the low half, bits that may
 *       be 1 are set in the high half
 *
 * Return: bits that must and bits that may be 1.
 */
struct vmx_ctls vmx_ctls(u64 cap)
{
	return (struct vmx_ctls) { .must = cap, .may = cap >> 32 };
}

static struct vmx_ctls read_ctls(u32 msr, unsigned int nr)
{
	/* The old MSRs call some bits fixed that need not be: A.1 */
	return vmx_ctls(read_cap(read_cap(CAP_BASIC) & BASIC_TRUE ? CAP_TRUE + nr : msr));
}

static struct vmx_ctls read_proc2(void)
{
	if (!(read_ctls(CAP_PROC, 1).may & VMX_PROC_SECONDARY))
		return (struct vmx_ctls) { };
	return vmx_ctls(read_cap(CAP_PROC2));
}

/* What there is no running without, and where it is announced */
static void probe_controls(struct hvmon_probe *p)
{
	u32 pin = read_ctls(CAP_PIN, 0).may, proc = read_ctls(CAP_PROC, 1).may;
	u32 exit = read_ctls(CAP_EXIT, 2).may, entry = read_ctls(CAP_ENTRY, 3).may;
	u32 proc2 = read_proc2().may;
	const struct {
		u32 have, need;
		const char *why;
	} needs[] = {
		{ proc2, VMX_PROC2_EPT, "no EPT (IA32_VMX_PROCBASED_CTLS2 bit 33)" },
		{ proc2, VMX_PROC2_UNRESTRICTED,
		  "no unrestricted guest (IA32_VMX_PROCBASED_CTLS2 bit 39)" },
		{ pin, VMX_PIN_VIRTUAL_NMI, "no virtual NMIs (IA32_VMX_PINBASED_CTLS bit 37)" },
		{ proc, VMX_PROC_MSR_BITMAP, "no MSR bitmaps (IA32_VMX_PROCBASED_CTLS bit 60)" },
		{ exit, VMX_EXIT_LOAD_EFER | VMX_EXIT_LOAD_PAT,
		  "exits load no EFER or PAT (IA32_VMX_EXIT_CTLS bits 51, 53)" },
		{ entry, VMX_ENTRY_LOAD_EFER | VMX_ENTRY_LOAD_PAT,
		  "entries load no EFER or PAT (IA32_VMX_ENTRY_CTLS bits 46, 47)" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needs); i++)
		if ((needs[i].have & needs[i].need) != needs[i].need)
			hvmon_missing(p, needs[i].why);
}

static void probe_ept(struct hvmon_probe *p)
{
	u64 ept = read_cap(CAP_EPT_VPID);

	if (!(ept & VMX_EPT_WALK_4) || !(ept & VMX_EPT_WB))
		hvmon_missing(p,
			      "no EPT of four levels in write-back memory (IA32_VMX_EPT_VPID_CAP)");
	if (!(ept & VMX_EPT_INVEPT) || !(ept & (VMX_EPT_INVEPT_SINGLE | VMX_EPT_INVEPT_ALL)))
		hvmon_missing(p, "no INVEPT (IA32_VMX_EPT_VPID_CAP bit 20)");
	p->page_sizes = BIT_ULL(12);
	if (ept & VMX_EPT_2M)
		p->page_sizes |= BIT_ULL(21);
	if (ept & VMX_EPT_1G)
		p->page_sizes |= BIT_ULL(30);
}

/*
 * With FRED an NMI that ended a guest's run cannot be handed on with INT 2:
 * the kernel's entry for it expects the event's type on the stack.
 */
static bool have_fred(void)
{
#ifdef X86_FEATURE_FRED
	return boot_cpu_has(X86_FEATURE_FRED);
#else
	return false;
#endif
}

/**
 * vmx_probe() - can guests run here?
 * @p: filled in: capabilities, or a line per missing requirement
 *
 * Return: true if nothing is missing.
 */
bool vmx_probe(struct hvmon_probe *p)
{
	u64 control;

	if (!(cpuid_ecx(1) & BIT(5))) {
		hvmon_missing(p, "this processor has no VT-x (CPUID 1 ECX bit 5)");
		return false;
	}
	p->present = true;
	if (hvmon_rdmsr_safe(MSR_IA32_FEAT_CTL, &control) || !(control & FEATURE_LOCKED) ||
	    !(control & FEATURE_VMX)) {
		hvmon_missing(p,
			      "VT-x is switched off (IA32_FEATURE_CONTROL): enable it in the firmware");
		return false;
	}
	if (have_fred())
		hvmon_missing(p, "FRED is in use: boot the host with fred=off");
	if ((read_cap(CAP_BASIC) & BASIC_MEMORY_TYPE) != BASIC_WB)
		hvmon_missing(p, "the VMCS wants uncached memory (IA32_VMX_BASIC)");
	probe_controls(p);
	if (read_proc2().may & VMX_PROC2_EPT)
		probe_ept(p);
	if (!(cpuid_edx(0x80000001) & BIT(20)))
		hvmon_missing(p, "no execute-disable (CPUID 8000_0001h EDX bit 20)");
	if (p->why[0])
		return false;
	p->caps |= HVMON_CAP_TDP;
	if (read_proc2().may & VMX_PROC2_TSC_SCALING) {
		p->caps |= HVMON_CAP_TSC_SCALING;
		p->tsc_frac = VMX_TSC_FRACTION;
	}
	p->levels = 4;
	return true;
}

/**
 * vmx_detect() - fill in the processor's half of struct vmx_hw
 * @hw: where
 *
 * The processor has passed vmx_probe().
 */
void vmx_detect(struct vmx_hw *hw)
{
	u64 basic = read_cap(CAP_BASIC);

	hw->revision = basic & GENMASK(30, 0);
	hw->error_any = basic & BASIC_ERROR_ANY;
	hw->pin = read_ctls(CAP_PIN, 0);
	hw->proc = read_ctls(CAP_PROC, 1);
	hw->exit = read_ctls(CAP_EXIT, 2);
	hw->entry = read_ctls(CAP_ENTRY, 3);
	hw->proc2 = read_proc2();
	hw->misc = read_cap(CAP_MISC);
	hw->run_limit = vmx_timer_ticks(0, (u64)hvmon_host_tsc_khz() * RUN_LIMIT_MS,
					hw->misc & VMX_MISC_TIMER_SHIFT);
	hw->run_least = hvmon_host_tsc_khz() / 1000;
	hw->cr0_fixed0 = read_cap(CAP_CR0_FIXED0);
	hw->cr0_fixed1 = read_cap(CAP_CR0_FIXED1);
	hw->cr4_fixed0 = read_cap(CAP_CR4_FIXED0);
	hw->cr4_fixed1 = read_cap(CAP_CR4_FIXED1);
	hw->ept_vpid = read_cap(CAP_EPT_VPID);
	hw->ept_ad = hw->ept_vpid & VMX_EPT_AD;
	hw->vpid = hw->proc2.may & VMX_PROC2_VPID ? VPID_LAST : 0;
	hw->maxphyaddr = boot_cpu_data.x86_phys_bits;
	hw->rdtscp = boot_cpu_has(X86_FEATURE_RDTSCP);
	hw->spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	hw->ibpb = hvmon_want_ibpb();
	hw->pebs = boot_cpu_has(X86_FEATURE_PEBS);
}
