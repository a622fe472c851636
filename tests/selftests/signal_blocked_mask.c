// SPDX-License-Identifier: GPL-2.0
/* A signal that is blocked does not disturb RUN. */
#include "hvt.h"

GUEST64(guest, "mov $2000000, %ecx\n 1: dec %ecx\n jnz 1b\n hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
