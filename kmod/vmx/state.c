// SPDX-License-Identifier: GPL-2.0
/*
 * Guest state in the VMCS: registers, segments, debug registers, MSRs, and the
 * state after reset and INIT.
 */
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "../window.h"
#include "vmx.h"

#define DR7_ENABLES	0xffULL
#define DR6_RESET	0xffff0ff0ULL
#define DR7_RESET	0x400ULL

/*
 * Bits of control registers that the guest changes without an exit. All others
 * are read from the shadow, and a write that changes one exits (25.6.6).
 */
#define CR0_GUEST	((u64)X86_CR0_TS)
#define CR4_GUEST	((u64)X86_CR4_PGE)

/* The guest never runs with caches off: under EPT memory is write-back anyway */
#define CR0_HIDDEN	((u64)(X86_CR0_CD | X86_CR0_NW))

/* ---- segments ---- */

#define AR_VALID	(0xf0ffU | HVMON_SEG_UNUSABLE)
#define AR_ACCESSED	BIT(0)
#define AR_BUSY		BIT(1)

/**
 * vmx_seg_ar() - attributes as the VMCS has them: table 25-2
 * @attr: as struct hvmon_segment has them
 *
 * Return: the same; a segment that is not present is unusable.
 */
u32 vmx_seg_ar(u32 attr)
{
	return attr & HVMON_SEG_P ? attr & AR_VALID : (attr & AR_VALID) | HVMON_SEG_UNUSABLE;
}

void vmx_get_seg(struct hvmon_vcpu *vcpu, int seg, struct hvmon_segment *out)
{
	*out = (struct hvmon_segment) {
		.base = vmx_get(vcpu, VMX_ES_BASE + seg),
		.limit = vmx_get(vcpu, VMX_ES_LIMIT + seg),
		.attr = vmx_get(vcpu, VMX_ES_AR + seg) & AR_VALID,
		.selector = vmx_get(vcpu, VMX_ES_SELECTOR + seg),
	};
}

u64 vmx_seg_base(struct hvmon_vcpu *vcpu, int seg)
{
	return vmx_peek(vcpu, VMX_ES_BASE + seg);
}

/*
 * What other processors keep loosely and an entry checks: the task register is
 * busy, and what has been loaded has been accessed (27.3.1.2).
 */
void vmx_set_seg(struct hvmon_vcpu *vcpu, int seg, const struct hvmon_segment *in)
{
	u32 ar = vmx_seg_ar(in->attr);

	if (seg == HVMON_TR)
		ar |= AR_BUSY;
	else if (seg != HVMON_LDTR && !(ar & HVMON_SEG_UNUSABLE))
		ar |= AR_ACCESSED;
	vmx_set(vcpu, VMX_ES_BASE + seg, in->base);
	vmx_set(vcpu, VMX_ES_LIMIT + seg, in->limit);
	vmx_set(vcpu, VMX_ES_AR + seg, ar);
	vmx_set(vcpu, VMX_ES_SELECTOR + seg, in->selector);
}

/* SS.DPL, always: 25.4.1 */
static __always_inline int peek_cpl(struct hvmon_vcpu *vcpu)
{
	return vmx_peek(vcpu, VMX_SS_AR) >> 5 & 3;
}

int vmx_cpl(struct hvmon_vcpu *vcpu)
{
	return peek_cpl(vcpu);
}

static __always_inline int peek_code_bits(struct hvmon_vcpu *vcpu)
{
	u32 ar = vmx_peek(vcpu, VMX_CS_AR);

	if (ar & HVMON_SEG_L && vmx_get(vcpu, VMX_EFER) & EFER_LMA)
		return 64;
	return ar & HVMON_SEG_DB ? 32 : 16;
}

int vmx_code_bits(struct hvmon_vcpu *vcpu)
{
	return peek_code_bits(vcpu);
}

/**
 * vmx_get_code() - where the code is
 * @vcpu: the vCPU
 * @code: filled in
 */
