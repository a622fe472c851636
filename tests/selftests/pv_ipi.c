// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercall 10 sends an interrupt to the vCPUs of its bitmap and to no other,
 * the caller among them, and says how many took it.
 */
#include "hvt_irq.h"

#define ARGS	0x100040	/* bitmap low, high, least ID, ICR */
#define COUNTS	0x100100	/* per APIC ID */

#define SENDER(insn)							\
	G_LAPIC_ON							\
	"0: pause\n"							\
	"cmpl $2, 0x100008\n"		/* both enabled their LAPICs */	\
	"jne 0b\n"							\
	"sti\n"								\
	"1: mov 0x100040, %rbx\n"					\
	"mov 0x100048, %rcx\n"						\
	"mov 0x100050, %rdx\n"						\
	"mov 0x100058, %rsi\n"						\
	"mov $10, %eax\n"						\
	insn "\n"							\
	G_REPORT							\
	"jmp 1b\n"
GUEST64(amd, SENDER("vmmcall"));
GUEST64(intel, SENDER("vmcall"));
/* The others, at 0x12000, alternate between spinning and halting */
GUEST64(receiver,
	G_LAPIC_ON
	"lock incl 0x100008\n"
	"1: sti\n"
	"mov $1000, %ecx\n"
	"2: dec %ecx\n"
	"jnz 2b\n"
	"hlt\n"
	"jmp 1b\n");
GUEST64(handler,
	"push %rax\n"
	"mov 0x20(%rbp), %eax\n"
	"shr $24, %eax\n"
	"lock incl 0x100100(,%rax,4)\n"
	G_EOI
	"pop %rax\n"
	"iretq\n");

static int ipi(struct hvt_vcpu *v, u64 lo, u64 hi, u64 min, u64 icr)
{
	u64 *args = (u64 *)(v->vm->mem + ARGS);

	args[0] = lo;
	args[1] = hi;
	args[2] = min;
	args[3] = icr;
	return EXPECT_REPORT(v);
}

static void arrived(struct hvt_vcpu *v, u32 a, u32 b, u32 c)
{
	volatile u32 *n = (u32 *)(v->vm->mem + COUNTS);
	int i;

	for (i = 0; i < 5000 && (n[1] < b || n[2] < c); i++)
		hvt_sleep_ms(1);
	hvt_sleep_ms(5);
	CHECK_EQ(n[0], a);
	CHECK_EQ(n[1], b);
	CHECK_EQ(n[2], c);
}

int main(void)
{
	bool vmx = hvt_is_vmx();
	struct hvt_vcpu *v = vmx ? HVT_BOOT_IRQ(64, intel, 0) : HVT_BOOT_IRQ(64, amd, 0);
	struct hvt_thread t[2];
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x51, handler);
	hvt_load(v->vm, 0x12000, receiver, receiver_end);
	for (i = 0; i < 2; i++) {
		struct hvt_vcpu *w = hvt_vcpu(v->vm, i + 1);

		hvt_start_ap(w);
		hvt_set_rip(w, 0x12000);
		hvt_spawn(&t[i], w);
	}
	CHECK_EQ(ipi(v, 0, 0, 0, 0x51), 0);
	arrived(v, 0, 0, 0);
	for (i = 1; i <= 50; i++) {
		CHECK_EQ(ipi(v, 6, 0, 0, 0x51), 2);
		arrived(v, 0, i, i);
	}
	CHECK_EQ(ipi(v, 1, 0, 2, 0x51), 1);		/* from ID 2 on */
	arrived(v, 0, 50, 51);
	CHECK_EQ(ipi(v, 0x22, 2, 0, 0x51), 1);		/* 5 and 65 do not exist */
	arrived(v, 0, 51, 51);
	CHECK_EQ(ipi(v, 7, 0, 0, 0x51), 3);
	ipi(v, 0, 0, 0, 0x51);				/* lets the caller take its own */
	arrived(v, 1, 52, 52);
	/* no logical destinations, no shorthands, no INIT */
	CHECK_EQ(ipi(v, 6, 0, 0, 0x851), -22);
	CHECK_EQ(ipi(v, 6, 0, 0, 0x80051), -22);
	CHECK_EQ(ipi(v, 6, 0, 0, 0x500), -22);
	arrived(v, 1, 52, 52);
	for (i = 0; i < 2; i++)
		hvt_stop(&t[i]);
	return 0;
}
