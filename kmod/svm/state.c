// SPDX-License-Identifier: GPL-2.0
/*
 * Guest state in the VMCB: registers, segments, debug registers, MSRs, and the
 * state after reset and INIT.
 */
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "../lapic.h"
#include "svm.h"

#define CR0_HIDDEN	((u64)(X86_CR0_CD | X86_CR0_NW))
#define DR7_ENABLES	0xffULL

/* ---- segments ---- */

/**
 * svm_seg_attrib() - attributes as the VMCB has them
 * @attr: as struct hvmon_segment has them
 *
 * Return: descriptor bits 47:40 in 7:0, 55:52 in 11:8; not present if unusable.
 */
u16 svm_seg_attrib(u32 attr)
{
	u16 attrib = (attr & 0xff) | (attr >> 4 & 0xf00);

	return attr & HVMON_SEG_UNUSABLE ? attrib & ~HVMON_SEG_P : attrib;
}

/**
 * svm_seg_attr() - the inverse of svm_seg_attrib()
 * @attrib: as the VMCB has them
 *
 * Return: as struct hvmon_segment has them; unusable if not present.
 */
u32 svm_seg_attr(u16 attrib)
{
	u32 attr = (attrib & 0xff) | (attrib & 0xf00) << 4;

	return attrib & HVMON_SEG_P ? attr : attr | HVMON_SEG_UNUSABLE;
}

static struct svm_segment *vmcb_seg(struct svm_save *save, int seg)
{
#define OFFSET(name) offsetof(struct svm_save, name)
	static const u8 offsets[HVMON_NR_SEGS] = {
		[HVMON_ES] = OFFSET(es), [HVMON_CS] = OFFSET(cs),
		[HVMON_SS] = OFFSET(ss), [HVMON_DS] = OFFSET(ds),
		[HVMON_FS] = OFFSET(fs), [HVMON_GS] = OFFSET(gs),
		[HVMON_LDTR] = OFFSET(ldtr), [HVMON_TR] = OFFSET(tr),
	};
#undef OFFSET

	return (void *)save + offsets[seg];
}

/*
 * Attributes that the processor keeps loosely and VT-x checks: the busy bit of
 * the task register, the accessed bit of data segments, and CS.G, which some
 * processors do not write back (15.5.1 ignores all three).
 */
void svm_get_seg(struct hvmon_vcpu *vcpu, int seg, struct hvmon_segment *out)
{
	struct svm_save *save = &vcpu->svm->vmcb->save;
	const struct svm_segment *s = vmcb_seg(save, seg);

	*out = (struct hvmon_segment) {
		.base = s->base,
		.limit = s->limit,
		.attr = svm_seg_attr(s->attrib),
		.selector = s->selector,
	};
	switch (seg) {
	case HVMON_TR:
		out->attr |= 2;
		break;
	case HVMON_CS:
		if (s->limit > 0xfffff)
			out->attr |= HVMON_SEG_G;
		break;
	case HVMON_SS:
		out->attr = (out->attr & ~(3U << 5)) | save->cpl << 5;
		fallthrough;
	case HVMON_ES:
	case HVMON_DS:
	case HVMON_FS:
	case HVMON_GS:
		if (!(out->attr & HVMON_SEG_UNUSABLE))
			out->attr |= 1;
		break;
	}
}

u64 svm_seg_base(struct hvmon_vcpu *vcpu, int seg)
{
	return vmcb_seg(&vcpu->svm->vmcb->save, seg)->base;
}

void svm_set_seg(struct hvmon_vcpu *vcpu, int seg, const struct hvmon_segment *in)
{
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;
	struct svm_segment *s = vmcb_seg(&vmcb->save, seg);

	s->base = in->base;
	s->limit = in->limit;
	s->attrib = svm_seg_attrib(in->attr);
	s->selector = in->selector;
	if (seg == HVMON_SS)
		vmcb->save.cpl = in->attr >> 5 & 3;
	svm_dirty(vmcb, SVM_CLEAN_SEG);
}

