// SPDX-License-Identifier: GPL-2.0
/* A process of ours that does one thing for the guest, and ends with us; see program.h */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

#define TICK_MS		20
#define END_MS		10000	/* from SIGTERM to SIGKILL, and from there on */

void program_init(struct program *p)
{
	*p = (struct program){ .messages = -1 };
}

/* ---- start */

/* In the child, which keeps none of its parent's files */
static void run(char *const argv[], int fd, int messages, pid_t parent,
		const char *(*prepare)(const void *arg), const void *arg)
{
	int null = open("/dev/null", O_RDWR);
	const char *why = NULL;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* It would keep an image, and its lock, when its parent is killed */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C at the terminal is for the guest */
	setpgid(0, 0);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(messages, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(1);
	/* dup2() would leave it to be closed if it has that number already */
	if (fd == PROGRAM_FD)
		fcntl(fd, F_SETFD, 0);
	else if (fd >= 0 && dup2(fd, PROGRAM_FD) < 0)
		_exit(1);
	if (close_range(fd < 0 ? PROGRAM_FD : PROGRAM_FD + 1, ~0U, 0))
		_exit(1);
	if (prepare)
		why = prepare(arg);
	if (!why) {
		execvp(argv[0], argv);
		why = argv[0];
	}
	dprintf(STDERR_FILENO, "%s: %s\n", why, strerror(errno));
	_exit(127);
}

int program_start(struct program *p, char *const argv[], int fd,
		  const char *(*prepare)(const void *arg), const void *arg)
{
	pid_t parent = getpid();
	int ends[2], ret = 0;

	program_init(p);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	p->pid = fork();
	if (!p->pid)
		run(argv, fd, ends[1], parent, prepare, arg);
	if (p->pid < 0) {
		ret = -errno;
		p->pid = 0;
		close(ends[0]);
	} else {
		p->messages = ends[0];
	}
	close(ends[1]);
	return ret;
}

/* ---- what it says */

/*
 * Keeps the last line that is not empty, or its end: what is wrong comes last. A guest may
 * have a say in it, a terminal shows it
 */
static void keep(char *words, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), room = PROGRAM_WORDS - 1;

		if (n > room)
			snprintf(words, PROGRAM_WORDS, "...%.*s", (int)room - 3,
				 text + n - (room - 3));
		else if (n)
			snprintf(words, PROGRAM_WORDS, "%.*s", (int)n, text);
		text += n + !!text[n];
	}
	for (; *words; words++)
		if (iscntrl((unsigned char)*words))
			*words = '?';
}

bool program_listen(struct program *p)
{
	char text[4096];
	ssize_t n = 1;

	/* No more than a pipe has, lest it keeps the loop from all else */
	for (int i = 0; i < 16 && n > 0; i++) {
		n = read(p->messages, text, sizeof(text) - 1);
		if (n > 0) {
			text[n] = '\0';
			keep(p->words, text);
		}
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ---- end */

void program_end(struct program *p, unsigned int patience_ms, char how[PROGRAM_HOW])
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	unsigned int ms = 0;
	int status = 0;

	*how = '\0';
	if (!p->pid)
		return;
	while (waitpid(p->pid, &status, WNOHANG) == 0 && ms < patience_ms + 2 * END_MS) {
		if (ms == patience_ms)
			kill(p->pid, SIGTERM);
		else if (ms == patience_ms + END_MS)
			kill(p->pid, SIGKILL);
		/* It may have to write before it can end */
		program_listen(p);
		nanosleep(&tick, NULL);
		ms += TICK_MS;
	}
	p->pid = 0;
	program_listen(p);
	close(p->messages);
	p->messages = -1;
	if (ms > patience_ms)
		return;
	if (WIFSIGNALED(status))
		snprintf(how, PROGRAM_HOW, "was killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(how, PROGRAM_HOW, "ended with status %d", WEXITSTATUS(status));
}
