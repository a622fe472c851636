// SPDX-License-Identifier: GPL-2.0
/*
 * After the launcher forks, the guest's writes reach the launcher's pages and
 * not the child's copy, and the child's not the guest.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"1: incl (%rbx)\n"
	"mov 8(%rbx), %eax\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *p = hvt_anon(4096);
	int up[2], down[2], i, status;
	char c;
	pid_t pid;

	hvt_mem(v->vm, 1, 0, 16 * MiB, 4096, (void *)p);
	for (i = 1; i <= 3; i++) {
		SYS(pipe(up));
		SYS(pipe(down));
		p[2] = i;
		CHECK_EQ(EXPECT_REPORT(v), i);
		pid = SYS(fork());
		if (!pid) {
			u32 before = p[0];

			p[2] = 0xbad;
			SYS(write(up[1], "", 1));
			SYS(read(down[0], &c, 1));
			_exit(p[0] != before);
		}
		SYS(read(up[0], &c, 1));
		CHECK_EQ(EXPECT_REPORT(v), i);
		CHECK_EQ(EXPECT_REPORT(v), i);
		SYS(write(down[1], "", 1));
		SYS(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
		CHECK_EQ(p[0], i * 3);
	}
	return 0;
}
