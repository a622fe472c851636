// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <asm/apicdef.h>
#include <asm/tsc.h>

#include "irq_fake.h"

#define X2(offset)	(0x800 + ((offset) >> 4))

static int lapic_init(struct kunit *test)
{
	int ret = irq_fake_init(test, 9);

	lapics_on(test->priv);
	return ret;
}

static void x2apic_all(struct hvmon_vm *vm)
{
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++)
		hvmon_lapic_set_base(vm->vcpu[i], 0xfee00c00, false);
}

static void icr(struct hvmon_vm *vm, u32 id, u8 dest, u32 low)
{
	lapic_w(vm, id, APIC_ICR2, dest << 24);
	lapic_w(vm, id, APIC_ICR, low);
}

/* The highest vector whose class is above PPR is taken; EOI ends the highest */
static void lapic_priorities(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];

	fixed_irq(vm, 0, 0x41, false);
	fixed_irq(vm, 0, 0x52, false);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), 0x52);
	KUNIT_EXPECT_EQ(test, ack(test, v), 0x52);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_PROCPRI), 0x50U);
	/* The same class does not interrupt, a higher one does */
	fixed_irq(vm, 0, 0x5f, false);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	fixed_irq(vm, 0, 0x61, false);
	KUNIT_EXPECT_EQ(test, ack(test, v), 0x61);
	lapic_w(vm, 0, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	hvmon_request_take(v, HVMON_REQ_EVENT);
	lapic_w(vm, 0, APIC_EOI, 0);
	KUNIT_EXPECT_TRUE(test, hvmon_request_pending(v, HVMON_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, ack(test, v), 0x5f);
	lapic_w(vm, 0, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, ack(test, v), 0x41);
	lapic_w(vm, 0, APIC_EOI, 0);
	lapic_w(vm, 0, APIC_EOI, 0);	/* of nothing */
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_FALSE(test, v->lapic->irr_pending);
}

/* TPR holds vectors of its class and below back until it falls */
static void lapic_tpr(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];

	hvmon_lapic_set_tpr(v, 0x4f);
	fixed_irq(vm, 0, 0x48, false);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_PROCPRI), 0x4fU);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_masked_class(v), 4);
	hvmon_request_take(v, HVMON_REQ_EVENT);
	hvmon_lapic_set_tpr(v, 0x3f);
	KUNIT_EXPECT_TRUE(test, hvmon_request_pending(v, HVMON_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, hvmon_lapic_masked_class(v), 0);
	KUNIT_EXPECT_EQ(test, ack(test, v), 0x48);
	/* One of the class in service masks it as well, until its EOI */
	hvmon_lapic_set_tpr(v, 0x4f);
	fixed_irq(vm, 0, 0x48, false);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_masked_class(v), 0);
	hvmon_request_take(v, HVMON_REQ_EVENT);
	lapic_w(vm, 0, APIC_EOI, 0);
	KUNIT_EXPECT_TRUE(test, hvmon_request_pending(v, HVMON_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, hvmon_lapic_masked_class(v), 4);
}

