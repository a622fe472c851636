// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID follows the vCPU's state: OSXSAVE appears with CR4.OSXSAVE, the XSAVE
 * size with XCR0; XSETBV exists with CR4.OSXSAVE only.
 */
#include "hvt.h"

GUEST64(no_xsave,
	"xor %ecx, %ecx\n"
	"xor %edx, %edx\n"
	"mov $3, %eax\n"
	"xsetbv\n"
	"hlt\n");

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

	/* Without CR4.OSXSAVE there is no XSETBV: #UD, APM vol. 4, "XSETBV" */
	v = HVT_BOOT(64, no_xsave);
	EXPECT(v, HVMON_EXIT_PIO);
	CHECK_EQ(v->run->pio.port, HVT_PORT_EXC);
	CHECK_EQ(v->run->data[0], 6);
	return 0;
}
