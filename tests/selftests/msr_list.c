// SPDX-License-Identifier: GPL-2.0
/*
 * Every MSR that MSRS_GET lists can be read and written back, and a guest's
 * LSTAR and KERNEL_GS_BASE are among them.
 */
#include "hvt.h"

int main(void)
{
	static struct hvmon_msr m[HVMON_MAX_MSRS], back[HVMON_MAX_MSRS];
	struct hvt_vcpu *v = hvt_vcpu(hvt_vm(), 0);
	HVT_DEFINE_ARG(hvmon_msrs, arg, .flags = HVMON_MSRS_LIST, .count = HVMON_MAX_MSRS,
		       .msrs = (u64)(uintptr_t)m);
	bool lstar = false, gs = false;
	u32 n, i;

	SYS(hvt_try_set_msr(v, 0xc0000082, 0x123456000));
	SYS(ioctl(v->fd, HVMON_MSRS_GET, &arg));
	n = arg.count;
	CHECK(n >= 8 && n <= HVMON_MAX_MSRS, "%u", n);
	CHECK_EQ(arg.done, n);
	for (i = 0; i < n; i++) {
		lstar |= m[i].index == 0xc0000082 && m[i].value == 0x123456000;
		gs |= m[i].index == 0xc0000102;
		CHECK_EQ(m[i].reserved, 0);
	}
	CHECK(lstar && gs, "missing");
	arg.flags = 0;
	SYS(ioctl(v->fd, HVMON_MSRS_SET, &arg));
	CHECK_EQ(arg.done, n);
	memcpy(back, m, sizeof(m));
	for (i = 0; i < n; i++)
		back[i].value = ~0ULL;
	arg.msrs = (u64)(uintptr_t)back;
	SYS(ioctl(v->fd, HVMON_MSRS_GET, &arg));
	for (i = 0; i < n; i++)
		if (m[i].index != 0x10 && m[i].value != back[i].value)	/* but the TSC */
			FAIL("MSR %#x was set to %#llx and is %#llx", m[i].index, m[i].value,
			     back[i].value);
	/* room for one too few */
	arg.flags = HVMON_MSRS_LIST;
	arg.count = n - 1;
	REFUSED(ioctl(v->fd, HVMON_MSRS_GET, &arg), E2BIG);
	CHECK_EQ(arg.count, n);
	/* another vCPU takes them */
	v = hvt_vcpu(hvt_vm(), 0);
	arg.flags = 0;
	arg.msrs = (u64)(uintptr_t)m;
	SYS(ioctl(v->fd, HVMON_MSRS_SET, &arg));
	return 0;
}
