// SPDX-License-Identifier: GPL-2.0
/* VT-x: the entry checks blame the field that is broken, and none that is not */
#include <kunit/test.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../kmod/vmx/vmx.h"

/* Reserved controls that are 1, as the TRUE capability MSRs have them */
#define PIN_MUST	0x16U
#define PROC_MUST	0x04006172U
#define EXIT_MUST	0x00036dfbU
#define ENTRY_MUST	0x000011fbU
/* Every bit of CR4 up to CET but LA57 and SMXE */
#define CR4_MAY		0xf7afffULL
#define PAT_RESET	0x0007040600070406ULL

#define INTR(vector)	(VMX_INTR_VALID | (vector))
#define NMI		(VMX_INTR_VALID | HVMON_EV_NMI << 8 | 2)
#define EXC(vector)	(VMX_INTR_VALID | HVMON_EV_EXCEPTION << 8 | (vector))
#define SOFT_INT	(VMX_INTR_VALID | HVMON_EV_SOFT_INT << 8 | 0x80)
#define PRIV_SW		(VMX_INTR_VALID | HVMON_EV_PRIV_SW << 8 | 1)
#define SW_EXC		(VMX_INTR_VALID | HVMON_EV_SW_EXC << 8 | 3)
#define OTHER		(VMX_INTR_VALID | VMX_INTR_TYPE_OTHER << 8)
#define ERROR		VMX_INTR_ERROR_VALID

#define NOT_CANONICAL	0x0000800000000000ULL
#define TOO_WIDE	BIT_ULL(40)

static const struct vmx_hw rich = {
	.pin = { PIN_MUST, 0xff },
	.proc = { PROC_MUST, 0xfff9fffe },
	.proc2 = { 0, 0x02ffffff },
	.exit = { EXIT_MUST, 0x01ffffff },
	.entry = { ENTRY_MUST, 0x0003ffff },
	.cr0_fixed0 = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = X86_CR4_VMXE,
	.cr4_fixed1 = CR4_MAY,
	.misc = 4 << 16 | 7 << 6,
	.ept_vpid = VMX_EPT_WALK_4 | VMX_EPT_WB | VMX_EPT_AD,
	.maxphyaddr = 40,
};

/* Without monitor trap flag, inactive states, accessed bits of EPT */
static const struct vmx_hw plain = {
	.pin = { PIN_MUST, 0xff },
	.proc = { PROC_MUST, 0xfff9fffe & ~VMX_PROC_MTF },
	.proc2 = { 0, 0x02ffffff },
	.exit = { EXIT_MUST, 0x01ffffff },
	.entry = { ENTRY_MUST, 0x0003ffff },
	.cr0_fixed0 = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = X86_CR4_VMXE,
	.cr4_fixed1 = CR4_MAY,
	.misc = 2 << 16,
	.ept_vpid = VMX_EPT_WALK_4 | VMX_EPT_WB | VMX_EPT_UC,
	.maxphyaddr = 40,
};

/* Error codes at will, no instruction length needed, 57-bit and tagged addresses */
static const struct vmx_hw latest = {
	.pin = { PIN_MUST, 0xff },
	.proc = { PROC_MUST, 0xfff9fffe },
	.proc2 = { 0, 0x02ffffff },
	.exit = { EXIT_MUST, 0x01ffffff },
	.entry = { ENTRY_MUST, 0x0003ffff },
	.cr0_fixed0 = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = X86_CR4_VMXE,
	.cr4_fixed1 = CR4_MAY | X86_CR4_LA57 | X86_CR4_LAM_SUP,
	.misc = BIT(30) | 4 << 16 | 7 << 6,
	.ept_vpid = VMX_EPT_WALK_4 | VMX_EPT_WALK_5 | VMX_EPT_WB | VMX_EPT_UC | VMX_EPT_AD |
		    BIT_ULL(23),
	.maxphyaddr = 52,
	.error_any = true,
};

/* ---- states that every processor accepts ---- */

enum base { LONG, REAL, PAE, V86, NR_BASES };

static void set_segment(u64 *f, unsigned int seg, u16 sel, u64 base, u32 limit, u32 ar)
{
	f[VMX_ES_SELECTOR + seg] = sel;
	f[VMX_ES_BASE + seg] = base;
	f[VMX_ES_LIMIT + seg] = limit;
	f[VMX_ES_AR + seg] = ar;
}

static void controls_and_host(u64 *f)
{
	enum vmx_field field;

	f[VMX_VPID] = 1;
	f[VMX_MSR_BITMAP] = 0x3000;
	f[VMX_EPTP] = 0x4000 | 3 << 3 | 6;
	f[VMX_PIN_CTLS] = PIN_MUST | VMX_PIN_EXT_INTR | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI;
	f[VMX_PROC_CTLS] = PROC_MUST | VMX_PROC_MSR_BITMAP | VMX_PROC_SECONDARY;
	f[VMX_PROC2_CTLS] = VMX_PROC2_EPT | VMX_PROC2_VPID;
	f[VMX_EXIT_CTLS] = EXIT_MUST | VMX_EXIT_SAVE_DEBUG | VMX_EXIT_HOST_64 |
			   VMX_EXIT_ACK_INTR | VMX_EXIT_LOAD_PAT | VMX_EXIT_LOAD_EFER;
	f[VMX_ENTRY_CTLS] = ENTRY_MUST | VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT |
			    VMX_ENTRY_LOAD_EFER;

	for (field = VMX_HOST_ES_SELECTOR; field <= VMX_HOST_GS_SELECTOR; field++)
		f[field] = 0;
	f[VMX_HOST_CS_SELECTOR] = 0x10;
	f[VMX_HOST_TR_SELECTOR] = 0x40;
	f[VMX_HOST_PAT] = PAT_RESET;
	f[VMX_HOST_EFER] = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	f[VMX_HOST_CR0] = 0x80050033;
	f[VMX_HOST_CR3] = 0x5000;
	f[VMX_HOST_CR4] = X86_CR4_PAE | X86_CR4_VMXE | X86_CR4_PCIDE;
	for (field = VMX_HOST_FS_BASE; field <= VMX_HOST_RIP; field++)
		f[field] = 0xffff888000001000ULL;
}

