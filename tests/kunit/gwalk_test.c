// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of guest page tables, on an array that stands for guest memory: the
 * table of level L lies at L * 4 KiB, and a case gives the flags of the entry
 * that the address leads to in each.
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../kmod/pt.h"

enum gw_test_mode { M32, MPAE, M4, M5 };

static const struct {
	u64 cr4, efer;
	int levels, bits, entry;
} modes[] = {
	[M32] = { 0, 0, 2, 10, 4 },
	[MPAE] = { X86_CR4_PAE, 0, 3, 9, 8 },
	[M4] = { X86_CR4_PAE, EFER_LME | EFER_LMA, 4, 9, 8 },
	[M5] = { X86_CR4_PAE | X86_CR4_LA57, EFER_LME | EFER_LMA, 5, 9, 8 },
};

#define P	1ULL
#define W	2ULL
#define U	4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define NX	BIT_ULL(63)
#define PK(n)	((u64)(n) << 59)
#define PWU	(P | W | U)

#define RD	0
#define WR	HVMON_ACCESS_WRITE
#define EX	HVMON_ACCESS_EXEC
#define US	HVMON_ACCESS_USER

#define TEST_PHYS	46
#define TEST_PAGES	6	/* one per level, and page 0 */

/* An address with different bits in every index, for each mode */
#define GVA32	0xfedcba98ULL
#define GVA4	0x00007edcba987654ULL
#define GVA5	0x007edcba98765432ULL

struct gw_case {
	const char *claim;
	enum gw_test_mode mode;
	int leaf;		/* level of the leaf */
	u64 e[6];		/* flags by level; 0: W, U and P, or P for a PDPTE */
	u64 frame;		/* the leaf's */
	u32 access;
	u64 cr4, efer;		/* besides the mode's */
	u64 rflags;
	u32 pkru;
	bool no_wp, no_1g;
	int want;		/* 0 or 1 */
	u32 error;		/* if 1 */
};

#define PF(e)	.want = 1, .error = (e)
#define EP	HVMON_PF_P
#define EW	HVMON_PF_W
#define EU	HVMON_PF_U
#define ER	HVMON_PF_RSVD
#define EI	HVMON_PF_I
#define EPK	HVMON_PF_PK

