// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that the module keeps for guests: mapping, zapping, aging and
 * harvesting of written leaves, over any format that struct hvmon_pt_fmt can
 * describe. Nothing here knows of VMs or slots.
 *
 * Entries change under mmu->lock, but the processor sets accessed and dirty
 * bits at any time: a present leaf is only changed by atomic operations.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pt.h"

/* Leaves changed under one hold of mmu->lock; a table visited counts as 16 */
#define PT_BUDGET	4096
#define PT_TABLE_COST	16
/*
 * An absent entry that says: the leaf was taken away to see whether the page is
 * used. Processors look at no bit but those of hvmon_pt_fmt.present; this one is
 * not of an address, which L1TF would make them look at.
 */
#define PT_AGED		BIT_ULL(62)

static bool pt_present(const struct hvmon_mmu *mmu, u64 entry)
{
	return entry & mmu->fmt->present;
}

static bool pt_is_leaf(const struct hvmon_mmu *mmu, u64 entry, int level)
{
	return level == HVMON_PT_4K || (entry & mmu->fmt->huge);
}

static unsigned int pt_index(u64 gfn, int level)
{
	return (gfn >> (9 * (level - 1))) % HVMON_PT_ENTRIES;
}

static u64 *pt_child(const struct hvmon_mmu *mmu, u64 entry)
{
	return __va(mmu->fmt->pa(entry));
}

/**
 * hvmon_pt_cache_fill - have at least @nr pages at hand
 * @cache: where
 * @nr: up to HVMON_PT_MAX_LEVELS
 *
 * Return: 0 or -ENOMEM; what was allocated stays in the cache.
 */
int hvmon_pt_cache_fill(struct hvmon_pt_cache *cache, int nr)
{
	while (cache->nr < nr) {
		void *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		cache->page[cache->nr++] = page;
	}
	return 0;
}

/**
 * hvmon_pt_cache_drain - free what was not used
 * @cache: of pages
 */
void hvmon_pt_cache_drain(struct hvmon_pt_cache *cache)
{
	while (cache->nr)
		free_page((unsigned long)cache->page[--cache->nr]);
}

/* The table's own memory stays as it is: processors may still walk it */
static void pt_gather_table(struct hvmon_mmu *mmu, u64 *table, struct hvmon_pt_gather *g)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, (unsigned long)g->freed);
	g->freed = page;
	g->flush = true;
	mmu->nr_tables--;
}

/**
 * hvmon_pt_gather_free - free tables that were taken out of use
 * @g: what a change left behind; the remote flush is done
 */
void hvmon_pt_gather_free(struct hvmon_pt_gather *g)
{
	while (g->freed) {
		struct page *page = g->freed;

		g->freed = (struct page *)page_private(page);
		set_page_private(page, 0);
		__free_page(page);
	}
}

/**
 * hvmon_pt_init - an empty address space
 * @mmu: gets the format and a root table
 * @fmt: of the entries
 * @levels: of tables, at most HVMON_PT_MAX_LEVELS
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int hvmon_pt_init(struct hvmon_mmu *mmu, const struct hvmon_pt_fmt *fmt, int levels)
{
	if (levels < HVMON_PT_1G || levels > HVMON_PT_MAX_LEVELS)
		return -EINVAL;
	mmu->root_table = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!mmu->root_table)
		return -ENOMEM;
	mmu->fmt = fmt;
	mmu->levels = levels;
	mmu->root = fmt->root(__pa(mmu->root_table), levels);
	mmu->nr_tables = 1;
	return 0;
}

static void pt_free_tables(struct hvmon_mmu *mmu, u64 *table, int level)
{
	int i;

	for (i = 0; level > HVMON_PT_4K && i < HVMON_PT_ENTRIES; i++)
		if (pt_present(mmu, table[i]) && !pt_is_leaf(mmu, table[i], level))
			pt_free_tables(mmu, pt_child(mmu, table[i]), level - 1);
	mmu->nr_tables--;
	free_page((unsigned long)table);
	cond_resched();
}

/**
 * hvmon_pt_fini - free all tables
 * @mmu: that no processor uses any more, with all leaves zapped. May sleep.
 */
void hvmon_pt_fini(struct hvmon_mmu *mmu)
{
	if (!mmu->root_table)
		return;
	pt_free_tables(mmu, mmu->root_table, mmu->levels);
	mmu->root_table = NULL;
	mmu->root = 0;
}

