// SPDX-License-Identifier: GPL-2.0
/* VM and vCPU fds can be closed in every order, and a vCPU whose VM fd is closed still runs. */
#include "hvt.h"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

int main(void)
{
	static const u8 orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	size_t run_size = hvt_info().run_size;
	unsigned int i, j, chips;

	for (i = 0; i < 2 * ARRAY_SIZE(orders); i++) {
		struct hvt_vm *vm = hvt_vm();
		struct hvt_vcpu *v[2];
		int fds[3];

		chips = i & 1;
		if (chips)
			hvt_irqchip(vm, HVMON_IRQCHIP_PIT);
		v[0] = hvt_vcpu(vm, 0);
		v[1] = hvt_vcpu(vm, 1);
		hvt_load(vm, HVT_CODE, guest, guest_end);
		hvt_start(v[0], 64);
		CHECK_EQ(EXPECT_REPORT(v[0]), 1);
		fds[0] = vm->fd;
		fds[1] = v[0]->fd;
		fds[2] = v[1]->fd;
		for (j = 0; j < 3; j++) {
			close(fds[orders[i / 2][j]]);
			/* while vCPU 0 has its fd it works */
			if (orders[i / 2][j] == 1)
				fds[1] = -1;
			if (fds[1] >= 0)
				CHECK_EQ(EXPECT_REPORT(v[0]), j + 2);
		}
		/* The run page outlives the fds */
		v[0]->run->immediate_exit = 1;
		CHECK_EQ(v[0]->run->immediate_exit, 1);
		munmap(v[0]->run, run_size);
		munmap(v[1]->run, run_size);
		munmap(vm->mem, vm->mem_size);
	}
	return 0;
}
