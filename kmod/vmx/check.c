// SPDX-License-Identifier: GPL-2.0
/*
 * Why an entry failed: the checks of the SDM's chapter "VM Entries", run again
 * on the cached fields. The comments name its sections by their titles, since
 * the numbers differ between editions.
 *
 * Absent are rules that need what the cache does not have (memory behind an
 * address, fields of features that hvmon does not use), and those for a host
 * outside of IA-32e mode. Where processors differ and struct vmx_hw does not
 * tell, the most lenient counts; the one rule that only some have comes last.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../msr.h"
#include "vmx.h"

/* Vectors that need an error code where A.1, bit 56 is 0: not #CP, which is newer */
#define EXC_WITH_ERROR	(BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(17))
/* What the processor takes in IA32_DEBUGCTL depends on its model: all that any does */
#define DEBUGCTL_MAY	0xffc7ULL
#define EFER_MAY	((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
/* Bits 3, 5, 15, 22 and up */
#define RFLAGS_RESERVED	(~0x3f7fd7ULL)
/* IA32_VMX_MISC, A.6 */
#define MISC_ACTIVITY_SHIFT	6	/* of the bit for VMX_ACTIVITY_HLT */
#define MISC_CR3_TARGETS(misc)	((misc) >> 16 & 0x1ff)
#define MISC_INSN_LEN_0		BIT_ULL(30)
/* IA32_VMX_EPT_VPID_CAP, A.10: EPTP bit 7 may be 1 */
#define EPT_SHADOW_STACK	BIT_ULL(23)

#define EPTP_TYPE(eptp)		((eptp) & 7)
#define EPTP_LEVELS(eptp)	(((eptp) >> 3 & 7) + 1)
#define EPTP_AD			BIT_ULL(6)
#define EPTP_SHADOW_STACK	BIT_ULL(7)

/* Access rights: bits 11:8 and 31:17 are reserved */
#define AR_RESERVED		0xfffe0f00U
#define AR_TYPE(ar)		((ar) & 0xf)
#define AR_TYPE_CODE		BIT(3)
#define AR_DPL(ar)		((ar) >> 5 & 3)
#define SEL_RPL(sel)		((sel) & 3)
#define SEL_TI			BIT(2)

#define VECTOR_DB		1
#define VECTOR_NMI		2
#define VECTOR_MC		18

#define BLOCK_KNOWN		(VMX_BLOCK_STI | VMX_BLOCK_MOVSS | VMX_BLOCK_SMI |	\
				 VMX_BLOCK_NMI | VMX_BLOCK_ENCLAVE)
/* Bit 11, bus lock, is reserved on older processors only */
#define PENDING_RESERVED	(~(VMX_PENDING_BP_MASK | BIT_ULL(11) | VMX_PENDING_ENABLED_BP |	\
				   VMX_PENDING_BS | VMX_PENDING_RTM))

/* Present PDPTEs: bits 2:1 and 8:5 are reserved */
#define PDPTE_RESERVED		0x1e6ULL

/*
 * The VMCS as the checks see it. Secondary controls that are not activated
 * count as 0.
 */
struct entry {
	const u64 *field;
	const struct vmx_hw *hw;
	struct vmx_broken *b;
	u32 pin, proc, proc2, exit, entry;
	bool ept, unrestricted, ia32e, v8086;
	/* The event to inject, if there is one */
	bool event, intr, nmi;
	u8 type, vector;
};

struct rule {
	enum vmx_field field;
	bool broken;
	const char *text;
};

static bool kept(const struct entry *e, const struct rule *rules, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!rules[i].broken)
			continue;
		e->b->field = rules[i].field;
		e->b->value = e->field[rules[i].field];
		e->b->rule = rules[i].text;
		return false;
	}
	return true;
}

#define KEPT(e, rules)	kept(e, rules, ARRAY_SIZE(rules))

static bool too_wide(const struct entry *e, u64 pa)
{
	return pa >> e->hw->maxphyaddr;
}

/* The width counts that the processor has, whatever CR4.LA57 is in the field */
static bool canonical(const struct entry *e, u64 addr)
{
	u8 top = e->hw->cr4_fixed1 & X86_CR4_LA57 ? 56 : 47;

	return sign_extend64(addr, top) == (s64)addr;
}

static bool cr3_valid(const struct entry *e, u64 cr3)
{
	if (e->hw->cr4_fixed1 & X86_CR4_LAM_SUP)
		cr3 &= ~(X86_CR3_LAM_U57 | X86_CR3_LAM_U48);
	return !too_wide(e, cr3);
}

/* ---- "Checks on VMX Controls" ---- */

static bool check_word(const struct entry *e, enum vmx_field field, const struct vmx_ctls *c)
{
	u32 word = e->field[field];
	const struct rule rules[] = {
		{ field, c->must & ~word, "a control is 0 that must be 1 on this processor" },
		{ field, word & ~c->may, "a control is 1 that this processor does not have" },
	};

	return KEPT(e, rules);
}

static bool check_words(const struct entry *e)
{
	const struct vmx_hw *hw = e->hw;

	return check_word(e, VMX_PIN_CTLS, &hw->pin) &&
	       check_word(e, VMX_PROC_CTLS, &hw->proc) &&
	       (!(e->proc & VMX_PROC_SECONDARY) || check_word(e, VMX_PROC2_CTLS, &hw->proc2)) &&
	       check_word(e, VMX_EXIT_CTLS, &hw->exit) &&
	       check_word(e, VMX_ENTRY_CTLS, &hw->entry);
}

