// SPDX-License-Identifier: GPL-2.0
/* A triple fault leaves with HVMON_EXIT_SHUTDOWN. */
#include "hvt.h"

GUEST64(guest,
	"sub $16, %rsp\n"
	"movw $0, (%rsp)\n"
	"movq $0, 2(%rsp)\n"
	"lidt (%rsp)\n"
	"ud2\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	EXPECT(v, HVMON_EXIT_SHUTDOWN);
	return 0;
}
