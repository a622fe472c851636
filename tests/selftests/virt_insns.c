// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions of VT-x and AMD-V raise #UD in 16-, 32- and 64-bit code, at CPL
 * 0 and 3, and store nothing; the processor's own hypercall is answered, and
 * CR4.VMXE cannot be set. SVM instructions may give #GP at CPL 3: guests run
 * with EFER.SVME set, and the processor checks the CPL before it looks at
 * intercepts (APM vol. 2, 15.5).
 */
#include "hvt.h"

#define IDT32		(HVT_IDT + 0x800)
#define OPERAND		0x200

enum { UD, C7, SVM, VMCALL, VMMCALL };

/*
 * ModRM with r/m 1 is memory: (%ecx), in 16-bit code (%bx,%di). Both are OPERAND. On
 * AMD-V 0f c7 is left out: QEMU decodes it as an instruction without effect.
 */
static const struct {
	const char *name;
	int kind;
	u8 len;
	u8 op[5];
} insns[] = {
	{ "VMXON", C7, 4, { 0xf3, 0x0f, 0xc7, 0x31 } },
	{ "VMXOFF", UD, 3, { 0x0f, 0x01, 0xc4 } },
	{ "VMCLEAR", C7, 4, { 0x66, 0x0f, 0xc7, 0x31 } },
	{ "VMPTRLD", C7, 3, { 0x0f, 0xc7, 0x31 } },
	{ "VMPTRST", C7, 3, { 0x0f, 0xc7, 0x39 } },
	{ "VMREAD to memory", UD, 3, { 0x0f, 0x78, 0x01 } },
	{ "VMREAD to a register", UD, 3, { 0x0f, 0x78, 0xc3 } },
	{ "VMWRITE from memory", UD, 3, { 0x0f, 0x79, 0x01 } },
	{ "VMWRITE from a register", UD, 3, { 0x0f, 0x79, 0xc3 } },
	{ "VMLAUNCH", UD, 3, { 0x0f, 0x01, 0xc2 } },
	{ "VMRESUME", UD, 3, { 0x0f, 0x01, 0xc3 } },
	{ "VMFUNC", UD, 3, { 0x0f, 0x01, 0xd4 } },
	{ "INVEPT", UD, 5, { 0x66, 0x0f, 0x38, 0x80, 0x01 } },
	{ "INVVPID", UD, 5, { 0x66, 0x0f, 0x38, 0x81, 0x01 } },
	{ "GETSEC", UD, 2, { 0x0f, 0x37 } },
	{ "RSM", UD, 2, { 0x0f, 0xaa } },
	{ "VMRUN", SVM, 3, { 0x0f, 0x01, 0xd8 } },
	{ "VMLOAD", SVM, 3, { 0x0f, 0x01, 0xda } },
	{ "VMSAVE", SVM, 3, { 0x0f, 0x01, 0xdb } },
	{ "STGI", SVM, 3, { 0x0f, 0x01, 0xdc } },
	{ "CLGI", SVM, 3, { 0x0f, 0x01, 0xdd } },
	{ "SKINIT", SVM, 3, { 0x0f, 0x01, 0xde } },
	{ "INVLPGA", SVM, 3, { 0x0f, 0x01, 0xdf } },
	{ "VMCALL", VMCALL, 3, { 0x0f, 0x01, 0xc1 } },
	{ "VMMCALL", VMMCALL, 3, { 0x0f, 0x01, 0xd9 } },
};

enum { REAL, LEGACY, COMPAT, LONG };

static const struct mode {
	const char *name;
	int kind;
	u8 bits;
} modes[] = {
	{ "real mode", REAL, 16 },
	{ "16-bit protected mode", LEGACY, 16 },
	{ "32-bit protected mode", LEGACY, 32 },
	{ "16-bit code of long mode", COMPAT, 16 },
	{ "32-bit code of long mode", COMPAT, 32 },
	{ "64-bit mode", LONG, 64 },
};

/* The harness has an IDT for long mode only; its stubs are the same in any mode */
static void tables(struct hvt_vm *vm)
{
	u32 *ivt = (u32 *)vm->mem;
	u64 *idt = (u64 *)(vm->mem + IDT32);
	u64 stub;
	int i;

	for (i = 0; i < 32; i++) {
		stub = HVT_STUBS + i * 16;
		ivt[i] = (HVT_STUBS >> 4) << 16 | i * 16;
		idt[i] = stub | (u64)HVT_SEL_CODE32 << 16 | 0x8eULL << 40;
	}
	/* The task's stack for CPL 0: SS0 follows ESP0; long mode does not use it */
	*(u32 *)(vm->mem + HVT_TSS + 4) = HVT_STACK - 0x8000;
}

static void mode_state(struct hvt_vcpu *v, struct hvmon_state *st, const struct mode *m, bool user)
{
	struct hvmon_segment *cs = &st->sregs.seg[HVMON_CS];
	u16 *ss0 = (u16 *)(v->vm->mem + HVT_TSS + 8);

	*ss0 = m->kind == LEGACY ? HVT_SEL_DATA : 0;
	if (m->kind == REAL) {
		hvt_state16(st);
		st->sregs.cr0 = 0x30;
		st->sregs.cr4 = 0;
		st->sregs.efer = 0;
		return;
	}
	if (m->kind == LEGACY) {
		hvt_state32(st);
		st->sregs.idt = (struct hvmon_dtable){ .base = IDT32, .limit = 32 * 8 - 1 };
		/* QEMU gives up at a change of stacks through a TSS that is busy */
		st->sregs.seg[HVMON_TR].attr = 0x89;
	} else {
		hvt_state64(st);
	}
	if (user)
		hvt_state_user(st);
	cs->base = HVT_CODE;
	st->regs.rip = 0;
	if (m->bits == 64) {
		cs->base = 0;
		st->regs.rip = HVT_CODE;
	} else {
		/* DPL from CPL, D from the width of the code */
		cs->attr = (m->bits == 32 ? 0xc09b : 0x809b) | (user ? 0x60 : 0);
	}
}

