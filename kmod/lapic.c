// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: what it accepts and hands to its processor, priorities, its
 * modes, INIT and SIPI. Its registers are in lapic_reg.c, its timer in
 * lapic_timer.c.
 *
 * Facts: SDM vol. 3, chapter 11 (APIC), APM vol. 2, chapter 16. The APIC ID is
 * the vCPU's number until the guest writes another in xAPIC mode. There is no SMM: SMIs go nowhere.
 *
 * Who may do what is said beside struct hvmon_lapic. A sender sets TMR, then
 * IRR, then the hint irr_pending, then the request, then kicks: whoever sees
 * a later one sees the earlier ones. No lock is taken by any of it.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "irqchip.h"
#include "lapic.h"

#define BASE_DEFAULT		0xfee00000ULL

/* ---- accepting interrupts ---- */

/* Wake the vCPU, or bring it out of the guest, to look for events */
void hvmon_lapic_notify(struct hvmon_lapic *l)
{
	hvmon_request(l->vcpu, HVMON_REQ_EVENT);
	hvmon_vcpu_kick(l->vcpu);
}

static void lapic_set_irr(struct hvmon_lapic *l, u8 vector, bool level)
{
	if (test_bit(vector, l->tmr) != level) {
		if (level)
			set_bit(vector, l->tmr);
		else
			clear_bit(vector, l->tmr);
	}
	/* Full barrier: who sees the request sees TMR. See lapic_scan() */
	if (test_and_set_bit(vector, l->irr))
		return;		/* merged with one that the vCPU was told of */
	WRITE_ONCE(l->irr_pending, true);
	hvmon_lapic_notify(l);
}

/* What a LVT entry says is to be done when its source fires */
void hvmon_lapic_local(struct hvmon_lapic *l, u32 lvt)
{
	if (lvt & HVMON_LVT_MASKED)
		return;
	switch (HVMON_LVT_MODE(lvt)) {
	case HVMON_DM_FIXED:
		if ((u8)lvt < HVMON_FIRST_VECTOR)
			hvmon_lapic_error(l, HVMON_ESR_RECEIVED_ILLEGAL);
		else
			lapic_set_irr(l, lvt, false);
		break;
	case HVMON_DM_NMI:
		hvmon_queue_nmi(l->vcpu);
		break;
	}
}

/* Only the first of a kind interrupts; so a bad vector there ends the chain */
void hvmon_lapic_error(struct hvmon_lapic *l, int bit)
{
	if (!test_and_set_bit(bit, &l->esr_new))
		hvmon_lapic_local(l, READ_ONCE(l->lvt[HVMON_LVT_ERROR]));
}

bool hvmon_lapic_sw_enabled(const struct hvmon_lapic *l)
{
	return READ_ONCE(l->svr) & HVMON_SVR_ENABLE;
}

/* In x2APIC mode the logical ID is cluster (31:16) and member (15:0) */
u32 hvmon_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

static bool match_logical(const struct hvmon_lapic *l, u32 dest)
{
	u32 ldr;

	if (hvmon_lapic_x2apic(l)) {
		ldr = hvmon_x2apic_ldr(l->vcpu->id);
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	}
	if (dest > 0xff)
		return false;
	ldr = READ_ONCE(l->ldr) >> 24;
	switch (READ_ONCE(l->dfr) >> 28) {
	case 0xf:	/* flat: one bit per LAPIC */
		return dest & ldr;
	case 0x0:	/* clusters of four; 15 is all clusters */
		return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) && (dest & ldr & 0xf);
	}
	return false;
}

/**
 * hvmon_lapic_match() - does a message's destination name this LAPIC?
 * @l: the LAPIC
 * @msg: the message, without shorthand
 *
 * An 8-bit destination of 0xff is a broadcast, but in logical mode to a LAPIC
 * in x2APIC mode, where it is the first eight of cluster 0.
 *
 * Return: true if it does.
 */
bool hvmon_lapic_match(const struct hvmon_lapic *l, const struct hvmon_irq_msg *msg)
{
	if (!hvmon_lapic_enabled(l))
		return false;
	if (msg->x2apic_dest && msg->dest == 0xffffffff)
		return true;
	if (!msg->x2apic_dest && msg->dest == 0xff &&
	    !(msg->logical && hvmon_lapic_x2apic(l)))
		return true;
	return msg->logical ? match_logical(l, msg->dest) : msg->dest == hvmon_lapic_id(l->vcpu);
}

