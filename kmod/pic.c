// SPDX-License-Identifier: GPL-2.0
/*
 * Two cascaded i8259A interrupt controllers and the edge/level registers.
 *
 * Facts: Intel 8259A data sheet (231468); ELCR: 82371SB (PIIX3) data sheet.
 * The buffered mode, the 8080 mode and the level bit of ICW1 (which the ELCR
 * replaces) do not exist, as in chipsets of the last thirty years.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "irqchip.h"
#include "lapic.h"

#define CASCADE		2
#define NONE		8

/* hvmon_pic_state.init4 */
#define INIT4_ICW4	BIT(0)
#define INIT4_SINGLE	BIT(1)

/* Pins that may be level-triggered: not timer, keyboard, cascade, RTC, FPU */
static const u8 elcr_mask[2] = { 0xf8, 0xde };

/* Distance of the most important pin in @mask from the highest priority */
static int pic_rank(const struct hvmon_pic_state *c, u8 mask)
{
	int rank;

	for (rank = 0; rank < NONE; rank++)
		if (mask & BIT((rank + c->priority_add) & 7))
			break;
	return rank;
}

/* The pin that the unit asks to be served, or NONE */
static int pic_request(const struct hvmon_pic *pic, int unit)
{
	const struct hvmon_pic_state *c = &pic->chip[unit];
	int rank = pic_rank(c, c->irr & ~c->imr);
	u8 isr = c->isr;

	if (rank == NONE)
		return NONE;
	/* Special mask mode: a masked pin in service holds nobody back */
	if (c->special_mask)
		isr &= ~c->imr;
	/*
	 * Special fully nested mode: a request of the slave may interrupt the
	 * service of another of its requests.
	 */
	if (c->special_fully_nested && unit == HVMON_CHIP_PIC_MASTER)
		isr &= ~BIT(CASCADE);
	if (rank >= pic_rank(c, isr))
		return NONE;
	return (rank + c->priority_add) & 7;
}

/*
 * The slave's output is the master's pin 2. It follows the slave as a level:
 * the edge that the data sheet wants is the slave's, and INTA is one step
 * here, so no request can vanish between its two pulses.
 */
static void pic_cascade(struct hvmon_pic *pic)
{
	struct hvmon_pic_state *m = &pic->chip[HVMON_CHIP_PIC_MASTER];

	if (pic_request(pic, HVMON_CHIP_PIC_SLAVE) != NONE) {
		m->irr |= BIT(CASCADE);
		m->lines |= BIT(CASCADE);
	} else {
		m->irr &= ~BIT(CASCADE);
		m->lines &= ~BIT(CASCADE);
	}
}

/**
 * hvmon_pic_reset() - power-on state: nothing in service, vectors at 0
 * @pic: the chips
 *
 * The data sheet leaves the masks open until ICW1 clears them. All are set: a
 * chip that nobody has programmed delivers nothing, and its vectors, those of
 * exceptions, would mislead whoever got them.
 */
void hvmon_pic_reset(struct hvmon_pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	pic->chip[HVMON_CHIP_PIC_MASTER].imr = 0xff;
	pic->chip[HVMON_CHIP_PIC_SLAVE].imr = 0xff;
}

/**
 * hvmon_pic_set_pin() - change the level of an input
 * @pic: the chips
 * @pin: 0-7 on the master, 8-15 on the slave; 2 is taken by the cascade
 * @level: asserted
 */
void hvmon_pic_set_pin(struct hvmon_pic *pic, unsigned int pin, bool level)
{
	struct hvmon_pic_state *c = &pic->chip[pin >> 3];
	u8 bit = BIT(pin & 7);

	if (pin == CASCADE)
		return;
	if (c->elcr & bit) {
		c->irr = level ? c->irr | bit : c->irr & ~bit;
	} else if (level && !(c->lines & bit)) {
		/* The edge stays latched although a pulse ends at once */
		c->irr |= bit;
	}
	c->lines = level ? c->lines | bit : c->lines & ~bit;
	pic_cascade(pic);
}

/**
 * hvmon_pic_output() - the master's INT output
 * @pic: the chips
 *
 * Return: true if an interrupt is requested.
 */
