// SPDX-License-Identifier: GPL-2.0
/* exit() of a process with running vCPU threads ends them all. */
#include "hvt.h"

GUEST64(spin, "1: incl 0x100000\n jmp 1b\n");

int main(void)
{
	int i, status;

	for (i = 0; i < 5; i++) {
		pid_t pid = SYS(fork());

		if (!pid) {
			struct hvt_vcpu *v = HVT_BOOT(64, spin);
			struct hvt_thread t[2];

			hvt_spawn(&t[0], v);
			hvt_spawn(&t[1], hvt_vcpu(v->vm, 1));
			while (*(volatile u32 *)(v->vm->mem + HVT_DATA) < 10)
				sched_yield();
			exit(3);
		}
		SYS(waitpid(pid, &status, 0));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status %#x", status);
	}
	return 0;
}
