// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC timer in TSC-deadline mode fires when the TSC has passed the
 * deadline, and disarms itself.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	"movl $0x40050, 0x320(%rbp)\n"
	"mfence\n"
	/* A deadline that passes before HLT must still wake it: STI's shadow */
	"1: cli\n"
	"rdtsc\n"
	"shl $32, %rdx\n"
	"or %rdx, %rax\n"
	"add $2000000, %rax\n"
	"mov %rax, %rbx\n"
	"mov %rax, %rdx\n"
	"shr $32, %rdx\n"
	"mov $0x6e0, %ecx\n"
	"wrmsr\n"
	"sti\n"
	"hlt\n"
	/* late is right, early is not */
	"rdtsc\n"
	"shl $32, %rdx\n"
	"or %rdx, %rax\n"
	"cmp %rbx, %rax\n"
	"setae %al\n"
	"movzbl %al, %eax\n"
	"add $0x1000, %eax\n"
	G_REPORT
	"mov $0x6e0, %ecx\n"
	"rdmsr\n"
	G_REPORT
	"jmp 1b\n");

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v;
	u32 i;

	if (!(hvt_info().caps & HVMON_CAP_TSC_DEADLINE))
		hvt_skip("no TSC-deadline mode");
	v = HVT_BOOT_IRQ(64, guest, 0);
	HVT_SET_HANDLER(v->vm, 0x50, handler);
	for (i = 1; i <= 20; i++) {
		CHECK_EQ(EXPECT_REPORT(v), i);
		CHECK_EQ(EXPECT_REPORT(v), 0x1001);
		CHECK_EQ(EXPECT_REPORT(v), 0);
	}
	return 0;
}
