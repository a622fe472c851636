// SPDX-License-Identifier: GPL-2.0
/*
 * Fixed IPIs between two vCPUs arrive, each once, while the receiver spins and
 * while it halts.
 */
#include "hvt_irq.h"

/* vCPU 0: sends vector 0x51 to APIC ID 1, waits for the answer, reports */
GUEST64(sender,
	G_LAPIC_ON
	"xor %ebx, %ebx\n"
	/* a LAPIC that is not enabled yet would drop the first */
	"0: pause\n"
	"cmpl $0, 0x100008\n"
	"je 0b\n"
	"1: inc %ebx\n"
	"movl $0x01000000, 0x310(%rbp)\n"
	"movl $0x4051, 0x300(%rbp)\n"
	"2: pause\n"
	"cmp %ebx, 0x100000\n"
	"jne 2b\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"jmp 1b\n");
/* vCPU 1 at 0x12000: alternates between spinning and halting */
GUEST64(receiver,
	G_LAPIC_ON
	"movl $1, 0x100008\n"
	"1: sti\n"
	"mov $1000, %ecx\n"
	"2: dec %ecx\n"
	"jnz 2b\n"
	"hlt\n"
	"jmp 1b\n");
GUEST64(handler, "incl 0x100000\n" G_EOI "iretq\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, sender, 0), *w = hvt_vcpu(v->vm, 1);
	struct hvt_thread t;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x51, handler);
	hvt_load(v->vm, 0x12000, receiver, receiver_end);
	hvt_start_ap(w);
	hvt_set_rip(w, 0x12000);
	hvt_spawn(&t, w);
	for (i = 1; i <= 200; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	hvt_stop(&t);
	CHECK_EQ(*(u32 *)(v->vm->mem + HVT_DATA), 200);
	CHECK_EQ(hvt_stats(w).irq_injected, 200);
	return 0;
}
