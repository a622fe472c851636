// SPDX-License-Identifier: GPL-2.0
/*
 * A child that holds the fds after the parent's death can close them, and
 * meanwhile only gets EIO.
 */
#include "hvt.h"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

int main(void)
{
	int p[2], up[2];
	pid_t parent, child;
	char c = 0;

	SYS(pipe(p));
	SYS(pipe(up));
	parent = SYS(fork());
	if (!parent) {
		struct hvt_vcpu *v = HVT_BOOT(64, guest);

		EXPECT_REPORT(v);
		child = SYS(fork());
		if (child)
			_exit(0);
		close(up[1]);
		/* EOF once the launcher, the last other writer, is gone */
		SYS(read(up[0], &c, 1));
		REFUSED(ioctl(v->fd, HVMON_RUN, 0), EIO);
		REFUSED(hvt_try_mem(v->vm->fd, 2, 0, 32 * MiB, 4096, v->vm->mem), EIO);
		hvt_get(v, &(struct hvmon_state){ }, HVMON_STATE_REGS);
		close(v->vm->fd);
		close(v->fd);
		SYS(write(p[1], "k", 1));
		_exit(0);
	}
	close(up[1]);
	close(p[1]);
	SYS(read(p[0], &c, 1));
	CHECK_EQ(c, 'k');
	return 0;
}