/* All that is requested leaves at once, whatever masks it, and comes back the same */
static void lapic_irr_moves(struct kunit *test)
{
	static const u8 vectors[] = { 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];
	struct hvmon_lapic *l = v->lapic;
	DECLARE_BITMAP(irr, HVMON_VECTORS);
	unsigned int i;

	bitmap_fill(irr, HVMON_VECTORS);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_take_irr(l, irr));
	/* The hint may be a leftover */
	l->irr_pending = true;
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_take_irr(l, irr));
	KUNIT_EXPECT_FALSE(test, l->irr_pending);

	hvmon_lapic_set_tpr(v, 0xf0);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		fixed_irq(vm, 0, vectors[i], i & 1);
	bitmap_fill(irr, HVMON_VECTORS);
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_take_irr(l, irr));
	KUNIT_EXPECT_EQ(test, bitmap_weight(irr, HVMON_VECTORS), (int)ARRAY_SIZE(vectors));
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, test_bit(vectors[i], irr), "%x", vectors[i]);
		KUNIT_EXPECT_EQ_MSG(test, test_bit(vectors[i], l->tmr), i & 1, "%x", vectors[i]);
	}
	KUNIT_EXPECT_TRUE(test, bitmap_empty(l->irr, HVMON_VECTORS));
	KUNIT_EXPECT_FALSE(test, l->irr_pending);
	hvmon_lapic_set_tpr(v, 0);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);

	/* What comes now is new, even a vector that was taken: the vCPU is told */
	hvmon_request_take(v, HVMON_REQ_EVENT);
	fixed_irq(vm, 0, 0x80, false);
	KUNIT_EXPECT_TRUE(test, hvmon_request_pending(v, HVMON_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), 0x80);
	/* ... and merges with what was not delivered */
	__clear_bit(0xff, irr);
	hvmon_lapic_give_irr(l, irr);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(l->irr, irr, HVMON_VECTORS));
	for (i = ARRAY_SIZE(vectors) - 1; i-- > 0;) {
		KUNIT_EXPECT_EQ(test, ack(test, v), (int)vectors[i]);
		hvmon_lapic_eoi(v);
	}
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_FALSE(test, l->irr_pending);

	/* Nothing given back is nothing requested */
	bitmap_zero(irr, HVMON_VECTORS);
	hvmon_lapic_give_irr(l, irr);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_take_irr(l, irr));
}

/* The paravirtual EOI is offered only if an EOI has no effects */
static void lapic_pv_eoi(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];

	KUNIT_EXPECT_FALSE(test, hvmon_lapic_pv_eoi_ok(v));
	fixed_irq(vm, 0, 0x41, false);
	ack(test, v);
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_pv_eoi_ok(v));
	fixed_irq(vm, 0, 0x51, false);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_pv_eoi_ok(v));
	ack(test, v);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_pv_eoi_ok(v));
	hvmon_lapic_eoi(v);
	hvmon_lapic_eoi(v);
	fixed_irq(vm, 0, 0x41, true);
	ack(test, v);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_pv_eoi_ok(v));
}

static u64 logical(struct hvmon_vm *vm, u32 dest, bool x2)
{
	struct hvmon_irq_msg m = {
		.dest = dest, .logical = true, .vector = 0x70, .assert = true, .x2apic_dest = x2,
	};

	hvmon_irq_deliver(vm, NULL, &m);
	return irr_take(vm, 0x70);
}

/* Logical destinations: flat bits, clusters of four, x2APIC clusters */
static void lapic_logical(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	u32 i;

	for (i = 0; i < 8; i++)
		lapic_w(vm, i, APIC_LDR, 1U << (24 + i));
	KUNIT_EXPECT_EQ(test, logical(vm, 0x05, false), 0x05ULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0xff, false), 0x1ffULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0x105, false), 0ULL);
	for (i = 0; i < 9; i++) {
		lapic_w(vm, i, APIC_DFR, 0);
		lapic_w(vm, i, APIC_LDR, ((i / 4) << 4 | BIT(i % 4)) << 24);
	}
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_DFR), 0x0fffffffU);
	KUNIT_EXPECT_EQ(test, logical(vm, 0x13, false), 0x30ULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0x21, false), 0x100ULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0xf1, false), 0x111ULL);
	x2apic_all(vm);
	KUNIT_EXPECT_EQ(test, logical(vm, 0x00000103, true), 0x103ULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0x00010001, true), 0ULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0xffffffff, true), 0x1ffULL);
	KUNIT_EXPECT_EQ(test, logical(vm, 0xff, false), 0xffULL);
	KUNIT_EXPECT_EQ(test, hvmon_x2apic_ldr(0x25), 0x00020020U);
}

