// SPDX-License-Identifier: GPL-2.0
/* A fault while an exception is delivered becomes #DF, and one more a shutdown. */
#include "hvt.h"

/* #UD's gate is not present: #NP during delivery is contributory with #UD benign */
GUEST64(guest, "ud2\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u64 *idt = (u64 *)(v->vm->mem + HVT_IDT);
	struct hvmon_state st;

	/* benign #UD, then #NP with the gate's selector: #NP is delivered */
	idt[6 * 2] &= ~(1ULL << 47);
	EXPECT_EXC(v, 11);
	hvt_get(v, &st, HVMON_STATE_REGS);
	/* IDT and, which QEMU leaves out, EXT: SDM vol. 3, 6.13 */
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]) | 1, 6 * 8 + 3);
	/* #NP twice: #DF with error code 0 */
	v = HVT_BOOT(64, guest);
	idt = (u64 *)(v->vm->mem + HVT_IDT);
	idt[6 * 2] &= ~(1ULL << 47);
	idt[11 * 2] &= ~(1ULL << 47);
	EXPECT_EXC(v, 8);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]), 0);
	/* and without a #DF gate: shutdown */
	v = HVT_BOOT(64, guest);
	idt = (u64 *)(v->vm->mem + HVT_IDT);
	idt[6 * 2] &= ~(1ULL << 47);
	idt[11 * 2] &= ~(1ULL << 47);
	idt[8 * 2] &= ~(1ULL << 47);
	EXPECT(v, HVMON_EXIT_SHUTDOWN);
	return 0;
}
