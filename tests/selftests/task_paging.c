// SPDX-License-Identifier: GPL-2.0
/*
 * A new task brings its CR3, in 32-bit and in PAE paging. A TSS that is not
 * mapped is #PF at the instruction; reserved bits in a PDPTE are the new task's
 * #GP.
 */
#include "hvt_task.h"

#define DIR_A	0x200000
#define DIR_B	0x201000
#define DIR_BAD	0x202000

GUEST32(guest,
	"1: ljmp $0x48, $0\n"
	"mov %cr3, %eax\n"
	G_REPORT
	"jmp 1b\n");
/* 0x500000 is mapped by the task's own tables alone */
GUEST32(other,
	"mov 0x500000, %eax\n"
	G_REPORT
	"ljmp $0x40, $0\n");
GUEST32(handler, "mov (%esp), %eax\n" G_REPORT "hlt\n");

/* 4 MiB one to one, and of @more also 0x400000 and up to 0 */
static void tables_32(struct hvt_vcpu *v, u32 at, bool more)
{
	u32 *pd = (u32 *)(v->vm->mem + at);

	pd[0] = 0x83;
	pd[1] = more ? 0x83 : 0;
}

static void tables_pae(struct hvt_vcpu *v, u32 at, bool more)
{
	u64 *pdpt = (u64 *)(v->vm->mem + at), *pd = (u64 *)(v->vm->mem + at + 0x10000);

	pdpt[0] = (at + 0x10000) | 1;
	pd[0] = 0x83;
	pd[1] = 0x200083;
	pd[2] = more ? 0x83 : 0;
	pd[3] = more ? 0x200083 : 0;
}

static struct hvt_vcpu *boot(bool pae)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);
	struct hvmon_state st;

	(pae ? tables_pae : tables_32)(v, DIR_A, false);
	(pae ? tables_pae : tables_32)(v, DIR_B, true);
	hvt_tss(v, 0)->cr3 = DIR_A;
	HVT_TASK(v, 1, other)->cr3 = DIR_B;
	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.cr0 |= 0x80010000;
	st.sregs.cr3 = DIR_A;
	st.sregs.cr4 = pae ? 0x20 : 0x10;
	hvt_set(v, &st, HVMON_STATE_SREGS);
	return v;
}

static void switches(bool pae)
{
	struct hvt_vcpu *v = boot(pae);
	struct hvmon_state st;
	int i;

	for (i = 0; i < 2; i++) {
		hvt_tss(v, 0)->link = 0xb000 + i;	/* what lies at 0x500000 */
		CHECK_EQ(EXPECT_REPORT(v), 0xb000 + i);
		CHECK_TASK(v, 1);
		hvt_get(v, &st, HVMON_STATE_SREGS);
		CHECK_EQ(st.sregs.cr3, DIR_B);
		CHECK_EQ(EXPECT_REPORT(v), DIR_A);
		CHECK_TASK(v, 0);
		hvt_tss(v, 1)->eip = HVT_TASK_CODE(1);
	}
	/* The static field is not saved to */
	CHECK_EQ(hvt_tss(v, 1)->cr3, DIR_B);
}

static void page_fault(void)
{
	struct hvt_vcpu *v = boot(false);
	struct hvmon_state st;
	u32 *frame;

	hvt_set_desc(v, HVT_TSS_SEL(1), 0x800000, 0x67, HVT_TSS_AVAIL);
	EXPECT_EXC(v, 14);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	CHECK_EQ(st.sregs.cr2, 0x800000);
	CHECK_EQ(st.sregs.seg[HVMON_TR].selector, HVT_TSS_SEL(0));
	frame = (u32 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
	CHECK_EQ(frame[0], 0);
	CHECK_EQ(frame[1], HVT_CODE);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(0)), HVT_TSS_AVAIL | HVT_TSS_BUSY);
	CHECK_EQ(hvt_type(v, HVT_TSS_SEL(1)), HVT_TSS_AVAIL);
}

static void bad_pdpte(void)
{
	struct hvt_vcpu *v = boot(true);

	/* AMD-V reads PDPTEs when it walks, and QEMU never looks at those bits */
	if (!hvt_is_vmx())
		return;
	tables_pae(v, DIR_BAD, true);
	*(u64 *)(v->vm->mem + DIR_BAD) |= 2;
	hvt_tss(v, 1)->cr3 = DIR_BAD;
	HVT_TASK(v, 2, handler)->cr3 = DIR_A;
	hvt_task_gate(v, 13, HVT_TSS_SEL(2));
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_TASK(v, 2);
	CHECK_EQ(hvt_tss(v, 2)->link, HVT_TSS_SEL(1));
	CHECK_EQ(hvt_tss(v, 1)->eip, HVT_TASK_CODE(1));
}

int main(void)
{
	switches(false);
	switches(true);
	page_fault();
	bad_pdpte();
	return 0;
}
