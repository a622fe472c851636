// SPDX-License-Identifier: GPL-2.0
/*
 * An exception takes the place of the event whose delivery raised it. An NMI comes
 * after it, nothing else does. Nor does HVMON_INJECT displace anything.
 */
#include "hvt.h"

enum { BACK = 1, NMI = 2, HANDLER = 6, HANDLER_ENDS = 7, INTR = 0x61 };

GUEST64(guest, "mov $1, %eax\n" G_REPORT "hlt\n");
GUEST64(nmi_handler, "mov $2, %eax\n" G_REPORT "iretq\n");
GUEST64(ud_handler,
	"mov $6, %eax\n" G_REPORT
	"mov $7, %eax\n" G_REPORT
	"iretq\n");
GUEST64(intr_handler, "mov $0x61, %eax\n" G_REPORT "iretq\n");

static struct hvt_vcpu *amid(u8 type, u8 vector, bool exception)
{
	bool vmx = hvt_is_vmx();
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;

	hvt_load(v->vm, 0x11000, nmi_handler, nmi_handler_end);
	hvt_load(v->vm, 0x12000, ud_handler, ud_handler_end);
	hvt_load(v->vm, 0x13000, intr_handler, intr_handler_end);
	hvt_gate64(v->vm, NMI, 0x11000);
	hvt_gate64(v->vm, HANDLER, 0x12000);
	hvt_gate64(v->vm, INTR, 0x13000);
	/* No nested page fault is to interrupt the delivery anew: all is touched before */
	SYS(hvt_try_inject(v, HVMON_EV_EXCEPTION, HANDLER, false, 0, 0));
	CHECK_EQ(EXPECT_REPORT(v), HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER_ENDS);
	CHECK_EQ(EXPECT_REPORT(v), BACK);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_EVENTS);
	st.regs.rip = HVT_CODE;
	st.regs.rflags |= 0x200;
	st.events.in_flight = (struct hvmon_event){
		.valid = 1, .type = type, .vector = vector,
		.insn_len = type == HVMON_EV_SOFT_INT && vmx ? 2 : 0 };
	st.events.exception = (struct hvmon_event){
		.valid = exception, .type = HVMON_EV_EXCEPTION, .vector = HANDLER };
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_EVENTS);
	return v;
}

int main(void)
{
	struct hvt_vcpu *v;
	u32 first;

	v = amid(HVMON_EV_INTR, INTR, true);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER_ENDS);
	CHECK_EQ(EXPECT_REPORT(v), BACK);

	v = amid(HVMON_EV_NMI, NMI, true);
	/* An exit of the host's may come before the handler's first instruction */
	first = EXPECT_REPORT(v);
	CHECK(first == HANDLER || first == NMI, "%u", first);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER + NMI - first);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER_ENDS);
	CHECK_EQ(EXPECT_REPORT(v), BACK);

	v = amid(HVMON_EV_SOFT_INT, INTR, true);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), HANDLER_ENDS);
	CHECK_EQ(EXPECT_REPORT(v), BACK);

	v = amid(HVMON_EV_INTR, INTR, false);
	REFUSED(hvt_try_inject(v, HVMON_EV_EXCEPTION, HANDLER, false, 0, 0), EBUSY);
	CHECK_EQ(EXPECT_REPORT(v), INTR);
	SYS(hvt_try_inject(v, HVMON_EV_EXCEPTION, HANDLER, false, 0, 0));
	CHECK_EQ(EXPECT_REPORT(v), HANDLER);
	return 0;
}
