// SPDX-License-Identifier: GPL-2.0
/*
 * Decodes exits into the neutral calls of kmod/exit.c, which decide. Handlers
 * return what those return, or HVMON_LEAVE where the host waits (hvmon.h).
 */
#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/processor-flags.h>

#include "../window.h"
#include "svm.h"

/* ---- instruction lengths ---- */

/* An instruction that exits, where the processor tells no length */
struct svm_insn {
	u32 opcode;	/* its bytes, the first one lowest */
	u32 mask;	/* of as many bytes */
	u8 len;
};

#define INSN(len, opcode)	{ opcode, (1u << 8 * (len)) - 1, len }

static const struct svm_insn insn_cpuid = INSN(2, 0xa20f);
static const struct svm_insn insn_rdmsr = INSN(2, 0x320f);
static const struct svm_insn insn_wrmsr = INSN(2, 0x300f);
static const struct svm_insn insn_hlt = INSN(1, 0xf4);
static const struct svm_insn insn_invd = INSN(2, 0x080f);
static const struct svm_insn insn_wbinvd = INSN(2, 0x090f);
static const struct svm_insn insn_vmmcall = INSN(3, 0xd9010f);
static const struct svm_insn insn_xsetbv = INSN(3, 0xd1010f);
static const struct svm_insn insn_monitor = INSN(3, 0xc8010f);
static const struct svm_insn insn_mwait = INSN(3, 0xc9010f);

#define INSN_MAX	15

static bool is_prefix(u8 byte, bool bits64)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return bits64 && (byte & 0xf0) == 0x40;
	}
}

/**
 * svm_opcode_len() - length of an instruction that is prefixes and an opcode
 * @bytes: the instruction's
 * @n: how many there are
 * @bits64: 64-bit mode, where REX prefixes exist
 * @opcode: what is expected
 * @opcode_len: its length
 *
 * Return: the length; 0 if the bytes are another instruction's.
 */
int svm_opcode_len(const u8 *bytes, int n, bool bits64, const u8 *opcode, int opcode_len)
{
	int i = 0;

	while (i < n && is_prefix(bytes[i], bits64))
		i++;
	if (i + opcode_len > n || memcmp(bytes + i, opcode, opcode_len))
		return 0;
	return i + opcode_len;
}

static __always_inline struct hvmon_code code_at(const struct hvmon_vcpu *vcpu)
{
	const struct svm_save *save = &vcpu->svm->vmcb->save;
	int bits = svm_cs_bits(save);

	return (struct hvmon_code) {
		.bits = bits,
		.lin = bits == 64 ? vcpu->regs.rip : (u32)(save->cs.base + vcpu->regs.rip),
		.cr3 = save->cr3,
		.mode = hvmon_fetch_mode(save->cr0, save->cr4, save->efer, save->cpl),
	};
}

/**
 * svm_get_code() - where the code is
 * @vcpu: the vCPU
 * @code: filled in
 */
void svm_get_code(struct hvmon_vcpu *vcpu, struct hvmon_code *code)
{
	*code = code_at(vcpu);
}

/*
 * By all of the bytes. If they are not the instruction's, another vCPU has changed
 * or unmapped them: the guest executes what is there now.
 */
static noinline int fetch_len(struct hvmon_vcpu *vcpu, const struct svm_insn *insn)
{
	bool bits64 = svm_code_bits(vcpu) == 64;
	u8 bytes[INSN_MAX];
	int n;

	n = hvmon_fetch_insn(vcpu, bytes, sizeof(bytes));
	if (n < 0 && vcpu->in_section)
		return HVMON_LATER;
	n = n > 0 ? svm_opcode_len(bytes, n, bits64, (const u8 *)&insn->opcode, insn->len) : 0;
	if (!n)
		return HVMON_RESUME;
	vcpu->exit.insn_len = n;
	return 0;
}

