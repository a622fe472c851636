// SPDX-License-Identifier: GPL-2.0
/* mprotect() to read-only under a guest that has written to a page stops its next write. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"1: incl (%rbx)\n"
	"mov (%rbx), %eax\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(4096);

	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	SYS(mprotect(p, 4096, PROT_READ));
	EXPECT(v, HVMON_EXIT_FAULT);
	CHECK_EQ(v->run->fault.access & HVMON_ACCESS_WRITE, HVMON_ACCESS_WRITE);
	CHECK_EQ(*(u32 *)p, 1);
	SYS(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	CHECK_EQ(EXPECT_REPORT(v), 2);
	SYS(mprotect(p, 4096, PROT_NONE));
	EXPECT(v, HVMON_EXIT_FAULT);
	SYS(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	CHECK_EQ(EXPECT_REPORT(v), 3);
	return 0;
}