static void start(struct hvt_vcpu *v, const struct mode *m, bool user)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	mode_state(v, &st, m, user);
	/* Of a VMCB that would be valid, were it one; no hypercall's number */
	st.regs.gpr[HVMON_RAX] = 0x200000;
	st.regs.gpr[HVMON_RCX] = OPERAND;
	st.regs.gpr[HVMON_RBX] = OPERAND / 2;
	st.regs.gpr[HVMON_RDI] = OPERAND / 2;
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
}

/* The instruction's address as the exception has pushed it, past an error code if @error */
static u64 pushed_ip(struct hvt_vcpu *v, const struct mode *m, bool error)
{
	u64 sp = hvt_reg(v, HVMON_RSP);

	if (m->kind == REAL)
		return *(u16 *)(v->vm->mem + (u16)sp);
	if (m->kind == LEGACY)
		return ((u32 *)(v->vm->mem + sp))[error];
	return ((u64 *)(v->vm->mem + sp))[error];
}

static void expect(struct hvt_vcpu *v, const struct mode *m, bool user, const char *what,
		   bool ud, bool gp)
{
	u8 vector;

	if (hvt_run(v) != HVMON_EXIT_PIO || v->run->pio.port != HVT_PORT_EXC)
		FAIL("%s in %s at CPL %d: exit %s, expected an exception", what, m->name, user * 3,
		     hvt_exit_name(v->run->exit));
	vector = v->run->data[0];
	if (!(vector == 6 && ud) && !(vector == 13 && gp))
		FAIL("%s in %s at CPL %d raised %u, expected %s", what, m->name, user * 3, vector,
		     ud ? "#UD" : "#GP");
	CHECK_EQ(pushed_ip(v, m, vector == 13 && m->kind != REAL), m->bits == 64 ? HVT_CODE : 0);
}

/* The answer to an unknown call; CPL 3 may make none */
static void expect_answer(struct hvt_vcpu *v, const struct mode *m, bool user, const char *what)
{
	struct hvmon_state st;
	long want = user ? -1 : -1000;

	if (user)
		EXPECT_EXC(v, 13);		/* the HLT after it, whose stub loads AL */
	else
		EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_REGS);
	if (((u32)st.regs.gpr[HVMON_RAX] ^ (u32)want) & (user ? ~0xffu : ~0u))
		FAIL("%s in %s at CPL %d gave %#llx, expected %ld", what, m->name, user * 3,
		     (unsigned long long)st.regs.gpr[HVMON_RAX], want);
}

static void one(struct hvt_vcpu *v, unsigned int i, const struct mode *m, bool user, int own)
{
	u8 *operand = v->vm->mem + OPERAND, *code = v->vm->mem + HVT_CODE;
	static const u8 pattern[16] = "does not change";

	memcpy(code, insns[i].op, insns[i].len);
	code[insns[i].len] = 0xf4;
	memcpy(operand, pattern, sizeof(pattern));
	start(v, m, user);
	if (insns[i].kind == own)
		expect_answer(v, m, user, insns[i].name);
	else
		expect(v, m, user, insns[i].name, true, user && insns[i].kind == SVM);
	if (memcmp(operand, pattern, sizeof(pattern)))
		FAIL("%s in %s wrote its operand", insns[i].name, m->name);
}

/* MOV of EBX to CR4; real mode runs at CPL 0 */
static void set_vmxe(struct hvt_vcpu *v, const struct mode *m, bool user)
{
	static const u8 mov[] = { 0x0f, 0x22, 0xe3, 0xf4 };
	struct hvmon_state st, after;

	memcpy(v->vm->mem + HVT_CODE, mov, sizeof(mov));
	start(v, m, user);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	st.regs.gpr[HVMON_RBX] = st.sregs.cr4 | 1 << 13;
	hvt_set(v, &st, HVMON_STATE_REGS);
	expect(v, m, user, "MOV of VMXE to CR4", false, true);
	hvt_get(v, &after, HVMON_STATE_SREGS);
	CHECK_EQ(after.sregs.cr4, st.sregs.cr4);
}

int main(void)
{
	int own = hvt_is_vmx() ? VMCALL : VMMCALL;
	struct hvt_vm *vm = hvt_vm();
	struct hvt_vcpu *v = hvt_vcpu(vm, 0);
	unsigned int i, k, user;

	tables(vm);
	for (k = 0; k < ARRAY_SIZE(modes); k++) {
		for (user = 0; user < 1 + (modes[k].kind != REAL); user++) {
			set_vmxe(v, &modes[k], user);
			for (i = 0; i < ARRAY_SIZE(insns); i++)
				if (insns[i].kind != C7 || own == VMCALL)
					one(v, i, &modes[k], user, own);
		}
	}
	return 0;
}
