// SPDX-License-Identifier: GPL-2.0
/* STATE_GET waits for RUN to return, and then sees what the guest did. */
#include "hvt.h"

GUEST64(guest, "1: incl 0x100000\n cmpl $0, 0x100004\n je 1b\n mov $0x99, %ebx\n hlt\n");

static struct hvt_vcpu *v;
static int done;

static void *get(void *p)
{
	*(u64 *)p = hvt_reg(v, HVMON_RBX);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return NULL;
}

int main(void)
{
	volatile u32 *n;
	struct hvt_thread t;
	pthread_t g;
	u64 rbx = 0;

	v = HVT_BOOT(64, guest);
	n = (u32 *)(v->vm->mem + HVT_DATA);
	hvt_spawn(&t, v);
	while (*n < 100)
		sched_yield();
	pthread_create(&g, NULL, get, &rbx);
	hvt_sleep_ms(100);
	CHECK(!__atomic_load_n(&done, __ATOMIC_ACQUIRE), "it did not wait");
	n[1] = 1;
	hvt_join(&t);
	pthread_join(g, NULL);
	CHECK_EQ(rbx, 0x99);
	return 0;
}
