// SPDX-License-Identifier: GPL-2.0
/* VT-x: encodings, the cache of the VMCS, maps, windows and the exit table */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../../kmod/pt.h"
#include "../../kmod/vmx/vmx.h"

/* Claim: a capability MSR's halves are what must and what may be 1 */
static void controls(struct kunit *test)
{
	/* Bits 0 and 1 are fixed, 2 is free, 3 is not there */
	struct vmx_ctls ctls = vmx_ctls(0x0000000700000003ULL);

	KUNIT_EXPECT_EQ(test, ctls.must, 3);
	KUNIT_EXPECT_EQ(test, ctls.may, 7);
	KUNIT_EXPECT_EQ(test, vmx_adjust(ctls, 0), 3);
	KUNIT_EXPECT_EQ(test, vmx_adjust(ctls, 4), 7);
	KUNIT_EXPECT_EQ(test, vmx_adjust(ctls, 8), 3);
}

/* Claim: the preemption timer runs out at its deadline or up to one tick later */
static void timer_ticks(struct kunit *test)
{
	static const struct {
		u64 now, deadline;
		unsigned int shift;
		u32 ticks;
	} rows[] = {
		{ 1000, 1000, 5, 0 }, { 1000, 999, 5, 0 }, { 1000, 0, 0, 0 },
		{ 1000, 1001, 0, 1 }, { 1000, 2000, 0, 1000 },
		/* 31 and 32 lie on both sides of the first change of bit 5 */
		{ 31, 32, 5, 1 }, { 0, 32, 5, 1 }, { 0, 33, 5, 2 }, { 31, 33, 5, 2 },
		{ 32, 33, 5, 1 }, { 63, 65, 5, 2 },
		{ 0, U32_MAX, 0, U32_MAX }, { 0, 1ULL << 32, 0, U32_MAX },
		{ 0, 1ULL << 32, 1, 1U << 31 }, { 5, S64_MAX, 0, U32_MAX },
		{ 5, S64_MAX, 31, U32_MAX },
		/* Farther than half the range counts as behind */
		{ 0, 1ULL << 63, 0, 0 },
	};
	unsigned int i;
	u64 fires;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, vmx_timer_ticks(rows[i].now, rows[i].deadline,
							  rows[i].shift), rows[i].ticks,
				    "row %u", i);
	for (i = 0; i < 200; i++) {
		fires = ((1000 >> 5) + vmx_timer_ticks(1000, 1001 + i, 5)) << 5;
		KUNIT_EXPECT_TRUE(test, fires >= 1001 + i && fires < 1001 + i + 32);
	}
}

/* Claim: encodings are those of SDM vol. 3, appendix B: full, even, unique, and of one width */
static void encodings(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < VMX_NR_FIELDS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, vmx_encodings[i] & ~0x6ffe, 0, "field %u", i);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, vmx_encodings[i], vmx_encodings[j]);
	}
	/* Bits 11:10: control, read-only, guest, host */
	for (i = VMX_ES_SELECTOR; i < VMX_FIRST_READ_ONLY; i++)
		if (i != VMX_ENTRY_INTR_INFO)
			KUNIT_EXPECT_EQ_MSG(test, vmx_encodings[i] >> 10 & 3, 2, "field %u", i);
	for (i = VMX_FIRST_READ_ONLY; i < VMX_NR_FIELDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, vmx_encodings[i] >> 10 & 3, 1, "field %u", i);
	for (i = VMX_HOST_ES_SELECTOR; i <= VMX_HOST_RIP; i++)
		KUNIT_EXPECT_EQ_MSG(test, vmx_encodings[i] >> 10 & 3, 3, "field %u", i);
	KUNIT_EXPECT_EQ(test, vmx_encodings[VMX_TR_AR], 0x4822);
	KUNIT_EXPECT_EQ(test, vmx_encodings[VMX_LDTR_BASE], 0x6812);
	KUNIT_EXPECT_EQ(test, vmx_encodings[VMX_HOST_RIP], 0x6c16);
}