bool hvmon_pic_output(const struct hvmon_pic *pic)
{
	return pic_request(pic, HVMON_CHIP_PIC_MASTER) != NONE;
}

/**
 * hvmon_pic_peek() - the vector that INTA would give now
 * @pic: the chips
 *
 * Return: the vector; nothing is changed.
 */
u8 hvmon_pic_peek(const struct hvmon_pic *pic)
{
	struct hvmon_pic copy = *pic;

	return hvmon_pic_intack(&copy);
}

static void pic_serve(struct hvmon_pic *pic, int unit, int pin)
{
	struct hvmon_pic_state *c = &pic->chip[unit];
	u8 bit = BIT(pin);

	if (!(c->elcr & bit))
		c->irr &= ~bit;
	if (!c->auto_eoi) {
		c->isr |= bit;
		return;
	}
	pic->ended |= bit << (unit * 8);
	if (c->rotate_on_auto_eoi)
		c->priority_add = (pin + 1) & 7;
}

/**
 * hvmon_pic_intack() - the processor's INTA cycle
 * @pic: the chips
 *
 * Without a request it answers with pin 7 and puts nothing in service: the
 * spurious interrupt of the data sheet; likewise pin 15 for the slave.
 *
 * Return: the vector.
 */
u8 hvmon_pic_intack(struct hvmon_pic *pic)
{
	struct hvmon_pic_state *m = &pic->chip[HVMON_CHIP_PIC_MASTER];
	struct hvmon_pic_state *s = &pic->chip[HVMON_CHIP_PIC_SLAVE];
	int pin = pic_request(pic, HVMON_CHIP_PIC_MASTER);
	u8 vector;

	if (pin == NONE)
		return m->irq_base + 7;
	vector = m->irq_base + pin;
	if (pin == CASCADE) {
		int sub = pic_request(pic, HVMON_CHIP_PIC_SLAVE);

		if (sub == NONE)
			vector = s->irq_base + 7;
		else
			vector = s->irq_base + sub;
		if (sub != NONE)
			pic_serve(pic, HVMON_CHIP_PIC_SLAVE, sub);
	}
	pic_serve(pic, HVMON_CHIP_PIC_MASTER, pin);
	pic_cascade(pic);
	return vector;
}

/* OCW3's poll command turns the next read into an INTA for this unit */
static u8 pic_poll(struct hvmon_pic *pic, int unit)
{
	int pin = pic_request(pic, unit);

	pic->chip[unit].poll = 0;
	if (pin == NONE)
		return 0;
	pic_serve(pic, unit, pin);
	pic_cascade(pic);
	return 0x80 | pin;
}

/**
 * hvmon_pic_read() - read a port
 * @pic: the chips
 * @unit: HVMON_CHIP_PIC_*
 * @a0: the port's address bit: 0 for 0x20 and 0xa0, 1 for 0x21 and 0xa1
 *
 * Return: what the port gives.
 */
