/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The insides of the interrupt controllers, shared by irq.c, lapic.c,
 * ioapic.c, pic.c, pit.c and their tests.
 *
 * The chips are state machines over the very structs that HVMON_IRQCHIP_GET
 * returns, so that saving one is a copy. Functions that take a struct
 * hvmon_pic or hvmon_ioapic lock nothing: the caller holds hvmon_irqs.lock.
 *
 * Locking: hvmon_irqs.lock and hvmon_pit.lock are raw and leaves. Delivery to
 * LAPICs happens under hvmon_irqs.lock, which is safe because a LAPIC accepts
 * an interrupt by atomic operations, a request bit and a kick, and takes no
 * lock of ours. hvmon_pit.lock is dropped before the PIT raises its line.
 */
#ifndef _HVMON_IRQCHIP_H
#define _HVMON_IRQCHIP_H

#include "hvmon.h"

/*
 * The shortest interval at which a guest can make a host timer fire by
 * itself, again and again: 20,000 interrupts per second and vCPU.
 */
#define HVMON_TIMER_MIN_NS	50000ULL

/**
 * struct hvmon_pic - two cascaded i8259, the slave on the master's pin 2
 * @chip: HVMON_CHIP_PIC_MASTER and HVMON_CHIP_PIC_SLAVE
 * @ended: pins whose service has ended, until hvmon_pic_sync() says so
 */
struct hvmon_pic {
	struct hvmon_pic_state chip[2];
	u16 ended;
};

/**
 * struct hvmon_pit - an i8254 and port 0x61
 * @vm: owner
 * @lock: guards @st and @next; a leaf
 * @st: the chip; elapsed_ns of a channel holds the time (ktime_get_ns()) at
 *      which its count was loaded, or, while its gate stops it, what had
 *      elapsed by then
 * @timer: fires at @next
 * @next: time of channel 0's next interrupt, 0 if there is none
 * @ports: 0x40 to 0x43
 * @speaker: 0x61
 */
struct hvmon_pit {
	struct hvmon_vm *vm;
	raw_spinlock_t lock;
	struct hvmon_pit_state st;
	struct hrtimer timer;
	u64 next;
	struct hvmon_iodev ports;
	struct hvmon_iodev speaker;
};

/**
 * struct hvmon_routes - the route table, sorted by GSI
 * @nr: number of routes
 * @users: how many routes lead to each pin of PIC and IOAPIC
 * @route: the routes
 */
struct hvmon_routes {
	u32 nr;
	u16 users[2][HVMON_IOAPIC_PINS];
	struct hvmon_irq_route route[] __counted_by(nr);
};

/**
 * struct hvmon_irq_hold - a source that asserts a GSI until its pin's EOI
 * @node: in hvmon_irqs.holds
 * @gsi: the GSI
 * @asserted: it does, at present
 * @due: an EOI has ended that, which the source has to be told of
 */
struct hvmon_irq_hold {
	struct list_head node;
	u32 gsi;
	bool asserted;
	bool due;
};

/**
 * struct hvmon_irqs - one VM's interrupt controllers and routes
 * @vm: owner
 * @lock: guards @pic, @ioapic, @level, @holds and the change of @routes; a leaf
 * @pic: the PICs
 * @pic_out: the master's INT output; read without the lock before each entry
 * @ioapic: the IOAPIC
 * @level: present level of each GSI, but for @holds
 * @routes: replaced under vm->lock and @lock, read under @srcu or @lock
 * @holds: further sources; changed under @lock, read under @srcu or @lock
 * @hold_due: one of @holds may be due
 * @srcu: readers of @routes, in any context but NMI, and of @holds, to tell them
 * @pit: NULL unless asked for
 * @arb: where the search for the lowest priority begins: turns ties into a
 *       round robin. Racy on purpose.
 * @ids_moved: an APIC ID is, or has been, another than its vCPU's number
 * @pic_master: ports 0x20 and 0x21
 * @pic_slave: ports 0xa0 and 0xa1
 * @elcr: ports 0x4d0 and 0x4d1
 * @ioapic_page: the IOAPIC's registers
 */
struct hvmon_irqs {
	struct hvmon_vm *vm;
	raw_spinlock_t lock;
	struct hvmon_pic pic;
	bool pic_out;
	struct hvmon_ioapic_state ioapic;
	DECLARE_BITMAP(level, HVMON_MAX_ROUTES);
	struct hvmon_routes __rcu *routes;
	struct list_head holds;
	bool hold_due;
	struct srcu_struct srcu;
	struct hvmon_pit *pit;
	u32 arb;
	bool ids_moved;
	struct hvmon_iodev pic_master;
	struct hvmon_iodev pic_slave;
	struct hvmon_iodev elcr;
	struct hvmon_iodev ioapic_page;
};

