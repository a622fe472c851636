// SPDX-License-Identifier: GPL-2.0
/*
 * XGETBV, RDTSC, INVLPG, WBINVD, SMSW, CLTS, PAUSE and RDPMC-less code run or
 * fault as on a processor, none leaves to the launcher.
 */
#include "hvt.h"

GUEST64(guest,
	"rdtsc\n"
	"mov %eax, %ebx\n"
	"rdtsc\n"
	"sub %ebx, %eax\n"
	G_REPORT
	"invlpg 0x100000\n"
	"wbinvd\n"
	"pause\n"
	"mov %cr0, %rax\n"
	"or $8, %eax\n"
	"mov %rax, %cr0\n"
	"clts\n"
	"smsw %eax\n"
	"and $8, %eax\n"
	G_REPORT
	"mov $0xabcd, %eax\n"
	"mov %rax, %cr2\n"
	"mov %cr2, %rbx\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"mov $7, %eax\n"
	"mov %rax, %cr8\n"
	"xor %eax, %eax\n"
	"mov %cr8, %rax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	CHECK(EXPECT_REPORT(v) > 0, "the TSC stands still");
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(EXPECT_REPORT(v), 0xabcd);
	CHECK_EQ(EXPECT_REPORT(v), 7);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
