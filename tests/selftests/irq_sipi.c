// SPDX-License-Identifier: GPL-2.0
/*
 * INIT and SIPI start a vCPU in real mode at the vector's page, once, and it
 * does not run before.
 */
#include "hvt_irq.h"

GUEST64(bsp,
	G_LAPIC_ON
	"mov 0x100000, %eax\n"
	G_REPORT
	"movl $0x01000000, 0x310(%rbp)\n"
	"movl $0x4500, 0x300(%rbp)\n"		/* INIT */
	"movl $0x01000000, 0x310(%rbp)\n"
	"movl $0x4650, 0x300(%rbp)\n"		/* SIPI: 0x50000 */
	"1: pause\n"
	"cmpl $0, 0x600\n"
	"je 1b\n"
	"movl $0x01000000, 0x310(%rbp)\n"
	"movl $0x4650, 0x300(%rbp)\n"		/* the second is ignored */
	"mov $2, %eax\n"
	G_REPORT
	"mov 0x600, %eax\n"
	G_REPORT
	"mov 0x604, %eax\n"
	G_REPORT
	"mov 0x608, %eax\n"
	G_REPORT
	"hlt\n");
GUEST16(ap,
	"xor %ax, %ax\n"
	"mov %ax, %ds\n"
	"mov %cs, 0x604\n"
	"mov %cr0, %eax\n"
	"mov %eax, 0x608\n"
	"incl 0x600\n"
	"1: hlt\n"
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, bsp, 0), *w = hvt_vcpu(v->vm, 1);
	struct hvmon_state st;
	struct hvt_thread t;

	hvt_load(v->vm, 0x50000, ap, ap_end);
	hvt_get(w, &st, HVMON_STATE_MP);
	CHECK_EQ(st.mp.state, HVMON_MP_WAIT_SIPI);
	hvt_spawn(&t, w);
	hvt_sleep_ms(100);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(*(u32 *)(v->vm->mem + 0x600), 0);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x5000);
	CHECK_EQ(EXPECT_REPORT(v) & 0x80000001, 0);
	hvt_stop(&t);
	hvt_get(w, &st, HVMON_STATE_MP | HVMON_STATE_REGS);
	CHECK_EQ(st.mp.state, HVMON_MP_HALTED);
	return 0;
}
