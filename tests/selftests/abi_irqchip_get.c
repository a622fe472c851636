// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_IRQCHIP_GET refuses wrong sizes, flags, chips, pointers and fds, and
 * VMs without chips.
 */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_irqchip, arg, .chip = HVMON_CHIP_IOAPIC);
	struct hvt_vm *vm = hvt_vm(), *bare = hvt_vm(), *no_pit = hvt_vm();
	struct hvt_abi abi = { .name = "IRQCHIP_GET", .fd = vm->fd, .cmd = HVMON_IRQCHIP_GET,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_irqchip, reserved) } };
	u32 chip;

	hvt_irqchip(vm, HVMON_IRQCHIP_PIT);
	hvt_irqchip(no_pit, 0);
	SYS(ioctl(vm->fd, HVMON_IRQCHIP_GET, &arg));
	hvt_abi_check(&abi);
	for (chip = HVMON_CHIP_PIC_MASTER; chip <= HVMON_CHIP_PIT; chip++) {
		arg.chip = chip;
		SYS(ioctl(vm->fd, HVMON_IRQCHIP_GET, &arg));
		SYS(ioctl(vm->fd, HVMON_IRQCHIP_GET, &arg));
		REFUSED(ioctl(bare->fd, HVMON_IRQCHIP_GET, &arg), ENOENT);
	}
	REFUSED(ioctl(no_pit->fd, HVMON_IRQCHIP_GET, &arg), ENOENT);
	arg.chip = HVMON_CHIP_PIT + 1;
	REFUSED(ioctl(vm->fd, HVMON_IRQCHIP_GET, &arg), EINVAL);
	return 0;
}
