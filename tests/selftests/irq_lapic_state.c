// SPDX-License-Identifier: GPL-2.0
/*
 * A LAPIC's registers, pending interrupt and running timer move to another VM
 * with STATE_GET and STATE_SET.
 */
#include "hvt_irq.h"

GUEST64(guest,
	"cli\n"
	G_LAPIC_ON
	"movl $0xb, 0x3e0(%rbp)\n"
	"movl $0x50, 0x320(%rbp)\n"
	"movl $500000000, 0x380(%rbp)\n"
	"mov $0x777, %eax\n"
	G_REPORT
	G_IDLE);

HVT_COUNTING_HANDLER(handler);

#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_EVENTS | HVMON_STATE_MP | \
		 HVMON_STATE_LAPIC)

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0), *w;
	static struct hvmon_state a, b;
	struct hvt_vm *vm = hvt_vm();

	HVT_SET_HANDLER(v->vm, 0x50, handler);
	hvt_gate64(v->vm, 0x63, HVT_HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	/* finish the OUT, so that nothing is left in the launcher's hands */
	v->run->immediate_exit = 1;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	hvt_get(v, &a, GROUPS);
	CHECK(a.lapic.timer_left_ns > 0, "the timer does not run: %lld", a.lapic.timer_left_ns);
	/* IRR bit 0x63: page offset 0x200 + 0x10 * 3, bit 3 */
	CHECK_EQ(*(u32 *)(a.lapic.page + 0x230), 1 << 3);
	memcpy(vm->mem, v->vm->mem, HVT_MEM);
	hvt_irqchip(vm, 0);
	w = hvt_vcpu(vm, 0);
	hvt_set(w, &a, GROUPS);
	hvt_get(w, &b, GROUPS);
	CHECK(!memcmp(a.lapic.page, b.lapic.page, 0x380), "registers");
	CHECK(b.lapic.timer_left_ns > 0, "the timer does not run");
	CHECK_EQ(EXPECT_REPORT(w), 1);		/* the interrupt that was pending */
	CHECK_EQ(EXPECT_REPORT(w), 2);		/* the timer */
	return 0;
}