/* ICR: destinations and shorthands reach whom they name */
static void lapic_icr_shorthands(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	icr(vm, 2, 5, 0x4081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x20ULL);
	icr(vm, 2, 0xff, 0x4081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x1ffULL);
	icr(vm, 2, 5, 0x44081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x04ULL);
	icr(vm, 2, 5, 0x84081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x1ffULL);
	icr(vm, 2, 5, 0xc4081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x1fbULL);
	icr(vm, 2, 60, 0x4081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0ULL);
	/* The trigger mode of an IPI is that of an edge; status reads as sent */
	icr(vm, 2, 5, 0xf081);
	KUNIT_EXPECT_FALSE(test, test_bit(0x81, vm->vcpu[5]->lapic->tmr));
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 2, APIC_ICR), 0xc081U);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 2, APIC_ICR2), 0x05000000U);
	irr_take(vm, 0x81);
	/* NMI to all others */
	icr(vm, 2, 0, 0xc4400);
	KUNIT_EXPECT_EQ(test, atomic_read(&vm->vcpu[2]->nmi_queued), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&vm->vcpu[8]->nmi_queued), 1);
	/* In x2APIC mode the destination has 32 bits */
	x2apic_all(vm);
	hvmon_lapic_set_msr(vm->vcpu[0], X2(APIC_ICR), 0x0000000700000081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x80ULL);
	hvmon_lapic_set_msr(vm->vcpu[0], X2(APIC_ICR), 0xffffffff00000081);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x81), 0x1ffULL);
	hvmon_lapic_set_msr(vm->vcpu[3], X2(APIC_SELF_IPI), 0x82);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x82), 0x08ULL);
}

/* INIT and SIPI are latched, INIT drops an older SIPI, de-assert is nothing */
static void lapic_init_sipi(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[1];
	int sipi;

	icr(vm, 0, 1, 0x4600 | 0x12);
	KUNIT_EXPECT_TRUE(test, hvmon_request_take(v, HVMON_REQ_APIC_EVENT));
	icr(vm, 0, 1, 0xc500);
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_apic_event(v));
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_take_init_sipi(v, &sipi));
	KUNIT_EXPECT_EQ(test, sipi, -1);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_take_init_sipi(v, &sipi));
	icr(vm, 0, 1, 0x8500);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_apic_event(v));
	icr(vm, 0, 1, 0x4600 | 0x9a);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_take_init_sipi(v, &sipi));
	KUNIT_EXPECT_EQ(test, sipi, 0x9a);
	/* Both at once: the SIPI is the later one */
	icr(vm, 0, 1, 0xc500);
	icr(vm, 0, 1, 0x4600 | 0x34);
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_take_init_sipi(v, &sipi));
	KUNIT_EXPECT_EQ(test, sipi, 0x34);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_apic_event(v));
	/* INIT keeps the base, and takes pending interrupts away */
	hvmon_lapic_set_base(v, 0xfee00c00, false);
	fixed_irq(vm, 1, 0x70, false);
	hvmon_lapic_reset(v, true);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_base(v), 0xfee00c00ULL);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_sw_enabled(v->lapic));
}

/* Vectors below 16 and holes in the page are errors, told by ESR and its LVT */
static void lapic_errors(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	lapic_w(vm, 0, APIC_LVTERR, 0x91);
	icr(vm, 0, 1, 0x4005);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_ESR), 0U);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x91), 1ULL);
	lapic_r(vm, 0, 0x3f0);
	fixed_irq(vm, 0, 15, false);
	lapic_w(vm, 0, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_ESR), 0xe0U);
	lapic_w(vm, 0, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_ESR), 0U);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_IRR), 0U);
	/* An error interrupt that is itself an error does not go on for ever */
	lapic_w(vm, 0, APIC_LVTERR, 0x01);
	icr(vm, 0, 1, 0x4005);
}

