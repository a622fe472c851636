// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds, for devices that live elsewhere: a guest's write to an address
 * signals one (HVMON_IOEVENTFD), and one that is signalled interrupts the guest
 * (HVMON_IRQFD).
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "irqchip.h"

static_assert(sizeof(struct hvmon_ioeventfd) == 32);
static_assert(sizeof(struct hvmon_irqfd) == 24);

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
 * @lazy: who is woken does not take the vCPU's processor at once
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
	bool lazy;
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
	bool wanted;

	if (e->len && len != e->len)
		return -EOPNOTSUPP;
	if (e->match) {
		memcpy(&value, data, e->len);
		if (value != e->value)
			return -EOPNOTSUPP;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && vcpu->in_section)
		return HVMON_LATER;
	wanted = !e->lazy || hvmon_need_resched();
	hvmon_eventfd_signal(e->eventfd);
	if (!wanted && hvmon_need_resched())
		hvmon_defer_resched(vcpu);
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
		.lazy = arg->flags & HVMON_IOEVENTFD_LAZY,
	};

	if (!ioeventfd_valid(arg))
		return -EINVAL;
	if (arg->flags & HVMON_IOEVENTFD_DEASSIGN)
		return ioeventfd_deassign(vm, &key, arg->fd);
	return ioeventfd_assign(vm, &key, arg->fd);
}

/* ---- an eventfd interrupts the guest ---- */

/**
 * struct irqfd - an eventfd, and the GSI that it raises
 * @node: in vm->irqfds
 * @vm: the VM
 * @gsi: the GSI
 * @eventfd: what raises it
 * @resample: what is signalled at the EOI, or NULL
 * @hold: keeps the GSI asserted until then, if there is a @resample
 * @wait: in the queue of those who wait for @eventfd
 * @queue: that queue
 * @gone: nobody can signal @eventfd any more
 */
struct irqfd {
	struct list_head node;
	struct hvmon_vm *vm;
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resample;
	struct hvmon_irq_hold hold;
	wait_queue_entry_t wait;
	wait_queue_head_t *queue;
	bool gone;
};

static void irqfd_raise(struct irqfd *f)
{
	if (f->resample)
		hvmon_irq_hold(f->vm, &f->hold);
	else
		hvmon_irq_pulse(f->vm, f->gsi);
}

/*
 * Somebody has signalled the eventfd, in whatever context, and holds the
 * queue's lock. What was added is taken, so that the counter never gets full.
 */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *f = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(f->eventfd, &count);
		irqfd_raise(f);
	}
	/* The last fd was closed; removal needs the lock that we are called with */
	if (events & EPOLLHUP) {
		WRITE_ONCE(f->gone, true);
		schedule_work(&f->vm->irqfd_reap);
	}
	return 0;
}

struct irqfd_poll {
	poll_table table;
	struct irqfd *f;
};

static void irqfd_queue(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct irqfd *f = container_of(table, struct irqfd_poll, table)->f;

	f->queue = queue;
	add_wait_queue(queue, &f->wait);
}

/* From here on the eventfd interrupts; it does so now if it was signalled before */
static void irqfd_start(struct irqfd *f, struct file *file)
{
	struct irqfd_poll poll = { .f = f };
	u64 count;

	init_waitqueue_func_entry(&f->wait, irqfd_wake);
	init_poll_funcptr(&poll.table, irqfd_queue);
	vfs_poll(file, &poll.table);

	spin_lock_irq(&f->queue->lock);
	eventfd_ctx_do_read(f->eventfd, &count);
	spin_unlock_irq(&f->queue->lock);
	if (count)
		irqfd_raise(f);
}

static void irqfd_free(struct irqfd *f)
{
	if (!IS_ERR_OR_NULL(f->resample))
		eventfd_ctx_put(f->resample);
	if (!IS_ERR_OR_NULL(f->eventfd))
		eventfd_ctx_put(f->eventfd);
	kfree(f);
}

/* When it returns, neither eventfd is used any more */
static void irqfd_end(struct hvmon_vm *vm, struct irqfd *f)
{
	/* Waits for irqfd_wake(), which runs under the queue's lock */
	remove_wait_queue(f->queue, &f->wait);
	if (f->resample) {
		hvmon_irq_hold_del(vm->irqs, &f->hold);
		synchronize_srcu_expedited(&vm->irqs->srcu);
	}
	list_del(&f->node);
	vm->nr_irqfds--;
	irqfd_free(f);
}

static struct irqfd *irqfd_find(struct hvmon_vm *vm, const struct eventfd_ctx *eventfd)
{
	struct irqfd *f;

	list_for_each_entry(f, &vm->irqfds, node)
		if (f->eventfd == eventfd)
			return f;
	return NULL;
}

