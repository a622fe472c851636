// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>

#include "irq_fake.h"

static int irq_init(struct kunit *test)
{
	int ret = irq_fake_init(test, 4);

	lapics_on(test->priv);
	return ret;
}

static int routes(struct hvmon_vm *vm, const struct hvmon_irq_route *r, u32 n)
{
	int ret;

	mutex_lock(&vm->lock);
	ret = hvmon_irq_routes_set(vm, r, n);
	mutex_unlock(&vm->lock);
	return ret;
}

/* An MSI's address and data say who gets what, and how */
static void irq_msi_decode(struct kunit *test)
{
	struct hvmon_irq_msg m;

	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0xfee03000, 0x4041, &m), 0);
	KUNIT_EXPECT_EQ(test, m.dest, 3U);
	KUNIT_EXPECT_EQ(test, m.vector, 0x41);
	KUNIT_EXPECT_FALSE(test, m.logical || m.level || m.x2apic_dest);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0xfee0300c, 0xc041, &m), 0);
	KUNIT_EXPECT_TRUE(test, m.logical && m.level && m.assert);
	KUNIT_EXPECT_EQ(test, m.mode, HVMON_DM_LOWEST);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0xfee03008, 0x41, &m), 0);
	KUNIT_EXPECT_EQ(test, m.mode, HVMON_DM_FIXED);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0x00123400fee56000, 0x441, &m), 0);
	KUNIT_EXPECT_EQ(test, m.dest, 0x00123456U);
	KUNIT_EXPECT_TRUE(test, m.x2apic_dest);
	KUNIT_EXPECT_EQ(test, m.mode, HVMON_DM_NMI);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0xfed00000, 0x41, &m), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0x1fee00000, 0x41, &m), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_msi_decode(0, 0, &m), -EINVAL);
}

/* A bad route is refused, and the table stays as it was */
static void irq_routes_refused(struct kunit *test)
{
	static const struct hvmon_irq_route bad[] = {
		{ .gsi = HVMON_MAX_ROUTES, .type = HVMON_ROUTE_PIC },
		{ .type = 3 },
		{ .type = HVMON_ROUTE_PIC, .pin = 16 },
		{ .type = HVMON_ROUTE_PIC, .pin = 1, .addr = 1 },
		{ .type = HVMON_ROUTE_IOAPIC, .pin = 24 },
		{ .type = HVMON_ROUTE_IOAPIC, .pin = 1, .data = 1 },
		{ .type = HVMON_ROUTE_MSI, .pin = 1, .addr = 0xfee00000 },
		{ .type = HVMON_ROUTE_MSI, .addr = 0xfed00000 },
	};
	struct hvmon_vm *vm = test->priv;
	const void *before = rcu_access_pointer(vm->irqs->routes);
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, routes(vm, &bad[i], 1), -EINVAL, "route %d", i);
	KUNIT_EXPECT_EQ(test, routes(vm, bad, HVMON_MAX_ROUTES + 1), -E2BIG);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(vm->irqs->routes), before);
}

/* The default routes are those of a PC */
static void irq_default_routes(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	u32 gsi;

	for (gsi = 0; gsi < 24; gsi++)
		KUNIT_EXPECT_EQ_MSG(test, hvmon_irq_line(vm, gsi, 1), 0, "GSI %u", gsi);
	KUNIT_EXPECT_EQ(test, hvmon_irq_line(vm, 24, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, hvmon_irq_line(vm, HVMON_MAX_ROUTES, 1), -ENOENT);
	/* GSI 0 is IOAPIC pin 2; nothing is pin 0 */
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0xfffffeU);
	KUNIT_EXPECT_EQ(test, vm->irqs->pic.chip[0].lines & 0xfb, 0xfb);
	KUNIT_EXPECT_EQ(test, vm->irqs->pic.chip[1].lines, 0xff);
	for (gsi = 0; gsi < 24; gsi++)
		hvmon_irq_line(vm, gsi, 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0U);
}

