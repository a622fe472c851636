// SPDX-License-Identifier: GPL-2.0
/* After MADV_DONTNEED the guest reads zeros. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"1: mov (%rbx), %eax\n"
	"movl $0x77, (%rbx)\n"
	"add 0x3f000(%rbx), %eax\n"
	"movl $0x1000, 0x3f000(%rbx)\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(256 * KiB);
	int i;

	hvt_mem(v->vm, 1, 0, 16 * MiB, 256 * KiB, p);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_EQ(EXPECT_REPORT(v), 0x1077);
	for (i = 0; i < 50; i++) {
		SYS(madvise(p, 256 * KiB, MADV_DONTNEED));
		CHECK_EQ(EXPECT_REPORT(v), 0);
		CHECK_EQ(EXPECT_REPORT(v), 0x1077);
	}
	return 0;
}
