// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt routes, delivery of messages to LAPICs, and what a vCPU asks its
 * controllers for before an entry.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/srcu.h>

#include "irqchip.h"
#include "lapic.h"

#define PIC_PINS	16

static_assert(sizeof(struct hvmon_pic_state) == 16);
static_assert(sizeof(struct hvmon_ioapic_state) == 208);
static_assert(sizeof(struct hvmon_pit_channel) == 24);
static_assert(sizeof(struct hvmon_pit_state) == 80);
static_assert(sizeof(struct hvmon_irqchip) == 528);
static_assert(sizeof(struct hvmon_irq_route) == 24);

/* ---- messages ---- */

/* The MSI address: SDM vol. 3, 11.11.1 */
#define MSI_BASE	0xfee00000U
#define MSI_BASE_MASK	0xfff00000U
#define MSI_DEST(a)	(((u32)(a) >> 12) & 0xff)
#define MSI_REDIRECT	BIT(3)
#define MSI_LOGICAL	BIT(2)
/* Bits 31:8 of the destination, as IOMMUs with x2APIC support have them */
#define MSI_EXT_DEST(a)	((u32)((a) >> 40) << 8)
#define MSI_RESERVED	0x000000ff00000000ULL

/* ... and its data: 11.11.2 */
#define MSI_MODE(d)	(((d) >> 8) & 7)
#define MSI_ASSERT	BIT(14)
#define MSI_LEVEL	BIT(15)

/**
 * hvmon_msi_decode() - what a write to an MSI address means
 * @addr: address
 * @data: data
 * @msg: out
 *
 * Return: 0, or -EINVAL for an address that is no MSI's.
 */
int hvmon_msi_decode(u64 addr, u32 data, struct hvmon_irq_msg *msg)
{
	if ((addr & MSI_BASE_MASK) != MSI_BASE || (addr & MSI_RESERVED))
		return -EINVAL;
	*msg = (struct hvmon_irq_msg) {
		.dest = MSI_EXT_DEST(addr) | MSI_DEST(addr),
		.logical = addr & MSI_LOGICAL,
		.mode = MSI_MODE(data),
		.vector = (u8)data,
		.level = data & MSI_LEVEL,
		.assert = (data & MSI_ASSERT) || !(data & MSI_LEVEL),
		.x2apic_dest = MSI_EXT_DEST(addr) != 0,
	};
	/* With the hint, one of the processors named is to take it */
	if ((addr & MSI_REDIRECT) && msg->logical && msg->mode == HVMON_DM_FIXED)
		msg->mode = HVMON_DM_LOWEST;
	return 0;
}

/* Is @l among those that @msg is for? */
static bool msg_reaches(const struct hvmon_lapic *l, const struct hvmon_lapic *src,
			const struct hvmon_irq_msg *msg)
{
	switch (msg->shorthand) {
	case 1:
		return l == src;
	case 2:
		return hvmon_lapic_enabled(l);
	case 3:
		return l != src && hvmon_lapic_enabled(l);
	}
	return hvmon_lapic_match(l, msg);
}

/*
 * Lowest priority: SDM vol. 3, 11.6.2.4. Of equals each gets its turn. The
 * priorities move while we look: any answer was right at some moment.
 */
static int deliver_lowest(struct hvmon_vm *vm, struct hvmon_lapic *src,
			  const struct hvmon_irq_msg *msg)
{
	u32 first = vm->irqs ? READ_ONCE(vm->irqs->arb) : 0, i, id;
	struct hvmon_lapic *best = NULL;
	struct hvmon_vcpu *vcpu;

	for (i = 0; i < HVMON_MAX_VCPUS; i++) {
		id = (first + i) % HVMON_MAX_VCPUS;
		vcpu = hvmon_vcpu_by_id(vm, id);
		if (!vcpu || !vcpu->lapic || !msg_reaches(vcpu->lapic, src, msg))
			continue;
		if (!hvmon_lapic_sw_enabled(vcpu->lapic))
			continue;
		if (!best || READ_ONCE(vcpu->lapic->ppr) >> 4 < READ_ONCE(best->ppr) >> 4)
			best = vcpu->lapic;
	}
	if (!best)
		return 0;
	if (vm->irqs)
		WRITE_ONCE(vm->irqs->arb, (best->vcpu->id + 1) % HVMON_MAX_VCPUS);
	return hvmon_lapic_accept(best, msg);
}

