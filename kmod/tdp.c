// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory by nested paging: the tables mirror the launcher's. A fault
 * copies what the launcher's tables say of the page and its neighbours, a
 * notifier takes leaves away before the launcher's tables change. No page is
 * ever pinned.
 *
 * Three things make that right:
 *
 *  - A fault reads the slot's sequence, snapshots the launcher's tables, and
 *    installs under mmu.lock only if the sequence still holds. A notifier
 *    advances it under mmu.lock before it zaps.
 *  - A section begins with a flush of the vCPU's own translations. So once
 *    every CPU that was in a section has left it (hvmon_kick_all_sync()), no
 *    translation older than that is in use. A notifier returns after that, and
 *    so does any other that found the leaf gone already: mmu.zap_gen and
 *    mmu.flushed_gen tell it whether the one that zapped is through.
 *  - A leaf exists only while the launcher maps the page, so under mmu.lock the
 *    page cannot go away, and what the guest wrote is passed on to the page
 *    there, before the notifier returns.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>

#include "pt.h"

/* Frames looked at around a fault; all in one table, as it is aligned */
#define TDP_WINDOW	64
/*
 * After a page that the launcher did not have, its neighbours are likely to be
 * missing too: so many faults are then faulted in without looking around.
 */
#define TDP_FRESH	15
/*
 * A guest that writes to such pages in sequence (one that clears or copies much)
 * gets twice as many as the last time, up to this, as files are read ahead.
 */
#define TDP_AHEAD	16
/* Rounds before the guest is let try again, which looks at signals */
#define TDP_TRIES	16

struct tdp_gather {
	struct hvmon_pt_gather g;
	struct hvmon_slot *slot;
};

static void tdp_dirty(struct hvmon_pt_gather *g, u64 gfn, u64 pfn, int level)
{
	struct hvmon_slot *slot = container_of(g, struct tdp_gather, g)->slot;
	u64 end;

	folio_mark_dirty(page_folio(pfn_to_page(pfn)));
	if (!slot->dirty)
		return;
	end = min(gfn + hvmon_pt_pages(level), slot->gfn + slot->npages);
	for (gfn = max(gfn, slot->gfn); gfn < end; gfn++)
		set_bit(gfn - slot->gfn, slot->dirty);
}

/* Under mmu.lock: the generation that a flush must reach */
static u64 tdp_gen(struct hvmon_mmu *mmu, struct hvmon_pt_gather *g)
{
	lockdep_assert_held(&mmu->lock);
	if (g->flush)
		mmu->zap_gen++;
	g->flush = false;
	return mmu->zap_gen;
}

static void tdp_flush(struct hvmon_vm *vm, u64 gen)
{
	struct hvmon_mmu *mmu = &vm->mmu;

	/* Pairs with the release below: whoever stored this has flushed */
	if (smp_load_acquire(&mmu->flushed_gen) >= gen)
		return;
	hvmon_kick_all_sync(vm);
	spin_lock(&mmu->lock);
	if (mmu->flushed_gen < gen) {
		/* Pairs with the acquire above: the flush is done */
		smp_store_release(&mmu->flushed_gen, gen);
	}
	spin_unlock(&mmu->lock);
}

/**
 * hvmon_tdp_flush - wait for the flushes that others still owe
 * @vm: virtual machine
 *
 * When it returns no vCPU uses a translation that was taken away, or cleaned,
 * before the call. May sleep.
 */
void hvmon_tdp_flush(struct hvmon_vm *vm)
{
	u64 gen;

	spin_lock(&vm->mmu.lock);
	gen = vm->mmu.zap_gen;
	spin_unlock(&vm->mmu.lock);
	tdp_flush(vm, gen);
}

/**
 * hvmon_tdp_set_logging - have processors log what they write, or not any more
 * @vm: virtual machine, with vm->lock held
 * @on: which. When it returns, every section logs whose processor can.
 */
void hvmon_tdp_set_logging(struct hvmon_vm *vm, bool on)
{
	struct hvmon_mmu *mmu = &vm->mmu;

	if (on == mmu->logging)
		return;
	WRITE_ONCE(mmu->logging, on);
	if (on && mmu->fmt->logs)
		hvmon_kick_all_sync(vm);
}

