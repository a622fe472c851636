// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing of an eventfd is left when it has no fd any more and whatever it was tied to
 * has ended: by DEASSIGN, by a call that was refused, or with the VM.
 *
 * An eventfd's number in the kernel is the lowest that is free (since 5.2 in fdinfo): if
 * one is still there, the next ones' numbers are others than the first ones' were.
 */
#include "hvt_eventfd.h"

#define PIO	HVMON_IOEVENTFD_PIO
#define END	HVMON_IOEVENTFD_DEASSIGN

static int number(int fd)
{
	char path[64], line[100];
	int n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "eventfd-id: %d", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/* Of as many as a VM of this test ever has */
struct numbers {
	int n[4];
};

static struct numbers next_numbers(void)
{
	struct numbers next;
	int fd[4], i;

	for (i = 0; i < 4; i++) {
		fd[i] = hvt_eventfd();
		next.n[i] = number(fd[i]);
	}
	for (i = 0; i < 4; i++)
		close(fd[i]);
	return next;
}

static bool as_at_first(const struct numbers *first)
{
	struct numbers next = next_numbers();

	return !memcmp(&next, first, sizeof(next));
}

/* irqfds of closed eventfds end by and by */
static bool none_left(const struct numbers *first)
{
	int i;

	for (i = 0; i < 3000; i++) {
		if (as_at_first(first))
			return true;
		hvt_sleep_ms(1);
	}
	return false;
}

static void deassign(struct hvt_vm *vm)
{
	int a = hvt_eventfd(), b = hvt_eventfd();

	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	hvt_irqfd(vm, 9, a, b);
	SYS(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, a));
	hvt_irqfd_end(vm, 9, a);
	close(a);
	close(b);
}

static void refused(struct hvt_vm *vm)
{
	int a = hvt_eventfd(), b = hvt_eventfd();

	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	CHECK(hvt_try_ioeventfd(vm->fd, PIO, 0xa8, 1, 0, b) && errno == EEXIST, "twice");
	CHECK(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, b) && errno == ENOENT, "other");
	SYS(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, -1));
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_RESAMPLE, 9, b, b) && errno == EINVAL, "itself");
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_RESAMPLE, 9, b, -1) && errno == EBADF, "no fd");
	hvt_irqfd(vm, 9, a, 0);
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_RESAMPLE, 9, a, b) && errno == EEXIST, "twice");
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_DEASSIGN, 9, b, 0) && errno == ENOENT, "other");
	hvt_irqfd_end(vm, 9, a);
	close(a);
	close(b);
}

static void closed(struct hvt_vm *vm)
{
	int a = hvt_eventfd(), b = hvt_eventfd();

	hvt_irqfd(vm, 9, a, b);
	close(a);
	close(b);
}

static void vm_ends(struct hvt_vm *vm)
{
	int a = hvt_eventfd(), b = hvt_eventfd(), c = hvt_eventfd(), d = hvt_eventfd();

	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	hvt_irqfd(vm, 9, b, c);
	hvt_irqfd(vm, 10, d, 0);
	close(vm->fd);
	close(a);
	close(b);
	close(c);
	close(d);
}

/* Others may have made eventfds meanwhile, but hardly each time */
static void expect_none_left(void (*do_it)(struct hvt_vm *vm), const char *after)
{
	int try;

	for (try = 0; try < 3; try++) {
		struct numbers first = next_numbers();
		struct hvt_vm *vm = hvt_vm();

		if (first.n[0] < 0)
			hvt_skip("fdinfo has no eventfd-id");
		hvt_irqchip(vm, 0);
		do_it(vm);
		if (none_left(&first))
			return;
	}
	FAIL("after %s an eventfd is left, 3 s later", after);
}

int main(void)
{
	expect_none_left(deassign, "DEASSIGN");
	expect_none_left(refused, "refused calls");
	expect_none_left(closed, "close()");
	expect_none_left(vm_ends, "the VM's end");
	return 0;
}
