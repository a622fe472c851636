// SPDX-License-Identifier: GPL-2.0
/*
 * A slot of 64 GiB over unmapped addresses costs nothing until it is touched,
 * and then one page.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $0x80000000, %ebx\n"
	"movl $1, (%rbx)\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = mmap(NULL, 64 * GiB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u64 tables;

	CHECK(p != MAP_FAILED, "mmap");
	SYS(madvise(p, 64 * GiB, MADV_NOHUGEPAGE));
	tables = hvt_vm_stats(v->vm).table_pages;
	hvt_mem(v->vm, 1, 0, GiB, 64 * GiB, p);
	CHECK(hvt_vm_stats(v->vm).table_pages - tables < 4, "tables were made early");
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(*(u32 *)(p + GiB), 1);
	return 0;
}
