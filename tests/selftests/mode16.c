// SPDX-License-Identifier: GPL-2.0
/* A vCPU runs 16-bit real mode from the state it is given. */
#include "hvt.h"

GUEST16(guest,
	"mov %cs, %ax\n"
	"mov %ax, %ds\n"
	"mov $0xffff, %cx\n"
	"inc %cx\n"
	"smsw %bx\n"
	"mov $0x2000, %si\n"
	"mov %si, (%si)\n"
	"out %ax, $0x10\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(16, guest);

	CHECK_EQ(EXPECT_OUT(v, 0x10, 2), HVT_CODE >> 4);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RCX), 0);
	CHECK_EQ(hvt_reg(v, HVMON_RBX) & 1, 0);
	CHECK_EQ(*(u16 *)(v->vm->mem + HVT_CODE + 0x2000), 0x2000);
	return 0;
}