static void guest_common(u64 *f)
{
	unsigned int seg;

	f[VMX_VMCS_LINK] = ~0ULL;
	f[VMX_PAT] = PAT_RESET;
	f[VMX_CR0] = 0x80050033;
	f[VMX_CR3] = 0x6000;
	f[VMX_CR4] = X86_CR4_VMXE;
	for (seg = HVMON_ES; seg <= HVMON_GS; seg++)
		set_segment(f, seg, 0x10, 0, 0xffffffff, 0xc093);
	set_segment(f, HVMON_CS, 0x8, 0, 0xffffffff, 0xc09b);
	set_segment(f, HVMON_LDTR, 0, 0, 0, HVMON_SEG_UNUSABLE);
	set_segment(f, HVMON_TR, 0x18, 0x7000, 0x67, 0x8b);
	f[VMX_GDTR_LIMIT] = 0x7f;
	f[VMX_IDTR_LIMIT] = 0xfff;
	f[VMX_DR7] = 0x400;
	f[VMX_RIP] = 0x8000;
	f[VMX_RFLAGS] = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
}

static void long_state(u64 *f)
{
	f[VMX_PROC2_CTLS] |= VMX_PROC2_UNRESTRICTED;
	f[VMX_ENTRY_CTLS] |= VMX_ENTRY_IA32E;
	f[VMX_CR4] |= X86_CR4_PAE | X86_CR4_PCIDE;
	f[VMX_EFER] = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	f[VMX_CS_AR] = 0xa09b;
	set_segment(f, HVMON_DS, 0, 0, 0, HVMON_SEG_UNUSABLE);
	f[VMX_RIP] = 0xffffffff81000000ULL;
	f[VMX_GS_BASE] = 0xffff888000000000ULL;
}

static void real_state(u64 *f)
{
	unsigned int seg;

	f[VMX_PROC2_CTLS] |= VMX_PROC2_UNRESTRICTED;
	f[VMX_CR0] = X86_CR0_NE | X86_CR0_ET;
	for (seg = HVMON_ES; seg <= HVMON_GS; seg++)
		set_segment(f, seg, 0x1000, 0x10000, 0xffff, 0x93);
	set_segment(f, HVMON_CS, 0xf000, 0xffff0000, 0xffff, 0x9b);
	set_segment(f, HVMON_LDTR, 0, 0, 0xffff, 0x82);
	f[VMX_RIP] = 0xfff0;
}

/* Protected mode without unrestricted guest, where selectors have to fit */
static void pae_state(u64 *f)
{
	f[VMX_CR4] |= X86_CR4_PAE;
	f[VMX_PDPTE0] = 0x9001;
	f[VMX_PDPTE1] = 0x1e6;		/* not present */
	f[VMX_PDPTE3] = 0xa019;
}

static void v86_state(u64 *f)
{
	unsigned int seg;

	for (seg = HVMON_ES; seg <= HVMON_GS; seg++)
		set_segment(f, seg, 0x1203, 0x12030, 0xffff, 0xf3);
	f[VMX_RFLAGS] |= X86_EFLAGS_VM;
}

/* ---- one broken field at a time ---- */

enum { NOTHING, SET, FLIP };

struct change {
	u8 how;
	enum vmx_field field;
	u64 value;
};

#define SET(name, value)	{ SET, VMX_##name, value }
#define FLIP(name, bits)	{ FLIP, VMX_##name, bits }
/* Legal changes that the bad one needs */
#define WITH(...)		.with = { __VA_ARGS__ }
/* The field that is blamed, where it is not the one that was changed last */
#define BLAMES(name)		.blames = VMX_##name
#define ON(model)		.hw = &(model)

struct row {
	enum base base;
	struct change bad;
	const char *rule;
	struct change with[4];
	enum vmx_field blames;
	const struct vmx_hw *hw;
};

static void change(u64 *f, const struct change *c)
{
	if (c->how == SET)
		f[c->field] = c->value;
	else if (c->how == FLIP)
		f[c->field] ^= c->value;
}

static void fill(u64 *f, enum base base, const struct change *with, unsigned int n)
{
	static void (*const states[])(u64 *f) = {
		[LONG] = long_state, [REAL] = real_state, [PAE] = pae_state, [V86] = v86_state,
	};
	unsigned int i;

	memset(f, 0, VMX_NR_FIELDS * sizeof(*f));
	controls_and_host(f);
	guest_common(f);
	states[base](f);
	for (i = 0; i < n; i++)
		change(f, &with[i]);
}