/* ... that is in the log already */
static void tdp_dirty_page(struct hvmon_pt_gather *g, u64 gfn, u64 pfn, int level)
{
	folio_mark_dirty(page_folio(pfn_to_page(pfn)));
}

/**
 * hvmon_tdp_clean - have the next writes to pages logged again
 * @slot: that owns all leaves there
 * @first: page within the slot
 * @log: bits of the pages, taken from the slot's log
 * @pages: how many
 *
 * The flush is left to hvmon_tdp_flush().
 */
void hvmon_tdp_clean(struct hvmon_slot *slot, u64 first, const unsigned long *log, u32 pages)
{
	struct hvmon_pt_gather g = { .dirty = tdp_dirty_page };
	struct hvmon_mmu *mmu = &slot->vm->mmu;

	spin_lock(&mmu->lock);
	hvmon_pt_clean(mmu, slot->gfn + first, log, pages, &g);
	tdp_gen(mmu, &g);
	spin_unlock(&mmu->lock);
}

/* All of @op for the frames, with its remote flush */
static void tdp_walk(struct hvmon_slot *slot, enum hvmon_pt_op op, u64 start, u64 end,
		     bool may_sleep)
{
	struct tdp_gather tg = { .g.dirty = tdp_dirty, .slot = slot };
	struct hvmon_vm *vm = slot->vm;
	struct hvmon_mmu *mmu = &vm->mmu;
	u64 gen;

	do {
		spin_lock(&mmu->lock);
		start = mmu->root_table ? hvmon_pt_walk(mmu, op, start, end, &tg.g) : end;
		if (op == HVMON_PT_ZAP)
			vm->stats.zaps += tg.g.leaves;
		tg.g.leaves = 0;
		gen = tdp_gen(mmu, &tg.g);
		spin_unlock(&mmu->lock);
		if (may_sleep)
			cond_resched();
	} while (start < end);
	tdp_flush(vm, gen);
	hvmon_pt_gather_free(&tg.g);
}

/**
 * hvmon_tdp_walk_slot - zap, clean or harvest pages of a slot
 * @slot: that owns all leaves there
 * @op: HVMON_PT_ZAP, _LOG or _HARVEST
 * @first: page within the slot
 * @pages: how many
 *
 * What the guest wrote is in the page's dirty flag and in the slot's log when
 * it returns, and no vCPU uses an older translation. May sleep.
 */
void hvmon_tdp_walk_slot(struct hvmon_slot *slot, enum hvmon_pt_op op, u64 first, u64 pages)
{
	tdp_walk(slot, op, slot->gfn + first, slot->gfn + first + pages, true);
}

/**
 * hvmon_tdp_bar_apic - unmap the APIC-access page for good
 * @vm: virtual machine
 *
 * For when the frame is a slot's, or a vCPU's that knows nothing of the page:
 * when it returns no vCPU can reach the page. May sleep.
 */
void hvmon_tdp_bar_apic(struct hvmon_vm *vm)
{
	struct hvmon_mmu *mmu = &vm->mmu;
	struct hvmon_pt_gather g = {};
	u64 gen;

	spin_lock(&mmu->lock);
	mmu->apic_barred = true;
	if (mmu->apic_page)
		hvmon_pt_walk(mmu, HVMON_PT_ZAP, HVMON_APIC_GFN, HVMON_APIC_GFN + 1, &g);
	gen = tdp_gen(mmu, &g);
	spin_unlock(&mmu->lock);
	tdp_flush(vm, gen);
	hvmon_pt_gather_free(&g);
}

/**
 * hvmon_tdp_freeze - keep faults from installing anything, or let them again
 * @vm: virtual machine
 * @frozen: which
 */
void hvmon_tdp_freeze(struct hvmon_vm *vm, bool frozen)
{
	spin_lock(&vm->mmu.lock);
	vm->mmu.frozen = frozen;
	spin_unlock(&vm->mmu.lock);
}

/* ------------------------------------------------------------------ */
/* Notifiers */

