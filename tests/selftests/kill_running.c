// SPDX-License-Identifier: GPL-2.0
/*
 * SIGKILL ends a process whose vCPUs run, block in HLT and fault, within
 * seconds, many times.
 */
#include "hvt.h"

GUEST64(spin, "1: incl 0x100000\n jmp 1b\n");
GUEST64(halt, "sti\n 1: hlt\n jmp 1b\n");
GUEST64(touch, "2: mov $0x1000000, %ebx\n 1: mov %eax, (%rbx)\n add $4096, %ebx\n"
	"cmp $0x2000000, %ebx\n jb 1b\n incl 0x100000\n jmp 2b\n");

static void child(int which)
{
	struct hvt_vcpu *v;
	struct hvt_thread t[2];

	if (which == 0)
		v = HVT_BOOT_IRQ(64, spin, HVMON_IRQCHIP_PIT);
	else if (which == 1)
		v = HVT_BOOT_IRQ(64, halt, HVMON_IRQCHIP_PIT);
	else
		v = HVT_BOOT_IRQ(64, touch, 0);
	hvt_mem(v->vm, 1, 0, 16 * MiB, 16 * MiB, hvt_anon(16 * MiB));
	hvt_spawn(&t[0], v);
	hvt_spawn(&t[1], hvt_vcpu(v->vm, 1));	/* waits for SIPI */
	for (;;)
		pause();
}

int main(void)
{
	int i, status;

	for (i = 0; i < 15; i++) {
		pid_t pid = SYS(fork());
		u64 start;

		if (!pid)
			child(i % 3);
		hvt_sleep_ms(20 + i * 7);
		SYS(kill(pid, SIGKILL));
		start = hvt_now_ns();
		SYS(waitpid(pid, &status, 0));
		CHECK(WIFSIGNALED(status), "status %#x", status);
		CHECK(hvt_now_ns() - start < 10000000000ULL, "it took %llu ms",
		      (unsigned long long)(hvt_now_ns() - start) / 1000000);
	}
	return 0;
}
