// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's registers, in its page, as MSRs, and as a state group.
 *
 * Facts: SDM vol. 3, table 11-1 and 11.12. EOI broadcasts cannot be suppressed
 * (version bit 24 is clear, SVR bit 12 is reserved): an IOAPIC of version 0x11
 * has no EOI register of its own.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "irqchip.h"
#include "lapic.h"

#define VERSION			(0x14 | (HVMON_NR_LVTS - 1) << 16)

#define LVT_RO			(BIT(12) | BIT(14))	/* delivery status, remote IRR */

#define SVR_WRITABLE		0x3ffU

#define ICR_BUSY		BIT(12)
#define ICR_RESERVED		(BIT(13) | GENMASK(17, 16) | GENMASK(31, 20))

#define PAGE_LEN		0x1000

#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC_FIRST	0x800
#define MSR_X2APIC_LAST		0x83f

static const u32 lvt_writable[HVMON_NR_LVTS] = {
	[HVMON_LVT_TIMER] = 0x700ff,
	[HVMON_LVT_THERMAL] = 0x107ff,
	[HVMON_LVT_PERF] = 0x107ff,
	[HVMON_LVT_LINT0] = 0x1a7ff,
	[HVMON_LVT_LINT1] = 0x1a7ff,
	[HVMON_LVT_ERROR] = 0x100ff,
};

/* ---- registers ---- */

/* How each register of the page, by offset / 16, may be accessed */
#define R	BIT(0)		/* read in xAPIC mode */
#define W	BIT(1)		/* written there */
#define XR	BIT(2)		/* read as an MSR */
#define XW	BIT(3)		/* written there */
#define RO	(R | XR)
#define RW	(R | W | XR | XW)

struct lapic_reg {
	u32 writable;		/* other bits raise #GP in x2APIC mode */
	u8 access;
};

static const struct lapic_reg regs[0x40] = {
	[APIC_ID >> 4] = { .writable = 0xff000000, .access = R | W | XR },
	[APIC_LVR >> 4] = { .access = RO },
	[APIC_TASKPRI >> 4] = { .writable = 0xff, .access = RW },
	[APIC_ARBPRI >> 4] = { .access = R },
	[APIC_PROCPRI >> 4] = { .access = RO },
	[APIC_EOI >> 4] = { .writable = 0, .access = W | XW },
	[APIC_LDR >> 4] = { .writable = 0xff000000, .access = R | W | XR },
	[APIC_DFR >> 4] = { .writable = 0xf0000000, .access = R | W },
	[APIC_SPIV >> 4] = { .writable = SVR_WRITABLE, .access = RW },
	[APIC_ISR >> 4 ... (APIC_ISR + 0x70) >> 4] = { .access = RO },
	[APIC_TMR >> 4 ... (APIC_TMR + 0x70) >> 4] = { .access = RO },
	[APIC_IRR >> 4 ... (APIC_IRR + 0x70) >> 4] = { .access = RO },
	[APIC_ESR >> 4] = { .writable = 0, .access = RW },
	[APIC_ICR >> 4] = { .writable = ~(u32)ICR_RESERVED, .access = RW },
	[APIC_ICR2 >> 4] = { .writable = 0xff000000, .access = R | W },
	[APIC_LVTT >> 4] = { .writable = 0x700ff | LVT_RO, .access = RW },
	[APIC_LVTTHMR >> 4] = { .writable = 0x107ff | LVT_RO, .access = RW },
	[APIC_LVTPC >> 4] = { .writable = 0x107ff | LVT_RO, .access = RW },
	[APIC_LVT0 >> 4] = { .writable = 0x1a7ff | LVT_RO, .access = RW },
	[APIC_LVT1 >> 4] = { .writable = 0x1a7ff | LVT_RO, .access = RW },
	[APIC_LVTERR >> 4] = { .writable = 0x100ff | LVT_RO, .access = RW },
	[APIC_TMICT >> 4] = { .writable = ~0U, .access = RW },
	[APIC_TMCCT >> 4] = { .access = RO },
	[APIC_TDCR >> 4] = { .writable = 0xb, .access = RW },
	[APIC_SELF_IPI >> 4] = { .writable = 0xff, .access = XW },
};

/* 32 vectors of a bitmap, as the page shows them */
static u32 map_word(const unsigned long *map, u32 offset)
{
	u32 i = (offset & 0x70) >> 4;

	return READ_ONCE(map[i / 2]) >> (i & 1) * 32;
}

