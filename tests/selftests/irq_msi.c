// SPDX-License-Identifier: GPL-2.0
/*
 * MSI wakes the vCPU that it names, physically, logically and by broadcast,
 * and says how many took it.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	"movl $0xffffffff, 0xe0(%rbp)\n"	/* flat model */
	"movl $0x02000000, 0xd0(%rbp)\n"	/* logical ID 2 */
	"mov $0x777, %eax\n"
	G_REPORT
	G_IDLE);

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);

	hvt_vcpu(v->vm, 1);
	HVT_SET_HANDLER(v->vm, 0x61, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x61), 1);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(hvt_msi(v->vm, 0xfee02004, 0x61), 1);	/* logical */
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_msi(v->vm, 0xfee01004, 0x61), 0);
	CHECK_EQ(hvt_msi(v->vm, 0xfee05000, 0x61), 0);
	CHECK(hvt_msi(v->vm, 0xfeeff000, 0x61) >= 1, "nobody took the broadcast");
	CHECK_EQ(EXPECT_REPORT(v), 3);
	return 0;
}
