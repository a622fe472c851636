// SPDX-License-Identifier: GPL-2.0
/*
 * An ioeventfd outlives the fd of its eventfd, and its VM's end leaves the
 * eventfd as it is; whichever goes first.
 */
#include "hvt_eventfd.h"

#define PIO	HVMON_IOEVENTFD_PIO
#define END	HVMON_IOEVENTFD_DEASSIGN

GUEST64(guest,
	"1: out %al, $0xa8\n"
	"out %al, $0xa9\n"
	"out %al, $0xaa\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int a = hvt_eventfd(), b = hvt_eventfd(), copy = SYS(dup(b)), c = hvt_eventfd();

	hvt_ioeventfd(v->vm, PIO, 0xa8, 1, 0, a);
	hvt_ioeventfd(v->vm, PIO, 0xa9, 1, 0, b);
	hvt_ioeventfd(v->vm, PIO, 0xaa, 1, 0, c);
	close(a);
	close(b);
	/* Both are still rung, one of them for nobody; neither write leaves */
	EXPECT_REPORT(v);
	CHECK_EQ(hvt_eventfd_take(copy), 1);
	CHECK_EQ(hvt_eventfd_take(c), 1);
	SYS(hvt_try_ioeventfd(v->vm->fd, END | PIO, 0xa8, 1, 0, -1));
	SYS(hvt_try_ioeventfd(v->vm->fd, END | PIO, 0xa9, 1, 0, copy));
	EXPECT_OUT(v, 0xa8, 1);
	EXPECT_OUT(v, 0xa9, 1);
	EXPECT_REPORT(v);
	CHECK_EQ(hvt_eventfd_take(c), 1);

	hvt_ioeventfd(v->vm, PIO, 0xa8, 1, 0, copy);
	close(v->vm->fd);
	EXPECT_OUT(v, 0xa9, 1);
	EXPECT_REPORT(v);
	CHECK_EQ(hvt_eventfd_take(copy), 1);
	SYS(munmap(v->run, hvt_info().run_size));
	close(v->fd);
	hvt_eventfd_signal(copy);
	CHECK_EQ(hvt_eventfd_take(copy), 1);
	CHECK_EQ(hvt_eventfd_take(c), 1);
	return 0;
}