static void pt_dirty(struct hvmon_mmu *mmu, struct hvmon_pt_gather *g, u64 entry, u64 gfn,
		     int level)
{
	if (g->dirty)
		g->dirty(g, gfn, mmu->fmt->pa(entry) >> PAGE_SHIFT, level);
}

/* Without a dirty bit, whatever could be written was written */
static u64 pt_written_bit(const struct hvmon_mmu *mmu)
{
	return mmu->fmt->dirty ?: mmu->fmt->writable;
}

static void pt_drop_leaf(struct hvmon_mmu *mmu, u64 *ptep, u64 gfn, int level,
			 struct hvmon_pt_gather *g)
{
	/* One exchange: a dirty bit that the processor sets now is not lost */
	u64 old = xchg(ptep, 0);

	mmu->nr_leaves[level - 1]--;
	g->leaves++;
	g->flush = true;
	if (old & pt_written_bit(mmu))
		pt_dirty(mmu, g, old, gfn, level);
}

static void pt_clean_leaf(struct hvmon_mmu *mmu, u64 *ptep, u64 gfn, int level,
			  struct hvmon_pt_gather *g)
{
	int bit = ilog2(pt_written_bit(mmu));

	if (!(READ_ONCE(*ptep) & BIT_ULL(bit)))
		return;
	clear_bit(bit, (unsigned long *)ptep);
	g->leaves++;
	g->flush = true;
	pt_dirty(mmu, g, READ_ONCE(*ptep), gfn, level);
}

/* Takes the table under @ptep, an entry of @level, out of use */
static void pt_drop_table(struct hvmon_mmu *mmu, u64 *ptep, u64 gfn, int level,
			  struct hvmon_pt_gather *g)
{
	u64 *child = pt_child(mmu, *ptep);
	int i;

	WRITE_ONCE(*ptep, 0);
	level--;
	for (i = 0; i < HVMON_PT_ENTRIES; i++, gfn += hvmon_pt_pages(level)) {
		u64 entry = READ_ONCE(child[i]);

		if (!pt_present(mmu, entry))
			continue;
		if (pt_is_leaf(mmu, entry, level))
			pt_drop_leaf(mmu, &child[i], gfn, level, g);
		else
			pt_drop_table(mmu, &child[i], gfn, level, g);
	}
	pt_gather_table(mmu, child, g);
}

/**
 * hvmon_pt_missing - how many tables a mapping would add
 * @mmu: address space
 * @gfn: guest frame
 * @level: of the leaf
 *
 * Return: the number, 0 if all are there.
 */
int hvmon_pt_missing(struct hvmon_mmu *mmu, u64 gfn, int level)
{
	u64 *table = mmu->root_table;
	int l;

	for (l = mmu->levels; l > level; l--) {
		u64 entry = READ_ONCE(table[pt_index(gfn, l)]);

		if (!pt_present(mmu, entry) || pt_is_leaf(mmu, entry, l))
			return l - level;
		table = pt_child(mmu, entry);
	}
	return 0;
}

static void pt_set_leaf(struct hvmon_mmu *mmu, u64 *ptep, u64 gfn, u64 pfn, int level,
			unsigned int prot, struct hvmon_pt_gather *g)
{
	u64 old = READ_ONCE(*ptep);

	if (pt_present(mmu, old) && !pt_is_leaf(mmu, old, level)) {
		pt_drop_table(mmu, ptep, gfn, level, g);
	} else if (pt_present(mmu, old)) {
		if (mmu->fmt->pa(old) == pfn << PAGE_SHIFT) {
			/*
			 * More is permitted, nothing less: accessed and dirty
			 * stay, and no flush is needed, because a processor
			 * that remembers less walks again when it faults.
			 */
			if (prot & HVMON_PROT_WRITE)
				set_bit(ilog2(mmu->fmt->writable), (unsigned long *)ptep);
			return;
		}
		pt_drop_leaf(mmu, ptep, gfn, level, g);
	}
	WRITE_ONCE(*ptep, mmu->fmt->leaf(pfn << PAGE_SHIFT, level, prot));
	mmu->nr_leaves[level - 1]++;
}

/**
 * hvmon_pt_map - install a leaf in place of whatever was there
 * @mmu: address space
 * @cache: with as many pages as hvmon_pt_missing() says
 * @gfn: guest frame, aligned to @level
 * @pfn: the host's, likewise
 * @level: HVMON_PT_4K, _2M or _1G
 * @prot: HVMON_PROT_*; a leaf of the same frame is only given more
 * @g: what the change leaves to be done
 *
 * Return: the entry, or NULL if @cache has run out.
 */
