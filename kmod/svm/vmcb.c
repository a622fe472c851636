// SPDX-License-Identifier: GPL-2.0
/*
 * The control block: its layout, what is intercepted, the permission maps, and
 * the rules that a VMCB must keep for VMRUN to accept it.
 */
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "svm.h"

static_assert(sizeof(struct svm_segment) == 16);
static_assert(offsetof(struct svm_vmcb, pause_thresh) == 0x03c);
static_assert(offsetof(struct svm_vmcb, iopm_pa) == 0x040);
static_assert(offsetof(struct svm_vmcb, asid) == 0x058);
static_assert(offsetof(struct svm_vmcb, tlb_control) == 0x05c);
static_assert(offsetof(struct svm_vmcb, vintr) == 0x060);
static_assert(offsetof(struct svm_vmcb, exit_code) == 0x070);
static_assert(offsetof(struct svm_vmcb, exit_int_info) == 0x088);
static_assert(offsetof(struct svm_vmcb, np_control) == 0x090);
static_assert(offsetof(struct svm_vmcb, event_inj) == 0x0a8);
static_assert(offsetof(struct svm_vmcb, n_cr3) == 0x0b0);
static_assert(offsetof(struct svm_vmcb, clean) == 0x0c0);
static_assert(offsetof(struct svm_vmcb, next_rip) == 0x0c8);
static_assert(offsetof(struct svm_vmcb, insn_len) == 0x0d0);
static_assert(offsetof(struct svm_vmcb, save) == 0x400);
static_assert(offsetof(struct svm_save, cpl) == 0x0cb);
static_assert(offsetof(struct svm_save, efer) == 0x0d0);
static_assert(offsetof(struct svm_save, cr4) == 0x148);
static_assert(offsetof(struct svm_save, rflags) == 0x170);
static_assert(offsetof(struct svm_save, rsp) == 0x1d8);
static_assert(offsetof(struct svm_save, rax) == 0x1f8);
static_assert(offsetof(struct svm_save, sysenter_cs) == 0x228);
static_assert(offsetof(struct svm_save, cr2) == 0x240);
static_assert(offsetof(struct svm_save, g_pat) == 0x268);
static_assert(offsetof(struct svm_save, spec_ctrl) == 0x2e0);
static_assert(sizeof(struct svm_vmcb) == PAGE_SIZE);

#define IOPM_SIZE	(3 * PAGE_SIZE)		/* 15.10.1 */
#define MSRPM_SIZE	(2 * PAGE_SIZE)		/* 15.11 */

/* The PAUSE instructions of one spin, and the cycles that end it; 15.14.4 */
#define PAUSE_COUNT	3000
#define PAUSE_THRESH	128

/* Memory types after reset: 7.8.2 */
#define PAT_RESET	0x0007040600070406ULL

/*
 * Not among them: task switches, which the processor does by itself, other
 * than with VT-x; INVLPG and CR3, which are the guest's own business under
 * nested paging; #UD, since nothing is emulated for its sake. #AC and #DB are,
 * because a guest can nest them without end in front of its first instruction,
 * where no interrupt would ever be taken.
 */
static const u8 always_intercepted[] = {
	SVM_EXIT_CR_WRITE(0), SVM_EXIT_CR_WRITE(4), SVM_EXIT_CR_WRITE(8),
	SVM_EXIT_EXCP(1), SVM_EXIT_EXCP(17), SVM_EXIT_EXCP(18),
	SVM_EXIT_INTR, SVM_EXIT_NMI, SVM_EXIT_SMI, SVM_EXIT_INIT,
	SVM_EXIT_RDPMC, SVM_EXIT_CPUID, SVM_EXIT_RSM, SVM_EXIT_INVD, SVM_EXIT_HLT,
	SVM_EXIT_INVLPGA, SVM_EXIT_IOIO, SVM_EXIT_MSR, SVM_EXIT_SHUTDOWN,
	SVM_EXIT_VMRUN, SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE,
	SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT, SVM_EXIT_WBINVD,
	SVM_EXIT_MONITOR, SVM_EXIT_MWAIT, SVM_EXIT_XSETBV,
};

/* What VMRUN and VMLOAD switch anyway is the guest's to read and write */
static const u32 guest_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/**
 * svm_msrpm_bit() - where an MSR is in the permission map
 * @msr: index
 * @byte: offset into the map
 * @bit: of the read; the write's is the next one
 *
 * Return: false if the map does not cover it: it is always intercepted.
 */
bool svm_msrpm_bit(u32 msr, unsigned int *byte, unsigned int *bit)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		if (msr < first[i] || msr - first[i] > 0x1fff)
			continue;
		n = (msr - first[i]) * 2;
		*byte = i * 0x800 + n / 8;
		*bit = n % 8;
		return true;
	}
	return false;
}