/* Mostly the same page as before; and prefixes are rare */
static __always_inline int peek_len(struct hvmon_vcpu *vcpu, const struct svm_insn *insn)
{
	const struct hvmon_code code = code_at(vcpu);
	u64 bytes;

	if (!hvmon_window_peek(vcpu, &code, &bytes, sizeof(bytes)) ||
	    (bytes & insn->mask) != insn->opcode)
		return fetch_len(vcpu, insn);
	vcpu->exit.insn_len = insn->len;
	return 0;
}

/*
 * Sets vcpu->exit.insn_len. Return: 0, or what the handler has to return. For the
 * exits that come most often; others call it, by know_len().
 */
static __always_inline int know_len_inline(struct hvmon_vcpu *vcpu, const struct svm_insn *insn)
{
	/* A hypervisor below us may promise the next RIP and leave it 0 */
	if (svm_hw.nrip && vcpu->svm->vmcb->next_rip - vcpu->regs.rip - 1 < INSN_MAX) {
		vcpu->exit.insn_len = vcpu->svm->vmcb->next_rip - vcpu->regs.rip;
		return 0;
	}
	return peek_len(vcpu, insn);
}

static noinline int know_len(struct hvmon_vcpu *vcpu, const struct svm_insn *insn)
{
	return know_len_inline(vcpu, insn);
}

/**
 * svm_skip_insn() - the instruction that exited is done
 * @vcpu: the vCPU, with exit.insn_len set
 *
 * Return: HVMON_RESUME.
 */
int svm_skip_insn(struct hvmon_vcpu *vcpu)
{
	u64 old = vcpu->regs.rip, rip = old + vcpu->exit.insn_len;

	vcpu->regs.rip = rip;
	vcpu->svm->vmcb->int_state &= ~SVM_INT_SHADOW;
	if (unlikely((rip ^ old) >> 32 | (vcpu->regs.rflags & X86_EFLAGS_TF)))
		return hvmon_skip_end(vcpu);
	return HVMON_RESUME;
}

/* ---- instructions ---- */

static noinline int exit_cpuid(struct hvmon_vcpu *vcpu)
{
	int r = know_len_inline(vcpu, &insn_cpuid);

	return r ? r : hvmon_exit_cpuid(vcpu);
}

static noinline int exit_rdmsr(struct hvmon_vcpu *vcpu)
{
	int r = know_len_inline(vcpu, &insn_rdmsr);

	return r ? r : hvmon_exit_rdmsr(vcpu);
}

static noinline int exit_wrmsr(struct hvmon_vcpu *vcpu)
{
	int r = know_len_inline(vcpu, &insn_wrmsr);

	if (r)
		return r;
	r = hvmon_exit_wrmsr(vcpu);
	if (unlikely(vcpu->out_of_sync) && vcpu->in_section)
		svm_sync(vcpu, this_cpu_ptr(&svm_cpus));
	return r;
}

static int exit_msr(struct hvmon_vcpu *vcpu)
{
	return vcpu->exit.info1 & 1 ? exit_wrmsr(vcpu) : exit_rdmsr(vcpu);
}

static noinline int exit_hlt(struct hvmon_vcpu *vcpu)
{
	int r = know_len_inline(vcpu, &insn_hlt);

	return r ? r : hvmon_exit_hlt(vcpu);
}

static int exit_vmmcall(struct hvmon_vcpu *vcpu)
{
	int r = know_len(vcpu, &insn_vmmcall);

	return r ? r : hvmon_exit_hypercall(vcpu);
}

static int exit_xsetbv(struct hvmon_vcpu *vcpu)
{
	int r = know_len(vcpu, &insn_xsetbv);

	return r ? r : hvmon_exit_xsetbv(vcpu);
}

/* Does nothing, as far as the guest can tell */
static int exit_nop(struct hvmon_vcpu *vcpu, const struct svm_insn *insn)
{
	int r = know_len(vcpu, insn);

	return r ? r : svm_skip_insn(vcpu);
}