static u64 *fields(struct kunit *test)
{
	u64 *f = kunit_kzalloc(test, VMX_NR_FIELDS * sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	return f;
}

/* Each row passes without its bad change, and is refused with it as it says */
static void refused(struct kunit *test, const struct row *rows, unsigned int n)
{
	u64 *f = fields(test);
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const struct vmx_hw *hw = r->hw ?: &rich;
		enum vmx_field blames = r->blames ?: r->bad.field;
		struct vmx_broken b = {};

		fill(f, r->base, r->with, ARRAY_SIZE(r->with));
		KUNIT_EXPECT_TRUE_MSG(test, vmx_check(f, hw, &b), "row %u, before it: %s: %s",
				      i, vmx_field_name(b.field), b.rule);
		change(f, &r->bad);
		KUNIT_ASSERT_FALSE_MSG(test, vmx_check(f, hw, &b), "row %u: %s", i, r->rule);
		KUNIT_EXPECT_EQ_MSG(test, b.field, blames, "row %u: %s: %s", i,
				    vmx_field_name(b.field), b.rule);
		KUNIT_EXPECT_EQ_MSG(test, b.value, f[blames], "row %u: %s", i, r->rule);
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(b.rule, r->rule), "row %u: %s: %s", i,
					  r->rule, b.rule);
	}
}

/* Claim: four states as guests have them break no rule, on any processor */
static void good_states(struct kunit *test)
{
	const struct vmx_hw *const models[] = { &rich, &plain, &latest };
	struct vmx_broken b = {};
	u64 *f = fields(test);
	enum base base;
	unsigned int i;

	for (base = LONG; base < NR_BASES; base++) {
		for (i = 0; i < ARRAY_SIZE(models); i++) {
			fill(f, base, NULL, 0);
			KUNIT_EXPECT_TRUE_MSG(test, vmx_check(f, models[i], &b),
					      "state %u, model %u: %s: %s", base, i,
					      vmx_field_name(b.field), b.rule);
		}
	}
}

/* Claim: what the manual allows is not refused, however odd */
static void good_oddities(struct kunit *test)
{
	static const struct row rows[] = {
		/* Not one of the checks: entries do not change CD and NW */
		{ LONG, FLIP(CR0, X86_CR0_NW) },
		{ LONG, FLIP(CR0, X86_CR0_NW | X86_CR0_CD) },
		/* Fields that a control leaves alone */
		{ LONG, SET(DEBUGCTL, ~0ULL), WITH(FLIP(ENTRY_CTLS, VMX_ENTRY_LOAD_DEBUG)) },
		{ LONG, SET(DR7, ~0ULL), WITH(FLIP(ENTRY_CTLS, VMX_ENTRY_LOAD_DEBUG)) },
		{ LONG, SET(PAT, ~0ULL), WITH(FLIP(ENTRY_CTLS, VMX_ENTRY_LOAD_PAT)) },
		{ LONG, SET(EFER, ~0ULL), WITH(FLIP(ENTRY_CTLS, VMX_ENTRY_LOAD_EFER)) },
		{ LONG, SET(HOST_PAT, ~0ULL), WITH(FLIP(EXIT_CTLS, VMX_EXIT_LOAD_PAT)) },
		{ LONG, SET(HOST_EFER, 0), WITH(FLIP(EXIT_CTLS, VMX_EXIT_LOAD_EFER)) },
		{ LONG, SET(MSR_BITMAP, ~0ULL), WITH(FLIP(PROC_CTLS, VMX_PROC_MSR_BITMAP)) },
		{ LONG, SET(VPID, 0), WITH(FLIP(PROC2_CTLS, VMX_PROC2_VPID)) },
		{ LONG, SET(VIRTUAL_APIC, ~0ULL) },
		{ LONG, SET(APIC_ACCESS, ~0ULL) },
		{ LONG, SET(PML_ADDRESS, ~0ULL) },
		/* Full, which is no reason to refuse an entry */
		{ LONG, SET(PML_INDEX, 0xffff), WITH(FLIP(PROC2_CTLS, VMX_PROC2_PML)) },
		{ LONG, SET(TPR_THRESHOLD, 16) },
		{ LONG, SET(TPR_THRESHOLD, 16), WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW),
						     FLIP(PROC2_CTLS, VMX_PROC2_INTR_DELIVERY)) },
		{ PAE, SET(PROC2_CTLS, ~0ULL), WITH(FLIP(PROC_CTLS, VMX_PROC_SECONDARY)) },
		{ LONG, SET(PDPTE0, ~0ULL) },
		{ LONG, SET(DS_BASE, NOT_CANONICAL) },
		{ LONG, SET(ENTRY_INTR_INFO, 0x7fffffff) },
		/* Privilege and type */
		{ LONG, SET(SS_SELECTOR, 0x13) },
		{ REAL, SET(CS_AR, 0x93) },
		{ PAE, SET(CS_AR, 0xc09f) },
		{ PAE, SET(DS_AR, 0xc09b) },
		{ PAE, SET(DS_AR, 0xc09f), WITH(SET(DS_SELECTOR, 0x13)) },
		{ PAE, SET(SS_AR, 0xc097) },
		{ PAE, SET(TR_AR, 0x83) },
		{ LONG, SET(LDTR_AR, 0x82), WITH(SET(LDTR_SELECTOR, 0x28)) },
		{ V86, SET(TR_LIMIT, 0x2067) },
		/* Events and states */
		{ LONG, SET(ENTRY_INTR_INFO, EXC(14) | ERROR),
		  WITH(SET(ENTRY_ERROR_CODE, 0xffff)) },
		{ REAL, SET(ENTRY_INTR_INFO, EXC(13)) },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(21)) },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(13)), ON(latest) },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(21) | ERROR), ON(latest) },
		{ LONG, SET(ENTRY_INTR_INFO, SOFT_INT), ON(latest) },
		{ LONG, SET(ENTRY_INTR_INFO, SW_EXC), WITH(SET(ENTRY_INSN_LEN, 15)) },
		{ LONG, SET(ENTRY_INTR_INFO, OTHER) },
		{ LONG, SET(ENTRY_INTR_INFO, NMI), WITH(SET(ACTIVITY, VMX_ACTIVITY_SHUTDOWN)) },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(18)), WITH(SET(ACTIVITY, VMX_ACTIVITY_SHUTDOWN)) },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(1)), WITH(SET(ACTIVITY, VMX_ACTIVITY_HLT)) },
		{ LONG, SET(ENTRY_INTR_INFO, INTR(0x30)), WITH(SET(ACTIVITY, VMX_ACTIVITY_HLT)) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_WAIT_SIPI) },
		{ LONG, SET(ENTRY_INTR_INFO, NMI),
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_NMI), FLIP(PIN_CTLS, VMX_PIN_VIRTUAL_NMI)) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_STI) },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_BS) },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_BS),
		  WITH(FLIP(RFLAGS, X86_EFLAGS_TF)) },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_RTM | VMX_PENDING_ENABLED_BP) },
		{ LONG, SET(VMCS_LINK, 0x7000) },
		/* Wider addresses */
		{ LONG, SET(GS_BASE, NOT_CANONICAL), ON(latest) },
		{ LONG, SET(RIP, NOT_CANONICAL), ON(latest) },
		{ LONG, SET(CR3, X86_CR3_LAM_U57 | X86_CR3_LAM_U48 | 0x6000), ON(latest) },
		{ LONG, SET(EPTP, 0x4000 | BIT(7) | BIT(6) | 4 << 3), ON(latest) },
	};
	struct vmx_broken b = {};
	u64 *f = fields(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fill(f, rows[i].base, rows[i].with, ARRAY_SIZE(rows[i].with));
		change(f, &rows[i].bad);
		KUNIT_EXPECT_TRUE_MSG(test, vmx_check(f, rows[i].hw ?: &rich, &b),
				      "row %u: %s: %s", i, vmx_field_name(b.field), b.rule);
	}
}

