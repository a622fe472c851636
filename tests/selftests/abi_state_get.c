// SPDX-License-Identifier: GPL-2.0
/* HVMON_STATE_GET refuses wrong sizes, flags, groups, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	static struct hvmon_state arg;
	struct hvt_vcpu *v = hvt_vcpu(hvt_vm(), 0);
	struct hvt_abi abi = { .name = "STATE_GET", .fd = v->fd, .cmd = HVMON_STATE_GET,
			       .arg = &arg, .size = sizeof(arg) };
	int bit;

	hvt_get(v, &arg, HVMON_STATE_ALL & ~HVMON_STATE_LAPIC);
	hvt_abi_check(&abi);
	for (bit = 7; bit < 64; bit++) {
		arg.groups = HVMON_STATE_REGS | 1ULL << bit;
		REFUSED(ioctl(v->fd, HVMON_STATE_GET, &arg), EINVAL);
	}
	arg.groups = HVMON_STATE_LAPIC;
	REFUSED(ioctl(v->fd, HVMON_STATE_GET, &arg), EOPNOTSUPP);
	arg.groups = 0;
	SYS(ioctl(v->fd, HVMON_STATE_GET, &arg));
	return 0;
}