static void fill_msrpm(u8 *map)
{
	unsigned int i, byte, bit;

	memset(map, 0xff, MSRPM_SIZE);
	for (i = 0; i < ARRAY_SIZE(guest_msrs); i++)
		if (svm_msrpm_bit(guest_msrs[i], &byte, &bit))
			map[byte] &= ~(3 << bit);
}

/**
 * svm_maps_init() - the pages that all vCPUs share
 *
 * Return: 0 or -ENOMEM.
 */
int svm_maps_init(void)
{
	svm_hw.iopm = alloc_pages_exact(IOPM_SIZE, GFP_KERNEL);
	svm_hw.msrpm = alloc_pages_exact(MSRPM_SIZE, GFP_KERNEL);
	svm_hw.zero = (void *)get_zeroed_page(GFP_KERNEL);
	if (!svm_hw.iopm || !svm_hw.msrpm || !svm_hw.zero) {
		svm_maps_exit();
		return -ENOMEM;
	}
	memset(svm_hw.iopm, 0xff, IOPM_SIZE);
	fill_msrpm(svm_hw.msrpm);
	svm_hw.iopm_pa = __sme_pa(svm_hw.iopm);
	svm_hw.msrpm_pa = __sme_pa(svm_hw.msrpm);
	return 0;
}

void svm_maps_exit(void)
{
	if (svm_hw.iopm)
		free_pages_exact(svm_hw.iopm, IOPM_SIZE);
	if (svm_hw.msrpm)
		free_pages_exact(svm_hw.msrpm, MSRPM_SIZE);
	free_page((unsigned long)svm_hw.zero);
	svm_hw.iopm = NULL;
	svm_hw.msrpm = NULL;
	svm_hw.zero = NULL;
}

/**
 * svm_vmcb_init() - the control area of a new vCPU
 * @vcpu: its vCPU; the state-save area is svm_vcpu_reset()'s
 */
void svm_vmcb_init(struct hvmon_vcpu *vcpu)
{
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(always_intercepted); i++)
		svm_intercept(vmcb, always_intercepted[i]);
	if (svm_hw.rdpru)
		svm_intercept(vmcb, SVM_EXIT_RDPRU);
	if (svm_hw.pause_filter) {
		svm_intercept(vmcb, SVM_EXIT_PAUSE);
		vmcb->pause_count = PAUSE_COUNT;
		vmcb->pause_thresh = svm_hw.pause_thresh ? PAUSE_THRESH : 0;
	}
	/* All debug registers, until the guest uses them: svm_dr_make_live() */
	vmcb->intercept[SVM_EXIT_DR_READ(0) / 32] = ~0U;

	vmcb->iopm_pa = svm_hw.iopm_pa;
	vmcb->msrpm_pa = svm_hw.msrpm_pa;
	vmcb->asid = svm_hw.asid;
	vmcb->vintr = SVM_VINTR_MASKING;
	vmcb->np_control = SVM_NP_ENABLE;
	vmcb->n_cr3 = vcpu->vm->mmu.root;
	vmcb->save.g_pat = PAT_RESET;
}

/**
 * svm_flush_vmcb_init() - a guest that never executes an instruction
 * @vmcb: zeroed page
 *
 * VMRUN carries out TLB_CONTROL only after it has accepted the guest's state
 * (APM vol. 3, VMRUN), so the state has to be valid: a VMCB that is refused
 * would be quicker, but flushes nothing. The exit comes from a pending virtual
 * interrupt, which is taken before the first instruction (15.21.4). Should a
 * physical event come first, it exits too; and whatever happens, the nested
 * page table is empty, so that the first fetch exits and no translation can
 * enter the TLB.
 */
