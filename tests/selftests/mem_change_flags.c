// SPDX-License-Identifier: GPL-2.0
/*
 * A slot that becomes read-only stops taking writes at once, and takes them
 * again when it no longer is.
 */
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
	CHECK_EQ(EXPECT_REPORT(v), 2);
	hvt_mem(v->vm, 1, HVMON_MEM_READONLY, 16 * MiB, 4096, p);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, 16 * MiB, 4), 3);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 3);
	CHECK_EQ(*(u32 *)p, 3);
	return 0;
}
