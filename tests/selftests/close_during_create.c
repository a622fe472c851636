// SPDX-License-Identifier: GPL-2.0
/* Closing the VM's fd while threads create vCPUs and slots through it harms nothing. */
#include "hvt.h"

static int vm, stop;
static u8 *mem;

static void *create(void *p)
{
	u32 id = (u32)(long)p * 8, n = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		int fd = hvt_try_vcpu(vm, id + n++ % 8);

		if (fd >= 0)
			close(fd);
		hvt_try_mem(vm, id, 0, (u64)id << 30, 64 * KiB, mem);
		hvt_try_mem(vm, id, 0, 0, 0, NULL);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[3];
	long i, round;

	mem = hvt_anon(64 * KiB);
	for (round = 0; round < 20; round++) {
		vm = hvt_vm_fd();
		stop = 0;
		for (i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, create, (void *)i);
		hvt_sleep_ms(10 + round % 5);
		close(vm);
		__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
		for (i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
	}
	return 0;
}
