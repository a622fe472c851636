// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's CPUID: a table per vCPU, its lookup, and what a launcher may put
 * into it. cpuid_host.c makes the default.
 */
#include <linux/slab.h>
#include <linux/sort.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <uapi/asm/kvm_para.h>

#include "cpuid.h"
#include "msr.h"
#include "pv.h"

#define F(n)	BIT(n)

/* ------------------------------------------------------------------ */
/* Lookup */

/*
 * A table as it was given, and what makes the lookup short: the order by leaf
 * and subleaf, and for the first leaves of the three usual ranges where in
 * that order they are. Replaced as a whole, only before the first run.
 */
#define RANGE_LEAVES	64

#define PLAIN_FOUND	BIT(0)	/* entries are what the guest sees */
#define PLAIN_MISSING	BIT(1)	/* of a subleaf without an entry it sees zeros */

/**
 * struct leaf_place - where a leaf's entries are
 * @first: position of the first one in hvmon_cpuid_table.order
 * @plain: no more than the entries say: PLAIN_*
 * @n: how many there are
 */
struct leaf_place {
	u8 first;
	u8 plain;
	u16 n;
};

struct hvmon_cpuid_table {
	struct leaf_place place[3][RANGE_LEAVES];
	u8 order[HVMON_MAX_CPUID];
	u32 n;
	struct hvmon_cpuid_entry e[];
};

static_assert(HVMON_MAX_CPUID - 1 <= U8_MAX);

static struct hvmon_cpuid_table *table_of(const struct hvmon_vcpu *vcpu)
{
	return container_of(vcpu->cpuid, struct hvmon_cpuid_table, e[0]);
}

static __always_inline struct leaf_place *place_slot(struct hvmon_cpuid_table *t, u32 leaf)
{
	u32 range = leaf >> 30;

	if (range > 2 || (leaf & 0x3fffffff) >= RANGE_LEAVES)
		return NULL;
	return &t->place[range][leaf & 0x3fffffff];
}

/* See state_bits() and lookup() */
static u8 how_plain(u32 leaf)
{
	switch (leaf) {
	case 1: case 7: case 0xd: case 0x80000001:
		return PLAIN_MISSING;
	case 0xb: case 0x1f:
		return PLAIN_FOUND;
	default:
		return PLAIN_FOUND | PLAIN_MISSING;
	}
}

static int compare_entries(const void *a, const void *b, const void *priv)
{
	const struct hvmon_cpuid_entry *e = priv;
	const struct hvmon_cpuid_entry *x = &e[*(const u8 *)a], *y = &e[*(const u8 *)b];

	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	if (x->subleaf != y->subleaf)
		return x->subleaf < y->subleaf ? -1 : 1;
	return 0;
}

static noinline struct leaf_place search_leaf(const struct hvmon_cpuid_table *t, u32 leaf)
{
	struct leaf_place p = { .plain = how_plain(leaf) };
	u32 lo = 0, hi = t->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (t->e[t->order[mid]].leaf < leaf)
			lo = mid + 1;
		else
			hi = mid;
	}
	p.first = lo;
	while (lo < t->n && t->e[t->order[lo]].leaf == leaf)
		lo++;
	p.n = lo - p.first;
	if (!p.n)
		p.plain = 0;
	return p;
}

static struct hvmon_cpuid_table *make_table(const struct hvmon_cpuid_entry *e, u32 n)
{
	struct hvmon_cpuid_table *t = kzalloc(struct_size(t, e, n), GFP_KERNEL_ACCOUNT);
	struct leaf_place *slot, p;
	u32 i, leaf;

	if (!t)
		return NULL;
	t->n = n;
	memcpy(t->e, e, n * sizeof(*e));
	for (i = 0; i < n; i++)
		t->order[i] = i;
	sort_r(t->order, n, sizeof(t->order[0]), compare_entries, NULL, t->e);
	for (i = 0; i < n; i += p.n) {
		leaf = t->e[t->order[i]].leaf;
		p = search_leaf(t, leaf);
		slot = place_slot(t, leaf);
		if (slot)
			*slot = p;
	}
	return t;
}

