// SPDX-License-Identifier: GPL-2.0
/* A port read takes the launcher's data and changes no more of RAX than the access is wide. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1122334455667788, %rax\n"
	"in $0x20, %al\n"
	"mov %rax, %rbx\n"
	"in $0x22, %ax\n"
	"mov %rax, %rcx\n"
	"mov $0x1234, %dx\n"
	"in %dx, %eax\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	EXPECT_IN(v, 0x20, 1, 0xffffff5a);
	EXPECT_IN(v, 0x22, 2, 0xffffbeef);
	EXPECT_IN(v, 0x1234, 4, 0xcafebabe);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0x112233445566775aULL);
	CHECK_EQ(hvt_reg(v, HVMON_RCX), 0x112233445566beefULL);
	/* A 32-bit result clears the upper half */
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 0xcafebabeULL);
	return 0;
}
