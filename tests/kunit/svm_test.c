// SPDX-License-Identifier: GPL-2.0
/* AMD-V: encodings, maps, the exit table and the rules of the VMCB */
#include <kunit/test.h>
#include <linux/slab.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../kmod/svm/svm.h"

/* Claim: attributes keep every bit on the way to the VMCB and back */
static void seg_attributes(struct kunit *test)
{
	u32 attr;

	/* 64-bit code: P, S, type 0xb, L, G */
	KUNIT_EXPECT_EQ(test, svm_seg_attrib(0xa09b), 0xa9b);
	KUNIT_EXPECT_EQ(test, svm_seg_attr(0xa9b), 0xa09b);
	/* 32-bit data, DPL 3 */
	KUNIT_EXPECT_EQ(test, svm_seg_attrib(0xc0f3), 0xcf3);
	for (attr = 0; attr < 0x10000; attr++) {
		if (attr & 0xf00 || !(attr & HVMON_SEG_P))
			continue;
		KUNIT_EXPECT_EQ(test, svm_seg_attr(svm_seg_attrib(attr)), attr);
	}
}

/* Claim: unusable means not present in the VMCB, and the reverse */
static void seg_unusable(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, svm_seg_attrib(HVMON_SEG_UNUSABLE | 0xc093), 0xc13);
	KUNIT_EXPECT_TRUE(test, svm_seg_attr(0xc13) & HVMON_SEG_UNUSABLE);
	KUNIT_EXPECT_TRUE(test, svm_seg_attr(0) & HVMON_SEG_UNUSABLE);
	KUNIT_EXPECT_FALSE(test, svm_seg_attr(0x82) & HVMON_SEG_UNUSABLE);
}

/* Claim: events are encoded as APM vol. 2, 15.20 says, and decoded back */
static void events(struct kunit *test)
{
	struct hvmon_event pf = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 14,
				  .has_error = 1, .error = 0x80000007 };
	struct hvmon_event nmi = { .valid = 1, .type = HVMON_EV_NMI, .vector = 2 };
	struct hvmon_event intr = { .valid = 1, .type = HVMON_EV_INTR, .vector = 0xec };
	struct hvmon_event out;

	KUNIT_EXPECT_EQ(test, svm_encode_event(&pf), 0x8000000780000b0eULL);
	KUNIT_EXPECT_EQ(test, svm_encode_event(&nmi), 0x80000202ULL);
	KUNIT_EXPECT_EQ(test, svm_encode_event(&intr), 0x800000ecULL);

	svm_decode_event(0x8000000780000b0eULL, &out);
	KUNIT_EXPECT_EQ(test, memcmp(&out, &pf, sizeof(out)), 0);
	svm_decode_event(0x80000202, &out);
	KUNIT_EXPECT_EQ(test, memcmp(&out, &nmi, sizeof(out)), 0);
}

/* Claim: a field without its valid bit is no event, whatever else it holds */
static void event_not_valid(struct kunit *test)
{
	struct hvmon_event out;

	memset(&out, 0xff, sizeof(out));
	svm_decode_event(0x7fffffff, &out);
	KUNIT_EXPECT_EQ(test, out.valid, 0);
	KUNIT_EXPECT_EQ(test, out.vector, 0);
}

/* Claim: an exception whose vector is none of an exception is not injected again */
static void event_no_exception(struct kunit *test)
{
	static const struct {
		u64 info;
		u8 valid;
	} rows[] = {
		{ 0x80000302, 0 }, { 0x80000320, 0 }, { 0x800003ec, 0 }, { 0x800003ff, 0 },
		{ 0x780000b20ULL, 0 },
		{ 0x80000300, 1 }, { 0x8000031f, 1 }, { 0x800000ec, 1 }, { 0x80000202, 1 },
		{ 0x80000480, 1 },
	};
	struct hvmon_event out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		svm_decode_event(rows[i].info, &out);
		KUNIT_EXPECT_EQ_MSG(test, out.valid, rows[i].valid, "0x%llx", rows[i].info);
	}
}