/* Switched off by SVR, LVTs are masked and fixed interrupts refused */
static void lapic_software_disable(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	lapic_w(vm, 0, APIC_LVT1, 0x400);
	lapic_w(vm, 0, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_LVT1), 0x10400U);
	lapic_w(vm, 0, APIC_LVT1, 0x400);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_LVT1), 0x10400U);
	fixed_irq(vm, 0, 0x70, false);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x70), 0ULL);
	icr(vm, 1, 0, 0x4400);
	KUNIT_EXPECT_EQ(test, atomic_read(&vm->vcpu[0]->nmi_queued), 1);
}

/* APIC_BASE: off -> xAPIC -> x2APIC, off from both, no other way */
static void lapic_base(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];

	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_base(v), 0xfee00900ULL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_base(vm->vcpu[1]), 0xfee00800ULL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00500, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00901, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00b00, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, BIT_ULL(52) | 0x900, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_base(v), 0xfee00900ULL);

	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00d00, false), 0);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00900, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00100, false), 0);
	KUNIT_EXPECT_FALSE(test, hvmon_lapic_sw_enabled(v->lapic));
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00d00, false), -EINVAL);
	/* The launcher may, and nobody makes an AP the BSP */
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00d00, true), 0);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(vm->vcpu[1], 0xfee00900, false), 0);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_base(vm->vcpu[1]), 0xfee00800ULL);
	v->caps.x2apic = false;
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_base(v, 0xfee00d00, true), -EINVAL);
}

/* The page is where the base says, and only while in xAPIC mode */
static void lapic_page(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[3];
	u32 val = 0;
	u64 wide;
	u16 half;

	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfee00020, 4, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0x03000000U);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfee00022, 2, &half), 0);
	KUNIT_EXPECT_EQ(test, half, 0x0300);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfee00020, 8, &wide), 0);
	KUNIT_EXPECT_EQ(test, wide, 0x03000000ULL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfee00ffe, 4, &val), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfedffffe, 4, &val), -EOPNOTSUPP);
	/* A write that is not of 32 aligned bits does nothing */
	half = 0x20;
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_write(v, 0xfee00080, 2, &half), 0);
	KUNIT_EXPECT_EQ(test, hvmon_tpr(v), 0);
	val = 0x20;
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_write(v, 0xfee00080, 4, &val), 0);
	KUNIT_EXPECT_EQ(test, hvmon_tpr(v), 0x20);
	/* The version is read-only */
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_write(v, 0xfee00030, 4, &val), 0);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 3, APIC_LVR), 0x00050014U);

	hvmon_lapic_set_base(v, 0xd0000800, false);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xfee00020, 4, &val), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xd0000020, 4, &val), 0);
	hvmon_lapic_set_base(v, 0xd0000c00, false);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_mmio_read(v, 0xd0000020, 4, &val), -EOPNOTSUPP);
}

struct x2_row {
	u32 offset;
	bool readable, writable;
	u64 good, bad;		/* values to write; bad 0: none is */
};