u8 hvmon_pic_read(struct hvmon_pic *pic, int unit, int a0)
{
	const struct hvmon_pic_state *c = &pic->chip[unit];

	if (c->poll)
		return pic_poll(pic, unit);
	if (a0)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static void pic_icw1(struct hvmon_pic_state *c, u8 val)
{
	struct hvmon_pic_state old = *c;

	/* The edge detectors start anew: a pin that is high must fall first */
	*c = (struct hvmon_pic_state) {
		.irr = old.lines & old.elcr,
		.lines = old.lines,
		.elcr = old.elcr,
		.irq_base = old.irq_base,
		.init_state = 1,
		.init4 = ((val & BIT(0)) ? INIT4_ICW4 : 0) |
			 ((val & BIT(1)) ? INIT4_SINGLE : 0),
	};
}

static void pic_ocw2(struct hvmon_pic *pic, int unit, u8 val)
{
	struct hvmon_pic_state *c = &pic->chip[unit];
	bool rotate = val & BIT(7), specific = val & BIT(6), eoi = val & BIT(5);
	int pin = val & 7;

	if (!eoi && !specific) {
		c->rotate_on_auto_eoi = rotate;
		return;
	}
	if (eoi && !specific) {
		int rank = pic_rank(c, c->special_mask ? c->isr & ~c->imr : c->isr);

		if (rank == NONE)
			return;
		pin = (rank + c->priority_add) & 7;
	}
	if (eoi) {
		pic->ended |= (c->isr & BIT(pin)) << (unit * 8);
		c->isr &= ~BIT(pin);
	}
	if (rotate)
		c->priority_add = (pin + 1) & 7;
}

static void pic_ocw3(struct hvmon_pic_state *c, u8 val)
{
	if (val & BIT(2))
		c->poll = 1;
	if (val & BIT(1))
		c->read_isr = val & BIT(0);
	if (val & BIT(6))
		c->special_mask = !!(val & BIT(5));
}

/* ICW2 to ICW4 in their order, then OCW1 */
static void pic_write_a1(struct hvmon_pic_state *c, u8 val)
{
	u8 last = (c->init4 & INIT4_ICW4) ? 3 : 0;

	switch (c->init_state) {
	case 0:
		c->imr = val;
		break;
	case 1:
		c->irq_base = val & 0xf8;
		c->init_state = (c->init4 & INIT4_SINGLE) ? last : 2;
		break;
	case 2:
		c->init_state = last;	/* the wiring of the cascade is fixed */
		break;
	case 3:
		c->special_fully_nested = !!(val & BIT(4));
		c->auto_eoi = !!(val & BIT(1));
		c->init_state = 0;
		break;
	}
}

/**
 * hvmon_pic_write() - write a port
 * @pic: the chips
 * @unit: HVMON_CHIP_PIC_*
 * @a0: the port's address bit
 * @val: the byte
 */
void hvmon_pic_write(struct hvmon_pic *pic, int unit, int a0, u8 val)
{
	struct hvmon_pic_state *c = &pic->chip[unit];

	if (a0)
		pic_write_a1(c, val);
	else if (val & BIT(4))
		pic_icw1(c, val);
	else if (val & BIT(3))
		pic_ocw3(c, val);
	else
		pic_ocw2(pic, unit, val);
	pic_cascade(pic);
}

/**
 * hvmon_pic_elcr_read() - read an edge/level control register
 * @pic: the chips
 * @unit: HVMON_CHIP_PIC_*
 *
 * Return: one bit per level-triggered pin.
 */
u8 hvmon_pic_elcr_read(const struct hvmon_pic *pic, int unit)
{
	return pic->chip[unit].elcr;
}

/**
 * hvmon_pic_elcr_write() - choose which pins are level-triggered
 * @pic: the chips
 * @unit: HVMON_CHIP_PIC_*
 * @val: one bit per pin; those that are always edge-triggered are ignored
 */
void hvmon_pic_elcr_write(struct hvmon_pic *pic, int unit, u8 val)
{
	struct hvmon_pic_state *c = &pic->chip[unit];

	c->elcr = val & elcr_mask[unit];
	c->irr = (c->irr & ~c->elcr) | (c->lines & c->elcr);
	pic_cascade(pic);
}

/**
 * hvmon_pic_check() - can a chip be in this state?
 * @unit: HVMON_CHIP_PIC_*
 * @st: state from the launcher
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_pic_check(int unit, const struct hvmon_pic_state *st)
{
	u8 bools = st->read_isr | st->poll | st->special_mask | st->auto_eoi |
		   st->rotate_on_auto_eoi | st->special_fully_nested;

	if (bools > 1 || st->init_state > 3 || st->init4 > 3 || st->reserved)
		return -EINVAL;
	if ((st->irq_base & 7) || st->priority_add > 7)
		return -EINVAL;
	if (st->elcr & ~elcr_mask[unit])
		return -EINVAL;
	/* Level-triggered requests are not latched */
	if ((st->irr ^ st->lines) & st->elcr)
		return -EINVAL;
	return 0;
}

/**
 * hvmon_pic_set_state() - load a state that hvmon_pic_check() has accepted
 * @pic: the chips
 * @unit: HVMON_CHIP_PIC_*
 * @st: the state
 */
void hvmon_pic_set_state(struct hvmon_pic *pic, int unit, const struct hvmon_pic_state *st)
{
	pic->chip[unit] = *st;
	pic_cascade(pic);
}

