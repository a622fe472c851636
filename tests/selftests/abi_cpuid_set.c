// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_CPUID_SET refuses wrong sizes, flags, counts, entries, pointers, fds,
 * and any call after the first RUN.
 */
#include "hvt_abi.h"

GUEST64(guest, "hlt\n");

static struct hvmon_cpuid_entry e[HVMON_MAX_CPUID + 1], back[HVMON_MAX_CPUID];

static void same(struct hvt_vcpu *v, u32 n)
{
	HVT_DEFINE_ARG(hvmon_cpuid, arg, .count = HVMON_MAX_CPUID,
		       .entries = (u64)(uintptr_t)back);

	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	CHECK_EQ(arg.count, n);
	CHECK(!memcmp(e, back, n * sizeof(e[0])), "the table changed");
}

int main(void)
{
	HVT_DEFINE_ARG(hvmon_cpuid, arg, .count = HVMON_MAX_CPUID, .entries = (u64)(uintptr_t)e);
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvt_abi abi = { .name = "CPUID_SET", .fd = v->fd, .cmd = HVMON_CPUID_SET,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_cpuid, reserved) } };
	u32 n, i, one = ~0u;

	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	n = arg.count;
	hvt_abi_check(&abi);
	same(v, n);
	for (i = 0; i < n; i++)
		if (e[i].leaf == 1)
			one = i;
	CHECK(one != ~0u, "no leaf 1");
	e[0].reserved = 1;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), EINVAL);
	e[0].reserved = 0;
	e[0].flags |= 2;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), EINVAL);
	e[0].flags &= ~2;
	/* VMX (leaf 1 ECX bit 5) and SVM are not for guests */
	e[one].ecx |= 1 << 5;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), EINVAL);
	e[one].ecx &= ~(1 << 5);
	same(v, n);
	arg.count = HVMON_MAX_CPUID + 1;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), E2BIG);
	arg.count = ~0u;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), E2BIG);
	arg.count = n;
	arg.entries = 0;
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), EFAULT);
	same(v, n);
	arg.entries = (u64)(uintptr_t)e;
	EXPECT(v, HVMON_EXIT_HLT);
	REFUSED(ioctl(v->fd, HVMON_CPUID_SET, &arg), EBUSY);
	same(v, n);
	return 0;
}
