// SPDX-License-Identifier: GPL-2.0
/*
 * Single-step and breakpoints of the guest's own debug registers raise #DB
 * with the right DR6.
 */
#include "hvt.h"

GUEST64(step,
	"pushf\n"
	"orl $0x100, (%rsp)\n"
	"popf\n"
	"nop\n"
	"hlt\n");
GUEST64(watch,
	"mov $0x100000, %eax\n"
	"mov %rax, %dr2\n"
	"mov $0x0d000420, %eax\n"	/* G2, write, 4 bytes */
	"mov %rax, %dr7\n"
	"mov 0x100000, %ebx\n"
	"movl $1, 0x100000\n"
	"nop\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, step);
	struct hvmon_state st;

	/* a trap: RIP is after the NOP */
	EXPECT_DB(v, HVT_CODE + step_end - step - 1, 0x400f, 0x4000);

	v = HVT_BOOT(64, watch);
	EXPECT_DB(v, HVT_CODE + watch_end - watch - 2, 0x400f, 4);
	hvt_get(v, &st, HVMON_STATE_DEBUG);
	CHECK_EQ(st.debug.db[2], HVT_DATA);
	CHECK_EQ(*(u32 *)(v->vm->mem + HVT_DATA), 1);
	return 0;
}