void vmx_get_code(struct hvmon_vcpu *vcpu, struct hvmon_code *code)
{
	u64 rip = vcpu->regs.rip;

	/* The shadows have all that a fetch looks at */
	static_assert(!(HVMON_MODE_CR0 & CR0_GUEST) && !(HVMON_MODE_CR4 & CR4_GUEST));
	code->bits = peek_code_bits(vcpu);
	code->lin = code->bits == 64 ? rip : (u32)(vmx_peek(vcpu, VMX_CS_BASE) + rip);
	code->cr3 = vmx_peek(vcpu, VMX_CR3);
	code->mode = hvmon_fetch_mode(vmx_get(vcpu, VMX_CR0_SHADOW),
				      vmx_get(vcpu, VMX_CR4_SHADOW),
				      vmx_get(vcpu, VMX_EFER), peek_cpl(vcpu));
}

/* ---- control registers ---- */

static u64 get_cr0(struct hvmon_vcpu *vcpu)
{
	return (vmx_get(vcpu, VMX_CR0_SHADOW) & ~CR0_GUEST) | (vmx_get(vcpu, VMX_CR0) & CR0_GUEST);
}

/* What VMX operation wants, but for PE and PG: 27.3.1.1 */
static void set_cr0(struct hvmon_vcpu *vcpu, u64 val)
{
	u64 fixed = vmx_hw.cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);

	if ((val ^ vmx_get(vcpu, VMX_CR0_SHADOW)) & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE))
		vcpu->vmx->flush = true;
	vmx_set(vcpu, VMX_CR0_SHADOW, val);
	vmx_set(vcpu, VMX_CR0, (val & ~CR0_HIDDEN) | X86_CR0_ET | fixed);
}

static u64 get_cr4(struct hvmon_vcpu *vcpu)
{
	return (vmx_get(vcpu, VMX_CR4_SHADOW) & ~CR4_GUEST) | (vmx_get(vcpu, VMX_CR4) & CR4_GUEST);
}

static void set_cr4(struct hvmon_vcpu *vcpu, u64 val)
{
	vcpu->vmx->flush = true;
	vmx_set(vcpu, VMX_CR4_SHADOW, val);
	vmx_set(vcpu, VMX_CR4, val | vmx_hw.cr4_fixed0);
}

/* LMA is an entry control, too: 27.3.1.1 */
static void set_efer(struct hvmon_vcpu *vcpu, u64 val)
{
	vcpu->vmx->flush = true;
	vmx_set(vcpu, VMX_EFER, val);
	if (val & EFER_LMA)
		vmx_set_bits(vcpu, VMX_ENTRY_CTLS, VMX_ENTRY_IA32E);
	else
		vmx_clear_bits(vcpu, VMX_ENTRY_CTLS, VMX_ENTRY_IA32E);
}

static bool pae_paging(struct hvmon_vcpu *vcpu)
{
	return get_cr0(vcpu) & X86_CR0_PG && get_cr4(vcpu) & X86_CR4_PAE &&
	       !(vmx_get(vcpu, VMX_EFER) & EFER_LMA);
}

#define PDPTE_PRESENT	BIT_ULL(0)
#define PDPTE_RESERVED	(BIT_ULL(1) | BIT_ULL(2) | GENMASK_ULL(8, 5))

/**
 * vmx_load_pdptrs() - load the PDPTEs as MOV to CR3 does: 4.4.1
 * @vcpu: the vCPU; outside sections
 *
 * Return: false if a present one has a reserved bit set, or there is no memory
 * where they should be; nothing has been loaded then. True without PAE paging,
 * where there are none.
 */
bool vmx_load_pdptrs(struct hvmon_vcpu *vcpu)
{
	u64 pdpte[4];
	int i;

	vcpu->vmx->pdptrs_stale = false;
	if (!pae_paging(vcpu))
		return true;
	if (hvmon_gpa_read(vcpu, vmx_get(vcpu, VMX_CR3) & 0xffffffe0, pdpte, sizeof(pdpte)))
		return false;
	for (i = 0; i < 4; i++)
		if (pdpte[i] & PDPTE_PRESENT &&
		    pdpte[i] & (PDPTE_RESERVED | vcpu->caps.gpa_mask_reserved |
				GENMASK_ULL(63, 52)))
			return false;
	for (i = 0; i < 4; i++)
		vmx_set(vcpu, VMX_PDPTE0 + i, pdpte[i]);
	return true;
}

static u64 get_dr6(struct hvmon_vcpu *vcpu)
{
	unsigned long val;

	if (!vcpu->vmx->dr_loaded)
		return vcpu->vmx->dr6;
	val = native_get_debugreg(6);
	return val;
}

static void set_dr6(struct hvmon_vcpu *vcpu, u64 val)
{
	vcpu->vmx->dr6 = val;
	if (vcpu->vmx->dr_loaded)
		native_set_debugreg(6, val);
}