/* The guest's memory is cached coherently: there is nothing to write back */
static int exit_invd(struct hvmon_vcpu *vcpu)
{
	return exit_nop(vcpu, &insn_invd);
}

static int exit_wbinvd(struct hvmon_vcpu *vcpu)
{
	return exit_nop(vcpu, &insn_wbinvd);
}

static int exit_ud(struct hvmon_vcpu *vcpu)
{
	hvmon_inject_ud(vcpu);
	return HVMON_RESUME;
}

/* There are no performance counters */
static int exit_rdpmc(struct hvmon_vcpu *vcpu)
{
	hvmon_inject_gp(vcpu);
	return HVMON_RESUME;
}

/* A wait for a write that ends at once is within what MWAIT may do */
static int exit_monitor(struct hvmon_vcpu *vcpu)
{
	return vcpu->caps.mwait ? exit_nop(vcpu, &insn_monitor) : exit_ud(vcpu);
}

static int exit_mwait(struct hvmon_vcpu *vcpu)
{
	return vcpu->caps.mwait ? exit_nop(vcpu, &insn_mwait) : exit_ud(vcpu);
}

/* The vCPU spins, perhaps for one that the host could run meanwhile */
static int exit_pause(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_section)
		return HVMON_LATER;
	vcpu->stats.other++;
	cond_resched();
	return HVMON_RESUME;
}

/**
 * svm_ioio_info() - EXITINFO1 of an IOIO exit: 15.10.2
 * @info: EXITINFO1
 *
 * Return: the access.
 */
struct hvmon_pio_info svm_ioio_info(u64 info)
{
	return (struct hvmon_pio_info) {
		.port = info >> 16,
		.size = info >> 4 & 7,
		.in = info & BIT(0),
		.string = info & BIT(2),
	};
}

static int exit_ioio(struct hvmon_vcpu *vcpu)
{
	vcpu->pio = svm_ioio_info(vcpu->exit.info1);
	vcpu->exit.insn_len = vcpu->exit.info2 - vcpu->regs.rip;
	return hvmon_exit_pio(vcpu);
}

/* ---- control and debug registers ---- */

/* MOV to or from a control register, with its operand in EXITINFO1: 15.8.1 */
static int decoded_cr(struct hvmon_vcpu *vcpu, int cr, bool write)
{
	u64 *gpr = &vcpu->regs.gpr[vcpu->exit.info1 & 15];
	bool bits64 = svm_code_bits(vcpu) == 64;
	int r;

	vcpu->exit.insn_len = vcpu->svm->vmcb->next_rip - vcpu->regs.rip;
	if (!write) {
		*gpr = hvmon_get_cr(vcpu, cr);
		return svm_skip_insn(vcpu);
	}
	r = hvmon_set_cr(vcpu, cr, bits64 ? *gpr : (u32)*gpr);
	if (r == -EINVAL) {
		hvmon_inject_gp(vcpu);
		return HVMON_RESUME;
	}
	return r < 0 ? r : svm_skip_insn(vcpu);
}

#define INFO_MOV_CR	BIT_ULL(63)	/* not LMSW, SMSW or CLTS */

static int exit_cr(struct hvmon_vcpu *vcpu)
{
	bool write = vcpu->exit.code >= SVM_EXIT_CR_WRITE(0);
	int cr = vcpu->exit.code & 15;
	int r;

	vcpu->stats.other += vcpu->in_section;
	if (svm_hw.decode && svm_hw.nrip && vcpu->exit.info1 & INFO_MOV_CR &&
	    vcpu->svm->vmcb->next_rip - vcpu->regs.rip - 1 < INSN_MAX)
		r = decoded_cr(vcpu, cr, write);
	else
		r = hvmon_emulate(vcpu, ~0ULL);
	if (unlikely(vcpu->out_of_sync) && vcpu->in_section)
		svm_sync(vcpu, this_cpu_ptr(&svm_cpus));
	return r;
}