/**
 * hvmon_lapic_accept() - take a message that is for this LAPIC
 * @l: the LAPIC
 * @msg: the message
 *
 * Any context but NMI.
 *
 * Return: true if it was accepted; one that merges with a pending one is.
 */
bool hvmon_lapic_accept(struct hvmon_lapic *l, const struct hvmon_irq_msg *msg)
{
	switch (msg->mode) {
	case HVMON_DM_FIXED:
	case HVMON_DM_LOWEST:
		if (!hvmon_lapic_sw_enabled(l))
			return false;
		if (msg->vector < HVMON_FIRST_VECTOR) {
			hvmon_lapic_error(l, HVMON_ESR_RECEIVED_ILLEGAL);
			return false;
		}
		lapic_set_irr(l, msg->vector, msg->level);
		return true;
	case HVMON_DM_NMI:
		hvmon_queue_nmi(l->vcpu);
		return true;
	case HVMON_DM_INIT:
		/* A SIPI that came before belongs to the time before */
		clear_bit(HVMON_LATCHED_SIPI, &l->latched);
		set_bit(HVMON_LATCHED_INIT, &l->latched);
		break;
	case HVMON_DM_SIPI:
		WRITE_ONCE(l->sipi_vector, msg->vector);
		smp_wmb();	/* pairs with hvmon_lapic_take_init_sipi() */
		set_bit(HVMON_LATCHED_SIPI, &l->latched);
		break;
	default:
		return false;
	}
	hvmon_request(l->vcpu, HVMON_REQ_APIC_EVENT);
	hvmon_vcpu_kick(l->vcpu);
	return true;
}

/* A LAPIC that is off lets LINT0 through as INTR; firmware's virtual wire */
bool hvmon_lapic_accepts_extint(const struct hvmon_lapic *l)
{
	u32 lvt = READ_ONCE(l->lvt[HVMON_LVT_LINT0]);

	if (!hvmon_lapic_enabled(l))
		return true;
	return !(lvt & HVMON_LVT_MASKED) && HVMON_LVT_MODE(lvt) == HVMON_DM_EXTINT;
}

/**
 * hvmon_lapic_lint0() - the PICs' output rose
 * @vm: the VM, whose vCPU 0 has it on its LINT0 pin
 *
 * The request is made even if the pin is masked now: the vCPU may be about to
 * unmask it, and to have looked at the PICs already.
 */
void hvmon_lapic_lint0(struct hvmon_vm *vm)
{
	struct hvmon_vcpu *vcpu = hvmon_vcpu_by_id(vm, 0);

	if (!vcpu || !vcpu->lapic)
		return;
	if (hvmon_lapic_enabled(vcpu->lapic))
		hvmon_lapic_local(vcpu->lapic, READ_ONCE(vcpu->lapic->lvt[HVMON_LVT_LINT0]));
	hvmon_lapic_notify(vcpu->lapic);
}

/* ---- priorities ---- */

void hvmon_lapic_update_ppr(struct hvmon_lapic *l)
{
	int isr = hvmon_highest_vector(l->isr);
	u8 class = isr < 0 ? 0 : isr & 0xf0;

	/* SDM vol. 3, 11.8.3.1; senders read it to find the lowest */
	WRITE_ONCE(l->ppr, (l->tpr & 0xf0) >= class ? l->tpr : class);
}

/*
 * The highest vector in IRR. The hint is cleared before the last look: a
 * sender sets its bit, with a full barrier, before the hint, so that either
 * the look finds the bit or the hint is set again after it was cleared.
 */
static int lapic_scan(struct hvmon_lapic *l)
{
	int v;

	if (!READ_ONCE(l->irr_pending))
		return -1;
	v = hvmon_highest_vector(l->irr);
	if (v >= 0)
		return v;
	WRITE_ONCE(l->irr_pending, false);
	smp_mb();	/* pairs with test_and_set_bit() in lapic_set_irr() */
	v = hvmon_highest_vector(l->irr);
	if (v >= 0)
		WRITE_ONCE(l->irr_pending, true);
	return v;
}