u64 *hvmon_pt_map(struct hvmon_mmu *mmu, struct hvmon_pt_cache *cache, u64 gfn, u64 pfn,
		  int level, unsigned int prot, struct hvmon_pt_gather *g)
{
	u64 *table = mmu->root_table;
	u64 *ptep;
	int l;

	for (l = mmu->levels; l > level; l--) {
		u64 entry;

		ptep = &table[pt_index(gfn, l)];
		entry = READ_ONCE(*ptep);
		if (pt_present(mmu, entry) && !pt_is_leaf(mmu, entry, l)) {
			table = pt_child(mmu, entry);
			continue;
		}
		if (!cache->nr)
			return NULL;
		if (pt_present(mmu, entry))
			pt_drop_leaf(mmu, ptep, gfn & -hvmon_pt_pages(l), l, g);
		table = cache->page[--cache->nr];
		/* Pairs with the processor's walk: the table is zero before it is seen */
		smp_store_release(ptep, mmu->fmt->table(__pa(table)));
		mmu->nr_tables++;
	}
	ptep = &table[pt_index(gfn, level)];
	pt_set_leaf(mmu, ptep, gfn, pfn, level, prot, g);
	return ptep;
}

/**
 * hvmon_pt_map_absent - install a 4 KiB leaf if there is none and was none
 * @mmu: address space
 * @ptep: the entry, near one that hvmon_pt_map() returned
 * @pfn: the host's frame
 * @prot: HVMON_PROT_*
 *
 * The accessed bit is clear: the page may never be touched. Without such a bit
 * one that HVMON_PT_AGE took away stays absent until it is: its fault tells.
 *
 * Return: whether it was installed.
 */
bool hvmon_pt_map_absent(struct hvmon_mmu *mmu, u64 *ptep, u64 pfn, unsigned int prot)
{
	if (READ_ONCE(*ptep))
		return false;
	WRITE_ONCE(*ptep, mmu->fmt->leaf(pfn << PAGE_SHIFT, HVMON_PT_4K, prot));
	mmu->nr_leaves[0]++;
	return true;
}

/**
 * hvmon_pt_lookup - the leaf that maps a frame
 * @mmu: address space
 * @gfn: guest frame
 * @level: its level, or that where the walk ended
 *
 * Return: the entry, 0 if absent.
 */
u64 hvmon_pt_lookup(struct hvmon_mmu *mmu, u64 gfn, int *level)
{
	u64 *table = mmu->root_table;
	u64 entry;

	for (*level = mmu->levels;; (*level)--) {
		entry = READ_ONCE(table[pt_index(gfn, *level)]);
		if (!pt_present(mmu, entry))
			return 0;
		if (pt_is_leaf(mmu, entry, *level))
			return entry;
		table = pt_child(mmu, entry);
	}
}

/* The table of 4 KiB leaves that has the frame's, NULL if there is none */
static u64 *pt_leaf_table(struct hvmon_mmu *mmu, u64 gfn)
{
	u64 *table = mmu->root_table;
	int level;

	for (level = mmu->levels; level > HVMON_PT_4K; level--) {
		u64 entry = READ_ONCE(table[pt_index(gfn, level)]);

		if (!pt_present(mmu, entry) || pt_is_leaf(mmu, entry, level))
			return NULL;
		table = pt_child(mmu, entry);
	}
	return table;
}

/**
 * hvmon_pt_clean - clean single 4 KiB leaves
 * @mmu: address space
 * @gfn: guest frame that bit 0 stands for
 * @map: which leaves; those that are absent or clean stay as they are
 * @pages: bits in @map
 * @g: gathers what is left to be done; @g->dirty is called as it says
 *
 * HVMON_PT_HARVEST for few of many leaves: the others are not looked at.
 */
void hvmon_pt_clean(struct hvmon_mmu *mmu, u64 gfn, const unsigned long *map, u32 pages,
		    struct hvmon_pt_gather *g)
{
	u64 first = ~0ULL;	/* that the table has */
	u64 *table = NULL;
	unsigned long i;

