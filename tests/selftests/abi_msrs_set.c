// SPDX-License-Identifier: GPL-2.0
/* HVMON_MSRS_SET refuses wrong sizes, flags, counts, MSRs, pointers and fds. */
#include "hvt_abi.h"

#define MSR_LSTAR	0xc0000082
#define MSR_CSTAR	0xc0000083

static struct hvmon_msr many[HVMON_MAX_MSRS + 1];

int main(void)
{
	struct hvmon_msr msr[3] = { { .index = MSR_LSTAR }, { .index = 0x12345678 },
				    { .index = MSR_CSTAR } };
	HVT_DEFINE_ARG(hvmon_msrs, arg, .count = 1, .msrs = (u64)(uintptr_t)msr);
	struct hvt_vcpu *v = hvt_vcpu(hvt_vm(), 0);
	struct hvt_abi abi = { .name = "MSRS_SET", .fd = v->fd, .cmd = HVMON_MSRS_SET,
			       .arg = &arg, .size = sizeof(arg) };
	u64 val;

	hvt_abi_check(&abi);
	SYS(hvt_try_set_msr(v, MSR_CSTAR, 0x5000));
	msr[0].value = 0x4000;
	msr[2].value = 0x6000;
	arg.count = 3;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), EINVAL);
	CHECK_EQ(arg.done, 1);
	/* It stopped there */
	SYS(hvt_try_get_msr(v, MSR_CSTAR, &val));
	CHECK_EQ(val, 0x5000);
	CHECK_EQ(msr[2].value, 0x6000);
	msr[1].index = 0xc0000102;
	msr[1].reserved = 1;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), EINVAL);
	arg.count = HVMON_MAX_MSRS + 1;
	arg.msrs = (u64)(uintptr_t)many;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), E2BIG);
	arg.count = ~0u;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), E2BIG);
	arg.count = 1;
	arg.msrs = 0;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), EFAULT);
	arg.msrs = 0xffff800000000000ULL;
	REFUSED(ioctl(v->fd, HVMON_MSRS_SET, &arg), EFAULT);
	arg.count = 0;
	arg.msrs = 0;
	SYS(ioctl(v->fd, HVMON_MSRS_SET, &arg));
	return 0;
}
