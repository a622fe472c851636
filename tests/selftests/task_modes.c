// SPDX-License-Identifier: GPL-2.0
/*
 * A task at CPL 3, and one in virtual-8086 mode: entered by JMP, left through a
 * task gate for #GP, resumed by IRET.
 */
#include "hvt_task.h"

#define UCODE	0x33
#define UDATA	0x3b

GUEST32(guest, "ljmp $0x48, $0\n");
GUEST32(user, "mov %cs, %eax\n" G_REPORT "hlt\n mov %ss, %eax\n" G_REPORT "hlt\n");
GUEST16(v8086, "mov %ds, %eax\n" G_REPORT "hlt\n mov (0x20), %eax\n" G_REPORT "hlt\n");
GUEST32(handler, "1: mov (%esp), %eax\n" G_REPORT "add $4, %esp\n iret\n jmp 1b\n");

static struct hvt_vcpu *boot(void)
{
	struct hvt_vcpu *v = HVT_BOOT_TASK(guest);

	HVT_TASK(v, 2, handler);
	hvt_task_gate(v, 13, HVT_TSS_SEL(2));
	return v;
}

/* The HLT at @eip is #GP(0); it is stepped over, and the next value is @next */
static void hlt_and_resume(struct hvt_vcpu *v, u32 eip, u32 next)
{
	CHECK_EQ(EXPECT_REPORT(v), 0);
	CHECK_TASK(v, 2);
	CHECK_EQ(hvt_tss(v, 2)->link, HVT_TSS_SEL(1));
	CHECK_EQ(hvt_tss(v, 1)->eip, eip);
	hvt_tss(v, 1)->eip++;
	CHECK_EQ(EXPECT_REPORT(v), next);
	CHECK_TASK(v, 1);
}

int main(void)
{
	struct hvt_vcpu *v = boot();
	struct hvt_tss *t = HVT_TASK(v, 1, user);
	struct hvmon_state st;
	int i;

	hvt_set_desc(v, UCODE, 0, 0xfffff, 0xc0fb);
	hvt_set_desc(v, UDATA, 0, 0xfffff, 0xc0f3);
	for (i = 0; i < 6; i++)
		t->seg[i] = i == HVMON_CS ? UCODE : UDATA;
	t->eflags = 0x3002;		/* IOPL 3 */
	CHECK_EQ(EXPECT_REPORT(v), UCODE);
	CHECK_TASK(v, 1);
	hvt_get(v, &st, HVMON_STATE_SREGS);
	CHECK_EQ(st.sregs.seg[HVMON_SS].attr >> 5 & 3, 3);
	hlt_and_resume(v, HVT_TASK_CODE(1) + 4, UDATA);
	CHECK_EQ(t->seg[HVMON_CS], UCODE);

	v = boot();
	t = HVT_TASK(v, 1, v8086);
	/* A bitmap that allows the ports in use */
	hvt_set_desc(v, HVT_TSS_SEL(1), HVT_TSS_AT(1), 0x88, HVT_TSS_AVAIL);
	t->eflags = 0x20002;
	t->eip = 0;
	for (i = 0; i < 6; i++)
		t->seg[i] = 0x2000 + i;
	t->seg[HVMON_CS] = HVT_TASK_CODE(1) >> 4;
	*(u32 *)(v->vm->mem + 0x20050) = 0x86868686;	/* DS:0x20 */
	CHECK_EQ(EXPECT_REPORT(v) & 0xffff, 0x2003);
	CHECK_TASK(v, 1);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	CHECK_EQ(st.regs.rflags, 0x20002);
	CHECK_EQ(st.sregs.seg[HVMON_GS].base, 0x20050);
	CHECK_EQ(st.sregs.seg[HVMON_GS].limit, 0xffff);
	hlt_and_resume(v, v8086_end - v8086 - 9, 0x86868686);
	CHECK_EQ(t->eflags & ~(1u << 16), 0x20002);
	CHECK_EQ(t->seg[HVMON_FS], 0x2004);
	CHECK_EQ(hvt_tss(v, 2)->eflags & EFLAGS_NT, 0);
	return 0;
}