/* Lines that share a pin are ORed, also across a change of the routes */
static void irq_shared_pin(struct kunit *test)
{
	static const struct hvmon_irq_route r[] = {
		{ .gsi = 100, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
		{ .gsi = 7, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
		{ .gsi = 7, .type = HVMON_ROUTE_IOAPIC, .pin = 11 },
	};
	struct hvmon_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, routes(vm, r, 3), 0);
	hvmon_irq_line(vm, 7, 1);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0xc00U);
	hvmon_irq_line(vm, 100, 1);
	hvmon_irq_line(vm, 7, 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0x400U);
	hvmon_irq_line(vm, 7, 1);
	KUNIT_EXPECT_EQ(test, routes(vm, r + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0x400U);
	hvmon_irq_line(vm, 7, 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0U);
	KUNIT_EXPECT_EQ(test, routes(vm, r + 2, 1), 0);
	hvmon_irq_line(vm, 7, 1);
	KUNIT_EXPECT_EQ(test, routes(vm, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0U);
	KUNIT_EXPECT_EQ(test, hvmon_irq_line(vm, 7, 0), -ENOENT);
}

/* Raising a line with an MSI route sends the message, lowering it nothing */
static void irq_msi_route(struct kunit *test)
{
	static const struct hvmon_irq_route r = {
		.gsi = 1023, .type = HVMON_ROUTE_MSI, .addr = 0xfee02000, .data = 0x55,
	};
	struct hvmon_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, routes(vm, &r, 1), 0);
	hvmon_irq_line(vm, 1023, 1);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x55), 4ULL);
	hvmon_irq_line(vm, 1023, 0);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x55), 0ULL);
	KUNIT_EXPECT_EQ(test, hvmon_msi_send(vm, 0xfeeff000, 0x55), 4);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x55), 0xfULL);
	KUNIT_EXPECT_EQ(test, hvmon_msi_send(vm, 0xfee09000, 0x55), 0);
}

/* An edge on a pin is one, also for an instant; where the level is high it is none */
static void irq_pulse(struct kunit *test)
{
	static const struct hvmon_irq_route r[] = {
		{ .gsi = 30, .type = HVMON_ROUTE_IOAPIC, .pin = 11 },
		{ .gsi = 31, .type = HVMON_ROUTE_IOAPIC, .pin = 11 },
		{ .gsi = 30, .type = HVMON_ROUTE_MSI, .addr = 0xfee01000, .data = 0x55 },
	};
	struct hvmon_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, routes(vm, r, 3), 0);
	vm->irqs->ioapic.redir[11] = 0x51;
	hvmon_irq_pulse(vm, 30);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 1ULL);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x55), 2ULL);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, 0U);
	KUNIT_EXPECT_FALSE(test, test_bit(30, vm->irqs->level));
	hvmon_irq_line(vm, 31, 1);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 1ULL);
	hvmon_irq_pulse(vm, 30);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 0ULL);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x55), 2ULL);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, (u32)BIT(11));
	hvmon_irq_pulse(vm, 32);
}

