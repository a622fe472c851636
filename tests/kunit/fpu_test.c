// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/slab.h>

#include "../../kmod/msr.h"

/* XCR0: x87 always, YMM needs SSE, AVX-512 is all or nothing and needs YMM */
static void fpu_xcr0_legal(struct kunit *test)
{
	static const struct {
		u64 xcr0;
		bool legal;
	} cases[] = {
		{ 0, false }, { 1, true }, { 2, false }, { 3, true }, { 5, false },
		{ 7, true }, { 0xe7, true }, { 0x27, false }, { 0xa7, false },
		{ 0xe3, false }, { 0x201, true }, { 0x2e7, true }, { 6, false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, hvmon_xcr0_legal(cases[i].xcr0), cases[i].legal,
				    "xcr0 %llx", cases[i].xcr0);
}

/* What this host gives guests is legal, has no AMX, and fits the ABI's area */
static void fpu_host_sane(struct kunit *test)
{
	u64 xcr0 = hvmon_fpu_xcr0_supported();

	if (!xcr0)
		kunit_skip(test, "the host has no XSAVE");
	KUNIT_EXPECT_TRUE(test, hvmon_xcr0_legal(xcr0));
	KUNIT_EXPECT_EQ(test, xcr0 & (BIT_ULL(17) | BIT_ULL(18)), 0);
	KUNIT_EXPECT_GE(test, hvmon_fpu_xsave_size(), 576);
	KUNIT_EXPECT_LE(test, hvmon_fpu_xsave_size(), HVMON_XSAVE_SIZE);
}

/* An area passes exactly if XRSTOR would take it: SDM vol. 1, 13.8.1 */
static void fpu_area(struct kunit *test)
{
	u8 *area = kunit_kzalloc(test, HVMON_XSAVE_SIZE, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffff), 0);
	*(u64 *)(area + 512) = 7;
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffff), 0);
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 3, 0xffff), -EINVAL);
	*(u64 *)(area + 512) = BIT_ULL(63);
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffff), -EINVAL);
	*(u64 *)(area + 512) = 0;
	*(u32 *)(area + 24) = 0x1f80;
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffbf), 0);
	*(u32 *)(area + 24) = 0x10000;
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffff), -EINVAL);
	*(u32 *)(area + 24) = 0x40;
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffbf), -EINVAL);
	*(u32 *)(area + 24) = 0;
	for (i = 520; i < 576; i++) {
		area[i] = 1;
		KUNIT_EXPECT_EQ_MSG(test, hvmon_xsave_area_check(area, 7, 0xffff), -EINVAL,
				    "byte %d", i);
		area[i] = 0;
	}
	/* Past the header the data is the components' own */
	area[576] = 0xff;
	KUNIT_EXPECT_EQ(test, hvmon_xsave_area_check(area, 7, 0xffff), 0);
}

/* A refused state names a reason in each field; an accepted one comes back */
static void fpu_state(struct kunit *test)
{
	struct hvmon_vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct hvmon_xsave *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	struct hvmon_xsave *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	if (!hvmon_fpu_xcr0_supported())
		kunit_skip(test, "the host has no XSAVE");
	KUNIT_ASSERT_TRUE(test, v && a && b);
	KUNIT_ASSERT_EQ(test, hvmon_fpu_init(v), 0);
	v->caps.xcr0 = hvmon_fpu_xcr0_supported();
	hvmon_fpu_get_state(v, a);
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), 0);
	KUNIT_EXPECT_EQ(test, a->xcr0, 1);
	KUNIT_EXPECT_EQ(test, *(u16 *)a->area, 0x37f);
	KUNIT_EXPECT_EQ(test, *(u32 *)(a->area + 24), 0x1f80);

	a->xss = 1;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);
	a->xss = 0;
	a->xcr0 = 0;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);
	a->xcr0 = BIT_ULL(18) | 1;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);
	a->xcr0 = v->caps.xcr0;
	a->pkru = 4;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);
	v->caps.pku = true;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), 0);
	a->reserved[10] = 1;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);
	a->reserved[10] = 0;
	/* PKRU has a field of its own */
	*(u64 *)(a->area + 512) = BIT_ULL(9);
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), -EINVAL);

	*(u64 *)(a->area + 512) = 3;
	a->area[160] = 0x5a;
	KUNIT_EXPECT_EQ(test, hvmon_fpu_check_state(v, a), 0);
	hvmon_fpu_set_state(v, a);
	hvmon_fpu_get_state(v, b);
	KUNIT_EXPECT_EQ(test, memcmp(a, b, sizeof(*a)), 0);
	hvmon_fpu_fini(v);
}

/* What is loaded is what is saved: registers hold the state over a stretch */
static void fpu_round_trip(struct kunit *test)
{
	struct hvmon_vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	u8 *area;
	int i;

	if (!hvmon_fpu_xcr0_supported())
		kunit_skip(test, "the host has no XSAVE");
	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_EQ(test, hvmon_fpu_init(v), 0);
	area = v->xsave;
	*(u64 *)(area + 512) = 2;
	for (i = 160; i < 160 + 16 * 16; i++)
		area[i] = i;
	hvmon_fpu_begin(v);
	memset(area + 160, 0, 16 * 16);
	hvmon_fpu_end(v);
	KUNIT_EXPECT_TRUE(test, *(u64 *)(area + 512) & 2);
	for (i = 160; i < 160 + 16 * 16; i++)
		KUNIT_EXPECT_EQ(test, area[i], (u8)i);
	hvmon_fpu_fini(v);
}

static struct kunit_case fpu_cases[] = {
	KUNIT_CASE(fpu_xcr0_legal),
	KUNIT_CASE(fpu_host_sane),
	KUNIT_CASE(fpu_area),
	KUNIT_CASE(fpu_state),
	KUNIT_CASE(fpu_round_trip),
	{}
};

static struct kunit_suite fpu_suite = {
	.name = "hvmon_fpu",
	.test_cases = fpu_cases,
};

kunit_test_suite(fpu_suite);
