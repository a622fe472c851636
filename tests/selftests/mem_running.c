// SPDX-License-Identifier: GPL-2.0
/*
 * Slots added, moved and removed while a vCPU runs and touches them: it sees
 * memory or a device, never anything else.
 */
#include "hvt.h"

/* Increments a counter of its own and reads the page that comes and goes */
GUEST64(guest,
	"1: mov 0x1000000, %eax\n"
	"mov %eax, 0x100000\n"
	"mov 0x1800000, %eax\n"
	"mov %eax, 0x100008\n"
	"incl 0x100010\n"
	"jmp 1b\n");

static u64 mmio[2], other;

static void *run(void *p)
{
	struct hvt_vcpu *v = p;
	struct hvmon_run *r = v->run;

	for (;;) {
		int e = hvt_run(v);

		if (e == -EINTR)
			return NULL;
		if (e != HVMON_EXIT_MMIO || r->mmio.write || r->mmio.len != 4)
			hvt_explain(v, e, __FILE_NAME__, __LINE__, "an MMIO read");
		*(u32 *)r->data = 0xdddd;
		if (r->mmio.gpa == 16 * MiB)
			mmio[0]++;
		else if (r->mmio.gpa == 24 * MiB)
			mmio[1]++;
		else
			other++;
	}
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *seen = (u32 *)(v->vm->mem + HVT_DATA);
	u8 *p = hvt_anon(4096);
	pthread_t t;
	int i, memory = 0, device = 0;
	u32 before;

	*(u32 *)p = 0x3333;
	hvt_catch(SIGUSR1);
	pthread_create(&t, NULL, run, v);
	for (i = 0; i < 300; i++) {
		hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, p);
		before = seen[4];
		while (seen[4] - before < 2)
			sched_yield();
		CHECK_EQ(seen[0], 0x3333);
		memory++;
		hvt_mem(v->vm, 1, 0, 24 * MiB, 4096, p);
		before = seen[4];
		while (seen[4] - before < 2)
			sched_yield();
		CHECK_EQ(seen[0], 0xdddd);
		CHECK_EQ(seen[2], 0x3333);
		hvt_mem_remove(v->vm, 1);
		before = seen[4];
		while (seen[4] - before < 2)
			sched_yield();
		CHECK_EQ(seen[0], 0xdddd);
		CHECK_EQ(seen[2], 0xdddd);
		device++;
	}
	v->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	CHECK(mmio[0] && mmio[1], "no MMIO");
	CHECK_EQ(other, 0);
	return 0;
}
