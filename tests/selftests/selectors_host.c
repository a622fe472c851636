// SPDX-License-Identifier: GPL-2.0
/*
 * The launcher's data segments come through a guest: selectors, bases, and the LDT. One
 * whose descriptor is gone by then becomes 0, or stays; the host does not suffer.
 */
#include "hvt.h"

#include <asm/ldt.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE	(1 << 1)
#endif

#define USER_DS		0x2b	/* of the GDT, RPL 3 */
#define LDT_ENTRY	7	/* the LDT's first, RPL 3 */

GUEST64(guest, "1: hlt; jmp 1b\n");

static u32 told = 0x5e6;	/* what %gs:0 reads by the LDT's entry */

struct selectors {
	u16 ds, es, fs, gs;
};

/* The C library's data are at FS: its base stays what it is, whatever the selector */
static void load(const struct selectors *s, bool fs)
{
	unsigned long base;

	asm volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs"
		     : : "r" ((u32)s->ds), "r" ((u32)s->es), "r" ((u32)s->gs) : "memory");
	if (fs)
		asm volatile("rdfsbase %0; mov %1, %%fs; wrfsbase %0"
			     : "=&r" (base) : "r" ((u32)s->fs) : "memory");
}

static struct selectors read_back(void)
{
	struct selectors s;

	asm volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
		     : "=m" (s.ds), "=m" (s.es), "=m" (s.fs), "=m" (s.gs));
	return s;
}

static u32 at_gs(void)
{
	u32 val;

	asm volatile("movl %%gs:0, %0" : "=r" (val));
	return val;
}

/* The kernel reloads DS and ES when an entry goes, until the next switch not the others */
static void stale_ldt(struct hvt_vcpu *v, struct user_desc *entry, bool fs)
{
	const struct selectors none = { }, rows[] = {
		{ .gs = LDT_ENTRY },
		{ .fs = LDT_ENTRY },
		{ .fs = LDT_ENTRY, .gs = LDT_ENTRY },
	};
	struct user_desc gone = { .read_exec_only = 1, .seg_not_present = 1 };
	struct selectors got;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].fs && !fs)
			continue;
		SYS(syscall(SYS_modify_ldt, 1, entry, sizeof(*entry)));
		load(&rows[i], fs);
		SYS(syscall(SYS_modify_ldt, 1, &gone, sizeof(gone)));
		EXPECT(v, HVMON_EXIT_HLT);
		got = read_back();
		CHECK(!got.gs || got.gs == rows[i].gs, "%#x", got.gs);
		CHECK(!got.fs || got.fs == rows[i].fs, "%#x", got.fs);
		load(&none, fs);
	}
}

int main(void)
{
	/* Gone through twice */
	static const struct selectors rows[] = {
		{ },
		{ .ds = USER_DS },
		{ .ds = USER_DS & ~3, .es = USER_DS },
		{ .fs = USER_DS },
		{ .gs = USER_DS },
		{ .ds = USER_DS, .es = USER_DS, .fs = USER_DS, .gs = LDT_ENTRY },
		{ .gs = LDT_ENTRY },
		{ },
	};
	struct user_desc entry = {
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
	};
	bool fs = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE, ldt = false;
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u32 *low;

	/* Bases of an LDT's entry have 32 bits */
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		   -1, 0);
	CHECK(low != MAP_FAILED, "%m");
	*low = told;
	entry.base_addr = (unsigned long)low;

	for (u32 i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		struct selectors want = rows[i % ARRAY_SIZE(rows)], got;

		/* First without an LDT */
		if (i == ARRAY_SIZE(rows)) {
			ldt = !syscall(SYS_modify_ldt, 1, &entry, sizeof(entry));
			CHECK(ldt || errno == ENOSYS, "%m");
		}
		if (want.gs && !ldt)
			want.gs = USER_DS;
		if (!fs)
			want.fs = 0;
		load(&want, fs);
		if (fs && want.gs == USER_DS)
			asm volatile("wrgsbase %0" : : "r" (low));
		EXPECT(v, HVMON_EXIT_HLT);
		got = read_back();
		CHECK_EQ(got.ds, want.ds);
		CHECK_EQ(got.es, want.es);
		CHECK_EQ(got.fs, want.fs);
		CHECK_EQ(got.gs, want.gs);
		if (want.gs == USER_DS && fs)
			CHECK_EQ(at_gs(), told);
		if (want.gs != LDT_ENTRY)
			continue;
		CHECK_EQ(at_gs(), told);
		/* Loaded anew, which needs the LDT */
		load(&want, fs);
		CHECK_EQ(at_gs(), told);
	}
	if (ldt)
		stale_ldt(v, &entry, fs);
	if (!fs || !ldt)
		fprintf(stderr, "# without%s%s\n", fs ? "" : " FS", ldt ? "" : " an LDT");
	return 0;
}