/* Controls that ask for others: of all three kinds */
static bool check_dependencies(const struct entry *e)
{
	bool vnmi = e->pin & VMX_PIN_VIRTUAL_NMI;
	bool posted = e->pin & VMX_PIN_POSTED_INTR;
	bool tpr = e->proc & VMX_PROC_TPR_SHADOW;
	bool x2apic = e->proc2 & VMX_PROC2_X2APIC;
	bool delivery = e->proc2 & VMX_PROC2_INTR_DELIVERY;
	const struct rule rules[] = {
		{ VMX_PIN_CTLS, vnmi && !(e->pin & VMX_PIN_NMI), "virtual NMIs need NMI exiting" },
		{ VMX_PROC_CTLS, e->proc & VMX_PROC_NMI_WINDOW && !vnmi,
		  "NMI-window exiting needs virtual NMIs" },
		{ VMX_PROC2_CTLS, x2apic && !tpr, "virtualize x2APIC mode needs the TPR shadow" },
		{ VMX_PROC2_CTLS, e->proc2 & VMX_PROC2_APIC_REG && !tpr,
		  "APIC-register virtualization needs the TPR shadow" },
		{ VMX_PROC2_CTLS, delivery && !tpr,
		  "virtual-interrupt delivery needs the TPR shadow" },
		{ VMX_PROC2_CTLS, x2apic && e->proc2 & VMX_PROC2_APIC_ACCESS,
		  "virtualize x2APIC mode excludes virtualize APIC accesses" },
		{ VMX_PROC2_CTLS, delivery && !(e->pin & VMX_PIN_EXT_INTR),
		  "virtual-interrupt delivery needs external-interrupt exiting" },
		{ VMX_PIN_CTLS, posted && !delivery,
		  "posted interrupts need virtual-interrupt delivery" },
		{ VMX_PIN_CTLS, posted && !(e->exit & VMX_EXIT_ACK_INTR),
		  "posted interrupts need acknowledge interrupt on exit" },
		{ VMX_PROC2_CTLS, e->unrestricted && !e->ept, "unrestricted guest needs EPT" },
		{ VMX_PROC2_CTLS, e->proc2 & VMX_PROC2_PML && !e->ept,
		  "page-modification logging needs EPT" },
		{ VMX_EXIT_CTLS, e->exit & VMX_EXIT_SAVE_TIMER && !(e->pin & VMX_PIN_PREEMPT_TIMER),
		  "save preemption timer needs the preemption timer" },
		{ VMX_ENTRY_CTLS, e->entry & VMX_ENTRY_SMM,
		  "entry to SMM must be 0 outside of SMM" },
		{ VMX_ENTRY_CTLS, e->entry & VMX_ENTRY_DEACTIVATE,
		  "deactivate dual-monitor treatment must be 0 outside of SMM" },
	};

	return KEPT(e, rules);
}

static bool check_page(const struct entry *e, enum vmx_field field)
{
	const u64 *f = e->field;
	const struct rule rules[] = {
		{ field, f[field] & ~PAGE_MASK, "must be page-aligned" },
		{ field, too_wide(e, f[field]), "is wider than a physical address" },
	};

	return KEPT(e, rules);
}

static bool check_eptp(const struct entry *e)
{
	enum vmx_field field = VMX_EPTP;
	u64 cap = e->hw->ept_vpid;
	u64 eptp = e->field[field];
	u64 type = EPTP_TYPE(eptp);
	u64 levels = EPTP_LEVELS(eptp);
	const struct rule rules[] = {
		{ field, !(type == 0 && cap & VMX_EPT_UC) && !(type == 6 && cap & VMX_EPT_WB),
		  "bits 2:0, the memory type, must be 0 or 6, as supported" },
		{ field,
		  !(levels == 4 && cap & VMX_EPT_WALK_4) && !(levels == 5 && cap & VMX_EPT_WALK_5),
		  "bits 5:3, the page-walk length less 1, must be 3 or 4, as supported" },
		{ field, eptp & EPTP_AD && !(cap & VMX_EPT_AD),
		  "bit 6 must be 0: the processor has no accessed and dirty bits" },
		{ field, eptp & EPTP_SHADOW_STACK && !(cap & EPT_SHADOW_STACK),
		  "bit 7 must be 0: the processor does not know shadow-stack pages" },
		{ field, eptp & 0xf00, "bits 11:8 must be 0" },
		{ field, too_wide(e, eptp), "is wider than a physical address" },
	};

	return KEPT(e, rules);
}

/* The rest of "VM-Execution Control Fields" */
static bool check_execution(const struct entry *e)
{
	const u64 *f = e->field;
	bool tpr = e->proc & VMX_PROC_TPR_SHADOW;
	const struct rule rules[] = {
		{ VMX_CR3_TARGET_COUNT, f[VMX_CR3_TARGET_COUNT] > MISC_CR3_TARGETS(e->hw->misc),
		  "is more than the processor's CR3-target values" },
		{ VMX_VPID, e->proc2 & VMX_PROC2_VPID && !f[VMX_VPID],
		  "must not be 0 if VPIDs are enabled" },
		/* That it is above the TPR depends on the virtual-APIC page */
		{ VMX_TPR_THRESHOLD, tpr && !(e->proc2 & VMX_PROC2_INTR_DELIVERY) &&
				     f[VMX_TPR_THRESHOLD] >> 4,
		  "bits 31:4 must be 0" },
		{ VMX_TSC_MULTIPLIER,
		  e->proc2 & VMX_PROC2_TSC_SCALING && !f[VMX_TSC_MULTIPLIER],
		  "must not be 0 if TSC scaling is used" },
	};

	if (e->proc & VMX_PROC_IO_BITMAPS &&
	    !(check_page(e, VMX_IO_BITMAP_A) && check_page(e, VMX_IO_BITMAP_B)))
		return false;
	if (e->proc & VMX_PROC_MSR_BITMAP && !check_page(e, VMX_MSR_BITMAP))
		return false;
	if (tpr && !check_page(e, VMX_VIRTUAL_APIC))
		return false;
	if (e->proc2 & VMX_PROC2_APIC_ACCESS && !check_page(e, VMX_APIC_ACCESS))
		return false;
	/* The index may be anything: one beyond the log means that it is full */
	if (e->proc2 & VMX_PROC2_PML && !check_page(e, VMX_PML_ADDRESS))
		return false;
	return KEPT(e, rules) && (!e->ept || check_eptp(e));
}