/* Claim: each MSR has the two bits that APM vol. 2, 15.11 gives it */
static void msr_map(struct kunit *test)
{
	static const struct {
		u32 msr;
		unsigned int byte, bit;
	} rows[] = {
		{ 0, 0, 0 }, { 1, 0, 2 }, { 4, 1, 0 }, { 0x1fff, 0x7ff, 6 },
		{ 0xc0000000, 0x800, 0 }, { MSR_EFER, 0x820, 0 }, { MSR_LSTAR, 0x820, 4 },
		{ 0xc0001fff, 0xfff, 6 },
		{ 0xc0010000, 0x1000, 0 }, { MSR_VM_HSAVE_PA, 0x1045, 6 },
		{ 0xc0011fff, 0x17ff, 6 },
	};
	unsigned int i, byte, bit;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_ASSERT_TRUE(test, svm_msrpm_bit(rows[i].msr, &byte, &bit));
		KUNIT_EXPECT_EQ_MSG(test, byte, rows[i].byte, "MSR 0x%x", rows[i].msr);
		KUNIT_EXPECT_EQ_MSG(test, bit, rows[i].bit, "MSR 0x%x", rows[i].msr);
	}
}

/* Claim: MSRs outside the three ranges are in no map */
static void msr_map_outside(struct kunit *test)
{
	static const u32 msrs[] = { 0x2000, 0x4b564d00, 0xbfffffff, 0xc0002000, 0xc000ffff,
				    0xc0012000, 0xffffffff };
	unsigned int i, byte, bit;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		KUNIT_EXPECT_FALSE(test, svm_msrpm_bit(msrs[i], &byte, &bit));
}

/* Claim: EXITINFO1 of a port exit is decoded as APM vol. 2, 15.10.2 says */
static void ioio(struct kunit *test)
{
	struct hvmon_pio_info p;

	/* in al, 0x64 */
	p = svm_ioio_info(0x00640000 | BIT(9) | BIT(4) | BIT(0));
	KUNIT_EXPECT_EQ(test, p.port, 0x64);
	KUNIT_EXPECT_EQ(test, p.size, 1);
	KUNIT_EXPECT_TRUE(test, p.in);
	KUNIT_EXPECT_FALSE(test, p.string);
	/* out dx, eax, with dx 0xcfc8 */
	p = svm_ioio_info(0xcfc80000 | BIT(6));
	KUNIT_EXPECT_EQ(test, p.port, 0xcfc8);
	KUNIT_EXPECT_EQ(test, p.size, 4);
	KUNIT_EXPECT_FALSE(test, p.in);
	/* rep insw */
	p = svm_ioio_info(0x01f00000 | BIT(5) | BIT(3) | BIT(2) | BIT(0));
	KUNIT_EXPECT_EQ(test, p.size, 2);
	KUNIT_EXPECT_TRUE(test, p.string);
}

/* Claim: write, fetch, and where the fault was, are taken from a nested page fault */
static void npf(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, svm_npf_access(BIT_ULL(32) | 4), HVMON_ACCESS_FINAL);
	KUNIT_EXPECT_EQ(test, svm_npf_access(BIT_ULL(32) | 6),
			HVMON_ACCESS_FINAL | HVMON_ACCESS_WRITE);
	KUNIT_EXPECT_EQ(test, svm_npf_access(BIT_ULL(32) | 0x14),
			HVMON_ACCESS_FINAL | HVMON_ACCESS_EXEC);
	KUNIT_EXPECT_EQ(test, svm_npf_access(BIT_ULL(33) | 7), HVMON_ACCESS_WRITE);
}

/* Claim: the opcode is found behind prefixes, REX counts in 64-bit mode only */
static void opcode_len(struct kunit *test)
{
	static const u8 cpuid[] = { 0x0f, 0xa2 };
	static const u8 plain[] = { 0x0f, 0xa2, 0x90 };
	static const u8 prefixed[] = { 0x66, 0xf3, 0x0f, 0xa2 };
	static const u8 rex[] = { 0x48, 0x0f, 0xa2 };
	static const u8 all[15] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66 };

	KUNIT_EXPECT_EQ(test, svm_opcode_len(plain, 3, true, cpuid, 2), 2);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(prefixed, 4, false, cpuid, 2), 4);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(rex, 3, true, cpuid, 2), 3);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(rex, 3, false, cpuid, 2), 0);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(plain, 1, true, cpuid, 2), 0);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(all, 15, true, cpuid, 2), 0);
	KUNIT_EXPECT_EQ(test, svm_opcode_len(plain, 0, true, cpuid, 2), 0);
}

