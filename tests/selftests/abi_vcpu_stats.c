// SPDX-License-Identifier: GPL-2.0
/* HVMON_VCPU_STATS refuses wrong sizes, flags, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_vcpu_stats, arg);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "VCPU_STATS", .fd = SYS(hvt_try_vcpu(vm->fd, 5)),
			       .cmd = HVMON_VCPU_STATS,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_abi_check(&abi);
	return 0;
}
