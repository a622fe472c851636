// SPDX-License-Identifier: GPL-2.0
/* A vCPU runs 32-bit protected mode without paging, and with it. */
#include "hvt.h"

GUEST32(guest,
	"mov $0x12345678, %eax\n"
	"mov %eax, 0x100000\n"
	"push $0x55\n"
	"pop %ebx\n"
	/* a 32-bit page directory at 0x200000: 4 MiB pages, the first 8 MiB */
	"movl $0x83, 0x200000\n"
	"movl $0x83, 0x200004\n"	/* 4 MiB and up lead to 0 again */
	"mov $0x200000, %ecx\n"
	"mov %ecx, %cr3\n"
	"mov %cr4, %ecx\n"
	"or $0x10, %ecx\n"
	"mov %ecx, %cr4\n"
	"mov %cr0, %ecx\n"
	"or $0x80000000, %ecx\n"
	"mov %ecx, %cr0\n"
	"mov 0x500000, %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(32, guest);

	CHECK_EQ(EXPECT_REPORT(v), 0x12345678);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0x55);
	return 0;
}