/**
 * hvmon_lapic_pending() - what the LAPIC would give the processor now
 * @l: the caller's
 *
 * Return: the vector, or -1.
 */
int hvmon_lapic_pending(struct hvmon_lapic *l)
{
	int v = lapic_scan(l);

	return v >= 0 && (v & 0xf0) > (l->ppr & 0xf0) ? v : -1;
}

/**
 * hvmon_lapic_ack() - move the vector from IRR to ISR
 * @l: the caller's
 *
 * Return: the vector, or -1.
 */
int hvmon_lapic_ack(struct hvmon_lapic *l)
{
	int v = hvmon_lapic_pending(l);

	if (v < 0)
		return -1;
	/* In this order nobody sees it in neither; a new one may come between */
	__set_bit(v, l->isr);
	clear_bit(v, l->irr);
	hvmon_lapic_update_ppr(l);
	return v;
}

/*
 * After a change of the priority; in the vCPU's thread. What can still not be
 * taken may now wait for something else: open_window() has to know.
 */
static void lapic_reconsider(struct hvmon_lapic *l)
{
	hvmon_lapic_update_ppr(l);
	if (lapic_scan(l) >= 0)
		hvmon_request(l->vcpu, HVMON_REQ_EVENT);
}

/**
 * hvmon_lapic_take_irr() - all requested vectors, which are not requested then
 * @l: the caller's
 * @irr: out, if there are any
 *
 * Return: whether there are.
 */
bool hvmon_lapic_take_irr(struct hvmon_lapic *l, unsigned long *irr)
{
	unsigned long any = 0;
	unsigned int i;

	if (!READ_ONCE(l->irr_pending))
		return false;
	WRITE_ONCE(l->irr_pending, false);
	smp_mb();	/* pairs with test_and_set_bit() in lapic_set_irr() */
	for (i = 0; i < BITS_TO_LONGS(HVMON_VECTORS); i++) {
		irr[i] = READ_ONCE(l->irr[i]) ? xchg(&l->irr[i], 0) : 0;
		any |= irr[i];
	}
	return any;
}

/**
 * hvmon_lapic_give_irr() - those that were not delivered are requested again
 * @l: the caller's
 * @irr: vectors
 */
void hvmon_lapic_give_irr(struct hvmon_lapic *l, const unsigned long *irr)
{
	unsigned int v;

	for_each_set_bit(v, irr, HVMON_VECTORS)
		set_bit(v, l->irr);
	WRITE_ONCE(l->irr_pending, true);
}

/**
 * hvmon_lapic_eoi() - end of the interrupt with the highest priority
 * @vcpu: the caller's
 */
void hvmon_lapic_eoi(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;
	int v = hvmon_highest_vector(l->isr);

	if (v < 0)
		return;
	__clear_bit(v, l->isr);
	lapic_reconsider(l);
	if (test_bit(v, l->tmr))
		hvmon_irq_eoi(vcpu, v);
}

/**
 * hvmon_lapic_pv_eoi_ok() - may the guest clear a flag in place of an EOI?
 * @vcpu: the caller's
 *
 * Only if nothing happens at the EOI: nothing waits for it, here or in the
 * IOAPIC; and not if another EOI, one that we are told of, would come next.
 *
 * Return: true if so.
 */
bool hvmon_lapic_pv_eoi_ok(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	return l && bitmap_weight(l->isr, HVMON_VECTORS) == 1 &&
	       !test_bit(hvmon_highest_vector(l->isr), l->tmr) && lapic_scan(l) < 0;
}

void hvmon_lapic_set_tpr(struct hvmon_vcpu *vcpu, u8 tpr)
{
	if (!vcpu->lapic || vcpu->lapic->tpr == tpr)
		return;
	vcpu->lapic->tpr = tpr;
	vcpu->out_of_sync = true;
	lapic_reconsider(vcpu->lapic);
}

/**
 * hvmon_lapic_masked_class() - does an interrupt wait for the TPR to fall?
 * @vcpu: the caller's, with a LAPIC
 *
 * Not if one of its class or above is in service: its EOI comes first, and a
 * look at what waits follows.
 *
 * Return: the highest requested vector's priority class (bits 7:4) if the TPR
 * masks it and nothing else does; 0 if not.
 */
