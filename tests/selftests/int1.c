// SPDX-License-Identifier: GPL-2.0
/*
 * INT1 is a trap: one #DB, whose frame has the next instruction, and DR6 as it was; also in
 * the shadow of MOV SS, and when the guest steps itself. DR7.GD, which would trap the
 * handler's first look at DR6, is clear then.
 */
#include "hvt.h"

GUEST64(plain, "nop\n .byte 0xf1\n nop\n hlt\n");
GUEST64(movss,
	"mov $0x10, %ecx\n"
	"mov %ecx, %ss\n"
	".byte 0xf1\n"
	"nop\n hlt\n");
/* POPF takes effect after the next instruction, which holds the step back */
GUEST64(stepping,
	"mov $0x10, %ecx\n"
	"pushf\n"
	"orl $0x100, (%rsp)\n"
	"popf\n"
	".byte 0xf1\n"
	"nop\n hlt\n");

static void trap(struct hvt_vcpu *v, u64 rip)
{
	struct hvmon_state st;

	EXPECT_DB(v, rip, 0xa00f, 0);
	hvt_get(v, &st, HVMON_STATE_DEBUG);
	/* QEMU's AMD-V leaves GD alone, and has no exit for INT1 */
	if (hvt_is_vmx())
		CHECK_EQ(st.debug.dr7 & 0x2000, 0);
}

static struct hvt_vcpu *with_gd(struct hvt_vcpu *v)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_DEBUG);
	st.debug.dr7 |= 0x2000;
	hvt_set(v, &st, HVMON_STATE_DEBUG);
	return v;
}

int main(void)
{
	trap(HVT_BOOT(64, plain), HVT_CODE + 2);
	trap(with_gd(HVT_BOOT(64, plain)), HVT_CODE + 2);
	trap(HVT_BOOT(64, movss), HVT_CODE + movss_end - movss - 2);
	trap(HVT_BOOT(64, stepping), HVT_CODE + stepping_end - stepping - 2);
	return 0;
}