/**
 * hvmon_irq_deliver() - send a message to the LAPICs that it names
 * @vm: the VM
 * @src: the sender, for shorthands; may be NULL
 * @msg: the message
 *
 * Any context but NMI; takes no lock.
 *
 * Return: how many vCPUs accepted it.
 */
int hvmon_irq_deliver(struct hvmon_vm *vm, struct hvmon_lapic *src,
		      const struct hvmon_irq_msg *msg)
{
	struct hvmon_vcpu *vcpu;
	int n = 0;

	/* INIT level de-assert only concerned the arbitration of old busses */
	if (msg->level && !msg->assert)
		return 0;
	if (msg->shorthand == 1)
		return src ? hvmon_lapic_accept(src, msg) : 0;
	if (msg->mode == HVMON_DM_LOWEST)
		return deliver_lowest(vm, src, msg);

	/* The common case: an APIC ID, which is the vCPU's number */
	if (!msg->shorthand && !msg->logical && msg->dest < HVMON_MAX_VCPUS &&
	    !(vm->irqs && READ_ONCE(vm->irqs->ids_moved))) {
		vcpu = hvmon_vcpu_by_id(vm, msg->dest);
		if (!vcpu || !vcpu->lapic || !hvmon_lapic_enabled(vcpu->lapic))
			return 0;
		return hvmon_lapic_accept(vcpu->lapic, msg);
	}
	hvmon_for_each_vcpu(vcpu, vm)
		if (vcpu->lapic && msg_reaches(vcpu->lapic, src, msg))
			n += hvmon_lapic_accept(vcpu->lapic, msg);
	return n;
}

/**
 * hvmon_msi_send() - deliver a message-signalled interrupt
 * @vm: the VM
 * @addr: address
 * @data: data
 *
 * Any context but NMI.
 *
 * Return: how many vCPUs accepted it, or -EINVAL for an address that is none.
 */
int hvmon_msi_send(struct hvmon_vm *vm, u64 addr, u32 data)
{
	struct hvmon_irq_msg msg;

	if (hvmon_msi_decode(addr, data, &msg))
		return -EINVAL;
	return hvmon_irq_deliver(vm, NULL, &msg);
}

/**
 * hvmon_irq_eoi() - a level-triggered vector was acknowledged by a LAPIC
 * @vcpu: the LAPIC's
 * @vector: the vector
 */
void hvmon_irq_eoi(struct hvmon_vcpu *vcpu, u8 vector)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	unsigned long flags;

	if (!irqs)
		return;
	raw_spin_lock_irqsave(&irqs->lock, flags);
	hvmon_ioapic_eoi(irqs, vector);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	hvmon_irqfd_resample(vcpu);
}

/* ---- routes ---- */

static int route_cmp(const void *a, const void *b)
{
	const struct hvmon_irq_route *x = a, *y = b;

	return x->gsi < y->gsi ? -1 : x->gsi > y->gsi;
}

static int route_check(const struct hvmon_irq_route *r)
{
	struct hvmon_irq_msg msg;

	if (r->gsi >= HVMON_MAX_ROUTES)
		return -EINVAL;
	switch (r->type) {
	case HVMON_ROUTE_PIC:
		return r->pin < PIC_PINS && !r->addr && !r->data ? 0 : -EINVAL;
	case HVMON_ROUTE_IOAPIC:
		return r->pin < HVMON_IOAPIC_PINS && !r->addr && !r->data ? 0 : -EINVAL;
	case HVMON_ROUTE_MSI:
		return r->pin ? -EINVAL : hvmon_msi_decode(r->addr, r->data, &msg);
	}
	return -EINVAL;
}

