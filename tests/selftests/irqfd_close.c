// SPDX-License-Identifier: GPL-2.0
/*
 * An irqfd ends with the last fd of its eventfd, and its level with it; and the
 * VM's end leaves eventfds as they are, whichever goes first.
 */
#include "hvt_eventfd.h"

static void wait_lines(struct hvt_vm *vm, u32 lines)
{
	int i;

	for (i = 0; hvt_ioapic(vm).lines != lines; i++) {
		if (i == 10000)
			FAIL("lines %#x after 10 s, expected %#x", hvt_ioapic(vm).lines, lines);
		hvt_sleep_ms(1);
	}
}

/* A process that ends with VMs, irqfds and eventfds, in the order that exit() has */
static void child(void)
{
	struct hvt_vm *vm = hvt_vm();
	int i;

	hvt_irqchip(vm, 0);
	hvt_vcpu(vm, 0);
	for (i = 0; i < 16; i++) {
		int fd = hvt_eventfd(), eoi = hvt_eventfd();

		hvt_irqfd(vm, i, fd, i & 1 ? eoi : 0);
		hvt_eventfd_signal(fd);
	}
	_exit(0);
}

int main(void)
{
	int a = hvt_eventfd(), b = hvt_eventfd(), copy = SYS(dup(b)), c = hvt_eventfd();
	int ra = hvt_eventfd(), rb = hvt_eventfd(), status, i;
	struct hvt_vm *vm = hvt_vm();

	hvt_irqchip(vm, 0);
	hvt_irqfd(vm, 9, a, ra);
	hvt_irqfd(vm, 10, b, rb);
	hvt_irqfd(vm, 11, c, 0);
	/* The resample eventfds need not stay open */
	close(rb);
	hvt_eventfd_signal(a);
	hvt_eventfd_signal(b);
	CHECK_EQ(hvt_ioapic(vm).lines, 3 << 9);
	close(a);
	wait_lines(vm, 1 << 10);
	close(b);
	hvt_sleep_ms(50);
	CHECK_EQ(hvt_ioapic(vm).lines, 1 << 10);
	/* An ioeventfd's reference is no fd */
	hvt_ioeventfd(vm, HVMON_IOEVENTFD_PIO, 0xa8, 1, 0, copy);
	close(copy);
	wait_lines(vm, 0);

	hvt_eventfd_signal(c);
	CHECK_EQ(hvt_eventfd_take(c), 0);
	close(vm->fd);
	hvt_eventfd_signal(c);
	CHECK_EQ(hvt_eventfd_take(c), 1);
	CHECK_EQ(hvt_eventfd_take(ra), 0);

	for (i = 0; i < 20; i++) {
		pid_t pid = SYS(fork());

		if (!pid)
			child();
		SYS(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
	}
	return 0;
}
