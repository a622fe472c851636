// SPDX-License-Identifier: GPL-2.0
#include "irq_fake.h"

struct probe {
	struct hvmon_iodev dev;
	u64 offset;
	u32 len, calls;
};

static int probe_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
		      void *data)
{
	struct probe *p = container_of(dev, struct probe, dev);

	p->offset = offset;
	p->len = len;
	p->calls++;
	memset(data, 0x5a, len);
	return 0;
}

static const struct hvmon_iodev_ops probe_ops = { .read = probe_read };

static struct probe *probe_new(struct kunit *test)
{
	struct probe *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->dev.ops = &probe_ops;
	return p;
}

static int iobus_init(struct kunit *test)
{
	return irq_fake_init(test, 1);
}

static int add(struct hvmon_vm *vm, int bus, u64 start, u64 len, struct probe *p)
{
	int ret;

	mutex_lock(&vm->lock);
	ret = hvmon_bus_add(vm, bus, start, len, &p->dev);
	mutex_unlock(&vm->lock);
	return ret;
}

static int read_at(struct hvmon_vm *vm, u64 addr, u32 len)
{
	u64 data = 0;

	return hvmon_bus_read(vm->vcpu[0], HVMON_BUS_MMIO, addr, len, &data);
}

/* Ranges may touch, not overlap, and must be on the bus */
static void iobus_overlap(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct probe *p = probe_new(test);

	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1000, 0x100, p), 0);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1100, 0x100, p), 0);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0xf00, 0x100, p), 0);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1000, 1, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x10ff, 2, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x100, 0xe01, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0, 0x100000, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x5000, 0, p), -EINVAL);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, ~0ULL, 2, p), -EINVAL);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, ~0ULL, 1, p), 0);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_PIO, 0xffff, 2, p), -EINVAL);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_PIO, 0xffff, 1, p), 0);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_PIO, 0x21, 1, p), -EEXIST);
}

/* A device gets offsets, and only accesses that are all its own */
static void iobus_access(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct probe *a = probe_new(test), *b = probe_new(test);
	u32 data = 0;

	add(vm, HVMON_BUS_MMIO, 0x2000, 0x10, b);
	add(vm, HVMON_BUS_MMIO, 0x1000, 0x10, a);
	KUNIT_EXPECT_EQ(test, hvmon_bus_read(vm->vcpu[0], HVMON_BUS_MMIO, 0x100c, 4, &data), 0);
	KUNIT_EXPECT_EQ(test, data, 0x5a5a5a5aU);
	KUNIT_EXPECT_EQ(test, a->offset, 0xcULL);
	KUNIT_EXPECT_EQ(test, a->len, 4U);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x100d, 4), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0xfff, 4), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x1010, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, ~0ULL, 8), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x2000, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x200f, 1), 0);
	KUNIT_EXPECT_EQ(test, a->calls, 1U);
	KUNIT_EXPECT_EQ(test, b->calls, 1U);
	/* A device that does not do writes does not get them */
	KUNIT_EXPECT_EQ(test, hvmon_bus_write(vm->vcpu[0], HVMON_BUS_MMIO, 0x1000, 4, &data),
			-EOPNOTSUPP);
}

/* Removal takes all ranges of the device, and no other's */
static void iobus_remove(struct kunit *test)
{
	struct hvmon_vm *vm = test->priv;
	struct probe *a = probe_new(test), *b = probe_new(test);

	add(vm, HVMON_BUS_MMIO, 0x1000, 0x10, a);
	add(vm, HVMON_BUS_MMIO, 0x2000, 0x10, b);
	add(vm, HVMON_BUS_MMIO, 0x3000, 0x10, a);
	mutex_lock(&vm->lock);
	hvmon_bus_remove(vm, HVMON_BUS_MMIO, &a->dev);
	hvmon_bus_remove(vm, HVMON_BUS_MMIO, &a->dev);
	mutex_unlock(&vm->lock);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x1000, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x2000, 1), 0);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x3000, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1000, 0x1000, a), 0);
}

