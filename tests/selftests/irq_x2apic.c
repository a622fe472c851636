// SPDX-License-Identifier: GPL-2.0
/* A guest that turns on x2APIC mode reaches its LAPIC by MSR, and the MMIO page is gone. */
#include "hvt_irq.h"

GUEST64(guest,
	"mov $0x1b, %ecx\n"
	"rdmsr\n"
	"or $0x400, %eax\n"
	"wrmsr\n"
	"mov $0x802, %ecx\n"
	"rdmsr\n"
	G_REPORT
	"mov $0x80f, %ecx\n"
	"mov $0x1ff, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"sti\n"
	"mov $0x83f, %ecx\n"			/* self IPI */
	"mov $0x52, %eax\n"
	"wrmsr\n"
	"mov $0x777, %eax\n"
	G_REPORT
	"mov $0x80e, %ecx\n"			/* does not exist in x2APIC mode */
	"rdmsr\n"
	"hlt\n");
GUEST64(handler,
	"push %rax\n push %rcx\n push %rdx\n"
	"mov $1, %eax\n"
	G_REPORT
	"mov $0x80b, %ecx\n"
	"xor %eax, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"pop %rdx\n pop %rcx\n pop %rax\n"
	"iretq\n");

int main(void)
{
	struct hvt_vcpu *v;

	if (!(hvt_info().caps & HVMON_CAP_X2APIC))
		hvt_skip("no x2APIC");
	v = HVT_BOOT_IRQ(64, guest, 0);
	HVT_SET_HANDLER(v->vm, 0x52, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	EXPECT_EXC(v, 13);
	return 0;
}
