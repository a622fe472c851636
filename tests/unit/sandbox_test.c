// SPDX-License-Identifier: GPL-2.0
/* The launcher's sandbox, entered by children of this process */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>

#include "sandbox.h"
#include "unit.h"

static int parent_dir = -1;
static pid_t helper;
static struct sandbox sb;

/* The wait status of a child that does @work in the sandbox, and exits with what that returns */
static int in_sandbox(int (*work)(void))
{
	int status;
	pid_t child = fork();

	if (!child) {
		const char *why;

		sandbox_prepare(&sb);
		why = sandbox_enter(&sb);
		if (why)
			printf("# %s: %s\n", why, strerror(errno));
		_exit(why ? 99 : work());
	}
	waitpid(child, &status, 0);
	return status;
}

/* The child's verdict: whether a check failed */
static int failed;

static void must(bool ok, int line, const char *what)
{
	if (ok)
		return;
	printf("# line %d: %s (%s)\n", line, what, strerror(errno));
	failed = 1;
}

#define check(cond)	must(cond, __LINE__, #cond)
#define denied(call) check((call) == -1 && errno == EPERM)

static int try_denied(void)
{
	struct iovec iov = { &sb, 1 };
	char byte[4];

	denied(open("/etc/passwd", O_RDONLY));
	denied(open("/", O_RDONLY));
	denied(openat(parent_dir, "..", O_RDONLY));
	denied(socket(AF_UNIX, SOCK_STREAM, 0));
	denied(socket(AF_INET, SOCK_STREAM, 0));
	denied(socket(AF_NETLINK, SOCK_RAW, 0));
	denied(unlink("/tmp/x"));
	denied(chroot("/"));
	denied(unshare(CLONE_NEWUSER));
	denied(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
	denied(syscall(SYS_fork));
	denied(syscall(SYS_vfork));
	denied(syscall(SYS_setuid, 0));
	denied(syscall(SYS_bpf, 0, NULL, 0));
	denied(syscall(SYS_io_uring_setup, 8, NULL));
	denied(syscall(SYS_io_uring_register, 0, 0, NULL, 0));
	denied(syscall(SYS_userfaultfd, 0));
	denied(process_vm_readv(getppid(), &iov, 1, &iov, 1, 0));
	denied(prctl(PR_SET_DUMPABLE, 1));
	/* Keys put into the terminal, and requests of other devices */
	denied(ioctl(0, TIOCSTI, "x"));
	denied(ioctl(0, FIONREAD, byte));
	/* Others, by any signal */
	denied(kill(getppid(), 0));
	denied(kill(-1, SIGKILL));
	denied(kill(helper, SIGKILL));
	denied(syscall(SYS_tgkill, getppid(), getppid(), SIGKILL));
	/* Code that was not there before */
	check(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      MAP_FAILED && errno == EPERM);
	denied(mprotect((void *)((uintptr_t)&sb & ~4095UL), 4096, PROT_READ | PROT_EXEC));
	return failed;
}

static void *thread(void *arg)
{
	*(bool *)arg = open("/", O_RDONLY) == -1 && errno == EPERM &&
		       syscall(SYS_unshare, CLONE_NEWNS) == -1 && errno == EPERM;
	return NULL;
}

static int try_allowed(void)
{
	struct pollfd p = { .fd = 0 };
	struct termios tio;
	struct timespec ts;
	bool held = false;
	pthread_t t;
	char byte;
	void *m;

	check(!pthread_create(&t, NULL, thread, &held) && !pthread_join(t, NULL) && held);
	m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(m != MAP_FAILED && !madvise(m, 1 << 20, MADV_DONTNEED) && !munmap(m, 1 << 20));
	check(!clock_gettime(CLOCK_MONOTONIC, &ts) && poll(&p, 1, 0) >= 0);
	check(ioctl(p.fd, TCGETS, &tio) == 0 || errno == ENOTTY);
	check(syscall(SYS_getrandom, &byte, 1, 0) == 1);
	check(!prctl(PR_SET_NAME, "name"));
	check(eventfd(0, 0) >= 0 && epoll_create1(0) >= 0);
	check(timerfd_create(CLOCK_MONOTONIC, 0) >= 0);
	check(!ftruncate(memfd_create("ring", 0), 4096));
	check(!raise(SIGCONT));
	return failed;
}

/* What the host says of a process in the sandbox */
static void test_rights(void)
{
	int to[2], from[2], status, n;
	char path[64], text[4096] = "", byte;
	pid_t child;

	claim("sandbox: no rights, no new ones, a filter of system calls, a root without files");
	if (pipe(to) || pipe(from))
		exit(1);
	child = fork();
	if (!child) {
		const char *why;

		sandbox_prepare(&sb);
		why = sandbox_enter(&sb);
		(void)!write(from[1], why ? "-" : sb.mounts && !strstr(sb.missing, "root") ?
			     "r" : "+", 1);
		_exit(read(to[0], &byte, 1) != 1);
	}
	expect(read(from[0], &byte, 1) == 1 && byte != '-');
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	n = open(path, O_RDONLY);
	expect(read(n, text, sizeof(text) - 1) > 0);
	close(n);
	expect(strstr(text, "\nSeccomp:\t2\n") && strstr(text, "\nNoNewPrivs:\t1\n"));
	expect(strstr(text, "\nCapEff:\t0000000000000000\n"));
	expect(strstr(text, "\nCapPrm:\t0000000000000000\n"));
	expect(strstr(text, "\nCapInh:\t0000000000000000\n"));
	expect(!strstr(text, "\nUid:\t0\t") && !strstr(text, "\nGid:\t0\t"));
	if (byte == 'r') {
		snprintf(path, sizeof(path), "/proc/%d/root/etc", child);
		expect(access(path, F_OK));
	}
	(void)!write(to[1], "x", 1);
	waitpid(child, &status, 0);
	expect(WIFEXITED(status) && !WEXITSTATUS(status));
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

static int try_execve(void)
{
	static char *const argv[] = { "true", NULL };

	execv("/bin/true", argv);
	return 1;
}

static int try_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 1;
}

static int try_directory(void)
{
	check(fcntl(parent_dir, F_GETFD) == -1 && errno == EBADF);
	check(fcntl(1, F_GETFD) >= 0);
	return failed;
}

static bool killed_by_filter(int (*work)(void))
{
	int status = in_sandbox(work);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	parent_dir = open("/", O_RDONLY | O_DIRECTORY);
	helper = fork();
	if (!helper) {
		/* As they are: nobody, too */
		if (!geteuid() && setresuid(65534, 65534, 65534))
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	test_rights();
	claim("sandbox: what a launcher does not do while its guest runs is denied");
	expect(!in_sandbox(try_denied));
	claim("sandbox: a program, or another process's memory, is the end");
	expect(killed_by_filter(try_execve));
	expect(killed_by_filter(try_ptrace));
	claim("sandbox: directories that were open are closed, other files are not");
	expect(!in_sandbox(try_directory));
	claim("sandbox: threads start, and are in it; memory and time can be had");
	expect(!in_sandbox(try_allowed));
	kill(helper, SIGKILL);
	return unit_finish();
}