/* x2APIC: which MSRs exist, and which bits of them, raises no #GP */
static void lapic_x2apic_msrs(struct kunit *test)
{
	static const struct x2_row rows[] = {
		{ APIC_ID, true, false },
		{ APIC_LVR, true, false },
		{ APIC_TASKPRI, true, true, 0x10, 0x100 },
		{ APIC_ARBPRI, false, false },
		{ APIC_PROCPRI, true, false },
		{ APIC_EOI, false, true, 0, 1 },
		{ APIC_RRR, false, false },
		{ APIC_LDR, true, false },
		{ APIC_DFR, false, false },
		{ APIC_SPIV, true, true, 0x1ff, 0x1000 },
		{ APIC_ISR, true, false },
		{ APIC_TMR + 0x70, true, false },
		{ APIC_IRR + 0x30, true, false },
		{ APIC_ESR, true, true, 0, 1 },
		{ APIC_LVTCMCI, false, false },
		{ APIC_ICR, true, true, 0xc4400, 0x100000 },
		{ APIC_ICR2, false, false },
		{ APIC_LVTT, true, true, 0x700ff - 0x40000, 0x80000 },
		{ APIC_LVTTHMR, true, true, 0x10700, 0x2000 },
		{ APIC_LVTPC, true, true, 0x10400, 0x8000 },
		{ APIC_LVT0, true, true, 0x18700, 0x20000 },
		{ APIC_LVT1, true, true, 0x12400, 0x20000 },
		{ APIC_LVTERR, true, true, 0x100fe, 0x400 },
		{ APIC_TMICT, true, true, 0, 0x100000000 },
		{ APIC_TMCCT, true, false },
		{ APIC_TDCR, true, true, 0xb, 0x4 },
		{ APIC_SELF_IPI, false, true, 0xf1, 0x100 },
		{ 0x000, false, false },
		{ 0x010, false, false },
		{ 0x070, false, false },
		{ 0x290, false, false },
		{ 0x3a0, false, false },
	};
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[2];
	u64 val;
	int i;

	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, X2(APIC_ID), &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, X2(APIC_TASKPRI), 0), -EINVAL);
	x2apic_all(vm);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct x2_row *r = &rows[i];
		u32 msr = X2(r->offset);

		KUNIT_EXPECT_EQ_MSG(test, hvmon_lapic_get_msr(v, msr, &val),
				    r->readable ? 0 : -EINVAL, "read %x", msr);
		KUNIT_EXPECT_EQ_MSG(test, hvmon_lapic_set_msr(v, msr, r->good),
				    r->writable ? 0 : -EINVAL, "write %x", msr);
		if (r->bad)
			KUNIT_EXPECT_EQ_MSG(test, hvmon_lapic_set_msr(v, msr, r->bad), -EINVAL,
					    "bad write %x", msr);
	}
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, 0x840, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, X2(APIC_TASKPRI), BIT_ULL(32)), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, X2(APIC_ID), &val), 0);
	KUNIT_EXPECT_EQ(test, val, 2ULL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, X2(APIC_LDR), &val), 0);
	KUNIT_EXPECT_EQ(test, val, 4ULL);
}

/* The count falls by one per divided tick, to zero or around */
static void lapic_timer_count(struct kunit *test)
{
	struct hvmon_apic_timer t = { .divide = 0xb };
	const u64 now = 1000000;

	hvmon_apic_timer_load(&t, 100, now);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, false, now), 100U);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, false, now + 99), 1U);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, false, now + 100), 0U);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_left(&t, false, now + 5000), 0ULL);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, true, now + 100), 100U);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_left(&t, true, now + 250), 50ULL);
	t.spent = true;
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_left(&t, true, now + 250), 0ULL);
	t.divide = 0x3;		/* by 16 */
	hvmon_apic_timer_load(&t, 100, now);
	KUNIT_EXPECT_EQ(test, t.period, 1600ULL);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, false, now + 16), 99U);
	/* Another divider: the count stays, its speed changes */
	hvmon_apic_timer_divide(&t, false, 0xb, now + 800);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_count(&t, false, now + 800), 50U);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_left(&t, false, now + 800), 50ULL);
	hvmon_apic_timer_load(&t, 0, now);
	KUNIT_EXPECT_EQ(test, hvmon_apic_timer_left(&t, true, now + 5), 0ULL);
}

