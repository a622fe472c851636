// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_IRQCHIP_CREATE refuses wrong sizes, flags, pointers and fds, and after
 * these still works, once.
 */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_irqchip_create, arg);
	int vm = hvt_vm_fd(), late = hvt_vm_fd();
	struct hvt_abi abi = { .name = "IRQCHIP_CREATE", .fd = vm, .cmd = HVMON_IRQCHIP_CREATE,
			       .arg = &arg, .size = sizeof(arg), .once = true,
			       .known_flags = HVMON_IRQCHIP_PIT };

	hvt_abi_check(&abi);
	SYS(ioctl(vm, HVMON_IRQCHIP_CREATE, &arg));
	REFUSED(ioctl(vm, HVMON_IRQCHIP_CREATE, &arg), EEXIST);
	SYS(hvt_try_vcpu(vm, 0));
	/* After the first vCPU it is too late */
	SYS(hvt_try_vcpu(late, 0));
	REFUSED(ioctl(late, HVMON_IRQCHIP_CREATE, &arg), EBUSY);
	return 0;
}
