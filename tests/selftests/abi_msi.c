// SPDX-License-Identifier: GPL-2.0
/* HVMON_MSI refuses wrong sizes, flags, addresses, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_msi, arg, .addr = 0xfee00000, .data = 0x31);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "MSI", .fd = vm->fd, .cmd = HVMON_MSI,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_irqchip(vm, 0);
	SYS(hvt_try_vcpu(vm->fd, 0));
	hvt_abi_check(&abi);
	arg.addr = 0xfed00000;
	REFUSED(ioctl(vm->fd, HVMON_MSI, &arg), EINVAL);
	arg.addr = 0;
	REFUSED(ioctl(vm->fd, HVMON_MSI, &arg), EINVAL);
	/* Nobody has APIC ID 9 */
	arg.addr = 0xfee09000;
	SYS(ioctl(vm->fd, HVMON_MSI, &arg));
	CHECK_EQ(arg.delivered, 0);
	return 0;
}
