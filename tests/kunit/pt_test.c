// SPDX-License-Identifier: GPL-2.0
/* The module's page tables, on plain memory and without a VM */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/slab.h>

#include "../../kmod/pt.h"

#define RW	(HVMON_PROT_WRITE | HVMON_PROT_EXEC)
#define RO	HVMON_PROT_EXEC

/* Counts what hvmon_pt_gather.dirty reports */
struct pt_test {
	struct hvmon_mmu mmu;
	struct hvmon_pt_cache cache;
	struct hvmon_pt_gather g;
	int dirty;
	u64 dirty_gfn, dirty_pfn;
	int dirty_level;
};

static void note_dirty(struct hvmon_pt_gather *g, u64 gfn, u64 pfn, int level)
{
	struct pt_test *t = container_of(g, struct pt_test, g);

	t->dirty++;
	t->dirty_gfn = gfn;
	t->dirty_pfn = pfn;
	t->dirty_level = level;
}

static struct pt_test *pt_new(struct kunit *test, const struct hvmon_pt_fmt *fmt, int levels)
{
	struct pt_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->g.dirty = note_dirty;
	KUNIT_ASSERT_EQ(test, hvmon_pt_init(&t->mmu, fmt, levels), 0);
	return t;
}

static void pt_free(struct pt_test *t)
{
	hvmon_pt_gather_free(&t->g);
	hvmon_pt_cache_drain(&t->cache);
	hvmon_pt_fini(&t->mmu);
}

static u64 *map(struct kunit *test, struct pt_test *t, u64 gfn, u64 pfn, int level,
		unsigned int prot)
{
	u64 *ptep;

	KUNIT_ASSERT_EQ(test, hvmon_pt_cache_fill(&t->cache,
						  hvmon_pt_missing(&t->mmu, gfn, level)), 0);
	ptep = hvmon_pt_map(&t->mmu, &t->cache, gfn, pfn, level, prot, &t->g);
	KUNIT_ASSERT_NOT_NULL(test, ptep);
	return ptep;
}

static void walk(struct pt_test *t, enum hvmon_pt_op op, u64 start, u64 end)
{
	while (start < end)
		start = hvmon_pt_walk(&t->mmu, op, start, end, &t->g);
}

/* A mapping is found again, with four levels and with five, at every level */
static void pt_map_found(struct kunit *test)
{
	int levels, level;

	for (levels = 4; levels <= 5; levels++) {
		struct pt_test *t = pt_new(test, &hvmon_npt_fmt, levels);
		u64 far = hvmon_pt_pages(levels + 1) - hvmon_pt_pages(HVMON_PT_1G);

		for (level = HVMON_PT_4K; level <= HVMON_PT_1G; level++) {
			u64 gfn = far - level * hvmon_pt_pages(HVMON_PT_1G);
			u64 pfn = 5 * hvmon_pt_pages(HVMON_PT_1G);
			int found;
			u64 entry;

			map(test, t, gfn, pfn, level, RW);
			entry = hvmon_pt_lookup(&t->mmu, gfn + hvmon_pt_pages(level) - 1, &found);
			KUNIT_EXPECT_EQ(test, found, level);
			KUNIT_EXPECT_EQ(test, hvmon_npt_fmt.pa(entry), pfn << PAGE_SHIFT);
			KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[level - 1], 1);
			KUNIT_EXPECT_EQ(test, hvmon_pt_lookup(&t->mmu, gfn - 1, &found), 0);
		}
		walk(t, HVMON_PT_ZAP, 0, ~0ULL);
		KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 1);
		KUNIT_EXPECT_EQ(test, t->g.leaves, 3);
		pt_free(t);
		KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 0);
	}
}

/* An empty space lacks all tables but the root; a full cache is used up exactly */
static void pt_missing(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);

	KUNIT_EXPECT_EQ(test, hvmon_pt_missing(&t->mmu, 0, HVMON_PT_4K), 3);
	KUNIT_EXPECT_EQ(test, hvmon_pt_missing(&t->mmu, 0, HVMON_PT_1G), 1);
	KUNIT_EXPECT_NULL(test, hvmon_pt_map(&t->mmu, &t->cache, 0, 1, HVMON_PT_4K, RW, &t->g));
	map(test, t, 0, 1, HVMON_PT_4K, RW);
	KUNIT_EXPECT_EQ(test, t->cache.nr, 0);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 4);
	KUNIT_EXPECT_EQ(test, hvmon_pt_missing(&t->mmu, 511, HVMON_PT_4K), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pt_missing(&t->mmu, 512, HVMON_PT_4K), 1);
	walk(t, HVMON_PT_ZAP, 0, 1);
	pt_free(t);
}