static u32 lapic_read(struct hvmon_lapic *l, u32 offset)
{
	switch (offset) {
	case APIC_ID:
		return hvmon_lapic_x2apic(l) ? l->vcpu->id : (u32)l->id << 24;
	case APIC_LVR:
		return VERSION;
	case APIC_TASKPRI:
		return l->tpr;
	case APIC_PROCPRI:
		return l->ppr;
	case APIC_LDR:
		return hvmon_lapic_x2apic(l) ? hvmon_x2apic_ldr(l->vcpu->id) : l->ldr;
	case APIC_DFR:
		return l->dfr;
	case APIC_SPIV:
		return l->svr;
	case APIC_ISR ... APIC_ISR + 0x70:
		return map_word(l->isr, offset);
	case APIC_TMR ... APIC_TMR + 0x70:
		return map_word(l->tmr, offset);
	case APIC_IRR ... APIC_IRR + 0x70:
		return map_word(l->irr, offset);
	case APIC_ESR:
		return l->esr;
	case APIC_ICR:
		return l->icr;
	case APIC_ICR2:
		return l->icr >> 32;
	case APIC_LVTT ... APIC_LVTERR:
		return l->lvt[(offset - APIC_LVTT) >> 4];
	case APIC_TMICT:
		return l->timer.initial;
	case APIC_TMCCT:
		return hvmon_apic_timer_count(&l->timer, hvmon_lapic_periodic(l), ktime_get_ns());
	case APIC_TDCR:
		return l->timer.divide;
	}
	return 0;
}

static void lapic_write_lvt(struct hvmon_lapic *l, int i, u32 val)
{
	l->changed |= BIT_ULL((APIC_LVTT >> 4) + i) | BIT_ULL(APIC_TMICT >> 4);
	val &= lvt_writable[i];
	if (!(l->svr & HVMON_SVR_ENABLE))
		val |= HVMON_LVT_MASKED;
	if (i == HVMON_LVT_TIMER) {
		if (!l->vcpu->caps.tsc_deadline)
			val &= ~BIT(18);
		hvmon_lapic_write_lvt(l, val);
		return;
	}
	WRITE_ONCE(l->lvt[i], val);
	/* Pairs with hvmon_lapic_lint0(): the PICs may be waiting already */
	if (i == HVMON_LVT_LINT0)
		hvmon_request(l->vcpu, HVMON_REQ_EVENT);
}

static void lapic_write_svr(struct hvmon_lapic *l, u32 val)
{
	bool was = l->svr & HVMON_SVR_ENABLE;
	int i;

	WRITE_ONCE(l->svr, val & SVR_WRITABLE);
	/* Off: all LVTs are masked, and stay so (SDM vol. 3, 11.4.7.2) */
	if (was && !(val & HVMON_SVR_ENABLE))
		for (i = 0; i < HVMON_NR_LVTS; i++)
			lapic_write_lvt(l, i, l->lvt[i]);
}

/* Sending: SDM vol. 3, 11.6.1. Only INIT knows a trigger mode */
static void lapic_send(struct hvmon_lapic *l, u64 icr)
{
	u32 dest = icr >> 32;
	struct hvmon_irq_msg msg = {
		.x2apic_dest = hvmon_lapic_x2apic(l),
		.dest = hvmon_lapic_x2apic(l) ? dest : dest >> 24,
		.logical = icr & APIC_DEST_LOGICAL,
		.mode = (icr >> 8) & 7,
		.vector = (u8)icr,
		.assert = icr & APIC_INT_ASSERT,
		.shorthand = (icr >> 18) & 3,
	};

	l->icr = icr & ~(u64)ICR_BUSY;
	l->changed |= BIT_ULL(APIC_ICR >> 4) | BIT_ULL(APIC_ICR2 >> 4);
	if (msg.mode == HVMON_DM_INIT)
		msg.level = icr & APIC_INT_LEVELTRIG;
	if ((msg.mode == HVMON_DM_FIXED || msg.mode == HVMON_DM_LOWEST) &&
	    msg.vector < HVMON_FIRST_VECTOR) {
		hvmon_lapic_error(l, HVMON_ESR_SEND_ILLEGAL);
		return;
	}
	hvmon_irq_deliver(l->vcpu->vm, l, &msg);
}

