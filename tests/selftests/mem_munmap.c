// SPDX-License-Identifier: GPL-2.0
/*
 * After munmap() of guest memory the guest's access leaves with
 * HVMON_EXIT_FAULT, and succeeds once memory is there again.
 */
#include "hvt.h"

GUEST64(guest,
	"movl $5, 0x1001000\n"
	"mov 0x1001000, %eax\n"
	G_REPORT
	"mov 0x1001000, %eax\n"
	G_REPORT
	"movl $6, 0x1001000\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	u8 *p = hvt_anon(3 * 4096);

	hvt_mem(v->vm, 1, 0, 16 * MiB, 3 * 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 5);
	SYS(munmap(p + 4096, 4096));
	EXPECT(v, HVMON_EXIT_FAULT);
	CHECK_EQ(r->fault.gpa & ~4095ULL, 16 * MiB + 4096);
	CHECK_EQ(r->fault.access & HVMON_ACCESS_WRITE, 0);
	CHECK_EQ(r->fault.error, EFAULT);
	/* it stays so */
	EXPECT(v, HVMON_EXIT_FAULT);
	CHECK(mmap(p + 4096, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      p + 4096, "mmap");
	CHECK_EQ(EXPECT_REPORT(v), 0);
	/* readable, but not writable */
	EXPECT(v, HVMON_EXIT_FAULT);
	CHECK_EQ(r->fault.access & HVMON_ACCESS_WRITE, HVMON_ACCESS_WRITE);
	SYS(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE));
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(*(u32 *)(p + 4096), 6);
	return 0;
}
