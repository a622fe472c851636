// SPDX-License-Identifier: GPL-2.0
/* HVMON_VM_STATS refuses wrong sizes, flags, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_vm_stats, arg);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "VM_STATS", .fd = vm->fd, .cmd = HVMON_VM_STATS,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_abi_check(&abi);
	return 0;
}
