// SPDX-License-Identifier: GPL-2.0
/*
 * Two vCPUs that add to one counter with LOCK lose nothing, whatever the
 * launcher does to the mappings meanwhile.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $300000, %ecx\n"
	"1: lock incl 0x1000000\n"
	"mov %ecx, 0x1002000\n"
	"dec %ecx\n"
	"jnz 1b\n"
	"mov $1, %eax\n"
	"out %eax, $0xf4\n");

static bool done(struct hvt_thread *t)
{
	if (!__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE))
		return false;
	if (t->exit != HVMON_EXIT_FAULT)
		return true;
	/* It wrote while the page was read-only; the write is still to be done */
	hvt_join(t);
	hvt_spawn(t, t->v);
	return false;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest), *w = hvt_vcpu(v->vm, 1);
	struct hvt_thread a, b;
	u8 *p = hvt_anon(64 * KiB);
	int i;

	hvt_start(w, 64);
	hvt_mem(v->vm, 1, 0, 16 * MiB, 64 * KiB, p);
	hvt_spawn(&a, v);
	hvt_spawn(&b, w);
	for (i = 0; !done(&a) | !done(&b); i++) {
		SYS(mprotect(p, 64 * KiB, PROT_READ));
		SYS(mprotect(p, 64 * KiB, PROT_READ | PROT_WRITE));
		if (i % 4 == 0)
			hvt_mem(v->vm, 1, i % 8 ? HVMON_MEM_LOG_DIRTY : 0, 16 * MiB, 64 * KiB, p);
		hvt_sleep_ms(1);
	}
	hvt_join(&a);
	hvt_join(&b);
	CHECK_EQ(a.exit, HVMON_EXIT_PIO);
	CHECK_EQ(b.exit, HVMON_EXIT_PIO);
	CHECK_EQ(*(u32 *)p, 600000);
	return 0;
}
