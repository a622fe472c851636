// SPDX-License-Identifier: GPL-2.0
/*
 * Registers that the launcher changes in the run page are loaded by the next
 * RUN, and refused where an exit is half done.
 */
#include "hvt.h"

GUEST64(guest,
	"hlt\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;

	EXPECT(v, HVMON_EXIT_HLT);
	hvt_set_reg(v, HVMON_RBX, 1);
	r->regs = (struct hvmon_regs){ .rip = HVT_CODE + 1, .rflags = 2 };
	r->regs.gpr[HVMON_RBX] = 0x5678;
	r->regs_valid = HVMON_RUN_REGS;
	CHECK_EQ(EXPECT_REPORT(v), 0x5678);
	r->regs.rip = HVT_CODE;
	r->regs_valid = HVMON_RUN_REGS;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINVAL);
	r->regs_valid = 0;
	EXPECT(v, HVMON_EXIT_HLT);
	/* flags that no processor has */
	r->regs = (struct hvmon_regs){ .rip = HVT_CODE, .rflags = 0x20002 };
	r->regs_valid = HVMON_RUN_REGS;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINVAL);
	return 0;
}
