// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_CPUID_GET refuses wrong sizes, flags, pointers and fds, and tells how
 * much room it needs.
 */
#include "hvt_abi.h"

static struct hvmon_cpuid_entry e[HVMON_MAX_CPUID];

int main(void)
{
	HVT_DEFINE_ARG(hvmon_cpuid, arg, .count = HVMON_MAX_CPUID, .entries = (u64)(uintptr_t)e);
	struct hvt_vcpu *v = hvt_vcpu(hvt_vm(), 0);
	struct hvt_abi abi = { .name = "CPUID_GET", .fd = v->fd, .cmd = HVMON_CPUID_GET,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_cpuid, reserved) } };
	u32 n;

	hvt_abi_check(&abi);
	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	n = arg.count;
	CHECK(n > 5 && n <= HVMON_MAX_CPUID, "%u", n);
	arg.count = n - 1;
	REFUSED(ioctl(v->fd, HVMON_CPUID_GET, &arg), E2BIG);
	CHECK_EQ(arg.count, n);
	arg.count = 0;
	arg.entries = 0;
	REFUSED(ioctl(v->fd, HVMON_CPUID_GET, &arg), E2BIG);
	CHECK_EQ(arg.count, n);
	REFUSED(ioctl(v->fd, HVMON_CPUID_GET, &arg), EFAULT);
	arg.entries = (u64)(uintptr_t)e;
	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	return 0;
}
