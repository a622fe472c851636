// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_CLOCK_SET refuses wrong sizes, flags, pointers, fds, a TSC and a reserved
 * field, and then has not moved the clock.
 */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_clock, arg, .ns = 5000000000000ULL);
	HVT_DEFINE_ARG(hvmon_clock, now);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "CLOCK_SET", .fd = vm->fd, .cmd = HVMON_CLOCK_SET,
			       .arg = &arg, .size = sizeof(arg) };

	arg.host_tsc = 1;
	REFUSED(ioctl(vm->fd, HVMON_CLOCK_SET, &arg), EINVAL);
	arg.host_tsc = 0;
	arg.reserved = 1;
	REFUSED(ioctl(vm->fd, HVMON_CLOCK_SET, &arg), EINVAL);
	arg.reserved = 0;
	arg.ns = 1ULL << 63;
	REFUSED(ioctl(vm->fd, HVMON_CLOCK_SET, &arg), EINVAL);
	arg.ns = 5000000000000ULL;
	SYS(ioctl(vm->fd, HVMON_CLOCK_GET, &now));
	CHECK(now.ns < 5000000000000ULL, "the clock says %llu", now.ns);
	hvt_abi_check(&abi);
	SYS(ioctl(vm->fd, HVMON_CLOCK_GET, &now));
	CHECK(now.ns >= 5000000000000ULL && now.ns < 5060000000000ULL, "the clock says %llu",
	      now.ns);
	CHECK(now.host_tsc, "no TSC");
	return 0;
}
