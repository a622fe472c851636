// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPU's state as the ABI shows it, and changes of control registers by
 * guests: the rules that both vendors share.
 */
#include <linux/module.h>
#include <asm/processor-flags.h>

#include "cpuid.h"
#include "hvmon.h"
#include "lapic.h"
#include "msr.h"

#define CR0_VALID	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

#define EFER_LME_LMA	(EFER_LME | EFER_LMA)

/**
 * hvmon_cr0_valid() - could the guest have this CR0?
 * @vcpu: the guest
 * @cr0: value
 *
 * SDM vol. 3, 2.5 and APM vol. 2, 3.1.1: reserved bits below 32 are ignored
 * on writes (callers clear them), those above are not; PG needs PE, NW needs
 * CD.
 *
 * Return: true if so.
 */
bool hvmon_cr0_valid(struct hvmon_vcpu *vcpu, u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if (cr0 & X86_CR0_PG && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & X86_CR0_NW) || cr0 & X86_CR0_CD;
}

bool hvmon_cr4_valid(struct hvmon_vcpu *vcpu, u64 cr4)
{
	return !(cr4 & vcpu->caps.cr4_reserved);
}

/*
 * Outside long mode the high half is neither loaded nor used, but keeps what
 * 64-bit code has loaded before
 */
static u64 cr3_reserved(struct hvmon_vcpu *vcpu)
{
	return vcpu->caps.gpa_mask_reserved | GENMASK_ULL(63, 52);
}

u64 hvmon_get_cr(struct hvmon_vcpu *vcpu, int cr)
{
	switch (cr) {
	case 0:
		return hvmon_call(get_reg, vcpu, HVMON_REG_CR0);
	case 2:
		return hvmon_call(get_reg, vcpu, HVMON_REG_CR2);
	case 3:
		return hvmon_call(get_reg, vcpu, HVMON_REG_CR3);
	case 4:
		return hvmon_call(get_reg, vcpu, HVMON_REG_CR4);
	case 8:
		return hvmon_tpr(vcpu) >> 4;
	default:
		return 0;
	}
}

/* SDM vol. 3, 9.8.5; APM vol. 2, 14.6: entering and leaving long mode */
static int set_cr0(struct hvmon_vcpu *vcpu, u64 cr0)
{
	u64 old = hvmon_get_cr(vcpu, 0);
	u64 cr4 = hvmon_get_cr(vcpu, 4);
	u64 efer = hvmon_call(get_reg, vcpu, HVMON_REG_EFER);
	struct hvmon_segment cs;

	if (!hvmon_cr0_valid(vcpu, cr0) || (cr4 & X86_CR4_CET && !(cr0 & X86_CR0_WP)))
		return -EINVAL;
	cr0 = (cr0 & CR0_VALID) | X86_CR0_ET;
	if ((cr0 ^ old) & X86_CR0_PG) {
		hvmon_call(get_seg, vcpu, HVMON_CS, &cs);
		if (cr0 & X86_CR0_PG && efer & EFER_LME) {
			if (!(cr4 & X86_CR4_PAE) || cs.attr & HVMON_SEG_L)
				return -EINVAL;
			efer |= EFER_LMA;
		} else if (!(cr0 & X86_CR0_PG)) {
			if (efer & EFER_LMA && cs.attr & HVMON_SEG_L)
				return -EINVAL;
			if (cr4 & X86_CR4_PCIDE)
				return -EINVAL;
			efer &= ~(u64)EFER_LMA;
		}
		hvmon_call(set_reg, vcpu, HVMON_REG_EFER, efer);
	}
	hvmon_call(set_reg, vcpu, HVMON_REG_CR0, cr0);
	return 0;
}