static const struct hvmon_irq_route hold_routes[] = {
	{ .gsi = 20, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
	{ .gsi = 20, .type = HVMON_ROUTE_PIC, .pin = 5 },
	{ .gsi = 21, .type = HVMON_ROUTE_IOAPIC, .pin = 10 },
	{ .gsi = 22, .type = HVMON_ROUTE_IOAPIC, .pin = 12 },
};

static void ioapic_eoi(struct hvmon_vm *vm, u8 vector)
{
	raw_spin_lock_irq(&vm->irqs->lock);
	hvmon_ioapic_eoi(vm->irqs, vector);
	raw_spin_unlock_irq(&vm->irqs->lock);
}

/* Those that hold a pin of the IOAPIC let go at its EOI, and no others */
static void irq_hold_ioapic(struct kunit *test)
{
	struct hvmon_irq_hold *h = kunit_kcalloc(test, 3, sizeof(*h), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	struct hvmon_irqs *irqs = vm->irqs;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, h);
	for (i = 0; i < 3; i++) {
		h[i].gsi = 20 + i;
		hvmon_irq_hold_add(irqs, &h[i]);
	}
	irqs->ioapic.redir[10] = BIT(15) | 0x50;
	/* Without a route too */
	KUNIT_EXPECT_EQ(test, routes(vm, NULL, 0), 0);
	hvmon_irq_hold(vm, &h[2]);
	KUNIT_EXPECT_EQ(test, routes(vm, hold_routes, 4), 0);
	KUNIT_EXPECT_EQ(test, irqs->ioapic.lines, (u32)BIT(12));
	hvmon_irq_hold(vm, &h[0]);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x50), 1ULL);
	hvmon_irq_hold(vm, &h[1]);
	KUNIT_EXPECT_EQ(test, irqs->ioapic.lines, (u32)(BIT(10) | BIT(12)));
	KUNIT_EXPECT_EQ(test, irqs->pic.chip[0].lines, 0x20);
	ioapic_eoi(vm, 0x50);
	KUNIT_EXPECT_TRUE(test, h[0].due && h[1].due && !h[2].due && irqs->hold_due);
	KUNIT_EXPECT_FALSE(test, h[0].asserted || h[1].asserted);
	KUNIT_EXPECT_EQ(test, irqs->ioapic.lines, (u32)BIT(12));
	KUNIT_EXPECT_EQ(test, irqs->pic.chip[0].lines, 0);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x50), 0ULL);

	/* The launcher's level is not theirs to drop */
	hvmon_irq_line(vm, 21, 1);
	hvmon_irq_hold(vm, &h[0]);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x50), 1ULL);
	ioapic_eoi(vm, 0x50);
	KUNIT_EXPECT_FALSE(test, h[0].asserted);
	KUNIT_EXPECT_EQ(test, irqs->ioapic.lines, (u32)(BIT(10) | BIT(12)));
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x50), 1ULL);
	hvmon_irq_line(vm, 21, 0);

	/* One that goes takes its level along */
	hvmon_irq_hold(vm, &h[1]);
	hvmon_irq_hold_del(irqs, &h[1]);
	hvmon_irq_hold_del(irqs, &h[2]);
	KUNIT_EXPECT_EQ(test, irqs->ioapic.lines, 0U);
	hvmon_irq_hold_del(irqs, &h[0]);
}

/* A PIC's EOI counts for the pin in service alone, and with auto-EOI the INTA */
static void irq_hold_pic(struct kunit *test)
{
	struct hvmon_irq_hold *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	struct hvmon_irqs *irqs = vm->irqs;
	struct hvmon_pic_state *c = &irqs->pic.chip[0];

	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_EXPECT_EQ(test, routes(vm, hold_routes, 4), 0);
	h->gsi = 20;
	hvmon_irq_hold_add(irqs, h);
	c->irq_base = 0x20;
	c->imr = 0;
	c->elcr = 0x20;
	hvmon_irq_hold(vm, h);
	raw_spin_lock_irq(&irqs->lock);
	hvmon_pic_write(&irqs->pic, 0, 0, 0x65);	/* specific, but not in service */
	hvmon_pic_sync(irqs);
	KUNIT_EXPECT_TRUE(test, h->asserted);
	KUNIT_EXPECT_EQ(test, hvmon_pic_peek(&irqs->pic), 0x25);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&irqs->pic), 0x25);
	hvmon_pic_sync(irqs);
	KUNIT_EXPECT_TRUE(test, h->asserted);
	hvmon_pic_write(&irqs->pic, 0, 0, 0x20);
	hvmon_pic_sync(irqs);
	KUNIT_EXPECT_FALSE(test, h->asserted);
	KUNIT_EXPECT_TRUE(test, h->due);
	KUNIT_EXPECT_FALSE(test, irqs->pic_out);
	h->due = false;
	c->auto_eoi = 1;
	raw_spin_unlock_irq(&irqs->lock);

	hvmon_irq_hold(vm, h);
	raw_spin_lock_irq(&irqs->lock);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&irqs->pic), 0x25);
	hvmon_pic_end(irqs);
	raw_spin_unlock_irq(&irqs->lock);
	KUNIT_EXPECT_FALSE(test, h->asserted);
	KUNIT_EXPECT_TRUE(test, h->due);
	hvmon_irq_hold_del(irqs, h);
}

