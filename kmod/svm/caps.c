// SPDX-License-Identifier: GPL-2.0
/*
 * What AMD-V of this processor offers, and what hvmon misses. Safe to ask on
 * any x86 processor; changes nothing.
 */
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include "svm.h"

#define LEAF_EXT	0x80000001
#define LEAF_SIZES	0x80000008
#define LEAF_SVM	0x8000000a

/* CPUID 8000_000Ah EDX, 15.2 and APM vol. 3, appendix E.4.9 */
#define SVM_EDX_NP		BIT(0)
#define SVM_EDX_NRIP		BIT(3)
#define SVM_EDX_TSC_RATIO	BIT(4)
#define SVM_EDX_CLEAN		BIT(5)
#define SVM_EDX_FLUSH_ASID	BIT(6)
#define SVM_EDX_DECODE		BIT(7)
#define SVM_EDX_PAUSE		BIT(10)
#define SVM_EDX_PAUSE_THRESH	BIT(12)
#define SVM_EDX_SPEC_CTRL	BIT(20)

static bool have_leaf(u32 leaf)
{
	return cpuid_eax(0x80000000) >= leaf && cpuid_eax(0x80000000) < 0x80010000;
}

/* 15.4: by the firmware, until the next reset */
static bool switched_off(void)
{
	u64 vm_cr;

	return !hvmon_rdmsr_safe(MSR_VM_CR, &vm_cr) && vm_cr & SVM_VM_CR_SVM_DIS_MASK;
}

/**
 * svm_probe() - can guests run here?
 * @p: filled in: capabilities, or a line per missing requirement
 *
 * Return: true if nothing is missing.
 */
bool svm_probe(struct hvmon_probe *p)
{
	u32 edx;

	if (!have_leaf(LEAF_EXT) || !(cpuid_ecx(LEAF_EXT) & BIT(2))) {
		hvmon_missing(p,
			      "this processor has no AMD-V (CPUID 8000_0001h ECX bit 2)");
		return false;
	}
	p->present = true;
	edx = have_leaf(LEAF_SVM) ? cpuid_edx(LEAF_SVM) : 0;
	if (switched_off())
		hvmon_missing(p,
			      "AMD-V is switched off (VM_CR.SVMDIS): enable SVM in the firmware");
	if (!(edx & SVM_EDX_NP))
		hvmon_missing(p, "no nested paging (CPUID 8000_000Ah EDX bit 0)");
	if (have_leaf(LEAF_SVM) && cpuid_ebx(LEAF_SVM) < 2)
		hvmon_missing(p, "no ASID for guests (CPUID 8000_000Ah EBX)");
	if (!(cpuid_edx(LEAF_EXT) & BIT(20)))
		hvmon_missing(p, "no execute-disable (CPUID 8000_0001h EDX bit 20)");
	if (p->why[0])
		return false;

	p->caps |= HVMON_CAP_TDP;
	if (edx & SVM_EDX_NRIP)
		p->caps |= HVMON_CAP_NRIP;
	if (edx & SVM_EDX_DECODE)
		p->caps |= HVMON_CAP_DECODE;
	if (edx & SVM_EDX_FLUSH_ASID)
		p->caps |= HVMON_CAP_FLUSH_ASID;
	if (edx & SVM_EDX_TSC_RATIO) {
		p->caps |= HVMON_CAP_TSC_SCALING;
		p->tsc_frac = TSC_RATIO_FRACTION;
	}
	p->page_sizes = BIT_ULL(12) | BIT_ULL(21);
	if (cpuid_edx(LEAF_EXT) & BIT(26))
		p->page_sizes |= BIT_ULL(30);
	/* Nested tables have as many levels as the host's own, 15.25.5 */
	p->levels = __read_cr4() & X86_CR4_LA57 ? 5 : 4;
	return true;
}

/**
 * svm_detect() - fill in the processor's half of struct svm_hw
 * @hw: where
 *
 * The processor has passed svm_probe().
 */
void svm_detect(struct svm_hw *hw)
{
	u32 edx = cpuid_edx(LEAF_SVM);

	/* Numbers count from 0, which is the host's: 15.16.1 */
	hw->nasid = cpuid_ebx(LEAF_SVM);
	hw->asid = hw->nasid - 1;
	hw->flush = edx & SVM_EDX_FLUSH_ASID ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
	hw->nrip = edx & SVM_EDX_NRIP;
	hw->decode = edx & SVM_EDX_DECODE;
	hw->pause_filter = edx & SVM_EDX_PAUSE;
	hw->tsc_ratio = edx & SVM_EDX_TSC_RATIO;
	hw->pause_thresh = edx & SVM_EDX_PAUSE_THRESH;
	hw->clean = edx & SVM_EDX_CLEAN ? BIT(SVM_CLEAN_BITS) - 1 : 0;
	hw->rdpru = have_leaf(LEAF_SIZES) && cpuid_ebx(LEAF_SIZES) & BIT(4);
	hw->rdtscp = boot_cpu_has(X86_FEATURE_RDTSCP);
	hw->v_spec_ctrl = edx & SVM_EDX_SPEC_CTRL;
	hw->spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) && !hw->v_spec_ctrl;
	hw->ibpb = hvmon_want_ibpb();
	hw->maxphyaddr = have_leaf(LEAF_SIZES) ? cpuid_eax(LEAF_SIZES) & 0xff : 36;
}