static __always_inline struct leaf_place find_leaf(struct hvmon_cpuid_table *t, u32 leaf)
{
	const struct leaf_place *slot = place_slot(t, leaf);

	return likely(slot) ? *slot : search_leaf(t, leaf);
}

/*
 * The entry of a subleaf. Its place in the order is as far from the first one as the
 * subleaf's number says, or less far if some before it are missing.
 */
static __always_inline struct hvmon_cpuid_entry *find_subleaf(struct hvmon_cpuid_table *t,
							      struct leaf_place p, u32 subleaf)
{
	struct hvmon_cpuid_entry *e;
	u32 i = min_t(u32, subleaf, p.n - 1);

	if (!p.n)
		return NULL;
	for (;; i--) {
		e = &t->e[t->order[p.first + i]];
		if (e->subleaf == subleaf || !(e->flags & HVMON_CPUID_INDEXED))
			return e;
		if (e->subleaf < subleaf || !i)
			return NULL;
	}
}

static struct hvmon_cpuid_entry *find_entry(struct hvmon_cpuid_table *t, u32 leaf, u32 subleaf)
{
	return find_subleaf(t, find_leaf(t, leaf), subleaf);
}

/*
 * Leaves that the processor does not have: zeros on AMD, the data of the
 * highest basic leaf on Intel (SDM vol. 2A, CPUID). Within a range's limit a
 * leaf that is missing is zeros on both.
 */
static struct hvmon_cpuid_entry *out_of_range(struct hvmon_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	struct hvmon_cpuid_table *t = table_of(vcpu);
	struct hvmon_cpuid_entry *e;
	u32 base = leaf & (leaf >> 28 == 4 ? 0xffffff00 : 0xffff0000);

	if (vcpu->caps.amd)
		return NULL;
	e = find_entry(t, base, 0);
	if (e && leaf <= e->eax)
		return NULL;
	e = find_entry(t, 0, 0);
	return e ? find_entry(t, e->eax, subleaf) : NULL;
}

/* Size of the XSAVE area for @mask, in the standard or compacted format */
static u32 xsave_size(struct hvmon_cpuid_table *t, u64 mask, bool compacted)
{
	u32 size = 512 + 64, i;
	struct hvmon_cpuid_entry *e;

	for (i = 2; i < 63 && mask >> i; i++) {
		if (!(mask & BIT_ULL(i)))
			continue;
		e = find_entry(t, 0xd, i);
		if (!e)
			continue;
		if (!compacted)
			size = max(size, e->ebx + e->eax);
		else
			size = (e->ecx & F(1) ? ALIGN(size, 64) : size) + e->eax;
	}
	return size;
}

/* The bits that follow the vCPU's state; rare leaves, so at each CPUID */
static void state_bits(struct hvmon_vcpu *vcpu, struct hvmon_cpuid_entry *e)
{
	switch (e->leaf) {
	case 1:
		e->ecx &= ~F(27);
		if (vcpu->caps.xsave && hvmon_get_cr(vcpu, 4) & X86_CR4_OSXSAVE)
			e->ecx |= F(27);
		fallthrough;
	case 0x80000001:
		if (e->leaf != 1 && !vcpu->caps.amd)
			break;
		e->edx &= ~F(9);
		if (vcpu->lapic && hvmon_lapic_get_base(vcpu) & F(11))
			e->edx |= F(9);
		break;
	case 7:
		if (e->subleaf)
			break;
		e->ecx &= ~F(4);
		if (vcpu->caps.pku && hvmon_get_cr(vcpu, 4) & X86_CR4_PKE)
			e->ecx |= F(4);
		break;
	case 0xd:
		if (e->subleaf == 0)
			e->ebx = xsave_size(table_of(vcpu), vcpu->xcr0, false);
		else if (e->subleaf == 1 && e->eax & F(1))
			e->ebx = xsave_size(table_of(vcpu), vcpu->xcr0, true);
		break;
	}
}