/* A huge leaf takes the place of a table and reports what was written below */
static void pt_huge_over_table(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *ptep;
	int level;

	map(test, t, 0x200, 0x1000, HVMON_PT_4K, RW);
	ptep = map(test, t, 0x203, 0x1003, HVMON_PT_4K, RW);
	*ptep |= _PAGE_DIRTY | _PAGE_ACCESSED;
	map(test, t, 0x200, 0x2000, HVMON_PT_2M, RW);

	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 0x203);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 0x1003);
	KUNIT_EXPECT_EQ(test, t->dirty_level, HVMON_PT_4K);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_NOT_NULL(test, t->g.freed);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 0);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[1], 1);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 3);
	hvmon_pt_lookup(&t->mmu, 0x203, &level);
	KUNIT_EXPECT_EQ(test, level, HVMON_PT_2M);
	walk(t, HVMON_PT_ZAP, 0, ~0ULL);
	pt_free(t);
}

/* A small leaf takes the place of a huge one, which is reported as a whole */
static void pt_small_under_huge(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 5);
	u64 *ptep;
	int level;

	ptep = map(test, t, 0x40000, 0x80000, HVMON_PT_1G, RW);
	*ptep |= _PAGE_DIRTY;
	KUNIT_EXPECT_EQ(test, hvmon_pt_missing(&t->mmu, 0x40123, HVMON_PT_4K), 2);
	map(test, t, 0x40123, 0x99, HVMON_PT_4K, RO);

	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 0x40000);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 0x80000);
	KUNIT_EXPECT_EQ(test, t->dirty_level, HVMON_PT_1G);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_EQ(test, hvmon_pt_lookup(&t->mmu, 0x40124, &level), 0);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[2], 0);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 1);
	walk(t, HVMON_PT_ZAP, 0, ~0ULL);
	pt_free(t);
}

/* The same frame again only adds rights, and keeps accessed and dirty */
static void pt_upgrade(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *ptep = map(test, t, 7, 70, HVMON_PT_4K, RO);

	KUNIT_EXPECT_FALSE(test, *ptep & _PAGE_RW);
	*ptep |= _PAGE_ACCESSED;
	map(test, t, 7, 70, HVMON_PT_4K, RW);
	KUNIT_EXPECT_TRUE(test, *ptep & _PAGE_RW);
	KUNIT_EXPECT_TRUE(test, *ptep & _PAGE_ACCESSED);
	*ptep |= _PAGE_DIRTY;
	map(test, t, 7, 70, HVMON_PT_4K, RO);
	KUNIT_EXPECT_TRUE(test, *ptep & _PAGE_RW);
	KUNIT_EXPECT_TRUE(test, *ptep & _PAGE_DIRTY);
	KUNIT_EXPECT_FALSE(test, t->g.flush);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 1);

	/* Another frame replaces it, and what was written is not lost */
	map(test, t, 7, 71, HVMON_PT_4K, RO);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 70);
	KUNIT_EXPECT_EQ(test, hvmon_npt_fmt.pa(*ptep), 71ULL << PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 1);
	walk(t, HVMON_PT_ZAP, 0, 8);
	pt_free(t);
}

/* A zap takes what overlaps the range and nothing else */
static void pt_zap_range(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	int level;

	map(test, t, 0x1ff, 1, HVMON_PT_4K, RW);
	map(test, t, 0x200, 0x200, HVMON_PT_2M, RW);
	map(test, t, 0x400, 2, HVMON_PT_4K, RW);
	walk(t, HVMON_PT_ZAP, 0x3ff, 0x400);
	KUNIT_EXPECT_EQ(test, t->g.leaves, 1);
	KUNIT_EXPECT_EQ(test, t->dirty, 0);
	KUNIT_EXPECT_NE(test, hvmon_pt_lookup(&t->mmu, 0x1ff, &level), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pt_lookup(&t->mmu, 0x200, &level), 0);
	KUNIT_EXPECT_NE(test, hvmon_pt_lookup(&t->mmu, 0x400, &level), 0);
	walk(t, HVMON_PT_ZAP, 5, 5);
	KUNIT_EXPECT_EQ(test, t->g.leaves, 1);
	walk(t, HVMON_PT_ZAP, 0, ~0ULL);
	KUNIT_EXPECT_EQ(test, t->g.leaves, 3);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 1);
	pt_free(t);
}