/**
 * hvmon_routes_build() - check routes and make a table of them
 * @r: the routes
 * @n: how many, at most HVMON_MAX_ROUTES
 *
 * Return: the table, to be freed by kvfree(), or an ERR_PTR().
 */
struct hvmon_routes *hvmon_routes_build(const struct hvmon_irq_route *r, u32 n)
{
	struct hvmon_routes *t;
	u32 i;
	int ret;

	if (n > HVMON_MAX_ROUTES)
		return ERR_PTR(-E2BIG);
	for (i = 0; i < n; i++) {
		ret = route_check(&r[i]);
		if (ret)
			return ERR_PTR(ret);
	}
	t = kvzalloc(struct_size(t, route, n), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->nr = n;
	for (i = 0; i < n; i++) {
		t->route[i] = r[i];
		if (r[i].type != HVMON_ROUTE_MSI)
			t->users[r[i].type][r[i].pin]++;
	}
	sort(t->route, n, sizeof(t->route[0]), route_cmp, NULL);
	return t;
}

/**
 * hvmon_routes_find() - the routes of a GSI
 * @t: the table
 * @gsi: the GSI
 * @first: out: index of the first
 * @end: out: index after the last
 *
 * Return: true if there is any.
 */
bool hvmon_routes_find(const struct hvmon_routes *t, u32 gsi, u32 *first, u32 *end)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->route[mid].gsi < gsi)
			lo = mid + 1;
		else
			hi = mid;
	}
	*first = lo;
	while (lo < t->nr && t->route[lo].gsi == gsi)
		lo++;
	*end = lo;
	return *end > *first;
}

/* A GSI is asserted by the launcher, and by each source that holds it */
static bool gsi_level(const struct hvmon_irqs *irqs, u32 gsi)
{
	const struct hvmon_irq_hold *h;

	if (test_bit(gsi, irqs->level))
		return true;
	list_for_each_entry(h, &irqs->holds, node)
		if (h->gsi == gsi && h->asserted)
			return true;
	return false;
}

/* A pin is asserted while any of the GSIs that lead to it is: a wired OR */
static bool pin_level(const struct hvmon_irqs *irqs, const struct hvmon_routes *t, u32 type,
		      u32 pin)
{
	u32 i;

	for (i = 0; i < t->nr; i++)
		if (t->route[i].type == type && t->route[i].pin == pin &&
		    gsi_level(irqs, t->route[i].gsi))
			return true;
	return false;
}

static void set_pin(struct hvmon_irqs *irqs, u32 type, u32 pin, bool level)
{
	if (type == HVMON_ROUTE_PIC) {
		hvmon_pic_set_pin(&irqs->pic, pin, level);
		hvmon_pic_sync(irqs);
	} else {
		hvmon_ioapic_set_pin(irqs, pin, level);
	}
}

static struct hvmon_routes *routes_locked(struct hvmon_irqs *irqs)
{
	return rcu_dereference_protected(irqs->routes, lockdep_is_held(&irqs->lock));
}

/* What becomes of a GSI: the launcher's level, one that is gone at once, one until EOI */
enum gsi_change { GSI_LOW, GSI_HIGH, GSI_PULSE, GSI_HOLD };

/* The pins follow the GSI's level, which has perhaps been high for a moment */
static void update_gsi(struct hvmon_irqs *irqs, u32 gsi, bool pulse)
{
	struct hvmon_routes *t = routes_locked(irqs);
	u32 i, end;
	bool level;

	hvmon_routes_find(t, gsi, &i, &end);
	for (; i < end; i++) {
		const struct hvmon_irq_route *r = &t->route[i];

		if (r->type == HVMON_ROUTE_MSI)
			continue;
		if (pulse)
			set_pin(irqs, r->type, r->pin, true);
		if (t->users[r->type][r->pin] > 1)
			level = pin_level(irqs, t, r->type, r->pin);
		else
			level = gsi_level(irqs, gsi);
		set_pin(irqs, r->type, r->pin, level);
	}
}

