// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that steps itself in the shadow of STI or MOV SS, whether the
 * launcher gave it that state or an exit came there: one #DB, after the next
 * instruction. A shadow with IF clear, which AMD-V cannot tell from STI's, is
 * accepted.
 */
#include "hvt.h"

GUEST64(nops, "nop\n nop\n hlt\n");
GUEST64(movss,
	"mov $0x10, %ecx\n"
	"pushf\n"
	"orl $0x100, (%rsp)\n"
	"popf\n"
	"mov %ecx, %ss\n"
	G_REPORT
	"nop\n hlt\n");

static void step_trap(struct hvt_vcpu *v, u64 rip)
{
	EXPECT_DB(v, rip, 0xe00f, 0x4000);
}

static struct hvt_vcpu *boot(u32 shadow, u64 rflags)
{
	struct hvt_vcpu *v = HVT_BOOT(64, nops);
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_EVENTS);
	st.regs.rflags = rflags;
	st.events.flags = shadow;
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_EVENTS);
	return v;
}

int main(void)
{
	static const u32 shadow[] = { HVMON_EVS_STI_SHADOW, HVMON_EVS_MOVSS_SHADOW };
	struct hvmon_state st;
	struct hvt_vcpu *v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shadow); i++) {
		/* TF and IF, TF, neither */
		step_trap(boot(shadow[i], 0x302), HVT_CODE + 1);
		step_trap(boot(shadow[i], 0x102), HVT_CODE + 1);
		EXPECT(boot(shadow[i], 2), HVMON_EXIT_HLT);
		/* TF comes later */
		v = boot(shadow[i], 0x202);
		hvt_get(v, &st, HVMON_STATE_REGS);
		st.regs.rflags = 0x102;
		hvt_set(v, &st, HVMON_STATE_REGS);
		step_trap(v, HVT_CODE + 1);
	}
	v = HVT_BOOT(64, movss);
	EXPECT_REPORT(v);
	step_trap(v, HVT_CODE + movss_end - movss - 2);
	return 0;
}
