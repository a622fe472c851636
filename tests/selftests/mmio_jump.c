// SPDX-License-Identifier: GPL-2.0
/* A jump into an address without memory leaves with HVMON_EXIT_EMULATION, and does not loop. */
#include "hvt.h"

GUEST64(guest,
	"mov $0xd0000000, %eax\n"
	"jmp *%rax\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;

	EXPECT(v, HVMON_EXIT_EMULATION);
	CHECK_EQ(r->emulation.rip_gpa, 0xd0000000);
	CHECK_EQ(r->emulation.len, 0);
	CHECK(r->message[0], "no message");
	CHECK_EQ(hvt_rip(v), 0xd0000000);
	EXPECT(v, HVMON_EXIT_EMULATION);
	return 0;
}