static struct hvmon_vcpu *new_vcpu(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->vmx = kunit_kzalloc(test, sizeof(*vcpu->vmx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->vmx);
	bitmap_fill(vcpu->vmx->valid, VMX_NR_FIELDS);
	return vcpu;
}

static bool dirty(struct hvmon_vcpu *vcpu, enum vmx_field field)
{
	return test_bit(field, vcpu->vmx->dirty);
}

/* Claim: a field becomes dirty by a change, and only by that */
static void cache_dirty(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = new_vcpu(test);

	vmx_set(vcpu, VMX_CR3, 0);
	KUNIT_EXPECT_FALSE(test, dirty(vcpu, VMX_CR3));
	vmx_set(vcpu, VMX_CR3, 0x1000);
	KUNIT_EXPECT_TRUE(test, dirty(vcpu, VMX_CR3));
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_CR3), 0x1000);
	/* Not known: written whatever the old value was */
	clear_bit(VMX_CR0, vcpu->vmx->valid);
	vmx_set(vcpu, VMX_CR0, 0);
	KUNIT_EXPECT_TRUE(test, dirty(vcpu, VMX_CR0));
	KUNIT_EXPECT_TRUE(test, test_bit(VMX_CR0, vcpu->vmx->valid));
	/* Exits leave it alone, so that it is always known, and nobody asks */
	clear_bit(VMX_HOST_CR3, vcpu->vmx->valid);
	vmx_set(vcpu, VMX_HOST_CR3, 0);
	KUNIT_EXPECT_FALSE(test, dirty(vcpu, VMX_HOST_CR3));
	vmx_set(vcpu, VMX_HOST_CR3, 0x1000);
	KUNIT_EXPECT_TRUE(test, dirty(vcpu, VMX_HOST_CR3));
}

/* Claim: an exit makes the guest's fields unknown, not what only we write */
static void cache_forget(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = new_vcpu(test);
	unsigned int i;

	vmx_forget(vcpu->vmx);
	for (i = 0; i < VMX_NR_FIELDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, test_bit(i, vcpu->vmx->valid), i < VMX_FIRST_VOLATILE,
				    "field %u", i);
}

/* Claim: events are encoded as SDM vol. 3, 25.8.3 says, and decoded back */
static void events(struct kunit *test)
{
	struct hvmon_event pf = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 14,
				  .has_error = 1, .error = 7 };
	struct hvmon_event nmi = { .valid = 1, .type = HVMON_EV_NMI, .vector = 2 };
	struct hvmon_event soft = { .valid = 1, .type = HVMON_EV_SOFT_INT, .vector = 0x80,
				    .insn_len = 2 };
	struct hvmon_event out;

	KUNIT_EXPECT_EQ(test, vmx_encode_event(&pf), 0x80000b0e);
	KUNIT_EXPECT_EQ(test, vmx_encode_event(&nmi), 0x80000202);
	KUNIT_EXPECT_EQ(test, vmx_encode_event(&soft), 0x80000480);
	vmx_decode_event(0x80000b0e, 7, 3, &out);
	KUNIT_EXPECT_EQ(test, memcmp(&out, &pf, sizeof(out)), 0);
	vmx_decode_event(0x80000202, 7, 3, &out);
	KUNIT_EXPECT_EQ(test, memcmp(&out, &nmi, sizeof(out)), 0);
	vmx_decode_event(0x80000480, 7, 2, &out);
	KUNIT_EXPECT_EQ(test, memcmp(&out, &soft, sizeof(out)), 0);
	vmx_decode_event(0x7fffffff, 7, 2, &out);
	KUNIT_EXPECT_EQ(test, out.valid, 0);
}

