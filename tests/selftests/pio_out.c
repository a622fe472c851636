// SPDX-License-Identifier: GPL-2.0
/* A port write of 1, 2 or 4 bytes leaves with its port, size and data. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x89abcdef, %eax\n"
	"out %al, $0x10\n"
	"out %ax, $0x12\n"
	"mov $0xfedc, %dx\n"
	"out %eax, %dx\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	CHECK_EQ(EXPECT_OUT(v, 0x10, 1), 0xef);
	CHECK_EQ(EXPECT_OUT(v, 0x12, 2), 0xcdef);
	CHECK_EQ(EXPECT_OUT(v, 0xfedc, 4), 0x89abcdef);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