static void lapic_write(struct hvmon_lapic *l, u32 offset, u32 val)
{
	l->changed |= BIT_ULL(offset >> 4);
	switch (offset) {
	case APIC_TASKPRI:
		hvmon_lapic_set_tpr(l->vcpu, val);
		break;
	case APIC_EOI:
		hvmon_lapic_eoi(l->vcpu);
		break;
	case APIC_ID:
		/* Some processors let it be written: SDM vol. 3, 11.4.6 */
		hvmon_lapic_set_id(l, val >> 24);
		break;
	case APIC_LDR:
		WRITE_ONCE(l->ldr, val & 0xff000000);
		break;
	case APIC_DFR:
		WRITE_ONCE(l->dfr, val | 0x0fffffff);
		break;
	case APIC_SPIV:
		lapic_write_svr(l, val);
		break;
	case APIC_ESR:
		l->esr = xchg(&l->esr_new, 0);
		break;
	case APIC_ICR:
		lapic_send(l, (l->icr & ~0xffffffffULL) | (val & ~(u32)ICR_RESERVED));
		break;
	case APIC_ICR2:
		l->icr = (u32)l->icr | (u64)(val & 0xff000000) << 32;
		break;
	case APIC_LVTT ... APIC_LVTERR:
		lapic_write_lvt(l, (offset - APIC_LVTT) >> 4, val);
		break;
	case APIC_TMICT:
		hvmon_lapic_write_initial(l, val);
		break;
	case APIC_TDCR:
		hvmon_lapic_write_divide(l, val & 0xb);
		break;
	case APIC_SELF_IPI:
		lapic_send(l, APIC_DEST_SELF | (val & 0xff));
		break;
	}
}

/**
 * hvmon_lapic_reg_read() - read a register of the xAPIC page
 * @l: the LAPIC
 * @offset: its offset
 * @val: out; 0 where there is no register
 *
 * Return: 0, or -EINVAL where there is none (an error in ESR).
 */
int hvmon_lapic_reg_read(struct hvmon_lapic *l, u32 offset, u32 *val)
{
	*val = 0;
	if (offset >= 0x400 || (offset & 0xf) || !(regs[offset >> 4].access & R)) {
		hvmon_lapic_error(l, HVMON_ESR_ILLEGAL_REG);
		return -EINVAL;
	}
	*val = lapic_read(l, offset);
	return 0;
}

/**
 * hvmon_lapic_reg_write() - write a register of the xAPIC page
 * @l: the LAPIC
 * @offset: its offset
 * @val: the value; reserved bits are ignored
 *
 * Return: 0, or -EINVAL where there is none (an error in ESR).
 */
int hvmon_lapic_reg_write(struct hvmon_lapic *l, u32 offset, u32 val)
{
	if (offset >= 0x400 || (offset & 0xf) || !(regs[offset >> 4].access & (R | W))) {
		hvmon_lapic_error(l, HVMON_ESR_ILLEGAL_REG);
		return -EINVAL;
	}
	if (regs[offset >> 4].access & W)
		lapic_write(l, offset, val);
	return 0;
}

/* Offset of @gpa in the vCPU's xAPIC page, or -EOPNOTSUPP */
static int page_offset_of(struct hvmon_lapic *l, u64 gpa, u32 len)
{
	u32 offset = gpa & (PAGE_LEN - 1);

	if (!l || !hvmon_lapic_enabled(l) || hvmon_lapic_x2apic(l))
		return -EOPNOTSUPP;
	if (!hvmon_lapic_page_has(l, gpa) || len > PAGE_LEN - offset)
		return -EOPNOTSUPP;
	return offset;
}

/*
 * Only aligned accesses of 32 bits are defined (SDM vol. 3, 11.4.1). Others
 * read the bytes that are there, and write nothing.
 */
int hvmon_lapic_mmio_read(struct hvmon_vcpu *vcpu, u64 gpa, u32 len, void *data)
{
	int offset = page_offset_of(vcpu->lapic, gpa, len);
	u32 part, val;

	if (offset < 0)
		return offset;
	part = offset & 0xf;
	if (likely(len == 4 && !part)) {
		hvmon_lapic_reg_read(vcpu->lapic, offset, &val);
		memcpy(data, &val, 4);
		return 0;
	}
	memset(data, 0, len);
	if (part >= 4)
		return 0;
	hvmon_lapic_reg_read(vcpu->lapic, offset - part, &val);
	val >>= part * 8;
	memcpy(data, &val, min_t(u32, len, 4 - part));
	return 0;
}

