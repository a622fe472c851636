/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables that the module keeps for guests, the walk of the guest's own,
 * and the parts of slot.c that need no VM.
 *
 * A level is counted from the leaves: 1 is the table whose entries map 4 KiB.
 */
#ifndef _HVMON_PT_H
#define _HVMON_PT_H

#include "hvmon.h"

#define HVMON_PT_4K		1
#define HVMON_PT_2M		2
#define HVMON_PT_1G		3
#define HVMON_PT_MAX_LEVELS	5
#define HVMON_PT_ENTRIES	512

/* What a leaf permits besides reading */
#define HVMON_PROT_WRITE	BIT(0)
#define HVMON_PROT_EXEC		BIT(1)

/**
 * struct hvmon_pt_fmt - one processor's format of 64-bit table entries
 * @name: for messages
 * @present: an entry that has none of these bits is absent
 * @huge: a leaf above level 1 has this bit
 * @writable: set in leaves that may be written
 * @accessed: set by the processor in leaves that it uses; 0: it does not, and
 *            every leaf counts as used
 * @dirty: set by the processor in leaves that it writes through; 0: it does
 *         not, and every writable leaf counts as written
 * @logs: while hvmon_mmu.logging, hvmon_mark_dirty() is called for each leaf
 *        that the processor sets @dirty in, by the end of the section
 * @table: entry that leads to the table at @pa
 * @leaf: entry that maps @pa; @prot is HVMON_PROT_*
 * @pa: physical address that an entry holds
 * @root: what the processor is given for a top table at @pa
 */
struct hvmon_pt_fmt {
	const char *name;
	u64 present;
	u64 huge;
	u64 writable;
	u64 accessed;
	u64 dirty;
	bool logs;
	u64 (*table)(u64 pa);
	u64 (*leaf)(u64 pa, int level, unsigned int prot);
	u64 (*pa)(u64 entry);
	u64 (*root)(u64 pa, int levels);
};

extern const struct hvmon_pt_fmt hvmon_npt_fmt;

/* Zeroed pages, allocated before mmu->lock is taken */
struct hvmon_pt_cache {
	int nr;
	void *page[HVMON_PT_MAX_LEVELS];
};

/**
 * struct hvmon_pt_gather - what a change of the tables leaves to be done
 * @dirty: called under mmu->lock for each leaf found written that was taken
 *         away or cleaned; may be NULL
 * @freed: tables to be freed after the remote flush
 * @leaves: leaves that were changed
 * @flush: processors may still use what was changed
 * @young: AGE and TEST: a leaf was accessed
 */
struct hvmon_pt_gather {
	void (*dirty)(struct hvmon_pt_gather *g, u64 gfn, u64 pfn, int level);
	struct page *freed;
	u64 leaves;
	bool flush;
	bool young;
};

enum hvmon_pt_op {
	HVMON_PT_ZAP,		/* take the leaves away */
	HVMON_PT_LOG,		/* take huge leaves away, clean small ones */
	HVMON_PT_HARVEST,	/* clean the leaves */
	HVMON_PT_AGE,		/* clear their accessed bits; without these, take them away */
	HVMON_PT_TEST,		/* look at their accessed bits */
};

static inline u64 hvmon_pt_pages(int level)
{
	return 1ULL << (9 * (level - 1));
}

int hvmon_pt_cache_fill(struct hvmon_pt_cache *cache, int nr);
void hvmon_pt_cache_drain(struct hvmon_pt_cache *cache);
void hvmon_pt_gather_free(struct hvmon_pt_gather *g);

int hvmon_pt_init(struct hvmon_mmu *mmu, const struct hvmon_pt_fmt *fmt, int levels);
void hvmon_pt_fini(struct hvmon_mmu *mmu);

/* The rest is called under mmu->lock */
int hvmon_pt_missing(struct hvmon_mmu *mmu, u64 gfn, int level);
u64 *hvmon_pt_map(struct hvmon_mmu *mmu, struct hvmon_pt_cache *cache, u64 gfn, u64 pfn,
		  int level, unsigned int prot, struct hvmon_pt_gather *g);
bool hvmon_pt_map_absent(struct hvmon_mmu *mmu, u64 *ptep, u64 pfn, unsigned int prot);
u64 hvmon_pt_walk(struct hvmon_mmu *mmu, enum hvmon_pt_op op, u64 start, u64 end,
		  struct hvmon_pt_gather *g);
void hvmon_pt_clean(struct hvmon_mmu *mmu, u64 gfn, const unsigned long *map, u32 pages,
		    struct hvmon_pt_gather *g);
u64 hvmon_pt_lookup(struct hvmon_mmu *mmu, u64 gfn, int *level);

/* ------------------------------------------------------------------ */
/* tdp.c, for slot.c */

extern const struct mmu_interval_notifier_ops hvmon_tdp_interval_ops;

void hvmon_tdp_freeze(struct hvmon_vm *vm, bool frozen);
/* The LAPIC's default address, where hvmon_mmu.apic_page may be mapped */
#define HVMON_APIC_GFN		0xfee00ULL
int hvmon_tdp_map_apic(struct hvmon_vm *vm);
void hvmon_tdp_bar_apic(struct hvmon_vm *vm);
void hvmon_tdp_flush(struct hvmon_vm *vm);
void hvmon_tdp_set_logging(struct hvmon_vm *vm, bool on);
void hvmon_tdp_clean(struct hvmon_slot *slot, u64 first, const unsigned long *log, u32 pages);
void hvmon_tdp_walk_slot(struct hvmon_slot *slot, enum hvmon_pt_op op, u64 first, u64 pages);

/* ------------------------------------------------------------------ */
/* slot.c, without a VM */

int hvmon_mem_check(const struct hvmon_mem *arg, u32 gpa_bits);
struct hvmon_slot *hvmon_slots_find(const struct hvmon_slots *slots, u64 gfn);
struct hvmon_slots *hvmon_slots_edit(const struct hvmon_slots *old,
				     const struct hvmon_slot *drop, struct hvmon_slot *add);

/* ------------------------------------------------------------------ */
/* gwalk.c, without a VM */

/* Page-fault error code */
#define HVMON_PF_P	BIT(0)
#define HVMON_PF_W	BIT(1)
#define HVMON_PF_U	BIT(2)
#define HVMON_PF_RSVD	BIT(3)
#define HVMON_PF_I	BIT(4)
#define HVMON_PF_PK	BIT(5)

/**
 * struct hvmon_gwalk - a walk of a guest's page tables
 * @pg: registers that it depends on
 * @maxphyaddr: width of the guest's physical addresses
 * @gbpages: the guest has 1 GiB pages
 * @set_ad: set accessed and dirty bits
 * @read: reads a table entry; 0 or -errno, which ends the walk
 * @update: compares and exchanges one; 0, 1 if it is no longer @old, or -errno
 */
struct hvmon_gwalk {
	struct hvmon_paging pg;
	u8 maxphyaddr;
	bool gbpages;
	bool set_ad;
	int (*read)(struct hvmon_gwalk *w, u64 gpa, void *buf, u32 len);
	int (*update)(struct hvmon_gwalk *w, u64 gpa, u64 old, u64 new, u32 len);
};

int hvmon_gwalk(struct hvmon_gwalk *w, u64 gva, u32 access, u64 *gpa, u32 *error);

#endif /* _HVMON_PT_H */
