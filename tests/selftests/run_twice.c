// SPDX-License-Identifier: GPL-2.0
/* Two threads that call RUN on one vCPU take turns. */
#include "hvt.h"

GUEST64(guest, "1: incl 0x100000\n mov $1000, %ecx\n 2: dec %ecx\n jnz 2b\n hlt\n jmp 1b\n");

static void *run(void *p)
{
	struct hvt_vcpu *v = p;
	int i;

	for (i = 0; i < 500; i++)
		SYS(ioctl(v->fd, HVMON_RUN, 0));
	return NULL;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	pthread_t t[2];

	pthread_create(&t[0], NULL, run, v);
	pthread_create(&t[1], NULL, run, v);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	CHECK_EQ(*(u32 *)(v->vm->mem + HVT_DATA), 1000);
	return 0;
}
