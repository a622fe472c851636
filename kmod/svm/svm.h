/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AMD-V: the control block (VMCB) as the processor sees it, exit codes, and
 * what the files of kmod/svm/ share. Section numbers are those of the AMD64
 * Architecture Programmer's Manual (APM), volume 2, unless said otherwise.
 */
#ifndef _HVMON_SVM_H
#define _HVMON_SVM_H

#define SVM_SWITCH_VMCB_PA	0
#define SVM_SWITCH_HOST_PA	8
#define SVM_SWITCH_SPEC_GUEST	16
#define SVM_SWITCH_SPEC_HOST	20

#ifndef __ASSEMBLER__

#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/msr.h>

#include "../host.h"
#include "../hvmon.h"

/* ---- VMCB: appendix B ---- */

struct svm_segment {
	u16 selector;
	u16 attrib;		/* descriptor bits 47:40, then 55:52 */
	u32 limit;
	u64 base;
} __packed;

struct svm_save {
	struct svm_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 rsvd_0a0[0x2b];
	u8 cpl;
	u32 rsvd_0cc;
	u64 efer;
	u8 rsvd_0d8[0x70];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 rsvd_180[0x58];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst_addr;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 rsvd_248[0x20];
	u64 g_pat;
	u64 dbgctl;
	u8 rsvd_278[0x68];
	u64 spec_ctrl;
} __packed;

#define SVM_INTERCEPT_WORDS	6

struct svm_vmcb {
	/* Bit n of word w is the intercept of the exit with code 32 * w + n */
	u32 intercept[SVM_INTERCEPT_WORDS];
	u8 rsvd_018[0x24];
	u16 pause_thresh;
	u16 pause_count;
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 rsvd_05d[3];
	u64 vintr;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 np_control;
	u64 avic_bar;
	u64 ghcb;
	u64 event_inj;
	u64 n_cr3;
	u64 virt_ext;
	u32 clean;
	u32 rsvd_0c4;
	u64 next_rip;
	u8 insn_len;
	u8 insn_bytes[15];
	u8 rsvd_0e0[0x320];
	struct svm_save save;
	u8 rsvd_6e8[0x918];
} __packed;

#define SVM_TLB_FLUSH_ALL	1
#define SVM_TLB_FLUSH_ASID	3

#define SVM_VINTR_TPR_MASK	0xffULL
#define SVM_VINTR_IRQ		BIT_ULL(8)
#define SVM_VINTR_PRIO_MASK	(0xfULL << 16)
#define SVM_VINTR_IGN_TPR	BIT_ULL(20)
#define SVM_VINTR_MASKING	BIT_ULL(24)

#define SVM_INT_SHADOW		BIT_ULL(0)
#define SVM_NP_ENABLE		BIT_ULL(0)

#define SVM_EVENT_VECTOR_MASK	0xffULL
#define SVM_EVENT_TYPE_SHIFT	8
#define SVM_EVENT_TYPE_MASK	(7ULL << SVM_EVENT_TYPE_SHIFT)
#define SVM_EVENT_ERROR_VALID	BIT_ULL(11)
#define SVM_EVENT_VALID		BIT_ULL(31)

/* VMCB clean bits, 15.15.3 */
enum svm_clean {
	SVM_CLEAN_I, SVM_CLEAN_IOPM, SVM_CLEAN_ASID, SVM_CLEAN_TPR, SVM_CLEAN_NP,
	SVM_CLEAN_CRX, SVM_CLEAN_DRX, SVM_CLEAN_DT, SVM_CLEAN_SEG, SVM_CLEAN_CR2,
	SVM_CLEAN_BITS,
};

/* ---- Exit codes: appendix C ---- */

#define SVM_EXIT_CR_READ(n)	(0x00 + (n))
#define SVM_EXIT_CR_WRITE(n)	(0x10 + (n))
#define SVM_EXIT_DR_READ(n)	(0x20 + (n))
#define SVM_EXIT_DR_WRITE(n)	(0x30 + (n))
#define SVM_EXIT_EXCP(n)	(0x40 + (n))