int svm_cpl(struct hvmon_vcpu *vcpu)
{
	return vcpu->svm->vmcb->save.cpl;
}

int svm_code_bits(struct hvmon_vcpu *vcpu)
{
	return svm_cs_bits(&vcpu->svm->vmcb->save);
}

/* ---- control registers ---- */

/*
 * The guest never runs with caches off, which would slow down the host's
 * memory too; it is told what it wrote. CR0 changes under it also without an
 * exit: a task switch sets TS.
 */
static u64 get_cr0(const struct hvmon_svm_vcpu *svm)
{
	return svm->vmcb->save.cr0 | svm->cr0_hidden;
}

static void set_cr0(struct hvmon_svm_vcpu *svm, u64 val)
{
	struct svm_vmcb *vmcb = svm->vmcb;
	u64 run = (val & ~CR0_HIDDEN) | X86_CR0_ET;
	u64 changed = run ^ vmcb->save.cr0;

	svm->cr0_hidden = val & CR0_HIDDEN;
	if (svm->cr0_hidden)
		svm_intercept(vmcb, SVM_EXIT_CR_READ(0));
	else
		svm_unintercept(vmcb, SVM_EXIT_CR_READ(0));
	vmcb->save.cr0 = run;
	svm_dirty(vmcb, SVM_CLEAN_CRX);
	if (changed & (X86_CR0_PG | X86_CR0_WP))
		svm_flush(svm);
}

static void set_efer(struct hvmon_svm_vcpu *svm, u64 val)
{
	svm->vmcb->save.efer = val | EFER_SVME;
	svm_dirty(svm->vmcb, SVM_CLEAN_CRX);
	svm_flush(svm);
}

static void set_dr6_dr7(struct hvmon_vcpu *vcpu, u64 dr6, u64 dr7)
{
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;

	vmcb->save.dr6 = dr6;
	vmcb->save.dr7 = dr7;
	svm_dirty(vmcb, SVM_CLEAN_DRX);
	if (dr7 & DR7_ENABLES)
		svm_dr_make_live(vcpu);
}

static u64 get_dr(const struct hvmon_svm_vcpu *svm, int n)
{
	return svm->dr_loaded ? native_get_debugreg(n) : svm->dr[n];
}

static void set_dr(struct hvmon_svm_vcpu *svm, int n, u64 val)
{
	svm->dr[n] = val;
	if (svm->dr_loaded)
		native_set_debugreg(n, val);
}

u64 svm_get_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg)
{
	const struct svm_save *save = &vcpu->svm->vmcb->save;

	switch (reg) {
	case HVMON_REG_CR0:
		return get_cr0(vcpu->svm);
	case HVMON_REG_CR2:
		return save->cr2;
	case HVMON_REG_CR3:
		return save->cr3;
	case HVMON_REG_CR4:
		return save->cr4;
	case HVMON_REG_EFER:
		return save->efer & ~(u64)EFER_SVME;
	case HVMON_REG_DR6:
		return save->dr6;
	case HVMON_REG_DR7:
		return save->dr7;
	default:
		return get_dr(vcpu->svm, reg - HVMON_REG_DR0);
	}
}

void svm_set_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg, u64 val)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;

	switch (reg) {
	case HVMON_REG_CR0:
		set_cr0(svm, val);
		break;
	case HVMON_REG_CR2:
		vmcb->save.cr2 = val;
		svm_dirty(vmcb, SVM_CLEAN_CR2);
		break;
	case HVMON_REG_CR3:
		vmcb->save.cr3 = val;
		svm_dirty(vmcb, SVM_CLEAN_CRX);
		svm_flush(svm);
		break;
	case HVMON_REG_CR4:
		vmcb->save.cr4 = val;
		svm_dirty(vmcb, SVM_CLEAN_CRX);
		svm_flush(svm);
		break;
	case HVMON_REG_EFER:
		set_efer(svm, val);
		break;
	case HVMON_REG_DR6:
		set_dr6_dr7(vcpu, val, vmcb->save.dr7);
		break;
	case HVMON_REG_DR7:
		set_dr6_dr7(vcpu, vmcb->save.dr6, val);
		break;
	default:
		set_dr(svm, reg - HVMON_REG_DR0, val);
		break;
	}
}