	for_each_set_bit(i, map, pages) {
		unsigned int index = pt_index(gfn + i, HVMON_PT_4K);

		if (gfn + i - index != first) {
			first = gfn + i - index;
			table = pt_leaf_table(mmu, first);
		}
		if (table && pt_present(mmu, READ_ONCE(table[index])))
			pt_clean_leaf(mmu, &table[index], gfn + i, HVMON_PT_4K, g);
	}
}

struct pt_walk {
	struct hvmon_mmu *mmu;
	struct hvmon_pt_gather *g;
	enum hvmon_pt_op op;
	u64 next;		/* all below is done */
	u64 end;
	int budget;
};

static void pt_leaf_op(struct pt_walk *w, u64 *ptep, u64 gfn, int level)
{
	u64 accessed = w->mmu->fmt->accessed;
	u64 entry = READ_ONCE(*ptep);

	switch (w->op) {
	case HVMON_PT_ZAP:
		pt_drop_leaf(w->mmu, ptep, gfn, level, w->g);
		break;
	case HVMON_PT_LOG:
		if (level > HVMON_PT_4K)
			pt_drop_leaf(w->mmu, ptep, gfn, level, w->g);
		else
			pt_clean_leaf(w->mmu, ptep, gfn, level, w->g);
		break;
	case HVMON_PT_HARVEST:
		pt_clean_leaf(w->mmu, ptep, gfn, level, w->g);
		break;
	case HVMON_PT_AGE:
		if (!accessed) {
			pt_drop_leaf(w->mmu, ptep, gfn, level, w->g);
			WRITE_ONCE(*ptep, PT_AGED);
		} else if (entry & accessed) {
			clear_bit(ilog2(accessed), (unsigned long *)ptep);
		}
		fallthrough;
	case HVMON_PT_TEST:
		if (!accessed || entry & accessed)
			w->g->young = true;
		break;
	}
}

/*
 * Big ranges leave no empty tables behind. Whether a table is empty is looked
 * up, not deduced: the walk may begin in the midst of one.
 */
static void pt_prune(struct pt_walk *w, u64 *ptep, u64 base, int level)
{
	u64 *child = pt_child(w->mmu, *ptep);

	if (w->op != HVMON_PT_ZAP || base + hvmon_pt_pages(level) > w->end ||
	    memchr_inv(child, 0, PAGE_SIZE))
		return;
	WRITE_ONCE(*ptep, 0);
	pt_gather_table(w->mmu, child, w->g);
}

static void pt_walk_table(struct pt_walk *w, u64 *table, int level, u64 base)
{
	u64 pages = hvmon_pt_pages(level);
	int i;

	w->budget -= PT_TABLE_COST;
	for (i = pt_index(max(w->next, base), level); i < HVMON_PT_ENTRIES; i++) {
		u64 gfn = base + i * pages;
		u64 entry = READ_ONCE(table[i]);

		if (gfn >= w->end || w->budget <= 0)
			return;
		if (pt_present(w->mmu, entry)) {
			if (pt_is_leaf(w->mmu, entry, level)) {
				w->budget--;
				pt_leaf_op(w, &table[i], gfn, level);
			} else {
				pt_walk_table(w, pt_child(w->mmu, entry), level - 1, gfn);
				if (w->next < min(gfn + pages, w->end))
					return;
				pt_prune(w, &table[i], gfn, level);
			}
		} else if (entry && w->op == HVMON_PT_ZAP) {
			WRITE_ONCE(table[i], 0);
		}
		w->next = gfn + pages;
	}
}

/**
 * hvmon_pt_walk - do something to all leaves that overlap a range
 * @mmu: address space
 * @op: HVMON_PT_*; a huge leaf that overlaps is taken as a whole
 * @start: first guest frame
 * @end: frame behind the last
 * @g: gathers what is left to be done; @g->dirty is called as it says
 *
 * Does a bounded number of leaves, so that the caller can drop the lock, and
 * passes over absent subtrees.
 *
 * Return: the frame to go on with; @end or more when all is done.
 */
u64 hvmon_pt_walk(struct hvmon_mmu *mmu, enum hvmon_pt_op op, u64 start, u64 end,
		  struct hvmon_pt_gather *g)
{
	struct pt_walk w = {
		.mmu = mmu, .g = g, .op = op, .budget = PT_BUDGET,
		.next = start, .end = min(end, hvmon_pt_pages(mmu->levels + 1)),
	};

	if (w.next >= w.end)
		return end;
	pt_walk_table(&w, mmu->root_table, mmu->levels, 0);
	return w.next < w.end ? w.next : end;
}