static const struct gw_case cases[] = {
	/* Every mode and page size leads to its frame */
	{ "32: 4 KiB", M32, 1, .frame = 0x89abc000 },
	{ "32: 4 MiB with PSE", M32, 2, { [2] = PWU | PS }, 0x89800000, .cr4 = X86_CR4_PSE },
	{ "32: PSE-36 gives bits 39:32", M32, 2, { [2] = PWU | PS | 0xa5ULL << 13 },
	  0xa589800000ULL, .cr4 = X86_CR4_PSE },
	{ "32: without PSE bit 7 leads to a table", M32, 1, { [2] = PWU | PS }, 0x89abc000 },
	{ "PAE: 4 KiB above 4 GiB", MPAE, 1, .frame = 0x1234567000ULL },
	{ "PAE: 2 MiB", MPAE, 2, { [2] = PWU | PS }, 0x1234400000ULL },
	{ "4 levels: 4 KiB", M4, 1, .frame = 0x123456789000ULL },
	{ "4 levels: 2 MiB", M4, 2, { [2] = PWU | PS }, 0x123456600000ULL },
	{ "4 levels: 1 GiB", M4, 3, { [3] = PWU | PS }, 0x123440000000ULL },
	{ "5 levels: 4 KiB", M5, 1, .frame = 0x123456789000ULL },
	{ "5 levels: 1 GiB", M5, 3, { [3] = PWU | PS }, 0x123440000000ULL },

	/* An entry that is not present gives what was tried, and nothing else */
	{ "32: absent PDE", M32, 1, { [2] = W }, .access = RD, PF(0) },
	{ "32: absent PTE, write", M32, 1, { [1] = W }, .access = WR, PF(EW) },
	{ "PAE: absent PDPTE, user", MPAE, 1, { [3] = 2 }, .access = US, PF(EU) },
	{ "4 levels: absent PML4E, user write", M4, 1, { [4] = W }, .access = US | WR,
	  PF(EU | EW) },
	{ "5 levels: absent PML5E", M5, 1, { [5] = W }, .access = RD, PF(0) },
	{ "a fetch shows without NX and SMEP as a read", M4, 1, { [1] = W }, .access = EX, PF(0) },
	{ "a fetch shows with NX", M4, 1, { [1] = W }, .access = EX, .efer = EFER_NX, PF(EI) },
	{ "a fetch shows with SMEP", M32, 1, { [1] = W }, .access = EX | US,
	  .cr4 = X86_CR4_SMEP, PF(EU | EI) },
	{ "32: EFER.NXE alone does not show it", M32, 1, { [1] = W }, .access = EX,
	  .efer = EFER_NX, PF(0) },
	{ "what is reserved does not matter in an absent entry", M4, 1, { [1] = NX | W }, PF(0) },

	/* Reserved bits */
	{ "4 levels: above the guest's width", M4, 1, { [2] = PWU | BIT_ULL(TEST_PHYS) },
	  PF(EP | ER) },
	{ "4 levels: the highest legal bit", M4, 1, .frame = BIT_ULL(TEST_PHYS - 1) },
	{ "4 levels: NX without NXE", M4, 1, { [1] = PWU | NX }, .access = US | RD,
	  PF(EP | ER | EU) },
	{ "4 levels: bits 62:52 are free", M4, 1, { [1] = PWU | GENMASK_ULL(62, 52) },
	  0x123456789000ULL },
	{ "PAE: bits 62:52 are not", MPAE, 1, { [1] = PWU | BIT_ULL(52) }, .access = WR,
	  PF(EP | ER | EW) },
	{ "PAE: NX with NXE is not reserved", MPAE, 1, { [1] = PWU | NX }, 0x5000,
	  .efer = EFER_NX },
	{ "PAE: W in a PDPTE", MPAE, 1, { [3] = P | W }, PF(EP | ER) },
	{ "PAE: U in a PDPTE", MPAE, 1, { [3] = P | U }, PF(EP | ER) },
	{ "PAE: A in a PDPTE", MPAE, 1, { [3] = P | A }, PF(EP | ER) },
	{ "PAE: PS in a PDPTE", MPAE, 1, { [3] = P | PS }, PF(EP | ER) },
	{ "PAE: NX in a PDPTE", MPAE, 1, { [3] = P | NX }, .efer = EFER_NX, PF(EP | ER) },
	{ "4 levels: PS in a PML4E", M4, 1, { [4] = PWU | PS }, PF(EP | ER) },
	{ "5 levels: PS in a PML5E", M5, 1, { [5] = PWU | PS }, PF(EP | ER) },
	{ "1 GiB without the feature", M4, 3, { [3] = PWU | PS }, .no_1g = true, PF(EP | ER) },
	{ "1 GiB, bit 13", M4, 3, { [3] = PWU | PS | BIT(13) }, PF(EP | ER) },
	{ "1 GiB, bit 29", M4, 3, { [3] = PWU | PS | BIT(29) }, PF(EP | ER) },
	{ "2 MiB, bit 20", M4, 2, { [2] = PWU | PS | BIT(20) }, PF(EP | ER) },
	{ "2 MiB, PAT in bit 12 is none", M4, 2, { [2] = PWU | PS | BIT(12) }, 0x200000 },
	{ "PAE: 2 MiB, bit 13", MPAE, 2, { [2] = PWU | PS | BIT(13) }, PF(EP | ER) },
	{ "4 MiB, bit 21", M32, 2, { [2] = PWU | PS | BIT(21) }, .cr4 = X86_CR4_PSE,
	  PF(EP | ER) },

	/* User and supervisor, write and CR0.WP */
	{ "user reads a user page", M4, 1, .frame = 0x5000, .access = US },
	{ "user at a supervisor page", M4, 1, { [1] = P | W }, .access = US, PF(EP | EU) },
	{ "U is needed at every level", M4, 1, { [3] = P | W }, .access = US, PF(EP | EU) },
	{ "PAE: a PDPTE restricts nothing", MPAE, 1, { [3] = P }, 0x5000, US | WR },
	{ "user writes a read-only page", M4, 1, { [1] = P | U }, .access = US | WR,
	  PF(EP | EU | EW) },
	{ "W is needed at every level", M32, 1, { [2] = P | U }, .access = US | WR,
	  PF(EP | EU | EW) },
	{ "user writes a read-only page without WP", M4, 1, { [1] = P | U },
	  .access = US | WR, .no_wp = true, PF(EP | EU | EW) },
	{ "supervisor writes it with WP", M4, 1, { [1] = P | U }, .access = WR, PF(EP | EW) },
	{ "and without", M4, 1, { [1] = P | U }, 0x5000, WR, .no_wp = true },

	/* Execution */
	{ "NX", M4, 1, { [1] = PWU | NX }, .access = EX, .efer = EFER_NX, PF(EP | EI) },
	{ "NX at an upper level", M4, 1, { [4] = PWU | NX }, .access = EX | US,
	  .efer = EFER_NX, PF(EP | EU | EI) },
	{ "NX and a read", M4, 1, { [1] = PWU | NX }, 0x5000, US, .efer = EFER_NX },
	{ "SMEP", M4, 1, .access = EX, .cr4 = X86_CR4_SMEP, PF(EP | EI) },
	{ "SMEP and user code", M4, 1, {}, 0x5000, EX | US, X86_CR4_SMEP },
	{ "SMEP and a supervisor page", M4, 1, { [2] = P | W }, 0x5000, EX, X86_CR4_SMEP },
	{ "SMEP in 32-bit mode", M32, 1, .access = EX, .cr4 = X86_CR4_SMEP, PF(EP | EI) },

	/* SMAP */
	{ "SMAP, read", M4, 1, .access = RD, .cr4 = X86_CR4_SMAP, PF(EP) },
	{ "SMAP, write", M32, 1, .access = WR, .cr4 = X86_CR4_SMAP, PF(EP | EW) },
	{ "SMAP and AC", M4, 1, {}, 0x5000, WR, X86_CR4_SMAP, .rflags = X86_EFLAGS_AC },
	{ "SMAP and a supervisor page", M4, 1, { [1] = P | W }, 0x5000, WR, X86_CR4_SMAP },
	{ "SMAP and a fetch", M4, 1, {}, 0x5000, EX, X86_CR4_SMAP },
	{ "SMAP and user code", M4, 1, {}, 0x5000, US | WR, X86_CR4_SMAP },

	/* Protection keys: key 3 has bits 7:6 of PKRU */
	{ "PKU, no access", M4, 1, { [1] = PWU | PK(3) }, .access = US, .cr4 = X86_CR4_PKE,
	  .pkru = 0x40, PF(EP | EU | EPK) },
	{ "PKU, no access for the kernel either", M4, 1, { [1] = PWU | PK(3) },
	  .access = RD, .cr4 = X86_CR4_PKE, .pkru = 0x40, PF(EP | EPK) },
	{ "PKU, no write", M4, 1, { [1] = PWU | PK(3) }, .access = US | WR,
	  .cr4 = X86_CR4_PKE, .pkru = 0x80, PF(EP | EU | EW | EPK) },
	{ "PKU, no write, read", M4, 1, { [1] = PWU | PK(3) }, 0x5000, US, X86_CR4_PKE,
	  .pkru = 0x80 },
	{ "PKU, kernel's write without WP", M4, 1, { [1] = PWU | PK(3) }, 0x5000, WR,
	  X86_CR4_PKE, .pkru = 0x80, .no_wp = true },
	{ "PKU and a fetch", M4, 1, { [1] = PWU | PK(3) }, 0x5000, EX | US, X86_CR4_PKE,
	  .pkru = 0xffffffff },
	{ "PKU and a supervisor page", M4, 1, { [1] = P | W | PK(3) }, 0x5000, WR,
	  X86_CR4_PKE, .pkru = 0xffffffff },
	{ "PKU with another key", M4, 1, { [1] = PWU | PK(4) }, 0x5000, US | WR,
	  X86_CR4_PKE, .pkru = 0xc0 },
	{ "PKU off", M4, 1, { [1] = PWU | PK(3) }, 0x5000, US | WR, .pkru = 0xffffffff },
	{ "PKU, key of a huge page", M5, 3, { [3] = PWU | PS | PK(3) }, .access = US,
	  .cr4 = X86_CR4_PKE, .pkru = 0x40, PF(EP | EU | EPK) },
};