/* Claim: an interrupt needs IF and no shadow, an NMI no shadow and no NMI */
static void inject_conditions(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = new_vcpu(test);

	vcpu->regs.rflags = X86_EFLAGS_IF;
	KUNIT_EXPECT_TRUE(test, vmx_can_inject(vcpu, HVMON_KIND_INTR));
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_NMI);
	KUNIT_EXPECT_TRUE(test, vmx_can_inject(vcpu, HVMON_KIND_INTR));
	KUNIT_EXPECT_FALSE(test, vmx_can_inject(vcpu, HVMON_KIND_NMI));
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_STI);
	KUNIT_EXPECT_FALSE(test, vmx_can_inject(vcpu, HVMON_KIND_INTR));
	KUNIT_EXPECT_FALSE(test, vmx_can_inject(vcpu, HVMON_KIND_NMI));
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, 0);
	vcpu->regs.rflags = 0;
	KUNIT_EXPECT_FALSE(test, vmx_can_inject(vcpu, HVMON_KIND_INTR));
	KUNIT_EXPECT_TRUE(test, vmx_can_inject(vcpu, HVMON_KIND_NMI));
}

/* Claim: an injected interrupt closes its window and ends the shadow */
static void inject_closes_window(struct kunit *test)
{
	const struct hvmon_event intr = { .valid = 1, .type = HVMON_EV_INTR, .vector = 0x31 };
	struct hvmon_vcpu *vcpu = new_vcpu(test);

	vcpu->regs.rflags = X86_EFLAGS_IF;
	vmx_open_window(vcpu, HVMON_KIND_INTR);
	vmx_open_window(vcpu, HVMON_KIND_NMI);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PROC_CTLS),
			VMX_PROC_INTR_WINDOW | VMX_PROC_NMI_WINDOW);
	vmx_set(vcpu, VMX_INTERRUPTIBILITY, VMX_BLOCK_STI | VMX_BLOCK_NMI);
	vmx_inject(vcpu, &intr);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PROC_CTLS), VMX_PROC_NMI_WINDOW);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_ENTRY_INTR_INFO), 0x80000031);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_INTERRUPTIBILITY), VMX_BLOCK_NMI);
	KUNIT_EXPECT_FALSE(test, vmx_can_inject(vcpu, HVMON_KIND_INTR));
}

/* Claim: the mode decides whether an exception pushes an error code */
static void inject_error_code(struct kunit *test)
{
	const struct hvmon_event gp = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 13,
					.has_error = 1, .error = 8 };
	struct hvmon_vcpu *vcpu = new_vcpu(test);

	vmx_inject(vcpu, &gp);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_ENTRY_INTR_INFO), 0x8000030d);
	vmx_set(vcpu, VMX_CR0_SHADOW, X86_CR0_PE);
	vmx_inject(vcpu, &gp);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_ENTRY_INTR_INFO), 0x80000b0d);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_ENTRY_ERROR_CODE), 8);
}

/* Claim: each MSR has the two bits that SDM vol. 3, 25.6.9 gives it */
static void msr_bitmap(struct kunit *test)
{
	unsigned int byte, bit;

	KUNIT_EXPECT_TRUE(test, vmx_msr_bitmap_bit(MSR_IA32_SYSENTER_CS, &byte, &bit));
	KUNIT_EXPECT_EQ(test, byte, 0x174 / 8);
	KUNIT_EXPECT_EQ(test, bit, 4);
	KUNIT_EXPECT_TRUE(test, vmx_msr_bitmap_bit(MSR_LSTAR, &byte, &bit));
	KUNIT_EXPECT_EQ(test, byte, 1024 + 0x82 / 8);
	KUNIT_EXPECT_EQ(test, bit, 2);
	KUNIT_EXPECT_TRUE(test, vmx_msr_bitmap_bit(0x1fff, &byte, &bit));
	KUNIT_EXPECT_FALSE(test, vmx_msr_bitmap_bit(0x2000, &byte, &bit));
	KUNIT_EXPECT_FALSE(test, vmx_msr_bitmap_bit(0xc0002000, &byte, &bit));
	KUNIT_EXPECT_FALSE(test, vmx_msr_bitmap_bit(0x4b564d01, &byte, &bit));
}