/* The divide configuration's codes */
static void lapic_timer_divide(struct kunit *test)
{
	static const u8 shift[][2] = {
		{ 0x0, 1 }, { 0x1, 2 }, { 0x2, 3 }, { 0x3, 4 },
		{ 0x8, 5 }, { 0x9, 6 }, { 0xa, 7 }, { 0xb, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(shift); i++)
		KUNIT_EXPECT_EQ(test, hvmon_apic_divide_shift(shift[i][0]), (u32)shift[i][1]);
}

/* A deadline that has passed interrupts at once; other modes ignore the MSR */
static void lapic_timer_deadline(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];
	u64 val = 1;

	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, 0x6e0, 1), 0);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xec), 0ULL);
	lapic_w(vm, 0, APIC_LVTT, 0x400ec);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, 0x6e0, 1), 0);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xec), 1ULL);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, 0x6e0, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0ULL);
	/* Far away it stays armed, until another mode is chosen */
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, 0x6e0, S64_MAX), 0);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_get_msr(v, 0x6e0, &val), 0);
	KUNIT_EXPECT_EQ(test, val, (u64)S64_MAX);
	lapic_w(vm, 0, APIC_TMICT, 1000);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_TMICT), 0U);
	lapic_w(vm, 0, APIC_LVTT, 0xec);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(&v->lapic->hrtimer));
	v->caps.tsc_deadline = false;
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_msr(v, 0x6e0, 1), -EINVAL);
	lapic_w(vm, 0, APIC_LVTT, 0x400ec);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_LVTT), 0xecU);
}

/* The host's timer runs only while an interrupt would come of it */
static void lapic_timer_armed(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hrtimer *h = &vm->vcpu[0]->lapic->hrtimer;

	lapic_w(vm, 0, APIC_LVTT, 0x100ec);
	lapic_w(vm, 0, APIC_TMICT, 0xffffffff);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(h));
	KUNIT_EXPECT_NE(test, lapic_r(vm, 0, APIC_TMCCT), 0U);
	lapic_w(vm, 0, APIC_LVTT, 0xec);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(h));
	lapic_w(vm, 0, APIC_TMICT, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(h));
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_TMCCT), 0U);
}

/* It interrupts once, or again and again, or when the TSC is there */
static void lapic_timer_fires(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];

	lapic_w(vm, 0, APIC_TDCR, 0xb);
	lapic_w(vm, 0, APIC_LVTT, 0xec);
	lapic_w(vm, 0, APIC_TMICT, 1000000);
	msleep(20);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xec), 1ULL);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 0, APIC_TMCCT), 0U);
	msleep(20);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xec), 0ULL);

	/* A period of one nanosecond does not bring the host down */
	lapic_w(vm, 0, APIC_LVTT, 0x200ed);
	lapic_w(vm, 0, APIC_TMICT, 1);
	msleep(20);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 1ULL);
	msleep(20);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 1ULL);
	KUNIT_EXPECT_TRUE(test, hvmon_request_pending(v, HVMON_REQ_EVENT));

	lapic_w(vm, 0, APIC_LVTT, 0x400ee);
	hvmon_lapic_set_msr(v, 0x6e0, hvmon_guest_tsc(v) + 1000000);
	msleep(50);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xee), 1ULL);
	KUNIT_EXPECT_EQ(test, v->lapic->timer.deadline, 0ULL);
}

/*
 * Where the vendor ends runs at a deadline the host's timer only runs while the
 * vCPU sleeps, and no tick is lost on the way from one to the other.
 */