static int set_cr4(struct hvmon_vcpu *vcpu, u64 cr4)
{
	u64 old = hvmon_get_cr(vcpu, 4);
	u64 efer = hvmon_call(get_reg, vcpu, HVMON_REG_EFER);
	u64 changed = cr4 ^ old;

	if (!hvmon_cr4_valid(vcpu, cr4))
		return -EINVAL;
	if (efer & EFER_LMA && (!(cr4 & X86_CR4_PAE) || changed & X86_CR4_LA57))
		return -EINVAL;
	if (changed & cr4 & X86_CR4_PCIDE &&
	    (!(efer & EFER_LMA) || hvmon_get_cr(vcpu, 3) & 0xfff))
		return -EINVAL;
	hvmon_call(set_reg, vcpu, HVMON_REG_CR4, cr4);
	hvmon_cpuid_refresh(vcpu);
	return 0;
}

static int set_cr3(struct hvmon_vcpu *vcpu, u64 cr3)
{
	/* With PCIDs bit 63 says that the TLB need not be flushed */
	if (hvmon_get_cr(vcpu, 4) & X86_CR4_PCIDE)
		cr3 &= ~BIT_ULL(63);
	if (cr3 & cr3_reserved(vcpu))
		return -EINVAL;
	hvmon_call(set_reg, vcpu, HVMON_REG_CR3, cr3);
	return 0;
}

int hvmon_set_cr(struct hvmon_vcpu *vcpu, int cr, u64 val)
{
	switch (cr) {
	case 0:
		return set_cr0(vcpu, val);
	case 2:
		hvmon_call(set_reg, vcpu, HVMON_REG_CR2, val);
		return 0;
	case 3:
		return set_cr3(vcpu, val);
	case 4:
		return set_cr4(vcpu, val);
	case 8:
		if (val > 15)
			return -EINVAL;
		if (vcpu->lapic)
			hvmon_lapic_set_tpr(vcpu, val << 4);
		else
			vcpu->cr8 = val;
		vcpu->out_of_sync = true;
		hvmon_request(vcpu, HVMON_REQ_EVENT);
		return 0;
	default:
		return -EINVAL;
	}
}

/* DR4 and DR5 are names of DR6 and DR7 unless CR4.DE; the caller has checked */
static enum hvmon_reg dr_reg(int dr)
{
	if (dr < 4)
		return HVMON_REG_DR0 + dr;
	return dr & 1 ? HVMON_REG_DR7 : HVMON_REG_DR6;
}

int hvmon_set_dr(struct hvmon_vcpu *vcpu, int dr, u64 val)
{
	if (dr >= 4 && val >> 32)
		return -EINVAL;
	/* Fixed bits: SDM vol. 3, 17.2.3 and 17.2.4 */
	if (dr == 6 || dr == 4)
		val = (val & 0xe00f) | 0xffff0ff0;
	else if (dr == 7 || dr == 5)
		val = (val & 0xffff2bff) | BIT(10);
	hvmon_call(set_reg, vcpu, dr_reg(dr), val);
	return 0;
}

u64 hvmon_get_dr(struct hvmon_vcpu *vcpu, int dr)
{
	return hvmon_call(get_reg, vcpu, dr_reg(dr));
}

/* LMA is LME and PG, and needs PAE */
static bool efer_fits(u64 efer, u64 cr0, u64 cr4)
{
	if (!!(efer & EFER_LMA) != (efer & EFER_LME && cr0 & X86_CR0_PG))
		return false;
	return !(efer & EFER_LMA) || cr4 & X86_CR4_PAE;
}

/**
 * hvmon_rflags_valid() - could the guest have this RFLAGS?
 * @rflags: value
 * @cr0: the guest's
 * @efer: the guest's
 *
 * Virtual-8086 mode is a part of protected mode, and not of long mode (SDM
 * vol. 3, 26.3.1.4; APM vol. 2, 3.1.6).
 *
 * Return: true if so.
 */
bool hvmon_rflags_valid(u64 rflags, u64 cr0, u64 efer)
{
	if (rflags != hvmon_fixed_rflags(rflags))
		return false;
	return !(rflags & X86_EFLAGS_VM) || (cr0 & X86_CR0_PE && !(efer & EFER_LMA));
}