/* The first use of a debug register: from now on it needs no exit */
static int exit_dr(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	svm_dr_make_live(vcpu);
	return HVMON_RESUME;
}

/* ---- exceptions ---- */

static int exit_ac(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	hvmon_queue_exception(vcpu, 17, true, vcpu->exit.info1, 0);
	return HVMON_RESUME;
}

/* The host's handler runs at the end of the section, see svm.c */
static int exit_mc(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	vcpu->svm->machine_check = true;
	return HVMON_LEAVE;
}

/* ---- the host's and the guest's interrupts ---- */

/* Pending still: taken by the host as soon as the section has ended */
static int exit_host_event(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.host_intr++;
	return HVMON_LEAVE;
}

static int exit_vintr(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.other++;
	svm_close_window(vcpu->svm);
	hvmon_request(vcpu, HVMON_REQ_EVENT);
	return HVMON_RESUME;
}

/* ---- memory ---- */

#define NPF_WRITE	BIT_ULL(1)
#define NPF_RESERVED	BIT_ULL(3)
#define NPF_EXEC	BIT_ULL(4)
#define NPF_FINAL	BIT_ULL(32)

/**
 * svm_npf_access() - what a nested page fault wanted: 15.25.6
 * @info: EXITINFO1. All nested accesses count as user accesses: no bit tells
 *        about the guest.
 *
 * Return: HVMON_ACCESS_*.
 */
u32 svm_npf_access(u64 info)
{
	return (info & NPF_WRITE ? HVMON_ACCESS_WRITE : 0) |
	       (info & NPF_EXEC ? HVMON_ACCESS_EXEC : 0) |
	       (info & NPF_FINAL ? HVMON_ACCESS_FINAL : 0);
}

static int exit_npf(struct hvmon_vcpu *vcpu)
{
	const struct svm_vmcb *vmcb = vcpu->svm->vmcb;
	int r;

	if (unlikely(vcpu->exit.info1 & NPF_RESERVED))
		return hvmon_exit_unexpected(vcpu);
	/* Not for fetches: there are no bytes then, 15.8.4 */
	if (svm_hw.decode) {
		vcpu->exit.bytes_len = min_t(u8, vmcb->insn_len & 0xf, INSN_MAX);
		memcpy(vcpu->exit.bytes, vmcb->insn_bytes, INSN_MAX);
	}
	r = hvmon_exit_mmu(vcpu, vcpu->exit.info2, svm_npf_access(vcpu->exit.info1));
	/* It may have been the LAPIC's TPR */
	if (unlikely(vcpu->out_of_sync) && vcpu->in_section)
		svm_sync(vcpu, this_cpu_ptr(&svm_cpus));
	return r;
}

/* ---- the end ---- */

static int exit_invalid(struct hvmon_vcpu *vcpu)
{
	const char *why = svm_vmcb_why(vcpu->svm->vmcb, &svm_hw);

	return hvmon_exit_invalid(vcpu, vcpu->exit.code,
				  why ? why : "no rule of APM vol. 2, 15.5.1 is seen to be broken");
}

