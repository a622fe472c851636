// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that writes to fresh memory page by page gets several with a fault; one
 * that does not gets no page that it has not written to. Where the launcher's memory
 * ends within such a sequence, the fault is that of the first page without any.
 */
#include "hvt.h"

#define PAGES	256
#define BASE	(16 * MiB)

/* EBX: where; ECX: pages; EDX: bytes from one to the next */
GUEST64(guest,
	"2: mov %rbx, (%rbx)\n"
	"add %rdx, %rbx\n"
	"dec %ecx\n"
	"jnz 2b\n"
	G_REPORT
	"hlt\n");

static u8 *memory(struct hvt_vm *vm)
{
	u8 *p = hvt_anon(PAGES * 4096);

	SYS(madvise(p, PAGES * 4096, MADV_NOHUGEPAGE));
	hvt_mem(vm, 1, 0, BASE, PAGES * 4096, p);
	return p;
}

static struct hvt_vcpu *boot(u32 first, u32 pages, u32 step)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	hvt_set_reg(v, HVMON_RBX, BASE + first * 4096UL);
	hvt_set_reg(v, HVMON_RCX, pages);
	hvt_set_reg(v, HVMON_RDX, step * 4096UL);
	return v;
}

static u32 present(u8 *p)
{
	unsigned char in[PAGES];
	u32 i, n = 0;

	SYS(mincore(p, PAGES * 4096, in));
	for (i = 0; i < PAGES; i++)
		n += in[i] & 1;
	return n;
}

static void sequence(void)
{
	struct hvt_vcpu *v = boot(0, PAGES, 1);
	u8 *p = memory(v->vm);
	u32 i;

	EXPECT_REPORT(v);
	CHECK_EQ(present(p), PAGES);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(*(u64 *)(p + i * 4096), BASE + i * 4096UL);
	/* 1, 2, 4, 8, and 16 from then on; besides code, stack, and a look around */
	CHECK(hvt_stats(v).faults < PAGES / 8, "%llu faults for %u pages in sequence",
	      (unsigned long long)hvt_stats(v).faults, PAGES);
}

/* Every third page, and a sequence that is as long as the last one allowed */
static void no_sequence(void)
{
	struct hvt_vcpu *v = boot(0, PAGES / 3, 3);
	u8 *p = memory(v->vm);

	EXPECT_REPORT(v);
	CHECK_EQ(present(p), PAGES / 3);
}

static void hole(void)
{
	const u32 first = 40;
	struct hvt_vcpu *v = boot(0, PAGES, 1);
	u8 *p = memory(v->vm);

	SYS(munmap(p + first * 4096, 3 * 4096));
	EXPECT(v, HVMON_EXIT_FAULT);
	CHECK_EQ(v->run->fault.gpa, BASE + first * 4096);
	CHECK_EQ(v->run->fault.error, EFAULT);
	CHECK_EQ(*(u64 *)(p + (first - 1) * 4096), BASE + (first - 1) * 4096UL);
	CHECK(mmap(p + first * 4096, 3 * 4096, PROT_READ | PROT_WRITE,
		   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p + first * 4096, "mmap");
	EXPECT_REPORT(v);
	CHECK_EQ(present(p), PAGES);
}

int main(void)
{
	sequence();
	no_sequence();
	hole();
	return 0;
}
