// SPDX-License-Identifier: GPL-2.0
/* HVMON_CLOCK_GET refuses wrong sizes, flags, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_clock, arg);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "CLOCK_GET", .fd = vm->fd, .cmd = HVMON_CLOCK_GET,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_abi_check(&abi);
	return 0;
}