/* A long walk comes back early, goes on where it was, and leaves no tables */
static void pt_walk_bounded(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 gfn, n = 9000;
	int calls = 0;

	for (gfn = 3; gfn < n; gfn++)
		map(test, t, gfn, gfn, HVMON_PT_4K, RW);
	for (gfn = 0; gfn < n; calls++)
		gfn = hvmon_pt_walk(&t->mmu, HVMON_PT_ZAP, gfn, n, &t->g);
	KUNIT_EXPECT_GT(test, calls, 2);
	KUNIT_EXPECT_LT(test, calls, 5);
	KUNIT_EXPECT_EQ(test, t->g.leaves, n - 3);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 0);
	/* The table that the range ends in stays, with those above it */
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 4);

	/* Absent subtrees cost nothing: all of the address space in one call */
	KUNIT_EXPECT_EQ(test, hvmon_pt_walk(&t->mmu, HVMON_PT_ZAP, 0, 1ULL << 36, &t->g),
			1ULL << 36);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 1);
	pt_free(t);
}

/* Aging reports an access once; looking does not forget it */
static void pt_age(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *ptep = map(test, t, 0, 1, HVMON_PT_4K, RW);

	walk(t, HVMON_PT_TEST, 0, 2);
	KUNIT_EXPECT_FALSE(test, t->g.young);
	*ptep |= _PAGE_ACCESSED | _PAGE_DIRTY;
	walk(t, HVMON_PT_TEST, 1, 2);
	KUNIT_EXPECT_FALSE(test, t->g.young);
	walk(t, HVMON_PT_TEST, 0, 2);
	KUNIT_EXPECT_TRUE(test, t->g.young);
	t->g.young = false;
	walk(t, HVMON_PT_AGE, 0, 2);
	KUNIT_EXPECT_TRUE(test, t->g.young);
	t->g.young = false;
	walk(t, HVMON_PT_AGE, 0, 2);
	KUNIT_EXPECT_FALSE(test, t->g.young);
	KUNIT_EXPECT_TRUE(test, *ptep & _PAGE_DIRTY);
	KUNIT_EXPECT_FALSE(test, t->g.flush);
	walk(t, HVMON_PT_ZAP, 0, 1);
	pt_free(t);
}

/*
 * Without accessed bits a leaf counts as used; aging takes it away, dirt and
 * all, and only a fault on the page itself brings it back
 */
static void pt_age_without_bits(struct kunit *test)
{
	struct hvmon_pt_fmt *fmt = kunit_kzalloc(test, sizeof(*fmt), GFP_KERNEL);
	struct pt_test *t;
	u64 *ptep;
	int level;

	KUNIT_ASSERT_NOT_NULL(test, fmt);
	*fmt = hvmon_npt_fmt;
	fmt->accessed = 0;
	fmt->dirty = 0;
	t = pt_new(test, fmt, 4);
	map(test, t, 0, 10, HVMON_PT_4K, RO);
	ptep = map(test, t, 5, 50, HVMON_PT_4K, RW);
	map(test, t, 512, 1024, HVMON_PT_2M, RW);
	walk(t, HVMON_PT_TEST, 1, 2);
	KUNIT_EXPECT_FALSE(test, t->g.young);
	walk(t, HVMON_PT_TEST, 0, 2);
	KUNIT_EXPECT_TRUE(test, t->g.young);
	KUNIT_EXPECT_FALSE(test, t->g.flush);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 2);

	t->g.young = false;
	walk(t, HVMON_PT_AGE, 0, 2);
	KUNIT_EXPECT_TRUE(test, t->g.young);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_EQ(test, t->dirty, 0);
	walk(t, HVMON_PT_AGE, 5, 6);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 50);
	KUNIT_EXPECT_EQ(test, hvmon_pt_lookup(&t->mmu, 5, &level), 0);
	/* A huge leaf goes as a whole */
	walk(t, HVMON_PT_AGE, 700, 701);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	KUNIT_EXPECT_EQ(test, t->dirty_level, HVMON_PT_2M);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0] + t->mmu.nr_leaves[1], 0);

	t->g.young = false;
	walk(t, HVMON_PT_AGE, 0, 1024);
	KUNIT_EXPECT_FALSE(test, t->g.young);
	KUNIT_EXPECT_FALSE(test, hvmon_pt_map_absent(&t->mmu, ptep, 50, RO));
	KUNIT_EXPECT_TRUE(test, hvmon_pt_map_absent(&t->mmu, ptep + 1, 51, RO));
	map(test, t, 5, 50, HVMON_PT_4K, RO);
	map(test, t, 700, 70, HVMON_PT_4K, RO);
	walk(t, HVMON_PT_TEST, 5, 6);
	KUNIT_EXPECT_TRUE(test, t->g.young);

	/* A zap forgets what was aged, and leaves no tables for its sake */
	walk(t, HVMON_PT_AGE, 0, 1024);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 5);
	walk(t, HVMON_PT_ZAP, 0, ~0ULL);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_tables, 1);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	pt_free(t);
}