static bool any_pin(const struct hvmon_routes *t, u32 i, u32 end)
{
	for (; i < end; i++)
		if (t->route[i].type != HVMON_ROUTE_MSI)
			return true;
	return false;
}

/*
 * Pins and messages by one table: between two, a GSI that goes from a pin to a
 * message would be neither.
 */
static int change_gsi(struct hvmon_vm *vm, u32 gsi, enum gsi_change change,
		      struct hvmon_irq_hold *hold)
{
	struct hvmon_irqs *irqs = smp_load_acquire(&vm->irqs);	/* irqchip_create() */
	const struct hvmon_routes *t;
	unsigned long flags;
	u32 first, i, end;
	bool found;
	int idx;

	if (!irqs || gsi >= HVMON_MAX_ROUTES)
		return -ENOENT;
	idx = srcu_read_lock(&irqs->srcu);
again:
	t = srcu_dereference(irqs->routes, &irqs->srcu);
	found = hvmon_routes_find(t, gsi, &first, &end);
	if (hold || any_pin(t, first, end)) {
		raw_spin_lock_irqsave(&irqs->lock, flags);
		if (routes_locked(irqs) != t) {
			raw_spin_unlock_irqrestore(&irqs->lock, flags);
			goto again;
		}
		if (hold)
			hold->asserted = true;
		else if (change != GSI_PULSE)
			__assign_bit(gsi, irqs->level, change == GSI_HIGH);
		update_gsi(irqs, gsi, change == GSI_PULSE);
		raw_spin_unlock_irqrestore(&irqs->lock, flags);
	}
	for (i = first; change != GSI_LOW && i < end; i++)
		if (t->route[i].type == HVMON_ROUTE_MSI)
			hvmon_msi_send(vm, t->route[i].addr, t->route[i].data);
	srcu_read_unlock(&irqs->srcu, idx);
	return found ? 0 : -ENOENT;
}

/**
 * hvmon_irq_line() - set the level of an interrupt line
 * @vm: the VM
 * @gsi: the line
 * @level: 0 or 1; for an MSI route 1 sends the message
 *
 * Any context but NMI: raw spinlocks and SRCU only.
 *
 * Return: 0, or -ENOENT if no route has the GSI.
 */
int hvmon_irq_line(struct hvmon_vm *vm, u32 gsi, int level)
{
	return change_gsi(vm, gsi, level ? GSI_HIGH : GSI_LOW, NULL);
}

/**
 * hvmon_irq_pulse() - an edge on a GSI: a message, or a pin high and low again
 * @vm: the VM
 * @gsi: the GSI; without a route nothing happens
 *
 * A pin that another source asserts stays high: it has no edge. Any context
 * but NMI.
 */
void hvmon_irq_pulse(struct hvmon_vm *vm, u32 gsi)
{
	change_gsi(vm, gsi, GSI_PULSE, NULL);
}

/**
 * hvmon_irq_hold() - assert a GSI until the EOI of one of its pins
 * @vm: the VM
 * @h: who does; it is in hvmon_irqs.holds
 *
 * A message of the GSI is sent. Any context but NMI.
 */
void hvmon_irq_hold(struct hvmon_vm *vm, struct hvmon_irq_hold *h)
{
	change_gsi(vm, h->gsi, GSI_HOLD, h);
}

/**
 * hvmon_irq_hold_add() - a new source, which asserts nothing
 * @irqs: the controllers
 * @h: the source
 */
void hvmon_irq_hold_add(struct hvmon_irqs *irqs, struct hvmon_irq_hold *h)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	list_add_rcu(&h->node, &irqs->holds);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
}

/**
 * hvmon_irq_hold_del() - a source that asserts nothing any more
 * @irqs: the controllers
 * @h: the source; readers of hvmon_irqs.holds may use it until they are done
 */
