// SPDX-License-Identifier: GPL-2.0
/* The guest's debug registers never reach the launcher, nor the launcher's the guest. */
#include "hvt.h"

#include <sys/ptrace.h>
#include <sys/user.h>

GUEST64(guest,
	"mov $0x100000, %eax\n"
	"mov %rax, %dr0\n"
	"mov $0xd0403, %eax\n"
	"mov %rax, %dr7\n"
	"1: hlt\n"
	"mov %dr1, %rax\n"
	G_REPORT
	"mov %dr0, %rax\n"
	G_REPORT
	"jmp 1b\n");

static volatile u32 watched;

/* A tracer sets a watchpoint on the launcher, which is its DR1 */
int main(void)
{
	int status, hits = 0;
	pid_t pid = SYS(fork());

	if (!pid) {
		struct hvt_vcpu *v;
		int i;

		SYS(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		v = HVT_BOOT(64, guest);
		for (i = 0; i < 5; i++) {
			EXPECT(v, HVMON_EXIT_HLT);
			watched = i;
			CHECK_EQ(EXPECT_REPORT(v), 0);
			CHECK_EQ(EXPECT_REPORT(v), HVT_DATA);
		}
		_exit(0);
	}
	SYS(waitpid(pid, &status, 0));
	CHECK(WIFSTOPPED(status), "%#x", status);
	SYS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[1]), &watched));
	SYS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0xd00008));
	for (;;) {
		SYS(ptrace(PTRACE_CONT, pid, 0, 0));
		SYS(waitpid(pid, &status, 0));
		if (!WIFSTOPPED(status))
			break;
		CHECK_EQ(WSTOPSIG(status), SIGTRAP);
		hits++;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(1);	/* it has said why */
	CHECK_EQ(hits, 5);
	return 0;
}