enum {
	SVM_EXIT_INTR = 0x60, SVM_EXIT_NMI, SVM_EXIT_SMI, SVM_EXIT_INIT, SVM_EXIT_VINTR,
	SVM_EXIT_RDPMC = 0x6f,
	SVM_EXIT_CPUID = 0x72, SVM_EXIT_RSM, SVM_EXIT_IRET,
	SVM_EXIT_INVD = 0x76, SVM_EXIT_PAUSE, SVM_EXIT_HLT, SVM_EXIT_INVLPG,
	SVM_EXIT_INVLPGA, SVM_EXIT_IOIO, SVM_EXIT_MSR, SVM_EXIT_TASK_SWITCH,
	SVM_EXIT_SHUTDOWN = 0x7f,
	SVM_EXIT_VMRUN, SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE,
	SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT, SVM_EXIT_RDTSCP,
	SVM_EXIT_WBINVD = 0x89, SVM_EXIT_MONITOR, SVM_EXIT_MWAIT,
	SVM_EXIT_XSETBV = 0x8d, SVM_EXIT_RDPRU,
	SVM_EXIT_TABLE = 0xc0,		/* one past the last with an intercept bit */
	SVM_EXIT_NPF = 0x400,
};

/*
 * Sign-extended by processors, zero-extended by at least one emulator: only
 * the low half is looked at.
 */
#define SVM_EXIT_INVALID	0xffffffffU

/* ---- The processor ---- */

/* TSC_RATIO: bits behind the point, 15.30.5 */
#define TSC_RATIO_FRACTION	32
#define TSC_RATIO_ONE		BIT_ULL(TSC_RATIO_FRACTION)

/**
 * struct svm_hw - what the processors offer and what all vCPUs share
 * @asid: the one ASID that hvmon uses, the processor's highest
 * @nasid: ASIDs that the processor has
 * @flush: TLB_CONTROL command that removes all entries of @asid
 * @nrip: the VMCB tells the next RIP
 * @decode: the VMCB tells operands and instruction bytes
 * @pause_filter: PAUSE can be counted
 * @pause_thresh: ... and PAUSEs far apart forgotten
 * @tsc_ratio: guests' TSC can be scaled
 * @rdpru: there is a RDPRU instruction
 * @rdtscp: there is a TSC_AUX register
 * @spec_ctrl: SPEC_CTRL exists and must be switched by us
 * @v_spec_ctrl: the VMCB has the guest's SPEC_CTRL
 * @ibpb: a barrier keeps guests from steering each other's predictions
 * @clean: VMCB clean bits that the processor knows
 * @maxphyaddr: width of a physical address
 * @iopm: I/O permission map: everything intercepted
 * @msrpm: MSR permission map
 * @zero: an empty nested page table
 * @iopm_pa: physical address of @iopm
 * @msrpm_pa: physical address of @msrpm
 */
struct svm_hw {
	u32 asid;
	u32 nasid;
	u8 flush;
	bool nrip, decode, pause_filter, pause_thresh, tsc_ratio, rdpru, rdtscp;
	bool spec_ctrl, v_spec_ctrl, ibpb;
	u32 clean;
	u8 maxphyaddr;
	void *iopm;
	void *msrpm;
	void *zero;
	u64 iopm_pa;
	u64 msrpm_pa;
};

extern struct svm_hw svm_hw;

/**
 * struct svm_cpu - one processor: its pages, and what a section found there
 * @host: receives the host's VMSAVE state, and is the VMCB of the flush that
 *        ends a borrowed section. The two use disjoint fields.
 * @hsave: host save area, for VM_HSAVE_PA
 * @host_pa: physical address of @host
 * @hsave_pa: physical address of @hsave
 * @old_hsave_pa: VM_HSAVE_PA before the section
 * @efer: EFER before it
 * @borrowed: EFER.SVME was set before: somebody else's entries share the TLB
 * @restore_debugctl: DEBUGCTL was changed
 * @restore_tsc_aux: TSC_AUX was changed
 * @debugctl: the host's
 * @tsc_aux: the host's
 * @tsc_aux_now: what TSC_AUX holds
 * @dr: the host's DR0-3, if the guest's are loaded
 * @dr6: the host's
 * @dr7: the host's
 * @last_vcpu: hvmon_svm_vcpu.id of the vCPU that ran last
 * @last_switches: how often its thread had been scheduled out by then
 * @tsc_ratio: TSC_RATIO as it was found, 0 if there is nothing to restore
 */
struct svm_cpu {
	struct svm_vmcb *host;
	void *hsave;
	u64 host_pa;
	u64 hsave_pa;
	u64 old_hsave_pa;
	u64 efer;
	bool borrowed;
	bool restore_debugctl;
	bool restore_tsc_aux;
	u64 debugctl;
	u64 tsc_aux;
	u64 tsc_aux_now;
	unsigned long dr[4];
	unsigned long dr6;
	unsigned long dr7;
	u64 last_vcpu;
	u64 last_switches;
	u64 tsc_ratio;
};

