// SPDX-License-Identifier: GPL-2.0
/*
 * While RFLAGS.IF is clear no interrupt is delivered, however long the guest
 * stays that way and whatever the host does meanwhile: it ends the guest's run
 * for its own interrupts, for timers, for a slice that is over. One that waits
 * comes as soon as IF is set.
 *
 * In each round the guest sends itself an interrupt behind STI; NOP; CLI and spins
 * for five ticks of the host. It has set IF before, since Bochs withholds the
 * host's interrupts from a guest that has not done so since its entry.
 *
 * With apicv=1 this fails in Bochs 2.7, where the guest sends itself an interrupt
 * without an exit: InterruptAcknowledge() delivers a pending virtual interrupt
 * when one of the host's comes, masked or not.
 */
#include "hvt_irq.h"

#define ROUNDS		20
#define SPIN_MS		20

#define G_XAPIC_SELF	"movl $0x44061, 0x300(%rbp)\n"
#define G_X2APIC_SELF	"mov $0x83f, %ecx\n mov $0x61, %eax\n xor %edx, %edx\n wrmsr\n"
#define G_X2APIC_ON								\
	"mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"			\
	"mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
#define G_TSC		"rdtsc\n shl $32, %rdx\n or %rdx, %rax\n"

/* What the guest leaves at HVT_DATA */
struct seen {
	u32 handled;
	u32 masked;		/* IF is clear, as the guest knows */
	u32 while_masked;	/* the handler found it so */
	u32 if_clear;		/* ... and so did the RFLAGS on its stack */
	u32 late;		/* IF was set, and the interrupt did not come at once */
};

/* EBX: rounds; R12: cycles to spin */
#define GUEST_LOOP(name, on, self)						\
	GUEST64(name,								\
		on								\
		"mov $0x100000, %edi\n"						\
		"xor %esi, %esi\n"						\
		"mov $1, %eax\n"						\
		G_REPORT							\
		"1: inc %esi\n"							\
		"sti\n nop\n cli\n"						\
		"movl $1, 4(%rdi)\n"						\
		self								\
		G_TSC								\
		"lea (%rax, %r12), %r13\n"					\
		"2: " G_TSC							\
		"cmp %r13, %rax\n"						\
		"jb 2b\n"							\
		"movl $0, 4(%rdi)\n"						\
		"sti\n"								\
		"nop\n"								\
		"cmp %esi, (%rdi)\n"						\
		"je 3f\n"							\
		"incl 16(%rdi)\n"						\
		"3: cli\n"							\
		"cmp %ebx, %esi\n"						\
		"jb 1b\n"							\
		"mov $2, %eax\n"						\
		G_REPORT							\
		"hlt\n")

GUEST_LOOP(xapic_loop, G_LAPIC_ON, G_XAPIC_SELF);
GUEST_LOOP(x2apic_loop, G_LAPIC_ON G_X2APIC_ON, G_X2APIC_SELF);

#define HANDLER(name, eoi)							\
	GUEST64(name,								\
		"push %rax\n push %rcx\n push %rdx\n"				\
		"incl (%rdi)\n"							\
		"mov 4(%rdi), %eax\n"						\
		"add %eax, 8(%rdi)\n"						\
		"testl $0x200, 40(%rsp)\n"					\
		"jnz 1f\n"							\
		"incl 12(%rdi)\n"						\
		"1: " eoi							\
		"pop %rdx\n pop %rcx\n pop %rax\n"				\
		"iretq\n")

HANDLER(xapic_handler, G_EOI);
HANDLER(x2apic_handler, "mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n");

static void spins(struct hvt_vcpu *v, const char *mode)
{
	const struct seen *s = (const struct seen *)(v->vm->mem + HVT_DATA);
	u32 khz = hvt_info().tsc_khz;
	u64 host_intr;

	hvt_set_reg(v, HVMON_RBX, ROUNDS);
	hvt_set_reg(v, HVMON_R12, (u64)(khz ? khz : 1000000) * SPIN_MS);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	host_intr = hvt_stats(v).host_intr;
	CHECK_EQ(EXPECT_REPORT(v), 2);
	host_intr = hvt_stats(v).host_intr - host_intr;
	printf("%s: %u handled, %u while masked, %u with IF clear, %u late, %llu host interrupts\n",
	       mode, s->handled, s->while_masked, s->if_clear, s->late,
	       (unsigned long long)host_intr);
	CHECK(!s->while_masked && !s->if_clear,
	      "%s: of %u interrupts %u came while the guest had IF clear, %u by their frame",
	      mode, s->handled, s->while_masked, s->if_clear);
	CHECK(!s->late, "%s: %u of %u came late", mode, s->late, ROUNDS);
	CHECK_EQ(s->handled, ROUNDS);
	/* Or nothing was shown; an emulator that gets no time merges its ticks */
	CHECK(host_intr >= ROUNDS / 4, "%s: %llu host interrupts in %u rounds", mode,
	      (unsigned long long)host_intr, ROUNDS);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, xapic_loop, 0);

	HVT_SET_HANDLER(v->vm, 0x61, xapic_handler);
	spins(v, "xAPIC");
	if (!(hvt_info().caps & HVMON_CAP_X2APIC))
		return 0;
	v = HVT_BOOT_IRQ(64, x2apic_loop, 0);
	HVT_SET_HANDLER(v->vm, 0x61, x2apic_handler);
	spins(v, "x2APIC");
	return 0;
}