/* Claim: the qualification of an I/O instruction is taken apart as table 28-5 says */
static void io_info(struct kunit *test)
{
	struct hvmon_pio_info out = vmx_io_info(0x3f80000);
	struct hvmon_pio_info ins = vmx_io_info(0x1f0003b);

	KUNIT_EXPECT_EQ(test, out.port, 0x3f8);
	KUNIT_EXPECT_EQ(test, out.size, 1);
	KUNIT_EXPECT_FALSE(test, out.in);
	KUNIT_EXPECT_FALSE(test, out.string);
	KUNIT_EXPECT_EQ(test, ins.port, 0x1f0);
	KUNIT_EXPECT_EQ(test, ins.size, 4);
	KUNIT_EXPECT_TRUE(test, ins.in);
	KUNIT_EXPECT_TRUE(test, ins.string);
}

/* Claim: an EPT violation says what was wanted, not what was permitted */
static void ept_access(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vmx_ept_access(0x81), 0);
	KUNIT_EXPECT_EQ(test, vmx_ept_access(0x82), HVMON_ACCESS_WRITE);
	KUNIT_EXPECT_EQ(test, vmx_ept_access(0x84), HVMON_ACCESS_EXEC);
	KUNIT_EXPECT_EQ(test, vmx_ept_access(0x1b8), HVMON_ACCESS_FINAL);
	KUNIT_EXPECT_EQ(test, vmx_ept_access(0x182), HVMON_ACCESS_FINAL | HVMON_ACCESS_WRITE);
}

/* Claim: a segment that is not present is unusable, others keep their bits */
static void seg_ar(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vmx_seg_ar(0xa09b), 0xa09b);
	KUNIT_EXPECT_EQ(test, vmx_seg_ar(0x0013), 0x0013 | HVMON_SEG_UNUSABLE);
	KUNIT_EXPECT_EQ(test, vmx_seg_ar(HVMON_SEG_UNUSABLE | 0x93), HVMON_SEG_UNUSABLE | 0x93);
}

/* Claim: EPT entries are as SDM vol. 3, 29.3.2 has them: no write without read */
static void ept_entries(struct kunit *test)
{
	const struct hvmon_pt_fmt *fmt = &hvmon_ept_fmt;

	KUNIT_EXPECT_EQ(test, fmt->table(0x5000), 0x5007);
	KUNIT_EXPECT_EQ(test, fmt->leaf(0x5000, HVMON_PT_4K, 0), 0x5071);
	KUNIT_EXPECT_EQ(test, fmt->leaf(0x5000, HVMON_PT_4K, HVMON_PROT_WRITE), 0x5073);
	KUNIT_EXPECT_EQ(test, fmt->leaf(0x200000, HVMON_PT_2M, HVMON_PROT_WRITE | HVMON_PROT_EXEC),
			0x2000f7);
	KUNIT_EXPECT_EQ(test, fmt->pa(0x5073 | BIT_ULL(63)), 0x5000);
	/* Write-back, four levels */
	KUNIT_EXPECT_EQ(test, fmt->root(0x7000, 4) & ~BIT_ULL(6), 0x701e);
}