/* What the switch needs, read by enter.S */
struct svm_switch {
	u64 vmcb_pa;
	u64 host_pa;
	u32 spec_guest;
	u32 spec_host;
};

static_assert(offsetof(struct svm_switch, vmcb_pa) == SVM_SWITCH_VMCB_PA);
static_assert(offsetof(struct svm_switch, host_pa) == SVM_SWITCH_HOST_PA);
static_assert(offsetof(struct svm_switch, spec_guest) == SVM_SWITCH_SPEC_GUEST);
static_assert(offsetof(struct svm_switch, spec_host) == SVM_SWITCH_SPEC_HOST);
/* enter.S counts from these */
static_assert(offsetof(struct hvmon_regs, gpr) == 0 && HVMON_R15 == 15);
static_assert(HVMON_RAX == 0 && HVMON_RCX == 1 && HVMON_RDX == 2 && HVMON_RBX == 3);
static_assert(HVMON_RSP == 4 && HVMON_RBP == 5 && HVMON_RSI == 6 && HVMON_RDI == 7);

/**
 * struct hvmon_svm_vcpu - the AMD-V half of a vCPU
 * @sw: what enter.S reads
 * @vmcb: control block
 * @watch: the next exit leaves something to svm_after_exit()
 * @injected: low half of the event that the last entry injected
 * @cr0_hidden: CR0.CD and NW as the guest wrote them; it runs without
 * @dr: DR0-3 while they are not in the registers
 * @dr_live: the guest uses debug registers: no intercepts, loaded per section
 * @dr_loaded: DR0-3 are in the processor
 * @window: V_IRQ is pending only to exit when interrupts are possible
 * @nmi_blocked: an NMI was taken, its IRET not yet
 * @iret_pending: that IRET is at @iret_rip and about to run
 * @iret_rip: see @iret_pending
 * @step: RFLAGS.TF is ours, to exit after one instruction
 * @step_iret: ... which is the IRET that ends an NMI
 * @step_tf: RFLAGS.TF of the guest
 * @step_rip: where the step began
 * @step_dr6: DR6 before it
 * @machine_check: the exit was a machine check, to be handled by the host
 * @id: never used again
 */
struct hvmon_svm_vcpu {
	struct svm_switch sw;
	struct svm_vmcb *vmcb;
	bool watch;
	u32 injected;
	u64 cr0_hidden;
	u64 dr[4];
	bool dr_live, dr_loaded;
	bool window;
	bool nmi_blocked, iret_pending;
	bool step, step_iret, step_tf;
	bool machine_check;
	u64 iret_rip;
	u64 step_rip;
	u64 step_dr6;
	u64 id;
};

/* ---- Small helpers ---- */

static inline void svm_dirty(struct svm_vmcb *vmcb, enum svm_clean bit)
{
	vmcb->clean &= ~BIT(bit);
}

/* @code: of the exit that is wanted */
static inline void svm_intercept(struct svm_vmcb *vmcb, unsigned int code)
{
	vmcb->intercept[code / 32] |= BIT(code % 32);
	svm_dirty(vmcb, SVM_CLEAN_I);
}

static inline void svm_unintercept(struct svm_vmcb *vmcb, unsigned int code)
{
	vmcb->intercept[code / 32] &= ~BIT(code % 32);
	svm_dirty(vmcb, SVM_CLEAN_I);
}

static inline bool svm_intercepted(const struct svm_vmcb *vmcb, unsigned int code)
{
	return vmcb->intercept[code / 32] & BIT(code % 32);
}

/* HVMON_SEG_L and HVMON_SEG_DB as svm_seg_attrib() has them */
#define SVM_ATTRIB_L	BIT(9)
#define SVM_ATTRIB_DB	BIT(10)

/* Mode of the code segment: 16, 32 or 64 */
static inline int svm_cs_bits(const struct svm_save *save)
{
	if (save->efer & EFER_LMA && save->cs.attrib & SVM_ATTRIB_L)
		return 64;
	return save->cs.attrib & SVM_ATTRIB_DB ? 32 : 16;
}

/* All of the guest's translations go at the next entry */
static inline void svm_flush(struct hvmon_svm_vcpu *svm)
{
	svm->vmcb->tlb_control = svm_hw.flush;
}

/* ---- enter.S ---- */

int hvmon_svm_enter(struct hvmon_regs *regs, const struct svm_switch *sw);

