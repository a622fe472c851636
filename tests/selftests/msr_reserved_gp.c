// SPDX-License-Identifier: GPL-2.0
/* RDMSR and WRMSR of MSRs that do not exist, and of reserved values, give the guest #GP(0). */
#include "hvt.h"

/* EAX: 0 reads MSR ECX, else writes EDX:EBX */
GUEST64(guest,
	"test %eax, %eax\n"
	"mov %ebx, %eax\n"
	"jnz 1f\n"
	"rdmsr\n"
	"hlt\n"
	"1: wrmsr\n"
	"hlt\n");

static void one(struct hvt_vcpu *v, u32 msr, bool write, u64 val)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	hvt_state64(&st);
	st.regs.gpr[HVMON_RAX] = write;
	st.regs.gpr[HVMON_RBX] = (u32)val;
	st.regs.gpr[HVMON_RDX] = val >> 32;
	st.regs.gpr[HVMON_RCX] = msr;
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	if (hvt_run(v) != HVMON_EXIT_PIO || v->run->pio.port != HVT_PORT_EXC ||
	    v->run->data[0] != 13)
		FAIL("%s of MSR %#x (%#llx) did not give #GP", write ? "WRMSR" : "RDMSR", msr,
		     (unsigned long long)val);
	hvt_get(v, &st, HVMON_STATE_REGS);
	/* the error code and the address of the instruction */
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]), 0);
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP] + 8), HVT_CODE + (write ? 9 : 6));
}

int main(void)
{
	static const u32 none[] = { 0x12345678, 0x40000, 0xdeadbeef, 0xc0009999, 0x2fff, 0xffffffff,
				    0x3a,	/* IA32_FEATURE_CONTROL */
				    0xc0010117,	/* VM_HSAVE_PA */ };
	static const struct { u32 msr; u64 val; } bad[] = {
		{ 0xc0000080, 1ULL << 63 },		/* EFER */
		{ 0xc0000080, 0x1d01 },			/* SVME */
		{ 0xc0000080, 0xc01 },			/* LME cleared while paging */
		{ 0x277, 2 },				/* PAT type 2 */
		{ 0x277, 0x0007040600070409ULL },
		{ 0x2ff, 1ULL << 12 },			/* MTRR default type */
		{ 0x2ff, 0xc02 },
	};
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	unsigned int i;
	u32 msr;

	/* Guests write these without an exit; the check of a launcher's value is ours */
	REFUSED(hvt_try_set_msr(v, 0xc0000082, 1ULL << 63), EINVAL);	/* LSTAR */
	REFUSED(hvt_try_set_msr(v, 0xc0000100, 1ULL << 62), EINVAL);	/* FS_BASE */
	REFUSED(hvt_try_set_msr(v, 0xc0000102, 1ULL << 62), EINVAL);	/* KERNEL_GS_BASE */
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		one(v, none[i], false, 0);
		one(v, none[i], true, 0);
	}
	/* What VMX could do: IA32_VMX_BASIC to IA32_VMX_EXIT_CTLS2 */
	for (msr = 0x480; msr <= 0x493; msr++) {
		one(v, msr, false, 0);
		one(v, msr, true, 0);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		one(v, bad[i].msr, true, bad[i].val);
	return 0;
}
