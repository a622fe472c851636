// SPDX-License-Identifier: GPL-2.0
/*
 * Neutral exits. Vendor code has decoded what happened; here it is decided.
 * Handlers return HVMON_RESUME, HVMON_USER, HVMON_LATER, HVMON_LEAVE or -errno
 * (hvmon.h).
 */
#include <linux/module.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "hvmon.h"
#include "trace.h"

/* Not in line: ports and memory are most exits, and save no registers for it */
static noinline void give_registers(struct hvmon_vcpu *vcpu)
{
	struct hvmon_run *run = vcpu->run;
	int i;

	run->regs = vcpu->regs;
	memset(&run->sregs, 0, sizeof(run->sregs));
	for (i = 0; i < HVMON_NR_SEGS; i++)
		hvmon_call(get_seg, vcpu, i, &run->sregs.seg[i]);
	run->sregs.cr0 = hvmon_get_cr(vcpu, 0);
	run->sregs.cr2 = hvmon_get_cr(vcpu, 2);
	run->sregs.cr3 = hvmon_get_cr(vcpu, 3);
	run->sregs.cr4 = hvmon_get_cr(vcpu, 4);
	run->sregs.cr8 = hvmon_get_cr(vcpu, 8);
	run->sregs.efer = hvmon_call(get_reg, vcpu, HVMON_REG_EFER);
	run->regs_valid = HVMON_RUN_REGS | HVMON_RUN_SREGS;
}

/**
 * hvmon_user_exit() - leave HVMON_RUN with an exit for the launcher
 * @vcpu: the vCPU, whose run page has the exit's union member filled in
 * @exit: HVMON_EXIT_*
 *
 * Port and memory accesses are completed by the next HVMON_RUN, which writes
 * registers: these exits carry none.
 *
 * Return: HVMON_USER.
 */
int hvmon_user_exit(struct hvmon_vcpu *vcpu, u32 exit)
{
	struct hvmon_run *run = vcpu->run;

	run->exit = exit;
	run->regs_valid = 0;
	if (exit != HVMON_EXIT_PIO && exit != HVMON_EXIT_MMIO)
		give_registers(vcpu);
	return HVMON_USER;
}

/**
 * hvmon_skip_end() - what few instructions need when they are skipped
 * @vcpu: the vCPU; RIP, the sum, has left the 4 GiB that it was in, or TF is set
 *
 * Return: HVMON_RESUME.
 */
int hvmon_skip_end(struct hvmon_vcpu *vcpu)
{
	if (hvmon_call(code_bits, vcpu) != 64)
		vcpu->regs.rip = (u32)vcpu->regs.rip;
	/* The guest single-steps itself: SDM vol. 3, 18.3.1.4; APM vol. 2, 13.1.4 */
	if (vcpu->regs.rflags & X86_EFLAGS_TF)
		hvmon_queue_exception(vcpu, X86_TRAP_DB, false, 0, DR_STEP);
	return HVMON_RESUME;
}

static __always_inline int skip(struct hvmon_vcpu *vcpu)
{
	return hvmon_call(skip_insn, vcpu);
}

int hvmon_exit_cpuid(struct hvmon_vcpu *vcpu)
{
	vcpu->stats.cpuid++;
	hvmon_cpuid_execute(vcpu);
	return skip(vcpu);
}

int hvmon_exit_rdmsr(struct hvmon_vcpu *vcpu)
{
	u64 *gpr = vcpu->regs.gpr, *val = &vcpu->exit.val;
	u32 msr = gpr[HVMON_RCX];
	int r;

	r = hvmon_msr_get(vcpu, msr, val, false);
	if (r == HVMON_LATER)
		return r;
	vcpu->stats.msr_read++;
	trace_hvmon_msr(vcpu, false, msr, r < 0 ? 0 : *val, r < 0);
	if (r < 0) {
		hvmon_inject_gp(vcpu);
		return HVMON_RESUME;
	}
	gpr[HVMON_RAX] = (u32)*val;
	gpr[HVMON_RDX] = *val >> 32;
	return skip(vcpu);
}

int hvmon_exit_wrmsr(struct hvmon_vcpu *vcpu)
{
	u64 *gpr = vcpu->regs.gpr;
	u32 msr = gpr[HVMON_RCX];
	u64 val = (u32)gpr[HVMON_RAX] | gpr[HVMON_RDX] << 32;
	int r;

	r = hvmon_msr_set(vcpu, msr, val, false);
	if (r == HVMON_LATER)
		return r;
	vcpu->stats.msr_write++;
	trace_hvmon_msr(vcpu, true, msr, val, r < 0);
	if (r < 0) {
		hvmon_inject_gp(vcpu);
		return HVMON_RESUME;
	}
	return skip(vcpu);
}

int hvmon_exit_hlt(struct hvmon_vcpu *vcpu)
{
	int r = skip(vcpu);

	vcpu->stats.hlt++;
	if (r < 0)
		return r;
	if (!vcpu->lapic)
		return hvmon_user_exit(vcpu, HVMON_EXIT_HLT);
	/* The run loop decides whether there is anything to wait for */
	vcpu->mp_state = HVMON_MP_HALTED;
	return HVMON_LEAVE;
}

int hvmon_exit_xsetbv(struct hvmon_vcpu *vcpu)
{
	u64 *gpr = vcpu->regs.gpr;
	u64 val = (u32)gpr[HVMON_RAX] | gpr[HVMON_RDX] << 32;

	/* #UD comes before the intercept on processors, but not on all emulated ones */
	if (!(hvmon_get_cr(vcpu, 4) & X86_CR4_OSXSAVE)) {
		hvmon_inject_ud(vcpu);
		return HVMON_RESUME;
	}
	if (hvmon_call(cpl, vcpu) || (u32)gpr[HVMON_RCX] || hvmon_set_xcr0(vcpu, val)) {
		hvmon_inject_gp(vcpu);
		return HVMON_RESUME;
	}
	return skip(vcpu);
}