/* "VM-Entry Control Fields": the event */
static bool check_injection(const struct entry *e)
{
	const u64 *f = e->field;
	enum vmx_field field = VMX_ENTRY_INTR_INFO;
	u32 info = f[field];
	u64 len = f[VMX_ENTRY_INSN_LEN];
	bool exception = e->type == HVMON_EV_EXCEPTION;
	bool error = info & VMX_INTR_ERROR_VALID;
	bool other = e->type == VMX_INTR_TYPE_OTHER;
	bool soft = e->type >= HVMON_EV_SOFT_INT && e->type <= HVMON_EV_SW_EXC;
	bool pushes = e->vector < 32 && EXC_WITH_ERROR >> e->vector & 1;
	bool real = e->unrestricted && !(f[VMX_CR0] & X86_CR0_PE);
	const struct rule rules[] = {
		{ field, e->type == 1, "interruption type 1 is reserved" },
		{ field, other && !(e->hw->proc.may & VMX_PROC_MTF),
		  "interruption type 7 is reserved: the processor has no monitor trap flag" },
		{ field, e->type == HVMON_EV_NMI && e->vector != VECTOR_NMI,
		  "the vector of an NMI must be 2" },
		{ field, exception && e->vector > 31,
		  "the vector of a hardware exception must be at most 31" },
		{ field, other && e->vector, "the vector of another event must be 0" },
		{ field, error && !exception, "only hardware exceptions deliver an error code" },
		{ field, error && real, "no error code is delivered in real mode" },
		{ field, error && !pushes && !e->hw->error_any,
		  "an error code comes with a vector that has none" },
		{ field, exception && !error && pushes && !real && !e->hw->error_any,
		  "an error code is missing for a vector that has one" },
		{ field, info & GENMASK(30, 12), "bits 30:12 must be 0" },
		{ VMX_ENTRY_ERROR_CODE, error && f[VMX_ENTRY_ERROR_CODE] >> 16,
		  "bits 31:16 must be 0" },
		{ VMX_ENTRY_INSN_LEN, soft && len > 15,
		  "must be at most 15 for a software interrupt or exception" },
		{ VMX_ENTRY_INSN_LEN, soft && !len && !(e->hw->misc & MISC_INSN_LEN_0),
		  "must not be 0 for a software interrupt or exception" },
	};

	return !e->event || KEPT(e, rules);
}

/* ---- "Checks on Host State" ---- */

static bool check_host_registers(const struct entry *e)
{
	const u64 *f = e->field;
	const struct vmx_hw *hw = e->hw;
	u64 cr0 = f[VMX_HOST_CR0];
	u64 cr4 = f[VMX_HOST_CR4];
	u64 efer = f[VMX_HOST_EFER];
	bool load_efer = e->exit & VMX_EXIT_LOAD_EFER;
	const struct rule rules[] = {
		{ VMX_HOST_CR0, hw->cr0_fixed0 & ~cr0, "a bit is 0 that must be 1 for VMX" },
		{ VMX_HOST_CR0, cr0 & ~hw->cr0_fixed1, "a bit is 1 that must be 0 for VMX" },
		{ VMX_HOST_CR4, hw->cr4_fixed0 & ~cr4, "a bit is 0 that must be 1 for VMX" },
		{ VMX_HOST_CR4, cr4 & ~hw->cr4_fixed1, "a bit is 1 that must be 0 for VMX" },
		{ VMX_HOST_CR4, cr4 & X86_CR4_CET && !(cr0 & X86_CR0_WP), "CET needs CR0.WP" },
		{ VMX_HOST_CR3, !cr3_valid(e, f[VMX_HOST_CR3]),
		  "is wider than a physical address" },
		{ VMX_HOST_PAT, e->exit & VMX_EXIT_LOAD_PAT && !hvmon_pat_valid(f[VMX_HOST_PAT]),
		  "each byte must be a memory type: 0, 1, 4, 5, 6 or 7" },
		{ VMX_HOST_EFER, load_efer && efer & ~EFER_MAY, "a reserved bit is 1" },
		{ VMX_HOST_EFER, load_efer && ~efer & (EFER_LMA | EFER_LME),
		  "LMA and LME must be 1 as host address-space size is" },
		/* "Checks Related to Address-Space Size" */
		{ VMX_EXIT_CTLS, !(e->exit & VMX_EXIT_HOST_64),
		  "host address-space size must be 1: the host is in IA-32e mode" },
		{ VMX_HOST_CR4, !(cr4 & X86_CR4_PAE), "PAE must be 1 for a 64-bit host" },
	};

	return KEPT(e, rules);
}

