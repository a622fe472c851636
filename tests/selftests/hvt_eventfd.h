/* SPDX-License-Identifier: GPL-2.0 */
/* Eventfds, and the calls that tie them to a VM. */
#ifndef HVT_EVENTFD_H
#define HVT_EVENTFD_H

#include <sys/eventfd.h>

#include "hvt_irq.h"

static inline int hvt_eventfd(void)
{
	return SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/* What was added to it since the last time */
static inline u64 hvt_eventfd_take(int fd)
{
	u64 n = 0;

	if (read(fd, &n, sizeof(n)) != sizeof(n) && errno != EAGAIN)
		FAIL("read of an eventfd: %s", strerror(errno));
	return n;
}

/* Waits until something was added, and takes it; fails after a minute */
static inline u64 hvt_eventfd_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (SYS(poll(&p, 1, 60000)) != 1)
		FAIL("an eventfd was not signalled in a minute");
	return hvt_eventfd_take(fd);
}

static inline void hvt_eventfd_signal(int fd)
{
	u64 one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		FAIL("write to an eventfd: %s", strerror(errno));
}

static inline int hvt_try_ioeventfd(int vmfd, u32 flags, u64 addr, u32 len, u64 datamatch, int fd)
{
	HVT_DEFINE_ARG(hvmon_ioeventfd, arg, .flags = flags, .addr = addr, .len = len,
		       .datamatch = datamatch, .fd = fd);

	return ioctl(vmfd, HVMON_IOEVENTFD, &arg);
}

static inline void hvt_ioeventfd(struct hvt_vm *vm, u32 flags, u64 addr, u32 len, u64 datamatch,
				 int fd)
{
	SYS(hvt_try_ioeventfd(vm->fd, flags, addr, len, datamatch, fd));
}

static inline int hvt_try_irqfd(int vmfd, u32 flags, u32 gsi, int fd, int resample_fd)
{
	HVT_DEFINE_ARG(hvmon_irqfd, arg, .flags = flags, .gsi = gsi, .fd = fd,
		       .resample_fd = resample_fd);

	return ioctl(vmfd, HVMON_IRQFD, &arg);
}

/* @resample_fd 0: none */
static inline void hvt_irqfd(struct hvt_vm *vm, u32 gsi, int fd, int resample_fd)
{
	SYS(hvt_try_irqfd(vm->fd, resample_fd ? HVMON_IRQFD_RESAMPLE : 0, gsi, fd, resample_fd));
}

static inline void hvt_irqfd_end(struct hvt_vm *vm, u32 gsi, int fd)
{
	SYS(hvt_try_irqfd(vm->fd, HVMON_IRQFD_DEASSIGN, gsi, fd, 0));
}

static inline void hvt_routes(struct hvt_vm *vm, const struct hvmon_irq_route *r, u32 n)
{
	HVT_DEFINE_ARG(hvmon_irq_routes, arg, .count = n, .routes = (u64)(uintptr_t)r);

	SYS(ioctl(vm->fd, HVMON_IRQ_ROUTES, &arg));
}

static inline struct hvmon_ioapic_state hvt_ioapic(struct hvt_vm *vm)
{
	HVT_DEFINE_ARG(hvmon_irqchip, chip, .chip = HVMON_CHIP_IOAPIC);

	SYS(ioctl(vm->fd, HVMON_IRQCHIP_GET, &chip));
	return chip.state.ioapic;
}

/* A handler that counts at HVT_DATA and ends */
#define HVT_SILENT_HANDLER(name)					\
	GUEST64(name,							\
		"lock incl 0x100000\n"					\
		G_EOI							\
		"iretq\n")

static inline u32 hvt_count(struct hvt_vm *vm)
{
	return __atomic_load_n((u32 *)(vm->mem + HVT_DATA), __ATOMIC_ACQUIRE);
}

/* Waits until HVT_DATA holds @n; fails after a minute */
static inline void hvt_wait_count(struct hvt_vm *vm, u32 n)
{
	u64 end = hvt_now_ns() + 60000000000ULL;

	while (hvt_count(vm) != n) {
		if (hvt_now_ns() > end)
			FAIL("%u interrupts in a minute, expected %u", hvt_count(vm), n);
		sched_yield();
	}
}

#endif /* HVT_EVENTFD_H */
