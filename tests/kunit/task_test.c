// SPDX-License-Identifier: GPL-2.0
/* Task switches: formats of TSSs, descriptors, and what a new task may load */
#include <kunit/test.h>
#include <asm/trapnr.h>

#include "../../kmod/task.h"

/* Claim: a TSS has its fields where SDM vol. 3, figures 8-2 and 8-10 show them */
static void formats(struct kunit *test)
{
	struct hvmon_tss t;
	u8 image[HVMON_TSS_MAX];
	int i;

	for (i = 0; i < HVMON_TSS_MAX; i++)
		image[i] = i;
	hvmon_tss_load(&hvmon_tss32, image, &t);
	KUNIT_EXPECT_EQ(test, t.cr3, 0x1f1e1d1c);
	KUNIT_EXPECT_EQ(test, t.eip, 0x23222120);
	KUNIT_EXPECT_EQ(test, t.eflags, 0x27262524);
	KUNIT_EXPECT_EQ(test, t.gpr[HVMON_RAX], 0x2b2a2928);
	KUNIT_EXPECT_EQ(test, t.gpr[HVMON_RDI], 0x47464544);
	KUNIT_EXPECT_EQ(test, t.seg[HVMON_ES], 0x4948);
	KUNIT_EXPECT_EQ(test, t.seg[HVMON_GS], 0x5d5c);
	KUNIT_EXPECT_EQ(test, t.ldt, 0x6160);
	KUNIT_EXPECT_FALSE(test, t.trap);
	image[0x64] |= 1;
	hvmon_tss_load(&hvmon_tss32, image, &t);
	KUNIT_EXPECT_TRUE(test, t.trap);

	hvmon_tss_load(&hvmon_tss16, image, &t);
	KUNIT_EXPECT_EQ(test, t.cr3, 0);
	KUNIT_EXPECT_EQ(test, t.eip, 0x0f0e);
	KUNIT_EXPECT_EQ(test, t.eflags, 0x1110);
	KUNIT_EXPECT_EQ(test, t.gpr[HVMON_RAX], 0x1312);
	KUNIT_EXPECT_EQ(test, t.gpr[HVMON_RDI], 0x2120);
	KUNIT_EXPECT_EQ(test, t.seg[HVMON_DS], 0x2928);
	KUNIT_EXPECT_EQ(test, t.seg[HVMON_FS], 0);
	KUNIT_EXPECT_EQ(test, t.ldt, 0x2b2a);
	KUNIT_EXPECT_FALSE(test, t.trap);
}

/* Claim: a task is saved to its dynamic fields, and no other byte is written */
static void saved(struct kunit *test)
{
	static const struct hvmon_tss_fmt *const fmts[] = { &hvmon_tss16, &hvmon_tss32 };
	struct hvmon_tss t, back;
	u8 image[HVMON_TSS_MAX];
	unsigned int f;
	int i;

	memset(&t, 0x5a, sizeof(t));
	for (f = 0; f < ARRAY_SIZE(fmts); f++) {
		memset(image, 0, sizeof(image));
		hvmon_tss_store(fmts[f], image, &t);
		for (i = 0; i < HVMON_TSS_MAX; i++) {
			bool high = i >= fmts[f]->seg && (i & 3) > 1 && fmts[f]->width == 4;
			bool dynamic = i >= fmts[f]->ip && i < fmts[f]->ldt && !high;

			KUNIT_EXPECT_EQ_MSG(test, image[i], dynamic ? 0x5a : 0, "%u: %#x", f, i);
		}
		hvmon_tss_load(fmts[f], image, &back);
		KUNIT_EXPECT_EQ(test, back.gpr[3], f ? 0x5a5a5a5a : 0x5a5a);
		KUNIT_EXPECT_EQ(test, back.seg[HVMON_DS], 0x5a5a);
	}
}

