// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID follows the vCPU's state: OSXSAVE appears with CR4.OSXSAVE, the XSAVE
 * size with XCR0.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $1, %eax\n"
	"cpuid\n"
	"mov %ecx, %eax\n"
	"shr $27, %eax\n"
	"and $1, %eax\n"
	G_REPORT
	"mov %cr4, %rax\n"
	"or $0x40000, %eax\n"
	"mov %rax, %cr4\n"
	"mov $1, %eax\n"
	"cpuid\n"
	"mov %ecx, %eax\n"
	"shr $27, %eax\n"
	"and $1, %eax\n"
	G_REPORT
	"mov $3, %eax\n"
	"xor %edx, %edx\n"
	"xor %ecx, %ecx\n"
	"xsetbv\n"
	"mov $0xd, %eax\n"
	"xor %ecx, %ecx\n"
	"cpuid\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"mov $7, %eax\n"
	"xor %edx, %edx\n"
	"xor %ecx, %ecx\n"
	"xsetbv\n"
	"mov $0xd, %eax\n"
	"xor %ecx, %ecx\n"
	"cpuid\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 576);
	if (!(hvt_info().xcr0 & 4))
		hvt_skip("the host has no AVX");
	CHECK_EQ(EXPECT_REPORT(v), 832);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
