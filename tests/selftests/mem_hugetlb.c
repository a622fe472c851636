// SPDX-License-Identifier: GPL-2.0
/* A slot on 2 MiB hugetlb pages works and is mapped by huge pages. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"1: mov %rbx, (%rbx)\n"
	"add $4096, %ebx\n"
	"cmp $0x1400000, %ebx\n"
	"jb 1b\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u64 before;
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "w");
	u8 *p;
	u32 i;

	if (f) {
		fprintf(f, "4\n");
		fclose(f);
	}
	p = mmap(NULL, 4 * MiB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
	if (p == MAP_FAILED)
		hvt_skip("no hugetlb pages: %s", strerror(errno));
	hvt_mem(v->vm, 1, 0, 16 * MiB, 4 * MiB, p);
	/* Slot 0 may have huge pages of another kind */
	before = hvt_vm_stats(v->vm).pages_2m;
	EXPECT(v, HVMON_EXIT_HLT);
	for (i = 0; i < 1024; i++)
		CHECK_EQ(*(u64 *)(p + i * 4096), 16 * MiB + i * 4096);
	if (hvt_info().page_sizes & (1 << 21))
		CHECK(hvt_vm_stats(v->vm).pages_2m >= before + 2, "small pages");
	hvt_mem_remove(v->vm, 1);
	SYS(munmap(p, 4 * MiB));
	f = fopen("/proc/sys/vm/nr_hugepages", "w");
	if (f) {
		fprintf(f, "0\n");
		fclose(f);
	}
	return 0;
}