static struct hvmon_cpuid_entry lookup(struct hvmon_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	struct hvmon_cpuid_table *t = table_of(vcpu);
	struct hvmon_cpuid_entry *e = NULL, v = { .leaf = leaf };
	struct leaf_place p = find_leaf(t, leaf);

	if (p.n)
		e = find_subleaf(t, p, subleaf);
	else if (leaf != 0xb && leaf != 0x1f)
		e = out_of_range(vcpu, leaf, subleaf);
	if (e) {
		v = *e;
		state_bits(vcpu, &v);
	} else if (leaf == 0xb || leaf == 0x1f) {
		/* Beyond the last level: the subleaf and the ID (SDM, CPUID) */
		e = find_entry(t, leaf, 0);
		v.ecx = e ? subleaf & 0xff : 0;
		v.edx = e ? e->edx : 0;
	}
	return v;
}

/**
 * hvmon_cpuid() - what the guest's CPUID instruction gives
 * @vcpu: the vCPU
 * @leaf: EAX
 * @subleaf: ECX
 * @eax: result
 * @ebx: result
 * @ecx: result
 * @edx: result
 *
 * Runs in sections: no locks, and nothing is written but the results.
 */
void hvmon_cpuid(struct hvmon_vcpu *vcpu, u32 leaf, u32 subleaf, u32 *eax, u32 *ebx,
		 u32 *ecx, u32 *edx)
{
	struct hvmon_cpuid_entry v = lookup(vcpu, leaf, subleaf);

	*eax = v.eax;
	*ebx = v.ebx;
	*ecx = v.ecx;
	*edx = v.edx;
}

static __always_inline void give(u64 *gpr, const struct hvmon_cpuid_entry *e)
{
	gpr[HVMON_RAX] = e->eax;
	gpr[HVMON_RBX] = e->ebx;
	gpr[HVMON_RCX] = e->ecx;
	gpr[HVMON_RDX] = e->edx;
}

static noinline void execute_slowly(struct hvmon_vcpu *vcpu, u64 *gpr)
{
	struct hvmon_cpuid_entry v = lookup(vcpu, gpr[HVMON_RAX], gpr[HVMON_RCX]);

	give(gpr, &v);
}

/**
 * hvmon_cpuid_execute() - what the instruction does to the guest's registers
 * @vcpu: the vCPU
 */
void hvmon_cpuid_execute(struct hvmon_vcpu *vcpu)
{
	static const struct hvmon_cpuid_entry nothing;
	struct hvmon_cpuid_table *t = table_of(vcpu);
	const struct hvmon_cpuid_entry *e;
	u64 *gpr = vcpu->regs.gpr;
	struct leaf_place p = find_leaf(t, gpr[HVMON_RAX]);

	e = find_subleaf(t, p, gpr[HVMON_RCX]);
	if (likely(p.plain & (e ? PLAIN_FOUND : PLAIN_MISSING)))
		give(gpr, e ?: &nothing);
	else
		execute_slowly(vcpu, gpr);
}

/* ------------------------------------------------------------------ */
/* Checks and the facts that other code asks for */

static const struct hvmon_cpuid_entry *scan(const struct hvmon_cpuid_entry *e, u32 n,
					    u32 leaf, u32 subleaf)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (e[i].leaf == leaf &&
		    (!(e[i].flags & HVMON_CPUID_INDEXED) || e[i].subleaf == subleaf))
			return &e[i];
	return NULL;
}

static u32 scan_reg(const struct hvmon_cpuid_entry *e, u32 n, u32 leaf, u32 subleaf, int reg)
{
	const struct hvmon_cpuid_entry *x = scan(e, n, leaf, subleaf);

	return x ? (&x->eax)[reg] : 0;
}