static struct irqfd *irqfd_new(struct hvmon_vm *vm, const struct hvmon_irqfd *arg,
			       struct file *file)
{
	struct irqfd *f;
	int r = 0;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->vm = vm;
	f->gsi = arg->gsi;
	f->hold.gsi = arg->gsi;
	f->eventfd = eventfd_ctx_fileget(file);
	if (arg->flags & HVMON_IRQFD_RESAMPLE)
		f->resample = eventfd_ctx_fdget(arg->resample_fd);
	if (IS_ERR(f->eventfd))
		r = PTR_ERR(f->eventfd);
	else if (IS_ERR(f->resample))
		r = PTR_ERR(f->resample);
	else if (f->resample == f->eventfd)
		r = -EINVAL;
	else if (irqfd_find(vm, f->eventfd))
		r = -EEXIST;
	if (r) {
		irqfd_free(f);
		return ERR_PTR(r);
	}
	return f;
}

static int irqfd_assign(struct hvmon_vm *vm, const struct hvmon_irqfd *arg)
{
	struct file *file;
	struct irqfd *f;

	if (vm->nr_irqfds >= HVMON_MAX_IRQFDS)
		return -ENOSPC;
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	f = irqfd_new(vm, arg, file);
	if (IS_ERR(f)) {
		fput(file);
		return PTR_ERR(f);
	}
	list_add(&f->node, &vm->irqfds);
	vm->nr_irqfds++;
	if (f->resample)
		hvmon_irq_hold_add(vm->irqs, &f->hold);
	irqfd_start(f, file);
	fput(file);
	return 0;
}

static int irqfd_deassign(struct hvmon_vm *vm, const struct hvmon_irqfd *arg)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(arg->fd);
	struct irqfd *f;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	f = irqfd_find(vm, eventfd);
	eventfd_ctx_put(eventfd);
	if (!f || f->gsi != arg->gsi)
		return -ENOENT;
	irqfd_end(vm, f);
	return 0;
}

/* Ends those whose eventfds have gone */
static void irqfd_reap(struct work_struct *work)
{
	struct hvmon_vm *vm = container_of(work, struct hvmon_vm, irqfd_reap);
	struct irqfd *f, *next;

	mutex_lock(&vm->lock);
	list_for_each_entry_safe(f, next, &vm->irqfds, node)
		if (READ_ONCE(f->gone))
			irqfd_end(vm, f);
	mutex_unlock(&vm->lock);
}

/**
 * hvmon_irqfd() - HVMON_IRQFD
 * @vm: the VM; vm->lock is held
 * @arg: the argument
 *
 * Return: 0, or -errno as the uapi header says.
 */
int hvmon_irqfd(struct hvmon_vm *vm, const struct hvmon_irqfd *arg)
{
	if (arg->reserved || arg->gsi >= HVMON_MAX_ROUTES)
		return -EINVAL;
	if (!(arg->flags & HVMON_IRQFD_RESAMPLE) && arg->resample_fd)
		return -EINVAL;
	if (arg->flags == (HVMON_IRQFD_RESAMPLE | HVMON_IRQFD_DEASSIGN))
		return -EINVAL;
	if (!vm->irqs)
		return -ENOENT;
	if (arg->flags & HVMON_IRQFD_DEASSIGN)
		return irqfd_deassign(vm, arg);
	return irqfd_assign(vm, arg);
}

/**
 * hvmon_irqfd_resample() - signal the resample eventfds that an EOI has made due
 * @vcpu: whose EOI it was, perhaps
 *
 * No lock is held. Inside a section on PREEMPT_RT it is left for its end.
 */
void hvmon_irqfd_resample(struct hvmon_vcpu *vcpu)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	struct hvmon_irq_hold *h;
	int idx;

	if (!READ_ONCE(irqs->hold_due))
		return;
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && vcpu->in_section) {
		hvmon_request(vcpu, HVMON_REQ_RESAMPLE);
		return;
	}
	/* Pairs with the release of hvmon_irq_pin_eoi(), whose caller comes here too */
	if (!xchg(&irqs->hold_due, false))
		return;
	idx = srcu_read_lock(&irqs->srcu);
	list_for_each_entry_srcu(h, &irqs->holds, node, srcu_read_lock_held(&irqs->srcu))
		if (READ_ONCE(h->due) && xchg(&h->due, false))
			hvmon_eventfd_signal(container_of(h, struct irqfd, hold)->resample);
	srcu_read_unlock(&irqs->srcu, idx);
}

/* ---- life of a VM ---- */

/**
 * hvmon_eventfd_init() - a new VM has none
 * @vm: the VM
 */
void hvmon_eventfd_init(struct hvmon_vm *vm)
{
	INIT_LIST_HEAD(&vm->ioeventfds);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_WORK(&vm->irqfd_reap, irqfd_reap);
}

/**
 * hvmon_eventfd_fini() - let go of all eventfds of a VM that nobody uses
 * @vm: the VM; its buses, which still name them, are not used any more either.
 *      Its interrupt controllers and vCPUs are still there
 */
void hvmon_eventfd_fini(struct hvmon_vm *vm)
{
	struct ioeventfd *e, *next_e;
	struct irqfd *f, *next_f;

	list_for_each_entry_safe(e, next_e, &vm->ioeventfds, node)
		ioeventfd_free(e);
	/* The lock is for irqfd_reap(), which nobody can wake after this */
	mutex_lock(&vm->lock);
	list_for_each_entry_safe(f, next_f, &vm->irqfds, node)
		irqfd_end(vm, f);
	mutex_unlock(&vm->lock);
	cancel_work_sync(&vm->irqfd_reap);
}