/* Claim: every exit that is always intercepted has a handler */
static void exit_table(struct kunit *test)
{
	struct hvmon_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct hvmon_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
	struct hvmon_svm_vcpu *svm = kunit_kzalloc(test, sizeof(*svm), GFP_KERNEL);
	struct svm_hw saved = svm_hw;
	unsigned int code;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	KUNIT_ASSERT_NOT_NULL(test, svm);
	svm->vmcb = kunit_kzalloc(test, sizeof(*svm->vmcb), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, svm->vmcb);
	vcpu->vm = vm;
	vcpu->svm = svm;
	svm_hw.pause_filter = true;
	svm_hw.rdpru = true;
	svm_vmcb_init(vcpu);
	svm_hw = saved;

	for (code = 0; code < SVM_EXIT_TABLE; code++)
		if (svm_intercepted(svm->vmcb, code))
			KUNIT_EXPECT_TRUE_MSG(test, svm_exit_known(code), "exit 0x%x", code);
	KUNIT_EXPECT_TRUE(test, svm_exit_known(SVM_EXIT_NPF));
	KUNIT_EXPECT_TRUE(test, svm_exit_known(SVM_EXIT_IRET));
	KUNIT_EXPECT_TRUE(test, svm_exit_known(SVM_EXIT_VINTR));
	KUNIT_EXPECT_FALSE(test, svm_exit_known(SVM_EXIT_TABLE));
	KUNIT_EXPECT_FALSE(test, svm_exit_known(SVM_EXIT_TASK_SWITCH));
	KUNIT_EXPECT_FALSE(test, svm_exit_known(~0ULL));
	/* Nested ones would hang the processor: they must always exit */
	KUNIT_EXPECT_TRUE(test, svm_intercepted(svm->vmcb, SVM_EXIT_EXCP(1)));
	KUNIT_EXPECT_TRUE(test, svm_intercepted(svm->vmcb, SVM_EXIT_EXCP(17)));
}

static const struct svm_hw model = { .nasid = 16, .asid = 15, .maxphyaddr = 40 };

/* 64-bit guest that VMRUN accepts */
static struct svm_vmcb *good_vmcb(struct kunit *test)
{
	struct svm_vmcb *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, v);
	svm_intercept(v, SVM_EXIT_VMRUN);
	v->asid = 15;
	v->np_control = SVM_NP_ENABLE;
	v->save.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NX | EFER_SCE;
	v->save.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_WP;
	v->save.cr4 = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSXSAVE;
	v->save.cs.attrib = 0xa9b;
	v->save.dr6 = 0xffff0ff0;
	v->save.dr7 = 0x400;
	return v;
}

/* Claim: a valid VMCB breaks no rule, with and without an event */
static void rules_good(struct kunit *test)
{
	struct svm_vmcb *v = good_vmcb(test);

	KUNIT_EXPECT_NULL(test, svm_vmcb_why(v, &model));
	v->event_inj = 0x80000b0e;
	KUNIT_EXPECT_NULL(test, svm_vmcb_why(v, &model));
	v->event_inj = 0x00000502;
	KUNIT_EXPECT_NULL(test, svm_vmcb_why(v, &model));
}

/* Claim: the VMCB that flushes is one that VMRUN accepts, and it must exit */
static void rules_flush(struct kunit *test)
{
	struct svm_vmcb *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	u32 asid = svm_hw.asid;

	KUNIT_ASSERT_NOT_NULL(test, v);
	if (!svm_hw.zero)
		kunit_skip(test, "no AMD-V here");
	svm_flush_vmcb_init(v);
	KUNIT_EXPECT_NULL(test, svm_vmcb_why(v, &svm_hw));
	KUNIT_EXPECT_EQ(test, v->asid, asid);
	KUNIT_EXPECT_NE(test, v->tlb_control, 0);
	KUNIT_EXPECT_TRUE(test, v->vintr & SVM_VINTR_IRQ);
	KUNIT_EXPECT_TRUE(test, svm_intercepted(v, SVM_EXIT_VINTR));
}

