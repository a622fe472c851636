// SPDX-License-Identifier: GPL-2.0
/*
 * The LAPIC's timer interrupts a guest that never halts, in all modes, and not
 * early. On VT-x the processor itself ends the run at that instant.
 */
#include "hvt_irq.h"

#define TICKS	40

GUEST64(guest,
	G_LAPIC_ON
	"movl $0xb, 0x3e0(%rbp)\n"		/* divide by 1 */
	"sti\n"
	/* one-shot */
	"movl $0x50, 0x320(%rbp)\n"
	"1: mov 0x100000, %ebx\n"
	"movl $500000, 0x380(%rbp)\n"
	"2: cmp %ebx, 0x100000\n"
	"je 2b\n"
	"cmpl $10, 0x100000\n"
	"jb 1b\n"
	/* deadline */
	"movl $0x40050, 0x320(%rbp)\n"
	"mfence\n"
	"3: mov 0x100000, %ebx\n"
	"rdtsc\n"
	"add $1000000, %eax\n"
	"adc $0, %edx\n"
	"mov %eax, %esi\n"
	"mov %edx, %edi\n"
	"mov $0x6e0, %ecx\n"
	"wrmsr\n"
	"4: cmp %ebx, 0x100000\n"
	"je 4b\n"
	"rdtsc\n"
	"sub %esi, %eax\n"
	"sbb %edi, %edx\n"
	"js 5f\n"
	"cmp %eax, 0x101000\n"			/* the least that it is late */
	"jb 6f\n"
	"mov %eax, 0x101000\n"
	"6:\n"
	"cmpl $30, 0x100000\n"
	"jb 3b\n"
	/* periodic */
	"movl $0x20050, 0x320(%rbp)\n"
	"movl $1000000, 0x380(%rbp)\n"
	"jmp .\n"
	"5: mov $0xbad, %eax\n"
	G_REPORT);

HVT_COUNTING_HANDLER(handler);

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	struct hvmon_vcpu_stats st;
	volatile u32 *late = (u32 *)(v->vm->mem + 0x101000);
	u32 i;

	if (!(hvt_info().caps & HVMON_CAP_TSC_DEADLINE))
		hvt_skip("no TSC-deadline mode");
	HVT_SET_HANDLER(v->vm, 0x50, handler);
	*late = ~0U;
	for (i = 1; i <= TICKS; i++)
		CHECK_EQ(EXPECT_REPORT(v), i);
	st = hvt_stats(v);
	CHECK_EQ(st.hlt, 0);
	/* 10 ms, for the sake of slow hosts: the way to the launcher is in it */
	CHECK(*late < 10 * hvt_info().tsc_khz, "no deadline was less than %u cycles late", *late);
	if (hvt_is_vmx())
		/* The host's interrupts may come at the very moment, but not always */
		CHECK(st.timer >= TICKS / 2, "%llu of %d ticks ended a run", st.timer, TICKS);
	else
		CHECK_EQ(st.timer, 0);
	return 0;
}