static bool check_host_segments(const struct entry *e)
{
	const u64 *f = e->field;
	static const enum vmx_field pointers[] = {
		VMX_HOST_FS_BASE, VMX_HOST_GS_BASE, VMX_HOST_TR_BASE, VMX_HOST_GDTR_BASE,
		VMX_HOST_IDTR_BASE, VMX_HOST_SYSENTER_ESP, VMX_HOST_SYSENTER_EIP, VMX_HOST_RIP,
	};
	enum vmx_field field;
	unsigned int i;

	for (field = VMX_HOST_ES_SELECTOR; field <= VMX_HOST_TR_SELECTOR; field++) {
		u64 sel = f[field];
		bool needed = field == VMX_HOST_CS_SELECTOR || field == VMX_HOST_TR_SELECTOR;
		const struct rule rules[] = {
			{ field, SEL_RPL(sel) || sel & SEL_TI, "RPL and TI must be 0" },
			{ field, needed && !sel, "must not be 0" },
		};

		if (!KEPT(e, rules))
			return false;
	}
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		const struct rule rule = {
			pointers[i], !canonical(e, f[pointers[i]]), "must be canonical",
		};

		if (!kept(e, &rule, 1))
			return false;
	}
	return true;
}

/* ---- "Checks on Guest Control Registers, Debug Registers, and MSRs" ---- */

static bool check_control_registers(const struct entry *e)
{
	const u64 *f = e->field;
	const struct vmx_hw *hw = e->hw;
	u64 cr0 = f[VMX_CR0];
	u64 cr4 = f[VMX_CR4];
	/* Entries leave CD and NW alone, and check no combination of them */
	u64 free = X86_CR0_CD | X86_CR0_NW;
	const struct rule rules[] = {
		{ VMX_CR0, cr0 & X86_CR0_PG && !(cr0 & X86_CR0_PE), "PG needs PE" },
		{ VMX_CR0, hw->cr0_fixed0 & ~cr0 & ~free &
			   ~(e->unrestricted ? X86_CR0_PE | X86_CR0_PG : 0),
		  "a bit is 0 that must be 1 for VMX" },
		{ VMX_CR0, cr0 & ~hw->cr0_fixed1 & ~free, "a bit is 1 that must be 0 for VMX" },
		{ VMX_CR4, hw->cr4_fixed0 & ~cr4, "a bit is 0 that must be 1 for VMX" },
		{ VMX_CR4, cr4 & ~hw->cr4_fixed1, "a bit is 1 that must be 0 for VMX" },
		{ VMX_CR4, cr4 & X86_CR4_CET && !(cr0 & X86_CR0_WP), "CET needs CR0.WP" },
		{ VMX_CR0, e->ia32e && !(cr0 & X86_CR0_PG), "an IA-32e mode guest needs PG" },
		{ VMX_CR4, e->ia32e && !(cr4 & X86_CR4_PAE), "an IA-32e mode guest needs PAE" },
		{ VMX_CR4, !e->ia32e && cr4 & X86_CR4_PCIDE, "PCIDE needs an IA-32e mode guest" },
		{ VMX_CR3, !cr3_valid(e, f[VMX_CR3]), "is wider than a physical address" },
	};

	return KEPT(e, rules);
}

static bool check_msrs(const struct entry *e)
{
	const u64 *f = e->field;
	u64 efer = f[VMX_EFER];
	bool load_debug = e->entry & VMX_ENTRY_LOAD_DEBUG;
	bool load_efer = e->entry & VMX_ENTRY_LOAD_EFER;
	bool lma = efer & EFER_LMA;
	const struct rule rules[] = {
		{ VMX_DEBUGCTL, load_debug && f[VMX_DEBUGCTL] & ~DEBUGCTL_MAY,
		  "a reserved bit is 1" },
		{ VMX_DR7, load_debug && f[VMX_DR7] >> 32, "bits 63:32 must be 0" },
		{ VMX_SYSENTER_ESP, !canonical(e, f[VMX_SYSENTER_ESP]), "must be canonical" },
		{ VMX_SYSENTER_EIP, !canonical(e, f[VMX_SYSENTER_EIP]), "must be canonical" },
		{ VMX_PAT, e->entry & VMX_ENTRY_LOAD_PAT && !hvmon_pat_valid(f[VMX_PAT]),
		  "each byte must be a memory type: 0, 1, 4, 5, 6 or 7" },
		{ VMX_EFER, load_efer && efer & ~EFER_MAY, "a reserved bit is 1" },
		{ VMX_EFER, load_efer && lma != e->ia32e,
		  "LMA must be the control IA-32e mode guest" },
		{ VMX_EFER, load_efer && f[VMX_CR0] & X86_CR0_PG && lma != !!(efer & EFER_LME),
		  "LME must be LMA while CR0.PG is 1" },
	};

	return KEPT(e, rules);
}

/* ---- "Checks on Guest Segment Registers" ---- */

static u32 seg_ar(const struct entry *e, unsigned int seg)
{
	return e->field[VMX_ES_AR + seg];
}

static bool usable(const struct entry *e, unsigned int seg)
{
	return !(seg_ar(e, seg) & HVMON_SEG_UNUSABLE);
}

static bool check_selectors(const struct entry *e)
{
	const u64 *f = e->field;
	u64 ss = f[VMX_SS_SELECTOR];
	const struct rule rules[] = {
		{ VMX_TR_SELECTOR, f[VMX_TR_SELECTOR] & SEL_TI, "TI must be 0" },
		{ VMX_LDTR_SELECTOR,
		  usable(e, HVMON_LDTR) && f[VMX_LDTR_SELECTOR] & SEL_TI, "TI must be 0" },
		{ VMX_SS_SELECTOR, !e->v8086 && !e->unrestricted &&
				   SEL_RPL(ss) != SEL_RPL(f[VMX_CS_SELECTOR]),
		  "RPL must be that of CS without unrestricted guest" },
	};

	return KEPT(e, rules);
}