void svm_flush_vmcb_init(struct svm_vmcb *vmcb)
{
	svm_intercept(vmcb, SVM_EXIT_INTR);
	svm_intercept(vmcb, SVM_EXIT_NMI);
	svm_intercept(vmcb, SVM_EXIT_SMI);
	svm_intercept(vmcb, SVM_EXIT_INIT);
	svm_intercept(vmcb, SVM_EXIT_VINTR);
	svm_intercept(vmcb, SVM_EXIT_SHUTDOWN);
	svm_intercept(vmcb, SVM_EXIT_VMRUN);
	vmcb->intercept[SVM_EXIT_EXCP(0) / 32] = ~0U;
	vmcb->iopm_pa = svm_hw.iopm_pa;
	vmcb->msrpm_pa = svm_hw.msrpm_pa;
	vmcb->asid = svm_hw.asid;
	vmcb->tlb_control = svm_hw.flush;
	vmcb->vintr = SVM_VINTR_MASKING | SVM_VINTR_IRQ | SVM_VINTR_IGN_TPR |
		      SVM_VINTR_PRIO_MASK;
	vmcb->np_control = SVM_NP_ENABLE;
	vmcb->n_cr3 = __sme_pa(svm_hw.zero);
	vmcb->save.cs.attrib = 0x9b;
	vmcb->save.cs.limit = 0xffff;
	vmcb->save.ss.attrib = 0x93;
	vmcb->save.ss.limit = 0xffff;
	vmcb->save.efer = EFER_SVME;
	vmcb->save.cr0 = X86_CR0_ET;
	vmcb->save.dr6 = 0xffff0ff0;
	vmcb->save.dr7 = 0x400;
	vmcb->save.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	vmcb->save.g_pat = PAT_RESET;
}

/* ---- 15.5.1, "Canonicalization and Consistency Checks" ---- */

/* Architecturally defined bits of CR4: 3.1.3 */
#define CR4_DEFINED	0x00f71fffULL
#define CS_L_AND_D	0x600
#define EFER_DEFINED	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_SVME |	\
			 EFER_LMSLE | EFER_FFXSR | BIT(15) | BIT(17) | BIT(18) |	\
			 BIT(20) | BIT(21))

static bool beyond(u64 pa, u64 size, const struct svm_hw *hw)
{
	return (pa + size - 1) >> hw->maxphyaddr;
}

static bool bad_injection(const struct svm_vmcb *v)
{
	u64 ev = v->event_inj;
	unsigned int type = (ev & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT;
	unsigned int vector = ev & SVM_EVENT_VECTOR_MASK;

	if (!(ev & SVM_EVENT_VALID))
		return false;
	if (type == HVMON_EV_EXCEPTION)
		return vector > 31 || vector == 2;
	return type == 1 || type > HVMON_EV_SOFT_INT;
}

/**
 * svm_vmcb_why() - explain why VMRUN refused a VMCB
 * @vmcb: the control block
 * @hw: the processor
 *
 * Return: the first rule that is broken; NULL if this code sees none.
 */
const char *svm_vmcb_why(const struct svm_vmcb *vmcb, const struct svm_hw *hw)
{
	const struct svm_save *s = &vmcb->save;
	bool pg = s->cr0 & X86_CR0_PG;
	bool pe = s->cr0 & X86_CR0_PE;
	bool lme_pg = pg && s->efer & EFER_LME;
	bool nested = vmcb->np_control & SVM_NP_ENABLE;
	const struct {
		const char *why;
		bool broken;
	} rules[] = {
		{ "EFER.SVME is clear", !(s->efer & EFER_SVME) },
		{ "a reserved bit of EFER is set", s->efer & ~(u64)EFER_DEFINED },
		{ "CR0.NW is set while CR0.CD is clear",
		  (s->cr0 & (X86_CR0_CD | X86_CR0_NW)) == X86_CR0_NW },
		{ "CR0 bits 63:32 are not zero", s->cr0 >> 32 },
		{ "a reserved bit of CR3 is set", lme_pg && s->cr3 >> 52 },
		{ "a reserved bit of CR4 is set", s->cr4 & ~CR4_DEFINED },
		{ "DR6 bits 63:32 are not zero", s->dr6 >> 32 },
		{ "DR7 bits 63:32 are not zero", s->dr7 >> 32 },
		{ "EFER.LME and CR0.PG are set, CR4.PAE is clear",
		  lme_pg && !(s->cr4 & X86_CR4_PAE) },
		{ "CR0.PG is set, CR0.PE is clear", pg && !pe },
		{ "CS.L and CS.D are both set in long mode",
		  lme_pg && (s->cs.attrib & CS_L_AND_D) == CS_L_AND_D },
		{ "VMRUN is not intercepted", !svm_intercepted(vmcb, SVM_EXIT_VMRUN) },
		{ "the ASID is zero", !vmcb->asid },
		{ "the ASID is beyond the processor's", vmcb->asid >= hw->nasid },
		{ "a permission map lies beyond physical memory",
		  beyond(vmcb->msrpm_pa & PAGE_MASK, MSRPM_SIZE, hw) ||
		  beyond(vmcb->iopm_pa & PAGE_MASK, IOPM_SIZE, hw) },
		{ "nCR3 lies beyond physical memory", nested && beyond(vmcb->n_cr3, 1, hw) },
		{ "EVENTINJ is not an event", bad_injection(vmcb) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].broken)
			return rules[i].why;
	return NULL;
}
