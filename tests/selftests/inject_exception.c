// SPDX-License-Identifier: GPL-2.0
/*
 * An injected exception arrives with its vector, error code and CR2, before
 * the next instruction.
 */
#include "hvt.h"

GUEST64(guest, "mov $1, %ebx\n hlt\n");

int main(void)
{
	static const struct { u32 vector; bool has_error; u32 error; u64 payload; } ev[] = {
		{ 0, false, 0, 0 }, { 6, false, 0, 0 }, { 13, true, 0x18, 0 },
		{ 14, true, 6, 0xffff900012345678ULL }, { 17, true, 0, 0 }, { 8, true, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ev); i++) {
		struct hvt_vcpu *v = HVT_BOOT(64, guest);
		struct hvmon_state st;
		u64 *frame;

		SYS(hvt_try_inject(v, HVMON_EV_EXCEPTION, ev[i].vector, ev[i].has_error,
				   ev[i].error, ev[i].payload));
		EXPECT_EXC(v, ev[i].vector);
		hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		CHECK_EQ(st.regs.gpr[HVMON_RBX], 0);
		frame = (u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
		if (ev[i].has_error)
			CHECK_EQ(*frame++, ev[i].error);
		CHECK_EQ(frame[0], HVT_CODE);
		CHECK_EQ(frame[1], HVT_SEL_CODE64);
		if (ev[i].vector == 14)
			CHECK_EQ(st.sregs.cr2, ev[i].payload);
	}
	return 0;
}