/* Base and, in virtual-8086 mode, all there is */
static bool check_base(const struct entry *e, unsigned int seg)
{
	const u64 *f = e->field;
	enum vmx_field base = VMX_ES_BASE + seg;
	enum vmx_field limit = VMX_ES_LIMIT + seg;
	bool wide = seg >= HVMON_FS;
	bool counts = seg == HVMON_CS || seg == HVMON_FS || seg == HVMON_GS || usable(e, seg);
	bool v8086 = e->v8086 && seg <= HVMON_GS;
	const struct rule rules[] = {
		{ base, v8086 && f[base] != f[VMX_ES_SELECTOR + seg] << 4,
		  "must be the selector times 16 in virtual-8086 mode" },
		{ limit, v8086 && f[limit] != 0xffff, "must be 0xffff in virtual-8086 mode" },
		{ VMX_ES_AR + seg, v8086 && seg_ar(e, seg) != 0xf3,
		  "must be 0xf3 in virtual-8086 mode" },
		{ base, counts && wide && !canonical(e, f[base]), "must be canonical" },
		{ base, counts && !wide && f[base] >> 32, "bits 63:32 must be 0" },
	};

	return KEPT(e, rules);
}

/* Access rights that are alike for all registers, usable ones and CS */
static bool check_rights(const struct entry *e, unsigned int seg)
{
	enum vmx_field field = VMX_ES_AR + seg;
	u32 ar = seg_ar(e, seg);
	u32 limit = e->field[VMX_ES_LIMIT + seg];
	bool system = seg >= HVMON_LDTR;
	const struct rule rules[] = {
		{ field, !system && !(ar & HVMON_SEG_S), "S must be 1" },
		{ field, system && ar & HVMON_SEG_S, "S must be 0" },
		{ field, !(ar & HVMON_SEG_P), "P must be 1" },
		{ field, ar & AR_RESERVED, "bits 11:8 and 31:17 must be 0" },
		{ field, ar & HVMON_SEG_G && ~limit & 0xfff,
		  "G must be 0 for a limit with a 0 in bits 11:0" },
		{ field, !(ar & HVMON_SEG_G) && limit >> 20,
		  "G must be 1 for a limit with a 1 in bits 31:20" },
	};

	return KEPT(e, rules);
}

static bool check_cs_ss(const struct entry *e)
{
	const u64 *f = e->field;
	u32 cs = seg_ar(e, HVMON_CS);
	u32 ss = seg_ar(e, HVMON_SS);
	u8 type = AR_TYPE(cs);
	u8 ss_type = AR_TYPE(ss);
	bool flat = type == 3;
	const struct rule rules[] = {
		{ VMX_CS_AR, flat && !e->unrestricted, "type 3 needs unrestricted guest" },
		{ VMX_CS_AR, !flat && (type & 9) != 9,
		  "type must be 9, 11, 13 or 15, or 3 with unrestricted guest" },
		{ VMX_CS_AR, flat && AR_DPL(cs), "DPL must be 0 with type 3" },
		{ VMX_CS_AR, (type & 0xd) == 9 && AR_DPL(cs) != AR_DPL(ss),
		  "DPL must be that of SS with type 9 or 11" },
		{ VMX_CS_AR, (type & 0xd) == 0xd && AR_DPL(cs) > AR_DPL(ss),
		  "DPL must not exceed that of SS with type 13 or 15" },
		{ VMX_CS_AR, e->ia32e && cs & HVMON_SEG_L && cs & HVMON_SEG_DB,
		  "D must be 0 if L is 1 in IA-32e mode" },
		{ VMX_SS_AR, usable(e, HVMON_SS) && ss_type != 3 && ss_type != 7,
		  "type must be 3 or 7" },
		{ VMX_SS_AR, !e->unrestricted && AR_DPL(ss) != SEL_RPL(f[VMX_SS_SELECTOR]),
		  "DPL must be the selector's RPL without unrestricted guest" },
		{ VMX_SS_AR, flat && AR_DPL(ss), "DPL must be 0 while CS has type 3" },
		{ VMX_SS_AR, !(f[VMX_CR0] & X86_CR0_PE) && AR_DPL(ss),
		  "DPL must be 0 in real mode" },
	};

	return KEPT(e, rules);
}

/* DS, ES, FS and GS */
static bool check_data(const struct entry *e, unsigned int seg)
{
	enum vmx_field field = VMX_ES_AR + seg;
	u32 ar = seg_ar(e, seg);
	u8 type = AR_TYPE(ar);
	const struct rule rules[] = {
		{ field, !(type & 1), "type needs bit 0: accessed" },
		{ field, type & AR_TYPE_CODE && !(type & 2), "type of code needs bit 1: readable" },
		{ field, !e->unrestricted && type < 12 &&
			 AR_DPL(ar) < SEL_RPL(e->field[VMX_ES_SELECTOR + seg]),
		  "DPL must not be below the selector's RPL without unrestricted guest" },
	};

	return KEPT(e, rules);
}

static bool check_tr_ldtr(const struct entry *e)
{
	u8 tr = AR_TYPE(seg_ar(e, HVMON_TR));
	const struct rule rules[] = {
		{ VMX_TR_AR, !usable(e, HVMON_TR), "must be usable" },
		{ VMX_TR_AR, e->ia32e && tr != 11, "type must be 11, a busy TSS, in IA-32e mode" },
		{ VMX_TR_AR, tr != 3 && tr != 11, "type must be 3 or 11, a busy TSS" },
		{ VMX_LDTR_AR, usable(e, HVMON_LDTR) && AR_TYPE(seg_ar(e, HVMON_LDTR)) != 2,
		  "type must be 2" },
	};

	return KEPT(e, rules);
}

