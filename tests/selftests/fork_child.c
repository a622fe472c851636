// SPDX-License-Identifier: GPL-2.0
/*
 * In a forked child RUN and the calls that touch guest memory fail with EIO,
 * and the parent's VM goes on.
 */
#include "hvt.h"

GUEST64(guest, "1: inc %eax\n" G_REPORT "jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(64 * 4096);
	u64 map;
	HVT_DEFINE_ARG(hvmon_dirty_log, log, .slot = 1, .pages = 64,
		       .bitmap = (u64)(uintptr_t)&map);
	HVT_DEFINE_ARG(hvmon_translate, tr, .gva = HVT_CODE);
	int status;
	pid_t pid;

	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, 64 * 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	pid = SYS(fork());
	if (!pid) {
		REFUSED(ioctl(v->fd, HVMON_RUN, 0), EIO);
		REFUSED(hvt_try_mem(v->vm->fd, 2, 0, 32 * MiB, 4096, p), EIO);
		REFUSED(hvt_try_mem(v->vm->fd, 1, 0, 0, 0, NULL), EIO);
		REFUSED(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &log), EIO);
		REFUSED(ioctl(v->fd, HVMON_TRANSLATE, &tr), EIO);
		_exit(0);
	}
	SYS(waitpid(pid, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(hvt_vm_stats(v->vm).slots, 2);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	SYS(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &log));
	return 0;
}
