// SPDX-License-Identifier: GPL-2.0
/*
 * The TPR that a guest writes, by CR8 or in the LAPIC's page, is the one that
 * it reads, that the launcher sees and sets, and that masks interrupts; also
 * those that an EOI would let through.
 */
#include "hvt_irq.h"

#define OTHER_HANDLER	(HVT_HANDLER + 0x100)

GUEST64(guest,
	G_LAPIC_ON
	"mov $7, %eax\n"
	"mov %rax, %cr8\n"
	"sti\n"
	"mov $0x100, %eax\n"
	G_REPORT
	"mov $1000, %ecx\n"			/* never below class 6 */
	"1: mov %ecx, %eax\n"
	"and $7, %eax\n"
	"add $6, %eax\n"
	"mov %rax, %cr8\n"
	"mov %cr8, %rdx\n"
	"cmp %rax, %rdx\n"
	"jne 2f\n"
	"loop 1b\n"
	"mov $0x200, %eax\n"
	"2:" G_REPORT
	"mov $5, %eax\n"
	"mov %rax, %cr8\n"
	"nop\n"
	"movl $0x73, 0x80(%rbp)\n"
	"mov %cr8, %rax\n"
	G_REPORT
	"mov %cr8, %rax\n"			/* the launcher has set it */
	G_REPORT
	"mov 0x80(%rbp), %eax\n"
	G_REPORT
	"mov $5, %eax\n"
	"mov %rax, %cr8\n"
	"mov $0x300, %eax\n"
	G_REPORT
	"mov $0x400, %eax\n"
	G_REPORT
	"xor %eax, %eax\n"
	"mov %rax, %cr8\n"
	"nop\n"
	"mov $0x500, %eax\n"
	G_REPORT
	"hlt\n");

HVT_COUNTING_HANDLER(handler);

/* Raises the TPR before its EOI: a vector of class 6 goes on waiting */
GUEST64(other,
	"push %rax\n"
	"mov $0x777, %eax\n"
	G_REPORT
	"mov $6, %eax\n"
	"mov %rax, %cr8\n"
	G_EOI
	"pop %rax\n"
	"iretq\n");

GUEST64(no_irqchip,
	"mov $9, %eax\n"
	"mov %rax, %cr8\n"
	"mov %cr8, %rax\n"
	G_REPORT
	"mov %cr8, %rax\n"
	G_REPORT
	"hlt\n");

static void set_cr8(struct hvt_vcpu *v, u64 old, u64 new)
{
	static struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_SREGS);
	CHECK_EQ(st.sregs.cr8, old);
	st.sregs.cr8 = new;
	hvt_set(v, &st, HVMON_STATE_SREGS);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	static struct hvmon_state st;
	__u64 exits;

	HVT_SET_HANDLER(v->vm, 0x63, handler);
	hvt_load(v->vm, OTHER_HANDLER, other, other_end);
	hvt_gate64(v->vm, 0x72, OTHER_HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	hvt_get(v, &st, HVMON_STATE_SREGS | HVMON_STATE_LAPIC);
	CHECK_EQ(st.sregs.cr8, 7);
	CHECK_EQ(*(u32 *)(st.lapic.page + 0x80), 0x70);
	CHECK_EQ(*(u32 *)(st.lapic.page + 0xa0), 0x70);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	exits = hvt_stats(v).exits;
	CHECK_EQ(EXPECT_REPORT(v), 0x200);
	exits = hvt_stats(v).exits - exits;
	if (hvt_is_vmx())
		CHECK(exits < 100, "%llu exits for 2000 accesses to CR8", exits);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 7);
	hvt_get(v, &st, HVMON_STATE_LAPIC);
	CHECK_EQ(*(u32 *)(st.lapic.page + 0x80), 0x73);
	set_cr8(v, 7, 8);
	CHECK_EQ(EXPECT_REPORT(v), 8);
	CHECK_EQ(EXPECT_REPORT(v), 0x80);
	/* Both at once: class 7 first, and class 6 not even at its EOI */
	CHECK_EQ(EXPECT_REPORT(v), 0x300);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x72), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(EXPECT_REPORT(v), 0x400);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(EXPECT_REPORT(v), 0x500);

	v = HVT_BOOT(64, no_irqchip);
	CHECK_EQ(EXPECT_REPORT(v), 9);
	set_cr8(v, 9, 3);
	CHECK_EQ(EXPECT_REPORT(v), 3);
	return 0;
}