void hvmon_irq_hold_del(struct hvmon_irqs *irqs, struct hvmon_irq_hold *h)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	list_del_rcu(&h->node);
	if (h->asserted)
		update_gsi(irqs, h->gsi, false);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
}

static bool leads_to(const struct hvmon_routes *t, u32 gsi, u32 type, u32 pin)
{
	u32 i, end;

	hvmon_routes_find(t, gsi, &i, &end);
	for (; i < end; i++)
		if (t->route[i].type == type && t->route[i].pin == pin)
			return true;
	return false;
}

/**
 * hvmon_irq_pin_eoi() - the guest has served a pin: who held it lets go
 * @irqs: the controllers; their lock is held
 * @type: HVMON_ROUTE_PIC or HVMON_ROUTE_IOAPIC
 * @pin: the pin
 *
 * All at once, whoever it was that interrupted. They are told when the lock has
 * been dropped: hvmon_irqfd_resample().
 */
void hvmon_irq_pin_eoi(struct hvmon_irqs *irqs, u32 type, u32 pin)
{
	const struct hvmon_routes *t;
	struct hvmon_irq_hold *h;
	bool any = false;

	if (list_empty(&irqs->holds))
		return;
	t = routes_locked(irqs);
	list_for_each_entry(h, &irqs->holds, node) {
		if (!h->asserted || !leads_to(t, h->gsi, type, pin))
			continue;
		h->asserted = false;
		WRITE_ONCE(h->due, true);
		any = true;
	}
	if (!any)
		return;
	list_for_each_entry(h, &irqs->holds, node)
		if (h->due)
			update_gsi(irqs, h->gsi, false);
	/* Pairs with the xchg() of hvmon_irqfd_resample() */
	smp_store_release(&irqs->hold_due, true);
}

/**
 * hvmon_irq_routes_set() - replace the whole route table
 * @vm: the VM; vm->lock is held
 * @r: the routes
 * @n: how many
 *
 * Pins take the level that the lines which now lead to them have. When it
 * returns, no interrupt is on its way through the old table any more.
 *
 * Return: 0, -ENOENT without an irqchip, -EINVAL, -E2BIG, -ENOMEM.
 */
int hvmon_irq_routes_set(struct hvmon_vm *vm, const struct hvmon_irq_route *r, u32 n)
{
	struct hvmon_irqs *irqs = vm->irqs;
	struct hvmon_routes *t, *old;
	unsigned long flags;
	u32 i;

	if (!irqs)
		return -ENOENT;
	t = hvmon_routes_build(r, n);
	if (IS_ERR(t))
		return PTR_ERR(t);

	raw_spin_lock_irqsave(&irqs->lock, flags);
	old = routes_locked(irqs);
	rcu_assign_pointer(irqs->routes, t);
	/* Pins that lost a source first, then those that have one */
	for (i = 0; i < old->nr; i++)
		if (old->route[i].type != HVMON_ROUTE_MSI &&
		    gsi_level(irqs, old->route[i].gsi) &&
		    !pin_level(irqs, t, old->route[i].type, old->route[i].pin))
			set_pin(irqs, old->route[i].type, old->route[i].pin, false);
	for (i = 0; i < n; i++)
		if (t->route[i].type != HVMON_ROUTE_MSI &&
		    gsi_level(irqs, t->route[i].gsi))
			set_pin(irqs, t->route[i].type, t->route[i].pin, true);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	synchronize_srcu_expedited(&irqs->srcu);
	kvfree(old);
	return 0;
}

/* GSI 0-15 to the PICs and the IOAPIC (0 to pin 2), 16-23 to the IOAPIC */
static struct hvmon_routes *routes_default(void)
{
	struct hvmon_irq_route *r;
	struct hvmon_routes *t;
	u32 gsi, n = 0;

