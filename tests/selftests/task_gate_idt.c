// SPDX-License-Identifier: GPL-2.0
/*
 * A task gate in the IDT: for an exception the error code is on the new task's
 * stack and the saved EIP the faulting one; for INT n it is the next one; for
 * interrupts and NMIs the one that was interrupted. IRET returns.
 */
#include "hvt_task.h"

GUEST32(guest,
	"mov $0x10, %edx\n"
	"mov $0x123c, %eax\n"
	"mov %eax, %ds\n"		/* an LDT's selector, without an LDT */
	"fault: mov $2, %eax\n"
	G_REPORT
	"int $0x50\n"
	"int_n: mov $3, %eax\n"
	G_REPORT
	"sti\n"
	"nop\n"
	"intr: mov $4, %eax\n"
	G_REPORT
	"nmi: mov $5, %eax\n"
	G_REPORT
	"hlt\n");
/* Reports its stack pointer, then what is there */
GUEST32(handler,
	"1: mov %esp, %eax\n"
	G_REPORT
	"mov (%esp), %eax\n"
	G_REPORT
	"iret\n"
	"jmp 1b\n");

HVT_LABEL(fault);
HVT_LABEL(int_n);
HVT_LABEL(intr);
HVT_LABEL(nmi);

#define EIP_OF(label)	(HVT_CODE + ((label) - guest))

/* Enters the handler: task @n, with or without an error code; saved: @eip */
static void expect_handler(struct hvt_vcpu *v, int n, u32 esp, u32 eip)
{
	struct hvmon_state st;

	CHECK_EQ(EXPECT_REPORT(v), esp);
	CHECK_TASK(v, n);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(st.regs.rflags & EFLAGS_NT, EFLAGS_NT);
	CHECK_EQ(hvt_tss(v, n)->link, HVT_TSS_SEL(0));
	CHECK_EQ(hvt_tss(v, 0)->eip, eip);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);
	struct hvmon_state st;
	int i;

	for (i = 1; i <= 4; i++) {
		HVT_TASK(v, i, handler);
		hvt_tss(v, i)->gpr[HVMON_RSP] = 0x30000;
	}
	hvt_task_gate(v, 13, HVT_TSS_SEL(1));
	hvt_task_gate(v, 0x50, HVT_TSS_SEL(2));
	hvt_task_gate(v, 0x51, HVT_TSS_SEL(3));
	hvt_task_gate(v, 2, HVT_TSS_SEL(4));

	/* #GP with the selector, at the MOV; RF: QEMU leaves it out of the TSS */
	expect_handler(v, 1, 0x2fffc, EIP_OF(fault) - 2);
	if (hvt_is_vmx())
		CHECK_EQ(hvt_tss(v, 0)->eflags >> 16 & 1, 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x123c);
	hvt_tss(v, 0)->eip = EIP_OF(fault);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_TASK(v, 0);

	expect_handler(v, 2, 0x30000, EIP_OF(int_n));
	EXPECT_REPORT(v);
	CHECK_EQ(EXPECT_REPORT(v), 3);

	SYS(hvt_try_inject(v, HVMON_EV_INTR, 0x51, false, 0, 0));
	expect_handler(v, 3, 0x30000, EIP_OF(intr));
	EXPECT_REPORT(v);
	CHECK_EQ(EXPECT_REPORT(v), 4);

	SYS(hvt_try_inject(v, HVMON_EV_NMI, 0, false, 0, 0));
	expect_handler(v, 4, 0x30000, EIP_OF(nmi));
	hvt_get(v, &st, HVMON_STATE_EVENTS);
	CHECK_EQ(st.events.flags & HVMON_EVS_NMI_BLOCKED, HVMON_EVS_NMI_BLOCKED);
	/*
	 * The next one waits for the IRET, and then comes before the MOV. On
	 * AMD-V the IRET would be stepped over with TF, which its task keeps:
	 * a known gap
	 */
	if (hvt_is_vmx()) {
		SYS(hvt_try_inject(v, HVMON_EV_NMI, 0, false, 0, 0));
		EXPECT_REPORT(v);
		expect_handler(v, 4, 0x30000, EIP_OF(nmi));
	}
	EXPECT_REPORT(v);
	CHECK_EQ(EXPECT_REPORT(v), 5);
	hvt_get(v, &st, HVMON_STATE_EVENTS);
	CHECK_EQ(st.events.flags & HVMON_EVS_NMI_BLOCKED, 0);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