/* What a handler may return is said above HVMON_RESUME in hvmon.h */
static int (*const handlers[SVM_EXIT_TABLE])(struct hvmon_vcpu *vcpu) = {
	[SVM_EXIT_CR_READ(0)]		= exit_cr,
	[SVM_EXIT_CR_WRITE(0)]		= exit_cr,
	[SVM_EXIT_CR_WRITE(4)]		= exit_cr,
	[SVM_EXIT_CR_WRITE(8)]		= exit_cr,
	[SVM_EXIT_DR_READ(0) ... SVM_EXIT_DR_WRITE(15)] = exit_dr,
	[SVM_EXIT_EXCP(1)]		= svm_exit_db,
	[SVM_EXIT_EXCP(17)]		= exit_ac,
	[SVM_EXIT_EXCP(18)]		= exit_mc,
	[SVM_EXIT_INTR]			= exit_host_event,
	[SVM_EXIT_NMI]			= exit_host_event,
	[SVM_EXIT_SMI]			= exit_host_event,
	[SVM_EXIT_INIT]			= exit_host_event,
	[SVM_EXIT_VINTR]		= exit_vintr,
	[SVM_EXIT_RDPMC]		= exit_rdpmc,
	[SVM_EXIT_CPUID]		= exit_cpuid,
	[SVM_EXIT_RSM]			= exit_ud,
	[SVM_EXIT_IRET]			= svm_exit_iret,
	[SVM_EXIT_INVD]			= exit_invd,
	[SVM_EXIT_PAUSE]		= exit_pause,
	[SVM_EXIT_HLT]			= exit_hlt,
	[SVM_EXIT_INVLPGA]		= exit_ud,
	[SVM_EXIT_IOIO]			= exit_ioio,
	[SVM_EXIT_MSR]			= exit_msr,
	[SVM_EXIT_SHUTDOWN]		= hvmon_exit_shutdown,
	[SVM_EXIT_VMRUN]		= exit_ud,
	[SVM_EXIT_VMMCALL]		= exit_vmmcall,
	[SVM_EXIT_VMLOAD]		= exit_ud,
	[SVM_EXIT_VMSAVE]		= exit_ud,
	[SVM_EXIT_STGI]			= exit_ud,
	[SVM_EXIT_CLGI]			= exit_ud,
	[SVM_EXIT_SKINIT]		= exit_ud,
	[SVM_EXIT_RDTSCP]		= exit_ud,
	[SVM_EXIT_WBINVD]		= exit_wbinvd,
	[SVM_EXIT_MONITOR]		= exit_monitor,
	[SVM_EXIT_MWAIT]		= exit_mwait,
	[SVM_EXIT_XSETBV]		= exit_xsetbv,
	[SVM_EXIT_RDPRU]		= exit_ud,
};

/**
 * svm_exit_known() - is there a handler?
 * @code: exit code
 *
 * Return: true if there is.
 */
bool svm_exit_known(u64 code)
{
	return code == SVM_EXIT_NPF || (code < ARRAY_SIZE(handlers) && handlers[code]);
}

/* The frequent ones by comparisons: an indirect branch costs more than these */
static __always_inline int dispatch(struct hvmon_vcpu *vcpu)
{
	u64 code = vcpu->exit.code;

	if (code == SVM_EXIT_MSR)
		return exit_msr(vcpu);
	if (code == SVM_EXIT_CPUID)
		return exit_cpuid(vcpu);
	if (code == SVM_EXIT_INTR)
		return exit_host_event(vcpu);
	if (code == SVM_EXIT_NPF)
		return exit_npf(vcpu);
	if (code == SVM_EXIT_IOIO)
		return exit_ioio(vcpu);
	if (code == SVM_EXIT_HLT)
		return exit_hlt(vcpu);
	if (code == SVM_EXIT_VMMCALL)
		return exit_vmmcall(vcpu);
	if ((u32)code == SVM_EXIT_INVALID)
		return exit_invalid(vcpu);
	if (!svm_exit_known(code))
		return hvmon_exit_unexpected(vcpu);
	return handlers[array_index_nospec(code, ARRAY_SIZE(handlers))](vcpu);
}

static noinline int handle_watched(struct hvmon_vcpu *vcpu)
{
	if (vcpu->in_section)
		svm_after_exit(vcpu);
	return dispatch(vcpu);
}

/**
 * svm_handle_exit() - settle the last exit
 * @vcpu: the vCPU
 *
 * Return: HVMON_RESUME, HVMON_USER, HVMON_LATER, HVMON_LEAVE or -errno.
 */
int svm_handle_exit(struct hvmon_vcpu *vcpu)
{
	struct hvmon_svm_vcpu *svm = vcpu->svm;

	if (unlikely(svm->watch || svm->vmcb->exit_int_info & SVM_EVENT_VALID))
		return handle_watched(vcpu);
	return dispatch(vcpu);
}
