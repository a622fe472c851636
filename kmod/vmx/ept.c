// SPDX-License-Identifier: GPL-2.0
/*
 * Extended page tables of VT-x: SDM vol. 3, 29.3. Four levels always: five are
 * for guest-physical addresses beyond 48 bits, which nobody is offered.
 */
#include <linux/pgtable.h>

#include "../pt.h"
#include "vmx.h"

#define EPT_READ	BIT_ULL(0)
#define EPT_WRITE	BIT_ULL(1)
#define EPT_EXEC	BIT_ULL(2)
#define EPT_RWX		(EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_MT_WB	(6ULL << 3)
#define EPT_IGNORE_PAT	BIT_ULL(6)
#define EPT_LARGE	BIT_ULL(7)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)
#define EPT_ADDR	GENMASK_ULL(51, 12)

/* EPT pointer: 25.6.11 */
#define EPTP_WB		6ULL
#define EPTP_LEVELS(n)	((u64)((n) - 1) << 3)
#define EPTP_AD		BIT_ULL(6)

static u64 ept_table(u64 pa)
{
	return pa | EPT_RWX;
}

/*
 * Write-back whatever the guest's PAT says: it is the launcher's memory, and
 * the host's kernel has it mapped so. There are no devices behind it.
 */
static u64 ept_leaf(u64 pa, int level, unsigned int prot)
{
	return pa | EPT_READ | EPT_MT_WB | EPT_IGNORE_PAT |
	       (level > HVMON_PT_4K ? EPT_LARGE : 0) |
	       (prot & HVMON_PROT_WRITE ? EPT_WRITE : 0) |
	       (prot & HVMON_PROT_EXEC ? EPT_EXEC : 0);
}

static u64 ept_pa(u64 entry)
{
	return entry & EPT_ADDR;
}

static u64 ept_root(u64 pa, int levels)
{
	return pa | EPTP_WB | EPTP_LEVELS(levels) | (vmx_hw.ept_ad ? EPTP_AD : 0);
}

/* accessed and dirty: see vmx_ept_init() */
struct hvmon_pt_fmt hvmon_ept_fmt = {
	.name		= "ept",
	.present	= EPT_RWX,
	.huge		= EPT_LARGE,
	.writable	= EPT_WRITE,
	.table		= ept_table,
	.leaf		= ept_leaf,
	.pa		= ept_pa,
	.root		= ept_root,
};

/**
 * vmx_ept_init() - the format as this processor has it
 *
 * Processors before Haswell set no accessed and dirty bits in EPT, those before
 * Broadwell have no log of the latter.
 */
void vmx_ept_init(void)
{
	if (!vmx_hw.ept_ad)
		return;
	hvmon_ept_fmt.logs = vmx_hw.pml;
	hvmon_ept_fmt.accessed = EPT_ACCESSED;
	hvmon_ept_fmt.dirty = EPT_DIRTY;
}
