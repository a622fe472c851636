// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that finds the flag of the paravirtual EOI set clears it in place of
 * an EOI, and the next interrupt arrives; it is not set while another
 * interrupt waits for the EOI. Where the processor takes EOIs it is never set.
 */
#include "hvt_irq.h"

/* Documentation/virt/kvm/x86/msr.rst; counts: all, fast, slow */
#define FLAG	0x102000

GUEST64(guest,
	G_LAPIC_ON
	"mov $0x4b564d04, %ecx\n"
	"mov $0x102001, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"1: sti\n"
	"nop\n"
	"nop\n"
	"cli\n"
	"mov $0x777, %eax\n"
	G_REPORT
	"jmp 1b\n");

GUEST64(handler,
	"incl 0x100000\n"
	"btrl $0, 0x102000\n"
	"jc 1f\n"
	"incl 0x100008\n"
	G_EOI
	"iretq\n"
	"1: incl 0x100004\n"
	"iretq\n");

static void counts(struct hvt_vcpu *v, u32 all, u32 fast, u32 slow)
{
	const u32 *n = (u32 *)(v->vm->mem + HVT_DATA);
	static bool never;

	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(n[0], all);
	if (hvt_is_vmx() && all == 1)
		never = n[2];
	if (never) {
		slow += fast;
		fast = 0;
	}
	CHECK_EQ(n[1], fast);
	CHECK_EQ(n[2], slow);
	CHECK_EQ(*(u32 *)(v->vm->mem + FLAG), 0);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x61, handler);
	hvt_gate64(v->vm, 0x51, HVT_HANDLER);
	counts(v, 0, 0, 0);
	for (i = 1; i <= 50; i++) {
		CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x61), 1);
		counts(v, i, i, 0);
	}
	/* 0x51 waits for the EOI of 0x61 */
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x61), 1);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x51), 1);
	counts(v, 52, 51, 1);
	/* switched off */
	SYS(hvt_try_set_msr(v, 0x4b564d04, 0));
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x51), 1);
	counts(v, 53, 51, 2);
	return 0;
}
