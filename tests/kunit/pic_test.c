// SPDX-License-Identifier: GPL-2.0
#include "irq_fake.h"

#define M HVMON_CHIP_PIC_MASTER
#define S HVMON_CHIP_PIC_SLAVE

/* As Linux and every BIOS do it */
static void pic_setup(struct hvmon_pic *pic, u8 icw4)
{
	hvmon_pic_reset(pic);
	hvmon_pic_write(pic, M, 0, 0x11);
	hvmon_pic_write(pic, M, 1, 0x30);
	hvmon_pic_write(pic, M, 1, 0x04);
	hvmon_pic_write(pic, M, 1, icw4);
	hvmon_pic_write(pic, S, 0, 0x11);
	hvmon_pic_write(pic, S, 1, 0x38);
	hvmon_pic_write(pic, S, 1, 0x02);
	hvmon_pic_write(pic, S, 1, 0x01);
}

static void pulse(struct hvmon_pic *pic, unsigned int pin)
{
	hvmon_pic_set_pin(pic, pin, true);
	hvmon_pic_set_pin(pic, pin, false);
}

/* Before its ICW1 a chip delivers nothing; ICW1 clears the masks */
static void pic_power_on(struct kunit *test)
{
	struct hvmon_pic pic;
	unsigned int pin;

	hvmon_pic_reset(&pic);
	KUNIT_EXPECT_EQ(test, hvmon_pic_check(M, &pic.chip[M]), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pic_check(S, &pic.chip[S]), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 1), 0xff);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, S, 1), 0xff);
	for (pin = 0; pin < 16; pin++) {
		pulse(&pic, pin);
		KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	}

	hvmon_pic_write(&pic, M, 0, 0x11);
	KUNIT_EXPECT_EQ(test, pic.chip[M].imr, 0);
	KUNIT_EXPECT_EQ(test, pic.chip[S].imr, 0xff);
	/* The slave has kept its requests, and is masked still */
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
}

/* Four ICWs set the vectors, three when ICW4 is not announced */
static void pic_init_words(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 0x13);
	KUNIT_EXPECT_EQ(test, pic.chip[M].irq_base, 0x30);
	KUNIT_EXPECT_EQ(test, pic.chip[S].irq_base, 0x38);
	KUNIT_EXPECT_EQ(test, pic.chip[M].init_state, 0);
	KUNIT_EXPECT_EQ(test, pic.chip[M].auto_eoi, 1);
	KUNIT_EXPECT_EQ(test, pic.chip[M].special_fully_nested, 1);

	hvmon_pic_write(&pic, M, 0, 0x10);
	hvmon_pic_write(&pic, M, 1, 0x47);
	hvmon_pic_write(&pic, M, 1, 0x04);
	KUNIT_EXPECT_EQ(test, pic.chip[M].irq_base, 0x40);
	KUNIT_EXPECT_EQ(test, pic.chip[M].auto_eoi, 0);
	hvmon_pic_write(&pic, M, 1, 0xa5);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 1), 0xa5);

	/* Single mode has no ICW3 */
	hvmon_pic_write(&pic, M, 0, 0x12);
	hvmon_pic_write(&pic, M, 1, 0x20);
	KUNIT_EXPECT_EQ(test, pic.chip[M].init_state, 0);
}

/* The lowest pin goes first, and holds back the others until its EOI */
static void pic_priority(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	pulse(&pic, 5);
	pulse(&pic, 1);
	KUNIT_EXPECT_EQ(test, hvmon_pic_peek(&pic), 0x31);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x31);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	pulse(&pic, 0);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x30);
	hvmon_pic_write(&pic, M, 0, 0x20);
	KUNIT_EXPECT_EQ(test, pic.chip[M].isr, 0x02);
	hvmon_pic_write(&pic, M, 0, 0x61);
	KUNIT_EXPECT_TRUE(test, hvmon_pic_output(&pic));
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x35);
}

/* An edge counts once; a level interrupts again after its EOI */
static void pic_edge_level(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 3);	/* automatic EOI */
	hvmon_pic_set_pin(&pic, 5, true);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x35);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	hvmon_pic_set_pin(&pic, 5, true);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));

	hvmon_pic_elcr_write(&pic, M, 0xff);
	KUNIT_EXPECT_EQ(test, hvmon_pic_elcr_read(&pic, M), 0xf8);
	KUNIT_EXPECT_TRUE(test, hvmon_pic_output(&pic));
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x35);
	KUNIT_EXPECT_TRUE(test, hvmon_pic_output(&pic));
	hvmon_pic_set_pin(&pic, 5, false);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
}

/* The slave asks through the master's pin 2 and gives its own vector */
static void pic_cascaded(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	pulse(&pic, 12);
	pulse(&pic, 8);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x38);
	KUNIT_EXPECT_EQ(test, pic.chip[M].isr, 0x04);
	KUNIT_EXPECT_EQ(test, pic.chip[S].isr, 0x01);
	/* Both need an EOI before the slave's next */
	hvmon_pic_write(&pic, S, 0, 0x20);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	hvmon_pic_write(&pic, M, 0, 0x20);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x3c);
	/* Masked on the slave, nothing reaches the master */
	hvmon_pic_write(&pic, S, 0, 0x20);
	hvmon_pic_write(&pic, M, 0, 0x20);
	hvmon_pic_write(&pic, S, 1, 0xff);
	pulse(&pic, 9);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	/* The cascade pin has no line of its own */
	pulse(&pic, 2);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
}

/* In special fully nested mode the slave may interrupt its own service */
static void pic_fully_nested(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 0x11);
	pulse(&pic, 12);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x3c);
	pulse(&pic, 8);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x38);
}