struct gw_test {
	struct hvmon_gwalk w;
	int updates;
	int disturb;		/* updates that find the entry changed */
	u8 mem[TEST_PAGES << PAGE_SHIFT];
};

static int test_read(struct hvmon_gwalk *w, u64 gpa, void *buf, u32 len)
{
	struct gw_test *t = container_of(w, struct gw_test, w);

	if (gpa + len > sizeof(t->mem) || gpa % len)
		return -EFAULT;
	memcpy(buf, t->mem + gpa, len);
	return 0;
}

static int test_update(struct hvmon_gwalk *w, u64 gpa, u64 old, u64 new, u32 len)
{
	struct gw_test *t = container_of(w, struct gw_test, w);

	if (gpa + len > sizeof(t->mem))
		return -EFAULT;
	if (t->disturb) {
		t->disturb--;
		return 1;
	}
	if (memcmp(t->mem + gpa, &old, len))
		return 1;
	memcpy(t->mem + gpa, &new, len);
	t->updates++;
	return 0;
}

static u64 case_gva(const struct gw_case *c)
{
	return c->mode == M5 ? GVA5 : c->mode == M4 ? GVA4 : GVA32;
}

static void *entry_of(struct gw_test *t, const struct gw_case *c, int level)
{
	int bits = modes[c->mode].bits;
	u64 i = case_gva(c) >> (12 + bits * (level - 1)) & ((1 << bits) - 1);

	return t->mem + (level << PAGE_SHIFT) + i * modes[c->mode].entry;
}