/* The guest frames of @slot that the launcher has at [@start, @end) */
static bool slot_clip(const struct hvmon_slot *slot, unsigned long start, unsigned long end,
		      u64 *first, u64 *last)
{
	unsigned long hva_end = slot->hva + (slot->npages << PAGE_SHIFT);

	start = max(start, slot->hva);
	end = min(end, hva_end);
	if (start >= end)
		return false;
	*first = slot->gfn + ((start - slot->hva) >> PAGE_SHIFT);
	*last = slot->gfn + ((end - 1 - slot->hva) >> PAGE_SHIFT) + 1;
	return true;
}

/*
 * Also called when the process exits, for the whole range. The wait for other
 * CPUs to leave their sections is short and does not sleep, so that callers
 * which must not block are served too.
 */
static bool tdp_invalidate(struct mmu_interval_notifier *mni,
			   const struct mmu_notifier_range *range, unsigned long seq)
{
	struct hvmon_slot *slot = container_of(mni, struct hvmon_slot, notifier);
	struct hvmon_mmu *mmu = &slot->vm->mmu;
	u64 start, end;

	spin_lock(&mmu->lock);
	mmu_interval_set_seq(mni, seq);
	spin_unlock(&mmu->lock);
	if (slot_clip(slot, range->start, range->end, &start, &end))
		tdp_walk(slot, HVMON_PT_ZAP, start, end, mmu_notifier_range_blockable(range));
	return true;
}

const struct mmu_interval_notifier_ops hvmon_tdp_interval_ops = {
	.invalidate = tdp_invalidate,
};

/*
 * Aging needs no remote flush: a processor that still has the translation
 * does not set the accessed bit again, so a page may look idle for as long as
 * the vCPU stays in its section, and that is all. Reclaim takes the page
 * through tdp_invalidate().
 *
 * Without accessed bits leaves are taken away, so that the next use faults.
 * What is written through an old translation until then is no harm: the page
 * has been marked dirty and its bit in the log set, and whoever cleans the one
 * or takes the other finds zap_gen ahead of flushed_gen and flushes.
 */
static bool tdp_age(struct mmu_notifier *mn, unsigned long start, unsigned long end,
		    enum hvmon_pt_op op)
{
	struct hvmon_vm *vm = container_of(mn, struct hvmon_vm, mmu.notifier);
	struct tdp_gather tg = { .g.dirty = tdp_dirty };
	struct hvmon_slots *slots;
	u64 gfn, last;
	int idx;
	u32 i;

	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->slots, &vm->srcu);
	for (i = 0; slots && i < slots->nr; i++) {
		tg.slot = slots->slot[i];
		if (!slot_clip(tg.slot, start, end, &gfn, &last))
			continue;
		while (gfn < last) {
			spin_lock(&vm->mmu.lock);
			gfn = hvmon_pt_walk(&vm->mmu, op, gfn, last, &tg.g);
			tdp_gen(&vm->mmu, &tg.g);
			spin_unlock(&vm->mmu.lock);
		}
	}
	srcu_read_unlock(&vm->srcu, idx);
	return tg.g.young;
}

static hvmon_young_t tdp_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				     unsigned long start, unsigned long end)
{
	return tdp_age(mn, start, end, HVMON_PT_AGE);
}

static hvmon_young_t tdp_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				    unsigned long address)
{
	return tdp_age(mn, address, address + 1, HVMON_PT_TEST);
}

/* Nothing to release: the slots' notifiers are told of the process's end */
static const struct mmu_notifier_ops tdp_notifier_ops = {
	.clear_flush_young	= tdp_clear_young,
	.clear_young		= tdp_clear_young,
	.test_young		= tdp_test_young,
};

/* ------------------------------------------------------------------ */
/* Faults */

struct tdp_fault {
	struct hvmon_vm *vm;
	struct hvmon_slot *slot;
	u64 gfn;
	bool write;
	bool fresh;		/* fault in first, and look at this page alone */
	u32 ahead;		/* ... or at so many, if it is written to */
	bool made;		/* the window is what was just made present for that */
	int errors;		/* snapshots without a frame after a fault-in */
	unsigned long seq;
	u64 first;		/* window of frames, in the slot */
	u32 nr;
	unsigned long *pfns;	/* what the launcher's tables have for them: HMM_PFN_* */
	unsigned long one;	/* where @pfns points if it is a single one */
};