/* Claim: a VMCB with one broken field is explained by that field */
static void rules_broken(struct kunit *test)
{
	static const struct {
		size_t offset;
		u64 value;
		u8 size;
		const char *names;
	} rows[] = {
#define ROW(field, size, value, names) \
	{ offsetof(struct svm_vmcb, field), value, size, names }
		ROW(save.efer, 8, EFER_LME | EFER_LMA, "EFER.SVME"),
		ROW(save.efer, 8, EFER_SVME | BIT_ULL(40), "reserved bit of EFER"),
		ROW(save.cr0, 8, X86_CR0_PE | X86_CR0_PG | X86_CR0_NW, "CR0.NW"),
		ROW(save.cr0, 8, BIT_ULL(32) | X86_CR0_PE | X86_CR0_PG, "CR0 bits 63:32"),
		ROW(save.cr0, 8, X86_CR0_PG, "CR0.PE is clear"),
		ROW(save.cr3, 8, BIT_ULL(60), "CR3"),
		ROW(save.cr4, 8, X86_CR4_PAE | BIT_ULL(13), "CR4"),
		ROW(save.cr4, 8, 0, "CR4.PAE"),
		ROW(save.dr6, 8, BIT_ULL(32), "DR6"),
		ROW(save.dr7, 8, BIT_ULL(63), "DR7"),
		ROW(save.cs.attrib, 2, 0xe9b, "CS.L"),
		ROW(intercept[4], 4, 0, "VMRUN"),
		ROW(asid, 4, 0, "ASID is zero"),
		ROW(asid, 4, 16, "beyond the processor's"),
		ROW(msrpm_pa, 8, BIT_ULL(40), "permission map"),
		ROW(iopm_pa, 8, BIT_ULL(40) - 0x1000, "permission map"),
		ROW(n_cr3, 8, BIT_ULL(45), "nCR3"),
		ROW(event_inj, 8, 0x80000302, "EVENTINJ"),
		ROW(event_inj, 8, 0x80000320, "EVENTINJ"),
		ROW(event_inj, 8, 0x80000100, "EVENTINJ"),
		ROW(event_inj, 8, 0x80000700, "EVENTINJ"),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct svm_vmcb *v = good_vmcb(test);
		const char *why;

		memcpy((void *)v + rows[i].offset, &rows[i].value, rows[i].size);
		why = svm_vmcb_why(v, &model);
		KUNIT_ASSERT_NOT_NULL_MSG(test, why, "%s", rows[i].names);
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(why, rows[i].names), "%s: %s",
					  rows[i].names, why);
	}
}

/* ---- injection and windows, on a VMCB that never runs ---- */

static struct hvmon_vcpu *fake_vcpu(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->svm = kunit_kzalloc(test, sizeof(*vcpu->svm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->svm);
	vcpu->svm->vmcb = good_vmcb(test);
	vcpu->regs.rip = 0x1000;
	vcpu->regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	return vcpu;
}

static void exits(struct hvmon_vcpu *vcpu, u64 code, u64 rip)
{
	vcpu->regs.rip = rip;
	vcpu->exit.code = code;
	vcpu->svm->vmcb->exit_code = code;
	vcpu->in_flight.valid = 0;
	if (vcpu->svm->watch || vcpu->svm->vmcb->exit_int_info & SVM_EVENT_VALID)
		svm_after_exit(vcpu);
}

static const struct hvmon_event an_nmi = { .valid = 1, .type = HVMON_EV_NMI, .vector = 2 };

/* Claim: after an NMI the next waits until the IRET is done, not only begun */
static void nmi_until_iret(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = fake_vcpu(test);
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;

	KUNIT_EXPECT_TRUE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	svm_inject(vcpu, &an_nmi);
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	exits(vcpu, SVM_EXIT_CPUID, 0x2000);
	KUNIT_EXPECT_EQ(test, vmcb->event_inj, 0);
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	KUNIT_EXPECT_TRUE(test, svm_intercepted(vmcb, SVM_EXIT_IRET));

	exits(vcpu, SVM_EXIT_IRET, 0x2010);
	KUNIT_EXPECT_EQ(test, svm_exit_iret(vcpu), HVMON_RESUME);
	KUNIT_EXPECT_FALSE(test, svm_intercepted(vmcb, SVM_EXIT_IRET));
	/* A nested fault on IRET's stack: not done */
	exits(vcpu, SVM_EXIT_NPF, 0x2010);
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	exits(vcpu, SVM_EXIT_INTR, 0x1000);
	KUNIT_EXPECT_TRUE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	KUNIT_EXPECT_FALSE(test, vcpu->svm->watch);
}

/* Claim: an NMI that waits for IRET is let in by a step that the guest misses */
static void nmi_window_steps(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = fake_vcpu(test);
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;

	svm_inject(vcpu, &an_nmi);
	exits(vcpu, SVM_EXIT_CPUID, 0x2000);
	svm_open_window(vcpu, HVMON_KIND_NMI);
	KUNIT_EXPECT_FALSE(test, vcpu->svm->step);
	exits(vcpu, SVM_EXIT_IRET, 0x2010);
	svm_exit_iret(vcpu);
	svm_open_window(vcpu, HVMON_KIND_NMI);
	KUNIT_EXPECT_TRUE(test, vcpu->regs.rflags & X86_EFLAGS_TF);

	/* An exit before the IRET is done shows the guest's own TF */
	exits(vcpu, SVM_EXIT_NPF, 0x2010);
	KUNIT_EXPECT_FALSE(test, vcpu->regs.rflags & X86_EFLAGS_TF);
	svm_open_window(vcpu, HVMON_KIND_NMI);
	KUNIT_EXPECT_TRUE(test, vcpu->regs.rflags & X86_EFLAGS_TF);

	/* IRET done, to the very same address, with TF clear in its frame */
	vmcb->save.dr6 |= BIT(14);
	vcpu->regs.rflags &= ~(u64)X86_EFLAGS_TF;
	exits(vcpu, SVM_EXIT_EXCP(1), 0x2010);
	KUNIT_EXPECT_EQ(test, svm_exit_db(vcpu), HVMON_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->exception.valid, 0);
	KUNIT_EXPECT_EQ(test, vmcb->save.dr6, 0xffff0ff0ULL);
	KUNIT_EXPECT_TRUE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
}

/* Claim: interrupts wait for IF, the shadow and an event that goes first */
static void intr_conditions(struct kunit *test)
{
	struct hvmon_event ud = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 6 };
	struct hvmon_vcpu *vcpu = fake_vcpu(test);
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;

	KUNIT_EXPECT_TRUE(test, svm_can_inject(vcpu, HVMON_KIND_INTR));
	vmcb->int_state = SVM_INT_SHADOW;
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_INTR));
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_NMI));
	vmcb->int_state = 0;
	vcpu->regs.rflags = X86_EFLAGS_FIXED;
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_INTR));
	vcpu->regs.rflags |= X86_EFLAGS_IF;
	svm_inject(vcpu, &ud);
	KUNIT_EXPECT_FALSE(test, svm_can_inject(vcpu, HVMON_KIND_INTR));
	exits(vcpu, SVM_EXIT_CPUID, 0x1000);
	KUNIT_EXPECT_TRUE(test, svm_can_inject(vcpu, HVMON_KIND_INTR));
}