/* pic.c */
void hvmon_pic_reset(struct hvmon_pic *pic);
void hvmon_pic_set_pin(struct hvmon_pic *pic, unsigned int pin, bool level);
bool hvmon_pic_output(const struct hvmon_pic *pic);
u8 hvmon_pic_peek(const struct hvmon_pic *pic);
u8 hvmon_pic_intack(struct hvmon_pic *pic);
u8 hvmon_pic_read(struct hvmon_pic *pic, int unit, int a0);
void hvmon_pic_write(struct hvmon_pic *pic, int unit, int a0, u8 val);
u8 hvmon_pic_elcr_read(const struct hvmon_pic *pic, int unit);
void hvmon_pic_elcr_write(struct hvmon_pic *pic, int unit, u8 val);
int hvmon_pic_check(int unit, const struct hvmon_pic_state *st);
void hvmon_pic_set_state(struct hvmon_pic *pic, int unit, const struct hvmon_pic_state *st);
void hvmon_pic_end(struct hvmon_irqs *irqs);
void hvmon_pic_sync(struct hvmon_irqs *irqs);
int hvmon_pic_create(struct hvmon_irqs *irqs);

/* ioapic.c */
void hvmon_ioapic_reset(struct hvmon_irqs *irqs);
void hvmon_ioapic_set_pin(struct hvmon_irqs *irqs, unsigned int pin, bool level);
u32 hvmon_ioapic_read(struct hvmon_irqs *irqs, u32 offset);
void hvmon_ioapic_write(struct hvmon_irqs *irqs, u32 offset, u32 val);
void hvmon_ioapic_eoi(struct hvmon_irqs *irqs, u8 vector);
int hvmon_ioapic_check(const struct hvmon_ioapic_state *st);
void hvmon_ioapic_set_state(struct hvmon_irqs *irqs, const struct hvmon_ioapic_state *st);
int hvmon_ioapic_create(struct hvmon_irqs *irqs);

/* pit.c: @now is ktime_get_ns(), a parameter so that tests own the clock */
void hvmon_pit_reset(struct hvmon_pit_state *st, u64 now);
u32 hvmon_pit_count(const struct hvmon_pit_channel *c, u64 now);
bool hvmon_pit_out(const struct hvmon_pit_channel *c, u64 now);
u64 hvmon_pit_next_tick(const struct hvmon_pit_channel *c, u64 now);
u8 hvmon_pit_read(struct hvmon_pit_state *st, u32 port, u64 now);
/* True if channel 0 was reprogrammed, and its timer must follow */
bool hvmon_pit_write(struct hvmon_pit_state *st, u32 port, u8 val, u64 now, bool *armed);
u8 hvmon_pit_speaker_read(const struct hvmon_pit_state *st, u64 now);
void hvmon_pit_speaker_write(struct hvmon_pit_state *st, u8 val, u64 now);
int hvmon_pit_check(const struct hvmon_pit_state *st);
void hvmon_pit_get_state(struct hvmon_pit *pit, struct hvmon_pit_state *st);
void hvmon_pit_set_state(struct hvmon_pit *pit, const struct hvmon_pit_state *st);
int hvmon_pit_create(struct hvmon_irqs *irqs);
void hvmon_pit_free(struct hvmon_pit *pit);

/* irq.c */
int hvmon_msi_decode(u64 addr, u32 data, struct hvmon_irq_msg *msg);
struct hvmon_routes *hvmon_routes_build(const struct hvmon_irq_route *r, u32 n);
bool hvmon_routes_find(const struct hvmon_routes *t, u32 gsi, u32 *first, u32 *end);
void hvmon_irq_pulse(struct hvmon_vm *vm, u32 gsi);
void hvmon_irq_hold(struct hvmon_vm *vm, struct hvmon_irq_hold *h);
void hvmon_irq_hold_add(struct hvmon_irqs *irqs, struct hvmon_irq_hold *h);
void hvmon_irq_hold_del(struct hvmon_irqs *irqs, struct hvmon_irq_hold *h);
void hvmon_irq_pin_eoi(struct hvmon_irqs *irqs, u32 type, u32 pin);

#endif /* _HVMON_IRQCHIP_H */