static void lapic_timer_by_run_end(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[0];
	struct hrtimer *h = &v->lapic->hrtimer;
	struct hvmon_lapic_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	u64 now;

	KUNIT_ASSERT_NOT_NULL(test, st);
	if (check_tsc_unstable())
		kunit_skip(test, "the host's TSC is unstable");
	v->has_deadline = true;
	lapic_w(vm, 0, APIC_LVTT, 0x400ec);
	hvmon_lapic_set_msr(v, 0x6e0, S64_MAX);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(h));
	/* The guest's TSC and the host's are the same here */
	KUNIT_EXPECT_LE(test, v->deadline_tsc - S64_MAX, 1000000000ULL);
	hvmon_lapic_timer_sleep(v);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(h));
	KUNIT_EXPECT_EQ(test, v->deadline_tsc, 0ULL);
	hvmon_lapic_timer_wake(v);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(h));
	KUNIT_EXPECT_NE(test, v->deadline_tsc, 0ULL);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xec), 0ULL);
	hvmon_lapic_set_msr(v, 0x6e0, 0);
	KUNIT_EXPECT_EQ(test, v->deadline_tsc, 0ULL);

	/* One shot: nothing until somebody looks, then one tick */
	lapic_w(vm, 0, APIC_TDCR, 0xb);
	lapic_w(vm, 0, APIC_LVTT, 0xed);
	lapic_w(vm, 0, APIC_TMICT, 1000000);
	KUNIT_EXPECT_NE(test, v->deadline_tsc, 0ULL);
	msleep(20);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 0ULL);
	hvmon_lapic_timer_poll(v);
	KUNIT_EXPECT_EQ(test, v->deadline_tsc, 0ULL);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 1ULL);
	hvmon_lapic_timer_poll(v);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 0ULL);
	/* The state has a tick that is due; so has a vCPU that goes to sleep */
	lapic_w(vm, 0, APIC_TMICT, 1000000);
	msleep(20);
	hvmon_lapic_get_state(v, st);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 1ULL);
	KUNIT_EXPECT_EQ(test, st->timer_left_ns, -1LL);
	lapic_w(vm, 0, APIC_TMICT, 1000000);
	msleep(20);
	hvmon_lapic_timer_sleep(v);
	hvmon_lapic_timer_wake(v);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xed), 1ULL);

	/* Periodic: armed again with each tick, but never without a pause */
	lapic_w(vm, 0, APIC_LVTT, 0x200ee);
	lapic_w(vm, 0, APIC_TMICT, 1);
	msleep(20);
	now = ktime_get_ns();
	hvmon_lapic_timer_poll(v);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xee), 1ULL);
	KUNIT_EXPECT_GE(test, v->lapic->timer.due, now + HVMON_TIMER_MIN_NS);
	msleep(20);
	hvmon_lapic_timer_sleep(v);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0xee), 1ULL);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(h));
	hvmon_lapic_timer_wake(v);
	lapic_w(vm, 0, APIC_TMICT, 0);
	KUNIT_EXPECT_EQ(test, v->deadline_tsc, 0ULL);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(h));
}

/* A state comes back as it was given; impossible ones change nothing */
static void lapic_states(struct kunit *test)
{
#define STATE(field)	offsetof(struct hvmon_lapic_state, field)
	/* Bytes of the state in which bit 2 must not change */
	static const size_t flip[] = {
		STATE(base), STATE(base) + 7, STATE(tsc_deadline), STATE(reserved),
		STATE(timer_left_ns) + 4, STATE(page[APIC_ID]), STATE(page[APIC_LVR]),
		STATE(page[APIC_IRR]), STATE(page[APIC_TASKPRI + 1]), STATE(page[APIC_TASKPRI + 4]),
		STATE(page[APIC_RRR]), STATE(page[APIC_TDCR]), STATE(page[APIC_SPIV + 2]),
	};
#undef STATE
	struct hvmon_lapic_state *good = kunit_kzalloc(test, sizeof(*good), GFP_KERNEL);
	struct hvmon_lapic_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[1];
	int i;

	KUNIT_ASSERT_TRUE(test, good && st);
	hvmon_lapic_set_tpr(v, 0x20);
	fixed_irq(vm, 1, 0x45, true);
	ack(test, v);
	fixed_irq(vm, 1, 0xe3, false);
	lapic_w(vm, 1, APIC_LVTT, 0x300ec);
	lapic_w(vm, 1, APIC_TMICT, 5000);
	hvmon_lapic_get_state(v, good);
	hvmon_lapic_reset(v, false);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_state(v, good), 0);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), 0xe3);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_PROCPRI), 0x40U);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_TMICT), 5000U);
	KUNIT_EXPECT_TRUE(test, test_bit(0x45, v->lapic->tmr));
	KUNIT_EXPECT_TRUE(test, hvmon_lapic_sw_enabled(v->lapic));

	hvmon_lapic_reset(v, false);
	for (i = 0; i < ARRAY_SIZE(flip); i++) {
		*st = *good;
		((u8 *)st)[flip[i]] ^= 4;
		KUNIT_EXPECT_EQ_MSG(test, hvmon_lapic_set_state(v, st), -EINVAL, "case %d", i);
	}
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_TMICT), 0U);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v), -1);
	/* x2APIC mode has an ID and an LDR of its own */
	hvmon_lapic_set_base(v, 0xfee00c00, false);
	hvmon_lapic_get_state(v, st);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_state(v, st), 0);
}