/* Claim: controls that are reserved or need others are found */
static void broken_controls(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, FLIP(PIN_CTLS, BIT(1)), "must be 1 on this processor" },
		{ LONG, FLIP(PIN_CTLS, BIT(8)), "does not have" },
		{ LONG, FLIP(PROC_CTLS, BIT(1)), "must be 1 on this processor" },
		{ LONG, FLIP(PROC_CTLS, BIT(17)), "does not have" },
		{ LONG, FLIP(PROC_CTLS, VMX_PROC_MTF), "does not have", ON(plain) },
		{ LONG, FLIP(PROC2_CTLS, BIT(26)), "does not have" },
		{ LONG, FLIP(EXIT_CTLS, BIT(0)), "must be 1 on this processor" },
		{ LONG, FLIP(EXIT_CTLS, BIT(31)), "does not have" },
		{ LONG, FLIP(ENTRY_CTLS, BIT(0)), "must be 1 on this processor" },
		{ LONG, FLIP(ENTRY_CTLS, BIT(31)), "does not have" },
		{ LONG, FLIP(PIN_CTLS, VMX_PIN_NMI), "virtual NMIs need NMI exiting" },
		{ LONG, FLIP(PROC_CTLS, VMX_PROC_NMI_WINDOW), "needs virtual NMIs",
		  WITH(FLIP(PIN_CTLS, VMX_PIN_VIRTUAL_NMI)) },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_X2APIC), "x2APIC mode needs the TPR shadow" },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_APIC_REG), "APIC-register virtualization" },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_INTR_DELIVERY), "delivery needs the TPR" },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_X2APIC), "excludes",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW),
		       FLIP(PROC2_CTLS, VMX_PROC2_APIC_ACCESS)) },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_INTR_DELIVERY), "external-interrupt exiting",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW), FLIP(PIN_CTLS, VMX_PIN_EXT_INTR)) },
		{ LONG, FLIP(PIN_CTLS, VMX_PIN_POSTED_INTR), "need virtual-interrupt delivery" },
		{ LONG, FLIP(PIN_CTLS, VMX_PIN_POSTED_INTR), "acknowledge interrupt on exit",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW),
		       FLIP(PROC2_CTLS, VMX_PROC2_INTR_DELIVERY),
		       FLIP(EXIT_CTLS, VMX_EXIT_ACK_INTR)) },
		{ LONG, FLIP(PROC2_CTLS, VMX_PROC2_EPT), "unrestricted guest needs EPT" },
		{ PAE, FLIP(PROC2_CTLS, VMX_PROC2_PML), "page-modification logging needs EPT",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_EPT)) },
		{ LONG, FLIP(EXIT_CTLS, VMX_EXIT_SAVE_TIMER), "needs the preemption timer" },
		{ LONG, FLIP(ENTRY_CTLS, VMX_ENTRY_SMM), "entry to SMM" },
		{ LONG, FLIP(ENTRY_CTLS, VMX_ENTRY_DEACTIVATE), "dual-monitor" },
		{ LONG, SET(CR3_TARGET_COUNT, 5), "CR3-target values" },
		{ LONG, SET(CR3_TARGET_COUNT, 3), "CR3-target values", ON(plain) },
		{ LONG, SET(VPID, 0), "must not be 0" },
		{ LONG, SET(TPR_THRESHOLD, 16), "bits 31:4",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW), SET(TPR_THRESHOLD, 15)) },
		{ LONG, SET(TSC_MULTIPLIER, 0), "must not be 0",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_TSC_SCALING), SET(TSC_MULTIPLIER, 1)) },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: addresses in the controls are aligned, and no wider than the processor's */
