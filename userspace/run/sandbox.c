// SPDX-License-Identifier: GPL-2.0
/* What a process gives up before it looks at what comes from a guest */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox.h"

#define NOBODY	65534	/* user and group without rights, in Debian's base-passwd */

/*
 * Beside the sockets: memory, time, what abort() and the C library's locks do.
 * Names that this libseccomp or processor does not know are left out.
 */
static const char *const allowed[] = {
	"accept", "accept4", "bind", "brk", "clock_gettime", "close", "connect", "exit",
	"exit_group", "fcntl", "fstat", "futex", "getpeername", "getpid", "getrandom",
	"getsockname", "getsockopt", "gettid", "gettimeofday", "ioctl", "listen", "lseek",
	"madvise", "mmap", "mprotect", "mremap", "munmap", "newfstatat", "poll", "ppoll",
	"read", "recvfrom", "recvmsg", "restart_syscall", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sched_yield", "sendmsg", "sendto", "setsockopt", "shutdown",
	"sigaltstack", "stat", "tgkill", "time", "write", "writev",
};

/* Everything else gives EPERM: a library's surprise costs a connection, not the process */
static int filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int nr = seccomp_syscall_resolve_name(allowed[i]);

		if (nr != __NR_SCMP_ERROR)
			ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	/* Such as /etc/resolv.conf */
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC,
					       O_RDONLY));
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, AF_INET));
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return ret;
}

const char *sandbox_network(void)
{
	int ret;

	/* With the user go all capabilities (capabilities(7)) */
	if (!geteuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		return "root's rights cannot be dropped";
	/* Neither debuggers nor core files; and what a change of the user has undone */
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "rights cannot be dropped";
	ret = filter();
	errno = -ret;
	return ret ? "no seccomp filter" : NULL;
}
