// SPDX-License-Identifier: GPL-2.0
/*
 * A LAPIC timer that runs out while the launcher has the vCPU is in its state,
 * as one tick however many periods passed, and interrupts when the guest runs.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_LAPIC_ON
	"movl $0xb, 0x3e0(%rbp)\n"
	"sti\n"
	"1: movl $0x50, 0x320(%rbp)\n"
	"movl $3000000, 0x380(%rbp)\n"		/* one-shot */
	"mov $0x777, %eax\n"
	G_REPORT
	"2: cmpl $1, 0x100000\n"
	"jne 2b\n"
	"movl $0x20050, 0x320(%rbp)\n"
	"movl $100000000, 0x380(%rbp)\n"	/* periodic */
	"mov $0x778, %eax\n"
	G_REPORT
	"jmp .\n");

HVT_COUNTING_HANDLER(handler);

static u32 irr50(struct hvt_vcpu *v, __s64 *left)
{
	static struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_LAPIC);
	*left = st.lapic.timer_left_ns;
	return *(u32 *)(st.lapic.page + 0x220) >> 16;	/* vectors 0x50 to 0x5f */
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	u32 n = 1, report;
	__s64 left;

	HVT_SET_HANDLER(v->vm, 0x50, handler);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	usleep(20000);
	CHECK_EQ(irr50(v, &left), 1);
	CHECK_EQ(left, -1);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	/* On a slow host periods pass before the guest comes to its report */
	while ((report = EXPECT_REPORT(v)) != 0x778)
		CHECK_EQ(report, ++n);
	usleep(350000);
	CHECK_EQ(irr50(v, &left), 1);
	CHECK(left > 0 && left <= 100000000, "%lld ns left", left);
	CHECK_EQ(EXPECT_REPORT(v), n + 1);
	CHECK_EQ(EXPECT_REPORT(v), n + 2);
	return 0;
}