int hvmon_lapic_mmio_write(struct hvmon_vcpu *vcpu, u64 gpa, u32 len, const void *data)
{
	int offset = page_offset_of(vcpu->lapic, gpa, len);
	u32 val;

	if (offset < 0)
		return offset;
	if (len != 4 || (offset & 0xf))
		return 0;
	memcpy(&val, data, 4);
	hvmon_lapic_reg_write(vcpu->lapic, offset, val);
	return 0;
}

int hvmon_lapic_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val)
{
	struct hvmon_lapic *l = vcpu->lapic;
	u32 offset;

	if (!l)
		return -EINVAL;
	if (msr == MSR_TSC_DEADLINE) {
		if (!vcpu->caps.tsc_deadline)
			return -EINVAL;
		*val = hvmon_lapic_read_deadline(l);
		return 0;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !hvmon_lapic_x2apic(l))
		return -EINVAL;
	offset = (msr - MSR_X2APIC_FIRST) << 4;
	if (!(regs[offset >> 4].access & XR))
		return -EINVAL;
	*val = offset == APIC_ICR ? l->icr : lapic_read(l, offset);
	return 0;
}

int hvmon_lapic_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val)
{
	struct hvmon_lapic *l = vcpu->lapic;
	u32 offset;

	if (!l)
		return -EINVAL;
	if (msr == MSR_TSC_DEADLINE) {
		if (!vcpu->caps.tsc_deadline)
			return -EINVAL;
		hvmon_lapic_write_deadline(l, val);
		return 0;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST || !hvmon_lapic_x2apic(l))
		return -EINVAL;
	offset = (msr - MSR_X2APIC_FIRST) << 4;
	if (!(regs[offset >> 4].access & XW) || ((u32)val & ~regs[offset >> 4].writable))
		return -EINVAL;
	/* Only ICR, with its destination, is 64 bits wide */
	if (offset != APIC_ICR && val >> 32)
		return -EINVAL;
	if (offset == APIC_ICR)
		lapic_send(l, val);
	else
		lapic_write(l, offset, val);
	return 0;
}

/* ---- state ---- */

static u32 page_get(const struct hvmon_lapic_state *st, u32 offset)
{
	u32 val;

	memcpy(&val, st->page + offset, sizeof(val));
	return val;
}

static u64 page_get_icr(const struct hvmon_lapic_state *st)
{
	return (u64)page_get(st, APIC_ICR2) << 32 | page_get(st, APIC_ICR);
}

/**
 * hvmon_lapic_get_state() - the LAPIC's state group
 * @vcpu: the caller's
 * @st: out
 */
void hvmon_lapic_get_state(struct hvmon_vcpu *vcpu, struct hvmon_lapic_state *st)
{
	struct hvmon_lapic *l = vcpu->lapic;
	u32 offset, val;
	u64 left;

	memset(st, 0, sizeof(*st));
	hvmon_lapic_timer_poll(vcpu);
	for (offset = 0; offset < sizeof(st->page); offset += 16) {
		if (!(regs[offset >> 4].access & R))
			continue;
		val = lapic_read(l, offset);
		memcpy(st->page + offset, &val, sizeof(val));
	}
	st->base = l->base;
	/* What is due, but has not fired yet, is so in the state as well */
	st->tsc_deadline = READ_ONCE(l->timer.deadline);
	left = hvmon_apic_timer_left(&l->timer, hvmon_lapic_periodic(l), ktime_get_ns());
	if (!left && l->timer.initial && hvmon_lapic_timer_armed(l))
		left = 1;
	st->timer_left_ns = left ? left : -1;
}

/* Nothing may be where there is no register, and no reserved bit be set */
static bool page_valid(const struct hvmon_lapic_state *st, bool x2apic)
{
	u32 offset, fixed = 0;
	const u8 *p;

	for (offset = 0; offset < sizeof(st->page); offset += 16) {
		const struct lapic_reg *reg = &regs[offset >> 4];

		p = st->page + offset;
		if (memchr_inv(p + 4, 0, 12))
			return false;
		if (!(reg->access & R) && page_get(st, offset))
			return false;
		if (offset == APIC_DFR)
			fixed = 0x0fffffff;
		else if (offset == APIC_ESR)
			fixed = 0xff;
		else if ((offset == APIC_ID || offset == APIC_LDR || offset == APIC_ICR2) &&
			 x2apic)
			fixed = 0xffffffff;
		else
			fixed = 0;
		if ((reg->access & W) && page_get(st, offset) & ~(reg->writable | fixed))
			return false;
	}
	return true;
}

