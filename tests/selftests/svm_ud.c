// SPDX-License-Identifier: GPL-2.0
/*
 * SVM and VMX instructions give the guest #UD. At CPL 3 it may be #GP: guests
 * run with EFER.SVME set, and the processor checks the CPL before it looks at
 * intercepts (APM vol. 2, 15.5).
 */
#include "hvt.h"

static const struct { const char *name; u8 op[3]; } insns[] = {
	{ "VMRUN", { 0x0f, 0x01, 0xd8 } },
	{ "VMLOAD", { 0x0f, 0x01, 0xda } },
	{ "VMSAVE", { 0x0f, 0x01, 0xdb } },
	{ "STGI", { 0x0f, 0x01, 0xdc } },
	{ "CLGI", { 0x0f, 0x01, 0xdd } },
	{ "SKINIT", { 0x0f, 0x01, 0xde } },
	{ "INVLPGA", { 0x0f, 0x01, 0xdf } },
	{ "VMXOFF", { 0x0f, 0x01, 0xc4 } },
	{ "VMLAUNCH", { 0x0f, 0x01, 0xc2 } },
};

GUEST64(guest, "hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;
	u64 *frame;
	unsigned int i, user;

	for (user = 0; user < 2; user++) {
		for (i = 0; i < ARRAY_SIZE(insns); i++) {
			memcpy(v->vm->mem + HVT_CODE, insns[i].op, 3);
			hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
			hvt_state64(&st);
			if (user)
				hvt_state_user(&st);
			/* a VMCB that would be valid, were it one */
			st.regs.gpr[HVMON_RAX] = 0x200000;
			hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
			if (hvt_run(v) != HVMON_EXIT_PIO || v->run->pio.port != HVT_PORT_EXC ||
			    (v->run->data[0] != 6 && !(user && v->run->data[0] == 13)))
				FAIL("%s at CPL %d: exit %s data %u, expected #UD", insns[i].name,
				     user * 3, hvt_exit_name(v->run->exit), v->run->data[0]);
			hvt_get(v, &st, HVMON_STATE_REGS);
			/* #GP has an error code below RIP */
			frame = (u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
			CHECK_EQ(frame[v->run->data[0] == 13], HVT_CODE);
		}
	}
	return 0;
}
