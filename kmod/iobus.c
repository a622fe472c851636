// SPDX-License-Identifier: GPL-2.0
/*
 * The port and memory buses: which in-kernel device has an address.
 *
 * A bus is a sorted array that is never changed: adding or removing a device
 * replaces it, under vm->lock. Accesses read it under vm->srcu.
 *
 * Ranges do not overlap, but for those of doorbells: a doorbell is meant by an
 * access that begins where its range begins, whatever its length, and several
 * may begin at one address.
 *
 * srcu_read_lock() may be used in process context, inside sections and in hard
 * interrupts alike, nested in any way: it increments a per-CPU counter by one
 * instruction, and lockdep treats it as a recursive reader.
 */
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "hvmon.h"

struct hvmon_bus_range {
	u64 start;
	u64 len;
	struct hvmon_iodev *dev;
};

struct hvmon_bus {
	u32 nr;
	struct hvmon_bus_range range[] __counted_by(nr);
};

#define PIO_SPACE	0x10000ULL

static struct hvmon_bus *bus_locked(struct hvmon_vm *vm, int bus)
{
	return rcu_dereference_protected(vm->bus[bus], lockdep_is_held(&vm->lock));
}

static struct hvmon_bus *bus_alloc(u32 nr)
{
	struct hvmon_bus *b;

	b = kvzalloc(struct_size(b, range, nr), GFP_KERNEL_ACCOUNT);
	if (b)
		b->nr = nr;
	return b;
}