static void broken_addresses(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, SET(IO_BITMAP_A, 0x800), "page-aligned",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_IO_BITMAPS)) },
		{ LONG, SET(IO_BITMAP_A, TOO_WIDE), "wider than a physical",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_IO_BITMAPS)) },
		{ LONG, SET(IO_BITMAP_B, 1), "page-aligned",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_IO_BITMAPS)) },
		{ LONG, SET(IO_BITMAP_B, BIT_ULL(63)), "wider than a physical",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_IO_BITMAPS)) },
		{ LONG, FLIP(MSR_BITMAP, 0x10), "page-aligned" },
		{ LONG, FLIP(MSR_BITMAP, TOO_WIDE), "wider than a physical" },
		{ LONG, SET(VIRTUAL_APIC, 0x80), "page-aligned",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW)) },
		{ LONG, SET(VIRTUAL_APIC, TOO_WIDE), "wider than a physical",
		  WITH(FLIP(PROC_CTLS, VMX_PROC_TPR_SHADOW)) },
		{ LONG, SET(APIC_ACCESS, 0xfee00001), "page-aligned",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_APIC_ACCESS)) },
		{ LONG, SET(APIC_ACCESS, TOO_WIDE), "wider than a physical",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_APIC_ACCESS)) },
		{ LONG, SET(PML_ADDRESS, 0x5ff8), "page-aligned",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_PML)) },
		{ LONG, SET(PML_ADDRESS, TOO_WIDE), "wider than a physical",
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_PML)) },
		{ LONG, FLIP(EPTP, 1), "memory type" },
		{ LONG, FLIP(EPTP, 6), "memory type" },
		{ LONG, FLIP(EPTP, 1 << 3), "page-walk length" },
		{ LONG, FLIP(EPTP, 7 << 3), "page-walk length" },
		{ LONG, FLIP(EPTP, BIT(6)), "accessed and dirty", ON(plain) },
		{ LONG, FLIP(EPTP, BIT(7)), "shadow-stack" },
		{ LONG, FLIP(EPTP, BIT(11)), "bits 11:8" },
		{ LONG, FLIP(EPTP, TOO_WIDE), "wider than a physical" },
		{ LONG, SET(VMCS_LINK, 0x7001), "page-aligned" },
		{ LONG, SET(VMCS_LINK, TOO_WIDE), "wider than a physical" },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: what cannot be injected is told from what can */
static void broken_injection(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, SET(ENTRY_INTR_INFO, VMX_INTR_VALID | 1 << 8), "type 1" },
		{ LONG, SET(ENTRY_INTR_INFO, OTHER), "type 7", ON(plain) },
		{ LONG, SET(ENTRY_INTR_INFO, NMI ^ 1), "NMI must be 2" },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(32)), "at most 31" },
		{ LONG, SET(ENTRY_INTR_INFO, OTHER | 1), "another event" },
		{ LONG, SET(ENTRY_INTR_INFO, INTR(14) | ERROR), "only hardware exceptions" },
		{ REAL, SET(ENTRY_INTR_INFO, EXC(13) | ERROR), "real mode" },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(6) | ERROR), "has none" },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(21) | ERROR), "has none" },
		{ LONG, SET(ENTRY_INTR_INFO, EXC(8)), "is missing" },
		{ PAE, SET(ENTRY_INTR_INFO, EXC(17)), "is missing" },
		{ LONG, SET(ENTRY_INTR_INFO, INTR(0x30) | BIT(12)), "bits 30:12" },
		{ LONG, SET(ENTRY_INTR_INFO, INTR(0x30) | BIT(30)), "bits 30:12" },
		{ LONG, SET(ENTRY_ERROR_CODE, BIT(16)), "bits 31:16",
		  WITH(SET(ENTRY_INTR_INFO, EXC(14) | ERROR)) },
		{ LONG, SET(ENTRY_INSN_LEN, 16), "at most 15",
		  WITH(SET(ENTRY_INTR_INFO, SOFT_INT), SET(ENTRY_INSN_LEN, 2)) },
		{ LONG, SET(ENTRY_INSN_LEN, 0), "must not be 0",
		  WITH(SET(ENTRY_INTR_INFO, PRIV_SW), SET(ENTRY_INSN_LEN, 1)) },
		{ LONG, SET(ENTRY_INSN_LEN, 0), "must not be 0",
		  WITH(SET(ENTRY_INTR_INFO, SW_EXC), SET(ENTRY_INSN_LEN, 1)) },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: a host state that the processor could not return to is found */
