// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_IOEVENTFD refuses wrong sizes, flags, addresses, lengths, values and
 * fds, what overlaps, and more than there may be; and changes nothing then.
 */
#include "hvt_abi.h"
#include "hvt_eventfd.h"

#define PIO	HVMON_IOEVENTFD_PIO
#define MATCH	HVMON_IOEVENTFD_DATAMATCH
#define END	HVMON_IOEVENTFD_DEASSIGN

#define ADDR	0xd0000000UL

static struct hvt_vm *vm;
static int fd;

static int try(u32 flags, u64 addr, u32 len, u64 datamatch)
{
	return hvt_try_ioeventfd(vm->fd, flags, addr, len, datamatch, fd);
}

static void fresh(void)
{
	if (hvt_try_ioeventfd(vm->fd, END, ADDR, 4, 0, -1) && errno != ENOENT)
		FAIL("%s", strerror(errno));
}

static void values(void)
{
	u64 top = 1ULL << hvt_info().gpa_bits;
	u32 len;

	for (len = 0; len < 70; len++) {
		if (len != 0 && len != 1 && len != 2 && len != 4 && len != 8)
			REFUSED(try(0, ADDR, len, 0), EINVAL);
		if (len > 4 || len == 3)
			REFUSED(try(PIO, 0x100, len, 0), EINVAL);
	}
	REFUSED(try(0, ADDR, ~0u, 0), EINVAL);
	REFUSED(try(0, top, 1, 0), EINVAL);
	REFUSED(try(0, top, 0, 0), EINVAL);
	REFUSED(try(0, top - 1, 2, 0), EINVAL);
	REFUSED(try(0, ~0ULL, 8, 0), EINVAL);
	REFUSED(try(PIO, 0x10000, 0, 0), EINVAL);
	REFUSED(try(PIO, 0xffff, 2, 0), EINVAL);
	REFUSED(try(PIO, 1ULL << 32, 1, 0), EINVAL);
	REFUSED(try(MATCH, ADDR, 0, 0), EINVAL);
	REFUSED(try(MATCH, ADDR, 1, 0x100), EINVAL);
	REFUSED(try(MATCH, ADDR, 2, 0x10000), EINVAL);
	REFUSED(try(MATCH, ADDR, 4, ~0ULL), EINVAL);
	REFUSED(try(0, ADDR, 4, 1), EINVAL);
	SYS(try(0, top - 8, 8, 0));
	SYS(try(0, top - 1, 0, 0));
	SYS(try(MATCH, ADDR, 8, ~0ULL));
	SYS(try(PIO, 0xffff, 1, 0));
	SYS(try(END, top - 8, 8, 0));
	SYS(try(END, top - 1, 0, 0));
	SYS(try(END | MATCH, ADDR, 8, ~0ULL));
	SYS(try(END | PIO, 0xffff, 1, 0));
}

static void fds(void)
{
	int null = SYS(open("/dev/null", O_RDWR)), other = hvt_eventfd();

	REFUSED(hvt_try_ioeventfd(vm->fd, 0, ADDR, 4, 0, -1), EBADF);
	REFUSED(hvt_try_ioeventfd(vm->fd, 0, ADDR, 4, 0, 1 << 20), EBADF);
	REFUSED(hvt_try_ioeventfd(vm->fd, 0, ADDR, 4, 0, null), EINVAL);
	REFUSED(hvt_try_ioeventfd(vm->fd, 0, ADDR, 4, 0, vm->fd), EINVAL);
	SYS(try(0, ADDR, 4, 0));
	REFUSED(hvt_try_ioeventfd(vm->fd, END, ADDR, 4, 0, other), ENOENT);
	REFUSED(hvt_try_ioeventfd(vm->fd, END, ADDR, 4, 0, -2), EBADF);
	REFUSED(hvt_try_ioeventfd(vm->fd, END, ADDR, 4, 0, null), EINVAL);
	REFUSED(try(END, ADDR, 2, 0), ENOENT);
	REFUSED(try(END, ADDR, 0, 0), ENOENT);
	REFUSED(try(END | MATCH, ADDR, 4, 0), ENOENT);
	REFUSED(try(END, ADDR + 4, 4, 0), ENOENT);
	REFUSED(try(END | PIO, 0xd000, 4, 0), ENOENT);
	/* It was there through all this */
	REFUSED(try(0, ADDR, 4, 0), EEXIST);
	SYS(try(END, ADDR, 4, 0));
	REFUSED(try(END, ADDR, 4, 0), ENOENT);
}

static void overlaps(void)
{
	HVT_DEFINE_ARG(hvmon_irqchip_create, chips);

	SYS(try(MATCH, ADDR, 4, 1));
	REFUSED(try(MATCH, ADDR, 4, 1), EEXIST);
	REFUSED(hvt_try_ioeventfd(vm->fd, MATCH, ADDR, 4, 1, hvt_eventfd()), EEXIST);
	REFUSED(try(0, ADDR, 4, 0), EEXIST);
	REFUSED(try(0, ADDR, 0, 0), EEXIST);
	SYS(try(MATCH, ADDR, 4, 2));
	SYS(try(0, ADDR, 2, 0));
	REFUSED(try(MATCH, ADDR, 2, 1), EEXIST);
	SYS(try(0, ADDR + 2, 8, 0));
	SYS(try(0, ADDR + 4, 0, 0));
	REFUSED(try(0, ADDR + 4, 1, 0), EEXIST);
	SYS(try(END | MATCH, ADDR, 4, 1));
	SYS(try(END | MATCH, ADDR, 4, 2));
	SYS(try(END, ADDR, 2, 0));
	SYS(try(END, ADDR + 2, 8, 0));
	SYS(try(END, ADDR + 4, 0, 0));

	/* The PICs' ports are those of whoever comes first */
	SYS(try(PIO, 0x21, 1, 0));
	REFUSED(ioctl(vm->fd, HVMON_IRQCHIP_CREATE, &chips), EEXIST);
	SYS(try(END | PIO, 0x21, 1, 0));
	SYS(ioctl(vm->fd, HVMON_IRQCHIP_CREATE, &chips));
	REFUSED(try(PIO, 0x21, 1, 0), EEXIST);
	REFUSED(try(PIO, 0x1f, 2, 0), EEXIST);
	REFUSED(try(0, 0xfec00010, 4, 0), EEXIST);
	SYS(try(PIO, 0x22, 1, 0));
}

static void many(void)
{
	u32 i;

	for (i = 0; i < HVMON_MAX_IOEVENTFDS - 1; i++)
		SYS(try(0, ADDR + 4 * i, 4, 0));
	REFUSED(try(0, ADDR + 4 * i, 4, 0), ENOSPC);
	SYS(try(END, ADDR, 4, 0));
	SYS(try(0, ADDR + 4 * i, 4, 0));
}

int main(void)
{
	HVT_DEFINE_ARG(hvmon_ioeventfd, arg, .addr = ADDR, .len = 4);
	struct hvt_abi abi = { .name = "IOEVENTFD", .cmd = HVMON_IOEVENTFD, .arg = &arg,
			       .size = sizeof(arg),
			       .known_flags = PIO | MATCH | END | HVMON_IOEVENTFD_LAZY,
			       .fresh = fresh };

	vm = hvt_vm();
	fd = hvt_eventfd();
	arg.fd = fd;
	abi.fd = vm->fd;
	CHECK(hvt_info().caps & HVMON_CAP_IOEVENTFD, "INFO does not show it");
	hvt_abi_check(&abi);
	fresh();
	values();
	fds();
	overlaps();
	many();
	return 0;
}
