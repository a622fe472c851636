// SPDX-License-Identifier: GPL-2.0
/* All 128 slots can be used at once, and the 129th cannot. */
#include "hvt.h"

/* Reads a word of each slot from 1 on, which lie 2 MiB apart from 16 MiB */
GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"mov $127, %ecx\n"
	"xor %eax, %eax\n"
	"1: add (%rbx), %eax\n"
	"add $0x200000, %ebx\n"
	"dec %ecx\n"
	"jnz 1b\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(HVMON_MAX_SLOTS * 4096);
	u32 i, sum = 0;

	/* from the top down: the order of insertion does not matter */
	for (i = HVMON_MAX_SLOTS - 1; i > 0; i--) {
		*(u32 *)(p + i * 4096) = i * i;
		sum += i * i;
		hvt_mem(v->vm, i, 0, 16 * MiB + (u64)(i - 1) * 2 * MiB, 4096, p + i * 4096);
	}
	CHECK_EQ(hvt_vm_stats(v->vm).slots, HVMON_MAX_SLOTS);
	REFUSED(hvt_try_mem(v->vm->fd, HVMON_MAX_SLOTS, 0, GiB, 4096, p), EINVAL);
	CHECK_EQ(EXPECT_REPORT(v), sum);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
