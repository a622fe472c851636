// SPDX-License-Identifier: GPL-2.0
/* The process that keeps the user's rights for the launcher, and its requests; see keeper.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "options.h"
#include "vhost_user.h"

#define TIMEOUT_S	10
#define TICK_MS		20
#define MAX_ENTRIES	64

enum kind { PROGRAM, SOCKET, OWN_SOCKET };
enum verb { CONNECT, END, REMOVE };

static struct entry {
	const void *key;
	enum kind kind;
	char *const *argv;
	const char *path;
	pid_t pid;		/* of the program, in the keeper */
} list[MAX_ENTRIES];
static unsigned int entries;

/* Packets on a pair of sockets, which ends with either process */
struct request {
	uint32_t verb, entry;
};

struct answer {
	int32_t ret;
};

/* In the launcher */
static int keeper = -1;
static pid_t keeper_pid;
/* In the keeper */
static int launcher;

/* ---- the keeper: programs */

/* In the child */
static void run_program(char *const argv[], int listener, int messages, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It would keep an image, and its lock, when the launcher is killed */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C at the terminal is for the guest */
	setpgid(0, 0);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(messages, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(1);
	/* dup2() would leave it to be closed if it has that number already */
	if (listener == KEEPER_FD)
		fcntl(listener, F_SETFD, 0);
	else if (dup2(listener, KEEPER_FD) < 0)
		_exit(1);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s", strerror(errno));
	_exit(127);
}

static int spawn(struct entry *e, int listener, int messages)
{
	pid_t parent = getpid();

	e->pid = fork();
	if (!e->pid)
		run_program(e->argv, listener, messages, parent);
	if (e->pid > 0)
		return 0;
	e->pid = 0;
	return -errno;
}

/* Gives the connection and @messages, or -errno and neither */
static int start_program(struct entry *e, int *messages)
{
	int listener, fd, ret;

	*messages = memfd_create(e->argv[0], MFD_CLOEXEC);
	fd = *messages < 0 ? -errno : vu_connect_ahead(&listener);
	if (fd >= 0) {
		ret = spawn(e, listener, *messages);
		close(listener);
		if (!ret)
			return fd;
		close(fd);
		fd = ret;
	}
	if (*messages >= 0)
		close(*messages);
	*messages = -1;
	return fd;
}

/*
 * It flushes at SIGTERM. One that hangs is not waited for without end, nor any when the
 * launcher has gone
 */
static void end_program(struct entry *e)
{
	struct pollfd p = { .fd = launcher };

	if (!e->pid)
		return;
	kill(e->pid, SIGTERM);
	for (int ms = 0; ms < 2 * TIMEOUT_S * 1000 && !waitpid(e->pid, NULL, WNOHANG);
	     ms += TICK_MS) {
		if (ms == TIMEOUT_S * 1000)
			kill(e->pid, SIGKILL);
		if (poll(&p, 1, TICK_MS) > 0 && (p.revents & POLLHUP))
			_exit(0);
	}
	e->pid = 0;
}

/* ---- the keeper: requests */

static int connect_entry(struct entry *e, int *messages)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (e->kind == PROGRAM) {
		end_program(e);
		return start_program(e, messages);
	}
	if (strlen(e->path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, e->path);
	return vu_connect(&sa, sizeof(sa));
}

static int remove_entry(const struct entry *e)
{
	struct stat st;

	/* What has taken its place meanwhile is not ours */
	if (lstat(e->path, &st) || !S_ISSOCK(st.st_mode))
		return -ENOENT;
	return unlink(e->path) ? -errno : 0;
}

/* The descriptor that belongs to the answer, or 0 or -errno */
static int serve(const struct request *r, int *messages)
{
	struct entry *e = &list[r->entry];

	if (r->entry >= entries)
		return -EINVAL;
	if (r->verb == CONNECT && e->kind != OWN_SOCKET)
		return connect_entry(e, messages);
	if (r->verb == REMOVE && e->kind == OWN_SOCKET)
		return remove_entry(e);
	if (r->verb != END || e->kind != PROGRAM)
		return -EINVAL;
	end_program(e);
	return 0;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

static void answer(int ret, const int *fds, unsigned int n)
{
	struct answer a = { ret };
	struct iovec iov = { &a, sizeof(a) };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	if (sendmsg(launcher, &m, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void work(void)
{
	struct request r;

	/* Anything but a request is the end of the launcher */
	while (recv(launcher, &r, sizeof(r), 0) == sizeof(r)) {
		int fds[2] = { -1, -1 };
		int ret = serve(&r, &fds[1]);

		if (ret <= 0 || r.verb != CONNECT) {
			answer(ret, NULL, 0);
			continue;
		}
		fds[0] = ret;
		answer(0, fds, 1 + (fds[1] >= 0));
		close(fds[0]);
		if (fds[1] >= 0)
			close(fds[1]);
	}
	_exit(0);
}

/*
 * It takes nothing from its caller but the list: neither files nor signals, which are
 * for the launcher, even one that is sent to all of a service's processes.
 */
static void run_keeper(int fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t all;

	setpgid(0, 0);
	prctl(PR_SET_NAME, "hvmon-keeper");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (getppid() != parent)
		_exit(0);
	for (int i = 0; i <= STDERR_FILENO; i++)
		dup2(null, i);
	launcher = STDERR_FILENO + 1;
	if (fd != launcher && dup2(fd, launcher) < 0)
		_exit(1);
	fcntl(launcher, F_SETFD, FD_CLOEXEC);
	if (close_range(launcher + 1, ~0U, 0))
		_exit(1);
	work();
}

/* ---- the launcher's side */

static struct entry *add(const void *key, enum kind kind)
{
	struct entry *e = &list[entries];

	/* More than options allow */
	if (entries == MAX_ENTRIES)
		return NULL;
	entries++;
	e->key = key;
	e->kind = kind;
	return e;
}

void keeper_add_program(const void *key, char *const argv[])
{
	struct entry *e = add(key, PROGRAM);

	if (e)
		e->argv = argv;
}

void keeper_add_socket(const void *key, const char *path)
{
	struct entry *e = add(key, SOCKET);

	if (e)
		e->path = path;
}

void keeper_add_own_socket(const void *key, const char *path)
{
	struct entry *e = add(key, OWN_SOCKET);

	if (e)
		e->path = path;
}

int keeper_start(void)
{
	pid_t parent = getpid();
	int fd[2], ret = 0;

	if (!entries)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd))
		return complain(EXIT_HOST, "no keeper process: %s", strerror(errno));
	keeper_pid = fork();
	if (!keeper_pid)
		run_keeper(fd[1], parent);
	if (keeper_pid < 0)
		ret = complain(EXIT_HOST, "no keeper process: %s", strerror(errno));
	close(fd[1]);
	if (ret)
		close(fd[0]);
	else
		keeper = fd[0];
	return ret;
}

void keeper_stop(void)
{
	if (keeper < 0)
		return;
	close(keeper);
	keeper = -1;
	waitpid(keeper_pid, NULL, 0);
}

/* The first time it is told; from then on there is none */
static int lost(void)
{
	complain(0, "the keeper process is gone: what ends from now on cannot be started or "
		 "connected to again");
	close(keeper);
	keeper = -1;
	return -EPIPE;
}

/* What came along goes to @fds, of 2 */
static int receive(int *fds)
{
	struct answer a;
	struct iovec iov = { &a, sizeof(a) };
	union control control;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(keeper, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(a))
		return lost();
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return a.ret;
}

static int ask(const void *key, enum verb verb, int *fds)
{
	struct request r = { .verb = verb };

	while (r.entry < entries && list[r.entry].key != key)
		r.entry++;
	if (r.entry == entries)
		return -EINVAL;
	if (keeper < 0)
		return -EPIPE;
	if (send(keeper, &r, sizeof(r), MSG_NOSIGNAL) < 0)
		return lost();
	return receive(fds);
}

int keeper_connect(const void *key, int *messages)
{
	int fds[2] = { -1, -1 };
	int ret = ask(key, CONNECT, fds);

	if (messages)
		*messages = fds[1];
	else if (fds[1] >= 0)
		close(fds[1]);
	return ret ? ret : fds[0];
}

void keeper_end(const void *key)
{
	int fds[2];

	ask(key, END, fds);
}

void keeper_remove(const void *key)
{
	int fds[2];

	ask(key, REMOVE, fds);
}
