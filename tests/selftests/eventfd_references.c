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

static struct numbers first;

static bool as_at_first(void)
{
	struct numbers next = next_numbers();

	return !memcmp(&next, &first, sizeof(next));
}

static void none_left(const char *after)
{
	int i;

	for (i = 0; !as_at_first(); i++) {
		if (i == 10000)
			FAIL("%s an eventfd is left, 10 s later", after);
		hvt_sleep_ms(1);
	}
}

int main(void)
{
	struct hvt_vm *vm = hvt_vm();
	int a, b, c, d;

	first = next_numbers();
	if (first.n[0] < 0)
		hvt_skip("fdinfo has no eventfd-id");
	hvt_irqchip(vm, 0);

	a = hvt_eventfd();
	b = hvt_eventfd();
	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	hvt_irqfd(vm, 9, a, b);
	SYS(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, a));
	hvt_irqfd_end(vm, 9, a);
	close(a);
	close(b);
	none_left("after DEASSIGN");

	a = hvt_eventfd();
	b = hvt_eventfd();
	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	CHECK(hvt_try_ioeventfd(vm->fd, PIO, 0xa8, 1, 0, b) && errno == EEXIST, "twice");
	CHECK(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, b) && errno == ENOENT, "other");
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_RESAMPLE, 9, b, b) && errno == EINVAL, "itself");
	SYS(hvt_try_ioeventfd(vm->fd, END | PIO, 0xa8, 1, 0, -1));
	hvt_irqfd(vm, 9, a, 0);
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_RESAMPLE, 9, a, b) && errno == EEXIST, "twice");
	CHECK(hvt_try_irqfd(vm->fd, HVMON_IRQFD_DEASSIGN, 9, b, 0) && errno == ENOENT, "other");
	hvt_irqfd_end(vm, 9, a);
	close(a);
	close(b);
	none_left("after refused calls");

	/* The irqfds end with their fds */
	a = hvt_eventfd();
	b = hvt_eventfd();
	hvt_irqfd(vm, 9, a, b);
	close(a);
	close(b);
	none_left("after close()");

	a = hvt_eventfd();
	b = hvt_eventfd();
	c = hvt_eventfd();
	d = hvt_eventfd();
	hvt_ioeventfd(vm, PIO, 0xa8, 1, 0, a);
	hvt_irqfd(vm, 9, b, c);
	hvt_irqfd(vm, 10, d, 0);
	close(vm->fd);
	close(a);
	close(b);
	close(c);
	close(d);
	none_left("after the VM's end");
	return 0;
}
