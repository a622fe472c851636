// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/slab.h>

#include "../../kmod/cpuid.h"
#include "../../kmod/msr.h"

struct cpuid_fixture {
	struct hvmon_cpuid_entry *e;
	u32 n;
};

static int cpuid_test_init(struct kunit *test)
{
	struct cpuid_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->e = kunit_kcalloc(test, HVMON_MAX_CPUID + 1, sizeof(*f->e), GFP_KERNEL);
	if (!f->e)
		return -ENOMEM;
	f->n = hvmon_cpuid_default(5, f->e);
	test->priv = f;
	return 0;
}

static struct hvmon_cpuid_entry *get(struct cpuid_fixture *f, u32 leaf, u32 subleaf)
{
	u32 i;

	for (i = 0; i < f->n; i++)
		if (f->e[i].leaf == leaf && f->e[i].subleaf == subleaf)
			return &f->e[i];
	return NULL;
}

/* What is not virtualized is in no row, however the row would let it through */
static void cpuid_never_shown(struct kunit *test)
{
	static const struct {
		const char *what;
		u32 leaf, subleaf;
		u8 reg, bit;
	} never[] = {
		{ "MONITOR", 1, 0, HVMON_CPUID_ECX, 3 },
		{ "VMX", 1, 0, HVMON_CPUID_ECX, 5 },
		{ "SMX", 1, 0, HVMON_CPUID_ECX, 6 },
		{ "PDCM", 1, 0, HVMON_CPUID_ECX, 15 },
		{ "ACPI thermal", 1, 0, HVMON_CPUID_EDX, 22 },
		{ "SGX", 7, 0, HVMON_CPUID_EBX, 2 },
		{ "PT", 7, 0, HVMON_CPUID_EBX, 25 },
		{ "WAITPKG", 7, 0, HVMON_CPUID_ECX, 5 },
		{ "SHSTK", 7, 0, HVMON_CPUID_ECX, 7 },
		{ "IBT", 7, 0, HVMON_CPUID_EDX, 20 },
		{ "AMX-BF16", 7, 0, HVMON_CPUID_EDX, 22 },
		{ "AMX-TILE", 7, 0, HVMON_CPUID_EDX, 24 },
		{ "AMX-INT8", 7, 0, HVMON_CPUID_EDX, 25 },
		{ "ARCH_CAPABILITIES", 7, 0, HVMON_CPUID_EDX, 29 },
		{ "XFD", 0xd, 1, HVMON_CPUID_EAX, 4 },
		{ "SVM", 0x80000001, 0, HVMON_CPUID_ECX, 2 },
		{ "IBS", 0x80000001, 0, HVMON_CPUID_ECX, 10 },
		{ "MWAITX", 0x80000001, 0, HVMON_CPUID_ECX, 29 },
		{ "RDPRU", 0x80000008, 0, HVMON_CPUID_EBX, 4 },
	};
	const struct hvmon_cpuid_word *w;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		for (j = 0; j < hvmon_nr_cpuid_words; j++) {
			w = &hvmon_cpuid_words[j];
			if (w->reg == never[i].reg &&
			    hvmon_cpuid_word_matches(w, never[i].leaf, never[i].subleaf))
				KUNIT_EXPECT_FALSE_MSG(test, (w->mask | w->native | w->emulated) &
						       BIT(never[i].bit), "%s", never[i].what);
		}
}

/* A register of a leaf has one row, and each of its bits one reason */
static void cpuid_rows_disjoint(struct kunit *test)
{
	const struct hvmon_cpuid_word *a, *b;

	for (a = hvmon_cpuid_words; a < hvmon_cpuid_words + hvmon_nr_cpuid_words; a++) {
		KUNIT_EXPECT_EQ(test, a->mask & a->native, 0);
		KUNIT_EXPECT_EQ(test, a->mask & a->emulated, 0);
		KUNIT_EXPECT_EQ(test, a->native & a->emulated, 0);
		for (b = hvmon_cpuid_words; b < a; b++)
			KUNIT_EXPECT_FALSE_MSG(test, a->leaf == b->leaf && a->reg == b->reg &&
					       (a->subleaf == b->subleaf ||
						a->subleaf == HVMON_CPUID_ANY ||
						b->subleaf == HVMON_CPUID_ANY),
					       "leaf %x reg %d", a->leaf, a->reg);
	}
}

/* What the module makes of this host it also takes from a launcher */
static void cpuid_default_accepted(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;

	KUNIT_EXPECT_GT(test, f->n, 8);
	KUNIT_EXPECT_LE(test, f->n, HVMON_MAX_CPUID);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), 0);
}

