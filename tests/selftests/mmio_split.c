// SPDX-License-Identifier: GPL-2.0
/*
 * An access that begins in memory and ends in a device (or crosses pages of
 * one) reaches both parts.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000ffe, %ebx\n"
	"movl $0x44332211, (%rbx)\n"
	"mov (%rbx), %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	u8 *p = hvt_anon(4096);

	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, p);
	EXPECT(v, HVMON_EXIT_MMIO);
	CHECK_EQ(r->mmio.gpa, 16 * MiB + 4096);
	CHECK_EQ(r->mmio.len, 2);
	CHECK_EQ(*(u16 *)r->data, 0x4433);
	EXPECT(v, HVMON_EXIT_MMIO);
	CHECK_EQ(*(u16 *)(p + 4094), 0x2211);
	CHECK_EQ(r->mmio.write, 0);
	CHECK_EQ(r->mmio.gpa, 16 * MiB + 4096);
	*(u16 *)r->data = 0x8877;
	CHECK_EQ(EXPECT_REPORT(v), 0x88772211);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