static unsigned long tdp_hva(const struct tdp_fault *f, u64 gfn)
{
	return f->slot->hva + ((gfn - f->slot->gfn) << PAGE_SHIFT);
}

static unsigned long tdp_entry(const struct tdp_fault *f)
{
	return f->pfns[f->gfn - f->first];
}

/* What the launcher's tables have in the window; changes nothing there */
static int tdp_snapshot(struct tdp_fault *f)
{
	struct hmm_range range = { .notifier = &f->slot->notifier, .hmm_pfns = f->pfns };
	u64 end;
	int r;

	f->first = f->gfn;
	end = f->gfn + 1;
	if (!f->fresh) {
		f->first = max(f->gfn & ~(TDP_WINDOW - 1ULL), f->slot->gfn);
		end = min((f->gfn | (TDP_WINDOW - 1ULL)) + 1, f->slot->gfn + f->slot->npages);
	}
	f->nr = end - f->first;
	f->made = false;
	memset(f->pfns, 0, f->nr * sizeof(*f->pfns));

	/* Sleeps while an invalidation is under way */
	f->seq = mmu_interval_read_begin(&f->slot->notifier);
	range.notifier_seq = f->seq;
	range.start = tdp_hva(f, f->first);
	range.end = tdp_hva(f, end);
	if (mmap_read_lock_killable(f->vm->mm))
		return -EINTR;
	r = hmm_range_fault(&range);
	mmap_read_unlock(f->vm->mm);
	return r == -EBUSY ? -EAGAIN : r;
}

/*
 * How large the launcher's mapping of an address is: its order. Tables that are freed
 * meanwhile stay while interrupts are off, which is what get_user_pages_fast() relies on,
 * too; if the mapping changes, the sequence tells.
 */
static unsigned int tdp_map_order(struct mm_struct *mm, unsigned long hva)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	lockdep_assert_irqs_disabled();
	if (!pgd_present(pgd))
		return 0;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (!p4d_present(p4d))
		return 0;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!pud_present(pud))
		return 0;
	if (pud_leaf(pud))
		return PUD_SHIFT - PAGE_SHIFT;
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	return pmd_present(pmd) && pmd_leaf(pmd) ? PMD_SHIFT - PAGE_SHIFT : 0;
}

/*
 * What hmm_range_fault() would say of a page that was just made present for a write, but
 * for the order, which is of interest for the page alone that the guest accessed. That the
 * reference is given back at once is as good as none: the sequence says whether the page
 * is still mapped when it is installed.
 */
static __always_inline unsigned long tdp_made_entry(const struct tdp_fault *f, u64 gfn,
						    struct page *page)
{
	unsigned long entry = page_to_pfn(page) | HMM_PFN_VALID | HMM_PFN_WRITE;
	unsigned long order, flags;

	if (gfn == f->gfn && folio_test_large(page_folio(page))) {
		local_irq_save(flags);
		order = tdp_map_order(f->vm->mm, tdp_hva(f, gfn));
		local_irq_restore(flags);
		entry |= order << HMM_PFN_ORDER_SHIFT;
	}
	put_page(page);
	return entry;
}

/*
 * The same as a snapshot for the page alone that was just made present for a write: a
 * walk without locks, where hmm_range_fault() looks up two VMAs.
 */
static bool tdp_lookup(struct tdp_fault *f)
{
	struct page *page;

	f->ahead = 1;
	/* As in tdp_snapshot() */
	f->seq = mmu_interval_read_begin(&f->slot->notifier);
	if (get_user_pages_fast(tdp_hva(f, f->gfn), 1, FOLL_WRITE, &page) != 1)
		return false;
	f->made = true;
	f->first = f->gfn;
	f->nr = 1;
	f->pfns = &f->one;
	f->one = tdp_made_entry(f, f->gfn, page);
	return true;
}