/* Claim: opening the window twice and closing it leaves the VMCB as it was */
static void intr_window(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = fake_vcpu(test);
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;
	u64 vintr = vmcb->vintr;

	svm_open_window(vcpu, HVMON_KIND_INTR);
	svm_open_window(vcpu, HVMON_KIND_INTR);
	KUNIT_EXPECT_TRUE(test, vmcb->vintr & SVM_VINTR_IRQ);
	KUNIT_EXPECT_TRUE(test, svm_intercepted(vmcb, SVM_EXIT_VINTR));
	svm_close_window(vcpu->svm);
	KUNIT_EXPECT_EQ(test, vmcb->vintr, vintr);
	KUNIT_EXPECT_FALSE(test, svm_intercepted(vmcb, SVM_EXIT_VINTR));
}

/* Claim: an interrupted delivery is kept, an INT instruction's runs again */
static void in_flight(struct kunit *test)
{
	struct hvmon_event bp = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 3 };
	struct hvmon_vcpu *vcpu = fake_vcpu(test);
	struct svm_vmcb *vmcb = vcpu->svm->vmcb;

	vmcb->exit_int_info = 0x800000ec;
	exits(vcpu, SVM_EXIT_NPF, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.valid, 1);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.vector, 0xec);
	vmcb->exit_int_info = 0x80000480;
	exits(vcpu, SVM_EXIT_NPF, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.valid, 0);
	/* INT3 of the guest's */
	vmcb->exit_int_info = 0x80000303;
	exits(vcpu, SVM_EXIT_NPF, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.valid, 0);
	/* What is no exception's vector is nobody's event */
	vmcb->exit_int_info = 0x800003ec;
	exits(vcpu, SVM_EXIT_NPF, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.valid, 0);
	/* #BP that was injected */
	vmcb->exit_int_info = 0;
	svm_inject(vcpu, &bp);
	vmcb->exit_int_info = 0x80000303;
	exits(vcpu, SVM_EXIT_NPF, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->in_flight.valid, 1);
}

static struct kunit_case svm_cases[] = {
	KUNIT_CASE(seg_attributes),
	KUNIT_CASE(seg_unusable),
	KUNIT_CASE(events),
	KUNIT_CASE(event_not_valid),
	KUNIT_CASE(event_no_exception),
	KUNIT_CASE(msr_map),
	KUNIT_CASE(msr_map_outside),
	KUNIT_CASE(ioio),
	KUNIT_CASE(npf),
	KUNIT_CASE(opcode_len),
	KUNIT_CASE(exit_table),
	KUNIT_CASE(rules_good),
	KUNIT_CASE(rules_flush),
	KUNIT_CASE(rules_broken),
	KUNIT_CASE(nmi_until_iret),
	KUNIT_CASE(nmi_window_steps),
	KUNIT_CASE(intr_conditions),
	KUNIT_CASE(intr_window),
	KUNIT_CASE(in_flight),
	{}
};

static struct kunit_suite svm_suite = {
	.name = "hvmon-svm",
	.test_cases = svm_cases,
};

kunit_test_suite(svm_suite);
