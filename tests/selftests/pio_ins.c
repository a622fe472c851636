// SPDX-License-Identifier: GPL-2.0
/* REP INSB and INSD store the launcher's data in guest memory, across a page boundary. */
#include "hvt.h"

#define BYTES	1300

GUEST64(guest,
	"cld\n"
	"mov $0x100f00, %edi\n"
	"mov $1300, %ecx\n"
	"mov $0x1f0, %dx\n"
	"rep insb\n"
	"mov %rdi, %rbx\n"
	"mov $0x102000, %edi\n"
	"mov $2, %ecx\n"
	"rep insl\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	u8 *dst = v->vm->mem + 0x100f00;
	u32 *dwords = (u32 *)(v->vm->mem + 0x102000);
	u32 n = 0, i, fill[2] = { 0x01234567, 0x89abcdef };

	while (n < BYTES) {
		EXPECT(v, HVMON_EXIT_PIO);
		CHECK_EQ(r->pio.port, 0x1f0);
		CHECK_EQ(r->pio.direction, HVMON_PIO_IN);
		CHECK_EQ(r->pio.size, 1);
		CHECK(r->pio.count >= 1 && r->pio.count <= BYTES - n, "count %u", r->pio.count);
		for (i = 0; i < r->pio.count; i++)
			r->data[i] = (n + i) * 3 + 1;
		n += r->pio.count;
	}
	for (n = 0; n < 2; n += r->pio.count) {
		EXPECT(v, HVMON_EXIT_PIO);
		CHECK_EQ(r->pio.size, 4);
		CHECK(r->pio.count >= 1 && r->pio.count <= 2 - n, "count %u", r->pio.count);
		memcpy(r->data, fill + n, 4 * r->pio.count);
	}
	EXPECT(v, HVMON_EXIT_HLT);
	for (i = 0; i < BYTES; i++)
		if (dst[i] != (u8)(i * 3 + 1))
			FAIL("byte %u is %#x", i, dst[i]);
	CHECK_EQ(dst[BYTES], 0);
	CHECK_EQ(dwords[0], fill[0]);
	CHECK_EQ(dwords[1], fill[1]);
	CHECK_EQ(dwords[2], 0);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0x100f00 + BYTES);
	CHECK_EQ(hvt_reg(v, HVMON_RDI), 0x102008);
	return 0;
}