/**
 * hvmon_set_efer() - WRMSR EFER, or the launcher's
 * @vcpu: the vCPU
 * @val: value
 * @host: the launcher writes, which restores EFER together with CR0 and CR4
 *        through HVMON_STATE_SREGS; here it has to fit those
 *
 * Return: 0, or -EINVAL for reserved bits or LME changed under paging.
 */
int hvmon_set_efer(struct hvmon_vcpu *vcpu, u64 val, bool host)
{
	u64 old = hvmon_call(get_reg, vcpu, HVMON_REG_EFER);

	if (val & vcpu->caps.efer_reserved & ~(u64)EFER_LMA)
		return -EINVAL;
	if (!host) {
		if ((val ^ old) & EFER_LME && hvmon_get_cr(vcpu, 0) & X86_CR0_PG)
			return -EINVAL;
		/* LMA is read-only: APM vol. 2, 3.1.7 */
		val = (val & ~(u64)EFER_LMA) | (old & EFER_LMA);
	} else if (!efer_fits(val, hvmon_get_cr(vcpu, 0), hvmon_get_cr(vcpu, 4))) {
		return -EINVAL;
	}
	hvmon_call(set_reg, vcpu, HVMON_REG_EFER, val);
	return 0;
}

int hvmon_set_xcr0(struct hvmon_vcpu *vcpu, u64 val)
{
	if (val & ~vcpu->caps.xcr0 || !hvmon_xcr0_legal(val))
		return -EINVAL;
	vcpu->xcr0 = val;
	hvmon_cpuid_refresh(vcpu);
	return 0;
}

/* ---- groups ---- */

static bool canonical(struct hvmon_vcpu *vcpu, u64 addr, u64 cr4)
{
	int bits = cr4 & X86_CR4_LA57 ? 57 : 48;

	return sign_extend64(addr, bits - 1) == addr;
}

#define SEG_ATTR_VALID	(0xf0ffu | HVMON_SEG_UNUSABLE)

static bool segment_valid(const struct hvmon_segment *s, int i)
{
	if (s->attr & ~SEG_ATTR_VALID || s->reserved[0] || s->reserved[1] || s->reserved[2])
		return false;
	if (s->attr & HVMON_SEG_UNUSABLE)
		return i != HVMON_CS && i != HVMON_TR;
	/* With G the low 12 bits of the limit are ones, without the high are 0 */
	if (s->attr & HVMON_SEG_G ? (s->limit & 0xfff) != 0xfff : s->limit >> 20)
		return false;
	if (i == HVMON_CS && s->attr & HVMON_SEG_L && s->attr & HVMON_SEG_DB)
		return false;
	return true;
}

static bool table_valid(struct hvmon_vcpu *vcpu, const struct hvmon_dtable *t, u64 cr4)
{
	return canonical(vcpu, t->base, cr4) &&
	       !(t->reserved[0] || t->reserved[1] || t->reserved[2]);
}

static bool sregs_valid(struct hvmon_vcpu *vcpu, const struct hvmon_sregs *s)
{
	int i;

	if (!hvmon_cr0_valid(vcpu, s->cr0) || s->cr0 & ~CR0_VALID ||
	    !hvmon_cr4_valid(vcpu, s->cr4) || s->cr8 > 15)
		return false;
	if (s->efer & vcpu->caps.efer_reserved & ~(u64)EFER_LMA)
		return false;
	if (!efer_fits(s->efer, s->cr0, s->cr4))
		return false;
	if (s->cr4 & X86_CR4_PCIDE && !(s->efer & EFER_LMA))
		return false;
	if (s->cr3 & cr3_reserved(vcpu))
		return false;
	if (s->seg[HVMON_CS].attr & HVMON_SEG_L && !(s->efer & EFER_LMA) && s->cr0 & X86_CR0_PG)
		return false;
	for (i = 0; i < HVMON_NR_SEGS; i++)
		if (!segment_valid(&s->seg[i], i) || !canonical(vcpu, s->seg[i].base, s->cr4))
			return false;
	return table_valid(vcpu, &s->gdt, s->cr4) && table_valid(vcpu, &s->idt, s->cr4);
}

