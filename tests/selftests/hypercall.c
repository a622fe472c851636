// SPDX-License-Identifier: GPL-2.0
/*
 * An unknown hypercall returns -ENOSYS (-1000), one from CPL 3 -EPERM (-1),
 * and RIP is past it.
 */
#include "hvt.h"

/* VMMCALL; Intel's VMCALL where the processor has that */
GUEST64(amd, "vmmcall\n hlt\n");
GUEST64(intel, "vmcall\n hlt\n");

static struct hvt_vcpu *boot(void)
{
	if (hvt_is_vmx())
		return HVT_BOOT(64, intel);
	return HVT_BOOT(64, amd);
}

int main(void)
{
	struct hvt_vcpu *v = boot();
	struct hvmon_state st;

	hvt_set_reg(v, HVMON_RAX, 0x12345);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ((long)hvt_reg(v, HVMON_RAX), -1000L);
	CHECK_EQ(hvt_rip(v), HVT_CODE + 4);
	CHECK_EQ(hvt_stats(v).hypercall, 1);
	v = boot();
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	hvt_state_user(&st);
	st.regs.gpr[HVMON_RAX] = 5;
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	EXPECT_EXC(v, 13);			/* the HLT after it */
	CHECK_EQ((long)hvt_reg(v, HVMON_RAX) & ~0xffL, -1L & ~0xffL);
	return 0;
}
