// SPDX-License-Identifier: GPL-2.0
/*
 * MEM_SET refuses bad addresses, lengths, slots and overlaps, and the slots
 * stay as they were.
 */
#include "hvt.h"

GUEST64(guest,
	"mov 0x1000000, %eax\n"
	G_REPORT
	"mov 0x3000000, %eax\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_info info = hvt_info();
	u8 *p = hvt_anon(MiB);
	u64 top = 1ULL << info.gpa_bits;
	int vm = v->vm->fd;

	*(u32 *)p = 0x600d;
	hvt_mem(v->vm, 1, 0, 16 * MiB, 64 * KiB, p);
#define BAD(err, slot, flags, gpa, len, hva) \
	REFUSED(hvt_try_mem(vm, slot, flags, gpa, len, (void *)(hva)), err)
	BAD(EINVAL, HVMON_MAX_SLOTS, 0, 32 * MiB, 4096, p);
	BAD(EINVAL, ~0u, 0, 32 * MiB, 4096, p);
	BAD(EINVAL, 2, 0, 32 * MiB + 1, 4096, p);
	BAD(EINVAL, 2, 0, 32 * MiB + 2048, 4096, p);
	BAD(EINVAL, 2, 0, 32 * MiB, 4095, p);
	BAD(EINVAL, 2, 0, 32 * MiB, 1, p);
	BAD(EINVAL, 2, 0, 32 * MiB, 4096, p + 8);
	BAD(EINVAL, 2, 0, top, 4096, p);
	BAD(EINVAL, 2, 0, top - 4096, 8192, p);
	BAD(EINVAL, 2, 0, -4096ULL, 8192, p);
	BAD(EINVAL, 2, 0, -4096ULL, 4096, p);
	BAD(EINVAL, 2, 0, 4096, -4096ULL, p);
	BAD(EINVAL, 2, 0, 0, ~0ULL & ~4095ULL, p);
	BAD(EINVAL, 2, 0, 32 * MiB, 4096, 0xffff800000000000ULL);
	BAD(EINVAL, 2, 0, 32 * MiB, 1ULL << 47, p);
	BAD(EINVAL, 2, 0, 32 * MiB, 8192, -4096ULL);
	/* overlaps of slots 0 (4 MiB at 0) and 1 */
	BAD(EEXIST, 2, 0, 0, 4096, p);
	BAD(EEXIST, 2, 0, 4 * MiB - 4096, 8192, p);
	BAD(EEXIST, 2, 0, 16 * MiB - 4096, 8192, p);
	BAD(EEXIST, 2, 0, 16 * MiB + 60 * KiB, 8192, p);
	BAD(EEXIST, 2, 0, 8 * MiB, 32 * MiB, p);
	/* moving slot 1 onto slot 0 */
	BAD(EEXIST, 1, 0, 0, 4096, p);
	/* removal */
	BAD(ENOENT, 2, 0, 0, 0, 0);
	BAD(EINVAL, 1, 0, 4096, 0, 0);
	BAD(EINVAL, 1, 0, 0, 0, p);
	BAD(EINVAL, 1, HVMON_MEM_READONLY, 0, 0, 0);
	BAD(EINVAL, HVMON_MAX_SLOTS, 0, 0, 0, 0);
	CHECK_EQ(hvt_vm_stats(v->vm).slots, 2);
	CHECK_EQ(EXPECT_REPORT(v), 0x600d);
	EXPECT_MMIO_READ(v, 48 * MiB, 4, 0);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