static u64 get_entry(struct gw_test *t, const struct gw_case *c, int level)
{
	u64 e = 0;

	memcpy(&e, entry_of(t, c, level), modes[c->mode].entry);
	return e;
}

static void case_set_up(struct gw_test *t, const struct gw_case *c)
{
	int level;

	memset(t, 0, sizeof(*t));
	t->w.pg.cr0 = X86_CR0_PE | X86_CR0_PG | (c->no_wp ? 0 : X86_CR0_WP);
	t->w.pg.cr3 = modes[c->mode].levels << PAGE_SHIFT;
	t->w.pg.cr4 = modes[c->mode].cr4 | c->cr4;
	t->w.pg.efer = modes[c->mode].efer | c->efer;
	t->w.pg.rflags = c->rflags;
	t->w.pg.pkru = c->pkru;
	t->w.maxphyaddr = TEST_PHYS;
	t->w.gbpages = !c->no_1g;
	t->w.read = test_read;
	t->w.update = test_update;
	for (level = modes[c->mode].levels; level >= c->leaf; level--) {
		u64 e = c->e[level] ?: c->mode == MPAE && level == 3 ? P : PWU;

		if (level > c->leaf)
			e |= (level - 1) << PAGE_SHIFT;
		else if (c->mode == M32)
			e |= (u32)c->frame;
		else
			e |= c->frame;
		memcpy(entry_of(t, c, level), &e, modes[c->mode].entry);
	}
}

/* Each case of the table gives its address, or its page fault */
static void gwalk_cases(struct kunit *test)
{
	struct gw_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct gw_case *c = &cases[i];
		u64 gpa = 0, mask;
		u32 error = 0;
		int r;

		case_set_up(t, c);
		r = hvmon_gwalk(&t->w, case_gva(c), c->access, &gpa, &error);
		KUNIT_EXPECT_EQ_MSG(test, r, c->want, "%s", c->claim);
		KUNIT_EXPECT_EQ_MSG(test, error, c->error, "%s", c->claim);
		KUNIT_EXPECT_EQ_MSG(test, t->updates, 0, "%s", c->claim);
		if (r)
			continue;
		mask = (1ULL << (12 + modes[c->mode].bits * (c->leaf - 1))) - 1;
		KUNIT_EXPECT_EQ_MSG(test, gpa, c->frame | (case_gva(c) & mask), "%s", c->claim);
	}
}