/* A harvest reports each written leaf once and leaves it mapped */
static void pt_harvest(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *a = map(test, t, 4, 40, HVMON_PT_4K, RW);
	u64 *b = map(test, t, 5, 50, HVMON_PT_4K, RW);

	*a |= _PAGE_DIRTY | _PAGE_ACCESSED;
	walk(t, HVMON_PT_HARVEST, 0, 100);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 4);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 40);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_FALSE(test, *a & _PAGE_DIRTY);
	KUNIT_EXPECT_TRUE(test, *a & _PAGE_RW);
	KUNIT_EXPECT_TRUE(test, *a & _PAGE_ACCESSED);
	t->g.flush = false;
	walk(t, HVMON_PT_HARVEST, 0, 100);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_FALSE(test, t->g.flush);
	*b |= _PAGE_DIRTY;
	walk(t, HVMON_PT_HARVEST, 0, 5);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	walk(t, HVMON_PT_ZAP, 0, 100);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	pt_free(t);
}

/* Of a map of pages only those that are present and written are reported */
static void pt_clean(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	DECLARE_BITMAP(pages, 2048) = {};
	u64 *ptep[3];
	int i;

	/* On both sides of a table's end; the next tables are absent and a huge leaf */
	ptep[0] = map(test, t, 510, 40, HVMON_PT_4K, RW);
	ptep[1] = map(test, t, 511, 41, HVMON_PT_4K, RW);
	ptep[2] = map(test, t, 512, 42, HVMON_PT_4K, RW);
	*map(test, t, 1536, 1024, HVMON_PT_2M, RW) |= _PAGE_DIRTY;
	for (i = 0; i < 3; i++)
		*ptep[i] |= _PAGE_DIRTY | _PAGE_ACCESSED;
	hvmon_pt_clean(&t->mmu, 0, pages, 2048, &t->g);
	KUNIT_EXPECT_EQ(test, t->dirty, 0);
	KUNIT_EXPECT_FALSE(test, t->g.flush);
	__set_bit(509, pages);
	__set_bit(510, pages);
	__set_bit(512, pages);
	__set_bit(1100, pages);
	__set_bit(1600, pages);
	hvmon_pt_clean(&t->mmu, 0, pages, 2048, &t->g);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 512);
	KUNIT_EXPECT_EQ(test, t->dirty_pfn, 42);
	KUNIT_EXPECT_TRUE(test, t->g.flush);
	KUNIT_EXPECT_FALSE(test, *ptep[0] & _PAGE_DIRTY);
	KUNIT_EXPECT_TRUE(test, *ptep[0] & _PAGE_ACCESSED);
	KUNIT_EXPECT_TRUE(test, *ptep[1] & _PAGE_DIRTY);
	/* The map may begin anywhere: bit 509 is of page 511 */
	hvmon_pt_clean(&t->mmu, 2, pages, 2000, &t->g);
	KUNIT_EXPECT_EQ(test, t->dirty, 3);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 511);
	walk(t, HVMON_PT_ZAP, 0, 2048);
	KUNIT_EXPECT_EQ(test, t->dirty, 4);
	pt_free(t);
}

/* When logging begins huge leaves go and small ones are cleaned */
static void pt_log(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *small = map(test, t, 4, 40, HVMON_PT_4K, RW);
	u64 *huge = map(test, t, 0x200, 0x200, HVMON_PT_2M, RW);

	*small |= _PAGE_DIRTY;
	*huge |= _PAGE_DIRTY;
	walk(t, HVMON_PT_LOG, 0, 0x400);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 1);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[1], 0);
	KUNIT_EXPECT_TRUE(test, *small & _PAGE_PRESENT);
	KUNIT_EXPECT_FALSE(test, *small & _PAGE_DIRTY);
	walk(t, HVMON_PT_ZAP, 0, 0x400);
	KUNIT_EXPECT_EQ(test, t->dirty, 2);
	pt_free(t);
}

