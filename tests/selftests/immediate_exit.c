// SPDX-License-Identifier: GPL-2.0
/* immediate_exit makes RUN finish the last exit and return EINTR without entering the guest. */
#include "hvt.h"

GUEST64(guest,
	"in $0x20, %al\n"
	"mov %al, %bl\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	v->run->immediate_exit = 1;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	CHECK_EQ(hvt_rip(v), HVT_CODE);
	v->run->immediate_exit = 0;
	EXPECT_IN(v, 0x20, 1, 0x5a);
	v->run->immediate_exit = 0xff;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	/* IN is complete, the MOV after it has not run */
	CHECK_EQ(hvt_reg(v, HVMON_RAX) & 0xff, 0x5a);
	CHECK_EQ(hvt_rip(v), HVT_CODE + 2);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0);
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	CHECK_EQ(hvt_rip(v), HVT_CODE + 2);
	v->run->immediate_exit = 0;
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0x5a);
	return 0;
}
