// SPDX-License-Identifier: GPL-2.0
/* Closing every fd of a VM while its vCPU runs does not stop RUN, and a signal then ends it and the VM. */
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
	while (*n - before < 100)
		sched_yield();
	hvt_stop(&t);
	CHECK_EQ(t.exit, -EINTR);
	return 0;
}