static void broken_host(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, FLIP(HOST_CR0, X86_CR0_NE), "must be 1 for VMX" },
		{ LONG, FLIP(HOST_CR0, X86_CR0_PE), "must be 1 for VMX" },
		{ LONG, FLIP(HOST_CR0, BIT_ULL(32)), "must be 0 for VMX" },
		{ LONG, FLIP(HOST_CR4, X86_CR4_VMXE), "must be 1 for VMX" },
		{ LONG, FLIP(HOST_CR4, X86_CR4_LA57), "must be 0 for VMX" },
		{ LONG, FLIP(HOST_CR0, X86_CR0_WP), "CET", WITH(FLIP(HOST_CR4, X86_CR4_CET)),
		  BLAMES(HOST_CR4) },
		{ LONG, FLIP(HOST_CR3, TOO_WIDE), "wider than a physical" },
		{ LONG, FLIP(HOST_CR3, X86_CR3_LAM_U48), "wider than a physical" },
		{ LONG, FLIP(HOST_CR3, BIT_ULL(63)), "wider than a physical", ON(latest) },
		{ LONG, FLIP(HOST_PAT, 5), "memory type" },
		{ LONG, FLIP(HOST_EFER, BIT(12)), "reserved" },
		{ LONG, FLIP(HOST_EFER, EFER_LMA), "LMA" },
		{ LONG, FLIP(HOST_EFER, EFER_LME), "LME" },
		{ LONG, FLIP(EXIT_CTLS, VMX_EXIT_HOST_64), "host is in IA-32e mode" },
		{ LONG, FLIP(HOST_CR4, X86_CR4_PAE), "64-bit host" },
		{ LONG, SET(HOST_ES_SELECTOR, 3), "RPL and TI" },
		{ LONG, SET(HOST_CS_SELECTOR, 0x14), "RPL and TI" },
		{ LONG, SET(HOST_SS_SELECTOR, 0x19), "RPL and TI" },
		{ LONG, SET(HOST_DS_SELECTOR, 4), "RPL and TI" },
		{ LONG, SET(HOST_FS_SELECTOR, 2), "RPL and TI" },
		{ LONG, SET(HOST_GS_SELECTOR, 1), "RPL and TI" },
		{ LONG, SET(HOST_TR_SELECTOR, 0x44), "RPL and TI" },
		{ LONG, SET(HOST_CS_SELECTOR, 0), "must not be 0" },
		{ LONG, SET(HOST_TR_SELECTOR, 0), "must not be 0" },
		{ LONG, SET(HOST_FS_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_GS_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_TR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_GDTR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_IDTR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_SYSENTER_ESP, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_SYSENTER_EIP, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_RIP, NOT_CANONICAL), "canonical" },
		{ LONG, SET(HOST_RIP, BIT_ULL(56)), "canonical", ON(latest) },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: control registers, debug registers and MSRs of the guest are checked */