/**
 * svm_get_paging() - what a walk of the guest's tables depends on
 * @vcpu: the vCPU
 * @pg: filled in. Under nested paging PDPTEs are read from memory.
 */
void svm_get_paging(struct hvmon_vcpu *vcpu, struct hvmon_paging *pg)
{
	const struct svm_save *save = &vcpu->svm->vmcb->save;

	pg->cr0 = save->cr0;
	pg->cr3 = save->cr3;
	pg->cr4 = save->cr4;
	pg->efer = save->efer & ~(u64)EFER_SVME;
	pg->rflags = vcpu->regs.rflags;
	/* In a section it is in the register, where the guest may have changed it */
	pg->pkru = vcpu->xstate_switched && cpu_feature_enabled(X86_FEATURE_OSPKE) ?
		   rdpkru() : vcpu->pkru;
	pg->pdptr_valid = false;
}

/* ---- debug registers in sections ---- */

/**
 * svm_dr_load() - DR0-3 become the guest's
 * @svm: of the vCPU
 * @cpu: this processor, in a section
 */
void svm_dr_load(struct hvmon_svm_vcpu *svm, struct svm_cpu *cpu)
{
	int i;

	for (i = 0; i < 4; i++)
		cpu->dr[i] = native_get_debugreg(i);
	/* A host breakpoint must not go off at the guest's address in here */
	native_set_debugreg(7, 0x400UL);
	for (i = 0; i < 4; i++)
		native_set_debugreg(i, svm->dr[i]);
	svm->dr_loaded = true;
}

/**
 * svm_dr_make_live() - the guest uses debug registers from now on
 * @vcpu: the vCPU
 *
 * Until the end of the first section that finds no breakpoint enabled in DR7.
 */
void svm_dr_make_live(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	if (svm->dr_live)
		return;
	svm->dr_live = true;
	svm->vmcb->intercept[SVM_EXIT_DR_READ(0) / 32] = 0;
	svm_dirty(svm->vmcb, SVM_CLEAN_I);
	if (vcpu->in_section)
		svm_dr_load(svm, this_cpu_ptr(&svm_cpus));
}

/**
 * svm_dr_unload() - DR0-3 become the host's again, at a section's end
 * @vcpu: the vCPU, whose own are loaded
 * @cpu: this processor
 */
void svm_dr_unload(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;
	int i;

	for (i = 0; i < 4; i++) {
		svm->dr[i] = get_dr(svm, i);
		native_set_debugreg(i, cpu->dr[i]);
	}
	svm->dr_loaded = false;
	if (!(vmcb->save.dr7 & DR7_ENABLES)) {
		svm->dr_live = false;
		vmcb->intercept[SVM_EXIT_DR_READ(0) / 32] = ~0U;
		svm_dirty(vmcb, SVM_CLEAN_I);
	}
}

/* ---- MSRs ---- */

static const struct {
	u32 msr;
	u16 offset;
} vmcb_msrs[] = {
	{ MSR_STAR, offsetof(struct svm_save, star) },
	{ MSR_LSTAR, offsetof(struct svm_save, lstar) },
	{ MSR_CSTAR, offsetof(struct svm_save, cstar) },
	{ MSR_SYSCALL_MASK, offsetof(struct svm_save, sfmask) },
	{ MSR_FS_BASE, offsetof(struct svm_save, fs.base) },
	{ MSR_GS_BASE, offsetof(struct svm_save, gs.base) },
	{ MSR_KERNEL_GS_BASE, offsetof(struct svm_save, kernel_gs_base) },
	{ MSR_IA32_SYSENTER_CS, offsetof(struct svm_save, sysenter_cs) },
	{ MSR_IA32_SYSENTER_ESP, offsetof(struct svm_save, sysenter_esp) },
	{ MSR_IA32_SYSENTER_EIP, offsetof(struct svm_save, sysenter_eip) },
};