/* Claim: every exit that the controls ask for has a handler; those of others have none */
static void exit_table(struct kunit *test)
{
	static const u32 known[] = {
		VMX_REASON_EXCEPTION_NMI, VMX_REASON_EXT_INTR, VMX_REASON_TRIPLE_FAULT,
		VMX_REASON_INTR_WINDOW, VMX_REASON_NMI_WINDOW, VMX_REASON_CPUID,
		VMX_REASON_HLT, VMX_REASON_INVD, VMX_REASON_RDPMC, VMX_REASON_VMCALL,
		VMX_REASON_VMXON, VMX_REASON_VMLAUNCH, VMX_REASON_CR, VMX_REASON_DR,
		VMX_REASON_IO, VMX_REASON_RDMSR, VMX_REASON_WRMSR, VMX_REASON_MWAIT,
		VMX_REASON_MONITOR, VMX_REASON_EPT_VIOLATION, VMX_REASON_INVEPT,
		VMX_REASON_PREEMPT_TIMER, VMX_REASON_INVVPID, VMX_REASON_WBINVD,
		VMX_REASON_XSETBV, VMX_REASON_TPR,
		VMX_REASON_APIC_ACCESS, VMX_REASON_EOI, VMX_REASON_APIC_WRITE,
		VMX_REASON_PML_FULL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		KUNIT_EXPECT_TRUE_MSG(test, vmx_exit_known(known[i]), "reason %u", known[i]);
	KUNIT_EXPECT_TRUE(test, vmx_exit_known(VMX_REASON_TASK_SWITCH));
	KUNIT_EXPECT_FALSE(test, vmx_exit_known(VMX_REASON_EPT_MISCONFIG));
	KUNIT_EXPECT_FALSE(test, vmx_exit_known(VMX_REASONS));
	KUNIT_EXPECT_FALSE(test, vmx_exit_known(~0U));
}

/* Claim: whatever shadow a launcher gives, the entry's rules of 27.3.1.5 are kept */
static void fit_shadow(struct kunit *test)
{
	static const u64 shadow[] = { 0, VMX_BLOCK_STI, VMX_BLOCK_MOVSS };
	static const u64 dbg[] = { 0, VMX_PENDING_BS, VMX_PENDING_ENABLED_BP | 2 };
	u64 blocked, pending;
	unsigned int i;

	for (i = 0; i < 72; i++) {
		u64 rflags = 2 | (i & 1 ? X86_EFLAGS_TF : 0) | (i & 2 ? X86_EFLAGS_IF : 0);
		u64 btf = i & 4 ? DEBUGCTLMSR_BTF : 0;
		u64 was = shadow[i / 8 % 3], had = dbg[i / 24];
		bool steps = i & 1 && !btf;

		blocked = was | VMX_BLOCK_NMI;
		pending = had;
		vmx_fit_shadow(rflags, btf, &blocked, &pending);
		KUNIT_EXPECT_EQ(test, blocked & ~3ULL, VMX_BLOCK_NMI);
		KUNIT_EXPECT_EQ(test, pending & ~VMX_PENDING_BS, had & ~VMX_PENDING_BS);
		/* A shadow stays one, and none comes */
		KUNIT_EXPECT_EQ(test, !(blocked & 3), !was);
		KUNIT_EXPECT_NE(test, blocked & 3, 3);
		if (blocked & VMX_BLOCK_STI)
			KUNIT_EXPECT_TRUE(test, rflags & X86_EFLAGS_IF);
		if (was)
			KUNIT_EXPECT_EQ_MSG(test, !!(pending & VMX_PENDING_BS), steps, "%u", i);
		else
			KUNIT_EXPECT_EQ(test, pending, had);
		/* With STI's a trap comes at once: only if it was due before */
		if (blocked & VMX_BLOCK_STI && steps)
			KUNIT_EXPECT_EQ(test, had, VMX_PENDING_BS);
	}
}

#define PML_PAGES	600

/* A VM of one slot that logs, at 16 MiB */
static struct hvmon_slot *new_logging_vm(struct kunit *test, struct hvmon_vcpu *vcpu)
{
	struct hvmon_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct hvmon_slot *slot = kunit_kzalloc(test, sizeof(*slot), GFP_KERNEL);
	struct hvmon_slots *slots;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	slot->gfn = 0x1000;
	slot->npages = PML_PAGES;
	slot->dirty = kunit_kzalloc(test, BITS_TO_LONGS(PML_PAGES) * sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, slot->dirty);
	slots = kunit_kzalloc(test, struct_size(slots, slot, 1), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, slots);
	slots->nr = 1;
	slots->slot[0] = slot;
	RCU_INIT_POINTER(vm->slots, slots);
	KUNIT_ASSERT_EQ(test, init_srcu_struct(&vm->srcu), 0);
	vcpu->vm = vm;
	return slot;
}

/*
 * Claim: what is above the index is passed on, whatever its low bits are, and
 * the log is empty then; a full one has an index beyond it
 */
static void pml_drain(struct kunit *test)
{
	static const struct {
		u16 index;
		int logged;
	} rows[] = { { 511, 0 }, { 510, 1 }, { 500, 11 }, { 0, 511 }, { 0xffff, 512 } };
	struct hvmon_vcpu *vcpu = new_vcpu(test);
	struct hvmon_slot *slot = new_logging_vm(test, vcpu);
	u64 *log = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, log);
	vcpu->vmx->pml = log;
	for (i = 0; i < VMX_PML_ENTRIES; i++)
		log[i] = ((slot->gfn + i) << PAGE_SHIFT) + i * 7;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		vmx_set(vcpu, VMX_PML_INDEX, rows[i].index);
		vmx_pml_drain(vcpu);
		KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PML_INDEX), 511);
		KUNIT_EXPECT_EQ(test, bitmap_weight(slot->dirty, PML_PAGES), rows[i].logged);
		KUNIT_EXPECT_EQ(test, find_first_bit(slot->dirty, 512), 512 - rows[i].logged);
		bitmap_zero(slot->dirty, PML_PAGES);
	}
	/* Pages of no slot, such as the one behind, are nobody's */
	log[511] = (slot->gfn + PML_PAGES) << PAGE_SHIFT;
	log[510] = (slot->gfn - 1) << PAGE_SHIFT;
	vmx_set(vcpu, VMX_PML_INDEX, 509);
	vmx_pml_drain(vcpu);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(slot->dirty, PML_PAGES));
	cleanup_srcu_struct(&vcpu->vm->srcu);
}

