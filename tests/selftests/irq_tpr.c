// SPDX-License-Identifier: GPL-2.0
/* An interrupt of a class that the TPR (CR8) masks waits until CR8 is lowered. */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	"mov $6, %eax\n"
	"mov %rax, %cr8\n"
	"sti\n"
	"mov $0x100, %eax\n"
	G_REPORT
	"mov $0x200, %eax\n"
	G_REPORT
	"mov $5, %eax\n"
	"mov %rax, %cr8\n"
	"nop\n"
	"mov $0x300, %eax\n"
	G_REPORT
	"mov 0x80(%rbp), %eax\n"
	G_REPORT
	"hlt\n");

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);

	HVT_SET_HANDLER(v->vm, 0x63, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x200);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x300);
	CHECK_EQ(EXPECT_REPORT(v), 0x50);
	return 0;
}