/* The first range that begins after @addr */
static u32 bus_upper_bound(const struct hvmon_bus *b, u64 addr)
{
	u32 lo = 0, hi = b->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (b->range[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * The device that an access is for among those before @i: the one that has all
 * of it, because half of an access is nobody's business, or a doorbell. There
 * may be another doorbell before it.
 */
static __always_inline const struct hvmon_bus_range *
bus_match(const struct hvmon_bus *b, u32 i, u64 addr, u32 len)
{
	const struct hvmon_bus_range *r;

	if (!i || !len)
		return NULL;
	r = &b->range[i - 1];
	if (r->dev->ops->doorbell)
		return r->start == addr ? r : NULL;
	if (addr - r->start >= r->len || r->len - (addr - r->start) < len)
		return NULL;
	return r;
}

/* Publish @b, and free the old one when no access can be using it */
static void bus_replace(struct hvmon_vm *vm, int bus, struct hvmon_bus *b)
{
	struct hvmon_bus *old = bus_locked(vm, bus);

	rcu_assign_pointer(vm->bus[bus], b);
	/* Only vCPUs access a bus, and none can come while vm->lock is held */
	if (vm->nr_vcpus)
		synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
}

/* Doorbells may have bytes in common */
static bool bus_overlaps(const struct hvmon_bus *b, u64 start, u64 last,
			 const struct hvmon_iodev *dev)
{
	u32 i;

	for (i = 0; b && i < b->nr; i++) {
		const struct hvmon_bus_range *r = &b->range[i];

		if (r->start <= last && r->start + (r->len - 1) >= start &&
		    !(r->dev->ops->doorbell && dev->ops->doorbell))
			return true;
	}
	return false;
}

/* Before the device can be found: an access that sees no bit does not look for it */
static void bus_set_bits(struct hvmon_vm *vm, int bus, u64 start, u64 last)
{
	u64 first = hvmon_bus_block(bus, start), n = hvmon_bus_block(bus, last) - first + 1, i;

	if (bus == HVMON_BUS_MMIO && n >= HVMON_MMIO_BITS)
		bitmap_fill(vm->mmio_bits, HVMON_MMIO_BITS);
	else
		for (i = 0; i < n; i++)
			set_bit(hvmon_bus_bit(bus, first + i), hvmon_bus_bits(vm, bus));
}

/**
 * hvmon_bus_add() - put a device on a bus
 * @vm: whose bus; vm->lock is held
 * @bus: HVMON_BUS_PIO or HVMON_BUS_MMIO
 * @start: first address
 * @len: how many
 * @dev: the device; may have several ranges
 *
 * Return: 0, -EEXIST if the range overlaps another, -EINVAL if it is empty or
 * goes beyond the bus, -ENOMEM.
 */
int hvmon_bus_add(struct hvmon_vm *vm, int bus, u64 start, u64 len, struct hvmon_iodev *dev)
{
	struct hvmon_bus *old = bus_locked(vm, bus), *new;
	u32 nr = old ? old->nr : 0, i;
	u64 last;

	if (!len || check_add_overflow(start, len - 1, &last))
		return -EINVAL;
	if (bus == HVMON_BUS_PIO && last >= PIO_SPACE)
		return -EINVAL;

	if (bus_overlaps(old, start, last, dev))
		return -EEXIST;
	i = old ? bus_upper_bound(old, start) : 0;

	new = bus_alloc(nr + 1);
	if (!new)
		return -ENOMEM;
	if (nr) {
		memcpy(new->range, old->range, i * sizeof(new->range[0]));
		memcpy(new->range + i + 1, old->range + i, (nr - i) * sizeof(new->range[0]));
	}
	new->range[i] = (struct hvmon_bus_range) {
		.start = start,
		.len = len,
		.dev = dev,
	};
	bus_set_bits(vm, bus, start, last);
	bus_replace(vm, bus, new);
	return 0;
}

/**
 * hvmon_bus_remove() - take a device, with all its ranges, off a bus
 * @vm: whose bus; vm->lock is held
 * @bus: HVMON_BUS_PIO or HVMON_BUS_MMIO
 * @dev: the device; not being there is fine
 *
 * When it returns, no access to the device is under way, and it may be freed.
 */
void hvmon_bus_remove(struct hvmon_vm *vm, int bus, struct hvmon_iodev *dev)
{
	struct hvmon_bus *old = bus_locked(vm, bus), *new = NULL;
	u32 keep = 0, i, n = 0;

	if (!old)
		return;
	for (i = 0; i < old->nr; i++)
		keep += old->range[i].dev != dev;
	if (keep == old->nr)
		return;
	if (keep) {
		/* Small; and failing to remove is not something to recover from */
		new = kvzalloc(struct_size(new, range, keep), GFP_KERNEL | __GFP_NOFAIL);
		new->nr = keep;
		for (i = 0; i < old->nr; i++)
			if (old->range[i].dev != dev)
				new->range[n++] = old->range[i];
	}
	bus_replace(vm, bus, new);
}

/**
 * hvmon_bus_fini() - free both buses of a VM that nobody uses any more
 * @vm: the VM
 */
void hvmon_bus_fini(struct hvmon_vm *vm)
{
	int bus;

	for (bus = 0; bus < ARRAY_SIZE(vm->bus); bus++) {
		kvfree(rcu_dereference_protected(vm->bus[bus], true));
		RCU_INIT_POINTER(vm->bus[bus], NULL);
	}
}

/* hvmon_bus_read(), of an address whose block may have a device */
int hvmon_bus_search_read(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len, void *data)
{
	struct hvmon_vm *vm = vcpu->vm;
	const struct hvmon_bus_range *r;
	const struct hvmon_bus *b;
	int idx, ret = -EOPNOTSUPP;

	idx = srcu_read_lock(&vm->srcu);
	b = srcu_dereference(vm->bus[bus], &vm->srcu);
	r = b ? bus_match(b, bus_upper_bound(b, addr), addr, len) : NULL;
	if (r && r->dev->ops->read)
		ret = r->dev->ops->read(r->dev, vcpu, addr - r->start, len, data);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/* hvmon_bus_write(), of an address whose block may have a device */
int hvmon_bus_search_write(struct hvmon_vcpu *vcpu, int bus, u64 addr, u32 len,
			   const void *data)
{
	struct hvmon_vm *vm = vcpu->vm;
	const struct hvmon_bus_range *r;
	const struct hvmon_bus *b;
	int idx, ret = -EOPNOTSUPP;
	u32 i;

	idx = srcu_read_lock(&vm->srcu);
	b = srcu_dereference(vm->bus[bus], &vm->srcu);
	i = b ? bus_upper_bound(b, addr) : 0;
	for (; ret == -EOPNOTSUPP && (r = bus_match(b, i, addr, len)); i--)
		if (r->dev->ops->write)
			ret = r->dev->ops->write(r->dev, vcpu, addr - r->start, len, data);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}
