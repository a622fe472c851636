// SPDX-License-Identifier: GPL-2.0
/*
 * The PICs deliver a line's interrupt through the LAPIC's ExtINT, with
 * priority, mask and EOI.
 */
#include "hvt_irq.h"

GUEST64(guest,
	G_PICS_ON
	"1: mov $0x100, %eax\n"
	"cli\n"
	G_REPORT
	"sti\n"
	"nop\n"
	"nop\n"
	"jmp 1b\n");

/* Vectors 0x20-0x2f: report the vector, EOI to both chips */
#define STUB(n)	"push %rax\n mov $" #n ", %eax\n jmp 9f\n .balign 16\n"

GUEST64(handlers,
	STUB(0x20) STUB(0x21) STUB(0x22) STUB(0x23) STUB(0x24) STUB(0x25) STUB(0x26) STUB(0x27)
	STUB(0x28) STUB(0x29) STUB(0x2a) STUB(0x2b) STUB(0x2c) STUB(0x2d) STUB(0x2e) STUB(0x2f)
	"9: out %eax, $0xe4\n"
	"mov $0x20, %al\n"
	"out %al, $0xa0\n"
	"out %al, $0x20\n"
	"pop %rax\n"
	"iretq\n");

static void edge(struct hvt_vm *vm, u32 gsi)
{
	hvt_irq_line(vm, gsi, 1);
	hvt_irq_line(vm, gsi, 0);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	int i;

	hvt_load(v->vm, HVT_HANDLER, handlers, handlers_end);
	for (i = 0; i < 16; i++)
		hvt_gate64(v->vm, 0x20 + i, HVT_HANDLER + i * 16);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	edge(v->vm, 4);
	CHECK_EQ(EXPECT_REPORT(v), 0x24);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	/* both pending: the lower pin first, and the slave's before pin 3 */
	hvt_irq_line(v->vm, 3, 1);
	hvt_irq_line(v->vm, 10, 1);
	hvt_irq_line(v->vm, 1, 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x21);
	CHECK_EQ(EXPECT_REPORT(v), 0x2a);
	CHECK_EQ(EXPECT_REPORT(v), 0x23);
	/* edges: the lines are still up, nothing more comes */
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	return 0;
}