static void set_dr7(struct hvmon_vcpu *vcpu, u64 val)
{
	vmx_set(vcpu, VMX_DR7, val);
	if (val & DR7_ENABLES)
		vmx_dr_make_live(vcpu);
}

u64 vmx_get_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg)
{
	switch (reg) {
	case HVMON_REG_CR0:
		return get_cr0(vcpu);
	case HVMON_REG_CR2:
		return vcpu->vmx->sw.cr2;
	case HVMON_REG_CR3:
		return vmx_get(vcpu, VMX_CR3);
	case HVMON_REG_CR4:
		return get_cr4(vcpu);
	case HVMON_REG_EFER:
		return vmx_get(vcpu, VMX_EFER);
	case HVMON_REG_DR6:
		return get_dr6(vcpu);
	case HVMON_REG_DR7:
		return vmx_get(vcpu, VMX_DR7);
	default:
		return vmx_get_dr(vcpu, reg - HVMON_REG_DR0);
	}
}

void vmx_set_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg, u64 val)
{
	switch (reg) {
	case HVMON_REG_CR0:
		set_cr0(vcpu, val);
		break;
	case HVMON_REG_CR2:
		vcpu->vmx->sw.cr2 = val;
		break;
	case HVMON_REG_CR3:
		vmx_set(vcpu, VMX_CR3, val);
		vcpu->vmx->flush = true;
		vcpu->vmx->pdptrs_stale = pae_paging(vcpu);
		/* The next section begins with them */
		if (vcpu->vmx->pdptrs_stale && vcpu->in_section)
			hvmon_request(vcpu, HVMON_REQ_KICK);
		break;
	case HVMON_REG_CR4:
		set_cr4(vcpu, val);
		break;
	case HVMON_REG_EFER:
		set_efer(vcpu, val);
		break;
	case HVMON_REG_DR6:
		set_dr6(vcpu, val);
		break;
	case HVMON_REG_DR7:
		set_dr7(vcpu, val);
		break;
	default:
		vmx_set_dr(vcpu, reg - HVMON_REG_DR0, val);
		break;
	}
}

/**
 * vmx_get_paging() - what a walk of the guest's tables depends on
 * @vcpu: the vCPU
 * @pg: filled in
 */
void vmx_get_paging(struct hvmon_vcpu *vcpu, struct hvmon_paging *pg)
{
	int i;

	pg->cr0 = get_cr0(vcpu);
	pg->cr3 = vmx_get(vcpu, VMX_CR3);
	pg->cr4 = get_cr4(vcpu);
	pg->efer = vmx_get(vcpu, VMX_EFER);
	pg->rflags = vcpu->regs.rflags;
	/* In a section it is in the register, where the guest may have changed it */
	pg->pkru = vcpu->xstate_switched && cpu_feature_enabled(X86_FEATURE_OSPKE) ?
		   rdpkru() : vcpu->pkru;
	pg->pdptr_valid = pae_paging(vcpu) && !vcpu->vmx->pdptrs_stale;
	if (pg->pdptr_valid)
		for (i = 0; i < 4; i++)
			pg->pdptr[i] = vmx_get(vcpu, VMX_PDPTE0 + i);
}

/* ---- MSRs ---- */

static const struct {
	u32 msr;
	enum vmx_field field;
} vmcs_msrs[] = {
	{ MSR_FS_BASE, VMX_FS_BASE },
	{ MSR_GS_BASE, VMX_GS_BASE },
	{ MSR_IA32_SYSENTER_CS, VMX_SYSENTER_CS },
	{ MSR_IA32_SYSENTER_ESP, VMX_SYSENTER_ESP },
	{ MSR_IA32_SYSENTER_EIP, VMX_SYSENTER_EIP },
};

int vmx_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned int i;

	for (i = 0; i < VMX_NR_MSRS; i++) {
		if (vmx_switched_msrs[i] != msr)
			continue;
		/* SWAPGS may have changed it */
		if (vmx->msr_loaded && i == VMX_MSR_KERNEL_GS)
			vmx->msr[i] = hvmon_rdmsr(msr);
		*val = vmx->msr[i];
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(vmcs_msrs); i++) {
		if (vmcs_msrs[i].msr != msr)
			continue;
		*val = vmx_get(vcpu, vmcs_msrs[i].field);
		return 0;
	}
	return -ENOENT;
}

