// SPDX-License-Identifier: GPL-2.0
/* HVMON_CLOCK_GET refuses wrong sizes, flags, pointers, fds and a reserved field. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_clock, arg);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "CLOCK_GET", .fd = vm->fd, .cmd = HVMON_CLOCK_GET,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_abi_check(&abi);
	arg.reserved = 1;
	REFUSED(ioctl(vm->fd, HVMON_CLOCK_GET, &arg), EINVAL);
	return 0;
}
