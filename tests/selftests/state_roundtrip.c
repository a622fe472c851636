// SPDX-License-Identifier: GPL-2.0
/* What STATE_GET returns, STATE_SET accepts on another vCPU, and both then read the same. */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1234, %r15\n"
	"mov $0x400, %eax\n"
	"mov %rax, %dr3\n"
	"hlt\n");

#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_DEBUG | \
		 HVMON_STATE_EVENTS | HVMON_STATE_MP | HVMON_STATE_XSAVE)

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest), *other;
	static struct hvmon_state a, b;
	int i;

	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &a, GROUPS);
	CHECK_EQ(a.regs.gpr[HVMON_R15], 0x1234);
	CHECK_EQ(a.debug.db[3], 0x400);
	other = hvt_vcpu(hvt_vm(), 0);
	hvt_set(other, &a, GROUPS);
	hvt_get(other, &b, GROUPS);
	CHECK(!memcmp(&a.regs, &b.regs, sizeof(a.regs)), "regs");
	CHECK(!memcmp(&a.sregs, &b.sregs, sizeof(a.sregs)), "sregs");
	CHECK(!memcmp(&a.debug, &b.debug, sizeof(a.debug)), "debug");
	CHECK(!memcmp(&a.events, &b.events, sizeof(a.events)), "events");
	CHECK(!memcmp(&a.mp, &b.mp, sizeof(a.mp)), "mp");
	CHECK(!memcmp(&a.xsave, &b.xsave, offsetof(struct hvmon_xsave, area)), "xsave");
	for (i = 0; i < HVMON_XSAVE_SIZE; i++)
		/* 28-31 are MXCSR_MASK, which only describes the processor */
		if ((i < 28 || i > 31) && a.xsave.area[i] != b.xsave.area[i])
			FAIL("byte %d of the XSAVE area was %#x and is %#x", i, a.xsave.area[i],
			     b.xsave.area[i]);
	return 0;
}
