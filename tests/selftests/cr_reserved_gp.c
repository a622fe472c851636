// SPDX-License-Identifier: GPL-2.0
/*
 * MOV of reserved bits to CR0, CR4, CR8 and XCR0 gives the guest #GP(0)
 * and leaves the register.
 */
#include "hvt.h"

GUEST64(to_cr0, "mov %rbx, %cr0\n hlt\n");
GUEST64(to_cr4, "mov %rbx, %cr4\n hlt\n");
GUEST64(to_cr8, "mov %rbx, %cr8\n hlt\n");
GUEST64(to_xcr0,
	"mov %ebx, %eax\n mov %rbx, %rdx\n shr $32, %rdx\n xor %ecx, %ecx\n xsetbv\n hlt\n");

static const struct { const char *name; const u8 *code; u64 val; } bad[] = {
	{ "CR0 = bit 32", to_cr0, 0x180010033ULL },
	{ "CR0 = PG without PE", to_cr0, 0x80010032 },
	{ "CR0 = NW without CD", to_cr0, 0xa0010033 },
	{ "CR4 = bit 31", to_cr4, 0x80000620 },
	{ "CR4 = bit 63", to_cr4, 0x8000000000000620ULL },
	{ "CR4 without PAE in long mode", to_cr4, 0x600 },
	{ "CR4 = VMXE", to_cr4, 0x2620 },
	{ "CR8 = 16", to_cr8, 16 },
	{ "XCR0 without x87", to_xcr0, 2 },
	{ "XCR0 = YMM without SSE", to_xcr0, 5 },
	{ "XCR0 = bit 62", to_xcr0, 1ULL << 62 | 3 },
	{ "XCR0 = 0", to_xcr0, 0 },
};

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, to_cr0);
	struct hvmon_state st, before;
	bool xsave;
	unsigned int i;

	hvt_get(v, &st, HVMON_STATE_SREGS);
	hvt_state64(&st);
	st.sregs.cr4 |= 1 << 18;	/* OSXSAVE */
	xsave = !hvt_try_set(v, &st, HVMON_STATE_SREGS);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (bad[i].code == to_xcr0 && !xsave)
			continue;
		memcpy(v->vm->mem + HVT_CODE, bad[i].code, 32);
		hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		hvt_state64(&st);
		if (xsave)
			st.sregs.cr4 |= 1 << 18;
		/* the values above lack it: that is not what they are refused for */
		st.regs.gpr[HVMON_RBX] = bad[i].code == to_cr4 && xsave ? bad[i].val | 1 << 18 :
									  bad[i].val;
		hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		hvt_get(v, &before, HVMON_STATE_SREGS);
		if (hvt_run(v) != HVMON_EXIT_PIO || v->run->pio.port != HVT_PORT_EXC ||
		    v->run->data[0] != 13)
			FAIL("%s did not give #GP", bad[i].name);
		hvt_get(v, &st, HVMON_STATE_SREGS);
		CHECK_EQ(st.sregs.cr0, before.sregs.cr0);
		CHECK_EQ(st.sregs.cr3, before.sregs.cr3);
		CHECK_EQ(st.sregs.cr4, before.sregs.cr4);
		CHECK_EQ(st.sregs.cr8, before.sregs.cr8);
	}
	return 0;
}