/* A level that is loaded is that of those who can drop it */
static void irq_hold_loaded(struct kunit *test)
{
	struct hvmon_irq_hold *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	struct hvmon_irqchip *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_ASSERT_NOT_NULL(test, a);
	h->gsi = 7;
	hvmon_irq_hold_add(vm->irqs, h);
	a->chip = HVMON_CHIP_IOAPIC;
	hvmon_irqchip_get(vm, a);
	a->state.ioapic.lines = BIT(7) | BIT(5);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), 0);
	KUNIT_EXPECT_TRUE(test, h->asserted);
	KUNIT_EXPECT_FALSE(test, test_bit(7, vm->irqs->level));
	KUNIT_EXPECT_TRUE(test, test_bit(5, vm->irqs->level));
	a->state.ioapic.lines = 0;
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), 0);
	KUNIT_EXPECT_FALSE(test, h->asserted);
	hvmon_irq_hold_del(vm->irqs, h);
}

/* Of the LAPICs named the least busy gets it, and equals take turns */
static void irq_lowest_priority(struct kunit *test)
{
	struct hvmon_irq_msg m = {
		.dest = 0xff, .logical = true, .mode = HVMON_DM_LOWEST, .vector = 0x70,
		.assert = true,
	};
	struct hvmon_vm *vm = test->priv;
	u64 seen = 0;
	int i;

	hvmon_lapic_set_tpr(vm->vcpu[0], 0x40);
	hvmon_lapic_set_tpr(vm->vcpu[1], 0x20);
	hvmon_lapic_set_tpr(vm->vcpu[2], 0x30);
	hvmon_lapic_set_tpr(vm->vcpu[3], 0x40);
	KUNIT_EXPECT_EQ(test, hvmon_irq_deliver(vm, NULL, &m), 1);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x70), 2ULL);
	/* One that is switched off takes no part */
	lapic_w(vm, 1, 0xf0, 0xff);
	hvmon_irq_deliver(vm, NULL, &m);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x70), 4ULL);

	lapics_on(vm);
	for (i = 0; i < 4; i++)
		hvmon_lapic_set_tpr(vm->vcpu[i], 0);
	for (i = 0; i < 4; i++) {
		hvmon_irq_deliver(vm, NULL, &m);
		seen |= irr_take(vm, 0x70);
	}
	KUNIT_EXPECT_EQ(test, seen, 0xfULL);
}

/* The PICs interrupt vCPU 0 through LINT0, past the LAPIC's priorities */
static void irq_extint(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_vcpu *v0 = vm->vcpu[0];
	bool more;

	vm->irqs->pic.chip[0].irq_base = 0x20;
	vm->irqs->pic.chip[0].imr = 0;
	hvmon_irq_line(vm, 4, 1);
	KUNIT_EXPECT_TRUE(test, hvmon_request_take(v0, HVMON_REQ_EVENT));
	/* Reset left LINT0 as ExtINT, as firmware would */
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v0), 0x24);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(vm->vcpu[1]), -1);
	lapic_w(vm, 0, 0x350, 0x10700);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v0), -1);
	lapic_w(vm, 0, 0x350, 0x00700);
	hvmon_lapic_set_tpr(v0, 0xff);
	KUNIT_EXPECT_EQ(test, ack(test, v0), 0x24);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v0), -1);
	KUNIT_EXPECT_EQ(test, vm->irqs->pic.chip[0].isr, 0x10);
	/* More important than the one in service */
	hvmon_irq_line(vm, 1, 1);
	KUNIT_EXPECT_EQ(test, ack(test, v0), 0x21);
	/* What the LAPIC has may follow one that went past it */
	lapic_w(vm, 0, 0xb0, 0);
	hvmon_lapic_set_tpr(v0, 0);
	fixed_irq(vm, 0, 0x72, false);
	hvmon_irq_line(vm, 1, 0);
	vm->irqs->pic.chip[0].isr = 0;
	hvmon_irq_line(vm, 1, 1);
	KUNIT_EXPECT_EQ(test, hvmon_irq_ack(v0, &more), 0x21);
	KUNIT_EXPECT_TRUE(test, more);
	KUNIT_EXPECT_EQ(test, ack(test, v0), 0x72);
	lapic_w(vm, 0, 0xb0, 0);
	/* An output that falls after it was seen does not hide what the LAPIC has */
	hvmon_lapic_set_tpr(v0, 0);
	WRITE_ONCE(vm->irqs->pic_out, true);
	fixed_irq(vm, 0, 0x71, false);
	KUNIT_EXPECT_EQ(test, ack(test, v0), 0x71);
	KUNIT_EXPECT_FALSE(test, vm->irqs->pic_out);
	lapic_w(vm, 0, 0xb0, 0);
	/* As a fixed interrupt LINT0 needs no INTA */
	hvmon_lapic_set_tpr(v0, 0);
	lapic_w(vm, 0, 0x350, 0x00066);
	hvmon_irq_line(vm, 0, 1);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(v0), 0x66);
}

