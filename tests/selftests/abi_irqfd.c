// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_IRQFD refuses wrong sizes, flags, GSIs and fds, an eventfd that it has,
 * and more than there may be; and changes nothing then.
 */
#include <sys/resource.h>

#include "hvt_abi.h"
#include "hvt_eventfd.h"

#define END	HVMON_IRQFD_DEASSIGN
#define RESAMPLE HVMON_IRQFD_RESAMPLE

static struct hvt_vm *vm;
static int fd, other;

static int try(u32 flags, u32 gsi, int f, int resample)
{
	return hvt_try_irqfd(vm->fd, flags, gsi, f, resample);
}

static void fresh(void)
{
	if (try(END, 9, fd, 0) && errno != ENOENT)
		FAIL("%s", strerror(errno));
}

static void fds(void)
{
	int null = SYS(open("/dev/null", O_RDWR));

	REFUSED(try(0, 9, -1, 0), EBADF);
	REFUSED(try(0, 9, 1 << 20, 0), EBADF);
	REFUSED(try(0, 9, null, 0), EINVAL);
	REFUSED(try(0, 9, vm->fd, 0), EINVAL);
	REFUSED(try(0, 9, fd, other), EINVAL);
	REFUSED(try(RESAMPLE, 9, fd, -1), EBADF);
	REFUSED(try(RESAMPLE, 9, fd, null), EINVAL);
	REFUSED(try(RESAMPLE, 9, fd, fd), EINVAL);
	REFUSED(try(RESAMPLE | END, 9, fd, other), EINVAL);
	REFUSED(try(END, 9, fd, other), EINVAL);
	REFUSED(try(END, 9, -1, 0), EBADF);
	REFUSED(try(END, 9, null, 0), EINVAL);
	REFUSED(try(END, 9, fd, 0), ENOENT);
}

static void again(void)
{
	int copy = SYS(dup(fd));

	SYS(try(0, 9, fd, 0));
	REFUSED(try(0, 9, fd, 0), EEXIST);
	REFUSED(try(0, 10, copy, 0), EEXIST);
	REFUSED(try(RESAMPLE, 9, fd, other), EEXIST);
	REFUSED(try(END, 10, fd, 0), ENOENT);
	REFUSED(try(END, 9, other, 0), ENOENT);
	/* It was there through all this, and others may share the GSI */
	SYS(try(RESAMPLE, 9, other, fd));
	SYS(try(END, 9, copy, 0));
	REFUSED(try(END, 9, fd, 0), ENOENT);
	SYS(try(END, 9, other, 0));
}

static void many(void)
{
	struct rlimit limit = { 4096, 4096 };
	int f[HVMON_MAX_IRQFDS], i;

	SYS(setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < HVMON_MAX_IRQFDS; i++) {
		f[i] = hvt_eventfd();
		SYS(try(0, i, f[i], 0));
	}
	REFUSED(try(0, 9, fd, 0), ENOSPC);
	SYS(try(END, 0, f[0], 0));
	SYS(try(0, 9, fd, 0));
	REFUSED(try(0, 9, f[0], 0), ENOSPC);
	/* Those that are closed make room, by and by */
	close(f[1]);
	for (i = 0; try(0, 9, f[0], 0); i++) {
		CHECK_EQ(errno, ENOSPC);
		if (i == 10000)
			FAIL("no room 10 s after the close");
		hvt_sleep_ms(1);
	}
}

int main(void)
{
	HVT_DEFINE_ARG(hvmon_irqfd, arg, .gsi = 9);
	struct hvt_abi abi = { .name = "IRQFD", .cmd = HVMON_IRQFD, .arg = &arg,
			       .size = sizeof(arg), .known_flags = RESAMPLE | END,
			       .reserved = { offsetof(struct hvmon_irqfd, reserved) },
			       .fresh = fresh };

	vm = hvt_vm();
	fd = hvt_eventfd();
	other = hvt_eventfd();
	REFUSED(try(0, 9, fd, 0), ENOENT);
	REFUSED(try(END, 9, fd, 0), ENOENT);
	hvt_irqchip(vm, 0);
	arg.fd = fd;
	abi.fd = vm->fd;
	CHECK(hvt_info().caps & HVMON_CAP_IRQFD, "INFO does not show it");
	hvt_abi_check(&abi);
	fresh();
	REFUSED(try(0, HVMON_MAX_ROUTES, fd, 0), EINVAL);
	REFUSED(try(0, ~0u, fd, 0), EINVAL);
	REFUSED(try(END, HVMON_MAX_ROUTES, fd, 0), EINVAL);
	fds();
	again();
	SYS(try(0, HVMON_MAX_ROUTES - 1, fd, 0));
	SYS(try(END, HVMON_MAX_ROUTES - 1, fd, 0));
	many();
	return 0;
}
