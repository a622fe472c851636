// SPDX-License-Identifier: GPL-2.0
/* A thread that changes the route table during IRQ_ROUTES gets a valid table or a refusal. */
#include "hvt_abi.h"

int main(void)
{
	struct hvt_vm *vm = hvt_vm();
	struct hvmon_irq_route r[16];
	HVT_DEFINE_ARG(hvmon_irq_routes, arg, .count = 16, .routes = (u64)(uintptr_t)r);
	HVT_DEFINE_ARG(hvmon_irq_line, line);
	struct hvt_flip f;
	u32 i;

	hvt_irqchip(vm, 0);
	hvt_vcpu(vm, 0);
	for (i = 0; i < 16; i++)
		r[i] = (struct hvmon_irq_route){ .gsi = i, .type = HVMON_ROUTE_IOAPIC, .pin = i };
	hvt_flip_start(&f, &r[9].pin, 9, 0x7fffffff);
	for (i = 0; hvt_flip_again(&f, i, 2000); i++) {
		if (ioctl(vm->fd, HVMON_IRQ_ROUTES, &arg) && errno != EINVAL)
			FAIL("%s", strerror(errno));
		line.gsi = 9;
		line.level = i & 1;
		SYS(ioctl(vm->fd, HVMON_IRQ_LINE, &line));
	}
	hvt_flip_stop(&f);
	r[9].pin = 9;
	hvt_flip_start(&f, &arg.count, 16, 0x10000000);
	for (i = 0; hvt_flip_again(&f, i, 2000); i++)
		if (ioctl(vm->fd, HVMON_IRQ_ROUTES, &arg) && errno != E2BIG)
			FAIL("%s", strerror(errno));
	hvt_flip_stop(&f);
	return 0;
}