static u64 *msr_in_vmcb(struct svm_vmcb *vmcb, u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmcb_msrs); i++)
		if (vmcb_msrs[i].msr == msr)
			return (void *)&vmcb->save + vmcb_msrs[i].offset;
	return NULL;
}

int svm_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val)
{
	u64 *field = msr_in_vmcb(vcpu->svm->vmcb, msr);

	if (!field)
		return -ENOENT;
	*val = *field;
	return 0;
}

int svm_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val)
{
	u64 *field = msr_in_vmcb(vcpu->svm->vmcb, msr);

	if (!field)
		return -ENOENT;
	/* No clean bit covers these fields: VMLOAD reads them every time */
	*field = val;
	return 0;
}

/**
 * svm_sync() - bring to the processor what common code keeps
 * @vcpu: the vCPU
 * @cpu: this processor, in a section
 *
 * The TPR, so that reads of CR8 need no exit; PAT; SPEC_CTRL; TSC_AUX. At the
 * section's start, and in it when vcpu->out_of_sync says that one was written.
 */
void svm_sync(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_vmcb *vmcb = svm->vmcb;
	u64 tpr = hvmon_tpr(vcpu) >> 4;
	u64 spec = vcpu->caps.spec_ctrl ? vcpu->msr.spec_ctrl : 0;

	vcpu->out_of_sync = false;
	if ((vmcb->vintr & SVM_VINTR_TPR_MASK) != tpr) {
		vmcb->vintr = (vmcb->vintr & ~SVM_VINTR_TPR_MASK) | tpr;
		svm_dirty(vmcb, SVM_CLEAN_TPR);
	}
	if (vmcb->save.g_pat != vcpu->msr.pat) {
		vmcb->save.g_pat = vcpu->msr.pat;
		svm_dirty(vmcb, SVM_CLEAN_NP);
	}
	if (svm_hw.v_spec_ctrl) {
		vmcb->save.spec_ctrl = spec;
		vmcb->clean = 0;	/* no bit is documented to cover it */
	} else if (svm_hw.spec_ctrl) {
		/* A guest that does not know the register keeps the host's value */
		svm->sw.spec_guest = vcpu->caps.spec_ctrl ? spec : svm->sw.spec_host;
	}
	if (svm_hw.rdtscp && (vcpu->caps.rdtscp || vcpu->caps.rdpid) &&
	    cpu->tsc_aux_now != vcpu->msr.tsc_aux &&
	    !hvmon_wrmsr(MSR_TSC_AUX, vcpu->msr.tsc_aux)) {
		cpu->tsc_aux_now = vcpu->msr.tsc_aux;
		cpu->restore_tsc_aux = cpu->tsc_aux_now != cpu->tsc_aux;
	}
}

/* ---- groups ---- */

static void get_sregs(struct hvmon_vcpu *vcpu, struct hvmon_sregs *s)
{
	const struct svm_save *save = &vcpu->svm->vmcb->save;
	int i;

	for (i = 0; i < HVMON_NR_SEGS; i++)
		svm_get_seg(vcpu, i, &s->seg[i]);
	s->gdt = (struct hvmon_dtable) { .base = save->gdtr.base, .limit = save->gdtr.limit };
	s->idt = (struct hvmon_dtable) { .base = save->idtr.base, .limit = save->idtr.limit };
	s->cr0 = get_cr0(vcpu->svm);
	s->cr2 = save->cr2;
	s->cr3 = save->cr3;
	s->cr4 = save->cr4;
	s->efer = save->efer & ~(u64)EFER_SVME;
	memset(s->pdptr, 0, sizeof(s->pdptr));
}

static void set_sregs(struct hvmon_vcpu *vcpu, const struct hvmon_sregs *s)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_save *save = &svm->vmcb->save;
	int i;

	for (i = 0; i < HVMON_NR_SEGS; i++)
		svm_set_seg(vcpu, i, &s->seg[i]);
	save->gdtr.base = s->gdt.base;
	save->gdtr.limit = s->gdt.limit;
	save->idtr.base = s->idt.base;
	save->idtr.limit = s->idt.limit;
	set_efer(svm, s->efer);
	set_cr0(svm, s->cr0);
	save->cr2 = s->cr2;
	save->cr3 = s->cr3;
	save->cr4 = s->cr4;
	svm->vmcb->clean = 0;
}