static void broken_registers(struct kunit *test)
{
	static const struct row rows[] = {
		{ REAL, FLIP(CR0, X86_CR0_PG), "PG needs PE" },
		{ REAL, FLIP(CR0, X86_CR0_NE), "must be 1 for VMX" },
		{ PAE, FLIP(CR0, X86_CR0_PG), "must be 1 for VMX" },
		{ LONG, FLIP(CR0, BIT_ULL(32)), "must be 0 for VMX" },
		{ LONG, FLIP(CR4, X86_CR4_VMXE), "must be 1 for VMX" },
		{ LONG, FLIP(CR4, X86_CR4_LA57), "must be 0 for VMX" },
		{ LONG, FLIP(CR4, X86_CR4_CET), "CET", WITH(FLIP(CR0, X86_CR0_WP)) },
		{ LONG, FLIP(CR0, X86_CR0_PG), "guest needs PG" },
		{ LONG, FLIP(CR4, X86_CR4_PAE), "guest needs PAE" },
		{ PAE, FLIP(CR4, X86_CR4_PCIDE), "PCIDE" },
		{ LONG, FLIP(CR3, TOO_WIDE), "wider than a physical" },
		{ LONG, FLIP(CR3, X86_CR3_LAM_U57), "wider than a physical" },
		{ LONG, SET(DEBUGCTL, BIT(3)), "reserved" },
		{ LONG, SET(DEBUGCTL, BIT_ULL(16)), "reserved" },
		{ LONG, FLIP(DR7, BIT_ULL(32)), "bits 63:32" },
		{ LONG, SET(SYSENTER_ESP, NOT_CANONICAL), "canonical" },
		{ LONG, SET(SYSENTER_EIP, NOT_CANONICAL), "canonical" },
		{ LONG, FLIP(PAT, 0x0fULL << 56), "memory type" },
		{ LONG, FLIP(EFER, EFER_SVME), "reserved" },
		{ LONG, FLIP(EFER, EFER_LMA), "IA-32e mode guest" },
		{ PAE, FLIP(EFER, EFER_LMA | EFER_LME), "IA-32e mode guest" },
		{ LONG, FLIP(EFER, EFER_LME), "LME" },
		{ PAE, FLIP(EFER, EFER_LME), "LME" },
		{ PAE, FLIP(PDPTE0, BIT(1)), "bits 2:1" },
		{ PAE, FLIP(PDPTE3, BIT(8)), "bits 2:1" },
		{ PAE, FLIP(PDPTE1, 1), "bits 2:1" },
		{ PAE, SET(PDPTE2, 1 | TOO_WIDE), "wider than a physical" },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: selectors, bases, limits of segment and table registers are checked */
static void broken_segments(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, FLIP(TR_SELECTOR, 4), "TI" },
		{ REAL, FLIP(LDTR_SELECTOR, 4), "TI" },
		{ PAE, FLIP(SS_SELECTOR, 3), "RPL must be that of CS" },
		{ V86, FLIP(ES_BASE, 0x10), "times 16" },
		{ V86, FLIP(CS_SELECTOR, 1), "times 16", BLAMES(CS_BASE) },
		{ V86, FLIP(SS_LIMIT, 1), "0xffff" },
		{ V86, FLIP(GS_LIMIT, 0x10000), "0xffff" },
		{ V86, FLIP(DS_AR, HVMON_SEG_DB), "0xf3" },
		{ V86, FLIP(FS_AR, HVMON_SEG_UNUSABLE), "0xf3" },
		{ LONG, SET(FS_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(FS_BASE, NOT_CANONICAL), "canonical",
		  WITH(SET(FS_AR, HVMON_SEG_UNUSABLE)) },
		{ LONG, SET(GS_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(TR_BASE, NOT_CANONICAL), "canonical" },
		{ REAL, SET(LDTR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(CS_BASE, BIT_ULL(32)), "bits 63:32" },
		{ LONG, SET(SS_BASE, BIT_ULL(32)), "bits 63:32" },
		{ PAE, SET(DS_BASE, BIT_ULL(63)), "bits 63:32" },
		{ LONG, SET(ES_BASE, BIT_ULL(32)), "bits 63:32" },
		{ LONG, SET(GDTR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(IDTR_BASE, NOT_CANONICAL), "canonical" },
		{ LONG, SET(GDTR_LIMIT, 0x10000), "bits 31:16" },
		{ LONG, SET(IDTR_LIMIT, 0x10000), "bits 31:16" },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: each part of the access rights is checked, as the register needs it */
static void broken_rights(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, FLIP(CS_AR, HVMON_SEG_S), "S must be 1" },
		{ LONG, FLIP(ES_AR, HVMON_SEG_S), "S must be 1" },
		{ LONG, FLIP(TR_AR, HVMON_SEG_S), "S must be 0" },
		{ REAL, FLIP(LDTR_AR, HVMON_SEG_S), "S must be 0" },
		{ LONG, FLIP(CS_AR, HVMON_SEG_P), "P must be 1" },
		{ PAE, FLIP(DS_AR, HVMON_SEG_P), "P must be 1" },
		{ LONG, FLIP(TR_AR, HVMON_SEG_P), "P must be 1" },
		{ REAL, FLIP(LDTR_AR, HVMON_SEG_P), "P must be 1" },
		{ LONG, FLIP(FS_AR, BIT(8)), "bits 11:8" },
		{ LONG, FLIP(TR_AR, BIT(17)), "31:17" },
		{ LONG, SET(GS_LIMIT, 0xfffffffe), "G must be 0", BLAMES(GS_AR) },
		{ REAL, FLIP(SS_AR, HVMON_SEG_G), "G must be 0", WITH(SET(SS_LIMIT, 0xfeff)) },
		{ LONG, FLIP(SS_AR, HVMON_SEG_G), "G must be 1" },
		{ LONG, SET(TR_LIMIT, 0x100067), "G must be 1", BLAMES(TR_AR) },
		{ PAE, SET(CS_AR, 0xc093), "type 3 needs unrestricted" },
		{ LONG, FLIP(CS_AR, 1), "9, 11, 13 or 15" },
		{ LONG, SET(CS_AR, 0xc097), "9, 11, 13 or 15" },
		{ REAL, SET(CS_AR, 0xf3), "DPL must be 0 with type 3" },
		{ LONG, FLIP(CS_AR, 3 << 5), "with type 9 or 11" },
		{ LONG, SET(CS_AR, 0xa0bf), "with type 13 or 15" },
		{ LONG, FLIP(CS_AR, HVMON_SEG_DB), "D must be 0" },
		{ LONG, FLIP(SS_AR, 2), "3 or 7" },
		{ LONG, FLIP(SS_AR, 8), "3 or 7" },
		{ PAE, SET(SS_AR, 0xc0f3), "selector's RPL", WITH(SET(CS_AR, 0xc09f)) },
		{ REAL, SET(SS_AR, 0xf3), "while CS has type 3", WITH(SET(CS_AR, 0x93)) },
		{ REAL, SET(SS_AR, 0xf3), "in real mode", WITH(SET(CS_AR, 0x9f)) },
		{ LONG, FLIP(ES_AR, 1), "accessed" },
		{ PAE, SET(FS_AR, 0xc099), "readable" },
		{ PAE, FLIP(GS_SELECTOR, 2), "below the selector's RPL", BLAMES(GS_AR) },
		{ LONG, FLIP(TR_AR, HVMON_SEG_UNUSABLE), "usable" },
		{ LONG, SET(TR_AR, 0x83), "in IA-32e mode" },
		{ LONG, SET(TR_AR, 0x89), "in IA-32e mode" },
		{ PAE, SET(TR_AR, 0x89), "3 or 11" },
		{ V86, SET(TR_AR, 0x81), "3 or 11" },
		{ REAL, FLIP(LDTR_AR, 1), "type must be 2" },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: RIP, RFLAGS and the activity state fit the rest and the event */
static void broken_flow(struct kunit *test)
{
	static const struct row rows[] = {
		{ PAE, FLIP(RIP, BIT_ULL(32)), "bits 63:32" },
		{ LONG, FLIP(CS_AR, HVMON_SEG_L | HVMON_SEG_DB), "bits 63:32", BLAMES(RIP) },
		{ LONG, SET(RIP, NOT_CANONICAL), "canonical" },
		{ LONG, FLIP(RFLAGS, BIT(3)), "bits 3, 5" },
		{ LONG, FLIP(RFLAGS, BIT(5)), "bits 3, 5" },
		{ LONG, FLIP(RFLAGS, BIT(15)), "bits 3, 5" },
		{ LONG, FLIP(RFLAGS, BIT(22)), "bits 3, 5" },
		{ LONG, FLIP(RFLAGS, BIT_ULL(63)), "bits 3, 5" },
		{ LONG, FLIP(RFLAGS, X86_EFLAGS_FIXED), "bit 1" },
		{ V86, FLIP(ENTRY_CTLS, VMX_ENTRY_IA32E), "IA-32e mode", BLAMES(RFLAGS),
		  WITH(FLIP(CR4, X86_CR4_PAE), FLIP(ENTRY_CTLS, VMX_ENTRY_LOAD_EFER)) },
		{ V86, FLIP(CR0, X86_CR0_PE | X86_CR0_PG), "VM must be 0 in real", BLAMES(RFLAGS),
		  WITH(FLIP(PROC2_CTLS, VMX_PROC2_UNRESTRICTED)) },
		{ LONG, FLIP(RFLAGS, X86_EFLAGS_IF), "IF must be 1",
		  WITH(SET(ENTRY_INTR_INFO, INTR(0x30))) },
		{ LONG, SET(ACTIVITY, 4), "0 to 3" },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_HLT), "not support", ON(plain) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_SHUTDOWN), "not support", ON(plain) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_WAIT_SIPI), "not support", ON(plain) },
		{ V86, SET(ACTIVITY, VMX_ACTIVITY_HLT), "DPL of SS" },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_HLT), "STI or MOV SS",
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_STI)) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_SHUTDOWN), "STI or MOV SS",
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_MOVSS)) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_HLT), "would not be taken",
		  WITH(SET(ENTRY_INTR_INFO, EXC(6))) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_SHUTDOWN), "would not be taken",
		  WITH(SET(ENTRY_INTR_INFO, INTR(0x30))) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_WAIT_SIPI), "would not be taken",
		  WITH(SET(ENTRY_INTR_INFO, NMI)) },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: blocking of events and pending debug exceptions fit RFLAGS and the event */
