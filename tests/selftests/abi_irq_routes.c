// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_IRQ_ROUTES refuses wrong sizes, flags, counts, entries, pointers and
 * fds, and keeps the old table.
 */
#include "hvt_abi.h"

static struct hvmon_irq_route many[HVMON_MAX_ROUTES + 1];

static int try(struct hvt_vm *vm, u32 count, const void *routes)
{
	HVT_DEFINE_ARG(hvmon_irq_routes, arg, .count = count, .routes = (u64)(uintptr_t)routes);

	return ioctl(vm->fd, HVMON_IRQ_ROUTES, &arg);
}

int main(void)
{
	static const struct hvmon_irq_route good = {
		.gsi = 77, .type = HVMON_ROUTE_IOAPIC, .pin = 9 };
	static const struct hvmon_irq_route bad[] = {
		{ .gsi = HVMON_MAX_ROUTES, .type = HVMON_ROUTE_PIC },
		{ .gsi = ~0u, .type = HVMON_ROUTE_PIC },
		{ .type = 3 },
		{ .type = HVMON_ROUTE_PIC, .pin = 16 },
		{ .type = HVMON_ROUTE_IOAPIC, .pin = 24 },
		{ .type = HVMON_ROUTE_PIC, .data = 1 },
		{ .type = HVMON_ROUTE_PIC, .addr = 1 },
		{ .type = HVMON_ROUTE_MSI, .pin = 1, .addr = 0xfee00000 },
		{ .type = HVMON_ROUTE_MSI, .addr = 0xfed00000 },
		{ .type = HVMON_ROUTE_MSI, .addr = 0x1fee00000ULL },
	};
	HVT_DEFINE_ARG(hvmon_irq_routes, arg, .count = 1, .routes = (u64)(uintptr_t)&good);
	struct hvt_vm *vm = hvt_vm(), *bare = hvt_vm();
	struct hvt_abi abi = { .name = "IRQ_ROUTES", .fd = vm->fd, .cmd = HVMON_IRQ_ROUTES,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_irq_routes, reserved) } };
	HVT_DEFINE_ARG(hvmon_irq_line, line, .gsi = 77);
	unsigned int i;

	(void)bare;
	hvt_irqchip(vm, 0);
	hvt_abi_check(&abi);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct hvmon_irq_route two[2] = { good, bad[i] };

		if (try(vm, 2, two) == 0 || errno != EINVAL)
			FAIL("bad route %u: %s, expected EINVAL", i, strerror(errno));
		/* The table before it is still there */
		SYS(ioctl(vm->fd, HVMON_IRQ_LINE, &line));
	}
	REFUSED(try(vm, HVMON_MAX_ROUTES + 1, many), E2BIG);
	REFUSED(try(vm, ~0u, many), E2BIG);
	REFUSED(try(vm, 1, NULL), EFAULT);
	REFUSED(try(vm, 1, (void *)0xffff800000000000ULL), EFAULT);
	SYS(ioctl(vm->fd, HVMON_IRQ_LINE, &line));
	SYS(try(vm, HVMON_MAX_ROUTES, many));
	REFUSED(ioctl(vm->fd, HVMON_IRQ_LINE, &line), ENOENT);
	SYS(try(vm, 0, NULL));
	return 0;
}
