// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that exit are the ones that are there now. It makes no difference
 * what was at the same address an exit before: the guest's page tables, the bytes,
 * or the memory of the slot may have changed since, and the guest's INVLPG is none
 * of the module's business.
 */
#include "hvt_irq.h"

#define ALIAS	"0x40100000"	/* in the 2 MiB that entry 512 of the tables maps */
#define ENTRY	"0x4000"	/* HVT_PD + 512 * 8 */
#define FIRST	0x100000UL	/* where ALIAS leads by one value, */
#define SECOND	0x300000UL	/* and by another */
#define SLOT	0x800000UL
#define VERSION	"0x170011"	/* the IOAPIC's */

/* The two differ in the length of CPUID and in the register that is loaded */
GUEST64(one,
	"cpuid\n"
	"mov 0x10(%rdi), %r8d\n"
	"ret\n");
GUEST64(other,
	".byte 0x3e\n"
	"cpuid\n"
	"mov 0x10(%rdi), %r9d\n"
	"ret\n");

#define CALL							\
	"xor %r8d, %r8d\n"					\
	"xor %r9d, %r9d\n"					\
	"call *%r12\n"
#define CALL_ONE						\
	CALL							\
	"cmp $" VERSION ", %r8d\n"				\
	"jne 9f\n"						\
	"test %r9d, %r9d\n"					\
	"jne 9f\n"
#define CALL_OTHER						\
	CALL							\
	"cmp $" VERSION ", %r9d\n"				\
	"jne 9f\n"						\
	"test %r8d, %r8d\n"					\
	"jne 9f\n"

GUEST64(guest,
	"mov $0xfec00000, %edi\n"
	"movl $1, (%rdi)\n"
	"mov $" ALIAS ", %r12d\n"
	"mov $500, %esi\n"
	"1: movq $0x87, " ENTRY "\n"
	"invlpg (%r12)\n"
	CALL_ONE
	CALL_ONE
	"movq $0x200087, " ENTRY "\n"
	"invlpg (%r12)\n"
	CALL_OTHER
	CALL_OTHER
	"dec %esi\n"
	"jnz 1b\n"
	"mov $0x100, %eax\n"
	G_REPORT
	"movq $0x87, " ENTRY "\n"
	"invlpg (%r12)\n"
	"mov $500, %esi\n"
	"mov 0x100000, %r13\n"
	"mov 0x300000, %r14\n"
	"1: mov %r13, 0x100000\n"
	CALL_ONE
	"mov %r14, 0x100000\n"
	CALL_OTHER
	"dec %esi\n"
	"jnz 1b\n"
	"mov $0x200, %eax\n"
	G_REPORT
	"mov $0x800000, %r12d\n"
	CALL_ONE
	CALL_ONE
	"mov $0x300, %eax\n"
	G_REPORT
	CALL_OTHER
	"mov $0x400, %eax\n"
	G_REPORT
	"9: mov $0xbad, %eax\n"
	G_REPORT
	"hlt\n");

static void put(void *where, const u8 *code, const u8 *end)
{
	memcpy(where, code, end - code);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	void *before = hvt_anon(2 * MiB), *after = hvt_anon(2 * MiB);

	put(v->vm->mem + FIRST, one, one_end);
	put(v->vm->mem + SECOND, other, other_end);
	put(before, one, one_end);
	put(after, other, other_end);
	hvt_mem(v->vm, 1, 0, SLOT, 2 * MiB, before);

	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	CHECK_EQ(EXPECT_REPORT(v), 0x200);
	CHECK_EQ(EXPECT_REPORT(v), 0x300);
	hvt_mem(v->vm, 1, 0, SLOT, 2 * MiB, after);
	CHECK_EQ(EXPECT_REPORT(v), 0x400);
	return 0;
}
