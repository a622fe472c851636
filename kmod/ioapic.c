// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O APIC: 24 pins, version 0x11.
 *
 * Facts: Intel 82093AA data sheet (290566). Version 0x11 has no EOI register;
 * Linux then clears a stuck remote IRR by making the pin edge-triggered for a
 * moment. Lines are given as asserted or not: the polarity bit is stored only.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "irqchip.h"

#define IOAPIC_BASE	0xfec00000ULL
#define IOAPIC_LEN	0x100

#define IOREGSEL	0x00
#define IOWIN		0x10

#define REG_ID		0x00
#define REG_VER		0x01
#define REG_ARB		0x02
#define REG_REDIR	0x10

#define VERSION		(((HVMON_IOAPIC_PINS - 1) << 16) | 0x11)

/* A redirection entry */
#define RTE_VECTOR(e)	((u8)(e))
#define RTE_MODE(e)	(((e) >> 8) & 7)
#define RTE_LOGICAL	BIT_ULL(11)
#define RTE_PENDING	BIT_ULL(12)	/* delivery status; made up when read */
#define RTE_REMOTE_IRR	BIT_ULL(14)	/* a LAPIC has it, EOI is awaited */
#define RTE_LEVEL	BIT_ULL(15)
#define RTE_MASKED	BIT_ULL(16)
#define RTE_DEST(e)	((u32)((e) >> 56))
#define RTE_WRITABLE	(0xff0000000001ffffULL & ~(RTE_PENDING | RTE_REMOTE_IRR))

/**
 * hvmon_ioapic_reset() - power-on state: all pins masked
 * @irqs: whose IOAPIC
 */
void hvmon_ioapic_reset(struct hvmon_irqs *irqs)
{
	int i;

	memset(&irqs->ioapic, 0, sizeof(irqs->ioapic));
	for (i = 0; i < HVMON_IOAPIC_PINS; i++)
		irqs->ioapic.redir[i] = RTE_MASKED;
}

/* Only these modes are acknowledged by an EOI; the others act as edges */
static bool ioapic_is_level(u64 e)
{
	return (e & RTE_LEVEL) &&
	       (RTE_MODE(e) == HVMON_DM_FIXED || RTE_MODE(e) == HVMON_DM_LOWEST);
}

/*
 * Send a pin's pending interrupt if it may go. One that no LAPIC accepts stays
 * pending if it is a level, and is tried again at the next change of the pin
 * or of its entry.
 */
static void ioapic_service(struct hvmon_irqs *irqs, unsigned int pin)
{
	struct hvmon_ioapic_state *io = &irqs->ioapic;
	u64 *e = &io->redir[pin];
	bool level = ioapic_is_level(*e);
	struct hvmon_irq_msg msg;
	int n;

	if (!(io->irr & BIT(pin)) || (*e & RTE_MASKED))
		return;
	if (level && (*e & RTE_REMOTE_IRR))
		return;
	msg = (struct hvmon_irq_msg) {
		.dest = RTE_DEST(*e),
		.logical = *e & RTE_LOGICAL,
		.mode = RTE_MODE(*e),
		.vector = RTE_VECTOR(*e),
		.level = level,
		.assert = true,
	};
	n = hvmon_irq_deliver(irqs->vm, NULL, &msg);
	if (!level)
		io->irr &= ~BIT(pin);
	else if (n > 0)
		*e |= RTE_REMOTE_IRR;
}

/**
 * hvmon_ioapic_set_pin() - change the level of an input
 * @irqs: whose IOAPIC; its lock is held
 * @pin: 0 .. HVMON_IOAPIC_PINS - 1
 * @level: asserted
 */