/* Fault-around never replaces a leaf, and what it maps looks untouched */
static void pt_around(struct kunit *test)
{
	struct pt_test *t = pt_new(test, &hvmon_npt_fmt, 4);
	u64 *ptep = map(test, t, 8, 80, HVMON_PT_4K, RO);

	KUNIT_EXPECT_FALSE(test, hvmon_pt_map_absent(&t->mmu, ptep, 99, RW));
	KUNIT_EXPECT_EQ(test, hvmon_npt_fmt.pa(*ptep), 80ULL << PAGE_SHIFT);
	KUNIT_EXPECT_TRUE(test, hvmon_pt_map_absent(&t->mmu, ptep + 1, 81, RW));
	KUNIT_EXPECT_EQ(test, ptep[1] & (_PAGE_ACCESSED | _PAGE_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, t->mmu.nr_leaves[0], 2);
	walk(t, HVMON_PT_ZAP, 0, 0x400);
	KUNIT_EXPECT_EQ(test, t->g.leaves, 2);
	pt_free(t);
}

/* Without dirty bits a writable leaf counts as written, and a harvest protects it */
static void pt_no_dirty_bit(struct kunit *test)
{
	struct hvmon_pt_fmt fmt = hvmon_npt_fmt;
	struct pt_test *t;
	u64 *a, *b;

	fmt.dirty = 0;
	fmt.accessed = 0;
	t = pt_new(test, &fmt, 4);
	a = map(test, t, 4, 40, HVMON_PT_4K, RW);
	b = map(test, t, 5, 50, HVMON_PT_4K, RO);
	walk(t, HVMON_PT_HARVEST, 0, 100);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	KUNIT_EXPECT_EQ(test, t->dirty_gfn, 4);
	KUNIT_EXPECT_FALSE(test, *a & _PAGE_RW);
	KUNIT_EXPECT_TRUE(test, *b & _PAGE_PRESENT);
	walk(t, HVMON_PT_ZAP, 0, 100);
	KUNIT_EXPECT_EQ(test, t->dirty, 1);
	pt_free(t);
}

/* Nested entries of AMD-V: U everywhere, W as asked, NX unless executable */
static void npt_bits(struct kunit *test)
{
	const struct hvmon_pt_fmt *f = &hvmon_npt_fmt;
	u64 pa = 0x000fedcba9876000ULL & ~sme_me_mask;

	KUNIT_EXPECT_EQ(test, f->table(0x5000) & 0xfff, 0x27);
	KUNIT_EXPECT_EQ(test, f->leaf(0x5000, 1, 0) & ~GENMASK_ULL(51, 12), BIT_ULL(63) | 5);
	KUNIT_EXPECT_EQ(test, f->leaf(0x5000, 1, RW) & 0xfff, 7);
	KUNIT_EXPECT_EQ(test, f->leaf(0x200000, 2, RO) & 0xfff, 0x85);
	KUNIT_EXPECT_EQ(test, f->pa(f->leaf(pa, 1, 0)), pa);
	KUNIT_EXPECT_EQ(test, f->pa(f->table(pa)), pa);
}

static struct kunit_case pt_cases[] = {
	KUNIT_CASE(pt_map_found),
	KUNIT_CASE(pt_missing),
	KUNIT_CASE(pt_huge_over_table),
	KUNIT_CASE(pt_small_under_huge),
	KUNIT_CASE(pt_upgrade),
	KUNIT_CASE(pt_zap_range),
	KUNIT_CASE(pt_walk_bounded),
	KUNIT_CASE(pt_age),
	KUNIT_CASE(pt_age_without_bits),
	KUNIT_CASE(pt_harvest),
	KUNIT_CASE(pt_clean),
	KUNIT_CASE(pt_log),
	KUNIT_CASE(pt_around),
	KUNIT_CASE(pt_no_dirty_bit),
	KUNIT_CASE(npt_bits),
	{}
};

static struct kunit_suite pt_suite = {
	.name = "hvmon_pt",
	.test_cases = pt_cases,
};

kunit_test_suite(pt_suite);