/* One instruction of the extension, with its operand in RAX; 0, or -EIO if it faulted */
#define SVM_INSN(insn)							\
static __always_inline int hvmon_svm_##insn(u64 pa)			\
{									\
	asm goto("1: " #insn "\n"					\
		 _ASM_EXTABLE(1b, %l[fault])				\
		 : : "a" (pa) : "memory" : fault);			\
	return 0;							\
fault:									\
	return -EIO;							\
}

SVM_INSN(clgi)
SVM_INSN(stgi)
SVM_INSN(vmsave)
/* Only of a guest that executes nothing: no register is saved */
SVM_INSN(vmrun)

/* ---- caps.c ---- */

bool svm_probe(struct hvmon_probe *p);
void svm_detect(struct svm_hw *hw);

/* ---- vmcb.c ---- */

int svm_maps_init(void);
void svm_maps_exit(void);
void svm_vmcb_init(struct hvmon_vcpu *vcpu);
void svm_flush_vmcb_init(struct svm_vmcb *vmcb);
/* Byte and bit (of the read; the write's is the next) in the MSR map */
bool svm_msrpm_bit(u32 msr, unsigned int *byte, unsigned int *bit);
/* First rule of 15.5.1 that the VMCB breaks, NULL if none */
const char *svm_vmcb_why(const struct svm_vmcb *vmcb, const struct svm_hw *hw);

/* ---- exit.c ---- */

int svm_handle_exit(struct hvmon_vcpu *vcpu);
int svm_skip_insn(struct hvmon_vcpu *vcpu);
/* Is there a handler for the exit code? */
bool svm_exit_known(u64 code);
u32 svm_npf_access(u64 info);
struct hvmon_pio_info svm_ioio_info(u64 info);
/* Length of an instruction whose opcode is known; 0 if the bytes differ */
int svm_opcode_len(const u8 *bytes, int n, bool bits64, const u8 *opcode, int opcode_len);

/* ---- state.c ---- */

u16 svm_seg_attrib(u32 attr);
u32 svm_seg_attr(u16 attrib);
void svm_get_state(struct hvmon_vcpu *vcpu, u64 groups, struct hvmon_state *st);
void svm_set_state(struct hvmon_vcpu *vcpu, u64 groups, const struct hvmon_state *st);
u64 svm_get_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg);
void svm_set_reg(struct hvmon_vcpu *vcpu, enum hvmon_reg reg, u64 val);
void svm_get_seg(struct hvmon_vcpu *vcpu, int seg, struct hvmon_segment *out);
u64 svm_seg_base(struct hvmon_vcpu *vcpu, int seg);
void svm_set_seg(struct hvmon_vcpu *vcpu, int seg, const struct hvmon_segment *in);
void svm_get_paging(struct hvmon_vcpu *vcpu, struct hvmon_paging *pg);
int svm_get_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 *val);
int svm_set_msr(struct hvmon_vcpu *vcpu, u32 msr, u64 val);
int svm_cpl(struct hvmon_vcpu *vcpu);
int svm_code_bits(struct hvmon_vcpu *vcpu);
void svm_get_code(struct hvmon_vcpu *vcpu, struct hvmon_code *code);
void svm_vcpu_reset(struct hvmon_vcpu *vcpu, bool init);
void svm_dr_make_live(struct hvmon_vcpu *vcpu);
void svm_dr_load(struct hvmon_svm_vcpu *svm, struct svm_cpu *cpu);
void svm_dr_unload(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu);
/* Registers that common code keeps and the processor or VMCB must have */
void svm_sync(struct hvmon_vcpu *vcpu, struct svm_cpu *cpu);

/* ---- intr.c ---- */

u64 svm_encode_event(const struct hvmon_event *ev);
void svm_decode_event(u64 info, struct hvmon_event *ev);
bool svm_can_inject(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
bool svm_nmi_blocked(struct hvmon_vcpu *vcpu);
void svm_inject(struct hvmon_vcpu *vcpu, const struct hvmon_event *ev);
void svm_open_window(struct hvmon_vcpu *vcpu, enum hvmon_event_kind kind);
void svm_close_window(struct hvmon_svm_vcpu *svm);
void svm_block_nmi(struct hvmon_svm_vcpu *svm, bool block);
void svm_after_exit(struct hvmon_vcpu *vcpu);
int svm_exit_iret(struct hvmon_vcpu *vcpu);
int svm_exit_db(struct hvmon_vcpu *vcpu);

/* ---- svm.c ---- */

DECLARE_PER_CPU(struct svm_cpu, svm_cpus);

#endif /* __ASSEMBLER__ */
#endif /* _HVMON_SVM_H */