static void broken_blocking(struct kunit *test)
{
	static const struct row rows[] = {
		{ LONG, SET(INTERRUPTIBILITY, BIT(5)), "bits 31:5" },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_STI | VMX_BLOCK_MOVSS), "both" },
		{ LONG, FLIP(RFLAGS, X86_EFLAGS_IF), "RFLAGS.IF is 0",
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_STI)), BLAMES(INTERRUPTIBILITY) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_STI), "external interrupt",
		  WITH(SET(ENTRY_INTR_INFO, INTR(0x30))) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_MOVSS), "external interrupt",
		  WITH(SET(ENTRY_INTR_INFO, INTR(0x30))) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_MOVSS), "while an NMI is injected",
		  WITH(SET(ENTRY_INTR_INFO, NMI)) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_STI), "on some processors",
		  WITH(SET(ENTRY_INTR_INFO, NMI)) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_SMI), "SMI" },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_NMI), "with virtual NMIs",
		  WITH(SET(ENTRY_INTR_INFO, NMI)) },
		{ LONG, SET(INTERRUPTIBILITY, VMX_BLOCK_ENCLAVE | VMX_BLOCK_MOVSS), "enclave" },
		{ LONG, SET(PENDING_DBG, BIT(4)), "bits 10:4" },
		{ LONG, SET(PENDING_DBG, BIT(13)), "bits 10:4" },
		{ LONG, SET(PENDING_DBG, BIT(15)), "bits 10:4" },
		{ LONG, SET(PENDING_DBG, BIT_ULL(17)), "bits 10:4" },
		{ LONG, FLIP(RFLAGS, X86_EFLAGS_TF), "BS must be 1", BLAMES(PENDING_DBG),
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_STI)) },
		{ LONG, SET(PENDING_DBG, 0), "BS must be 1",
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_MOVSS), FLIP(RFLAGS, X86_EFLAGS_TF),
		       SET(PENDING_DBG, VMX_PENDING_BS)) },
		{ LONG, SET(ACTIVITY, VMX_ACTIVITY_HLT), "BS must be 0", BLAMES(PENDING_DBG),
		  WITH(SET(PENDING_DBG, VMX_PENDING_BS)) },
		{ LONG, SET(DEBUGCTL, DEBUGCTLMSR_BTF), "BS must be 0", BLAMES(PENDING_DBG),
		  WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_STI), FLIP(RFLAGS, X86_EFLAGS_TF),
		       SET(PENDING_DBG, VMX_PENDING_BS)) },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_RTM), "RTM needs bit 12" },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_RTM | VMX_PENDING_ENABLED_BP | 1),
		  "no other" },
		{ LONG, SET(PENDING_DBG, VMX_PENDING_RTM | VMX_PENDING_ENABLED_BP),
		  "while MOV SS blocks", WITH(SET(INTERRUPTIBILITY, VMX_BLOCK_MOVSS)) },
	};

	refused(test, rows, ARRAY_SIZE(rows));
}

/* Claim: every field has a name in words, which no other field has */
static void field_names(struct kunit *test)
{
	enum vmx_field i, j;

	for (i = 0; i < VMX_NR_FIELDS; i++) {
		const char *name = vmx_field_name(i);

		KUNIT_EXPECT_STRNEQ_MSG(test, name, vmx_field_name(VMX_NR_FIELDS), "field %u", i);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ_MSG(test, name, vmx_field_name(j), "%u and %u", i, j);
	}
	KUNIT_EXPECT_STREQ(test, vmx_field_name(VMX_CS_AR), "guest CS access rights");
	KUNIT_EXPECT_STREQ(test, vmx_field_name(VMX_HOST_TR_SELECTOR), "host TR selector");
	KUNIT_EXPECT_STREQ(test, vmx_field_name(VMX_GDTR_LIMIT), "guest GDTR limit");
}

static struct kunit_case vmx_check_cases[] = {
	KUNIT_CASE(good_states),
	KUNIT_CASE(good_oddities),
	KUNIT_CASE(broken_controls),
	KUNIT_CASE(broken_addresses),
	KUNIT_CASE(broken_injection),
	KUNIT_CASE(broken_host),
	KUNIT_CASE(broken_registers),
	KUNIT_CASE(broken_segments),
	KUNIT_CASE(broken_rights),
	KUNIT_CASE(broken_flow),
	KUNIT_CASE(broken_blocking),
	KUNIT_CASE(field_names),
	{}
};

static struct kunit_suite vmx_check_suite = {
	.name = "hvmon-vmx-check",
	.test_cases = vmx_check_cases,
};

kunit_test_suite(vmx_check_suite);