static bool event_valid(const struct hvmon_event *ev, bool in_flight)
{
	if (ev->reserved)
		return false;
	if (!ev->valid)
		return true;
	if (ev->valid > 1 || ev->has_error > 1 || ev->insn_len > 15)
		return false;
	switch (ev->type) {
	case HVMON_EV_EXCEPTION:
		if (ev->vector > 31 || ev->vector == 2)
			return false;
		/* Real mode has no error codes: so a vector may be without */
		if (ev->has_error ? !(HVMON_EXC_WITH_ERROR & BIT(ev->vector)) : ev->error)
			return false;
		return hvmon_payload_valid(ev->vector, ev->payload);
	case HVMON_EV_NMI:
		return in_flight && ev->vector == 2 && !ev->has_error;
	case HVMON_EV_INTR:
	case HVMON_EV_SOFT_INT:
		return in_flight && !ev->has_error;
	case HVMON_EV_PRIV_SW:
	case HVMON_EV_SW_EXC:
		return in_flight && ev->vector < 32 && !ev->has_error;
	default:
		return false;
	}
}

/* B0-B3, enabled breakpoint, BS, RTM: SDM vol. 3, table 25-4 */
#define PENDING_DBG_VALID	0x1500fULL

static bool events_valid(const struct hvmon_events *e)
{
	if (e->pending_dbg & ~PENDING_DBG_VALID)
		return false;
	return event_valid(&e->in_flight, true) && event_valid(&e->exception, false) &&
	       !(e->flags & ~(HVMON_EVS_STI_SHADOW | HVMON_EVS_MOVSS_SHADOW |
			      HVMON_EVS_NMI_BLOCKED)) && e->nmi_pending <= 2;
}

static bool rflags_fit(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st)
{
	bool sregs = groups & HVMON_STATE_SREGS;

	if (!(groups & (HVMON_STATE_REGS | HVMON_STATE_SREGS)))
		return true;
	return hvmon_rflags_valid(groups & HVMON_STATE_REGS ? st->regs.rflags : vcpu->regs.rflags,
				  sregs ? st->sregs.cr0 : hvmon_get_cr(vcpu, 0),
				  sregs ? st->sregs.efer :
					  hvmon_call(get_reg, vcpu, HVMON_REG_EFER));
}

/* Without an irqchip the launcher waits for what ends a HLT, and starts APs */
static bool mp_valid(struct hvmon_vcpu *vcpu, const struct hvmon_mp *mp)
{
	if (mp->state > HVMON_MP_WAIT_SIPI || mp->sipi_vector > 255 || mp->init_pending > 1 ||
	    mp->sipi_pending > 1)
		return false;
	return vcpu->lapic || !(mp->state || mp->init_pending || mp->sipi_pending);
}

/**
 * hvmon_state_check() - could a processor be in this state?
 * @vcpu: the vCPU, for what its CPUID shows
 * @groups: HVMON_STATE_* bits to look at
 * @st: the state
 *
 * The LAPIC's group is checked by hvmon_lapic_set_state().
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_state_check(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st)
{
	if (!rflags_fit(vcpu, groups, st))
		return -EINVAL;
	if (groups & HVMON_STATE_SREGS && !sregs_valid(vcpu, &st->sregs))
		return -EINVAL;
	if (groups & HVMON_STATE_DEBUG && (st->debug.dr6 >> 32 || st->debug.dr7 >> 32))
		return -EINVAL;
	if (groups & HVMON_STATE_EVENTS && !events_valid(&st->events))
		return -EINVAL;
	if (groups & HVMON_STATE_MP && !mp_valid(vcpu, &st->mp))
		return -EINVAL;
	if (groups & HVMON_STATE_XSAVE)
		return hvmon_fpu_check_state(vcpu, &st->xsave);
	return 0;
}

static int groups_valid(struct hvmon_vcpu *vcpu, u64 groups)
{
	if (groups & ~HVMON_STATE_ALL)
		return -EINVAL;
	return groups & HVMON_STATE_LAPIC && !vcpu->lapic ? -EOPNOTSUPP : 0;
}

static void get_events(struct hvmon_vcpu *vcpu, struct hvmon_events *e)
{
	/* flags and pending_dbg are the vendor's */
	e->in_flight = vcpu->in_flight;
	e->exception = vcpu->exception;
	e->nmi_pending = atomic_read(&vcpu->nmi_queued);
}