void hvmon_ioapic_set_pin(struct hvmon_irqs *irqs, unsigned int pin, bool level)
{
	struct hvmon_ioapic_state *io = &irqs->ioapic;
	bool was = io->lines & BIT(pin);
	u64 e = io->redir[pin];

	if (level)
		io->lines |= BIT(pin);
	else
		io->lines &= ~BIT(pin);

	if (e & RTE_LEVEL) {
		if (level)
			io->irr |= BIT(pin);
		else
			io->irr &= ~BIT(pin);
		/* As a level it may repeat; as NMI or INIT only once per rise */
		if (level && (!was || ioapic_is_level(e)))
			ioapic_service(irqs, pin);
	} else if (level && !was && !(e & RTE_MASKED)) {
		/* Edges on a masked pin are ignored, says the data sheet */
		io->irr |= BIT(pin);
		ioapic_service(irqs, pin);
	}
}

static u32 ioapic_read_reg(const struct hvmon_ioapic_state *io)
{
	u32 reg = io->select, pin = (reg - REG_REDIR) / 2;
	u64 e;

	switch (reg) {
	case REG_ID:
	case REG_ARB:
		return io->id << 24;
	case REG_VER:
		return VERSION;
	}
	if (reg < REG_REDIR || pin >= HVMON_IOAPIC_PINS)
		return 0;
	e = io->redir[pin];
	if ((io->irr & BIT(pin)) && !(e & (RTE_MASKED | RTE_REMOTE_IRR)))
		e |= RTE_PENDING;
	return (reg & 1) ? e >> 32 : e;
}

static void ioapic_write_redir(struct hvmon_irqs *irqs, unsigned int pin, bool high, u32 val)
{
	struct hvmon_ioapic_state *io = &irqs->ioapic;
	u64 old = io->redir[pin], e;

	if (high)
		e = (u32)old | ((u64)val << 32);
	else
		e = (old & ~0xffffffffULL) | val;
	e = (e & RTE_WRITABLE) | (old & RTE_REMOTE_IRR);
	if (!ioapic_is_level(e))
		e &= ~RTE_REMOTE_IRR;
	io->redir[pin] = e;

	/* What was latched as an edge belongs to the mode that it came in */
	if (ioapic_is_level(e)) {
		io->irr = (io->irr & ~BIT(pin)) | (io->lines & BIT(pin));
		ioapic_service(irqs, pin);
	} else if ((old ^ e) & RTE_LEVEL) {
		io->irr &= ~BIT(pin);
	}
}

/**
 * hvmon_ioapic_read() - read one of the memory-mapped registers
 * @irqs: whose IOAPIC; its lock is held
 * @offset: in the page
 *
 * Return: its value, 0 where there is none.
 */
u32 hvmon_ioapic_read(struct hvmon_irqs *irqs, u32 offset)
{
	switch (offset) {
	case IOREGSEL:
		return irqs->ioapic.select;
	case IOWIN:
		return ioapic_read_reg(&irqs->ioapic);
	}
	return 0;
}

/**
 * hvmon_ioapic_write() - write one of the memory-mapped registers
 * @irqs: whose IOAPIC; its lock is held
 * @offset: in the page
 * @val: the value
 */
void hvmon_ioapic_write(struct hvmon_irqs *irqs, u32 offset, u32 val)
{
	u32 reg = irqs->ioapic.select, pin = (reg - REG_REDIR) / 2;

	if (offset == IOREGSEL) {
		irqs->ioapic.select = val & 0xff;
		return;
	}
	if (offset != IOWIN)
		return;
	if (reg == REG_ID)
		irqs->ioapic.id = (val >> 24) & 0xf;
	else if (reg >= REG_REDIR && pin < HVMON_IOAPIC_PINS)
		ioapic_write_redir(irqs, pin, reg & 1, val);
}

/**
 * hvmon_ioapic_eoi() - a LAPIC has acknowledged a level-triggered vector
 * @irqs: whose IOAPIC; its lock is held
 * @vector: the vector; every pin that has it and waits is meant
 *
 * A line that is still asserted interrupts again at once.
 */
void hvmon_ioapic_eoi(struct hvmon_irqs *irqs, u8 vector)
{
	unsigned int pin;

	for (pin = 0; pin < HVMON_IOAPIC_PINS; pin++) {
		u64 *e = &irqs->ioapic.redir[pin];

		if (!(*e & RTE_REMOTE_IRR) || RTE_VECTOR(*e) != vector)
			continue;
		*e &= ~RTE_REMOTE_IRR;
		hvmon_irq_pin_eoi(irqs, HVMON_ROUTE_IOAPIC, pin);
		ioapic_service(irqs, pin);
	}
}

