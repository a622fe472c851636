// SPDX-License-Identifier: GPL-2.0
/* munmap() of the run page, while the vCPU runs or between runs, does not hurt the vCPU. */
#include "hvt.h"

GUEST64(guest, "1: incl 0x100000\n mov 0x100004, %eax\n test %eax, %eax\n jz 1b\n"
	"out %eax, $0xe4\n hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *n = (u32 *)(v->vm->mem + HVT_DATA);
	size_t size = hvt_info().run_size;
	struct hvmon_run *second = hvt_map_run(v->fd);
	pthread_t thread;
	struct hvt_thread t = { .v = v };

	/* The thread looks at another mapping than the one that goes */
	munmap(second, size);
	second = hvt_map_run(v->fd);
	pthread_create(&thread, NULL, hvt_thread_fn, &t);
	while (*n < 100)
		sched_yield();
	munmap(second, size);
	n[1] = 0x77;
	pthread_join(thread, NULL);
	CHECK_EQ(t.exit, HVMON_EXIT_HLT);
	CHECK_EQ(t.last, 0x77);
	/* no mapping at all */
	munmap(v->run, size);
	hvt_set_rip(v, HVT_CODE);
	SYS(ioctl(v->fd, HVMON_RUN, 0));
	v->run = hvt_map_run(v->fd);
	CHECK_EQ(v->run->exit, HVMON_EXIT_PIO);
	CHECK_EQ(*(u32 *)v->run->data, 0x77);
	return 0;
}