u8 hvmon_lapic_masked_class(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;
	int v = lapic_scan(l), isr = hvmon_highest_vector(l->isr);

	if (v < 0 || v >> 4 > l->tpr >> 4 || (isr >= 0 && v >> 4 <= isr >> 4))
		return 0;
	return v >> 4;
}

u32 hvmon_lapic_id(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l = vcpu->lapic;

	return hvmon_lapic_x2apic(l) ? vcpu->id : READ_ONCE(l->id);
}

/* In xAPIC mode. Whose is not the vCPU's number, has to be looked for from now on */
void hvmon_lapic_set_id(struct hvmon_lapic *l, u8 id)
{
	struct hvmon_irqs *irqs = l->vcpu->vm->irqs;

	WRITE_ONCE(l->id, id);
	if (irqs && id != l->vcpu->id)
		WRITE_ONCE(irqs->ids_moved, true);
}

/* ---- base, reset, INIT and SIPI ---- */

u64 hvmon_lapic_get_base(struct hvmon_vcpu *vcpu)
{
	return vcpu->lapic ? vcpu->lapic->base : 0;
}

bool hvmon_lapic_base_valid(struct hvmon_vcpu *vcpu, u64 base)
{
	u64 mode = base & (HVMON_APIC_EN | HVMON_APIC_EXTD);

	if (base & (0x2ff | vcpu->caps.gpa_mask_reserved) || base >> 52)
		return false;
	if (mode == HVMON_APIC_EXTD)
		return false;
	return !(mode & HVMON_APIC_EXTD) || vcpu->caps.x2apic;
}

/* All registers but the base; the timer is stopped */
static void lapic_reset_regs(struct hvmon_lapic *l)
{
	int i;

	hvmon_lapic_timer_stop(l);
	memset(&l->timer, 0, sizeof(l->timer));
	bitmap_zero(l->irr, HVMON_VECTORS);
	bitmap_zero(l->isr, HVMON_VECTORS);
	bitmap_zero(l->tmr, HVMON_VECTORS);
	l->esr_new = 0;
	l->esr = 0;
	l->icr = 0;
	l->tpr = 0;
	l->vcpu->out_of_sync = true;
	l->changed = ~0ULL;
	WRITE_ONCE(l->svr, 0xff);
	WRITE_ONCE(l->ldr, 0);
	WRITE_ONCE(l->dfr, 0xffffffff);
	for (i = 0; i < HVMON_NR_LVTS; i++)
		WRITE_ONCE(l->lvt[i], HVMON_LVT_MASKED);
	hvmon_lapic_update_ppr(l);
}

/* The vendor may let the processor do more, or less, from now on */
void hvmon_lapic_mode_changed(struct hvmon_lapic *l)
{
	l->changed = ~0ULL;
	if (hvmon_vendor && hvmon_vendor->apic_changed)
		hvmon_vendor->apic_changed(l->vcpu);
}

/**
 * hvmon_lapic_set_base() - write MSR APIC_BASE
 * @vcpu: the caller's
 * @base: new value
 * @host: by the launcher, which may change between all valid modes
 *
 * Legal changes by the guest are off -> xAPIC -> x2APIC, and off from both
 * (SDM vol. 3, 11.12.5). What the BSP bit says is kept.
 *
 * Return: 0, or -EINVAL for #GP; in a section HVMON_LATER, for the sake of
 * hvmon_vendor_ops.apic_changed.
 */
int hvmon_lapic_set_base(struct hvmon_vcpu *vcpu, u64 base, bool host)
{
	const u64 mask = HVMON_APIC_EN | HVMON_APIC_EXTD;
	struct hvmon_lapic *l = vcpu->lapic;
	u64 old, new = base & mask;

	if (!l || !hvmon_lapic_base_valid(vcpu, base))
		return -EINVAL;
	if (vcpu->in_section)
		return HVMON_LATER;
	old = l->base & mask;
	if (!host && ((!old && new == mask) || (old == mask && new == HVMON_APIC_EN)))
		return -EINVAL;
	base &= ~(u64)HVMON_APIC_BSP;
	base |= l->base & HVMON_APIC_BSP;
	if (old != new && !new) {
		lapic_reset_regs(l);
		WRITE_ONCE(l->id, vcpu->id);
	}
	if (old != new && new == mask)
		l->icr = (u32)l->icr;
	WRITE_ONCE(l->base, base);
	hvmon_lapic_mode_changed(l);
	/* The PICs reach a processor whose LAPIC is off */
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return 0;
}

