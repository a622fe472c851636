// SPDX-License-Identifier: GPL-2.0
/* The T flag of a TSS: a debug trap before the new task's first instruction. */
#include "hvt_task.h"

GUEST32(guest, "ljmp $0x48, $0\n");
GUEST32(other, "hlt\n");

int main(void)
{
	struct hvt_vcpu *v;
	struct hvmon_state st;
	u32 *frame;

	if (!hvt_is_vmx())
		hvt_skip("QEMU's task switch ignores the T flag (switch_tss_ra())");
	v = HVT_BOOT_TASK(guest);
	HVT_TASK(v, 1, other)->trap = 1;
	EXPECT_EXC(v, 1);
	CHECK_TASK(v, 1);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_DEBUG);
	CHECK_EQ(st.debug.dr6 & 0xe00f, 0x8000);
	frame = (u32 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
	CHECK_EQ(frame[0], HVT_TASK_CODE(1));
	return 0;
}
