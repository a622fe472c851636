// SPDX-License-Identifier: GPL-2.0
/* Duplicates of the fds are as good as the fds, and the VM lives as long as the last. */
#include "hvt.h"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int vm = SYS(dup(v->vm->fd)), fd = SYS(dup(v->fd));

	CHECK_EQ(EXPECT_REPORT(v), 1);
	close(v->vm->fd);
	close(v->fd);
	v->vm->fd = vm;
	v->fd = fd;
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_vm_stats(v->vm).vcpus, 1);
	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, hvt_anon(4096));
	return 0;
}
