// SPDX-License-Identifier: GPL-2.0
/*
 * Forty VMs at once, each with its own memory, run, and can be made again
 * after they are gone.
 */
#include "hvt.h"

GUEST64(guest, "mov 0x100000, %eax\n add $1000, %eax\n" G_REPORT "hlt\n");

int main(void)
{
	struct hvt_vcpu *v[40];
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 40; i++) {
			v[i] = HVT_BOOT(64, guest);
			*(u32 *)(v[i]->vm->mem + HVT_DATA) = i * 3;
		}
		for (i = 39; i >= 0; i--)
			CHECK_EQ(EXPECT_REPORT(v[i]), 1000 + i * 3);
		for (i = 0; i < 40; i++) {
			EXPECT(v[i], HVMON_EXIT_HLT);
			munmap(v[i]->run, hvt_info().run_size);
			munmap(v[i]->vm->mem, HVT_MEM);
			close(i & 1 ? v[i]->fd : v[i]->vm->fd);
			close(i & 1 ? v[i]->vm->fd : v[i]->fd);
		}
	}
	return 0;
}