static bool check_segments(const struct entry *e)
{
	unsigned int seg;

	if (!check_selectors(e))
		return false;
	for (seg = HVMON_ES; seg <= HVMON_TR; seg++) {
		bool data = seg <= HVMON_GS && seg != HVMON_CS && seg != HVMON_SS;

		if (!check_base(e, seg))
			return false;
		if (seg != HVMON_CS && !usable(e, seg))
			continue;
		if (!check_rights(e, seg) || (data && !e->v8086 && !check_data(e, seg)))
			return false;
	}
	return (e->v8086 || check_cs_ss(e)) && check_tr_ldtr(e);
}

/*
 * "Checks on Guest Descriptor-Table Registers", "Checks on Guest RIP and
 * RFLAGS"
 */
static bool check_tables_and_flow(const struct entry *e)
{
	const u64 *f = e->field;
	u64 rip = f[VMX_RIP];
	u64 rflags = f[VMX_RFLAGS];
	bool code64 = e->ia32e && seg_ar(e, HVMON_CS) & HVMON_SEG_L;
	const struct rule rules[] = {
		{ VMX_GDTR_BASE, !canonical(e, f[VMX_GDTR_BASE]), "must be canonical" },
		{ VMX_IDTR_BASE, !canonical(e, f[VMX_IDTR_BASE]), "must be canonical" },
		{ VMX_GDTR_LIMIT, f[VMX_GDTR_LIMIT] >> 16, "bits 31:16 must be 0" },
		{ VMX_IDTR_LIMIT, f[VMX_IDTR_LIMIT] >> 16, "bits 31:16 must be 0" },
		{ VMX_RIP, !code64 && rip >> 32, "bits 63:32 must be 0 outside of 64-bit mode" },
		{ VMX_RIP, code64 && !canonical(e, rip), "must be canonical" },
		{ VMX_RFLAGS, rflags & RFLAGS_RESERVED, "bits 3, 5, 15 and 63:22 must be 0" },
		{ VMX_RFLAGS, !(rflags & X86_EFLAGS_FIXED), "bit 1 must be 1" },
		{ VMX_RFLAGS, e->v8086 && e->ia32e, "VM must be 0 in IA-32e mode" },
		{ VMX_RFLAGS, e->v8086 && !(f[VMX_CR0] & X86_CR0_PE), "VM must be 0 in real mode" },
		{ VMX_RFLAGS, e->intr && !(rflags & X86_EFLAGS_IF),
		  "IF must be 1 while an external interrupt is injected" },
	};

	return KEPT(e, rules);
}

/* ---- "Checks on Guest Non-Register State" ---- */

/* Would the event be taken in that activity state? */
static bool event_allowed(const struct entry *e, u64 activity)
{
	bool exception = e->type == HVMON_EV_EXCEPTION;
	bool mc = exception && e->vector == VECTOR_MC;

	switch (activity) {
	case VMX_ACTIVITY_HLT:
		return e->type == HVMON_EV_INTR || e->type == HVMON_EV_NMI || mc ||
		       (exception && e->vector == VECTOR_DB) || e->type == VMX_INTR_TYPE_OTHER;
	case VMX_ACTIVITY_SHUTDOWN:
		return e->type == HVMON_EV_NMI || mc;
	case VMX_ACTIVITY_WAIT_SIPI:
		return false;
	default:
		return true;
	}
}

static bool check_activity(const struct entry *e)
{
	enum vmx_field field = VMX_ACTIVITY;
	u64 activity = e->field[field];
	u64 blocked = e->field[VMX_INTERRUPTIBILITY] & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS);
	bool known = activity <= VMX_ACTIVITY_WAIT_SIPI;
	const struct rule rules[] = {
		{ field, !known, "must be 0 to 3" },
		{ field, known && activity &&
				!(e->hw->misc >> (MISC_ACTIVITY_SHIFT + activity - 1) & 1),
		  "the processor does not support that state" },
		{ field, activity == VMX_ACTIVITY_HLT && AR_DPL(seg_ar(e, HVMON_SS)),
		  "must not be HLT unless the DPL of SS is 0" },
		{ field, activity && blocked, "must be active while STI or MOV SS blocks events" },
		{ field, e->event && !event_allowed(e, activity),
		  "the injected event would not be taken in that state" },
	};

	return KEPT(e, rules);
}

static bool check_interruptibility(const struct entry *e)
{
	enum vmx_field field = VMX_INTERRUPTIBILITY;
	u64 block = e->field[field];
	bool sti = block & VMX_BLOCK_STI;
	bool movss = block & VMX_BLOCK_MOVSS;
	const struct rule rules[] = {
		{ field, block & ~(u64)BLOCK_KNOWN, "bits 31:5 must be 0" },
		{ field, sti && movss, "STI and MOV SS cannot both block" },
		{ field, sti && !(e->field[VMX_RFLAGS] & X86_EFLAGS_IF),
		  "STI cannot block while RFLAGS.IF is 0" },
		{ field, e->intr && (sti || movss),
		  "STI and MOV SS must not block while an external interrupt is injected" },
		{ field, e->nmi && movss, "MOV SS must not block while an NMI is injected" },
		{ field, block & VMX_BLOCK_SMI, "SMI blocking must be 0 outside of SMM" },
		{ field, e->nmi && block & VMX_BLOCK_NMI && e->pin & VMX_PIN_VIRTUAL_NMI,
		  "NMIs must not be blocked while one is injected with virtual NMIs" },
		{ field, block & VMX_BLOCK_ENCLAVE && movss,
		  "MOV SS cannot block after an enclave interruption" },
	};

	return KEPT(e, rules);
}

