// SPDX-License-Identifier: GPL-2.0
/*
 * Closing every fd of a VM while its vCPU runs hurts neither: RUN goes on until
 * a signal, or until it has to be restarted and finds its fd gone.
 */
#include "hvt.h"

GUEST64(guest, "1: incl 0x100000\n jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *n = (u32 *)(v->vm->mem + HVT_DATA);
	struct hvt_thread t;
	u32 before;

	hvt_spawn(&t, v);
	while (*n < 100)
		sched_yield();
	close(v->vm->fd);
	close(v->fd);
	before = *n;
	hvt_sleep_ms(50);
	CHECK(*n != before || __atomic_load_n(&t.ended, __ATOMIC_ACQUIRE),
	      "the guest stands still");
	hvt_stop(&t);
	CHECK(t.exit == -EINTR || t.exit == -EBADF, "RUN ended with %s", hvt_exit_name(t.exit));
	return 0;
}