/* The default is consistent: APIC IDs, limits, hypervisor leaves */
static void cpuid_default_consistent(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_cpuid_entry *e;

	e = get(f, 1, 0);
	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_EXPECT_EQ(test, e->ebx >> 24, 5);
	KUNIT_EXPECT_TRUE(test, e->ecx & BIT(31));
	KUNIT_EXPECT_TRUE(test, e->ecx & BIT(21));
	KUNIT_EXPECT_TRUE(test, e->ecx & BIT(24));
	e = get(f, 0xb, 1);
	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_EXPECT_EQ(test, e->edx, 5);
	KUNIT_EXPECT_EQ(test, 1 << e->eax, HVMON_MAX_VCPUS);
	e = get(f, 0x40000000, 0);
	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_EXPECT_EQ(test, memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12), 0);
	for (e = f->e; e < f->e + f->n; e++)
		KUNIT_EXPECT_LE_MSG(test, e->leaf, get(f, e->leaf & 0xf0000000, 0)->eax,
				    "leaf %x", e->leaf);
}

/* One bit too many in any feature word is refused */
static void cpuid_unknown_bit_refused(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_cpuid_entry *e;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		e = get(f, 7, 0);
		KUNIT_ASSERT_NOT_NULL(test, e);
		if (e->edx & BIT(bit))
			continue;
		e->edx |= BIT(bit);
		KUNIT_EXPECT_EQ_MSG(test, hvmon_cpuid_check(f->e, f->n), -EINVAL, "bit %d", bit);
		e->edx &= ~BIT(bit);
	}
	e = get(f, 1, 0);
	e->ecx |= BIT(5);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), -EINVAL);
	e->ecx &= ~BIT(5);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), 0);
}

/* Features may be taken away; bits that follow the state are not looked at */
static void cpuid_subset_accepted(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_cpuid_entry *e = get(f, 1, 0);

	e->ecx ^= BIT(27);
	e->ecx &= ~BIT(21);
	e->edx &= ~BIT(9);
	get(f, 7, 0)->ebx = 0;
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), 0);
}

/* Duplicates, unknown flags, reserved fields and stray subleaves are refused */
static void cpuid_malformed_refused(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;

	f->e[f->n] = f->e[0];
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n + 1), -EINVAL);
	f->e[f->n] = (struct hvmon_cpuid_entry){ .leaf = 0x40000100, .flags = 2 };
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n + 1), -EINVAL);
	f->e[f->n] = (struct hvmon_cpuid_entry){ .leaf = 0x40000100, .reserved = 1 };
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n + 1), -EINVAL);
	f->e[f->n] = (struct hvmon_cpuid_entry){ .leaf = 0x40000100, .subleaf = 1 };
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n + 1), -EINVAL);
	f->e[f->n] = (struct hvmon_cpuid_entry){ .leaf = 0x40000100 };
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n + 1), 0);
}

/* Wider addresses than the tables map, and AMX state, are refused */
static void cpuid_limits_refused(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_cpuid_entry *e = get(f, 0x80000008, 0);
	u32 old;

	KUNIT_ASSERT_NOT_NULL(test, e);
	old = e->eax;
	e->eax = (old & ~0xff) | 53;
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), -EINVAL);
	e->eax = old;
	e = get(f, 0xd, 0);
	if (!e)
		return;
	e->eax |= BIT(18);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), -EINVAL);
}

/* What the vendor withholds is gone from the default, and not taken from a launcher */
static void cpuid_withheld(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	u32 n, pclmul = BIT(1);

	if (!(get(f, 1, 0)->ecx & pclmul))
		kunit_skip(test, "the host has no PCLMUL");
	hvmon_cpuid_withhold(1, 0, HVMON_CPUID_ECX, 1);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), -EINVAL);
	n = hvmon_cpuid_default(5, f->e);
	KUNIT_EXPECT_EQ(test, n, f->n);
	KUNIT_EXPECT_EQ(test, get(f, 1, 0)->ecx & pclmul, 0);
	KUNIT_EXPECT_EQ(test, hvmon_cpuid_check(f->e, f->n), 0);
}

/* CR4 and EFER bits are legal exactly if their feature is shown */
static void cpuid_caps_follow(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_guest_caps caps;

	hvmon_cpuid_caps(f->e, f->n, &caps);
	KUNIT_EXPECT_FALSE(test, caps.cr4_reserved & X86_CR4_PAE);
	KUNIT_EXPECT_TRUE(test, caps.cr4_reserved & X86_CR4_VMXE);
	KUNIT_EXPECT_TRUE(test, caps.efer_reserved & BIT(12));
	KUNIT_EXPECT_EQ(test, caps.smep, !(caps.cr4_reserved & X86_CR4_SMEP));
	KUNIT_EXPECT_TRUE(test, caps.pv);
	KUNIT_EXPECT_EQ(test, caps.gpa_mask_reserved >> caps.maxphyaddr & 1,
			caps.maxphyaddr < 52);
	get(f, 7, 0)->ebx &= ~BIT(7);
	hvmon_cpuid_caps(f->e, f->n, &caps);
	KUNIT_EXPECT_FALSE(test, caps.smep);
	KUNIT_EXPECT_TRUE(test, caps.cr4_reserved & X86_CR4_SMEP);
}

