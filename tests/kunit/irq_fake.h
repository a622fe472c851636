/* SPDX-License-Identifier: GPL-2.0 */
/* A VM that is nothing but interrupt controllers, for the tests of these. */
#ifndef _HVMON_IRQ_FAKE_H
#define _HVMON_IRQ_FAKE_H

#include <kunit/test.h>
#include <linux/rcuwait.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "../../kmod/irqchip.h"
#include "../../kmod/lapic.h"

/* The VM is test->priv; its vCPUs never run */
static inline int irq_fake_init(struct kunit *test, u32 nr_vcpus)
{
	struct hvmon_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct hvmon_vcpu *vcpu;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	mutex_init(&vm->lock);
	KUNIT_ASSERT_EQ(test, init_srcu_struct(&vm->srcu), 0);
	test->priv = vm;
	mutex_lock(&vm->lock);
	KUNIT_EXPECT_EQ(test, hvmon_irqchip_create(vm, HVMON_IRQCHIP_PIT), 0);
	mutex_unlock(&vm->lock);
	for (i = 0; i < nr_vcpus; i++) {
		vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, vcpu);
		vcpu->vm = vm;
		vcpu->id = i;
		vcpu->cpu = -1;
		vcpu->caps.x2apic = true;
		vcpu->caps.tsc_deadline = true;
		rcuwait_init(&vcpu->wait);
		KUNIT_ASSERT_EQ(test, hvmon_lapic_create(vcpu), 0);
		vm->vcpu[i] = vcpu;
		vm->nr_vcpus++;
	}
	return 0;
}

static inline void irq_fake_exit(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	u32 i;

	if (!vm)
		return;
	hvmon_irqchip_fini(vm);
	for (i = 0; i < HVMON_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			hvmon_lapic_free(vm->vcpu[i]);
	hvmon_bus_fini(vm);
	cleanup_srcu_struct(&vm->srcu);
}

/* The vCPU takes what is pending, and has no reason to look again unless told so */
static inline int ack(struct kunit *test, struct hvmon_vcpu *vcpu)
{
	bool more;
	int vector = hvmon_irq_ack(vcpu, &more);

	if (!more)
		KUNIT_EXPECT_EQ(test, hvmon_irq_pending(vcpu), -1);
	return vector;
}

/* As a guest would by its xAPIC page */
static inline void lapic_w(struct hvmon_vm *vm, u32 id, u32 offset, u32 val)
{
	hvmon_lapic_reg_write(vm->vcpu[id]->lapic, offset, val);
}

static inline u32 lapic_r(struct hvmon_vm *vm, u32 id, u32 offset)
{
	u32 val;

	hvmon_lapic_reg_read(vm->vcpu[id]->lapic, offset, &val);
	return val;
}

static inline void lapics_on(struct hvmon_vm *vm)
{
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++)
		lapic_w(vm, i, 0xf0, 0x1ff);
}

/* Which vCPUs have the vector in IRR; it is taken out again */
static inline u64 irr_take(struct hvmon_vm *vm, u8 vector)
{
	u64 who = 0;
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (test_and_clear_bit(vector, vm->vcpu[i]->lapic->irr))
			who |= BIT_ULL(i);
	return who;
}

static inline void fixed_irq(struct hvmon_vm *vm, u32 id, u8 vector, bool level)
{
	struct hvmon_irq_msg msg = {
		.dest = id, .vector = vector, .level = level, .assert = true,
	};

	hvmon_irq_deliver(vm, NULL, &msg);
}

#endif /* _HVMON_IRQ_FAKE_H */