static bool check_pending_and_link(const struct entry *e)
{
	const u64 *f = e->field;
	enum vmx_field field = VMX_PENDING_DBG;
	u64 pending = f[field];
	u64 block = f[VMX_INTERRUPTIBILITY];
	bool bs = pending & VMX_PENDING_BS;
	bool rtm = pending & VMX_PENDING_RTM;
	bool held = block & (VMX_BLOCK_STI | VMX_BLOCK_MOVSS) ||
		    f[VMX_ACTIVITY] == VMX_ACTIVITY_HLT;
	bool steps = f[VMX_RFLAGS] & X86_EFLAGS_TF && !(f[VMX_DEBUGCTL] & DEBUGCTLMSR_BTF);
	const struct rule rules[] = {
		{ field, pending & PENDING_RESERVED, "bits 10:4, 13, 15 and 63:17 must be 0" },
		{ field, held && steps && !bs,
		  "BS must be 1 under STI, MOV SS or HLT while RFLAGS.TF is 1 and BTF is 0" },
		{ field, held && !steps && bs,
		  "BS must be 0 under STI, MOV SS or HLT while RFLAGS.TF is 0 or BTF is 1" },
		{ field, rtm && pending != (VMX_PENDING_RTM | VMX_PENDING_ENABLED_BP),
		  "RTM needs bit 12, enabled breakpoint, and no other" },
		{ field, rtm && block & VMX_BLOCK_MOVSS, "RTM must be 0 while MOV SS blocks" },
	};

	return KEPT(e, rules) &&
	       (f[VMX_VMCS_LINK] == ~0ULL || check_page(e, VMX_VMCS_LINK));
}

/* "Checks on Guest Page-Directory-Pointer-Table Entries", of the fields only */
static bool check_pdptes(const struct entry *e)
{
	const u64 *f = e->field;
	bool pae = f[VMX_CR0] & X86_CR0_PG && f[VMX_CR4] & X86_CR4_PAE && !e->ia32e;
	enum vmx_field field;

	if (!pae || !e->ept)
		return true;
	for (field = VMX_PDPTE0; field <= VMX_PDPTE3; field++) {
		u64 pdpte = f[field];
		bool present = pdpte & 1;
		const struct rule rules[] = {
			{ field, present && pdpte & PDPTE_RESERVED, "bits 2:1 and 8:5 must be 0" },
			{ field, present && too_wide(e, pdpte),
			  "is wider than a physical address" },
		};

		if (!KEPT(e, rules))
			return false;
	}
	return true;
}

/* Last, since not all processors are so strict */
static bool check_optional(const struct entry *e)
{
	const struct rule rule = {
		VMX_INTERRUPTIBILITY, e->nmi && e->field[VMX_INTERRUPTIBILITY] & VMX_BLOCK_STI,
		"STI must not block while an NMI is injected, on some processors",
	};

	return kept(e, &rule, 1);
}

/**
 * vmx_check() - explain why a VM entry failed
 * @field: values of all fields, by enum vmx_field
 * @hw: the processor
 * @b: filled in with the first rule that is broken
 *
 * Return: false if a rule is broken; true if this code sees none.
 */
bool vmx_check(const u64 *field, const struct vmx_hw *hw, struct vmx_broken *b)
{
	u32 proc = field[VMX_PROC_CTLS];
	u32 proc2 = proc & VMX_PROC_SECONDARY ? field[VMX_PROC2_CTLS] : 0;
	u32 info = field[VMX_ENTRY_INTR_INFO];
	bool event = info & VMX_INTR_VALID;
	u8 type = (info & VMX_INTR_TYPE_MASK) >> VMX_INTR_TYPE_SHIFT;
	const struct entry e = {
		.field = field, .hw = hw, .b = b,
		.pin = field[VMX_PIN_CTLS], .proc = proc, .proc2 = proc2,
		.exit = field[VMX_EXIT_CTLS], .entry = field[VMX_ENTRY_CTLS],
		.ept = proc2 & VMX_PROC2_EPT,
		.unrestricted = proc2 & VMX_PROC2_UNRESTRICTED,
		.ia32e = field[VMX_ENTRY_CTLS] & VMX_ENTRY_IA32E,
		.v8086 = field[VMX_RFLAGS] & X86_EFLAGS_VM,
		.event = event, .type = type,
		.intr = event && type == HVMON_EV_INTR, .nmi = event && type == HVMON_EV_NMI,
		.vector = info & VMX_INTR_VECTOR_MASK,
	};

	return check_words(&e) && check_dependencies(&e) && check_execution(&e) &&
	       check_injection(&e) &&
	       check_host_registers(&e) && check_host_segments(&e) &&
	       check_control_registers(&e) && check_msrs(&e) && check_segments(&e) &&
	       check_tables_and_flow(&e) && check_activity(&e) && check_interruptibility(&e) &&
	       check_pending_and_link(&e) && check_pdptes(&e) && check_optional(&e);
}

/* ---- Names ---- */

