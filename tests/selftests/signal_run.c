// SPDX-License-Identifier: GPL-2.0
/*
 * A signal makes RUN return EINTR from a spinning guest and from one that
 * blocks in HLT, and RUN can go on.
 */
#include "hvt.h"

GUEST64(spin, "1: incl 0x100000\n cmpl $0, 0x100004\n je 1b\n mov 0x100000, %eax\n" G_REPORT);
GUEST64(halt, "cli\n hlt\n");

static void one(struct hvt_vcpu *v)
{
	struct itimerspec in = { .it_value.tv_nsec = 50000000 };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	u64 start = hvt_now_ns();

	hvt_catch(SIGUSR1);
	SYS(timer_create(CLOCK_MONOTONIC, &ev, &timer));
	SYS(timer_settime(timer, 0, &in, NULL));
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	CHECK(hvt_now_ns() - start >= 50000000, "it returned before the signal");
	timer_delete(timer);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, spin);
	u32 *n = (u32 *)(v->vm->mem + HVT_DATA);

	one(v);
	CHECK(n[0] > 0, "the guest did not run");
	one(v);
	n[1] = 1;
	CHECK_EQ(EXPECT_REPORT(v), n[0]);
	one(HVT_BOOT_IRQ(64, halt, 0));
	/* An AP that waits for SIPI */
	v = HVT_BOOT_IRQ(64, halt, 0);
	one(hvt_vcpu(v->vm, 1));
	return 0;
}
