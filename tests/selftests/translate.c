// SPDX-License-Identifier: GPL-2.0
/*
 * TRANSLATE walks 4-level tables with 4 KiB, 2 MiB and 1 GiB pages and their
 * permissions, and sets no accessed bit.
 */
#include <cpuid.h>

#include "hvt.h"

GUEST64(guest, "hlt\n");

static struct hvmon_translate tr(struct hvt_vcpu *v, u64 gva, u32 access)
{
	HVT_DEFINE_ARG(hvmon_translate, t, .gva = gva, .access = access);

	SYS(ioctl(v->fd, HVMON_TRANSLATE, &t));
	return t;
}

static void good(struct hvt_vcpu *v, u64 gva, u32 access, u64 gpa)
{
	struct hvmon_translate t = tr(v, gva, access);

	if (!t.valid || t.gpa != gpa)
		FAIL("%#llx: valid %u gpa %#llx, expected %#llx", (unsigned long long)gva, t.valid,
		     t.gpa, (unsigned long long)gpa);
}

static void bad(struct hvt_vcpu *v, u64 gva, u32 access, u32 error)
{
	struct hvmon_translate t = tr(v, gva, access);

	if (t.valid || t.error != error)
		FAIL("%#llx access %u: valid %u error %#x, expected %#x", (unsigned long long)gva,
		     access, t.valid, t.error, error);
}

static bool has_1gib_pages(void)
{
	u32 a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d & (1 << 26);
}

#define W	HVMON_ACCESS_WRITE
#define X	HVMON_ACCESS_EXEC
#define U	HVMON_ACCESS_USER
#define NX	(1ULL << 63)

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u64 *pml4 = (u64 *)(v->vm->mem + HVT_PML4);
	u64 *pdpt = (u64 *)(v->vm->mem + 0x200000);
	u64 *pd = (u64 *)(v->vm->mem + 0x201000);
	u64 *pt = (u64 *)(v->vm->mem + 0x202000);
	u64 top = 0xffff800000000000ULL;
	int i;

	pml4[256] = 0x200000 | 7;
	pdpt[0] = 0x201000 | 7;
	pdpt[1] = 0x40000000 | 0x83;		/* 1 GiB, supervisor */
	pd[0] = 0x202000 | 7;
	pd[1] = 0x600000 | 0x87;		/* 2 MiB */
	pt[0] = 0x5000 | 7;
	pt[1] = 0x6000 | 5;			/* read-only, user */
	pt[2] = 0x7000 | 3;			/* supervisor */
	pt[3] = 0x8000 | 7 | NX;
	pt[4] = 0x9000;				/* not present */
	pt[5] = 0xa000 | 7 | 1ULL << 51;	/* reserved, or a huge address */
	EXPECT(v, HVMON_EXIT_HLT);
	good(v, 0x12345678, 0, 0x12345678);
	good(v, top + 0x123, W | U | X, 0x5123);
	good(v, top + 0x1fff, 0, 0x6fff);
	good(v, top + 0x1000, U, 0x6000);
	bad(v, top + 0x1000, W, 3);		/* CR0.WP */
	bad(v, top + 0x1000, W | U, 7);
	good(v, top + 0x2000, W, 0x7000);
	bad(v, top + 0x2000, U, 5);
	bad(v, top + 0x3000, X, 0x11);
	bad(v, top + 0x3000, X | U, 0x15);
	good(v, top + 0x3000, W | U, 0x8000);
	bad(v, top + 0x4000, 0, 0);
	bad(v, top + 0x4000, W | U, 6);
	good(v, top + 0x212345, W | U, 0x612345);
	if (has_1gib_pages()) {
		good(v, top + 0x40000000 + 0x12345678, W, 0x40000000 + 0x12345678);
		bad(v, top + 0x40000000, U, 5);
	}
	bad(v, top + 0x80000000, 0, 0);
	bad(v, top + (1ULL << 39), 0, 0);
	if (hvt_info().gpa_bits < 52)
		bad(v, top + 0x5000, 0, 9);
	for (i = 0; i < 6; i++)
		CHECK_EQ(pt[i] & 0x60, 0);
	CHECK_EQ(pml4[256] & 0x20, 0);
	return 0;
}