int vmx_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;
	unsigned int i;

	for (i = 0; i < VMX_NR_MSRS; i++) {
		if (vmx_switched_msrs[i] != msr)
			continue;
		vmx->msr[i] = val;
		if (vmx->msr_loaded)
			hvmon_wrmsr(msr, val);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(vmcs_msrs); i++) {
		if (vmcs_msrs[i].msr != msr)
			continue;
		vmx_set(vcpu, vmcs_msrs[i].field, val);
		return 0;
	}
	return -ENOENT;
}

/* ---- groups ---- */

static void get_sregs(struct hvmon_vcpu *vcpu, struct hvmon_sregs *s)
{
	int i;

	for (i = 0; i < HVMON_NR_SEGS; i++)
		vmx_get_seg(vcpu, i, &s->seg[i]);
	s->gdt.base = vmx_get(vcpu, VMX_GDTR_BASE);
	s->gdt.limit = vmx_get(vcpu, VMX_GDTR_LIMIT);
	s->idt.base = vmx_get(vcpu, VMX_IDTR_BASE);
	s->idt.limit = vmx_get(vcpu, VMX_IDTR_LIMIT);
	s->cr0 = get_cr0(vcpu);
	s->cr2 = vcpu->vmx->sw.cr2;
	s->cr3 = vmx_get(vcpu, VMX_CR3);
	s->cr4 = get_cr4(vcpu);
	s->efer = vmx_get(vcpu, VMX_EFER);
	memset(s->pdptr, 0, sizeof(s->pdptr));
	if (pae_paging(vcpu) && !vcpu->vmx->pdptrs_stale)
		for (i = 0; i < 4; i++)
			s->pdptr[i] = vmx_get(vcpu, VMX_PDPTE0 + i);
}

static void set_sregs(struct hvmon_vcpu *vcpu, const struct hvmon_sregs *s)
{
	int i;

	for (i = 0; i < HVMON_NR_SEGS; i++)
		vmx_set_seg(vcpu, i, &s->seg[i]);
	vmx_set(vcpu, VMX_GDTR_BASE, s->gdt.base);
	vmx_set(vcpu, VMX_GDTR_LIMIT, s->gdt.limit);
	vmx_set(vcpu, VMX_IDTR_BASE, s->idt.base);
	vmx_set(vcpu, VMX_IDTR_LIMIT, s->idt.limit);
	set_efer(vcpu, s->efer);
	set_cr0(vcpu, s->cr0);
	vcpu->vmx->sw.cr2 = s->cr2;
	vmx_set(vcpu, VMX_CR3, s->cr3);
	set_cr4(vcpu, s->cr4);
	/* AMD-V has none: they are read from memory before the next entry */
	for (i = 0; i < 4; i++)
		vmx_set(vcpu, VMX_PDPTE0 + i, s->pdptr[i]);
	vcpu->vmx->pdptrs_stale = pae_paging(vcpu) &&
				  !(s->pdptr[0] | s->pdptr[1] | s->pdptr[2] | s->pdptr[3]);
}

static void get_events(struct hvmon_vcpu *vcpu, struct hvmon_events *ev)
{
	u64 blocked = vmx_get(vcpu, VMX_INTERRUPTIBILITY);

	ev->flags = 0;
	if (blocked & VMX_BLOCK_STI)
		ev->flags |= HVMON_EVS_STI_SHADOW;
	if (blocked & VMX_BLOCK_MOVSS)
		ev->flags |= HVMON_EVS_MOVSS_SHADOW;
	if (blocked & VMX_BLOCK_NMI)
		ev->flags |= HVMON_EVS_NMI_BLOCKED;
	ev->pending_dbg = vmx_get(vcpu, VMX_PENDING_DBG);
}

/* Both shadows at once are more than a processor can have: 27.3.1.5 */
static void set_events(struct hvmon_vcpu *vcpu, const struct hvmon_events *ev)
{
	u64 blocked = 0;

	if (ev->flags & HVMON_EVS_MOVSS_SHADOW)
		blocked |= VMX_BLOCK_MOVSS;
	else if (ev->flags & HVMON_EVS_STI_SHADOW)
		blocked |= VMX_BLOCK_STI;
	if (ev->flags & HVMON_EVS_NMI_BLOCKED)
		blocked |= VMX_BLOCK_NMI;
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, blocked);
	vmx_set(vcpu, VMX_PENDING_DBG, ev->pending_dbg);
}

