// SPDX-License-Identifier: GPL-2.0
/* The slot array and the checks of HVMON_MEM_SET's argument */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../kmod/pt.h"

#define TEST_BITS	40

struct check_case {
	const char *claim;
	struct hvmon_mem arg;
	int want;
};

static const struct check_case check_cases[] = {
	{ "a plain slot is accepted",
	  { .gpa = 0x100000, .len = 0x1000, .hva = 0x7000000 }, 0 },
	{ "both flags are accepted",
	  { .flags = HVMON_MEM_READONLY | HVMON_MEM_LOG_DIRTY, .len = 0x1000, .hva = 0x1000 }, 0 },
	{ "an unknown flag is refused", { .flags = 4, .len = 0x1000 }, -EINVAL },
	{ "a reserved field is refused", { .reserved = 1, .len = 0x1000 }, -EINVAL },
	{ "the last slot number is accepted",
	  { .slot = HVMON_MAX_SLOTS - 1, .len = 0x1000 }, 0 },
	{ "one more is refused", { .slot = HVMON_MAX_SLOTS, .len = 0x1000 }, -EINVAL },
	{ "removal is accepted", { .slot = 3 }, 0 },
	{ "removal with an address is refused", { .gpa = 0x1000 }, -EINVAL },
	{ "removal with a launcher address is refused", { .hva = 0x1000 }, -EINVAL },
	{ "removal with flags is refused", { .flags = HVMON_MEM_READONLY }, -EINVAL },
	{ "an unaligned gpa is refused", { .gpa = 0x800, .len = 0x1000 }, -EINVAL },
	{ "an unaligned hva is refused", { .hva = 1, .len = 0x1000 }, -EINVAL },
	{ "an unaligned length is refused", { .len = 0x1001 }, -EINVAL },
	{ "a slot may end at the limit",
	  { .gpa = (1ULL << TEST_BITS) - 0x1000, .len = 0x1000 }, 0 },
	{ "a slot may not pass the limit",
	  { .gpa = (1ULL << TEST_BITS) - 0x1000, .len = 0x2000 }, -EINVAL },
	{ "a gpa that overflows is refused",
	  { .gpa = ~0xfffULL, .len = 0x2000 }, -EINVAL },
	{ "a gpa that overflows to zero is refused",
	  { .gpa = ~0xfffULL, .len = 0x1000 }, -EINVAL },
	{ "an hva that overflows is refused",
	  { .hva = ~0xfffULL, .len = 0x2000 }, -EINVAL },
	{ "a kernel address is refused",
	  { .hva = 0xffff888000000000ULL, .len = 0x1000 }, -EINVAL },
};

static void mem_check_cases(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(check_cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, hvmon_mem_check(&check_cases[i].arg, TEST_BITS),
				    check_cases[i].want, "%s", check_cases[i].claim);
}

/* The backing may reach to the end of user space, not beyond */
static void mem_check_user_space(struct kunit *test)
{
	struct hvmon_mem arg = { .hva = TASK_SIZE_MAX - PAGE_SIZE, .len = PAGE_SIZE };

	KUNIT_EXPECT_EQ(test, hvmon_mem_check(&arg, TEST_BITS), 0);
	arg.len = 2 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, hvmon_mem_check(&arg, TEST_BITS), -EINVAL);
}

static struct hvmon_slots *add(struct hvmon_slots *slots, struct hvmon_slot *drop,
			       struct hvmon_slot *slot)
{
	struct hvmon_slots *new = hvmon_slots_edit(slots, drop, slot);

	if (!IS_ERR(new))
		kfree(slots);
	return new;
}

/* Slots added in any order are sorted, and each frame finds its own */
static void slots_sorted(struct kunit *test)
{
	struct hvmon_slot a = { .gfn = 0x100, .npages = 0x10 };
	struct hvmon_slot b = { .gfn = 0x110, .npages = 1 };
	struct hvmon_slot c = { .gfn = 0, .npages = 0xa0 };
	struct hvmon_slots *s;

	s = add(add(add(NULL, NULL, &b), NULL, &a), NULL, &c);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_ASSERT_EQ(test, s->nr, 3);
	KUNIT_EXPECT_PTR_EQ(test, s->slot[0], &c);
	KUNIT_EXPECT_PTR_EQ(test, s->slot[1], &a);
	KUNIT_EXPECT_PTR_EQ(test, s->slot[2], &b);

	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0), &c);
	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0x9f), &c);
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(s, 0xa0));
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(s, 0xff));
	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0x100), &a);
	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0x10f), &a);
	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0x110), &b);
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(s, 0x111));
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(s, ~0ULL));
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(NULL, 0));
	kfree(s);
}

/* An overlap by one page at either end is refused, touching is not */
static void slots_overlap_refused(struct kunit *test)
{
	struct hvmon_slot a = { .gfn = 0x100, .npages = 0x10 };
	struct hvmon_slot low = { .gfn = 0xf0, .npages = 0x11 };
	struct hvmon_slot high = { .gfn = 0x10f, .npages = 1 };
	struct hvmon_slot around = { .gfn = 0, .npages = 0x1000 };
	struct hvmon_slot touch = { .gfn = 0xf0, .npages = 0x10 };
	struct hvmon_slots *s = add(NULL, NULL, &a);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_EQ(test, PTR_ERR(hvmon_slots_edit(s, NULL, &low)), -EEXIST);
	KUNIT_EXPECT_EQ(test, PTR_ERR(hvmon_slots_edit(s, NULL, &high)), -EEXIST);
	KUNIT_EXPECT_EQ(test, PTR_ERR(hvmon_slots_edit(s, NULL, &around)), -EEXIST);
	KUNIT_EXPECT_EQ(test, s->nr, 1);
	s = add(s, NULL, &touch);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_EQ(test, s->nr, 2);
	kfree(s);
}

/* A slot may be replaced by one that overlaps only itself, and be removed */
static void slots_replaced(struct kunit *test)
{
	struct hvmon_slot a = { .gfn = 0x100, .npages = 0x10 };
	struct hvmon_slot b = { .gfn = 0x200, .npages = 0x10 };
	struct hvmon_slot moved = { .gfn = 0x108, .npages = 0x10 };
	struct hvmon_slot onto_b = { .gfn = 0x1f8, .npages = 0x10 };
	struct hvmon_slot behind_b = { .gfn = 0x300, .npages = 1 };
	struct hvmon_slots *s = add(add(NULL, NULL, &a), NULL, &b);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_EQ(test, PTR_ERR(hvmon_slots_edit(s, &a, &onto_b)), -EEXIST);
	s = add(s, &a, &moved);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_NULL(test, hvmon_slots_find(s, 0x107));
	KUNIT_EXPECT_PTR_EQ(test, hvmon_slots_find(s, 0x117), &moved);
	s = add(s, &moved, &behind_b);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_PTR_EQ(test, s->slot[0], &b);
	KUNIT_EXPECT_PTR_EQ(test, s->slot[1], &behind_b);
	s = add(s, &b, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(s));
	KUNIT_EXPECT_EQ(test, s->nr, 1);
	s = add(s, &behind_b, NULL);
	KUNIT_EXPECT_NULL(test, s);
}

static struct kunit_case slot_cases[] = {
	KUNIT_CASE(mem_check_cases),
	KUNIT_CASE(mem_check_user_space),
	KUNIT_CASE(slots_sorted),
	KUNIT_CASE(slots_overlap_refused),
	KUNIT_CASE(slots_replaced),
	{}
};

static struct kunit_suite slot_suite = {
	.name = "hvmon_slot",
	.test_cases = slot_cases,
};

kunit_test_suite(slot_suite);