/* Claim: base, limit and attributes are gathered from a descriptor's parts */
static void descriptors(struct kunit *test)
{
	struct hvmon_segment s;

	hvmon_desc_to_seg(0x1b, 0x12cafb345678abcdULL, &s);
	KUNIT_EXPECT_EQ(test, s.base, 0x12345678);
	KUNIT_EXPECT_EQ(test, s.limit, 0xaabcdfff);
	KUNIT_EXPECT_EQ(test, s.attr, 0xc0fb);
	KUNIT_EXPECT_EQ(test, s.selector, 0x1b);
	hvmon_desc_to_seg(0, 0x0f0089000000ffffULL & ~(0xfULL << 52), &s);
	KUNIT_EXPECT_EQ(test, s.base, 0x0f000000);
	KUNIT_EXPECT_EQ(test, s.limit, 0xffff);
}

/* Claim: each rule of SDM vol. 3, table 8-1 gives its exception */
static void rules(struct kunit *test)
{
	enum { TS = X86_TRAP_TS, NP = X86_TRAP_NP, SS = X86_TRAP_SS };
	static const struct {
		u8 seg;
		u16 selector;
		u32 attr;
		u8 cpl, vector;
	} row[] = {
		{ HVMON_LDTR, 8, 0x82, 0, 0 },
		{ HVMON_LDTR, 8, 0x02, 0, TS },		/* not present: not #NP */
		{ HVMON_LDTR, 8, 0x92, 0, TS },
		{ HVMON_LDTR, 8, 0x89, 0, TS },
		{ HVMON_CS, 8, 0x9b, 0, 0 },
		{ HVMON_CS, 8, 0x93, 0, TS },		/* data */
		{ HVMON_CS, 8, 0x8b, 0, TS },		/* a system segment */
		{ HVMON_CS, 11, 0x9b, 3, TS },		/* DPL below RPL */
		{ HVMON_CS, 8, 0xfb, 0, TS },		/* DPL above RPL */
		{ HVMON_CS, 11, 0x9f, 3, 0 },		/* conforming, DPL below RPL */
		{ HVMON_CS, 8, 0xff, 0, TS },		/* conforming, DPL above RPL */
		{ HVMON_CS, 8, 0x1b, 0, NP },
		{ HVMON_SS, 8, 0x93, 0, 0 },
		{ HVMON_SS, 11, 0xf3, 3, 0 },
		{ HVMON_SS, 8, 0x91, 0, TS },		/* not writable */
		{ HVMON_SS, 8, 0x9b, 0, TS },		/* code */
		{ HVMON_SS, 8, 0x93, 3, TS },		/* DPL is not the CPL */
		{ HVMON_SS, 11, 0x93, 0, TS },		/* DPL is not the RPL */
		{ HVMON_SS, 8, 0x13, 0, SS },
		{ HVMON_DS, 8, 0x91, 0, 0 },
		{ HVMON_ES, 8, 0x9b, 0, 0 },		/* readable code */
		{ HVMON_FS, 8, 0x99, 0, TS },		/* code that is not */
		{ HVMON_GS, 8, 0x93, 3, TS },		/* DPL below CPL */
		{ HVMON_DS, 11, 0x93, 0, TS },		/* DPL below RPL */
		{ HVMON_DS, 11, 0x9f, 3, 0 },		/* conforming code has none */
		{ HVMON_DS, 8, 0x13, 0, NP },
		{ HVMON_DS, 8, 0x82, 0, TS },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		const struct hvmon_segment s = {
			.selector = row[i].selector, .attr = row[i].attr,
		};

		KUNIT_EXPECT_EQ_MSG(test, hvmon_task_check_seg(row[i].seg, &s, row[i].cpl),
				    row[i].vector, "row %u", i);
	}
}

static struct kunit_case task_cases[] = {
	KUNIT_CASE(formats),
	KUNIT_CASE(saved),
	KUNIT_CASE(descriptors),
	KUNIT_CASE(rules),
	{}
};

static struct kunit_suite task_suite = {
	.name = "hvmon-task",
	.test_cases = task_cases,
};

kunit_test_suite(task_suite);
