/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VT-x: the control structure (VMCS) and its cache, exit reasons, and what the
 * files of kmod/vmx/ share. Section numbers are those of the Intel SDM, volume
 * 3, unless said otherwise.
 */
#ifndef _HVMON_VMX_H
#define _HVMON_VMX_H

#define VMX_SWITCH_HOST_RSP	0
#define VMX_SWITCH_CR2		8
#define VMX_SWITCH_SPEC_GUEST	16
#define VMX_SWITCH_SPEC_HOST	20
#define VMX_SWITCH_LAUNCHED	24

#define VMX_HOST_RSP_ENCODING	0x6c14

/* Size of what hvmon_vmx_flush_l1d() reads, as an allocation order */
#define VMX_L1D_ORDER		4

#ifndef __ASSEMBLER__

#include <linux/bitmap.h>
#include <linux/percpu.h>
#include <asm/apicdef.h>
#include <asm/asm.h>
#include <asm/desc_defs.h>
#include <asm/msr.h>

#include "../host.h"
#include "../hvmon.h"

/* ---- VMCS fields: appendix B ---- */

/* Segment registers in the order of the encodings, which is that of the ABI */
#define VMX_SEGMENTS(_, suffix, base)				\
	_(ES##suffix, (base) + 0x0)				\
	_(CS##suffix, (base) + 0x2)				\
	_(SS##suffix, (base) + 0x4)				\
	_(DS##suffix, (base) + 0x6)				\
	_(FS##suffix, (base) + 0x8)				\
	_(GS##suffix, (base) + 0xa)				\
	_(LDTR##suffix, (base) + 0xc)				\
	_(TR##suffix, (base) + 0xe)

/* What only we write: stays as it is over an exit */
#define VMX_CONTROL_FIELDS(_)					\
	_(VPID,				0x0000)			\
	_(IO_BITMAP_A,			0x2000)			\
	_(IO_BITMAP_B,			0x2002)			\
	_(MSR_BITMAP,			0x2004)			\
	_(PML_ADDRESS,			0x200e)			\
	_(TSC_OFFSET,			0x2010)			\
	_(VIRTUAL_APIC,			0x2012)			\
	_(APIC_ACCESS,			0x2014)			\
	_(EPTP,				0x201a)			\
	_(EOI_EXIT0,			0x201c)			\
	_(EOI_EXIT1,			0x201e)			\
	_(EOI_EXIT2,			0x2020)			\
	_(EOI_EXIT3,			0x2022)			\
	_(XSS_EXIT_BITMAP,		0x202c)			\
	_(TSC_MULTIPLIER,		0x2032)			\
	_(PIN_CTLS,			0x4000)			\
	_(PROC_CTLS,			0x4002)			\
	_(EXCEPTION_BITMAP,		0x4004)			\
	_(PF_ERROR_MASK,		0x4006)			\
	_(PF_ERROR_MATCH,		0x4008)			\
	_(CR3_TARGET_COUNT,		0x400a)			\
	_(EXIT_CTLS,			0x400c)			\
	_(EXIT_MSR_STORE_COUNT,		0x400e)			\
	_(EXIT_MSR_LOAD_COUNT,		0x4010)			\
	_(ENTRY_MSR_LOAD_COUNT,		0x4014)			\
	_(ENTRY_ERROR_CODE,		0x4018)			\
	_(ENTRY_INSN_LEN,		0x401a)			\
	_(TPR_THRESHOLD,		0x401c)			\
	_(PROC2_CTLS,			0x401e)			\
	_(CR0_MASK,			0x6000)			\
	_(CR4_MASK,			0x6002)			\
	_(CR0_SHADOW,			0x6004)			\
	_(CR4_SHADOW,			0x6006)

#define VMX_HOST_FIELDS(_)					\
	_(HOST_ES_SELECTOR,		0x0c00)			\
	_(HOST_CS_SELECTOR,		0x0c02)			\
	_(HOST_SS_SELECTOR,		0x0c04)			\
	_(HOST_DS_SELECTOR,		0x0c06)			\
	_(HOST_FS_SELECTOR,		0x0c08)			\
	_(HOST_GS_SELECTOR,		0x0c0a)			\
	_(HOST_TR_SELECTOR,		0x0c0c)			\
	_(HOST_PAT,			0x2c00)			\
	_(HOST_EFER,			0x2c02)			\
	_(HOST_SYSENTER_CS,		0x4c00)			\
	_(HOST_CR0,			0x6c00)			\
	_(HOST_CR3,			0x6c02)			\
	_(HOST_CR4,			0x6c04)			\
	_(HOST_FS_BASE,			0x6c06)			\
	_(HOST_GS_BASE,			0x6c08)			\
	_(HOST_TR_BASE,			0x6c0a)			\
	_(HOST_GDTR_BASE,		0x6c0c)			\
	_(HOST_IDTR_BASE,		0x6c0e)			\
	_(HOST_SYSENTER_ESP,		0x6c10)			\
	_(HOST_SYSENTER_EIP,		0x6c12)			\
	_(HOST_RIP,			0x6c16)

/* Guest state that changes by our hand alone: every way to it exits */
#define VMX_STABLE_FIELDS(_)					\
	_(VMCS_LINK,			0x2800)			\
	_(PAT,				0x2804)			\
	_(EFER,				0x2806)			\
	_(ENTRY_CTLS,			0x4012)			\
	_(SMBASE,			0x4828)			\
	_(PREEMPT_TIMER,		0x482e)

/* What every exit may change and everybody wants: read at each, and so always known */
#define VMX_EAGER_FIELDS(_)					\
	_(RSP,				0x681c)			\
	_(RIP,				0x681e)			\
	_(RFLAGS,			0x6820)

/* What an exit may change: read again when it is asked for */
#define VMX_GUEST_FIELDS(_)					\
	VMX_SEGMENTS(_, _SELECTOR, 0x0800)			\
	/* SVI and RVI: 25.4.2 */				\
	_(INTR_STATUS,			0x0810)			\
	_(PML_INDEX,			0x0812)			\
	_(DEBUGCTL,			0x2802)			\
	_(PDPTE0,			0x280a)			\
	_(PDPTE1,			0x280c)			\
	_(PDPTE2,			0x280e)			\
	_(PDPTE3,			0x2810)			\
	/* The valid bit is cleared by every exit: 28.2 */	\
	_(ENTRY_INTR_INFO,		0x4016)			\
	VMX_SEGMENTS(_, _LIMIT, 0x4800)			\
	_(GDTR_LIMIT,			0x4810)			\
	_(IDTR_LIMIT,			0x4812)			\
	VMX_SEGMENTS(_, _AR, 0x4814)				\
	_(INTERRUPTIBILITY,		0x4824)			\
	_(ACTIVITY,			0x4826)			\
	_(SYSENTER_CS,			0x482a)			\
	_(CR0,				0x6800)			\
	_(CR3,				0x6802)			\
	_(CR4,				0x6804)			\
	VMX_SEGMENTS(_, _BASE, 0x6806)			\
	_(GDTR_BASE,			0x6816)			\
	_(IDTR_BASE,			0x6818)			\
	_(DR7,				0x681a)			\
	_(PENDING_DBG,			0x6822)			\
	_(SYSENTER_ESP,			0x6824)			\
	_(SYSENTER_EIP,			0x6826)

/* Read-only: what the last exit was */
#define VMX_EXIT_FIELDS(_)					\
	_(GUEST_PHYSICAL,		0x2400)			\
	_(INSTRUCTION_ERROR,		0x4400)			\
	_(EXIT_REASON,			0x4402)			\
	_(EXIT_INTR_INFO,		0x4404)			\
	_(EXIT_INTR_ERROR,		0x4406)			\
	_(IDT_VECTORING_INFO,		0x4408)			\
	_(IDT_VECTORING_ERROR,		0x440a)			\
	_(EXIT_INSN_LEN,		0x440c)			\
	_(EXIT_QUALIFICATION,		0x6400)

#define VMX_FIELDS(_)						\
	VMX_CONTROL_FIELDS(_) VMX_HOST_FIELDS(_) VMX_STABLE_FIELDS(_)	\
	VMX_EAGER_FIELDS(_) VMX_GUEST_FIELDS(_) VMX_EXIT_FIELDS(_)

enum vmx_field {
#define VMX_ENUM(name, encoding) VMX_##name,
	VMX_FIELDS(VMX_ENUM)
#undef VMX_ENUM
	VMX_NR_FIELDS
};

/* In the order of the enumeration, which comes from the same list */
static const u16 vmx_encodings[VMX_NR_FIELDS] __maybe_unused = {
#define VMX_ENCODING(name, encoding)	(encoding),
	VMX_FIELDS(VMX_ENCODING)
#undef VMX_ENCODING
};

/* Fields from here on are read anew after each exit, if somebody asks */
#define VMX_FIRST_VOLATILE	VMX_ES_SELECTOR
/* ... and these are the processor's to write */
#define VMX_FIRST_READ_ONLY	VMX_GUEST_PHYSICAL

/* Pin-based controls, table 25-5 */
#define VMX_PIN_EXT_INTR	BIT(0)
#define VMX_PIN_NMI		BIT(3)
#define VMX_PIN_VIRTUAL_NMI	BIT(5)
#define VMX_PIN_PREEMPT_TIMER	BIT(6)
#define VMX_PIN_POSTED_INTR	BIT(7)

/* Primary processor-based controls, table 25-6 */
#define VMX_PROC_INTR_WINDOW	BIT(2)
#define VMX_PROC_TSC_OFFSET	BIT(3)
#define VMX_PROC_HLT		BIT(7)
#define VMX_PROC_INVLPG		BIT(9)
#define VMX_PROC_MWAIT		BIT(10)
#define VMX_PROC_RDPMC		BIT(11)
#define VMX_PROC_RDTSC		BIT(12)
#define VMX_PROC_CR3_LOAD	BIT(15)
#define VMX_PROC_CR3_STORE	BIT(16)
#define VMX_PROC_CR8_LOAD	BIT(19)
#define VMX_PROC_CR8_STORE	BIT(20)
#define VMX_PROC_TPR_SHADOW	BIT(21)
#define VMX_PROC_NMI_WINDOW	BIT(22)
#define VMX_PROC_MOV_DR		BIT(23)
#define VMX_PROC_IO		BIT(24)
#define VMX_PROC_IO_BITMAPS	BIT(25)
#define VMX_PROC_MTF		BIT(27)
#define VMX_PROC_MSR_BITMAP	BIT(28)
#define VMX_PROC_MONITOR	BIT(29)
#define VMX_PROC_PAUSE		BIT(30)
#define VMX_PROC_SECONDARY	BIT(31)

/* Secondary processor-based controls, table 25-7 */
#define VMX_PROC2_APIC_ACCESS	BIT(0)
#define VMX_PROC2_EPT		BIT(1)
#define VMX_PROC2_DESC_TABLE	BIT(2)
#define VMX_PROC2_RDTSCP	BIT(3)
#define VMX_PROC2_X2APIC	BIT(4)
#define VMX_PROC2_VPID		BIT(5)
#define VMX_PROC2_WBINVD	BIT(6)
#define VMX_PROC2_UNRESTRICTED	BIT(7)
#define VMX_PROC2_APIC_REG	BIT(8)
#define VMX_PROC2_INTR_DELIVERY	BIT(9)
#define VMX_PROC2_INVPCID	BIT(12)
#define VMX_PROC2_PML		BIT(17)
#define VMX_PROC2_XSAVES	BIT(20)
#define VMX_PROC2_TSC_SCALING	BIT(25)

/* VM-exit controls, table 25-13 */
#define VMX_EXIT_SAVE_DEBUG	BIT(2)
#define VMX_EXIT_HOST_64	BIT(9)
#define VMX_EXIT_LOAD_PERF	BIT(12)
#define VMX_EXIT_ACK_INTR	BIT(15)
#define VMX_EXIT_SAVE_PAT	BIT(18)
#define VMX_EXIT_LOAD_PAT	BIT(19)
#define VMX_EXIT_SAVE_EFER	BIT(20)
#define VMX_EXIT_LOAD_EFER	BIT(21)
#define VMX_EXIT_SAVE_TIMER	BIT(22)

/* VM-entry controls, table 25-15 */
#define VMX_ENTRY_LOAD_DEBUG	BIT(2)
#define VMX_ENTRY_IA32E		BIT(9)
#define VMX_ENTRY_SMM		BIT(10)
#define VMX_ENTRY_DEACTIVATE	BIT(11)
#define VMX_ENTRY_LOAD_PERF	BIT(13)
#define VMX_ENTRY_LOAD_PAT	BIT(14)
#define VMX_ENTRY_LOAD_EFER	BIT(15)

/* Interruption information: tables 25-17 to 25-19. Types are HVMON_EV_* */
#define VMX_INTR_VECTOR_MASK	0xffU
#define VMX_INTR_TYPE_SHIFT	8
#define VMX_INTR_TYPE_MASK	(7U << VMX_INTR_TYPE_SHIFT)
#define VMX_INTR_TYPE_OTHER	7
#define VMX_INTR_ERROR_VALID	BIT(11)
#define VMX_INTR_NMI_UNBLOCKED	BIT(12)	/* of exits: IRET had unblocked NMIs */
#define VMX_INTR_VALID		BIT(31)

/* Interruptibility state, table 25-3 */
#define VMX_BLOCK_STI		BIT(0)
#define VMX_BLOCK_MOVSS		BIT(1)
#define VMX_BLOCK_SMI		BIT(2)
#define VMX_BLOCK_NMI		BIT(3)
#define VMX_BLOCK_ENCLAVE	BIT(4)

#define VMX_ACTIVITY_ACTIVE	0
#define VMX_ACTIVITY_HLT	1
#define VMX_ACTIVITY_SHUTDOWN	2
#define VMX_ACTIVITY_WAIT_SIPI	3

/* Pending debug exceptions, table 25-4 */
#define VMX_PENDING_BP_MASK	0xfULL
#define VMX_PENDING_ENABLED_BP	BIT_ULL(12)
#define VMX_PENDING_BS		BIT_ULL(14)
#define VMX_PENDING_RTM		BIT_ULL(16)

/* ---- Exit reasons: appendix C ---- */

enum {
	VMX_REASON_EXCEPTION_NMI, VMX_REASON_EXT_INTR, VMX_REASON_TRIPLE_FAULT,
	VMX_REASON_INIT, VMX_REASON_SIPI,
	VMX_REASON_INTR_WINDOW = 7, VMX_REASON_NMI_WINDOW, VMX_REASON_TASK_SWITCH,
	VMX_REASON_CPUID, VMX_REASON_GETSEC, VMX_REASON_HLT, VMX_REASON_INVD,
	VMX_REASON_INVLPG, VMX_REASON_RDPMC, VMX_REASON_RDTSC, VMX_REASON_RSM,
	VMX_REASON_VMCALL, VMX_REASON_VMCLEAR, VMX_REASON_VMLAUNCH, VMX_REASON_VMPTRLD,
	VMX_REASON_VMPTRST, VMX_REASON_VMREAD, VMX_REASON_VMRESUME, VMX_REASON_VMWRITE,
	VMX_REASON_VMXOFF, VMX_REASON_VMXON, VMX_REASON_CR, VMX_REASON_DR,
	VMX_REASON_IO, VMX_REASON_RDMSR, VMX_REASON_WRMSR, VMX_REASON_INVALID_STATE,
	VMX_REASON_MSR_LOAD, VMX_REASON_MWAIT = 36, VMX_REASON_MTF,
	VMX_REASON_MONITOR = 39, VMX_REASON_PAUSE, VMX_REASON_ENTRY_MC,
	VMX_REASON_TPR = 43, VMX_REASON_APIC_ACCESS, VMX_REASON_EOI,
	VMX_REASON_GDT_IDT, VMX_REASON_LDT_TR, VMX_REASON_EPT_VIOLATION,
	VMX_REASON_EPT_MISCONFIG, VMX_REASON_INVEPT, VMX_REASON_RDTSCP,
	VMX_REASON_PREEMPT_TIMER, VMX_REASON_INVVPID, VMX_REASON_WBINVD,
	VMX_REASON_XSETBV, VMX_REASON_APIC_WRITE, VMX_REASON_RDRAND, VMX_REASON_INVPCID,
	VMX_REASON_VMFUNC, VMX_REASON_ENCLS, VMX_REASON_RDSEED, VMX_REASON_PML_FULL,
	VMX_REASON_XSAVES, VMX_REASON_XRSTORS,
	VMX_REASONS
};

/* No exits of the processor's: see section_begin() and enter() in vmx.c */
#define VMX_PSEUDO_PDPTRS	0x10000U	/* PDPTEs have to be read before a section */
#define VMX_PSEUDO_FAILED	0x10001U	/* the entry itself failed */

#define VMX_REASON_MASK		0xffffU
#define VMX_REASON_FAILED_ENTRY	BIT(31)

/* ---- The processor: appendix A ---- */

/**
 * struct vmx_ctls - one word of controls as a capability MSR describes it
 * @must: bits that have to be 1
 * @may: bits that can be 1
 */
struct vmx_ctls {
	u32 must;
	u32 may;
};

/**
 * struct vmx_hw - what the processors offer and what all vCPUs share
 * @revision: of the VMCS layout, for the first word of VMXON region and VMCS
 * @pin: what pin-based controls can be
 * @proc: primary processor-based controls
 * @proc2: secondary ones
 * @exit: VM-exit controls
 * @entry: VM-entry controls
 * @cr0_fixed0: CR0 bits that must be 1 in VMX operation; PE and PG are
 *              exempted in guests by unrestricted guest
 * @cr0_fixed1: CR0 bits that can be 1
 * @cr4_fixed0: CR4 bits that must be 1
 * @cr4_fixed1: CR4 bits that can be 1
 * @misc: IA32_VMX_MISC
 * @run_limit: longest run of a guest without an exit, in ticks of the
 *             VMX-preemption timer
 * @run_least: shortest one that a LAPIC timer's deadline leaves a guest, 1 us in
 *             cycles of the TSC
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @maxphyaddr: width of a physical address
 * @vpid: the one VPID that hvmon uses, 0 without
 * @ept_ad: EPT has accessed and dirty bits
 * @pml: the processor logs pages in whose leaves it sets the dirty bit
 * @error_any: an error code may be given with any exception (A.1, bit 56)
 * @spec_ctrl: SPEC_CTRL exists and must be switched by us
 * @ibpb: a barrier keeps guests from steering each other's predictions
 * @pebs: PEBS must be off in guests
 * @rdtscp: there is a TSC_AUX register
 * @msr_bitmap: MSR bitmap
 * @msr_bitmap_pa: its physical address
 * @apicv: APIC accesses and registers are virtualized and interrupts delivered
 *         by the processor; @x2apicv: in x2APIC mode, too
 * @x2apic_bitmap: MSR bitmap for that mode
 * @x2apic_bitmap_pa: its physical address
 * @l1d_flush: the first-level data cache is flushed when a section begins
 * @l1d_pages: what the flush reads where the processor has no command for it
 */
struct vmx_hw {
	u32 revision;
	struct vmx_ctls pin, proc, proc2, exit, entry;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 misc;
	u32 run_limit, run_least;
	u64 ept_vpid;
	u8 maxphyaddr;
	u16 vpid;
	bool ept_ad, pml, error_any, spec_ctrl, ibpb, pebs, rdtscp;
	bool apicv, x2apicv;
	bool l1d_flush;
	void *msr_bitmap, *x2apic_bitmap;
	u64 msr_bitmap_pa, x2apic_bitmap_pa;
	void *l1d_pages;
};

extern struct vmx_hw vmx_hw;

/* Bits behind the point in the TSC multiplier: 26.3, TSC multiplier */
#define VMX_TSC_FRACTION	48

/* IA32_VMX_MISC, A.6 */
#define VMX_MISC_TIMER_SHIFT	0x1f

/* IA32_VMX_EPT_VPID_CAP, A.10 */
#define VMX_EPT_EXEC_ONLY	BIT_ULL(0)
#define VMX_EPT_WALK_4		BIT_ULL(6)
#define VMX_EPT_WALK_5		BIT_ULL(7)
#define VMX_EPT_UC		BIT_ULL(8)
#define VMX_EPT_WB		BIT_ULL(14)
#define VMX_EPT_2M		BIT_ULL(16)
#define VMX_EPT_1G		BIT_ULL(17)
#define VMX_EPT_INVEPT		BIT_ULL(20)
#define VMX_EPT_AD		BIT_ULL(21)
#define VMX_EPT_INVEPT_SINGLE	BIT_ULL(25)
#define VMX_EPT_INVEPT_ALL	BIT_ULL(26)

/* ---- The vCPU ---- */

/* MSRs that neither entry nor exit switches: index into hvmon_vmx_vcpu.msr */
enum vmx_switched_msr {
	VMX_MSR_STAR, VMX_MSR_LSTAR, VMX_MSR_CSTAR, VMX_MSR_SFMASK, VMX_MSR_KERNEL_GS,
	VMX_NR_MSRS
};

/* What the switch needs, read by enter.S */
struct vmx_switch {
	u64 host_rsp;		/* that the VMCS holds */
	u64 cr2;		/* guest's */
	u32 spec_guest;
	u32 spec_host;
	u8 launched;
};

static_assert(offsetof(struct vmx_switch, host_rsp) == VMX_SWITCH_HOST_RSP);
static_assert(offsetof(struct vmx_switch, cr2) == VMX_SWITCH_CR2);
static_assert(offsetof(struct vmx_switch, spec_guest) == VMX_SWITCH_SPEC_GUEST);
static_assert(offsetof(struct vmx_switch, spec_host) == VMX_SWITCH_SPEC_HOST);
static_assert(offsetof(struct vmx_switch, launched) == VMX_SWITCH_LAUNCHED);
/* enter.S counts from these */
static_assert(offsetof(struct hvmon_regs, gpr) == 0 && HVMON_R15 == 15);
static_assert(HVMON_RAX == 0 && HVMON_RCX == 1 && HVMON_RDX == 2 && HVMON_RBX == 3);
static_assert(HVMON_RSP == 4 && HVMON_RBP == 5 && HVMON_RSI == 6 && HVMON_RDI == 7);
/* The ABI's order of segments is that of the encodings */
static_assert(HVMON_ES == 0 && HVMON_CS == 1 && HVMON_SS == 2 && HVMON_DS == 3);
static_assert(HVMON_FS == 4 && HVMON_GS == 5 && HVMON_LDTR == 6 && HVMON_TR == 7);

/* The data segments' selectors that threads choose for themselves */
union vmx_selectors {
	struct {
		u16 ds, es, fs, gs;
	};
	u64 all;
};

/**
 * struct vmx_cpu - one processor: its VMXON region, and what a section found
 * @region: VMXON region
 * @region_pa: its physical address
 * @borrowed: CR4.VMXE was set before: VMX operation is somebody else's
 * @old_vmcs: the lender's current VMCS, ~0 if it had none
 * @cr4: the host's
 * @known: what follows has been read, for good
 * @tr_base: of the host's TSS
 * @gs_base: of the per-CPU area
 * @sysenter_esp: the host's
 * @gdt: the host's: an exit leaves a limit of 0xffff
 * @idt: the host's, likewise
 * @ldt: selector, which an exit makes null
 * @selectors: the thread's
 * @fs_base: the host's
 * @msrs_known: SYSCALL's among what follows have been read, and were the host's
 * @msr: the host's values of what is switched by hand
 * @debugctl: the host's: an exit clears it
 * @tsc_aux: the host's
 * @tsc_aux_now: what TSC_AUX holds
 * @pebs_enable: the host's
 * @dr: the host's DR0-3, if the guest's are loaded
 * @dr6: the host's
 * @dr7: the host's: an exit leaves 0x400
 * @last_vcpu: hvmon_vmx_vcpu.id of the vCPU that ran last
 * @last_switches: how often its thread had been scheduled out by then
 */
struct vmx_cpu {
	void *region;
	u64 region_pa;
	bool borrowed;
	u64 old_vmcs;
	unsigned long cr4;
	bool known;
	u64 tr_base, gs_base, sysenter_esp;
	struct desc_ptr gdt, idt;
	u16 ldt;
	union vmx_selectors selectors;
	u64 fs_base;
	bool msrs_known;
	u64 msr[VMX_NR_MSRS];
	u64 debugctl;
	u64 tsc_aux, tsc_aux_now;
	u64 pebs_enable;
	unsigned long dr[4];
	unsigned long dr6, dr7;
	u64 last_vcpu;
	u64 last_switches;
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpus);

/**
 * struct hvmon_vmx_vcpu - the VT-x half of a vCPU
 * @sw: what enter.S reads
 * @vmcs: the control structure
 * @vmcs_pa: its physical address
 * @field: the cache of the VMCS
 * @valid: fields whose cached value is the present one
 * @dirty: fields whose cached value the VMCS has not got yet; all of them valid
 * @host_cpu: the processor whose own tables and bases the fields of the host have
 * @current_here: the VMCS is current on this processor: VMREAD may be used
 * @flush: mappings that this vCPU may use have changed
 * @invept: INVEPT's descriptor, which lies in memory
 * @injecting: the next entry delivers an event
 * @pdptrs_stale: the PDPTEs have to be read from memory before the next entry
 * @nmi: the exit was an NMI of the host's, to be delivered at the section's end
 * @machine_check: ... or a machine check
 * @dr: DR0-3 while they are not in the registers
 * @dr6: DR6 while it is not in the register
 * @dr_live: the guest uses debug registers: no exits, loaded per section
 * @dr_loaded: DR0-3 and DR6 are in the processor
 * @msr: MSRs that are switched by hand, while they are not in the processor
 * @msr_loaded: they are in the processor
 * @vapic: virtual-APIC page, with the TPR that the guest reads and writes
 *         without an exit; NULL if the processor has no TPR shadow. While
 *         hvmon_vcpu.virt_intr is set it has the LAPIC's other registers, too,
 *         and in a section IRR and ISR are here
 * @tpr: what it held when common code knew it last
 * @posted: vectors given to the processor in this section
 * @pml: page-modification log, VMX_PML_ENTRIES addresses; NULL where there is none.
 *       Outside sections it is empty
 * @pml_on: it is in use
 * @id: never used again
 */
struct hvmon_vmx_vcpu {
	struct vmx_switch sw;
	void *vmcs;
	u64 vmcs_pa;
	u64 field[VMX_NR_FIELDS];
	DECLARE_BITMAP(valid, VMX_NR_FIELDS);
	DECLARE_BITMAP(dirty, VMX_NR_FIELDS);
	struct vmx_cpu *host_cpu;
	bool current_here;
	bool flush;
	struct {
		u64 eptp, reserved;
	} invept;
	bool injecting;
	bool pdptrs_stale;
	bool nmi, machine_check;
	u64 dr[4];
	u64 dr6;
	bool dr_live, dr_loaded;
	u64 msr[VMX_NR_MSRS];
	bool msr_loaded;
	u32 *vapic;
	u32 tpr;
	u32 posted;
	u64 *pml;
	bool pml_on;
	u64 id;
};

/* ---- Small helpers ---- */

u64 vmx_fetch(struct hvmon_vcpu *vcpu, enum vmx_field field);

/* What exits leave alone always is, since vmx_vmcs_init(): no need to look, then */
static __always_inline bool vmx_is_known(const struct hvmon_vmx_vcpu *vmx, enum vmx_field field)
{
	return (__builtin_constant_p(field) && field < VMX_FIRST_VOLATILE) ||
	       arch_test_bit(field, vmx->valid);
}

/*
 * A field's present value: from the cache, else from the VMCS. Outside a
 * section that means to borrow the processor for a moment.
 */
static __always_inline u64 vmx_get(struct hvmon_vcpu *vcpu, enum vmx_field field)
{
	if (likely(vmx_is_known(vcpu->vmx, field)))
		return vcpu->vmx->field[field];
	return vmx_fetch(vcpu, field);
}

/* The VMCS gets it before the next entry */
static __always_inline void vmx_set(struct hvmon_vcpu *vcpu, enum vmx_field field, u64 val)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	if (vmx_is_known(vmx, field) && vmx->field[field] == val)
		return;
	vmx->field[field] = val;
	arch___set_bit(field, vmx->valid);
	arch___set_bit(field, vmx->dirty);
}

static inline void vmx_set_bits(struct hvmon_vcpu *vcpu, enum vmx_field field, u64 bits)
{
	vmx_set(vcpu, field, vmx_get(vcpu, field) | bits);
}

static inline void vmx_clear_bits(struct hvmon_vcpu *vcpu, enum vmx_field field, u64 bits)
{
	vmx_set(vcpu, field, vmx_get(vcpu, field) & ~bits);
}

/*
 * The VMX-preemption timer counts down whenever bit @shift of the TSC changes
 * (26.5.1, A.6): how often it has to do so until the TSC is at @deadline, never
 * less. At most what the field holds; 0 if the deadline is behind.
 */
static __always_inline u32 vmx_timer_ticks(u64 now, u64 deadline, unsigned int shift)
{
	u64 ticks;

	if ((s64)(deadline - now) <= 0)
		return 0;
	ticks = ((deadline - 1) >> shift) + 1 - (now >> shift);
	return ticks < U32_MAX ? ticks : U32_MAX;
}

static inline bool vmx_has2(u32 bits)
{
	return (vmx_hw.proc2.may & bits) == bits;
}

/* ---- caps.c ---- */

bool vmx_probe(struct hvmon_probe *p);
void vmx_detect(struct vmx_hw *hw);
struct vmx_ctls vmx_ctls(u64 msr);
/* @want made possible: what must be is added, what may not be is removed */
static inline u32 vmx_adjust(struct vmx_ctls ctls, u32 want)
{
	return (want | ctls.must) & ctls.may;
}

/* ---- vmcs.c ---- */

/**
 * vmx_vmread() - read a field of the current VMCS
 * @field: which; every processor that has the features hvmon asks for has it
 *
 * In a section only. Return: its value; 0 if the instruction fails, which it
 * cannot for a field that exists (SDM vol. 3, VMREAD).
 */
static __always_inline u64 vmx_vmread(enum vmx_field field)
{
	u64 val = 0;

	asm volatile("1: vmread %1, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r" (val) : "r" ((u64)vmx_encodings[field]) : "cc");
	return val;
}

/* To a field of the current VMCS; fails as vmx_vmread() does */
static __always_inline void vmx_vmwrite(enum vmx_field field, u64 val)
{
	asm volatile("1: vmwrite %1, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "r" ((u64)vmx_encodings[field]), "r" (val) : "cc");
}

/* An exit has been taken: what it may have changed is not known any more */
static __always_inline void vmx_forget(struct hvmon_vmx_vcpu *vmx)
{
	unsigned int i = VMX_FIRST_VOLATILE / BITS_PER_LONG;

	vmx->valid[i++] &= BIT(VMX_FIRST_VOLATILE % BITS_PER_LONG) - 1;
	for (; i < BITS_TO_LONGS(VMX_NR_FIELDS); i++)
		vmx->valid[i] = 0;
}

/* As vmx_get(), for what an exit asks for once: in a section no call, and it is not kept */
static __always_inline u64 vmx_peek(struct hvmon_vcpu *vcpu, enum vmx_field field)
{
	struct hvmon_vmx_vcpu *vmx = vcpu->vmx;

	if (likely(vmx_is_known(vmx, field)))
		return vmx->field[field];
	return likely(vmx->current_here) ? vmx_vmread(field) : vmx_fetch(vcpu, field);
}

void vmx_flush_dirty(struct hvmon_vmx_vcpu *vmx);
/* Every field that is not known is read; in a section */
void vmx_fetch_all(struct hvmon_vmx_vcpu *vmx);
/* Those that emulating one instruction takes; in a section */
void vmx_fetch_for_emulation(struct hvmon_vcpu *vcpu);
int vmx_msr_bitmap_init(void);
void vmx_msr_bitmap_exit(void);
/* Byte and bit of an MSR's read in the bitmap; the write's is 2 KiB further */
bool vmx_msr_bitmap_bit(u32 msr, unsigned int *byte, unsigned int *bit);
void vmx_vmcs_init(struct hvmon_vcpu *vcpu);

/* ---- check.c ---- */

/**
 * struct vmx_broken - a rule of VM entry that is broken
 * @field: the field that breaks it
 * @value: what the field holds
 * @rule: the rule
 */
struct vmx_broken {
	enum vmx_field field;
	u64 value;
	const char *rule;
};

bool vmx_check(const u64 *field, const struct vmx_hw *hw, struct vmx_broken *b);
const char *vmx_field_name(enum vmx_field field);

/* ---- exit.c ---- */

int vmx_handle_exit(struct hvmon_vcpu *vcpu);
int vmx_skip_insn(struct hvmon_vcpu *vcpu);
bool vmx_exit_known(u32 reason);
u32 vmx_ept_access(u64 qualification);
struct hvmon_pio_info vmx_io_info(u64 qualification);

/* ---- state.c ---- */

u32 vmx_seg_ar(u32 attr);
void vmx_get_state(struct hvmon_vcpu *vcpu, u64 groups, struct hvmon_state *st);
void vmx_set_state(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st);
u64 vmx_get_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg);
void vmx_set_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg, u64 val);
void vmx_get_seg(struct hvmon_vcpu *vcpu, int seg, struct hvmon_segment *out);
u64 vmx_seg_base(struct hvmon_vcpu *vcpu, int seg);
void vmx_set_seg(struct hvmon_vcpu *vcpu, int seg, const struct hvmon_segment *in);
void vmx_get_paging(struct hvmon_vcpu *vcpu, struct hvmon_paging *pg);
int vmx_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val);
int vmx_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val);
int vmx_cpl(struct hvmon_vcpu *vcpu);
int vmx_code_bits(struct hvmon_vcpu *vcpu);
void vmx_get_code(struct hvmon_vcpu *vcpu, struct hvmon_code *code);
void vmx_vcpu_reset(struct hvmon_vcpu *vcpu, bool init);
/* PDPTEs as MOV to CR3 loads them, after a change that has that effect: 4.4.1 */
bool vmx_load_pdptrs(struct hvmon_vcpu *vcpu);

/* ---- switch.c: registers of the processor that no entry or exit switches ---- */

extern const u32 vmx_switched_msrs[VMX_NR_MSRS];

void vmx_dr_make_live(struct hvmon_vcpu *vcpu);
void vmx_dr_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);
void vmx_dr_section_end(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);
u64 vmx_get_dr(struct hvmon_vcpu *vcpu, int n);
void vmx_set_dr(struct hvmon_vcpu *vcpu, int n, u64 val);
void vmx_msrs_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);
void vmx_msrs_section_end(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);
void vmx_host_section_begin(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);
void vmx_host_section_end(struct vmx_cpu *cpu);
/* Registers that common code keeps and the processor or VMCS must have */
void vmx_sync(struct hvmon_vcpu *vcpu, struct vmx_cpu *cpu);

/* ---- apic.c ---- */

/* Offsets in the virtual-APIC page are those of the LAPIC's registers */
static __always_inline u32 *vmx_vapic(struct hvmon_vmx_vcpu *vmx, u32 offset)
{
	return &vmx->vapic[offset / sizeof(u32)];
}

int vmx_apic_init(struct hvmon_vcpu *vcpu);
void vmx_apic_fini(struct hvmon_vcpu *vcpu);
void vmx_apic_detect(void);
void vmx_apic_update(struct hvmon_vcpu *vcpu);
void vmx_apic_section_begin(struct hvmon_vcpu *vcpu);
void vmx_apic_section_end(struct hvmon_vcpu *vcpu);
void vmx_apic_refresh(struct hvmon_vcpu *vcpu);
void vmx_post_irr(struct hvmon_vcpu *vcpu);
bool vmx_virtualizes_apic(struct hvmon_vcpu *vcpu, u64 gpa, u32 access);
int vmx_exit_apic_access(struct hvmon_vcpu *vcpu);
int vmx_exit_apic_write(struct hvmon_vcpu *vcpu);
int vmx_exit_eoi(struct hvmon_vcpu *vcpu);
/* The TPR: from the guest to common code, and back */
static __always_inline bool vmx_tpr_changed(struct hvmon_vmx_vcpu *vmx)
{
	return vmx->vapic && READ_ONCE(*vmx_vapic(vmx, APIC_TASKPRI)) != vmx->tpr;
}

void vmx_take_tpr(struct hvmon_vcpu *vcpu);
void vmx_give_tpr(struct hvmon_vcpu *vcpu);

/* ---- intr.c ---- */

u32 vmx_encode_event(const struct hvmon_event *ev);
void vmx_decode_event(u32 info, u32 error, u32 insn_len, struct hvmon_event *ev);
bool vmx_nmi_blocked(struct hvmon_vcpu *vcpu);
bool vmx_can_inject(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
void vmx_inject(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev);
void vmx_open_window(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
void vmx_after_exit(struct hvmon_vcpu *vcpu, u32 vectoring);
void vmx_fit_shadow(u64 rflags, u64 debugctl, u64 *blocked, u64 *pending);
void vmx_events_section_begin(struct hvmon_vcpu *vcpu);

/* ---- pml.c ---- */

#define VMX_PML_ENTRIES		512

void vmx_pml_detect(void);
int vmx_pml_init(struct hvmon_vcpu *vcpu);
void vmx_pml_fini(struct hvmon_vcpu *vcpu);
void vmx_pml_section_begin(struct hvmon_vcpu *vcpu);
void vmx_pml_drain(struct hvmon_vcpu *vcpu);

/* ---- ept.c ---- */

extern struct hvmon_pt_fmt hvmon_ept_fmt;
void vmx_ept_init(void);

/* ---- enter.S: instructions return 0, -EIO if they fault or fail ---- */

int hvmon_vmx_enter(struct hvmon_regs *regs, struct vmx_switch *sw);
void hvmon_vmx_flush_l1d(const void *pages);
void hvmon_vmx_exit(void);	/* where exits arrive: an address, not a function */

#endif /* __ASSEMBLER__ */
#endif /* _HVMON_VMX_H */