void vmx_get_state(struct hvmon_vcpu *vcpu, u64 groups, struct hvmon_state *st)
{
	int i;

	if (groups & HVMON_STATE_SREGS)
		get_sregs(vcpu, &st->sregs);
	if (groups & HVMON_STATE_DEBUG) {
		for (i = 0; i < 4; i++)
			st->debug.db[i] = vmx_get_dr(vcpu, i);
		st->debug.dr6 = get_dr6(vcpu);
		st->debug.dr7 = vmx_get(vcpu, VMX_DR7);
	}
	if (groups & HVMON_STATE_EVENTS)
		get_events(vcpu, &st->events);
}

void vmx_set_state(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st)
{
	int i;

	if (groups & HVMON_STATE_SREGS)
		set_sregs(vcpu, &st->sregs);
	if (groups & HVMON_STATE_DEBUG) {
		for (i = 0; i < 4; i++)
			vmx_set_dr(vcpu, i, st->debug.db[i]);
		set_dr6(vcpu, st->debug.dr6);
		set_dr7(vcpu, st->debug.dr7);
	}
	if (groups & HVMON_STATE_EVENTS)
		set_events(vcpu, &st->events);
}

/* ---- reset: table 10-1 ---- */

static void reset_seg(struct hvmon_vcpu *vcpu, int seg, u32 ar)
{
	const struct hvmon_segment s = { .limit = 0xffff, .attr = ar };

	vmx_set_seg(vcpu, seg, &s);
}

/**
 * vmx_vcpu_reset() - the state after power-on or INIT
 * @vcpu: the vCPU
 * @init: INIT: CR0.CD and NW stay, and so do the MSRs other than EFER
 */
void vmx_vcpu_reset(struct hvmon_vcpu *vcpu, bool init)
{
	u64 cr0 = init ? get_cr0(vcpu) & CR0_HIDDEN : CR0_HIDDEN;
	unsigned int i;

	for (i = 0; i < HVMON_LDTR; i++)
		reset_seg(vcpu, i, 0x93);
	reset_seg(vcpu, HVMON_LDTR, 0x82);
	reset_seg(vcpu, HVMON_TR, 0x8b);
	vmx_set(vcpu, VMX_CS_SELECTOR, 0xf000);
	vmx_set(vcpu, VMX_CS_BASE, 0xffff0000);
	vmx_set(vcpu, VMX_CS_AR, 0x9b);
	vmx_set(vcpu, VMX_GDTR_BASE, 0);
	vmx_set(vcpu, VMX_GDTR_LIMIT, 0xffff);
	vmx_set(vcpu, VMX_IDTR_BASE, 0);
	vmx_set(vcpu, VMX_IDTR_LIMIT, 0xffff);
	vmx_set(vcpu, VMX_CR0_MASK, ~CR0_GUEST);
	vmx_set(vcpu, VMX_CR4_MASK, ~CR4_GUEST);
	set_efer(vcpu, 0);
	set_cr0(vcpu, cr0 | X86_CR0_ET);
	set_cr4(vcpu, 0);
	vmx_set(vcpu, VMX_CR3, 0);
	vcpu->vmx->sw.cr2 = 0;
	vcpu->vmx->pdptrs_stale = false;
	for (i = 0; i < 4; i++)
		vmx_set_dr(vcpu, i, 0);
	set_dr6(vcpu, DR6_RESET);
	set_dr7(vcpu, DR7_RESET);
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, 0);
	vmx_set(vcpu, VMX_ACTIVITY, VMX_ACTIVITY_ACTIVE);
	vmx_set(vcpu, VMX_PENDING_DBG, 0);
	vmx_set(vcpu, VMX_ENTRY_INTR_INFO, 0);
	vcpu->vmx->injecting = false;
	vmx_clear_bits(vcpu, VMX_PROC_CTLS, VMX_PROC_INTR_WINDOW | VMX_PROC_NMI_WINDOW);
	if (init)
		return;
	for (i = 0; i < VMX_NR_MSRS; i++)
		vmx_set_msr(vcpu, vmx_switched_msrs[i], 0);
	for (i = 0; i < ARRAY_SIZE(vmcs_msrs); i++)
		vmx_set(vcpu, vmcs_msrs[i].field, 0);
}