	r = kcalloc(PIC_PINS + HVMON_IOAPIC_PINS, sizeof(*r), GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	for (gsi = 0; gsi < HVMON_IOAPIC_PINS; gsi++) {
		if (gsi < PIC_PINS)
			r[n++] = (struct hvmon_irq_route) {
				.gsi = gsi, .type = HVMON_ROUTE_PIC, .pin = gsi,
			};
		/* The timer has IOAPIC pin 2, and nothing can use GSI 2 */
		if (gsi != 2)
			r[n++] = (struct hvmon_irq_route) {
				.gsi = gsi, .type = HVMON_ROUTE_IOAPIC, .pin = gsi ? gsi : 2,
			};
	}
	t = hvmon_routes_build(r, n);
	kfree(r);
	return t;
}

/* ---- HVMON_IRQCHIP_* ---- */

static void irqs_unplug(struct hvmon_vm *vm, struct hvmon_irqs *irqs)
{
	if (irqs->pit) {
		hvmon_bus_remove(vm, HVMON_BUS_PIO, &irqs->pit->speaker);
		hvmon_bus_remove(vm, HVMON_BUS_PIO, &irqs->pit->ports);
	}
	hvmon_bus_remove(vm, HVMON_BUS_MMIO, &irqs->ioapic_page);
	hvmon_bus_remove(vm, HVMON_BUS_PIO, &irqs->elcr);
	hvmon_bus_remove(vm, HVMON_BUS_PIO, &irqs->pic_slave);
	hvmon_bus_remove(vm, HVMON_BUS_PIO, &irqs->pic_master);
}

static void irqs_free(struct hvmon_irqs *irqs)
{
	hvmon_pit_free(irqs->pit);
	kvfree(rcu_dereference_protected(irqs->routes, true));
	cleanup_srcu_struct(&irqs->srcu);
	kfree(irqs);
}

/**
 * hvmon_irqchip_create() - HVMON_IRQCHIP_CREATE
 * @vm: the VM; vm->lock is held
 * @flags: HVMON_IRQCHIP_*
 *
 * Return: 0, -EINVAL, -EEXIST, -EBUSY after the first vCPU, -ENOMEM.
 */
int hvmon_irqchip_create(struct hvmon_vm *vm, u32 flags)
{
	struct hvmon_irqs *irqs;
	struct hvmon_routes *t;
	int ret;

	if (flags & ~HVMON_IRQCHIP_PIT)
		return -EINVAL;
	if (vm->irqs)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EBUSY;

	irqs = kzalloc(sizeof(*irqs), GFP_KERNEL_ACCOUNT);
	if (!irqs)
		return -ENOMEM;
	irqs->vm = vm;
	raw_spin_lock_init(&irqs->lock);
	INIT_LIST_HEAD(&irqs->holds);
	ret = init_srcu_struct(&irqs->srcu);
	if (ret) {
		kfree(irqs);
		return ret;
	}
	t = routes_default();
	if (IS_ERR(t)) {
		ret = PTR_ERR(t);
		goto err_free;
	}
	RCU_INIT_POINTER(irqs->routes, t);

	ret = hvmon_pic_create(irqs);
	if (!ret)
		ret = hvmon_ioapic_create(irqs);
	if (!ret && (flags & HVMON_IRQCHIP_PIT))
		ret = hvmon_pit_create(irqs);
	if (ret)
		goto err_unplug;
	/* Pairs with the acquire of those who raise lines without vm->lock */
	smp_store_release(&vm->irqs, irqs);
	return 0;

err_unplug:
	irqs_unplug(vm, irqs);
err_free:
	irqs_free(irqs);
	return ret;
}

/**
 * hvmon_irqchip_fini() - free the controllers of a VM that nobody uses
 * @vm: the VM; its buses, which still name them, are not used any more either
 */
void hvmon_irqchip_fini(struct hvmon_vm *vm)
{
	struct hvmon_irqs *irqs = vm->irqs;

	if (!irqs)
		return;
	/* The PIT first, whose timer uses the others through vm->irqs */
	hvmon_pit_free(irqs->pit);
	irqs->pit = NULL;
	vm->irqs = NULL;
	irqs_free(irqs);
}

/**
 * hvmon_irqchip_get() - HVMON_IRQCHIP_GET
 * @vm: the VM; vm->lock is held
 * @arg: the argument; its state is zero on entry
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
int hvmon_irqchip_get(struct hvmon_vm *vm, struct hvmon_irqchip *arg)
{
	struct hvmon_irqs *irqs = vm->irqs;
	unsigned long flags;

	if (arg->chip > HVMON_CHIP_PIT)
		return -EINVAL;
	if (!irqs || (arg->chip == HVMON_CHIP_PIT && !irqs->pit))
		return -ENOENT;
	if (arg->chip == HVMON_CHIP_PIT) {
		hvmon_pit_get_state(irqs->pit, &arg->state.pit);
		return 0;
	}
	raw_spin_lock_irqsave(&irqs->lock, flags);
	if (arg->chip == HVMON_CHIP_IOAPIC)
		arg->state.ioapic = irqs->ioapic;
	else
		arg->state.pic = irqs->pic.chip[arg->chip];
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return 0;
}

/*
 * A level that was loaded is that of those who can let go of it at the EOI, and
 * look then whether it is true.
 */
static bool give_to_holds(struct hvmon_irqs *irqs, u32 gsi, bool level)
{
	struct hvmon_irq_hold *h;
	bool any = false;

	list_for_each_entry(h, &irqs->holds, node) {
		if (h->gsi != gsi)
			continue;
		h->asserted = level;
		any = true;
	}
	return any;
}

/* Lines whose pins were loaded have their pins' level from now on */
static void levels_from_pins(struct hvmon_irqs *irqs, u32 type, u32 first, u32 nr, u32 lines)
{
	const struct hvmon_routes *t = routes_locked(irqs);
	bool level;
	u32 i;

	for (i = 0; i < t->nr; i++) {
		const struct hvmon_irq_route *r = &t->route[i];

		if (r->type != type || r->pin < first || r->pin >= first + nr)
			continue;
		level = lines & BIT(r->pin - first);
		if (give_to_holds(irqs, r->gsi, level))
			level = false;
		__assign_bit(r->gsi, irqs->level, level);
	}
}

static int chip_check(const struct hvmon_irqchip *arg)
{
	size_t len;
	int ret;

	switch (arg->chip) {
	case HVMON_CHIP_PIC_MASTER:
	case HVMON_CHIP_PIC_SLAVE:
		len = sizeof(arg->state.pic);
		ret = hvmon_pic_check(arg->chip, &arg->state.pic);
		break;
	case HVMON_CHIP_IOAPIC:
		len = sizeof(arg->state.ioapic);
		ret = hvmon_ioapic_check(&arg->state.ioapic);
		break;
	case HVMON_CHIP_PIT:
		len = sizeof(arg->state.pit);
		ret = hvmon_pit_check(&arg->state.pit);
		break;
	default:
		return -EINVAL;
	}
	if (!ret && memchr_inv(arg->state.pad + len, 0, sizeof(arg->state.pad) - len))
		ret = -EINVAL;
	return ret;
}

/**
 * hvmon_irqchip_set() - HVMON_IRQCHIP_SET
 * @vm: the VM; vm->lock is held
 * @arg: the argument
 *
 * Return: 0, -EINVAL (nothing is changed), -ENOENT.
 */
int hvmon_irqchip_set(struct hvmon_vm *vm, const struct hvmon_irqchip *arg)
{
	struct hvmon_irqs *irqs = vm->irqs;
	unsigned long flags;
	int ret;

	if (!irqs || (arg->chip == HVMON_CHIP_PIT && !irqs->pit))
		return -ENOENT;
	ret = chip_check(arg);
	if (ret)
		return ret;
	if (arg->chip == HVMON_CHIP_PIT) {
		hvmon_pit_set_state(irqs->pit, &arg->state.pit);
		return 0;
	}
	raw_spin_lock_irqsave(&irqs->lock, flags);
	if (arg->chip == HVMON_CHIP_IOAPIC) {
		hvmon_ioapic_set_state(irqs, &arg->state.ioapic);
		levels_from_pins(irqs, HVMON_ROUTE_IOAPIC, 0, HVMON_IOAPIC_PINS,
				 irqs->ioapic.lines);
	} else {
		hvmon_pic_set_state(&irqs->pic, arg->chip, &arg->state.pic);
		hvmon_pic_sync(irqs);
		levels_from_pins(irqs, HVMON_ROUTE_PIC, arg->chip * 8, 8,
				 irqs->pic.chip[arg->chip].lines);
	}
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return 0;
}

/* ---- what a vCPU asks before an entry ---- */

static bool extint_pending(struct hvmon_vcpu *vcpu)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;

