// SPDX-License-Identifier: GPL-2.0
/*
 * Nested page tables of AMD-V: the host's own long-mode format with as many
 * levels as the host uses (APM vol. 2, 15.25.5), A/D bits set by the processor
 * always (15.25.6).
 */
#include <linux/mem_encrypt.h>
#include <linux/pgtable.h>

#include "../pt.h"

#define NPT_ADDR	GENMASK_ULL(51, 12)

/*
 * Nested walks count as user accesses (15.25.5), so U is set everywhere. The
 * encryption bit goes with every address: both the tables and the launcher's
 * memory are encrypted when the host's kernel runs with memory encryption.
 */
#define NPT_TABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED)
#define NPT_LEAF	(_PAGE_PRESENT | _PAGE_USER)

static u64 npt_table(u64 pa)
{
	return __sme_set(pa) | NPT_TABLE;
}

/* PAT index 0 is write-back in the host's PAT, which nested leaves use */
static u64 npt_leaf(u64 pa, int level, unsigned int prot)
{
	return __sme_set(pa) | NPT_LEAF |
	       (level > HVMON_PT_4K ? _PAGE_PSE : 0) |
	       (prot & HVMON_PROT_WRITE ? _PAGE_RW : 0) |
	       (prot & HVMON_PROT_EXEC ? 0 : _PAGE_NX);
}

static u64 npt_pa(u64 entry)
{
	return __sme_clr(entry) & NPT_ADDR;
}

static u64 npt_root(u64 pa, int levels)
{
	return __sme_set(pa);
}

const struct hvmon_pt_fmt hvmon_npt_fmt = {
	.name		= "npt",
	.present	= _PAGE_PRESENT,
	.huge		= _PAGE_PSE,
	.writable	= _PAGE_RW,
	.accessed	= _PAGE_ACCESSED,
	.dirty		= _PAGE_DIRTY,
	.table		= npt_table,
	.leaf		= npt_leaf,
	.pa		= npt_pa,
	.root		= npt_root,
};