/* INTA without a request gives pin 7 of the unit, with nothing in service */
static void pic_spurious(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x37);
	KUNIT_EXPECT_EQ(test, pic.chip[M].isr, 0);
	pic.chip[M].irr = BIT(2);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x3f);
	KUNIT_EXPECT_EQ(test, pic.chip[M].isr, BIT(2));
	KUNIT_EXPECT_EQ(test, pic.chip[S].isr, 0);
}

/* OCW2's rotations make the pin that was served the last in line */
static void pic_rotation(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	pulse(&pic, 3);
	hvmon_pic_intack(&pic);
	hvmon_pic_write(&pic, M, 0, 0xa0);	/* rotate on non-specific EOI */
	KUNIT_EXPECT_EQ(test, pic.chip[M].priority_add, 4);
	pulse(&pic, 3);
	pulse(&pic, 6);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x36);
	hvmon_pic_write(&pic, M, 0, 0xe6);	/* rotate on specific EOI */
	KUNIT_EXPECT_EQ(test, pic.chip[M].priority_add, 7);
	hvmon_pic_write(&pic, M, 0, 0xc2);	/* set priority: 2 is last */
	KUNIT_EXPECT_EQ(test, pic.chip[M].priority_add, 3);
	hvmon_pic_write(&pic, M, 0, 0x40);	/* no operation */
	KUNIT_EXPECT_EQ(test, pic.chip[M].priority_add, 3);

	pic_setup(&pic, 3);
	hvmon_pic_write(&pic, M, 0, 0x80);	/* rotate in automatic EOI */
	pulse(&pic, 5);
	hvmon_pic_intack(&pic);
	KUNIT_EXPECT_EQ(test, pic.chip[M].priority_add, 6);
	hvmon_pic_write(&pic, M, 0, 0x00);
	KUNIT_EXPECT_EQ(test, pic.chip[M].rotate_on_auto_eoi, 0);
}

/* Special mask mode lets less important pins through while one is masked */
static void pic_special_mask(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	pulse(&pic, 0);
	hvmon_pic_intack(&pic);
	pulse(&pic, 4);
	hvmon_pic_write(&pic, M, 1, 0x01);
	KUNIT_EXPECT_FALSE(test, hvmon_pic_output(&pic));
	hvmon_pic_write(&pic, M, 0, 0x68);
	KUNIT_EXPECT_EQ(test, hvmon_pic_intack(&pic), 0x34);
	hvmon_pic_write(&pic, M, 0, 0x20);	/* ends 4, not the masked 0 */
	KUNIT_EXPECT_EQ(test, pic.chip[M].isr, 0x01);
	hvmon_pic_write(&pic, M, 0, 0x48);
	KUNIT_EXPECT_EQ(test, pic.chip[M].special_mask, 0);
}

/* A poll acknowledges like INTA; OCW3 chooses between IRR and ISR */
static void pic_poll_and_read(struct kunit *test)
{
	struct hvmon_pic pic;

	pic_setup(&pic, 1);
	hvmon_pic_write(&pic, M, 0, 0x0c);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 0), 0);
	pulse(&pic, 6);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 0), 0x40);
	hvmon_pic_write(&pic, M, 0, 0x0c);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 0), 0x86);
	hvmon_pic_write(&pic, M, 0, 0x0b);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 0), 0x40);
	hvmon_pic_write(&pic, M, 0, 0x0a);
	KUNIT_EXPECT_EQ(test, hvmon_pic_read(&pic, M, 0), 0x00);
}

/* States that no guest can reach are refused; each of its own is accepted */
static void pic_states(struct kunit *test)
{
	struct hvmon_pic_state good = { .irq_base = 8, .elcr = 0x20 }, st;
	struct hvmon_pic pic;

	pic_setup(&pic, 0x13);
	hvmon_pic_elcr_write(&pic, S, 0xff);
	hvmon_pic_set_pin(&pic, 9, true);
	KUNIT_EXPECT_EQ(test, hvmon_pic_check(M, &pic.chip[M]), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pic_check(S, &pic.chip[S]), 0);

	KUNIT_EXPECT_EQ(test, hvmon_pic_check(M, &good), 0);
#define BAD(field, val)	do {						\
		st = good;						\
		st.field = (val);					\
		KUNIT_EXPECT_EQ_MSG(test, hvmon_pic_check(M, &st), -EINVAL, #field); \
	} while (0)
	BAD(irq_base, 9);
	BAD(priority_add, 8);
	BAD(init_state, 4);
	BAD(init4, 4);
	BAD(read_isr, 2);
	BAD(poll, 2);
	BAD(special_mask, 2);
	BAD(auto_eoi, 0x80);
	BAD(rotate_on_auto_eoi, 2);
	BAD(special_fully_nested, 2);
	BAD(reserved, 1);
	BAD(elcr, 0x01);
	BAD(irr, 0x20);
	BAD(lines, 0x20);
#undef BAD
}

static struct kunit_case pic_cases[] = {
	KUNIT_CASE(pic_power_on),
	KUNIT_CASE(pic_init_words),
	KUNIT_CASE(pic_priority),
	KUNIT_CASE(pic_edge_level),
	KUNIT_CASE(pic_cascaded),
	KUNIT_CASE(pic_fully_nested),
	KUNIT_CASE(pic_spurious),
	KUNIT_CASE(pic_rotation),
	KUNIT_CASE(pic_special_mask),
	KUNIT_CASE(pic_poll_and_read),
	KUNIT_CASE(pic_states),
	{}
};

static struct kunit_suite pic_suite = {
	.name = "hvmon-pic",
	.test_cases = pic_cases,
};

kunit_test_suite(pic_suite);
