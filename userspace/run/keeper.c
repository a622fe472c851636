// SPDX-License-Identifier: GPL-2.0
/* The process that keeps the user's rights for the launcher, and its requests; see keeper.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "fds.h"
#include "keeper.h"
#include "listener.h"
#include "loop.h"
#include "options.h"
#include "vhost_user.h"

#define MAX_ENTRIES	64
#define UP_MS		1000	/* for a program to end by itself, at most */

enum kind { PROGRAM, PROCESS, SOCKET, OWN_SOCKET, CONTROL };
enum verb { CONNECT, END, REMOVE, FORGET };

/* A key of NULL: there is none, or the number is the keeper's to know */
static struct entry {
	const void *key;
	enum kind kind;
	char **argv;
	const char *(*prepare)(const void *arg);
	const void *arg;
	const char *path;
	/* In the keeper */
	struct program program;
	struct loop_source messages;
	void *memory;		/* came later, with this */
} list[MAX_ENTRIES];

/* Packets on a pair of sockets, which ends with either process */
struct request {
	uint32_t verb, entry, patience_ms;
};

struct answer {
	int32_t ret;
	struct keeper_end end;
};

/* In the launcher */
static int keeper = -1;
static pid_t keeper_pid;
/* In the keeper */
static struct loop loop;
static struct loop_source launcher = { .fd = -1 };
static const struct options *options;

/* ---- the keeper: programs */

static void messages_event(void *arg, uint32_t events)
{
	struct entry *e = arg;

	(void)events;
	if (!program_listen(&e->program))
		loop_del(&loop, &e->messages);
	/* The guest may be able to cause them at will: not all is for everybody */
	if (options->verbose && e->program.words[0])
		complain(0, "%s: %s", e->argv ? e->argv[0] : "process", e->program.words);
}

static void end_program(struct entry *e, unsigned int patience_ms, struct keeper_end *end)
{
	if (e->program.pid)
		loop_del(&loop, &e->messages);
	program_end(&e->program, patience_ms, end->how);
	strcpy(end->words, e->program.words);
}

/* A connection, or -errno */
static int start_program(struct entry *e)
{
	struct keeper_end end;
	int pair[2], fd, ret;

	end_program(e, 0, &end);
	if (e->kind == PROGRAM)
		fd = vu_connect_ahead(&pair[1]);
	else
		fd = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ? -errno : pair[0];
	if (fd < 0)
		return fd;
	ret = program_start(&e->program, e->argv, pair[1], e->prepare, e->arg);
	close(pair[1]);
	if (!ret) {
		ret = loop_add(&loop, &e->messages, e->program.messages, EPOLLIN, messages_event,
			       e);
		if (ret)
			program_end(&e->program, 0, end.how);
	}
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

/* ---- the keeper: requests */

static int connect_entry(struct entry *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (e->kind == CONTROL)
		return control_start(&loop, options, e->path);
	if (e->kind != SOCKET)
		return start_program(e);
	if (strlen(e->path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, e->path);
	return vu_connect(&sa, sizeof(sa));
}

/* The descriptor that belongs to the answer, or -1 */
static int serve(const struct request *r, struct answer *a)
{
	struct entry *e;
	int fd = -1;

	*a = (struct answer){ .ret = -EINVAL };
	if (r->entry >= MAX_ENTRIES || !list[r->entry].key)
		return -1;
	e = &list[r->entry];
	if (r->verb == CONNECT && e->kind != OWN_SOCKET) {
		fd = connect_entry(e);
		a->ret = fd < 0 ? fd : 0;
	} else if (r->verb == REMOVE && e->kind == OWN_SOCKET) {
		a->ret = listener_remove(e->path);
	} else if (r->verb == END && (e->kind == PROGRAM || e->kind == PROCESS)) {
		/* The control socket's clients wait meanwhile: no longer than we would ask for */
		end_program(e, r->patience_ms < UP_MS ? r->patience_ms : UP_MS, &a->end);
		a->ret = 0;
	} else if (r->verb == FORGET && e->memory) {
		keeper_drop(r->entry);
		a->ret = 0;
	}
	return fd;
}

static void leave(void)
{
	control_end();
	_exit(0);
}

static void request_event(void *arg, uint32_t events)
{
	struct request r;
	struct answer a;
	struct iovec iov = { &a, sizeof(a) };
	int fd;

	(void)arg;
	(void)events;
	/* Anything but a request, such as what is longer, is the end of the launcher */
	if (recv(launcher.fd, &r, sizeof(r), MSG_TRUNC) != sizeof(r))
		leave();
	fd = serve(&r, &a);
	/* It has no more than one on its way, unless it is not itself any more */
	if (fds_send(launcher.fd, &iov, 1, &fd, fd >= 0, MSG_DONTWAIT) < 0)
		leave();
	if (fd >= 0)
		close(fd);
}

/*
 * It takes nothing from its caller but the list, and standard error if that asked for words:
 * neither files nor signals, which are for the launcher, even one that is sent to all of a
 * service's processes.
 */
static void run_keeper(int fd, const struct options *opt, pid_t parent)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int null = open("/dev/null", O_RDWR);
	sigset_t all;

	setpgid(0, 0);
	prctl(PR_SET_NAME, "hvmon-keeper");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (getppid() != parent)
		_exit(0);
	options = opt;
	for (int i = 0; i <= (opt->verbose ? STDOUT_FILENO : STDERR_FILENO); i++)
		dup2(null, i);
	if (dup2(fd, STDERR_FILENO + 1) < 0 || close_range(STDERR_FILENO + 2, ~0U, 0))
		_exit(1);
	fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC);
	if (loop_init(&loop, &lock) ||
	    loop_add(&loop, &launcher, STDERR_FILENO + 1, EPOLLIN, request_event, NULL))
		_exit(1);
	loop_run(&loop);
	_exit(0);
}

