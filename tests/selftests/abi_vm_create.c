// SPDX-License-Identifier: GPL-2.0
/* HVMON_VM_CREATE refuses wrong sizes, flags, MMUs, names, pointers and fds. */
#include "hvt_abi.h"

static int try(int dev, u32 mmu, const char *name, size_t len)
{
	HVT_DEFINE_ARG(hvmon_vm_create, arg, .mmu = mmu);

	memcpy(arg.name, name, len);
	return ioctl(dev, HVMON_VM_CREATE, &arg);
}

int main(void)
{
	HVT_DEFINE_ARG(hvmon_vm_create, arg);
	struct hvt_abi abi = { .name = "VM_CREATE", .fd = hvt_dev(), .cmd = HVMON_VM_CREATE,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_vm_create, reserved) } };
	char full[HVMON_NAME_LEN];
	int fd;

	hvt_abi_check(&abi);
	REFUSED(try(abi.fd, 2, "", 1), EINVAL);
	REFUSED(try(abi.fd, ~0u, "", 1), EINVAL);
	if (!(hvt_info().caps & HVMON_CAP_SHADOW))
		REFUSED(try(abi.fd, HVMON_MMU_SHADOW, "", 1), EOPNOTSUPP);
	memset(full, 'a', sizeof(full));
	REFUSED(try(abi.fd, 0, full, sizeof(full)), EINVAL);
	REFUSED(try(abi.fd, 0, "a/b", 4), EINVAL);
	REFUSED(try(abi.fd, 0, "a\nb", 4), EINVAL);
	REFUSED(try(abi.fd, 0, "ab\x80", 4), EINVAL);
	full[HVMON_NAME_LEN - 1] = 0;
	fd = SYS(try(abi.fd, 0, full, sizeof(full)));
	/* O_CLOEXEC, as documented */
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "the fd is inherited by exec");
	return 0;
}
