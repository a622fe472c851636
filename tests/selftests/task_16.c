// SPDX-License-Identifier: GPL-2.0
/*
 * A 16-bit TSS: 16-bit registers are saved and loaded, FS and GS become null,
 * an error code takes two bytes of the stack.
 */
#include "hvt_task.h"

GUEST32(guest,
	"mov $0x1111, %ecx\n"
	"lcall $0x48, $0\n"
	"mov %ecx, %eax\n"
	G_REPORT
	"mov $0x1239, %eax\n"
	"mov %eax, %ds\n"
	"hlt\n");
/* 32-bit code, but that its EIP has to fit into 16 bits */
GUEST32(callee,
	"mov $0x7777, %ecx\n"
	"movzwl %ax, %eax\n"
	G_REPORT
	"iret\n"
	"mov $0x55, %eax\n"
	G_REPORT
	"movzwl 0xdffe, %eax\n"
	G_REPORT
	"hlt\n");

#define CALLEE	0x6000

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);
	struct hvt_tss16 *t = (struct hvt_tss16 *)hvt_tss(v, 1);
	struct hvmon_state st;
	int i;

	hvt_load(v->vm, CALLEE, callee, callee_end);
	for (i = 0; i < 8; i++)
		t->gpr[i] = 0x100 + i;
	t->gpr[HVMON_RSP] = 0xe000;
	t->ip = CALLEE;
	t->flags = 2;
	for (i = 0; i < 4; i++)
		t->seg[i] = i == HVMON_CS ? HVT_SEL_CODE32 : HVT_SEL_DATA;
	/* A 16-bit stack: SP alone counts */
	t->seg[HVMON_SS] = 0x30;
	hvt_set_desc(v, 0x30, 0, 0xffff, 0x93);
	hvt_set_desc(v, HVT_TSS_SEL(1), HVT_TSS_AT(1), 0x2b, HVT_TSS16_AVAIL);

	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_TASK(v, 1);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	for (i = 2; i < 8; i++)
		CHECK_EQ(st.regs.gpr[i] & 0xffff, i == HVMON_RSP ? 0xe000 : 0x100 + i);
	CHECK_EQ(st.sregs.seg[HVMON_FS].selector, 0);
	CHECK_EQ(st.sregs.seg[HVMON_GS].attr & HVMON_SEG_UNUSABLE, HVMON_SEG_UNUSABLE);
	CHECK_EQ(t->link, HVT_TSS_SEL(0));
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS16_AVAIL | HVT_TSS_BUSY);
	/* Back: the 16-bit task is saved */
	CHECK_EQ(EXPECT_REPORT(v), 0x1111);
	CHECK_EQ(t->gpr[HVMON_RCX], 0x7777);
	CHECK_EQ(t->gpr[HVMON_RSP], 0xe000);
	CHECK_EQ(t->ip, CALLEE + 11);
	CHECK_EQ(t->flags & EFLAGS_NT, 0);
	CHECK_EQ(t->seg[HVMON_SS], 0x30);
	hvt_task_gate(v, 13, HVT_TSS_SEL(1));
	CHECK_EQ(EXPECT_REPORT(v), 0x55);
	CHECK_EQ(EXPECT_REPORT(v), 0x1238);
	CHECK_EQ(hvt_reg(v, HVMON_RSP) & 0xffff, 0xe000 - 2);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
