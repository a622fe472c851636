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

#endif /* HVT_EVENTFD_H */
