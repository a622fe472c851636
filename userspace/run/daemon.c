// SPDX-License-Identifier: GPL-2.0
/*
 * A program of the host that serves the guest over vhost-user. It listens on a socket
 * without a name in the file system, and ends with this process however that ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "vhost_user.h"

#define TICK_MS		20
#define END_MS		5000	/* from SIGTERM to SIGKILL, and from there on */

void daemon_init(struct daemon *d)
{
	*d = (struct daemon){ .messages = -1 };
}

/* ---- start */

/* In the child */
static void run(char *const argv[], int listener, int messages, pid_t parent,
		const char *(*prepare)(const void *arg), const void *arg)
{
	int null = open("/dev/null", O_RDWR);
	const char *why = NULL;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The connection would end it as well, when it next looks there */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C at the terminal is for the guest */
	setpgid(0, 0);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(messages, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(1);
	if (prepare)
		why = prepare(arg);
	if (!why) {
		/* dup2() would leave it to be closed if it has that number already */
		if (listener == DAEMON_FD)
			fcntl(listener, F_SETFD, 0);
		else if (dup2(listener, DAEMON_FD) < 0)
			_exit(1);
		execv(argv[0], argv);
		why = argv[0];
	}
	dprintf(STDERR_FILENO, "%s: %s\n", why, strerror(errno));
	_exit(127);
}

static int spawn(struct daemon *d, char *const argv[], int listener,
		 const char *(*prepare)(const void *arg), const void *arg)
{
	pid_t parent = getpid();
	int ends[2], ret = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	d->pid = fork();
	if (!d->pid)
		run(argv, listener, ends[1], parent, prepare, arg);
	if (d->pid < 0) {
		ret = -errno;
		d->pid = 0;
		close(ends[0]);
	} else {
		d->messages = ends[0];
	}
	close(ends[1]);
	return ret;
}

int daemon_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	return vu_connect(&sa, sizeof(sa));
}

int daemon_start(struct daemon *d, char *const argv[], const char *(*prepare)(const void *arg),
		 const void *arg)
{
	int listener, fd = vu_connect_ahead(&listener), ret;

	if (fd < 0)
		return fd;
	ret = spawn(d, argv, listener, prepare, arg);
	close(listener);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

/* ---- what it says */

/* Keeps the last line that is not empty. A guest may have a say in it, a terminal shows it */
static void keep(char *words, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n)
			snprintf(words, DAEMON_WORDS, "%.*s", (int)n, text);
		text += n + !!text[n];
	}
	for (; *words; words++)
		if ((*words >= 0 && *words < ' ') || *words == 0x7f)
			*words = '?';
}

bool daemon_listen(struct daemon *d)
{
	char text[4096];
	ssize_t n = 1;

	/* No more than a pipe has, lest it keeps the loop from all else */
	for (int i = 0; i < 16 && n > 0; i++) {
		n = read(d->messages, text, sizeof(text) - 1);
		if (n > 0) {
			text[n] = '\0';
			keep(d->words, text);
		}
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ---- end */

void daemon_end(struct daemon *d, unsigned int patience_ms, char *how, size_t len)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	unsigned int ms = 0;
	int status = 0;

	*how = '\0';
	if (!d->pid)
		return;
	while (waitpid(d->pid, &status, WNOHANG) == 0 && ms < patience_ms + 2 * END_MS) {
		if (ms == patience_ms)
			kill(d->pid, SIGTERM);
		else if (ms == patience_ms + END_MS)
			kill(d->pid, SIGKILL);
		nanosleep(&tick, NULL);
		ms += TICK_MS;
	}
	d->pid = 0;
	daemon_listen(d);
	close(d->messages);
	d->messages = -1;
	if (ms > patience_ms)
		return;
	if (WIFSIGNALED(status))
		snprintf(how, len, "was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(how, len, "ended with status %d", WEXITSTATUS(status));
}
