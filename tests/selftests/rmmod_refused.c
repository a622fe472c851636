// SPDX-License-Identifier: GPL-2.0
/* The module cannot be unloaded while a VM is alive, and /dev/hvmon still works then. */
#include "hvt.h"

#include <sys/syscall.h>

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	REFUSED(syscall(SYS_delete_module, "hvmon", O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	/* The vCPU's fd alone is enough */
	close(v->vm->fd);
	REFUSED(syscall(SYS_delete_module, "hvmon", O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	hvt_info();
	return 0;
}