/* A write sets A at every level and D in the leaf; a fault sets no D */
static void gwalk_accessed_dirty(struct kunit *test)
{
	static const struct gw_case rd = { .mode = M4, .leaf = 1, .frame = 0x5000 };
	static const struct gw_case huge = { .mode = M32, .leaf = 2, .e = { [2] = PWU | PS },
					     .cr4 = X86_CR4_PSE };
	static const struct gw_case pae = { .mode = MPAE, .leaf = 1 };
	static const struct gw_case ro = { .mode = M4, .leaf = 1, .e = { [1] = P | U } };
	struct gw_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 error;
	u64 gpa;

	KUNIT_ASSERT_NOT_NULL(test, t);
	case_set_up(t, &rd);
	t->w.set_ad = true;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, RD, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, t->updates, 4);
	KUNIT_EXPECT_EQ(test, get_entry(t, &rd, 4) & (A | D), A);
	KUNIT_EXPECT_EQ(test, get_entry(t, &rd, 2) & (A | D), A);
	KUNIT_EXPECT_EQ(test, get_entry(t, &rd, 1) & (A | D), A);
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, WR, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, t->updates, 5);
	KUNIT_EXPECT_EQ(test, get_entry(t, &rd, 2) & (A | D), A);
	KUNIT_EXPECT_EQ(test, get_entry(t, &rd, 1) & (A | D), A | D);
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, WR, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, t->updates, 5);

	case_set_up(t, &huge);
	t->w.set_ad = true;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA32, WR, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, get_entry(t, &huge, 2) & (A | D), A | D);

	/* A PDPTE has no such bit */
	case_set_up(t, &pae);
	t->w.set_ad = true;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA32, RD, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, t->updates, 2);
	KUNIT_EXPECT_EQ(test, get_entry(t, &pae, 3) & (A | D), 0);

	case_set_up(t, &ro);
	t->w.set_ad = true;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, WR, &gpa, &error), 1);
	KUNIT_EXPECT_EQ(test, get_entry(t, &ro, 1) & D, 0);
}

/* An entry that changes under the walk makes it begin again, not for ever */
static void gwalk_race(struct kunit *test)
{
	static const struct gw_case c = { .mode = M4, .leaf = 1, .frame = 0x5000 };
	struct gw_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 error;
	u64 gpa;

	KUNIT_ASSERT_NOT_NULL(test, t);
	case_set_up(t, &c);
	t->w.set_ad = true;
	t->disturb = 3;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, WR, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, t->disturb, 0);
	KUNIT_EXPECT_EQ(test, get_entry(t, &c, 1) & (A | D), A | D);

	case_set_up(t, &c);
	t->w.set_ad = true;
	t->disturb = 1000;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, WR, &gpa, &error), -EAGAIN);
}

/* What the walk needs besides tables: no paging, PDPTE registers, bad addresses */
static void gwalk_edges(struct kunit *test)
{
	static const struct gw_case m4 = { .mode = M4, .leaf = 1 };
	static const struct gw_case m5 = { .mode = M5, .leaf = 1 };
	static const struct gw_case pae = { .mode = MPAE, .leaf = 1, .frame = 0x5000 };
	struct gw_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 error = 0;
	u64 gpa;

	KUNIT_ASSERT_NOT_NULL(test, t);
	/* Without paging an address is itself, 32 bits of it */
	case_set_up(t, &m4);
	t->w.pg.cr0 = X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, 0x500001234ULL, WR, &gpa, &error), 0);
	KUNIT_EXPECT_EQ(test, gpa, 0x1234);

	/* An address that is not canonical is never walked */
	case_set_up(t, &m4);
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, BIT_ULL(47), WR, &gpa, &error), 1);
	KUNIT_EXPECT_EQ(test, error, EW);
	case_set_up(t, &m5);
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, BIT_ULL(56), RD, &gpa, &error), 1);

	/* PCID and flags in CR3 do not move the table */
	case_set_up(t, &m4);
	t->w.pg.cr3 |= 0xfff | BIT_ULL(63);
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, RD, &gpa, &error), 0);

	/* PDPTEs in registers are used instead of memory */
	case_set_up(t, &pae);
	memset(t->mem + (3 << PAGE_SHIFT), 0, PAGE_SIZE);
	t->w.pg.pdptr[3] = P | 2 << PAGE_SHIFT;
	t->w.pg.pdptr_valid = true;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA32, RD, &gpa, &error), 0);
	t->w.pg.pdptr_valid = false;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA32, RD, &gpa, &error), 1);

	/* A table outside memory ends the walk with the reader's error */
	case_set_up(t, &m4);
	t->w.pg.cr3 = 0x100000;
	KUNIT_EXPECT_EQ(test, hvmon_gwalk(&t->w, GVA4, RD, &gpa, &error), -EFAULT);
}

static struct kunit_case gwalk_test_cases[] = {
	KUNIT_CASE(gwalk_cases),
	KUNIT_CASE(gwalk_accessed_dirty),
	KUNIT_CASE(gwalk_race),
	KUNIT_CASE(gwalk_edges),
	{}
};

static struct kunit_suite gwalk_suite = {
	.name = "hvmon_gwalk",
	.test_cases = gwalk_test_cases,
};

kunit_test_suite(gwalk_suite);