/* Makes the launcher's page present as the access needs it; 0 is no promise */
static int tdp_fault_in(struct tdp_fault *f)
{
	unsigned long hva = tdp_hva(f, f->gfn);
	bool unlocked = false;
	struct page *page;
	int r;

	if (mmap_read_lock_killable(f->vm->mm))
		return -EINTR;
	r = fixup_user_fault(f->vm->mm, hva, f->write ? FAULT_FLAG_WRITE : 0, &unlocked);
	mmap_read_unlock(f->vm->mm);
	if (r != -EFAULT)
		return r;
	/* Only this tells a poisoned page from one that is not mapped */
	r = get_user_pages_unlocked(hva, 1, &page, FOLL_HWPOISON | (f->write ? FOLL_WRITE : 0));
	if (r == 1) {
		put_page(page);
		return 0;
	}
	return r == -EHWPOISON ? r : -EFAULT;
}

/* Which level the launcher's mapping, the slot and the processor allow */
static int tdp_level(const struct tdp_fault *f)
{
	u64 pfn = tdp_entry(f) & ~HMM_PFN_FLAGS;
	u64 hfn = tdp_hva(f, f->gfn) >> PAGE_SHIFT;
	int level;

	if (f->slot->flags & HVMON_MEM_LOG_DIRTY)
		return HVMON_PT_4K;
	for (level = HVMON_PT_1G; level > HVMON_PT_4K; level--) {
		u64 pages = hvmon_pt_pages(level);
		u64 base = f->gfn & -pages;

		if (hmm_pfn_to_map_order(tdp_entry(f)) >= 9 * (level - 1) &&
		    (hvmon_probe_result.page_sizes & pages << PAGE_SHIFT) &&
		    !((f->gfn ^ hfn) & (pages - 1)) && !((f->gfn ^ pfn) & (pages - 1)) &&
		    base >= f->slot->gfn && base + pages <= f->slot->gfn + f->slot->npages)
			break;
	}
	return level;
}

static unsigned int tdp_prot(const struct tdp_fault *f, unsigned long entry)
{
	if (!(entry & HMM_PFN_WRITE) || (f->slot->flags & HVMON_MEM_READONLY))
		return HVMON_PROT_EXEC;
	return HVMON_PROT_EXEC | HVMON_PROT_WRITE;
}

static u32 tdp_fault_around(struct tdp_fault *f, u64 *ptep)
{
	u64 *window = ptep - (f->gfn - f->first);
	struct hvmon_mmu *mmu = &f->vm->mmu;
	u32 i, n = 0;

	for (i = 0; i < f->nr; i++) {
		unsigned int prot = tdp_prot(f, f->pfns[i]);

		if (!(f->pfns[i] & HMM_PFN_VALID) || (f->pfns[i] & HMM_PFN_ERROR))
			continue;
		/*
		 * Where only writability tells what was written, none is written yet. But
		 * pages that were made for it are dirty in the launcher's tables already.
		 */
		if (!mmu->fmt->dirty && (!f->made || f->slot->flags & HVMON_MEM_LOG_DIRTY))
			prot &= ~HVMON_PROT_WRITE;
		n += hvmon_pt_map_absent(mmu, &window[i], f->pfns[i] & ~HMM_PFN_FLAGS, prot);
	}
	return n;
}

/* Under mmu.lock. 0, -EAGAIN, -EBUSY, or a positive number of missing tables */
static int tdp_install(struct tdp_fault *f, struct hvmon_pt_cache *cache,
		       struct hvmon_pt_gather *g)
{
	struct hvmon_mmu *mmu = &f->vm->mmu;
	int level = tdp_level(f);
	u64 mask = hvmon_pt_pages(level) - 1;
	u64 pfn = tdp_entry(f) & ~HMM_PFN_FLAGS;
	unsigned int prot = tdp_prot(f, tdp_entry(f));
	int missing;
	u64 *ptep;

	if (mmu_interval_read_retry(&f->slot->notifier, f->seq))
		return -EAGAIN;
	if (mmu->frozen)
		return -EBUSY;
	missing = hvmon_pt_missing(mmu, f->gfn, level);
	if (missing > cache->nr)
		return missing;
	/* Without a dirty bit a leaf that was not yet written is not writable */
	if (!mmu->fmt->dirty && !f->write)
		prot &= ~HVMON_PROT_WRITE;
	ptep = hvmon_pt_map(mmu, cache, f->gfn & ~mask, pfn & ~mask, level, prot, g);
	f->vm->stats.faults++;
	if (level == HVMON_PT_4K)
		f->vm->stats.faulted_around += tdp_fault_around(f, ptep);
	return 0;
}

