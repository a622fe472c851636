// SPDX-License-Identifier: GPL-2.0
/*
 * STATE_GET while another thread is in RUN sees the vCPU between two
 * instructions, and after RUN what the guest did.
 */
#include "hvt.h"

/* RBX is RCX or one more, whenever one looks */
GUEST64(guest,
	"1: inc %rbx\n"
	"inc %rcx\n"
	"cmpl $0, 0x100004\n"
	"je 1b\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *end = (u32 *)(v->vm->mem + HVT_DATA + 4);
	struct itimerspec in = { .it_value.tv_nsec = 300000000 };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct hvmon_state st;
	struct hvt_thread t;
	timer_t timer;
	u64 last = 0;
	int i;

	hvt_catch(SIGUSR1);
	SYS(timer_create(CLOCK_MONOTONIC, &ev, &timer));
	for (i = 0; i < 5; i++) {
		sigset_t set;

		/* Only the vCPU's thread takes the signal that ends its RUN */
		hvt_spawn(&t, v);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		SYS(timer_settime(timer, 0, &in, NULL));
		hvt_get(v, &st, HVMON_STATE_REGS);
		CHECK(st.regs.gpr[HVMON_RBX] - st.regs.gpr[HVMON_RCX] <= 1, "%llu and %llu",
		      st.regs.gpr[HVMON_RBX], st.regs.gpr[HVMON_RCX]);
		CHECK(st.regs.gpr[HVMON_RBX] >= last, "it went back");
		last = st.regs.gpr[HVMON_RBX];
		hvt_join(&t);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		CHECK_EQ(t.exit, -EINTR);
	}
	CHECK(last > 0, "the guest did not run");
	*end = 1;
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(st.regs.gpr[HVMON_RBX], st.regs.gpr[HVMON_RCX]);
	return 0;
}
