// SPDX-License-Identifier: GPL-2.0
#include "irq_fake.h"

static int ioapic_init(struct kunit *test)
{
	int ret = irq_fake_init(test, 2);

	lapics_on(test->priv);
	return ret;
}

static void reg_w(struct hvmon_vm *vm, u32 reg, u32 val)
{
	hvmon_ioapic_write(vm->irqs, 0x00, reg);
	hvmon_ioapic_write(vm->irqs, 0x10, val);
}

static u32 reg_r(struct hvmon_vm *vm, u32 reg)
{
	hvmon_ioapic_write(vm->irqs, 0x00, reg);
	return hvmon_ioapic_read(vm->irqs, 0x10);
}

#define LOW(pin)	(0x10 + 2 * (pin))
#define HIGH(pin)	(0x11 + 2 * (pin))
#define LEVEL		0x8000
#define MASK		0x10000
#define REMOTE_IRR	0x4000

/* The registers are what the data sheet lists, reserved bits read as 0 */
static void ioapic_registers(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, reg_r(vm, 1), 0x170011U);
	reg_w(vm, 0, 0xff000000);
	KUNIT_EXPECT_EQ(test, reg_r(vm, 0), 0x0f000000U);
	KUNIT_EXPECT_EQ(test, reg_r(vm, 2), 0x0f000000U);
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(23)), (u32)MASK);
	reg_w(vm, LOW(5), 0xffffffff);
	reg_w(vm, HIGH(5), 0xffffffff);
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(5)), 0x1afffU);
	KUNIT_EXPECT_EQ(test, reg_r(vm, HIGH(5)), 0xff000000U);
	/* Beyond the pins there is nothing */
	reg_w(vm, 0x40, 0x12345678);
	KUNIT_EXPECT_EQ(test, reg_r(vm, 0x40), 0U);
	KUNIT_EXPECT_EQ(test, reg_r(vm, 0xff), 0U);
}

/* An edge is sent once, to its destination; on a masked pin it is lost */
static void ioapic_edge(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	reg_w(vm, HIGH(4), 1 << 24);
	reg_w(vm, LOW(4), MASK | 0x51);
	hvmon_ioapic_set_pin(vm->irqs, 4, true);
	hvmon_ioapic_set_pin(vm->irqs, 4, false);
	reg_w(vm, LOW(4), 0x51);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 0ULL);
	hvmon_ioapic_set_pin(vm->irqs, 4, true);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 2ULL);
	hvmon_ioapic_set_pin(vm->irqs, 4, true);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x51), 0ULL);
	KUNIT_EXPECT_FALSE(test, test_bit(0x51, vm->vcpu[1]->lapic->tmr));
}

/* A level sets remote IRR, and is sent again after EOI while asserted */
static void ioapic_level(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	reg_w(vm, LOW(9), LEVEL | 0x61);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 1ULL);
	KUNIT_EXPECT_TRUE(test, test_bit(0x61, vm->vcpu[0]->lapic->tmr));
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(9)), (u32)(LEVEL | REMOTE_IRR | 0x61));
	hvmon_ioapic_set_pin(vm->irqs, 9, false);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 0ULL);
	hvmon_ioapic_eoi(vm->irqs, 0x62);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 0ULL);
	hvmon_ioapic_eoi(vm->irqs, 0x61);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 1ULL);
	hvmon_ioapic_set_pin(vm->irqs, 9, false);
	hvmon_ioapic_eoi(vm->irqs, 0x61);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 0ULL);
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(9)), (u32)(LEVEL | 0x61));
}

/* The LAPIC's EOI of a level vector reaches the IOAPIC */
static void ioapic_eoi_from_lapic(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	reg_w(vm, LOW(9), LEVEL | 0x61);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	KUNIT_EXPECT_EQ(test, ack(test, vm->vcpu[0]), 0x61);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(vm->vcpu[0]), -1);
	lapic_w(vm, 0, 0xb0, 0);
	KUNIT_EXPECT_EQ(test, hvmon_irq_pending(vm->vcpu[0]), 0x61);
}

/* A masked level waits; unmasking sends it */
static void ioapic_masked_level(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	reg_w(vm, LOW(9), MASK | LEVEL | 0x61);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 0ULL);
	reg_w(vm, LOW(9), LEVEL | 0x61);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 1ULL);
	/* Linux clears a stuck remote IRR by way of edge mode */
	reg_w(vm, LOW(9), MASK | 0x61);
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(9)), (u32)(MASK | 0x61));
	reg_w(vm, LOW(9), LEVEL | 0x61);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 1ULL);
}

/* A level that no LAPIC accepts stays pending, and shows it */
static void ioapic_nobody(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;

	reg_w(vm, HIGH(9), 7 << 24);
	reg_w(vm, LOW(9), LEVEL | 0x61);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	KUNIT_EXPECT_EQ(test, reg_r(vm, LOW(9)), 0x1000U | LEVEL | 0x61);
	reg_w(vm, HIGH(9), 0);
	KUNIT_EXPECT_EQ(test, irr_take(vm, 0x61), 1ULL);
}

/* What the chip says of itself is accepted; the impossible is not */
static void ioapic_states(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct hvmon_ioapic_state good, st;

	reg_w(vm, LOW(9), LEVEL | 0x61);
	hvmon_ioapic_set_pin(vm->irqs, 9, true);
	good = vm->irqs->ioapic;
	KUNIT_EXPECT_EQ(test, hvmon_ioapic_check(&good), 0);
#define BAD(field, val)	do {						\
		st = good;						\
		st.field = (val);					\
		KUNIT_EXPECT_EQ_MSG(test, hvmon_ioapic_check(&st), -EINVAL, #field); \
	} while (0)
	BAD(id, 16);
	BAD(select, 0x100);
	BAD(irr, good.irr | BIT(24));
	BAD(lines, good.lines | BIT(24));
	BAD(irr, 0);
	BAD(redir[3], BIT_ULL(17));
	BAD(redir[3], BIT_ULL(55));
	BAD(redir[3], REMOTE_IRR);
#undef BAD
}

static struct kunit_case ioapic_cases[] = {
	KUNIT_CASE(ioapic_registers),
	KUNIT_CASE(ioapic_edge),
	KUNIT_CASE(ioapic_level),
	KUNIT_CASE(ioapic_eoi_from_lapic),
	KUNIT_CASE(ioapic_masked_level),
	KUNIT_CASE(ioapic_nobody),
	KUNIT_CASE(ioapic_states),
	{}
};

static struct kunit_suite ioapic_suite = {
	.name = "hvmon-ioapic",
	.init = ioapic_init,
	.exit = irq_fake_exit,
	.test_cases = ioapic_cases,
};

kunit_test_suite(ioapic_suite);
