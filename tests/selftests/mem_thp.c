// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory in transparent huge pages is mapped by huge pages, by one fault each
 * though nobody has touched it before, and reads and writes the right bytes, also after
 * a split.
 */
#include "hvt.h"

GUEST64(guest,
	G_REPORT
	/* writes the address to each page's first word, then checks them */
	"2: mov $0x1000000, %ebx\n"
	"1: mov %rbx, (%rbx)\n"
	"add $4096, %ebx\n"
	"cmp $0x1400000, %ebx\n"
	"jb 1b\n"
	"xor %eax, %eax\n"
	"mov $0x1000000, %ebx\n"
	"1: cmp %rbx, (%rbx)\n"
	"je 3f\n"
	"inc %eax\n"
	"3: add $4096, %ebx\n"
	"cmp $0x1400000, %ebx\n"
	"jb 1b\n"
	G_REPORT
	"jmp 2b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(8 * MiB);
	struct hvmon_vm_stats before, st;
	u32 i;

	p = (u8 *)(((uintptr_t)p + 2 * MiB - 1) & ~(2 * MiB - 1));
	if (madvise(p, 4 * MiB, MADV_HUGEPAGE))
		hvt_skip("the host has no transparent huge pages");
	hvt_mem(v->vm, 1, 0, 16 * MiB, 4 * MiB, p);
	EXPECT_REPORT(v);
	before = hvt_vm_stats(v->vm);
	CHECK_EQ(EXPECT_REPORT(v), 0);
	for (i = 0; i < 1024; i++)
		CHECK_EQ(*(u64 *)(p + i * 4096), 16 * MiB + i * 4096);
	st = hvt_vm_stats(v->vm);
	if ((hvt_info().page_sizes & (1 << 21)) && !st.pages_2m)
		FAIL("none of 2 huge pages is mapped as one (%llu small ones)", st.pages_4k);
	/* If the host had both */
	if (st.pages_2m - before.pages_2m == 2)
		CHECK_EQ(st.faults - before.faults, 2);
	/* Split them by taking pages out of the middle */
	SYS(munmap(p + 5 * 4096, 4096));
	CHECK(mmap(p + 5 * 4096, 4096, PROT_READ | PROT_WRITE,
		   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p + 5 * 4096, "mmap");
	SYS(madvise(p + 3 * MiB, 4096, MADV_DONTNEED));
	CHECK_EQ(EXPECT_REPORT(v), 0);
	for (i = 0; i < 1024; i++)
		CHECK_EQ(*(u64 *)(p + i * 4096), 16 * MiB + i * 4096);
	return 0;
}