int hvmon_exit_shutdown(struct hvmon_vcpu *vcpu)
{
	return hvmon_user_exit(vcpu, HVMON_EXIT_SHUTDOWN);
}

int hvmon_exit_invalid(struct hvmon_vcpu *vcpu, u64 code, const char *why)
{
	vcpu->run->invalid.code = code;
	strscpy(vcpu->run->message, why, sizeof(vcpu->run->message));
	return hvmon_user_exit(vcpu, HVMON_EXIT_INVALID);
}

int hvmon_exit_unexpected(struct hvmon_vcpu *vcpu)
{
	struct hvmon_run *run = vcpu->run;

	run->unexpected.code = vcpu->exit.code;
	run->unexpected.info1 = vcpu->exit.info1;
	run->unexpected.info2 = vcpu->exit.info2;
	snprintf(run->message, sizeof(run->message),
		 "unexpected exit 0x%llx, qualification 0x%llx 0x%llx",
		 vcpu->exit.code, vcpu->exit.info1, vcpu->exit.info2);
	return hvmon_user_exit(vcpu, HVMON_EXIT_UNEXPECTED);
}

/* ---- memory ---- */

/*
 * Inside a section: devices, as far as one look at the guest's memory is enough to
 * know what is accessed. Memory may have to be waited for.
 */
static int exit_mmu_section(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	if (hvmon_gpa_has_slot(vcpu, gpa))
		return HVMON_LATER;
	vcpu->exit.no_memory = true;
	return hvmon_emulate_device(vcpu, gpa, access);
}

/* Not in line: the registers that it saves are not for devices' accesses to save */
static noinline int exit_mmu_outside(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	struct hvmon_run *run = vcpu->run;
	int r;

	access &= ~HVMON_ACCESS_FINAL;
	r = vcpu->exit.no_memory ? -ENOENT : hvmon_mmu_fault(vcpu, gpa, access);
	trace_hvmon_fault(vcpu, gpa, access, r);
	if (r == HVMON_RESUME) {
		vcpu->stats.faults++;
		return r;
	}
	if (r == -ENOENT)
		return hvmon_emulate(vcpu, gpa);
	if (r == -EINTR || r == -ENOMEM || r == -EIO)
		return r;
	run->fault.gpa = gpa;
	run->fault.access = access;
	run->fault.error = -r;
	return hvmon_user_exit(vcpu, HVMON_EXIT_FAULT);
}

int hvmon_exit_mmu(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	if (vcpu->in_section)
		return exit_mmu_section(vcpu, gpa, access);
	return exit_mmu_outside(vcpu, gpa, access);
}

/* ---- ports ---- */

static void set_accumulator(struct hvmon_vcpu *vcpu, u32 val, u8 size)
{
	u64 *rax = &vcpu->regs.gpr[HVMON_RAX];
	u64 mask = GENMASK_ULL(size * 8 - 1, 0);

	/* A 32-bit result clears the upper half, smaller ones keep the rest */
	if (size == 4)
		*rax = val;
	else
		*rax = (*rax & ~mask) | (val & mask);
}

static int complete_pio(struct hvmon_vcpu *vcpu)
{
	u32 val;

	if (vcpu->pio.in) {
		/* The launcher may go on writing there: read once */
		val = READ_ONCE(*(u32 *)vcpu->run->data);
		set_accumulator(vcpu, val, vcpu->pio.size);
		trace_hvmon_pio(vcpu, false, vcpu->pio.port, vcpu->pio.size, 1, val);
	}
	return skip(vcpu);
}

/* 0, HVMON_LATER, or -EOPNOTSUPP if the launcher has to answer */
static int pio_by_device(struct hvmon_vcpu *vcpu)
{
	const struct hvmon_pio_info *pio = &vcpu->pio;

	if (pio->in)
		return hvmon_bus_read(vcpu, HVMON_BUS_PIO, pio->port, pio->size, &vcpu->exit.val);
	return hvmon_bus_write(vcpu, HVMON_BUS_PIO, pio->port, pio->size, &vcpu->exit.val);
}

int hvmon_exit_pio(struct hvmon_vcpu *vcpu)
{
	const struct hvmon_pio_info *pio = &vcpu->pio;
	struct hvmon_run *run = vcpu->run;
	u64 *val = &vcpu->exit.val;
	int r;

	if (pio->string)
		return hvmon_emulate(vcpu, ~0ULL);
	/* What a launcher does not answer reads as nothing, not as old data */
	*val = pio->in ? 0 : (u32)vcpu->regs.gpr[HVMON_RAX];
	r = pio_by_device(vcpu);
	if (r == HVMON_LATER)
		return r;
	vcpu->stats.pio++;
	if (!pio->in || !r)
		trace_hvmon_pio(vcpu, !pio->in, pio->port, pio->size, 1, *val);
	if (!r) {
		if (pio->in)
			set_accumulator(vcpu, *val, pio->size);
		return skip(vcpu);
	}

	run->pio.port = pio->port;
	run->pio.size = pio->size;
	run->pio.direction = pio->in ? HVMON_PIO_IN : HVMON_PIO_OUT;
	run->pio.count = 1;
	*(u32 *)run->data = *val;
	vcpu->complete = complete_pio;
	return hvmon_user_exit(vcpu, HVMON_EXIT_PIO);
}