static bool is_pv_signature(const struct hvmon_cpuid_entry *e)
{
	return e && !memcmp(&e->ebx, KVM_SIGNATURE, 12);
}

static int check_duplicates(const struct hvmon_cpuid_entry *e, u32 n)
{
	u32 i, j;

	for (i = 0; i < n; i++) {
		if (e[i].reserved || e[i].flags & ~HVMON_CPUID_INDEXED)
			return -EINVAL;
		if (!(e[i].flags & HVMON_CPUID_INDEXED) && e[i].subleaf)
			return -EINVAL;
		for (j = 0; j < i; j++) {
			if (e[i].leaf != e[j].leaf)
				continue;
			if (e[i].subleaf == e[j].subleaf || e[i].flags != e[j].flags)
				return -EINVAL;
		}
	}
	return 0;
}

static int check_words(const struct hvmon_cpuid_entry *e, u32 n)
{
	const struct hvmon_cpuid_word *w;
	u32 i, allowed, bits;
	bool known;

	for (w = hvmon_cpuid_words; w < hvmon_cpuid_words + hvmon_nr_cpuid_words; w++) {
		known = false;
		for (i = 0; i < n; i++) {
			if (!hvmon_cpuid_word_matches(w, e[i].leaf, e[i].subleaf))
				continue;
			if (!known)
				allowed = hvmon_cpuid_word_allowed(w) | w->state;
			known = true;
			bits = (&e[i].eax)[w->reg];
			if (bits & ~allowed)
				return -EINVAL;
		}
	}
	return 0;
}

int hvmon_cpuid_check(const struct hvmon_cpuid_entry *e, u32 n)
{
	const struct hvmon_cpuid_entry *x;
	u64 xcr0;
	u32 bits;

	if (n > HVMON_MAX_CPUID || check_duplicates(e, n) || check_words(e, n))
		return -EINVAL;

	/* Components that XSAVE can hold, as far as their rules allow */
	x = scan(e, n, 0xd, 0);
	xcr0 = x ? (u64)x->edx << 32 | x->eax : 0;
	if (xcr0 && (xcr0 & ~hvmon_fpu_xcr0_supported() || !hvmon_xcr0_legal(xcr0)))
		return -EINVAL;
	/* The processor checks reserved page-table bits by its own width */
	x = scan(e, n, 0x80000008, 0);
	bits = x ? x->eax & 0xff : 36;
	if (bits < 32 || bits > hvmon_cpuid_phys_bits())
		return -EINVAL;
	x = scan(e, n, KVM_CPUID_FEATURES, 0);
	if (x && is_pv_signature(scan(e, n, KVM_CPUID_SIGNATURE, 0)) &&
	    x->eax & ~hvmon_pv_features())
		return -EINVAL;
	return 0;
}

static bool is_amd(const struct hvmon_cpuid_entry *e)
{
	static const char amd[] = "AuthenticAMD", hygon[] = "HygonGenuine";
	char vendor[12];

	if (!e)
		return false;
	memcpy(vendor, &e->ebx, 4);
	memcpy(vendor + 4, &e->edx, 4);
	memcpy(vendor + 8, &e->ecx, 4);
	return !memcmp(vendor, amd, 12) || !memcmp(vendor, hygon, 12);
}