static void get_mp(struct hvmon_vcpu *vcpu, struct hvmon_mp *mp)
{
	memset(mp, 0, sizeof(*mp));
	mp->state = vcpu->mp_state;
	/* A kick that ends the HLT has no other place in the state */
	if (mp->state == HVMON_MP_HALTED && hvmon_pv_unhalted(vcpu))
		mp->state = HVMON_MP_RUNNABLE;
	if (vcpu->lapic)
		hvmon_lapic_get_init_sipi(vcpu, mp);
}

int hvmon_state_get(struct hvmon_vcpu *vcpu, struct hvmon_state *st)
{
	u64 groups = st->groups;
	int r = groups_valid(vcpu, groups);

	if (r)
		return r;
	if (groups & HVMON_STATE_REGS)
		st->regs = vcpu->regs;
	if (groups & HVMON_STATE_SREGS)
		memset(&st->sregs, 0, sizeof(st->sregs));
	if (groups & HVMON_STATE_EVENTS)
		memset(&st->events, 0, sizeof(st->events));
	hvmon_call(get_state, vcpu, groups, st);
	if (groups & HVMON_STATE_SREGS)
		st->sregs.cr8 = hvmon_get_cr(vcpu, 8);
	if (groups & HVMON_STATE_EVENTS)
		get_events(vcpu, &st->events);
	if (groups & HVMON_STATE_MP)
		get_mp(vcpu, &st->mp);
	if (groups & HVMON_STATE_LAPIC)
		hvmon_lapic_get_state(vcpu, &st->lapic);
	if (groups & HVMON_STATE_XSAVE)
		return hvmon_fpu_get_state(vcpu, &st->xsave);
	return 0;
}

int hvmon_state_set(struct hvmon_vcpu *vcpu, const struct hvmon_state *st)
{
	u64 groups = st->groups;
	int r = groups_valid(vcpu, groups);

	if (!r)
		r = hvmon_state_check(vcpu, groups, st);
	/* This one checks for itself, and nothing can fail after it */
	if (!r && groups & HVMON_STATE_LAPIC)
		r = hvmon_lapic_set_state(vcpu, &st->lapic);
	if (r)
		return r;

	if (groups & HVMON_STATE_REGS) {
		/* An access at another RIP is not this instruction's to complete */
		if (st->regs.rip != vcpu->regs.rip)
			vcpu->complete = NULL;
		/* What the last exit left in the run page is older than this */
		vcpu->run->regs_valid = 0;
		vcpu->regs = st->regs;
	}
	hvmon_call(set_state, vcpu, groups, st);
	/* CR8 is a part of the TPR, the rest of which is the LAPIC's group */
	if (groups & HVMON_STATE_SREGS && st->sregs.cr8 != hvmon_get_cr(vcpu, 8))
		hvmon_set_cr(vcpu, 8, st->sregs.cr8);
	if (groups & HVMON_STATE_EVENTS) {
		vcpu->in_flight = st->events.in_flight;
		vcpu->exception = st->events.exception;
		atomic_set(&vcpu->nmi_queued, st->events.nmi_pending);
	}
	if (groups & HVMON_STATE_MP) {
		vcpu->mp_state = st->mp.state;
		if (vcpu->lapic)
			hvmon_lapic_set_init_sipi(vcpu, &st->mp);
	}
	if (groups & HVMON_STATE_XSAVE)
		hvmon_fpu_set_state(vcpu, &st->xsave);
	hvmon_cpuid_refresh(vcpu);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return 0;
}