/**
 * hvmon_pic_end() - who holds a pin whose service has ended lets go
 * @irqs: whose PICs were touched; its lock is held
 */
void hvmon_pic_end(struct hvmon_irqs *irqs)
{
	unsigned long ended = irqs->pic.ended;
	unsigned int pin;

	irqs->pic.ended = 0;
	for_each_set_bit(pin, &ended, 16)
		hvmon_irq_pin_eoi(irqs, HVMON_ROUTE_PIC, pin);
}

/**
 * hvmon_pic_sync() - what the PICs' change means to others
 * @irqs: whose PICs were touched; its lock is held
 *
 * Sources learn of EOIs, vCPU 0 that the output rose.
 */
void hvmon_pic_sync(struct hvmon_irqs *irqs)
{
	bool out, rose;

	hvmon_pic_end(irqs);
	out = hvmon_pic_output(&irqs->pic);
	rose = out && !irqs->pic_out;
	WRITE_ONCE(irqs->pic_out, out);
	if (rose)
		hvmon_lapic_lint0(irqs->vm);
}

/* A wide access to these 8-bit ports is one access per byte */
static int pic_dev_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	int unit = dev == &irqs->pic_slave;
	unsigned long flags;
	u8 *p = data;
	u32 i;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	for (i = 0; i < len; i++)
		p[i] = hvmon_pic_read(&irqs->pic, unit, (offset + i) & 1);
	hvmon_pic_sync(irqs);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	hvmon_irqfd_resample(vcpu);
	return 0;
}

static int pic_dev_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			 const void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	int unit = dev == &irqs->pic_slave;
	unsigned long flags;
	const u8 *p = data;
	u32 i;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	for (i = 0; i < len; i++)
		hvmon_pic_write(&irqs->pic, unit, (offset + i) & 1, p[i]);
	hvmon_pic_sync(irqs);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	hvmon_irqfd_resample(vcpu);
	return 0;
}

static int elcr_dev_read(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			 void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	unsigned long flags;
	u8 *p = data;
	u32 i;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	for (i = 0; i < len; i++)
		p[i] = hvmon_pic_elcr_read(&irqs->pic, (offset + i) & 1);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return 0;
}

static int elcr_dev_write(struct hvmon_iodev *dev, struct hvmon_vcpu *vcpu, u64 offset, u32 len,
			  const void *data)
{
	struct hvmon_irqs *irqs = vcpu->vm->irqs;
	unsigned long flags;
	const u8 *p = data;
	u32 i;

	raw_spin_lock_irqsave(&irqs->lock, flags);
	for (i = 0; i < len; i++)
		hvmon_pic_elcr_write(&irqs->pic, (offset + i) & 1, p[i]);
	hvmon_pic_sync(irqs);
	raw_spin_unlock_irqrestore(&irqs->lock, flags);
	return 0;
}

static const struct hvmon_iodev_ops pic_ops = {
	.read = pic_dev_read,
	.write = pic_dev_write,
};

static const struct hvmon_iodev_ops elcr_ops = {
	.read = elcr_dev_read,
	.write = elcr_dev_write,
};

/**
 * hvmon_pic_create() - reset the PICs and put them on the port bus
 * @irqs: where they live
 *
 * Under vm->lock. On failure the caller removes what is on the bus.
 *
 * Return: 0 or -errno.
 */
int hvmon_pic_create(struct hvmon_irqs *irqs)
{
	int ret;

	hvmon_pic_reset(&irqs->pic);
	irqs->pic_master.ops = &pic_ops;
	irqs->pic_slave.ops = &pic_ops;
	irqs->elcr.ops = &elcr_ops;
	ret = hvmon_bus_add(irqs->vm, HVMON_BUS_PIO, 0x20, 2, &irqs->pic_master);
	if (!ret)
		ret = hvmon_bus_add(irqs->vm, HVMON_BUS_PIO, 0xa0, 2, &irqs->pic_slave);
	if (!ret)
		ret = hvmon_bus_add(irqs->vm, HVMON_BUS_PIO, 0x4d0, 2, &irqs->elcr);
	return ret;
}