/* CR4 bits by the feature that makes them legal: leaf, subleaf, register, bit */
static const struct {
	u64 cr4;
	u32 leaf;
	u8 reg, bit;
} cr4_features[] = {
	{ X86_CR4_VME | X86_CR4_PVI, 1, HVMON_CPUID_EDX, 1 },
	{ X86_CR4_DE, 1, HVMON_CPUID_EDX, 2 },
	{ X86_CR4_PSE, 1, HVMON_CPUID_EDX, 3 },
	{ X86_CR4_TSD, 1, HVMON_CPUID_EDX, 4 },
	{ X86_CR4_PAE, 1, HVMON_CPUID_EDX, 6 },
	{ X86_CR4_MCE, 1, HVMON_CPUID_EDX, 7 },
	{ X86_CR4_PGE, 1, HVMON_CPUID_EDX, 13 },
	{ X86_CR4_PCE, 1, HVMON_CPUID_EDX, 5 },
	{ X86_CR4_OSFXSR, 1, HVMON_CPUID_EDX, 24 },
	{ X86_CR4_OSXMMEXCPT, 1, HVMON_CPUID_EDX, 25 },
	{ X86_CR4_PCIDE, 1, HVMON_CPUID_ECX, 17 },
	{ X86_CR4_OSXSAVE, 1, HVMON_CPUID_ECX, 26 },
	{ X86_CR4_FSGSBASE, 7, HVMON_CPUID_EBX, 0 },
	{ X86_CR4_SMEP, 7, HVMON_CPUID_EBX, 7 },
	{ X86_CR4_SMAP, 7, HVMON_CPUID_EBX, 20 },
	{ X86_CR4_UMIP, 7, HVMON_CPUID_ECX, 2 },
	{ X86_CR4_PKE, 7, HVMON_CPUID_ECX, 3 },
	{ X86_CR4_LA57, 7, HVMON_CPUID_ECX, 16 },
};

static u64 cr4_reserved(const struct hvmon_cpuid_entry *e, u32 n)
{
	u64 legal = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (scan_reg(e, n, cr4_features[i].leaf, 0, cr4_features[i].reg) &
		    BIT(cr4_features[i].bit))
			legal |= cr4_features[i].cr4;
	return ~legal;
}

static void caps_of_bits(const struct hvmon_cpuid_entry *e, u32 n,
			 struct hvmon_guest_caps *c)
{
	u32 ecx1 = scan_reg(e, n, 1, 0, HVMON_CPUID_ECX);
	u32 edx1 = scan_reg(e, n, 1, 0, HVMON_CPUID_EDX);
	u32 ebx7 = scan_reg(e, n, 7, 0, HVMON_CPUID_EBX);
	u32 ecx7 = scan_reg(e, n, 7, 0, HVMON_CPUID_ECX);
	u32 edx7 = scan_reg(e, n, 7, 0, HVMON_CPUID_EDX);
	u32 edx81 = scan_reg(e, n, 0x80000001, 0, HVMON_CPUID_EDX);
	u32 ebx88 = scan_reg(e, n, 0x80000008, 0, HVMON_CPUID_EBX);

	c->pcid = ecx1 & F(17);
	c->x2apic = ecx1 & F(21);
	c->tsc_deadline = ecx1 & F(24);
	c->xsave = ecx1 & F(26);
	c->xsaves = scan_reg(e, n, 0xd, 1, HVMON_CPUID_EAX) & F(3);
	c->mtrr = edx1 & F(12);
	c->pat = edx1 & F(16);
	c->misc_enable = true;
	c->fsgsbase = ebx7 & F(0);
	c->tsc_adjust = ebx7 & F(1);
	c->smep = ebx7 & F(7);
	c->smap = ebx7 & F(20);
	c->umip = ecx7 & F(2);
	c->pku = ecx7 & F(3);
	c->la57 = ecx7 & F(16);
	c->rdpid = ecx7 & F(22);
	c->syscall = edx81 & F(11);
	c->nx = edx81 & F(20);
	c->gbpages = edx81 & F(26);
	c->rdtscp = edx81 & F(27);
	c->longmode = edx81 & F(29);
	c->spec_ctrl = edx7 & (F(26) | F(27) | F(31)) || ebx88 & (F(14) | F(15) | F(24));
	c->pred_cmd = edx7 & F(26) || ebx88 & F(12);
}