void svm_get_state(struct hvmon_vcpu *vcpu, u64 groups, struct hvmon_state *st)
{
	const struct hvmon_svm_vcpu *svm = vcpu->svm;
	int i;

	if (groups & HVMON_STATE_SREGS)
		get_sregs(vcpu, &st->sregs);
	if (groups & HVMON_STATE_DEBUG) {
		for (i = 0; i < 4; i++)
			st->debug.db[i] = get_dr(svm, i);
		st->debug.dr6 = svm->vmcb->save.dr6;
		st->debug.dr7 = svm->vmcb->save.dr7;
	}
	if (groups & HVMON_STATE_EVENTS) {
		st->events.flags = 0;
		/* AMD-V does not tell STI from MOV SS: 15.21.5 */
		if (svm->vmcb->int_state & SVM_INT_SHADOW)
			st->events.flags |= HVMON_EVS_STI_SHADOW;
		if (svm->nmi_blocked)
			st->events.flags |= HVMON_EVS_NMI_BLOCKED;
		st->events.pending_dbg = 0;
	}
}

void svm_set_state(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	int i;

	if (groups & HVMON_STATE_SREGS)
		set_sregs(vcpu, &st->sregs);
	if (groups & HVMON_STATE_DEBUG) {
		for (i = 0; i < 4; i++)
			set_dr(svm, i, st->debug.db[i]);
		set_dr6_dr7(vcpu, st->debug.dr6, st->debug.dr7);
	}
	if (groups & HVMON_STATE_EVENTS) {
		svm->vmcb->int_state &= ~SVM_INT_SHADOW;
		if (st->events.flags & (HVMON_EVS_STI_SHADOW | HVMON_EVS_MOVSS_SHADOW))
			svm->vmcb->int_state |= SVM_INT_SHADOW;
		svm_block_nmi(svm, st->events.flags & HVMON_EVS_NMI_BLOCKED);
		svm->step = false;
	}
}

/* ---- reset: table 14-1 ---- */

static void reset_seg(struct svm_segment *s, u16 attrib)
{
	*s = (struct svm_segment) { .limit = 0xffff, .attrib = attrib };
}

/**
 * svm_vcpu_reset() - the state after power-on or INIT
 * @vcpu: the vCPU
 * @init: INIT: CR0.CD and NW stay, and so do the MSRs other than EFER
 */
void svm_vcpu_reset(struct hvmon_vcpu *vcpu, bool init)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;
	struct svm_save *save = &svm->vmcb->save;
	unsigned int i;

	for (i = 0; i < HVMON_NR_SEGS; i++)
		reset_seg(vmcb_seg(save, i), 0x93);
	save->cs.selector = 0xf000;
	save->cs.base = 0xffff0000;
	save->cs.attrib = 0x9b;
	save->ldtr.attrib = 0x82;
	save->tr.attrib = 0x8b;
	reset_seg(&save->gdtr, 0);
	reset_seg(&save->idtr, 0);
	save->cpl = 0;
	save->cr2 = 0;
	save->cr3 = 0;
	save->cr4 = 0;
	set_efer(svm, 0);
	set_cr0(svm, init ? svm->cr0_hidden : CR0_HIDDEN);
	for (i = 0; i < 4; i++)
		set_dr(svm, i, 0);
	set_dr6_dr7(vcpu, 0xffff0ff0, 0x400);

	svm_block_nmi(svm, false);
	svm_close_window(svm);
	svm->step = false;
	svm->vmcb->int_state = 0;
	svm->vmcb->event_inj = 0;
	svm->vmcb->clean = 0;
	if (init)
		return;
	for (i = 0; i < ARRAY_SIZE(vmcb_msrs); i++)
		svm_set_msr(vcpu, vmcb_msrs[i].msr, 0);
}