static bool timer_state_valid(struct hvmon_vcpu *vcpu, const struct hvmon_lapic_state *st)
{
	u32 lvt = page_get(st, APIC_LVTT), initial = page_get(st, APIC_TMICT);
	u64 period = (u64)initial << hvmon_apic_divide_shift(page_get(st, APIC_TDCR));
	bool deadline = HVMON_LVT_TIMER_MODE(lvt) == HVMON_TIMER_DEADLINE;

	if ((deadline || st->tsc_deadline) && !vcpu->caps.tsc_deadline)
		return false;
	if (st->tsc_deadline && !deadline)
		return false;
	/* Run out, or stopped */
	if (st->timer_left_ns == -1)
		return true;
	return st->timer_left_ns > 0 && st->timer_left_ns <= period;
}

/**
 * hvmon_lapic_check_state() - can the LAPIC be in this state?
 * @vcpu: the caller's
 * @st: state from the launcher
 *
 * The priority and count registers are not looked at: they follow from others.
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_lapic_check_state(struct hvmon_vcpu *vcpu, const struct hvmon_lapic_state *st)
{
	bool x2apic = st->base & HVMON_APIC_EXTD;
	u32 offset;

	if (!vcpu->lapic || st->reserved || !hvmon_lapic_base_valid(vcpu, st->base))
		return -EINVAL;
	if (!(st->base & HVMON_APIC_BSP) != !!vcpu->id)
		return -EINVAL;
	if (x2apic && page_get(st, APIC_ID) != vcpu->id)
		return -EINVAL;
	if (page_get(st, APIC_LVR) != VERSION)
		return -EINVAL;
	if (x2apic && page_get(st, APIC_LDR) != hvmon_x2apic_ldr(vcpu->id))
		return -EINVAL;
	for (offset = APIC_ISR; offset <= APIC_IRR; offset += APIC_TMR - APIC_ISR)
		if (page_get(st, offset) & (BIT(HVMON_FIRST_VECTOR) - 1))
			return -EINVAL;
	if (!page_valid(st, x2apic) || !timer_state_valid(vcpu, st))
		return -EINVAL;
	return 0;
}

static void map_load(unsigned long *map, const struct hvmon_lapic_state *st, u32 offset)
{
	int i;

	for (i = 0; i < HVMON_VECTORS / 64; i++)
		map[i] = page_get(st, offset + i * 32) |
			 (u64)page_get(st, offset + i * 32 + 16) << 32;
}

/**
 * hvmon_lapic_set_state() - load the LAPIC's state group
 * @vcpu: the caller's
 * @st: the state
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int hvmon_lapic_set_state(struct hvmon_vcpu *vcpu, const struct hvmon_lapic_state *st)
{
	struct hvmon_lapic *l = vcpu->lapic;
	int i;

	if (hvmon_lapic_check_state(vcpu, st))
		return -EINVAL;
	hvmon_lapic_timer_stop(l);
	WRITE_ONCE(l->base, st->base);
	if (!hvmon_lapic_x2apic(l))
		hvmon_lapic_set_id(l, page_get(st, APIC_ID) >> 24);
	l->tpr = page_get(st, APIC_TASKPRI);
	WRITE_ONCE(l->ldr, st->base & HVMON_APIC_EXTD ? 0 : page_get(st, APIC_LDR));
	WRITE_ONCE(l->dfr, page_get(st, APIC_DFR) | 0x0fffffff);
	WRITE_ONCE(l->svr, page_get(st, APIC_SPIV));
	l->esr = page_get(st, APIC_ESR);
	l->icr = page_get_icr(st) & ~(u64)ICR_BUSY;
	for (i = 0; i < HVMON_NR_LVTS; i++)
		WRITE_ONCE(l->lvt[i], page_get(st, APIC_LVTT + i * 16) & lvt_writable[i]);
	map_load(l->isr, st, APIC_ISR);
	map_load(l->tmr, st, APIC_TMR);
	map_load(l->irr, st, APIC_IRR);
	WRITE_ONCE(l->irr_pending, true);
	hvmon_lapic_update_ppr(l);

	l->timer.divide = page_get(st, APIC_TDCR);
	hvmon_apic_timer_load(&l->timer, page_get(st, APIC_TMICT), ktime_get_ns());
	if (st->timer_left_ns < 0)
		l->timer.spent = true;
	else
		l->timer.start -= l->timer.period - st->timer_left_ns;
	l->timer.deadline = st->tsc_deadline;
	hvmon_lapic_timer_start(l, false);
	hvmon_lapic_mode_changed(l);
	hvmon_lapic_notify(l);
	return 0;
}