/* Installs what the snapshot has, with as many tables as that takes */
static int tdp_map(struct tdp_fault *f)
{
	struct tdp_gather tg = { .g.dirty = tdp_dirty, .slot = f->slot };
	struct hvmon_pt_cache cache = {};
	struct hvmon_mmu *mmu = &f->vm->mmu;
	bool flush;
	u64 gen;
	int r;

	do {
		spin_lock(&mmu->lock);
		r = tdp_install(f, &cache, &tg.g);
		flush = tg.g.flush;
		gen = tdp_gen(mmu, &tg.g);
		spin_unlock(&mmu->lock);
		if (r > 0 && hvmon_pt_cache_fill(&cache, r)) {
			r = -ENOMEM;
			break;
		}
	} while (r > 0);
	if (flush)
		tdp_flush(f->vm, gen);
	hvmon_pt_gather_free(&tg.g);
	hvmon_pt_cache_drain(&cache);
	return r;
}

/**
 * hvmon_tdp_map_apic - map the APIC-access page
 * @vm: virtual machine
 *
 * Return: 0; -ENOENT if there is none or it is barred; -ENOMEM.
 */
int hvmon_tdp_map_apic(struct hvmon_vm *vm)
{
	struct hvmon_pt_cache cache = {};
	struct hvmon_pt_gather g = {};
	struct hvmon_mmu *mmu = &vm->mmu;
	int r;

	do {
		spin_lock(&mmu->lock);
		r = -ENOENT;
		if (mmu->apic_page && !mmu->apic_barred) {
			r = hvmon_pt_missing(mmu, HVMON_APIC_GFN, HVMON_PT_4K);
			if (r <= cache.nr)
				r = hvmon_pt_map(mmu, &cache, HVMON_APIC_GFN,
						 __pa(mmu->apic_page) >> PAGE_SHIFT, HVMON_PT_4K,
						 HVMON_PROT_WRITE, &g) ? 0 : -ENOMEM;
		}
		spin_unlock(&mmu->lock);
		if (r > 0 && hvmon_pt_cache_fill(&cache, r))
			r = -ENOMEM;
	} while (r > 0);
	hvmon_pt_gather_free(&g);
	hvmon_pt_cache_drain(&cache);
	return r;
}

/*
 * Several pages at once, made present for a write and looked up as tdp_lookup() does,
 * as many as there are. -ENOENT: go through that one page alone, which finds out what
 * is wrong with it.
 */
static noinline_for_stack int tdp_try_ahead(struct tdp_fault *f)
{
	u64 last = min(f->gfn | (HVMON_PT_ENTRIES - 1), f->slot->gfn + f->slot->npages - 1);
	u32 i, want = min_t(u64, f->ahead, last - f->gfn + 1);
	unsigned long pfns[TDP_AHEAD];
	struct page *pages[TDP_AHEAD];
	long n;

	f->seq = mmu_interval_read_begin(&f->slot->notifier);
	n = get_user_pages_unlocked(tdp_hva(f, f->gfn), want, pages, FOLL_WRITE);
	if (n < 1)
		return -ENOENT;
	for (i = 0; i < n; i++)
		pfns[i] = tdp_made_entry(f, f->gfn + i, pages[i]);
	f->first = f->gfn;
	f->nr = n;
	f->pfns = pfns;
	f->ahead = n;
	f->made = true;
	return tdp_map(f);
}

/* A function of its own: kernels clear such an array even where it is not used */
static noinline_for_stack int tdp_try_snapshot(struct tdp_fault *f)
{
	unsigned long pfns[TDP_WINDOW];
	unsigned long entry;
	int r;

	f->pfns = pfns;
	r = tdp_snapshot(f);
	if (r)
		return r;
	entry = tdp_entry(f);
	if (!(entry & HMM_PFN_ERROR) && (entry & HMM_PFN_VALID) &&
	    (!f->write || (entry & HMM_PFN_WRITE)))
		return tdp_map(f);
	/*
	 * Mappings of device memory stay without a frame however often they
	 * are faulted in. One that is there may be lost again, so not at once.
	 */
	if ((entry & HMM_PFN_ERROR) && f->errors++ > 2)
		return -EFAULT;
	f->fresh = true;
	return -EAGAIN;
}

