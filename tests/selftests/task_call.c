// SPDX-License-Identifier: GPL-2.0
/*
 * CALL to a TSS nests: back link, NT, both tasks busy. IRET returns, and the
 * next CALL goes on behind it. An LDT comes and goes with its task.
 */
#include "hvt_task.h"

#define LDT_SEL		0x30
#define LDT		(HVT_DATA + 0x8000)

GUEST32(guest,
	"mov $0xffffffff, %eax\n"
	"1: lcall $0x48, $0\n"
	G_REPORT
	"jmp 1b\n");
GUEST32(callee,
	"mov $1, %eax\n"
	"2: mov %ds:0x105000, %ebx\n"	/* DS is of the LDT, its base 0x1000 */
	G_REPORT
	"iret\n"
	"inc %eax\n"
	"jmp 2b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);
	struct hvt_tss *t0 = hvt_tss(v, 0), *t1 = HVT_TASK(v, 1, callee);
	struct hvmon_state st;
	u32 i;

	*(u32 *)(v->vm->mem + 0x106000) = 0x1d7;
	hvt_set_desc(v, LDT_SEL, LDT, 0xf, 0x82);
	/* Not accessed yet: that the switch sets */
	((u64 *)(v->vm->mem + LDT))[1] = hvt_desc(0xfffff, 0xc092) | 0x1000ULL << 16;
	t1->ldt = LDT_SEL;
	t1->seg[HVMON_DS] = 0xc;
	for (i = 1; i < 4; i++) {
		CHECK_EQ(EXPECT_REPORT(v), i);
		CHECK_TASK(v, 1);
		hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		CHECK_EQ(st.regs.rflags & EFLAGS_NT, EFLAGS_NT);
		CHECK_EQ(st.regs.gpr[HVMON_RBX], 0x1d7);
		CHECK_EQ(st.sregs.seg[HVMON_LDTR].selector, LDT_SEL);
		CHECK_EQ(st.sregs.seg[HVMON_LDTR].base, LDT);
		CHECK_EQ(t1->link, HVT_TSS_SEL(0));
		CHECK_EQ(t0->eip, HVT_CODE + 12);
		CHECK_EQ(t0->eflags & EFLAGS_NT, 0);
		CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
		CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL | HVT_TSS_BUSY);

		CHECK_EQ(EXPECT_REPORT(v), 0xffffffff);
		CHECK_TASK(v, 0);
		hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		CHECK_EQ(st.regs.rflags & EFLAGS_NT, 0);
		CHECK_EQ(st.sregs.seg[HVMON_LDTR].attr & HVMON_SEG_UNUSABLE,
			 HVMON_SEG_UNUSABLE);
		CHECK_EQ(t1->eflags & EFLAGS_NT, 0);
		CHECK_EQ(t1->eip, HVT_TASK_CODE(1) + 14);
		CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
		CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL);
	}
	/* QEMU's task switch leaves the accessed bit alone: tss_load_seg() */
	if (hvt_is_vmx())
		CHECK_EQ(((u64 *)(v->vm->mem + LDT))[1] >> 40 & 1, 1);
	return 0;
}
