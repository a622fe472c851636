// SPDX-License-Identifier: GPL-2.0
/*
 * What is wrong with a new TSS is an exception at the instruction, and nothing
 * has changed. What is wrong with the new task's segments is its own exception.
 */
#include "hvt_task.h"

enum { DF = 8, TS = 10, NP = 11, SS = 12, GP = 13 };

GUEST32(jump, "ljmp $0x48, $0\n");
GUEST32(ret,
	"pushf\n"
	"orl $0x4000, (%esp)\n"
	"popf\n"
	"iret_insn: iret\n");
GUEST32(fault, "fault_insn: mov %eax, %fs\n");
GUEST32(other, "mov $1, %eax\n" G_REPORT "hlt\n");
GUEST32(handler, "mov (%esp), %eax\n" G_REPORT "hlt\n");

HVT_LABEL(iret_insn);
HVT_LABEL(fault_insn);

/* The exception's stub has run in task 0: error code and EIP on its stack */
static void old_tasks_fault(struct hvt_vcpu *v, int vector, u32 error, u32 eip)
{
	struct hvmon_state st;
	u32 *frame;

	EXPECT_EXC(v, vector);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	CHECK_EQ(st.sregs.seg[HVMON_TR].selector, HVT_TSS_SEL(0));
	CHECK_EQ(st.sregs.cr0 & 8, 0);
	frame = (u32 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
	CHECK_EQ(frame[0], error);
	CHECK_EQ(frame[1], eip);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
	CHECK_EQ(hvt_tss(v, 0)->gpr[HVMON_RSP], 0x38000);
}

static void bad_tss(void)
{
	static const struct { u8 type, limit, vector; } row[] = {
		{ 0x8b, 0x67, GP }, { 0x09, 0x67, NP }, { 0x89, 0x66, TS }, { 0x82, 0x67, GP },
	};
	struct hvt_vcpu *v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		v = HVT_BOOT_TASK(jump);
		HVT_TASK(v, 1, other);
		hvt_set_desc(v, HVT_TSS_SEL(1), HVT_TSS_AT(1), row[i].limit, row[i].type);
		old_tasks_fault(v, row[i].vector, HVT_TSS_SEL(1), HVT_CODE);
		CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), row[i].type);
	}
	/* The back link of an IRET leads to a task that is not busy */
	v = HVT_BOOT_TASK(ret);
	HVT_TASK(v, 1, other);
	hvt_tss(v, 0)->link = HVT_TSS_SEL(1);
	old_tasks_fault(v, TS, HVT_TSS_SEL(1), HVT_CODE + (iret_insn - ret));
}

/* The old task's TSS is too small to save it; QEMU does not look */
static void bad_old_tss(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(jump);
	struct hvmon_state st;

	if (!hvt_is_vmx())
		return;
	HVT_TASK(v, 1, other);
	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.seg[HVMON_TR].limit = 0x5e;
	hvt_set(v, &st, HVMON_STATE_SREGS);
	old_tasks_fault(v, TS, HVT_TSS_SEL(0), HVT_CODE);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL);
}

static void new_tasks_fault(int seg, u16 sel, u8 vector)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(jump);
	struct hvt_tss *t1 = HVT_TASK(v, 1, other);
	int i;

	/* 0x30 is data that is not present */
	hvt_set_desc(v, 0x30, 0, 0xffff, 0x13);
	hvt_set_desc(v, 0x38, 0, 0xffff, 0x1b);
	for (i = TS; i <= GP; i++) {
		HVT_TASK(v, i - TS + 2, handler);
		hvt_task_gate(v, i, HVT_TSS_SEL(i - TS + 2));
	}
	if (seg == HVMON_LDTR)
		t1->ldt = sel;
	else
		t1->seg[seg] = sel;
	t1->gpr[HVMON_RSI] = 0x1234;
	CHECK_EQ(EXPECT_REPORT(v), sel & ~3);
	CHECK_TASK(v, vector - TS + 2);
	CHECK_EQ(hvt_tss(v, vector - TS + 2)->link, HVT_TSS_SEL(1));
	CHECK_EQ(t1->eip, HVT_TASK_CODE(1));
	CHECK_EQ(t1->gpr[HVMON_RSI], 0x1234);
	if (seg != HVMON_LDTR)
		CHECK_EQ(t1->seg[seg], sel);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
}

/* #GP's handler is a task that cannot run: #TS amid the delivery of #GP is #DF */
static void double_fault(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(fault);

	hvt_set_reg(v, HVMON_RAX, 0x1238);
	HVT_TASK(v, 1, other)->seg[HVMON_SS] = 0;
	HVT_TASK(v, 2, handler);
	hvt_task_gate(v, GP, HVT_TSS_SEL(1));
	hvt_task_gate(v, DF, HVT_TSS_SEL(2));
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_TASK(v, 2);
	CHECK_EQ(hvt_tss(v, 2)->link, HVT_TSS_SEL(1));
	CHECK_EQ(hvt_tss(v, 1)->link, HVT_TSS_SEL(0));
	CHECK_EQ(hvt_tss(v, 0)->eip, HVT_CODE + (fault_insn - fault));
}

int main(void)
{
	bad_tss();
	bad_old_tss();
	new_tasks_fault(HVMON_CS, 0, TS);
	new_tasks_fault(HVMON_CS, HVT_SEL_DATA, TS);
	new_tasks_fault(HVMON_CS, HVT_SEL_CODE32 | 3, TS);
	new_tasks_fault(HVMON_CS, 0x38, NP);
	new_tasks_fault(HVMON_SS, 0, TS);
	new_tasks_fault(HVMON_SS, HVT_SEL_CODE32, TS);
	/* QEMU has #NP for all segments: tss_load_seg() */
	new_tasks_fault(HVMON_SS, 0x30, hvt_is_vmx() ? SS : NP);
	new_tasks_fault(HVMON_DS, 0x30, NP);
	new_tasks_fault(HVMON_ES, HVT_TSS_SEL(0), TS);
	new_tasks_fault(HVMON_FS, 0xff8, TS);
	new_tasks_fault(HVMON_GS, 0x14, TS);
	new_tasks_fault(HVMON_LDTR, HVT_SEL_DATA, TS);
	new_tasks_fault(HVMON_LDTR, 0xff8, TS);
	double_fault();
	return 0;
}