	/* A vCPU with a LAPIC has the VM's controllers, too */
	return READ_ONCE(irqs->pic_out) && vcpu->id == 0 &&
	       hvmon_lapic_accepts_extint(vcpu->lapic);
}

/*
 * While the guest may clear the paravirtual flag in place of an EOI we would not learn when
 * the next vector can be taken. Take the flag back: the guest then has to tell.
 */
static bool lapic_may_have(struct hvmon_vcpu *vcpu)
{
	return READ_ONCE(vcpu->lapic->irr_pending) && hvmon_pv_eoi_sync(vcpu);
}

/* Not in line, as extint_ack(): most interrupts are the LAPIC's, and save no registers for it */
static noinline int extint_peek(struct hvmon_irqs *irqs)
{
	unsigned long flags;
	u8 vector;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	vector = hvmon_pic_peek(&irqs->pic);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return vector;
}

/**
 * hvmon_irq_pending() - an interrupt the vCPU could take now
 * @vcpu: the caller's
 *
 * The PICs come first: ExtINT goes past the LAPIC's priorities (SDM vol. 3,
 * 11.5.1), and a PIC with a request in service keeps quiet by itself.
 *
 * Return: its vector, -1 if there is none.
 */
int hvmon_irq_pending(struct hvmon_vcpu *vcpu)
{
	if (extint_pending(vcpu))
		return extint_peek(vcpu->vm->irqs);
	/* The processor does the rest of it */
	if (vcpu->virt_intr && vcpu->in_section)
		return -1;
	return lapic_may_have(vcpu) ? hvmon_lapic_pending(vcpu->lapic) : -1;
}

