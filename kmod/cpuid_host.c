// SPDX-License-Identifier: GPL-2.0
/*
 * The default CPUID table: the host's, filtered to what is virtualized.
 *
 * All feature bits that exist for a guest are rows of hvmon_cpuid_words[]. A
 * leaf that is not there only describes (names, caches, topology).
 */
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <uapi/asm/kvm_para.h>

#include "cpuid.h"
#include "pv.h"

/* APIC-ID bits that number the cores of the one package */
#define CORE_BITS	6
static_assert(HVMON_MAX_VCPUS == 1 << CORE_BITS);

#define F(n)	BIT(n)

/* Bits of leaf 1 EDX that AMD repeats in 0x80000001 EDX, but for emulated ones */
#define AMD_REPEATED	0x0183a17f

/*
 * Not in any row, and so never shown: VMX and SVM (no nesting), MONITOR and
 * WAITPKG (the host would sleep), performance counters, PT, IBS and LBR
 * (the host's), DS, thermal and power control, SMX, SGX, TME, SEV, AMX (fact
 * 5), CET, TSX, RDPRU, split- and bus-lock detection, ARCH_CAPABILITIES
 * (without it a guest mitigates everything, which is safe), memory-protection
 * extras whose MSRs are not there.
 */
const struct hvmon_cpuid_word hvmon_cpuid_words[] = {
	{	/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT
		 * AES XSAVE AVX F16C RDRAND; x2APIC TSC-deadline hypervisor
		 */
		.leaf = 1, .reg = HVMON_CPUID_ECX, .word = CPUID_1_ECX,
		.mask = F(0) | F(1) | F(9) | F(12) | F(13) | F(17) | F(19) | F(20) | F(22) |
			F(23) | F(25) | F(26) | F(28) | F(29) | F(30),
		.emulated = F(21) | F(24) | F(31),
		.state = F(27),
	}, {	/* FPU DE PSE TSC MSR PAE CX8 SEP PGE CMOV PAT PSE36 CLFLUSH MMX
		 * FXSR SSE SSE2 SS, VME even if the host does without;
		 * MCE APIC MTRR MCA HTT
		 */
		.leaf = 1, .reg = HVMON_CPUID_EDX, .word = CPUID_1_EDX,
		.mask = F(0) | F(2) | F(3) | F(4) | F(5) | F(6) | F(8) | F(11) | F(13) |
			F(15) | F(17) | F(19) | F(23) | F(24) | F(25) | F(26) | F(27),
		.native = F(1) | F(16),
		.emulated = F(7) | F(9) | F(12) | F(14) | F(28),
		.state = F(9),
	}, {	/* ARAT: our LAPIC timer never stops */
		.leaf = 6, .subleaf = HVMON_CPUID_ANY, .reg = HVMON_CPUID_EAX,
		.word = HVMON_CPUID_RAW, .emulated = F(2),
	}, {
		.leaf = 6, .subleaf = HVMON_CPUID_ANY, .reg = HVMON_CPUID_ECX,
		.word = HVMON_CPUID_RAW,
	}, {	/* FSGSBASE BMI1 AVX2 FDP_EXCPTN_ONLY SMEP BMI2 ERMS INVPCID
		 * ZERO_FCS_FDS AVX512F AVX512DQ RDSEED ADX SMAP IFMA CLFLUSHOPT
		 * CLWB AVX512PF AVX512ER AVX512CD SHA AVX512BW AVX512VL;
		 * TSC_ADJUST
		 */
		.leaf = 7, .reg = HVMON_CPUID_EBX, .word = CPUID_7_0_EBX,
		.mask = F(0) | F(3) | F(5) | F(6) | F(7) | F(8) | F(9) | F(10) | F(13) |
			F(16) | F(17) | F(18) | F(19) | F(20) | F(21) | F(23) | F(24) |
			F(26) | F(27) | F(28) | F(29) | F(30) | F(31),
		.emulated = F(1),
	}, {	/* VBMI UMIP PKU VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG
		 * VPOPCNTDQ RDPID CLDEMOTE MOVDIRI MOVDIR64B; LA57: nested tables
		 * carry it without the host's help
		 */
		.leaf = 7, .reg = HVMON_CPUID_ECX, .word = CPUID_7_ECX,
		.mask = F(1) | F(2) | F(3) | F(6) | F(8) | F(9) | F(10) | F(11) | F(12) |
			F(14) | F(22) | F(25) | F(27) | F(28),
		.native = F(16),
		.state = F(4),
	}, {	/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE FP16
		 * SPEC_CTRL STIBP SSBD
		 */
		.leaf = 7, .reg = HVMON_CPUID_EDX, .word = CPUID_7_EDX,
		.mask = F(2) | F(3) | F(4) | F(8) | F(10) | F(14) | F(23) | F(26) | F(27) |
			F(31),
	}, {	/* AVX-VNNI BF16 CMPCCXADD FZRM FSRS FSRC AVX-IFMA */
		.leaf = 7, .subleaf = 1, .reg = HVMON_CPUID_EAX, .word = CPUID_7_1_EAX,
		.mask = F(4) | F(5) | F(7) | F(10) | F(11) | F(12) | F(23),
	},
	{ .leaf = 7, .subleaf = 1, .reg = HVMON_CPUID_EBX, .word = HVMON_CPUID_RAW },
	{ .leaf = 7, .subleaf = 1, .reg = HVMON_CPUID_ECX, .word = HVMON_CPUID_RAW },
	{ .leaf = 7, .subleaf = 1, .reg = HVMON_CPUID_EDX, .word = HVMON_CPUID_RAW },
	{ .leaf = 7, .subleaf = 2, .reg = HVMON_CPUID_EDX, .word = HVMON_CPUID_RAW },
	/* Performance counters: none */
	{ .leaf = 0xa, .subleaf = HVMON_CPUID_ANY, .reg = HVMON_CPUID_EAX,
	  .word = HVMON_CPUID_RAW },
	{	/* XSAVEOPT XSAVEC XGETBV(1) XSAVES */
		.leaf = 0xd, .subleaf = 1, .reg = HVMON_CPUID_EAX, .word = CPUID_D_1_EAX,
		.mask = F(0) | F(1) | F(2) | F(3),
	},
	/* No supervisor state: XSS is always 0 */
	{ .leaf = 0xd, .subleaf = 1, .reg = HVMON_CPUID_ECX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0xd, .subleaf = 1, .reg = HVMON_CPUID_EDX, .word = HVMON_CPUID_RAW },
	/* SGX, PT, key locker, LBR, AMX, perfmon, AVX10 */
	{ .leaf = 0x12, .subleaf = 0, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x14, .subleaf = 0, .reg = HVMON_CPUID_EBX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x19, .subleaf = 0, .reg = HVMON_CPUID_EBX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x1c, .subleaf = 0, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x1d, .subleaf = 0, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x23, .subleaf = 0, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x24, .subleaf = 0, .reg = HVMON_CPUID_EBX, .word = HVMON_CPUID_RAW },
	{	/* LAHF CR8_LEGACY ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM
		 * TOPOEXT; CMP_LEGACY: HTT counts cores, not threads
		 */
		.leaf = 0x80000001, .reg = HVMON_CPUID_ECX, .word = CPUID_8000_0001_ECX,
		.mask = F(0) | F(4) | F(5) | F(6) | F(7) | F(8) | F(11) | F(16) | F(21) |
			F(22),
		.emulated = F(1),
	}, {	/* SYSCALL NX MMXEXT FXSR_OPT GBPAGES RDTSCP LM 3DNOWEXT 3DNOW */
		.leaf = 0x80000001, .reg = HVMON_CPUID_EDX, .word = CPUID_8000_0001_EDX,
		.mask = F(11) | F(20) | F(22) | F(25) | F(26) | F(27) | F(29) | F(30) | F(31),
		.native = AMD_REPEATED,
		.emulated = F(7) | F(9) | F(12) | F(14),
		.state = F(9),
	},
	{ .leaf = 0x80000007, .reg = HVMON_CPUID_EBX, .word = HVMON_CPUID_RAW },
	{	/* Invariant TSC */
		.leaf = 0x80000007, .reg = HVMON_CPUID_EDX, .word = HVMON_CPUID_RAW,
		.native = F(8),
	}, {	/* CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP STIBP_ALWAYS_ON
		 * IBRS_SAME_MODE SSBD SSB_NO PSFD BTC_NO
		 */
		.leaf = 0x80000008, .reg = HVMON_CPUID_EBX, .word = CPUID_8000_0008_EBX,
		.mask = F(0) | F(2) | F(9) | F(12) | F(14) | F(15) | F(17) | F(19) | F(24) |
			F(26) | F(28) | F(29),
	},
	/* SVM, IBS, SEV, perfmon v2 */
	{ .leaf = 0x8000000a, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x8000000a, .reg = HVMON_CPUID_EDX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x8000001b, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x8000001f, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{ .leaf = 0x80000022, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW },
	{	/* no nested data breakpoints, LFENCE serializes, null selector
		 * clears base
		 */
		.leaf = 0x80000021, .reg = HVMON_CPUID_EAX, .word = HVMON_CPUID_RAW,
		.native = F(0) | F(2) | F(6),
	},
};

const unsigned int hvmon_nr_cpuid_words = ARRAY_SIZE(hvmon_cpuid_words);

/* Bits of the rows that the processor has, but not for a guest */
static u32 withheld[ARRAY_SIZE(hvmon_cpuid_words)];

static bool host_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

static u32 host_max_leaf(u32 leaf)
{
	u32 class = leaf & 0xffff0000;
	u32 max = cpuid_eax(class);

	return (max & 0xffff0000) == class ? max : class;
}

static void host_cpuid(u32 leaf, u32 subleaf, u32 *r)
{
	if (leaf > host_max_leaf(leaf))
		memset(r, 0, 4 * sizeof(*r));
	else
		cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]);
}