/**
 * hvmon_ioapic_check() - can the chip be in this state?
 * @st: state from the launcher
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_ioapic_check(const struct hvmon_ioapic_state *st)
{
	const u32 pins = BIT(HVMON_IOAPIC_PINS) - 1;
	int i;

	if (st->id > 0xf || st->select > 0xff || ((st->irr | st->lines) & ~pins))
		return -EINVAL;
	for (i = 0; i < HVMON_IOAPIC_PINS; i++) {
		u64 e = st->redir[i];

		if (e & ~(RTE_WRITABLE | RTE_REMOTE_IRR))
			return -EINVAL;
		if ((e & RTE_REMOTE_IRR) && !ioapic_is_level(e))
			return -EINVAL;
		/* A level is pending exactly while its line is asserted */
		if (ioapic_is_level(e) && ((st->irr ^ st->lines) & BIT(i)))
			return -EINVAL;
	}
	return 0;
}

/**
 * hvmon_ioapic_set_state() - load a state that hvmon_ioapic_check() accepted
 * @irqs: whose IOAPIC; its lock is held
 * @st: the state
 *
 * What is pending and may go is sent: its vCPUs' states may have been loaded
 * before or after, and a LAPIC keeps one request per vector in either case.
 */
void hvmon_ioapic_set_state(struct hvmon_irqs *irqs, const struct hvmon_ioapic_state *st)
{
	unsigned int pin;

	irqs->ioapic = *st;
	for (pin = 0; pin < HVMON_IOAPIC_PINS; pin++)
		ioapic_service(irqs, pin);
}

/* Apart: a copy of any length has each read check its stack (CONFIG_STACKPROTECTOR_STRONG) */
static noinline int read_part(u32 val, u32 len, u32 has, void *data)
{
	memset(data, 0, len);
	memcpy(data, &val, has);
	return 0;
}

/*
 * Registers are 32 bits wide and 16 bytes apart. A narrow read gives a part,
 * a narrow write is only meaningful for the select register's low byte.
 */
static int ioapic_dev_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			   void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	u32 part = offset & 0xf;
	unsigned long flags;
	u32 val;

	if (unlikely(part >= 4)) {
		memset(data, 0, len);
		return 0;
	}
	raw_spin_lock_irqsave(&irqs->lock, flags);
	val = hvmon_ioapic_read(irqs, offset & ~0xfULL);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	if (likely(len == 4 && !part)) {
		memcpy(data, &val, 4);
		return 0;
	}
	return read_part(val >> part * 8, len, min_t(u32, len, 4 - part), data);
}

static int ioapic_dev_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			    const void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	unsigned long flags;
	u32 val = *(const u8 *)data;

	if ((offset & 0xf) || (len < 4 && offset != IOREGSEL))
		return 0;
	/* IOREGSEL has eight bits, whatever the length */
	if (len >= 4)
		memcpy(&val, data, sizeof(val));
	raw_spin_lock_irqsave(&irqs->lock, flags);
	hvmon_ioapic_write(irqs, offset, val);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return 0;
}

static const struct hvmon_iodev_ops ioapic_ops = {
	.read = ioapic_dev_read,
	.write = ioapic_dev_write,
};

/**
 * hvmon_ioapic_create() - reset the IOAPIC and put it on the memory bus
 * @irqs: where it lives
 *
 * Under vm->lock.
 *
 * Return: 0 or -errno.
 */
int hvmon_ioapic_create(struct hvmon_irqs *irqs)
{
	hvmon_ioapic_reset(irqs);
	irqs->ioapic_page.ops = &ioapic_ops;
	return hvmon_bus_add(irqs->vm, HVMON_BUS_MMIO, IOAPIC_BASE, IOAPIC_LEN,
			     &irqs->ioapic_page);
}