/* INTA; -1 if the output has fallen since somebody saw it high */
static noinline int extint_ack(struct hvmon_vcpu *vcpu)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	unsigned long flags;
	int vector = -1;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	if (hvmon_pic_output(&irqs->pic))
		vector = hvmon_pic_intack(&irqs->pic);
	hvmon_pic_end(irqs);
	WRITE_ONCE(irqs->pic_out, hvmon_pic_output(&irqs->pic));
	/* INTA lets the output fall; one that is high again has just risen */
	if (irqs->pic_out)
		hvmon_request(vcpu, HVMON_REQ_EVENT);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	hvmon_irqfd_resample(vcpu);
	return vector;
}

/**
 * hvmon_irq_ack() - take the interrupt that hvmon_irq_pending() would find
 * @vcpu: the caller's
 * @more: whether another may be pending at once. Not after one of the LAPIC's: it
 *        was the highest, and what is left there of its class or below has to wait
 *        for its EOI (SDM vol. 3, 11.8.3.1). But INTA may have let a line rise
 *
 * Return: its vector, -1 if there is none.
 */
int hvmon_irq_ack(struct hvmon_vcpu *vcpu, bool *more)
{
	int vector;

	*more = extint_pending(vcpu);
	if (*more) {
		vector = extint_ack(vcpu);
		if (vector >= 0)
			return vector;
	}
	return !vcpu->virt_intr && lapic_may_have(vcpu) ? hvmon_lapic_ack(vcpu->lapic) : -1;
}