static u32 *entry_reg(struct hvmon_cpuid_entry *e, int reg)
{
	return &e->eax + reg;
}

static_assert(offsetof(struct hvmon_cpuid_entry, edx) ==
	      offsetof(struct hvmon_cpuid_entry, eax) + 3 * sizeof(u32));

u32 hvmon_cpuid_word_allowed(const struct hvmon_cpuid_word *w)
{
	u32 host[4], bits, subleaf = w->subleaf == HVMON_CPUID_ANY ? 0 : w->subleaf;

	host_cpuid(w->leaf, subleaf, host);
	bits = host[w->reg] & w->mask;
	if (w->word != HVMON_CPUID_RAW)
		bits &= boot_cpu_data.x86_capability[w->word];
	bits |= (host[w->reg] & w->native) | w->emulated;

	if (w->leaf == 7 && w->subleaf == 0) {
		/* RDPKRU of the section needs the host's CR4.PKE */
		if (w->reg == HVMON_CPUID_ECX && !boot_cpu_has(X86_FEATURE_OSPKE))
			bits &= ~F(3);
	}
	if (w->leaf == 1 && w->reg == HVMON_CPUID_ECX && !hvmon_fpu_xcr0_supported())
		bits &= ~F(26);
	return bits & ~withheld[w - hvmon_cpuid_words];
}

