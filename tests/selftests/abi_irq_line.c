// SPDX-License-Identifier: GPL-2.0
/* HVMON_IRQ_LINE refuses wrong sizes, flags, lines, levels, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_irq_line, arg, .gsi = 5);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "IRQ_LINE", .fd = vm->fd, .cmd = HVMON_IRQ_LINE,
			       .arg = &arg, .size = sizeof(arg) };

	hvt_irqchip(vm, 0);
	hvt_abi_check(&abi);
	arg.level = 2;
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &arg), EINVAL);
	arg.level = ~0u;
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &arg), EINVAL);
	arg.level = 1;
	arg.gsi = 24;
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &arg), ENOENT);
	arg.gsi = HVMON_MAX_ROUTES;
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &arg), EINVAL);
	arg.gsi = ~0u;
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &arg), EINVAL);
	return 0;
}
