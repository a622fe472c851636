// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/bitops.h>
#include <asm/msr-index.h>

#include "../../kmod/msr.h"

static u32 row_count(const struct hvmon_msr_row *row)
{
	return row->count ?: 1;
}

/* The table is sorted and no index has two rows: the search depends on it */
static void msr_sorted(struct kunit *test)
{
	const struct hvmon_msr_row *row;

	for (row = hvmon_msr_rows + 1; row < hvmon_msr_rows + hvmon_nr_msr_rows; row++)
		KUNIT_EXPECT_GE_MSG(test, row->index, row[-1].index + row_count(row - 1),
				    "row %x", row->index);
}

/* Every index of every row is found, and the neighbours of the table are not */
static void msr_found(struct kunit *test)
{
	const struct hvmon_msr_row *row;
	u32 i;

	for (row = hvmon_msr_rows; row < hvmon_msr_rows + hvmon_nr_msr_rows; row++)
		for (i = 0; i < row_count(row); i++)
			KUNIT_EXPECT_PTR_EQ(test, hvmon_msr_find(row->index + i), row);
	KUNIT_EXPECT_NULL(test, hvmon_msr_find(0));
	KUNIT_EXPECT_NULL(test, hvmon_msr_find(~0u));
	KUNIT_EXPECT_NULL(test, hvmon_msr_find(MSR_VM_HSAVE_PA));
	KUNIT_EXPECT_NULL(test, hvmon_msr_find(MSR_IA32_ARCH_CAPABILITIES));
}

/* Stored values lie inside their struct, conditions are bools of theirs */
static void msr_rows_sane(struct kunit *test)
{
	const struct hvmon_msr_row *row;

	for (row = hvmon_msr_rows; row < hvmon_msr_rows + hvmon_nr_msr_rows; row++) {
		if (row->value)
			KUNIT_EXPECT_LE(test, row->value - 1 + 8 * row_count(row),
					sizeof(struct hvmon_msr_values));
		if (row->cap) {
			KUNIT_EXPECT_GE(test, row->cap - 1,
					offsetof(struct hvmon_guest_caps, longmode));
			KUNIT_EXPECT_LT(test, row->cap - 1, sizeof(struct hvmon_guest_caps));
		}
		/* A state MSR that the launcher can read it can also set */
		if (row->flags & HVMON_MSR_STATE)
			KUNIT_EXPECT_TRUE_MSG(test, row->value || row->set, "row %x", row->index);
		KUNIT_EXPECT_EQ(test, row->flags & HVMON_MSR_RO && row->flags & HVMON_MSR_WO,
				false);
	}
}

/* AMD's first four performance counters need no CPUID bit: APM vol. 2, 13.2.1 */
static void msr_k7_counters(struct kunit *test)
{
	const struct hvmon_msr_row *row;
	u32 msr;

	for (msr = MSR_K7_EVNTSEL0; msr <= MSR_K7_PERFCTR3; msr++) {
		row = hvmon_msr_find(msr);
		KUNIT_ASSERT_NOT_NULL_MSG(test, row, "MSR %x", msr);
		KUNIT_EXPECT_EQ(test, row->flags, HVMON_MSR_DROP);
		KUNIT_EXPECT_EQ(test, row->cap, offsetof(struct hvmon_guest_caps, amd) + 1);
	}
}

/* A PAT entry is one of six memory types: SDM vol. 3, table 11-10 */
static void msr_pat(struct kunit *test)
{
	int type, i;

	KUNIT_EXPECT_TRUE(test, hvmon_pat_valid(0x0007040600070406ULL));
	KUNIT_EXPECT_TRUE(test, hvmon_pat_valid(0));
	for (i = 0; i < 64; i += 8)
		for (type = 0; type < 256; type++)
			KUNIT_EXPECT_EQ_MSG(test, hvmon_pat_valid((u64)type << i),
					    type == 0 || type == 1 || (type >= 4 && type <= 7),
					    "type %d at %d", type, i);
}

/* MTRRs: five types, address bits below MAXPHYADDR, no reserved bit */
static void msr_mtrr(struct kunit *test)
{
	int type;

	for (type = 0; type < 256; type++) {
		bool ok = type == 0 || type == 1 || (type >= 4 && type <= 6);

		KUNIT_EXPECT_EQ(test, hvmon_mtrr_valid(HVMON_MTRR_DEF_TYPE, 0xc00 | type, 48), ok);
		KUNIT_EXPECT_EQ(test, hvmon_mtrr_valid(HVMON_MTRR_BASE(3), 0x1000 | type, 48), ok);
		KUNIT_EXPECT_EQ(test, hvmon_mtrr_valid(HVMON_MTRR_FIX_4K, (u64)type << 56, 48),
				ok);
	}
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_DEF_TYPE, 0x1000, 48));
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_DEF_TYPE, 0x100, 48));
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_BASE(0), 0x106, 48));
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_BASE(0), BIT_ULL(48) | 6, 48));
	KUNIT_EXPECT_TRUE(test, hvmon_mtrr_valid(HVMON_MTRR_BASE(0), BIT_ULL(47) | 6, 48));
	KUNIT_EXPECT_TRUE(test, hvmon_mtrr_valid(HVMON_MTRR_MASK(7), 0xfffffffff800ULL, 48));
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_MASK(7), 0x800 | 1, 48));
	KUNIT_EXPECT_FALSE(test, hvmon_mtrr_valid(HVMON_MTRR_MASK(7), BIT_ULL(52) | 0x800, 52));
}

static struct kunit_case msr_cases[] = {
	KUNIT_CASE(msr_sorted),
	KUNIT_CASE(msr_found),
	KUNIT_CASE(msr_rows_sane),
	KUNIT_CASE(msr_k7_counters),
	KUNIT_CASE(msr_pat),
	KUNIT_CASE(msr_mtrr),
	{}
};

static struct kunit_suite msr_suite = {
	.name = "hvmon_msr",
	.test_cases = msr_cases,
};

kunit_test_suite(msr_suite);