/**
 * hvmon_cpuid_withhold() - no guest has a feature, though the processor does
 * @leaf: EAX of the CPUID instruction
 * @subleaf: ECX of it
 * @reg: HVMON_CPUID_E?X
 * @bit: of that register; it has a row in hvmon_cpuid_words[]
 *
 * The vendor's, while the module is loaded: a guest's processor lacks what the
 * host's has.
 */
void hvmon_cpuid_withhold(u32 leaf, u32 subleaf, enum hvmon_cpuid_reg reg, u32 bit)
{
	unsigned int i;

	for (i = 0; i < hvmon_nr_cpuid_words; i++)
		if (hvmon_cpuid_words[i].reg == reg &&
		    hvmon_cpuid_word_matches(&hvmon_cpuid_words[i], leaf, subleaf))
			withheld[i] |= F(bit);
}

bool hvmon_cpuid_word_matches(const struct hvmon_cpuid_word *w, u32 leaf, u32 subleaf)
{
	return w->leaf == leaf && (w->subleaf == HVMON_CPUID_ANY || w->subleaf == subleaf);
}

/* ------------------------------------------------------------------ */
/* The default table */

struct builder {
	struct hvmon_cpuid_entry *e;
	u32 n;
	u32 id;		/* of the vCPU */
	u32 max[3];	/* highest leaf of 0, 0x40000000, 0x80000000 */
};