/* One round: 0 settled, -EAGAIN look again, -EBUSY a slot is being replaced */
static int tdp_try(struct tdp_fault *f)
{
	int r;

	if (f->fresh) {
		if (f->write && f->ahead > 1) {
			r = tdp_try_ahead(f);
			if (r != -ENOENT)
				return r;
		}
		r = tdp_fault_in(f);
		if (r)
			return r;
		if (f->write && tdp_lookup(f))
			return tdp_map(f);
	}
	return tdp_try_snapshot(f);
}

/**
 * hvmon_mmu_fault - settle a nested page fault
 * @vcpu: that faulted; outside sections, in the VM's address space
 * @gpa: guest-physical address
 * @access: HVMON_ACCESS_*
 *
 * Return: HVMON_RESUME if the guest may try again; -ENOENT if the address is
 * not memory for this access; -EFAULT or -EHWPOISON if the launcher has no page
 * there; -ENOMEM; -EINTR if the process is dying.
 */
int hvmon_mmu_fault(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	struct hvmon_vm *vm = vcpu->vm;
	struct tdp_fault f;
	int i, idx, r = 0;

	f.vm = vm;
	f.gfn = gpa >> PAGE_SHIFT;
	f.write = access & HVMON_ACCESS_WRITE;
	f.errors = 0;
	f.fresh = vcpu->fresh_faults;
	f.ahead = f.gfn == vcpu->ahead_gfn ? clamp(vcpu->ahead * 2, 1, TDP_AHEAD) : 1;

	for (i = 0; i < TDP_TRIES; i++) {
		idx = srcu_read_lock(&vm->srcu);
		f.slot = hvmon_slot_by_gfn(vm, f.gfn);
		if (!f.slot || (f.write && (f.slot->flags & HVMON_MEM_READONLY)))
			r = -ENOENT;
		else
			r = tdp_try(&f);
		srcu_read_unlock(&vm->srcu, idx);
		if (r != -EAGAIN && r != -EBUSY)
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		/* The replacement waits for readers of vm->srcu: wait outside */
		if (r == -EBUSY)
			schedule_timeout_killable(1);
		else
			cond_resched();
	}
	if (f.write && f.fresh && !r) {
		vcpu->ahead = f.ahead;
		vcpu->ahead_gfn = f.gfn + f.ahead;
	}
	if (vcpu->fresh_faults)
		vcpu->fresh_faults--;
	else if (f.fresh)
		vcpu->fresh_faults = TDP_FRESH;
	return r == 0 || r == -EAGAIN || r == -EBUSY ? HVMON_RESUME : r;
}

/* ------------------------------------------------------------------ */

/**
 * hvmon_mmu_init - an empty guest-physical address space
 * @vm: virtual machine with its mm
 *
 * Return: 0 or -errno, with nothing left behind.
 */
int hvmon_mmu_init(struct hvmon_vm *vm)
{
	struct hvmon_mmu *mmu = &vm->mmu;
	int r;

	spin_lock_init(&mmu->lock);
	r = hvmon_pt_init(mmu, hvmon_vendor->tdp_fmt, hvmon_probe_result.levels);
	if (r)
		return r;
	mmu->notifier.ops = &tdp_notifier_ops;
	r = mmu_notifier_register(&mmu->notifier, vm->mm);
	if (r) {
		mmu->notifier.ops = NULL;
		hvmon_pt_fini(mmu);
	}
	return r;
}

/**
 * hvmon_mmu_fini - free the tables
 * @vm: virtual machine without slots, whose vCPUs are gone
 */
void hvmon_mmu_fini(struct hvmon_vm *vm)
{
	struct hvmon_mmu *mmu = &vm->mmu;

	if (!mmu->root_table)
		return;
	mmu_notifier_unregister(&mmu->notifier, vm->mm);
	hvmon_pt_fini(mmu);
	free_page((unsigned long)mmu->apic_page);
	mmu->apic_page = NULL;
}