/**
 * hvmon_lapic_reset() - power-on state, or what INIT leaves
 * @vcpu: the caller's
 * @init: INIT, which keeps MSR APIC_BASE (SDM vol. 3, 11.4.7.3)
 *
 * vCPU 0 comes up with LINT0 as ExtINT, the virtual wire that firmware would
 * set up: a guest that only knows the PICs gets its interrupts.
 */
void hvmon_lapic_reset(struct hvmon_vcpu *vcpu, bool init)
{
	struct hvmon_lapic *l = vcpu->lapic;

	if (!l)
		return;
	lapic_reset_regs(l);
	if (!vcpu->id)
		WRITE_ONCE(l->lvt[HVMON_LVT_LINT0], HVMON_DM_EXTINT << 8);
	if (init)
		return;
	WRITE_ONCE(l->id, vcpu->id);
	l->latched = 0;
	WRITE_ONCE(l->base, BASE_DEFAULT | HVMON_APIC_EN | (vcpu->id ? 0 : HVMON_APIC_BSP));
	hvmon_lapic_mode_changed(l);
}

int hvmon_lapic_create(struct hvmon_vcpu *vcpu)
{
	struct hvmon_lapic *l;

	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	l->vcpu = vcpu;
	hvmon_lapic_timer_init(l);
	vcpu->lapic = l;
	hvmon_lapic_reset(vcpu, false);
	return 0;
}

void hvmon_lapic_free(struct hvmon_vcpu *vcpu)
{
	if (!vcpu->lapic)
		return;
	hrtimer_cancel(&vcpu->lapic->hrtimer);
	kfree(vcpu->lapic);
	vcpu->lapic = NULL;
}

bool hvmon_lapic_apic_event(struct hvmon_vcpu *vcpu)
{
	return vcpu->lapic && READ_ONCE(vcpu->lapic->latched);
}

/**
 * hvmon_lapic_take_init_sipi() - take what is latched, in one step
 * @vcpu: the caller's
 * @sipi: set to the vector of the latched SIPI, -1 if there is none
 *
 * An INIT drops an older SIPI, so of two the SIPI came last. Taken one after
 * the other, both could arrive in between, and the SIPI would be dropped for
 * want of the INIT.
 *
 * Return: true if an INIT was latched.
 */
bool hvmon_lapic_take_init_sipi(struct hvmon_vcpu *vcpu, int *sipi)
{
	struct hvmon_lapic *l = vcpu->lapic;
	/* The atomic operation is the barrier that pairs with the sender's */
	unsigned long latched = l ? xchg(&l->latched, 0) : 0;

	*sipi = latched & BIT(HVMON_LATCHED_SIPI) ? READ_ONCE(l->sipi_vector) : -1;
	return latched & BIT(HVMON_LATCHED_INIT);
}

void hvmon_lapic_get_init_sipi(struct hvmon_vcpu *vcpu, struct hvmon_mp *mp)
{
	unsigned long latched = READ_ONCE(vcpu->lapic->latched);

	mp->init_pending = !!(latched & BIT(HVMON_LATCHED_INIT));
	mp->sipi_pending = !!(latched & BIT(HVMON_LATCHED_SIPI));
	mp->sipi_vector = mp->sipi_pending ? READ_ONCE(vcpu->lapic->sipi_vector) : 0;
}

void hvmon_lapic_set_init_sipi(struct hvmon_vcpu *vcpu, const struct hvmon_mp *mp)
{
	struct hvmon_lapic *l = vcpu->lapic;

	WRITE_ONCE(l->sipi_vector, mp->sipi_vector);
	smp_wmb();	/* pairs with hvmon_lapic_take_init_sipi() */
	WRITE_ONCE(l->latched, (mp->init_pending ? BIT(HVMON_LATCHED_INIT) : 0) |
			       (mp->sipi_pending ? BIT(HVMON_LATCHED_SIPI) : 0));
	if (l->latched)
		hvmon_request(vcpu, HVMON_REQ_APIC_EVENT);
}
