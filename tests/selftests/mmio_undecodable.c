// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction on device memory that cannot be emulated leaves with
 * HVMON_EXIT_EMULATION and its bytes.
 */
#include "hvt.h"

#define DEV	0xd0000000UL

/* FBLD, which nothing sane uses on a device */
GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"1: fbld (%rbx)\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	static const u8 bytes[] = { 0xdf, 0x23 };

	EXPECT(v, HVMON_EXIT_EMULATION);
	CHECK_EQ(r->emulation.rip_gpa, HVT_CODE + 5);
	/* Of the operand's 10 bytes the processor may take the upper ones first */
	CHECK(r->emulation.gpa == DEV || r->emulation.gpa == DEV + 8, "gpa %#llx",
	      r->emulation.gpa);
	CHECK(r->emulation.len >= 2 && r->emulation.len <= sizeof(r->emulation.bytes), "%u",
	      r->emulation.len);
	CHECK(!memcmp(r->emulation.bytes, bytes, 2), "bytes %#x %#x", r->emulation.bytes[0],
	      r->emulation.bytes[1]);
	CHECK(r->message[0], "no message");
	CHECK_EQ(hvt_rip(v), HVT_CODE + 5);
	/* A launcher can skip it */
	hvt_set_rip(v, HVT_CODE + 7);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
