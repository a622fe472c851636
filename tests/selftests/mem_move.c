// SPDX-License-Identifier: GPL-2.0
/* A moved slot leaves its old address and appears at the new one, with its memory. */
#include "hvt.h"

GUEST64(guest,
	"1: mov 0x1000000, %eax\n"
	G_REPORT
	"mov 0x2000000, %eax\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(8192);

	*(u32 *)p = 0x111;
	*(u32 *)(p + 4096) = 0x222;
	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 0x111);
	EXPECT_MMIO_READ(v, 32 * MiB, 4, 5);
	CHECK_EQ(EXPECT_REPORT(v), 5);
	hvt_mem(v->vm, 1, 0, 32 * MiB, 4096, p);
	EXPECT_MMIO_READ(v, 16 * MiB, 4, 6);
	CHECK_EQ(EXPECT_REPORT(v), 6);
	CHECK_EQ(EXPECT_REPORT(v), 0x111);
	/* the same address, other memory */
	hvt_mem(v->vm, 1, 0, 32 * MiB, 4096, p + 4096);
	EXPECT_MMIO_READ(v, 16 * MiB, 4, 7);
	CHECK_EQ(EXPECT_REPORT(v), 7);
	CHECK_EQ(EXPECT_REPORT(v), 0x222);
	hvt_mem_remove(v->vm, 1);
	EXPECT_MMIO_READ(v, 16 * MiB, 4, 8);
	CHECK_EQ(EXPECT_REPORT(v), 8);
	EXPECT_MMIO_READ(v, 32 * MiB, 4, 9);
	CHECK_EQ(EXPECT_REPORT(v), 9);
	return 0;
}
