// SPDX-License-Identifier: GPL-2.0
/*
 * An NMI from another thread reaches a vCPU that spins, one that blocks in
 * HLT, and is not lost.
 */
#include "hvt.h"

GUEST64(spin, "cli\n 1: jmp 1b\n");
GUEST64(halt, "cli\n 1: hlt\n jmp 1b\n");
GUEST64(handler, "push %rax\n incl 0x100000\n mov 0x100000, %eax\n" G_REPORT "pop %rax\n iretq\n");

/*
 * Bochs 2.7 ends blocking by NMI at IRET alone, where SDM vol. 3, 27.3.1.5, has
 * each entry load it: a guest stopped in its handler would have the next VM's
 * NMIs blocked. Hence it goes on until it has left it.
 */
static void leave_handler(struct hvt_thread *t)
{
	HVT_DEFINE_ARG(hvmon_state, st);

	st.groups = HVMON_STATE_EVENTS;
	for (;;) {
		hvt_stop(t);
		SYS(ioctl(t->v->fd, HVMON_STATE_GET, &st));
		if (!(st.events.flags & HVMON_EVS_NMI_BLOCKED))
			return;
		hvt_spawn(t, t->v);
		hvt_sleep_ms(1);
	}
}

static void one(struct hvt_vcpu *v)
{
	struct hvt_thread t;
	u32 i;

	hvt_load(v->vm, 0x11000, handler, handler_end);
	hvt_gate64(v->vm, 2, 0x11000);
	hvt_spawn(&t, v);
	for (i = 0; i < 20; i++) {
		hvt_sleep_ms(i % 4);
		SYS(hvt_try_inject(v, HVMON_EV_NMI, 0, false, 0, 0));
		hvt_wait_reports(&t, i);
		CHECK_EQ(t.last, i + 1);
	}
	leave_handler(&t);
}

int main(void)
{
	/* INJECT goes through the vCPU's fd, but must not wait for RUN */
	one(HVT_BOOT(64, spin));
	one(HVT_BOOT_IRQ(64, halt, 0));
	return 0;
}
