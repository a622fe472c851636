// SPDX-License-Identifier: GPL-2.0
/*
 * REP OUTSB and OUTSW give the launcher every byte once and in order, and
 * leave RSI and RCX as the processor would.
 */
#include "hvt.h"

#define BYTES	1500

GUEST64(guest,
	"cld\n"
	"mov $0x100ff0, %esi\n"
	"mov $1500, %ecx\n"
	"mov $0x3f8, %dx\n"
	"rep outsb\n"
	"mov %rsi, %rdi\n"
	"mov %rcx, %rbx\n"
	"std\n"
	"mov $0x101004, %esi\n"
	"mov $3, %ecx\n"
	"rep outsw\n"
	"cld\n"
	"hlt\n");

/* Collects until @want bytes were written to the port */
static void collect(struct hvt_vcpu *v, u8 *buf, u32 want, u8 size)
{
	struct hvmon_run *r = v->run;
	u32 got = 0;

	while (got < want) {
		EXPECT(v, HVMON_EXIT_PIO);
		CHECK_EQ(r->pio.port, 0x3f8);
		CHECK_EQ(r->pio.size, size);
		CHECK_EQ(r->pio.direction, HVMON_PIO_OUT);
		CHECK(r->pio.count >= 1 && r->pio.count * size <= HVMON_RUN_DATA,
		      "count %u", r->pio.count);
		CHECK(got + r->pio.count * size <= want, "more than was written");
		memcpy(buf + got, r->data, r->pio.count * size);
		got += r->pio.count * size;
	}
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *src = v->vm->mem + 0x100ff0, buf[BYTES];
	u16 *words = (u16 *)(v->vm->mem + 0x101000), back[3];
	int i;

	for (i = 0; i < BYTES; i++)
		src[i] = i * 7 + (i >> 8);
	collect(v, buf, BYTES, 1);
	CHECK(!memcmp(buf, src, BYTES), "the bytes differ");
	collect(v, (u8 *)back, 6, 2);
	for (i = 0; i < 3; i++)
		CHECK_EQ(back[i], words[2 - i]);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RDI), 0x100ff0 + BYTES);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0);
	CHECK_EQ(hvt_reg(v, HVMON_RSI), 0x100ffe);
	CHECK_EQ(hvt_reg(v, HVMON_RCX), 0);
	return 0;
}
