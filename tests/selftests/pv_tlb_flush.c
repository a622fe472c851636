// SPDX-License-Identifier: GPL-2.0
/*
 * A flush asked for in the "preempted" byte of a vCPU that does not run is
 * done when it runs again: the byte is 0 then, and a changed page table counts.
 */
#include "hvt_irq.h"

#define FLAG		0x102010	/* kvm_steal_time.preempted */
#define SEEN		0x100010	/* its value in the guest */
#define PREEMPTED	1
#define FLUSH		2

/* Virtual 1 GiB is physical 0 or 2 MiB; each has its own number at 0x110000 */
GUEST64(guest,
	G_LAPIC_ON
	"mov $0x4b564d03, %ecx\n"
	"mov $0x102001, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"1: cli\n"				/* an interrupt comes in HLT, not before */
	"movzbl 0x102010, %eax\n"
	"mov %eax, 0x100010\n"
	"mov 0x40110000, %eax\n"
	G_REPORT
	"sti\n"
	"hlt\n"
	"jmp 1b\n");
GUEST64(handler, G_EOI "iretq\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	volatile u64 *pde = (u64 *)(v->vm->mem + HVT_PD) + 512;
	u8 *flag = v->vm->mem + FLAG;
	struct hvt_thread t;
	u32 i, n;

	HVT_SET_HANDLER(v->vm, 0x61, handler);
	*(u32 *)(v->vm->mem + 0x110000) = 1000;
	*(u32 *)(v->vm->mem + 0x310000) = 1001;
	*pde = 0x87;
	hvt_spawn(&t, v);
	hvt_wait_reports(&t, 0);
	CHECK_EQ(t.last, 1000);
	for (i = 1; i <= 50; i++) {
		u8 old = PREEMPTED;

		for (n = 0; __atomic_load_n(flag, __ATOMIC_ACQUIRE) != PREEMPTED; n++) {
			CHECK(n < 5000, "it halts and is not marked preempted");
			hvt_sleep_ms(1);
		}
		*pde = (i & 1) << 21 | 0x87;
		CHECK(__atomic_compare_exchange_n(flag, &old, PREEMPTED | FLUSH, false,
						  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST),
		      "the flag became %#x", old);
		CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x61), 1);
		hvt_wait_reports(&t, i);
		CHECK_EQ(t.last, 1000 + (i & 1));
		CHECK_EQ(*(u32 *)(v->vm->mem + SEEN), 0);
	}
	hvt_stop(&t);
	return 0;
}