/* Takes one value; in a section, with "later", not yet */
struct bell {
	struct hvmon_iodev dev;
	u8 value;
	bool later;
	u32 calls;
};

static int bell_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
		      const void *data)
{
	struct bell *b = container_of(dev, struct bell, dev);

	if (*(const u8 *)data != b->value)
		return -EOPNOTSUPP;
	if (b->later)
		return HVMON_LATER;
	b->calls++;
	return 0;
}

static const struct hvmon_iodev_ops bell_ops = { .doorbell = true, .write = bell_write };

static int write_at(struct hvmon_vm *vm, u64 addr, u32 len, u8 value)
{
	u8 data[16] = { value };

	return hvmon_bus_write(vm->vcpu[0], HVMON_BUS_MMIO, addr, len, data);
}

/* Doorbells get what begins at their address, and may share it, but not a device's */
static void iobus_doorbells(struct kunit *test)
{
	struct bell *bell = kunit_kcalloc(test, 4, sizeof(*bell), GFP_KERNEL);
	struct hvmon_vm *vm = test->priv;
	struct probe *p = probe_new(test);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, bell);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x2000, 0x10, p), 0);
	mutex_lock(&vm->lock);
	for (i = 0; i < 4; i++) {
		bell[i].dev.ops = &bell_ops;
		bell[i].value = i;
		KUNIT_EXPECT_EQ(test, hvmon_bus_add(vm, HVMON_BUS_MMIO, 0x1000 + i / 3 * 2, 8,
						    &bell[i].dev), 0);
	}
	KUNIT_EXPECT_EQ(test, hvmon_bus_add(vm, HVMON_BUS_MMIO, 0x1ffc, 8, &bell[0].dev), -EEXIST);
	KUNIT_EXPECT_EQ(test, hvmon_bus_add(vm, HVMON_BUS_MMIO, 0x200f, 1, &bell[0].dev), -EEXIST);
	mutex_unlock(&vm->lock);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1007, 1, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x1009, 1, p), -EEXIST);
	KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, 0x100a, 1, p), 0);

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 1 << i, i), 0);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 16, 1), 0);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 4, 3), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1001, 4, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x0fff, 4, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1002, 2, 3), 0);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1002, 2, 2), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, read_at(vm, 0x1000, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bell[0].calls, 1U);
	KUNIT_EXPECT_EQ(test, bell[1].calls, 2U);
	KUNIT_EXPECT_EQ(test, bell[2].calls, 1U);
	KUNIT_EXPECT_EQ(test, bell[3].calls, 1U);

	bell[0].later = true;
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 4, 0), HVMON_LATER);
	mutex_lock(&vm->lock);
	hvmon_bus_remove(vm, HVMON_BUS_MMIO, &bell[1].dev);
	mutex_unlock(&vm->lock);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 4, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, write_at(vm, 0x1000, 4, 2), 0);
}

/* The chips are where a PC has them */
static void iobus_chips(struct kunit *test)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x40, 0x43, 0x61, 0x4d0, 0x4d1 };
	struct hvmon_vm *vm = test->priv;
	u32 select = 1, data = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++)
		KUNIT_EXPECT_EQ_MSG(test, hvmon_bus_read(vm->vcpu[0], HVMON_BUS_PIO, ports[i], 1,
							 &data), 0, "port %x", ports[i]);
	KUNIT_EXPECT_EQ(test, hvmon_bus_write(vm->vcpu[0], HVMON_BUS_MMIO, 0xfec00000, 4, &select),
			0);
	KUNIT_EXPECT_EQ(test, hvmon_bus_read(vm->vcpu[0], HVMON_BUS_MMIO, 0xfec00010, 4, &data), 0);
	KUNIT_EXPECT_EQ(test, data, 0x170011U);
}