/* One entry from the host, feature words filtered */
static struct hvmon_cpuid_entry *add(struct builder *b, u32 leaf, u32 subleaf, bool indexed)
{
	struct hvmon_cpuid_entry *e = &b->e[b->n++];
	u32 host[4];
	int i;

	host_cpuid(leaf, subleaf, host);
	*e = (struct hvmon_cpuid_entry){
		.leaf = leaf,
		.subleaf = subleaf,
		.flags = indexed ? HVMON_CPUID_INDEXED : 0,
		.eax = host[0],
		.ebx = host[1],
		.ecx = host[2],
		.edx = host[3],
	};
	for (i = 0; i < hvmon_nr_cpuid_words; i++)
		if (hvmon_cpuid_word_matches(&hvmon_cpuid_words[i], leaf, subleaf))
			*entry_reg(e, hvmon_cpuid_words[i].reg) =
				hvmon_cpuid_word_allowed(&hvmon_cpuid_words[i]);
	return e;
}

static struct hvmon_cpuid_entry *add_values(struct builder *b, u32 leaf, u32 subleaf,
					    u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	struct hvmon_cpuid_entry *e = &b->e[b->n++];

	*e = (struct hvmon_cpuid_entry){
		.leaf = leaf, .subleaf = subleaf,
		.eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx,
	};
	return e;
}

/*
 * Deterministic caches, leaf 4 and 0x8000001d: one thread per core, so that
 * levels 1 and 2 are private, and one package, whose cores share the rest.
 */
static void add_caches(struct builder *b, u32 leaf)
{
	struct hvmon_cpuid_entry *e;
	u32 i, type, sharing;

	for (i = 0; i < 8; i++) {
		e = add(b, leaf, i, true);
		type = e->eax & 0x1f;
		if (!type) {
			*e = (struct hvmon_cpuid_entry){
				.leaf = leaf, .subleaf = i, .flags = HVMON_CPUID_INDEXED,
			};
			return;
		}
		sharing = (e->eax >> 5 & 7) >= 3 ? HVMON_MAX_VCPUS - 1 : 0;
		e->eax = (e->eax & 0x3fff) | sharing << 14;
		if (leaf == 4)
			e->eax |= (HVMON_MAX_VCPUS - 1) << 26;
	}
}

/* Extended topology: SMT level of one thread, core level of all the rest */
static void add_topology(struct builder *b, u32 leaf)
{
	add_values(b, leaf, 0, 0, 1, 1 << 8, b->id)->flags = HVMON_CPUID_INDEXED;
	add_values(b, leaf, 1, CORE_BITS, HVMON_MAX_VCPUS, 2 << 8 | 1, b->id)->flags =
		HVMON_CPUID_INDEXED;
	add_values(b, leaf, 2, 0, 0, 2, b->id)->flags = HVMON_CPUID_INDEXED;
}

static void add_xsave(struct builder *b)
{
	u64 xcr0 = hvmon_fpu_xcr0_supported();
	struct hvmon_cpuid_entry *e;
	int i;

	if (!xcr0)
		return;
	add_values(b, 0xd, 0, (u32)xcr0, 0, hvmon_fpu_xsave_size(), xcr0 >> 32)->flags =
		HVMON_CPUID_INDEXED;
	e = add(b, 0xd, 1, true);
	e->ebx = 0;
	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = add(b, 0xd, i, true);
		e->ecx &= F(1);		/* aligned in the compacted format */
		e->edx = 0;
	}
}

