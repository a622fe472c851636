// SPDX-License-Identifier: GPL-2.0
/*
 * Without an irqchip HLT leaves with HVMON_EXIT_HLT, RIP past the instruction,
 * and RUN goes on after it.
 */
#include "hvt.h"

GUEST64(guest,
	"hlt\n"
	"mov $42, %eax\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_rip(v), HVT_CODE + 1);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 42);
	return 0;
}