void hvmon_cpuid_caps(const struct hvmon_cpuid_entry *e, u32 n, struct hvmon_guest_caps *caps)
{
	const struct hvmon_cpuid_entry *x;
	u64 efer = 0;

	memset(caps, 0, sizeof(*caps));
	caps_of_bits(e, n, caps);
	caps->amd = is_amd(scan(e, n, 0, 0));
	caps->cr4_reserved = cr4_reserved(e, n);
	if (caps->syscall)
		efer |= EFER_SCE;
	if (caps->longmode)
		efer |= EFER_LME | EFER_LMA;
	if (caps->nx)
		efer |= EFER_NX;
	if (scan_reg(e, n, 0x80000001, 0, HVMON_CPUID_EDX) & F(25))
		efer |= EFER_FFXSR;
	caps->efer_reserved = ~efer;

	x = scan(e, n, 0x80000008, 0);
	caps->maxphyaddr = x ? x->eax & 0xff : 36;
	caps->gpa_mask_reserved = caps->maxphyaddr < 52 ?
		GENMASK_ULL(51, caps->maxphyaddr) : 0;
	x = scan(e, n, 0xd, 0);
	if (caps->xsave && x)
		caps->xcr0 = (u64)x->edx << 32 | x->eax;
	caps->pv = is_pv_signature(scan(e, n, KVM_CPUID_SIGNATURE, 0));
	if (caps->pv)
		caps->pv_features = scan_reg(e, n, KVM_CPUID_FEATURES, 0, HVMON_CPUID_EAX);
}

/* ------------------------------------------------------------------ */

static void free_table(struct hvmon_vcpu *vcpu)
{
	if (vcpu->cpuid)
		kfree(table_of(vcpu));
	vcpu->cpuid = NULL;
	vcpu->nr_cpuid = 0;
}

static int install(struct hvmon_vcpu *vcpu, const struct hvmon_cpuid_entry *e, u32 n)
{
	struct hvmon_cpuid_table *t = make_table(e, n);

	if (!t)
		return -ENOMEM;
	free_table(vcpu);
	vcpu->cpuid = t->e;
	vcpu->nr_cpuid = n;
	hvmon_cpuid_caps(t->e, n, &vcpu->caps);
	return 0;
}

/**
 * hvmon_cpuid_refresh() - CR4 or XCR0 changed
 * @vcpu: the vCPU, in a section or outside
 *
 * The bits of CPUID that follow are made at each CPUID (they are in rare
 * leaves); only the processor's XCR0 may have to follow at once.
 */
void hvmon_cpuid_refresh(struct hvmon_vcpu *vcpu)
{
	hvmon_fpu_xcr0_changed(vcpu);
}

/**
 * hvmon_cpuid_init() - give a new vCPU the default table
 * @vcpu: the vCPU; its id is the APIC ID
 *
 * Return: 0 or -ENOMEM.
 */
int hvmon_cpuid_init(struct hvmon_vcpu *vcpu)
{
	struct hvmon_cpuid_entry *e;
	int r;

	e = kcalloc(HVMON_MAX_CPUID, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	r = install(vcpu, e, hvmon_cpuid_default(vcpu->id, e));
	kfree(e);
	return r;
}

void hvmon_cpuid_fini(struct hvmon_vcpu *vcpu)
{
	free_table(vcpu);
}

/**
 * hvmon_cpuid_set() - replace the table
 * @vcpu: the vCPU, which has not run yet
 * @e: new entries, the kernel's copy
 * @n: how many
 *
 * Return: 0; -EINVAL for duplicates, unknown flags, and features that the
 * module cannot provide; -EBUSY after the first run; -ENOMEM. Nothing is
 * changed on failure.
 */
int hvmon_cpuid_set(struct hvmon_vcpu *vcpu, const struct hvmon_cpuid_entry *e, u32 n)
{
	int r;

	if (vcpu->has_run)
		return -EBUSY;
	r = hvmon_cpuid_check(e, n);
	if (r)
		return r;
	r = install(vcpu, e, n);
	if (r)
		return r;
	if (hvmon_vendor && hvmon_vendor->update_caps)
		hvmon_vendor->update_caps(vcpu);
	return 0;
}