/* A chip's state goes out and comes back; bad ones change nothing */
static void irq_chip_states(struct kunit *test)
{
	struct hvmon_irqchip *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	u32 chip;

	KUNIT_ASSERT_NOT_NULL(test, a);
	hvmon_irq_line(vm, 5, 1);
	for (chip = 0; chip <= HVMON_CHIP_PIT; chip++) {
		memset(a, 0, sizeof(*a));
		a->chip = chip;
		KUNIT_EXPECT_EQ(test, hvmon_irqchip_get(vm, a), 0);
		KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), 0);
		a->state.pad[511] = 1;
		KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), -EINVAL);
	}
	a->chip = 4;
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_get(vm, a), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), -EINVAL);

	/* A line that was loaded as high can be lowered */
	memset(a, 0, sizeof(*a));
	a->chip = HVMON_CHIP_IOAPIC;
	hvmon_irqchip_get(vm, a);
	a->state.ioapic.lines = BIT(7) | BIT(5);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_set(vm, a), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(7, vm->irqs->level));
	hvmon_irq_line(vm, 7, 0);
	KUNIT_EXPECT_EQ(test, vm->irqs->ioapic.lines, (u32)BIT(5));
}

/* Chips are made once, and before the first vCPU */
static void irq_create(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_irqs *irqs = vm->irqs;

	mutex_lock(&vm->lock);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_create(vm, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_create(vm, 2), -EINVAL);
	vm->irqs = NULL;
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_create(vm, 0), -EBUSY);
	KUNIT_EXPECT_NULL(test, vm->irqs);
	KUNIT_EXPECT_EQ(test, hvmon_irq_line(vm, 1, 1), -ENOENT);
	vm->irqs = irqs;
	mutex_unlock(&vm->lock);
}

static struct kunit_case irq_cases[] = {
	KUNIT_CASE(irq_msi_decode),
	KUNIT_CASE(irq_routes_refused),
	KUNIT_CASE(irq_default_routes),
	KUNIT_CASE(irq_shared_pin),
	KUNIT_CASE(irq_msi_route),
	KUNIT_CASE(irq_pulse),
	KUNIT_CASE(irq_hold_ioapic),
	KUNIT_CASE(irq_hold_pic),
	KUNIT_CASE(irq_hold_loaded),
	KUNIT_CASE(irq_lowest_priority),
	KUNIT_CASE(irq_extint),
	KUNIT_CASE(irq_chip_states),
	KUNIT_CASE(irq_create),
	{}
};

static struct kunit_suite irq_suite = {
	.name = "hvmon-irq",
	.init = irq_init,
	.exit = irq_fake_exit,
	.test_cases = irq_cases,
};

kunit_test_suite(irq_suite);