static int physical(struct hvmon_vm *vm, u32 dest)
{
	struct hvmon_irq_msg msg = { .dest = dest, .mode = HVMON_DM_FIXED, .vector = 0x50 };

	return hvmon_irq_deliver(vm, NULL, &msg);
}

/* An ID that the guest wrote is what reaches it in xAPIC mode; several may have the same */
static void lapic_id_written(struct kunit *test)
{
	struct hvmon_lapic_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v = vm->vcpu[1];

	KUNIT_ASSERT_NOT_NULL(test, st);
	lapic_w(vm, 1, APIC_ID, 0xc9ffffff);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_ID), 0xc9000000U);
	KUNIT_EXPECT_EQ(test, physical(vm, 0xc9), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(0x50, v->lapic->irr));
	KUNIT_EXPECT_EQ(test, physical(vm, 1), 0);
	KUNIT_EXPECT_EQ(test, physical(vm, 2), 1);
	lapic_w(vm, 1, APIC_ID, 2 << 24);
	KUNIT_EXPECT_EQ(test, physical(vm, 2), 2);
	hvmon_lapic_reset(v, true);
	lapics_on(vm);
	KUNIT_EXPECT_EQ(test, physical(vm, 2), 2);

	hvmon_lapic_get_state(v, st);
	hvmon_lapic_reset(v, false);
	lapics_on(vm);
	KUNIT_EXPECT_EQ(test, physical(vm, 2), 1);
	KUNIT_EXPECT_EQ(test, hvmon_lapic_set_state(v, st), 0);
	KUNIT_EXPECT_EQ(test, physical(vm, 2), 2);

	/* x2APIC mode has its own, and what comes after it the first one */
	hvmon_lapic_set_base(v, 0xfee00c00, false);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_ID), 1U);
	KUNIT_EXPECT_EQ(test, physical(vm, 1), 1);
	hvmon_lapic_set_base(v, 0xfee00000, false);
	hvmon_lapic_set_base(v, 0xfee00800, false);
	KUNIT_EXPECT_EQ(test, lapic_r(vm, 1, APIC_ID), 0x01000000U);
}

static struct kunit_case lapic_cases[] = {
	KUNIT_CASE(lapic_priorities),
	KUNIT_CASE(lapic_tpr),
	KUNIT_CASE(lapic_irr_moves),
	KUNIT_CASE(lapic_pv_eoi),
	KUNIT_CASE(lapic_logical),
	KUNIT_CASE(lapic_icr_shorthands),
	KUNIT_CASE(lapic_init_sipi),
	KUNIT_CASE(lapic_errors),
	KUNIT_CASE(lapic_software_disable),
	KUNIT_CASE(lapic_base),
	KUNIT_CASE(lapic_page),
	KUNIT_CASE(lapic_x2apic_msrs),
	KUNIT_CASE(lapic_timer_count),
	KUNIT_CASE(lapic_timer_divide),
	KUNIT_CASE(lapic_timer_deadline),
	KUNIT_CASE(lapic_timer_armed),
	KUNIT_CASE(lapic_timer_fires),
	KUNIT_CASE(lapic_timer_by_run_end),
	KUNIT_CASE(lapic_states),
	KUNIT_CASE(lapic_id_written),
	{}
};

static struct kunit_suite lapic_suite = {
	.name = "hvmon-lapic",
	.init = lapic_init,
	.exit = irq_fake_exit,
	.test_cases = lapic_cases,
};

kunit_test_suite(lapic_suite);
