// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of the IOAPIC and of the LAPIC's page are read and written without
 * leaving the section, and hypercalls are answered there. What the TPR in the page
 * masks waits, and comes as soon as it is lowered.
 */
#include "hvt_irq.h"

#define N	400

#define BODY(hypercall)						\
	G_LAPIC_ON						\
	"sti\n"							\
	"mov $0xfec00000, %ebx\n"				\
	"movl $1, (%rbx)\n"		/* makes the emulator */	\
	G_REPORT						\
	"mov $200, %esi\n"					\
	"1: movl $1, (%rbx)\n"					\
	"mov 0x10(%rbx), %eax\n"	/* version */		\
	"dec %esi\n"						\
	"jnz 1b\n"						\
	G_REPORT						\
	"mov $200, %esi\n"					\
	"1: movl $0x20, 0x80(%rbp)\n"				\
	"mov 0x80(%rbp), %r10d\n"				\
	"dec %esi\n"						\
	"jnz 1b\n"						\
	"mov %cr8, %rax\n"					\
	"shl $8, %eax\n"					\
	"or %r10d, %eax\n"					\
	G_REPORT						\
	"mov $400, %esi\n"					\
	"1: mov $0x12345, %eax\n"				\
	hypercall						\
	"dec %esi\n"						\
	"jnz 1b\n"						\
	G_REPORT						\
	"movl $0x60, 0x80(%rbp)\n"				\
	"mov $0x100, %eax\n"					\
	G_REPORT						\
	"nop\n"							\
	"mov 0x80(%rbp), %eax\n"				\
	G_REPORT						\
	"movl $0x50, 0x80(%rbp)\n"				\
	"nop\n"							\
	"mov $0x200, %eax\n"					\
	G_REPORT						\
	"hlt\n"

GUEST64(amd, BODY("vmmcall\n"));
GUEST64(intel, BODY("vmcall\n"));
HVT_COUNTING_HANDLER(handler);

static struct hvt_vcpu *boot(void)
{
	if (hvt_is_vmx())
		return HVT_BOOT_IRQ(64, intel, 0);
	return HVT_BOOT_IRQ(64, amd, 0);
}

int main(void)
{
	static const struct {
		const char *what;
		u32 result;
	} loops[] = {
		{ "accesses to the IOAPIC", 0x170011 },
		{ "accesses to the LAPIC's page", 0x220 },
		{ "hypercalls", (u32)-1000 },
	};
	struct hvt_vcpu *v = boot();
	u64 sections, spent;
	unsigned int i;

	HVT_SET_HANDLER(v->vm, 0x63, handler);
	EXPECT_REPORT(v);
	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		sections = hvt_stats(v).sections;
		CHECK_EQ(EXPECT_REPORT(v), loops[i].result);
		spent = hvt_stats(v).sections - sections;
		/* Interrupts of the host end some, on a slow one many */
		CHECK(spent < N / 2, "%u %s took %llu sections", N, loops[i].what,
		      (unsigned long long)spent);
	}
	CHECK_EQ(hvt_stats(v).hypercall, N);
	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x60);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x200);
	return 0;
}