/* Claim: a section logs while a slot does, if the vCPU has a log */
static void pml_sections(struct kunit *test)
{
	struct hvmon_vcpu *vcpu = new_vcpu(test);
	u64 other = VMX_PROC2_EPT | VMX_PROC2_VPID;
	u64 log;

	vcpu->vm = kunit_kzalloc(test, sizeof(*vcpu->vm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->vm);
	vmx_set(vcpu, VMX_PROC2_CTLS, other);
	vcpu->vm->mmu.logging = true;
	vmx_pml_section_begin(vcpu);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PROC2_CTLS), other);
	KUNIT_EXPECT_FALSE(test, vcpu->vmx->pml_on);
	vcpu->vmx->pml = &log;
	vmx_pml_section_begin(vcpu);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PROC2_CTLS), other | VMX_PROC2_PML);
	KUNIT_EXPECT_TRUE(test, vcpu->vmx->pml_on);
	vcpu->vm->mmu.logging = false;
	vmx_pml_section_begin(vcpu);
	KUNIT_EXPECT_EQ(test, vmx_get(vcpu, VMX_PROC2_CTLS), other);
	KUNIT_EXPECT_FALSE(test, vcpu->vmx->pml_on);
}

static struct kunit_case vmx_cases[] = {
	KUNIT_CASE(controls),
	KUNIT_CASE(timer_ticks),
	KUNIT_CASE(encodings),
	KUNIT_CASE(cache_dirty),
	KUNIT_CASE(cache_forget),
	KUNIT_CASE(events),
	KUNIT_CASE(inject_conditions),
	KUNIT_CASE(inject_closes_window),
	KUNIT_CASE(inject_error_code),
	KUNIT_CASE(msr_bitmap),
	KUNIT_CASE(io_info),
	KUNIT_CASE(ept_access),
	KUNIT_CASE(seg_ar),
	KUNIT_CASE(ept_entries),
	KUNIT_CASE(exit_table),
	KUNIT_CASE(fit_shadow),
	KUNIT_CASE(pml_drain),
	KUNIT_CASE(pml_sections),
	{}
};

static struct kunit_suite vmx_suite = {
	.name = "hvmon-vmx",
	.test_cases = vmx_cases,
};

kunit_test_suite(vmx_suite);