static bool may_have(struct hvmon_vm *vm, int bus, u64 addr)
{
	return hvmon_bus_may_have(vm, bus, addr);
}

/* No address of a device may look as if there were none; nor all others as if there were */
static void iobus_bits(struct kunit *test)
{
	static const struct {
		int bus;
		u64 start, last, before, after;
	} devs[] = {
		{ HVMON_BUS_PIO, 0x5ff, 0x700, 0x5ef, 0x710 },
		{ HVMON_BUS_PIO, 0xffff, 0xffff, 0xffef, 0x5000 },
		{ HVMON_BUS_MMIO, 0x201fff, 0x202100, 0x201eff, 0x202200 },
		{ HVMON_BUS_MMIO, 0x3fff80, 0x40017f, 0x3ffeff, 0x400200 },
		{ HVMON_BUS_MMIO, ~0ULL - 0x300, ~0ULL, ~0ULL - 0x400, 0x3000 },
	};
	struct hvmon_vm *vm = test->priv;
	struct probe *p;
	u64 addr;
	int i;

	for (i = 0; i < ARRAY_SIZE(devs); i++) {
		p = probe_new(test);
		KUNIT_EXPECT_EQ(test, add(vm, devs[i].bus, devs[i].start,
					  devs[i].last - devs[i].start + 1, p), 0);
		for (addr = devs[i].start; addr != devs[i].last; addr++)
			KUNIT_EXPECT_TRUE_MSG(test, may_have(vm, devs[i].bus, addr), "%llx", addr);
		KUNIT_EXPECT_TRUE(test, may_have(vm, devs[i].bus, devs[i].last));
		KUNIT_EXPECT_FALSE_MSG(test, may_have(vm, devs[i].bus, devs[i].before), "%d", i);
		KUNIT_EXPECT_FALSE_MSG(test, may_have(vm, devs[i].bus, devs[i].after), "%d", i);
		mutex_lock(&vm->lock);
		hvmon_bus_remove(vm, devs[i].bus, &p->dev);
		mutex_unlock(&vm->lock);
		KUNIT_EXPECT_TRUE(test, may_have(vm, devs[i].bus, devs[i].start));
		KUNIT_EXPECT_EQ(test, add(vm, devs[i].bus, devs[i].start, 1, p), 0);
	}
	KUNIT_EXPECT_TRUE(test, may_have(vm, HVMON_BUS_PIO, 0x20));
	KUNIT_EXPECT_FALSE(test, may_have(vm, HVMON_BUS_PIO, 0x2000));

	/* As many blocks as there are bits: all. One less: each one's */
	for (i = HVMON_MMIO_BITS - 1; i <= HVMON_MMIO_BITS; i++) {
		KUNIT_EXPECT_EQ(test, add(vm, HVMON_BUS_MMIO, (u64)i << 32, i * 256,
					  probe_new(test)), 0);
		for (addr = 0; addr < i * 256; addr += 0x80)
			KUNIT_EXPECT_TRUE(test, may_have(vm, HVMON_BUS_MMIO,
							 ((u64)i << 32) + addr));
	}
	for (addr = 0; addr < SZ_16M; addr += 0x100)
		KUNIT_EXPECT_TRUE_MSG(test, may_have(vm, HVMON_BUS_MMIO, addr), "%llx", addr);
}

static struct kunit_case iobus_cases[] = {
	KUNIT_CASE(iobus_overlap),
	KUNIT_CASE(iobus_access),
	KUNIT_CASE(iobus_remove),
	KUNIT_CASE(iobus_doorbells),
	KUNIT_CASE(iobus_chips),
	KUNIT_CASE(iobus_bits),
	{}
};

static struct kunit_suite iobus_suite = {
	.name = "hvmon-iobus",
	.init = iobus_init,
	.exit = irq_fake_exit,
	.test_cases = iobus_cases,
};

kunit_test_suite(iobus_suite);