/* The instruction's lookup agrees with the table, and knows its end */
static void cpuid_lookup(struct kunit *test)
{
	struct cpuid_fixture *f = test->priv;
	struct hvmon_vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct hvmon_cpuid_entry *e;
	u32 r[4];

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->id = 5;
	v->xcr0 = 1;
	KUNIT_ASSERT_EQ(test, hvmon_cpuid_init(v), 0);
	for (e = f->e; e < f->e + f->n; e++) {
		/* Leaves that follow the state would ask the vendor for CR4 */
		if (e->leaf == 1 || e->leaf == 7 || e->leaf == 0xd || e->leaf == 0x80000001)
			continue;
		hvmon_cpuid(v, e->leaf, e->subleaf, &r[0], &r[1], &r[2], &r[3]);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(r, &e->eax, 16), 0, "leaf %x.%x", e->leaf,
				    e->subleaf);
	}
	/* The area for x87 and SSE alone has no extension */
	if (v->caps.xcr0) {
		hvmon_cpuid(v, 0xd, 0, &r[0], &r[1], &r[2], &r[3]);
		KUNIT_EXPECT_EQ(test, r[1], 576);
		v->xcr0 = v->caps.xcr0;
		hvmon_cpuid(v, 0xd, 0, &r[0], &r[1], &r[2], &r[3]);
		KUNIT_EXPECT_EQ(test, r[1], r[2]);
	}
	hvmon_cpuid(v, 0xb, 9, &r[0], &r[1], &r[2], &r[3]);
	KUNIT_EXPECT_EQ(test, r[0] | r[1], 0);
	KUNIT_EXPECT_EQ(test, r[2], 9);
	KUNIT_EXPECT_EQ(test, r[3], 5);
	v->caps.amd = true;
	hvmon_cpuid(v, 0x2000, 0, &r[0], &r[1], &r[2], &r[3]);
	KUNIT_EXPECT_EQ(test, r[0] | r[1] | r[2] | r[3], 0);
	hvmon_cpuid_fini(v);
}

static const struct hvmon_cpuid_entry *by_hand(const struct cpuid_fixture *f, u32 leaf, u32 subleaf)
{
	const struct hvmon_cpuid_entry *e;

	for (e = f->e; e < f->e + f->n; e++)
		if (e->leaf == leaf && (!(e->flags & HVMON_CPUID_INDEXED) || e->subleaf == subleaf))
			return e;
	return NULL;
}

/*
 * Claim: the instruction finds each subleaf, also behind missing ones, and zeros for
 * one that is not there
 */
static void cpuid_subleaves(struct kunit *test)
{
	static const u32 far[] = { 64, 0x7fffffff, 0x80000000, U32_MAX };
	struct cpuid_fixture *f = test->priv;
	struct hvmon_vcpu *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	const struct hvmon_cpuid_entry *e, *found;
	u64 *gpr;
	u32 i, subleaf, r[4];

	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_EQ(test, hvmon_cpuid_init(v), 0);
	gpr = v->regs.gpr;
	for (e = f->e; e < f->e + f->n; e++) {
		if (e->leaf == 1 || e->leaf == 7 || e->leaf == 0xb || e->leaf == 0x1f ||
		    e->leaf == 0x80000001)
			continue;
		for (i = e->leaf == 0xd ? 2 : 0; i < 64 + ARRAY_SIZE(far); i++) {
			subleaf = i < 64 ? i : far[i - 64];
			/* Operands are of 32 bits */
			gpr[HVMON_RAX] = e->leaf | BIT_ULL(40);
			gpr[HVMON_RCX] = subleaf | BIT_ULL(40);
			hvmon_cpuid_execute(v);
			r[0] = gpr[HVMON_RAX];
			r[1] = gpr[HVMON_RBX];
			r[2] = gpr[HVMON_RCX];
			r[3] = gpr[HVMON_RDX];
			found = by_hand(f, e->leaf, subleaf);
			KUNIT_EXPECT_EQ_MSG(test, found ? memcmp(r, &found->eax, 16) :
					    (r[0] | r[1] | r[2] | r[3]), 0, "leaf %x.%x",
					    e->leaf, subleaf);
		}
	}
	hvmon_cpuid_fini(v);
}

static struct kunit_case cpuid_cases[] = {
	KUNIT_CASE(cpuid_never_shown),
	KUNIT_CASE(cpuid_rows_disjoint),
	KUNIT_CASE(cpuid_default_accepted),
	KUNIT_CASE(cpuid_default_consistent),
	KUNIT_CASE(cpuid_unknown_bit_refused),
	KUNIT_CASE(cpuid_subset_accepted),
	KUNIT_CASE(cpuid_malformed_refused),
	KUNIT_CASE(cpuid_limits_refused),
	KUNIT_CASE(cpuid_withheld),
	KUNIT_CASE(cpuid_caps_follow),
	KUNIT_CASE(cpuid_lookup),
	KUNIT_CASE(cpuid_subleaves),
	{}
};

static struct kunit_suite cpuid_suite = {
	.name = "hvmon_cpuid",
	.init = cpuid_test_init,
	.test_cases = cpuid_cases,
};

kunit_test_suite(cpuid_suite);
