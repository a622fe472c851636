// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds, for devices that live elsewhere: a guest's write to an address
 * signals one (HVMON_IOEVENTFD).
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "hvmon.h"

static_assert(sizeof(struct hvmon_ioeventfd) == 32);

/* ---- a guest's write signals an eventfd ---- */

/**
 * struct ioeventfd - an address, and the eventfd that writes to it signal
 * @node: in vm->ioeventfds
 * @dev: on the bus
 * @eventfd: what is signalled
 * @bus: HVMON_BUS_*
 * @addr: the address
 * @len: of the writes that are meant; 0: any
 * @match: only those of @value
 * @value: zero-extended
 */
struct ioeventfd {
	struct list_head node;
	struct hvmon_iodev dev;
	struct eventfd_ctx *eventfd;
	int bus;
	u64 addr;
	u32 len;
	bool match;
	u64 value;
};

/*
 * Whoever waits for the eventfd is woken here, inside the section, as a device
 * of the host would do it in its interrupt handler. Only PREEMPT_RT, whose
 * wait queues have locks that sleep, has to leave it first.
 */
static int ioeventfd_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			   const void *data)
{
	struct ioeventfd *e = container_of(dev, struct ioeventfd, dev);
	u64 value = 0;

	if (e->len && len != e->len)
		return -EOPNOTSUPP;
	if (e->match) {
		memcpy(&value, data, e->len);
		if (value != e->value)
			return -EOPNOTSUPP;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && vcpu->in_section)
		return HVMON_LATER;
	hvmon_eventfd_signal(e->eventfd);
	return 0;
}

static const struct hvmon_iodev_ops ioeventfd_ops = {
	.doorbell = true,
	.write = ioeventfd_write,
};

static bool ioeventfd_valid(const struct hvmon_ioeventfd *arg)
{
	bool pio = arg->flags & HVMON_IOEVENTFD_PIO;
	u64 limit = pio ? 0x10000 : BIT_ULL(hvmon_gpa_bits());

	switch (arg->len) {
	case 0: case 1: case 2: case 4:
		break;
	case 8:
		if (!pio)
			break;
		fallthrough;
	default:
		return false;
	}
	if (arg->addr >= limit || limit - arg->addr < arg->len)
		return false;
	if (!(arg->flags & HVMON_IOEVENTFD_DATAMATCH))
		return !arg->datamatch;
	return arg->len && (arg->len == 8 || !(arg->datamatch >> (arg->len * 8)));
}

/* Could one write be meant by both? */
static bool ioeventfd_conflicts(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->bus != b->bus || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (!a->match || !b->match || a->value == b->value);
}

static bool ioeventfd_same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr && a->len == b->len &&
	       a->match == b->match && a->value == b->value;
}

static struct ioeventfd *ioeventfd_find(struct hvmon_vm *vm, const struct ioeventfd *key,
					bool (*like)(const struct ioeventfd *a,
						     const struct ioeventfd *b))
{
	struct ioeventfd *e;

	list_for_each_entry(e, &vm->ioeventfds, node)
		if (like(e, key))
			return e;
	return NULL;
}

static void ioeventfd_free(struct ioeventfd *e)
{
	eventfd_ctx_put(e->eventfd);
	kfree(e);
}

static int ioeventfd_assign(struct hvmon_vm *vm, const struct ioeventfd *key, int fd)
{
	struct ioeventfd *e;
	int r;

	if (vm->nr_ioeventfds >= HVMON_MAX_IOEVENTFDS)
		return -ENOSPC;
	if (ioeventfd_find(vm, key, ioeventfd_conflicts))
		return -EEXIST;
	e = kmalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	*e = *key;
	e->dev.ops = &ioeventfd_ops;
	e->eventfd = eventfd_ctx_fdget(fd);
	if (IS_ERR(e->eventfd)) {
		r = PTR_ERR(e->eventfd);
		kfree(e);
		return r;
	}
	r = hvmon_bus_add(vm, e->bus, e->addr, max(e->len, 1U), &e->dev);
	if (r) {
		ioeventfd_free(e);
		return r;
	}
	list_add(&e->node, &vm->ioeventfds);
	vm->nr_ioeventfds++;
	return 0;
}

static int ioeventfd_deassign(struct hvmon_vm *vm, const struct ioeventfd *key, int fd)
{
	struct ioeventfd *e = ioeventfd_find(vm, key, ioeventfd_same);
	struct eventfd_ctx *eventfd;

	if (fd != -1) {
		eventfd = eventfd_ctx_fdget(fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
		if (e && e->eventfd != eventfd)
			e = NULL;
		eventfd_ctx_put(eventfd);
	}
	if (!e)
		return -ENOENT;
	/* Waits until nobody signals it any more */
	hvmon_bus_remove(vm, e->bus, &e->dev);
	list_del(&e->node);
	vm->nr_ioeventfds--;
	ioeventfd_free(e);
	return 0;
}

/**
 * hvmon_ioeventfd() - HVMON_IOEVENTFD
 * @vm: the VM; vm->lock is held
 * @arg: the argument
 *
 * Return: 0, or -errno as the uapi header says.
 */
int hvmon_ioeventfd(struct hvmon_vm *vm, const struct hvmon_ioeventfd *arg)
{
	struct ioeventfd key = {
		.bus = arg->flags & HVMON_IOEVENTFD_PIO ? HVMON_BUS_PIO : HVMON_BUS_MMIO,
		.addr = arg->addr,
		.len = arg->len,
		.match = arg->flags & HVMON_IOEVENTFD_DATAMATCH,
		.value = arg->datamatch,
	};

	if (!ioeventfd_valid(arg))
		return -EINVAL;
	if (arg->flags & HVMON_IOEVENTFD_DEASSIGN)
		return ioeventfd_deassign(vm, &key, arg->fd);
	return ioeventfd_assign(vm, &key, arg->fd);
}

/* ---- life of a VM ---- */

/**
 * hvmon_eventfd_init() - a new VM has none
 * @vm: the VM
 */
void hvmon_eventfd_init(struct hvmon_vm *vm)
{
	INIT_LIST_HEAD(&vm->ioeventfds);
}

/**
 * hvmon_eventfd_fini() - let go of all eventfds of a VM that nobody uses
 * @vm: the VM; its buses, which still name them, are not used any more either
 */
void hvmon_eventfd_fini(struct hvmon_vm *vm)
{
	struct ioeventfd *e, *next;

	list_for_each_entry_safe(e, next, &vm->ioeventfds, node)
		ioeventfd_free(e);
}
