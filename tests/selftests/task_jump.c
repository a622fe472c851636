// SPDX-License-Identifier: GPL-2.0
/*
 * JMP to a TSS, or to a task gate, saves the one task and loads the other: all
 * registers, EIP behind the JMP, busy bits, CR0.TS; local breakpoints go.
 */
#include "hvt_task.h"

#define GATE_SEL	0x30

GUEST32(guest,
	"mov $0x11, %eax\n mov $0x22, %ecx\n mov $0x33, %edx\n mov $0x44, %ebx\n"
	"mov $0x55, %ebp\n mov $0x66, %esi\n mov $0x77, %edi\n"
	"mov %eax, %dr0\n"
	"mov $0x703, %eax\n"		/* L0, G0, LE, GE */
	"mov %eax, %dr7\n"
	"mov $0x11, %eax\n"
	"stc\n"
	"ljmp $0x48, $0x12345678\n"	/* the offset is ignored */
	"after: "
	G_REPORT
	"ljmp $0x30, $0\n"
	"mov $0x99, %eax\n"
	G_REPORT);
GUEST32(other,
	G_REPORT
	"ljmp $0x40, $0\n"
	"mov $0x2222, %eax\n"
	G_REPORT
	"hlt\n");

HVT_LABEL(after);

static void check_saved(struct hvt_vcpu *v)
{
	static const u32 gpr[] = { 0x11, 0x22, 0x33, 0x44, HVT_STACK, 0x55, 0x66, 0x77 };
	struct hvt_tss *t = hvt_tss(v, 0);
	int i;

	CHECK_EQ(t->eip, HVT_CODE + (after - guest));
	CHECK_EQ(t->eflags, 3);
	for (i = 0; i < 8; i++)
		CHECK_EQ(t->gpr[i], gpr[i]);
	/* Words above selectors are reserved, and stay */
	for (i = 0; i < 6; i++)
		CHECK_EQ(t->seg[i], 0xabcd0000 | (i == HVMON_CS ? HVT_SEL_CODE32 : HVT_SEL_DATA));
	CHECK_EQ(t->link, 0);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);
	struct hvt_tss *t0 = hvt_tss(v, 0), *t1 = HVT_TASK(v, 1, other);
	struct hvmon_state st;
	int i;

	for (i = 0; i < 8; i++)
		t1->gpr[i] = i == HVMON_RSP ? 0x30000 : 0xa0000000 + i;
	for (i = 0; i < 6; i++)
		t0->seg[i] |= 0xabcd0000;
	t1->eflags = 0x893;
	*hvt_gdt(v, GATE_SEL) = (u64)HVT_TSS_SEL(1) << 16 | 0x85ULL << 40;

	CHECK_EQ(EXPECT_REPORT(v), 0xa0000000);
	CHECK_TASK(v, 1);
	check_saved(v);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_DEBUG | HVMON_STATE_SREGS);
	for (i = 0; i < 8; i++)
		CHECK_EQ(st.regs.gpr[i], i == HVMON_RSP ? 0x30000 : 0xa0000000 + i);
	CHECK_EQ(st.regs.rflags, 0x893);
	/* and LE, which QEMU keeps: DR7_LOCAL_BP_MASK */
	CHECK_EQ(st.debug.dr7 & (hvt_is_vmx() ? 0x3ff : 0x2ff), 0x202);
	CHECK_EQ(st.sregs.seg[HVMON_LDTR].attr & HVMON_SEG_UNUSABLE, HVMON_SEG_UNUSABLE);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL | HVT_TSS_BUSY);

	/* and back */
	CHECK_EQ(EXPECT_REPORT(v), 0x11);
	CHECK_TASK(v, 0);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(st.regs.gpr[HVMON_RDI], 0x77);
	CHECK_EQ(t1->eip, HVT_TASK_CODE(1) + 9);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL);

	/* through a task gate in the GDT */
	CHECK_EQ(EXPECT_REPORT(v), 0x2222);
	CHECK_TASK(v, 1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