/* ---- the list */

static int number_of(const void *key)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (list[i].key == key)
			return i;
	return -1;
}

static struct entry *add(const void *key, enum kind kind)
{
	static struct entry more;
	struct entry *e = list;

	while (e < list + MAX_ENTRIES && e->key)
		e++;
	/* Neither options nor a launcher that forgets what it has not any more come to that */
	if (e == list + MAX_ENTRIES)
		e = &more;
	*e = (struct entry){ .key = key, .kind = kind, .messages.fd = -1 };
	program_init(&e->program);
	return e;
}

/* One piece of memory */
static char **copy_argv(char *const argv[])
{
	size_t n = 0, len = 0;
	char **copy, *text;

	while (argv[n])
		len += strlen(argv[n++]) + 1;
	copy = malloc((n + 1) * sizeof(*copy) + len);
	if (!copy)
		return NULL;
	text = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = text;
		text = stpcpy(text, argv[i]) + 1;
	}
	copy[n] = NULL;
	return copy;
}

int keeper_add_program(const void *key, char *const argv[],
		       const char *(*prepare)(const void *arg), const void *arg)
{
	char **copy = copy_argv(argv);
	struct entry *e;

	if (!copy)
		return -ENOMEM;
	e = add(key, PROGRAM);
	e->argv = copy;
	e->prepare = prepare;
	e->arg = arg;
	return 0;
}

void keeper_add_process(const void *key, const char *(*run)(const void *arg), const void *arg)
{
	struct entry *e = add(key, PROCESS);

	e->prepare = run;
	e->arg = arg;
}

void keeper_add_socket(const void *key, const char *path)
{
	add(key, SOCKET)->path = path;
}

void keeper_add_own_socket(const void *key, const char *path)
{
	add(key, OWN_SOCKET)->path = path;
}

void keeper_add_control(const void *key, const char *path)
{
	add(key, CONTROL)->path = path;
}

/* ---- the launcher's side */

int keeper_start(const struct options *opt)
{
	pid_t parent = getpid();
	int fd[2], ret = 0;

	if (!list[0].key)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd))
		return complain(EXIT_HOST, "no keeper process: %s", strerror(errno));
	keeper_pid = fork();
	if (!keeper_pid)
		run_keeper(fd[1], opt, parent);
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

/* The descriptor that came along, or -1. In the keeper no request leaves it */
static int request(const void *key, enum verb verb, unsigned int patience_ms, struct answer *a)
{
	struct request r = { .verb = verb, .patience_ms = patience_ms };
	struct iovec iov = { a, sizeof(*a) };
	unsigned int nr_fds = 0;
	int fds[FDS_MAX];

	*a = (struct answer){ .ret = -EINVAL };
	r.entry = number_of(key);
	if (launcher.fd >= 0)
		return serve(&r, a);
	if (keeper < 0)
		a->ret = -EPIPE;
	else if (send(keeper, &r, sizeof(r), MSG_NOSIGNAL) < 0 ||
		 fds_recv(keeper, &iov, 1, fds, &nr_fds, 0) != sizeof(*a))
		*a = (struct answer){ .ret = lost() };
	return nr_fds ? fds[0] : -1;
}

int keeper_connect(const void *key)
{
	struct answer a;
	int fd = request(key, CONNECT, 0, &a);

	if (a.ret)
		return a.ret;
	/* It was sent, and there was no room for it */
	return fd < 0 ? -EMFILE : fd;
}

void keeper_end(const void *key, unsigned int patience_ms, struct keeper_end *end)
{
	struct answer a;

	request(key, END, patience_ms, &a);
	if (end)
		*end = a.end;
}

bool keeper_refused(const void *key, const char *name, const char *path, const char *program,
		    const char *package, int err)
{
	struct keeper_end end;
	char *words = end.words;
	size_t n = strlen(program);

	keeper_end(key, UP_MS, &end);
	/* Most say who they are, as we do */
	if (!strncmp(words, program, n) && !strncmp(words + n, ": ", 2))
		words += n + 2;
	if (!strcmp(words, strerror(ENOENT)))
		complain(0, "--%s %s: %s: not found; install it (Debian: %s)", name, path, program,
			 package);
	else if (*words)
		complain(0, "--%s %s: %s: %s", name, path, program, words);
	else
		complain(0, "--%s %s: %s%s%s: %s", name, path, program, *end.how ? " " : "",
			 end.how, strerror(-err));
	return *words;
}

void keeper_remove(const void *key)
{
	struct answer a;

	request(key, REMOVE, 0, &a);
}

/* ---- what came later */

int keeper_keep(const void *key, void *memory)
{
	int entry = number_of(key);

	if (entry >= 0)
		list[entry].memory = memory;
	return entry;
}

void keeper_drop(int entry)
{
	struct keeper_end end;

	if (entry < 0 || !list[entry].key)
		return;
	end_program(&list[entry], 0, &end);
	free(list[entry].argv);
	free(list[entry].memory);
	list[entry] = (struct entry){ 0 };
}

void keeper_adopt(int entry, const void *key)
{
	if (entry >= 0)
		list[entry].key = key;
}

void keeper_forget(const void *key)
{
	int entry = number_of(key);
	struct answer a;

	if (entry < 0)
		return;
	request(key, FORGET, 0, &a);
	list[entry].key = NULL;
}
