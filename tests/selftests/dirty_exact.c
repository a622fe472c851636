// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log names exactly the pages that the guest wrote, once, and
 * nothing that it only read.
 */
#include "hvt.h"

#define PAGES	200

/* Waits for a page number, then writes to it (bit 31 set: reads it) */
GUEST64(guest,
	"1: in $0xe5, %eax\n"
	"mov %eax, %ebx\n"
	"and $0xffff, %ebx\n"
	"shl $12, %ebx\n"
	"test %eax, %eax\n"
	"js 2f\n"
	"mov %eax, 0x1000010(%rbx)\n"
	"jmp 1b\n"
	"2: mov 0x1000010(%rbx), %eax\n"
	"jmp 1b\n");

static u64 map[(PAGES + 63) / 64];

static u64 harvest(struct hvt_vm *vm)
{
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = PAGES,
		       .bitmap = (u64)(uintptr_t)map);
	u64 n = 0, i;

	memset(map, 0xff, sizeof(map));
	SYS(ioctl(vm->fd, HVMON_DIRTY_LOG, &arg));
	for (i = 0; i < ARRAY_SIZE(map); i++)
		n += __builtin_popcountll(map[i]);
	CHECK_EQ(arg.dirty, n);
	return n;
}

static bool dirty(u32 page)
{
	return map[page / 64] >> (page % 64) & 1;
}

int main(void)
{
	static const u32 pages[] = { 0, 1, 63, 64, 77, 128, 191, PAGES - 2 };
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(PAGES * 4096);
	u32 i, round;

	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, PAGES * 4096, p);
	CHECK_EQ(harvest(v->vm), 0);
	for (i = 0; i < PAGES; i++)
		EXPECT_IN(v, 0xe5, 4, i | 0x80000000);
	EXPECT_IN(v, 0xe5, 4, 0x80000000);
	EXPECT_IN(v, 0xe5, 4, 0x80000000);
	CHECK_EQ(harvest(v->vm), 0);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(pages); i++)
			EXPECT_IN(v, 0xe5, 4, pages[i] + round % 2);
		EXPECT_IN(v, 0xe5, 4, 0x80000000);
		CHECK_EQ(harvest(v->vm), ARRAY_SIZE(pages));
		for (i = 0; i < ARRAY_SIZE(pages); i++)
			CHECK(dirty(pages[i] + round % 2), "page %u", pages[i]);
		CHECK_EQ(harvest(v->vm), 0);
	}
	return 0;
}