static void add_leaf_7(struct builder *b)
{
	struct hvmon_cpuid_entry *e = add(b, 7, 0, true);
	struct hvmon_cpuid_entry *e1;

	e->eax = 0;
	e1 = add(b, 7, 1, true);
	if (e1->eax)
		e->eax = 1;
	else
		b->n--;
}

static void add_basic(struct builder *b)
{
	struct hvmon_cpuid_entry *e;

	b->max[0] = 0xd;
	e = add(b, 0, 0, false);
	e->eax = b->max[0];

	e = add(b, 1, 0, false);
	/* CLFLUSH size from the host, then the number of APIC IDs and ours */
	e->ebx = (e->ebx & 0xff00) | HVMON_MAX_VCPUS << 16 | b->id << 24;
	if (!host_is_amd()) {
		add(b, 2, 0, false);
		add_caches(b, 4);
	}
	add_values(b, 6, 0, F(2), 0, 0, 0);
	add_leaf_7(b);
	add_topology(b, 0xb);
	add_xsave(b);
}

static void add_pv(struct builder *b)
{
	u32 sig[3];

	memcpy(sig, KVM_SIGNATURE, sizeof(sig));
	b->max[1] = KVM_CPUID_FEATURES;
	add_values(b, KVM_CPUID_SIGNATURE, 0, b->max[1], sig[0], sig[1], sig[2]);
	add_values(b, KVM_CPUID_FEATURES, 0, hvmon_pv_features(), 0, 0, 0);
}

/* Width of guest-physical addresses that our tables can map */
u32 hvmon_cpuid_phys_bits(void)
{
	u32 bits = boot_cpu_data.x86_phys_bits;
	u32 host[4];

	/* x86_phys_bits is reduced for memory encryption, which guests lack */
	host_cpuid(0x80000008, 0, host);
	if (host[0] & 0xff)
		bits = host[0] & 0xff;
	return min_t(u32, bits, hvmon_probe_result.levels == 5 ? 52 : 48);
}

static void add_address_sizes(struct builder *b)
{
	struct hvmon_cpuid_entry *e = add(b, 0x80000008, 0, false);

	e->eax = hvmon_cpuid_phys_bits() | (e->eax & 0xff00);
	e->ecx = host_is_amd() ? CORE_BITS << 12 | (HVMON_MAX_VCPUS - 1) : 0;
	e->edx = 0;
}

static void add_extended(struct builder *b)
{
	struct hvmon_cpuid_entry *e;
	bool topoext;
	u32 leaf;

	b->max[2] = min_t(u32, host_max_leaf(0x80000000),
			  host_is_amd() ? 0x80000021 : 0x80000008);
	e = add(b, 0x80000000, 0, false);
	e->eax = b->max[2];
	e = add(b, 0x80000001, 0, false);
	if (!host_is_amd()) {
		e->ecx &= ~F(1);
		e->edx &= ~(AMD_REPEATED | F(7) | F(9) | F(12) | F(14));
	}
	topoext = e->ecx & F(22);
	for (leaf = 0x80000002; leaf <= min(b->max[2], 0x80000006u); leaf++)
		add(b, leaf, 0, false);
	if (b->max[2] >= 0x80000007) {
		e = add(b, 0x80000007, 0, false);
		e->eax = 0;
		e->ecx = 0;
	}
	if (b->max[2] >= 0x80000008)
		add_address_sizes(b);
	if (b->max[2] >= 0x80000019)
		add(b, 0x80000019, 0, false);
	if (b->max[2] >= 0x8000001a)
		add(b, 0x8000001a, 0, false);
	if (topoext && b->max[2] >= 0x8000001e) {
		add_caches(b, 0x8000001d);
		add_values(b, 0x8000001e, 0, b->id, b->id, 0, 0);
	}
	if (b->max[2] >= 0x80000021) {
		e = add(b, 0x80000021, 0, false);
		e->ebx = 0;
		e->ecx = 0;
		e->edx = 0;
	}
}

u32 hvmon_cpuid_default(u32 id, struct hvmon_cpuid_entry *e)
{
	struct builder b = { .e = e, .id = id };

	add_basic(&b);
	add_pv(&b);
	add_extended(&b);
	return b.n;
}