#define NAME(field, text)					\
	[VMX_##field] = text
#define GUEST(reg)						\
	[VMX_##reg] = "guest " #reg
#define HOST(reg)		NAME(HOST_##reg, "host " #reg)
#define HOST_BASE(reg)		NAME(HOST_##reg##_BASE, "host " #reg " base")
#define HOST_SEL(reg)		NAME(HOST_##reg##_SELECTOR, "host " #reg " selector")
#define TABLE(reg)						\
	NAME(reg##_LIMIT, "guest " #reg " limit"),		\
	NAME(reg##_BASE, "guest " #reg " base")
#define SEGMENT(reg)						\
	NAME(reg##_SELECTOR, "guest " #reg " selector"),	\
	NAME(reg##_AR, "guest " #reg " access rights"),		\
	[VMX_##reg##_LIMIT] = "guest " #reg " limit",		\
	[VMX_##reg##_BASE] = "guest " #reg " base"

static const char *const names[VMX_NR_FIELDS] = {
	NAME(VPID, "VPID"), NAME(EPTP, "EPT pointer"), NAME(TSC_OFFSET, "TSC offset"),
	NAME(TSC_MULTIPLIER, "TSC multiplier"),
	NAME(IO_BITMAP_A, "I/O bitmap A"), NAME(IO_BITMAP_B, "I/O bitmap B"),
	NAME(EOI_EXIT0, "EOI-exit bitmap 0"), NAME(EOI_EXIT1, "EOI-exit bitmap 1"),
	NAME(EOI_EXIT2, "EOI-exit bitmap 2"), NAME(EOI_EXIT3, "EOI-exit bitmap 3"),
	NAME(INTR_STATUS, "guest interrupt status"), NAME(APIC_ACCESS, "APIC-access address"),
	NAME(VIRTUAL_APIC, "virtual-APIC address"), NAME(TPR_THRESHOLD, "TPR threshold"),
	NAME(PML_ADDRESS, "PML address"), NAME(PML_INDEX, "PML index"),
	NAME(MSR_BITMAP, "MSR bitmap"), NAME(XSS_EXIT_BITMAP, "XSS-exiting bitmap"),
	NAME(PIN_CTLS, "pin-based controls"), NAME(PROC_CTLS, "processor-based controls"),
	NAME(PROC2_CTLS, "secondary processor-based controls"),
	NAME(EXIT_CTLS, "VM-exit controls"), NAME(ENTRY_CTLS, "VM-entry controls"),
	NAME(EXCEPTION_BITMAP, "exception bitmap"), NAME(CR3_TARGET_COUNT, "CR3-target count"),
	NAME(PF_ERROR_MASK, "page-fault error-code mask"),
	NAME(PF_ERROR_MATCH, "page-fault error-code match"),
	NAME(EXIT_MSR_STORE_COUNT, "VM-exit MSR-store count"),
	NAME(EXIT_MSR_LOAD_COUNT, "VM-exit MSR-load count"),
	NAME(ENTRY_MSR_LOAD_COUNT, "VM-entry MSR-load count"),
	NAME(ENTRY_INTR_INFO, "VM-entry interruption information"),
	NAME(ENTRY_ERROR_CODE, "VM-entry error code"),
	NAME(ENTRY_INSN_LEN, "VM-entry instruction length"),
	NAME(CR0_MASK, "CR0 guest/host mask"), NAME(CR0_SHADOW, "CR0 read shadow"),
	NAME(CR4_MASK, "CR4 guest/host mask"), NAME(CR4_SHADOW, "CR4 read shadow"),
	HOST_SEL(ES), HOST_SEL(CS), HOST_SEL(SS), HOST_SEL(DS), HOST_SEL(FS), HOST_SEL(GS),
	HOST_SEL(TR), HOST_BASE(FS), HOST_BASE(GS), HOST_BASE(TR), HOST_BASE(GDTR),
	HOST_BASE(IDTR), HOST(CR0), HOST(CR3), HOST(CR4), HOST(RIP), HOST(PAT), HOST(EFER),
	HOST(SYSENTER_CS), HOST(SYSENTER_ESP), HOST(SYSENTER_EIP),
	SEGMENT(ES), SEGMENT(CS), SEGMENT(SS), SEGMENT(DS), SEGMENT(FS), SEGMENT(GS),
	SEGMENT(LDTR), SEGMENT(TR), TABLE(GDTR), TABLE(IDTR),
	GUEST(CR0), GUEST(CR3), GUEST(CR4), GUEST(DR7), GUEST(RSP), GUEST(RIP), GUEST(RFLAGS),
	GUEST(PAT), GUEST(EFER), GUEST(SMBASE), GUEST(DEBUGCTL), GUEST(SYSENTER_CS),
	GUEST(SYSENTER_ESP), GUEST(SYSENTER_EIP), GUEST(PDPTE0), GUEST(PDPTE1), GUEST(PDPTE2),
	GUEST(PDPTE3),
	NAME(PREEMPT_TIMER, "VMX-preemption timer value"),
	NAME(VMCS_LINK, "VMCS link pointer"), NAME(ACTIVITY, "guest activity state"),
	NAME(INTERRUPTIBILITY, "guest interruptibility state"),
	NAME(PENDING_DBG, "guest pending debug exceptions"),
	NAME(GUEST_PHYSICAL, "guest-physical address"),
	NAME(INSTRUCTION_ERROR, "VM-instruction error"),
	NAME(EXIT_REASON, "exit reason"), NAME(EXIT_QUALIFICATION, "exit qualification"),
	NAME(EXIT_INTR_INFO, "VM-exit interruption information"),
	NAME(EXIT_INTR_ERROR, "VM-exit interruption error code"),
	NAME(EXIT_INSN_LEN, "VM-exit instruction length"),
	NAME(IDT_VECTORING_INFO, "IDT-vectoring information"),
	NAME(IDT_VECTORING_ERROR, "IDT-vectoring error code"),
};

/**
 * vmx_field_name() - a VMCS field in words
 * @field: which
 *
 * Return: its name, such as "guest CS access rights".
 */
const char *vmx_field_name(enum vmx_field field)
{
	return field < VMX_NR_FIELDS && names[field] ? names[field] : "unknown field";
}
