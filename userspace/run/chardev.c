// SPDX-License-Identifier: GPL-2.0
/* Where a serial port or a console leads: standard input and output, a file, a socket */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chardev.h"
#include "keeper.h"
#include "listener.h"
#include "terminal.h"
#include "vm.h"

#define OUT_SIZE	16384
#define IN_SIZE		1024
/*
 * Guests print byte by byte. Output waits this long for more of it, so that a
 * line costs one system call and not eighty.
 */
#define FLUSH_NS	1000000
#define FLUSH_BYTES	1024

struct chardev {
	struct vm *vm;
	const struct chardev_options *opt;
	struct chardev_client client;
	int in_fd, out_fd, listen_fd;	/* -1: not there */
	struct loop_source in, out, listener;
	struct loop_timer flush_timer;
	bool timer_armed;
	bool out_blocked;		/* waiting for EPOLLOUT */
	bool in_polled;			/* in the loop, and waiting for EPOLLIN */
	bool in_file;			/* input that cannot be waited for */
	bool tty;			/* look for the escape key */
	bool was_full;
	uint8_t outbuf[OUT_SIZE];
	size_t out_head, out_len;
	uint8_t inbuf[IN_SIZE];
	size_t in_len;
};

/* ---- output */

static ssize_t write_some(struct chardev *cd, const uint8_t *p, size_t n)
{
	ssize_t ret = send(cd->out_fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (ret < 0 && errno == ENOTSOCK)
		ret = write(cd->out_fd, p, n);
	return ret < 0 ? -errno : ret;
}

/* A client that had to wait for room is told when there is some */
static void drained(struct chardev *cd)
{
	if (!cd->was_full || cd->out_len >= OUT_SIZE / 2)
		return;
	cd->was_full = false;
	cd->client.drained(cd->client.arg);
}

static void hang_up(struct chardev *cd)
{
	loop_del(&cd->vm->loop, &cd->in);
	loop_del(&cd->vm->loop, &cd->out);
	cd->in_polled = false;
	close(cd->in_fd);
	cd->in_fd = -1;
	cd->out_fd = -1;
	cd->out_len = 0;
	cd->in_len = 0;
	drained(cd);
}

static void output_failed(struct chardev *cd, int err)
{
	if (cd->listen_fd >= 0) {
		hang_up(cd);
		return;
	}
	loop_del(&cd->vm->loop, &cd->out);
	close(cd->out_fd);
	cd->out_fd = -1;
	cd->out_len = 0;
	if (err == EPIPE)
		vm_end(cd->vm, END_SIGNAL, SIGPIPE);
	else
		vm_end_text(cd->vm, END_HOST_ERROR, "%s output: %s", cd->opt->name,
			    strerror(err));
}

static void in_event(void *arg, uint32_t events);
static void out_event(void *arg, uint32_t events);

/*
 * What nobody waits for leaves the loop: epoll reports a hangup even to those
 * who ask for no event, again and again.
 */
static void watch(struct chardev *cd, struct loop_source *src, int fd, uint32_t events,
		  loop_fn fn)
{
	struct loop *loop = &cd->vm->loop;

	if (!events)
		loop_del(loop, src);
	else if (src->fd >= 0)
		loop_mod(loop, src, events);
	else
		loop_add(loop, src, fd, events, fn, cd);
}

static void update_watches(struct chardev *cd)
{
	uint32_t in = cd->in_polled ? EPOLLIN : 0;
	uint32_t out = cd->out_blocked ? EPOLLOUT : 0;

	if (cd->in_fd >= 0 && cd->in_fd == cd->out_fd) {
		watch(cd, &cd->in, cd->in_fd, in | out, in_event);
		return;
	}
	if (cd->in_fd >= 0 && !cd->in_file)
		watch(cd, &cd->in, cd->in_fd, in, in_event);
	if (cd->out_fd >= 0)
		watch(cd, &cd->out, cd->out_fd, out, out_event);
}

static void wait_for_out(struct chardev *cd)
{
	cd->out_blocked = true;
	update_watches(cd);
}

static void flush(struct chardev *cd)
{
	while (cd->out_len && cd->out_fd >= 0) {
		size_t n = OUT_SIZE - cd->out_head;
		ssize_t ret;

		if (n > cd->out_len)
			n = cd->out_len;
		ret = write_some(cd, cd->outbuf + cd->out_head, n);
		if (ret == -EINTR)
			continue;
		if (ret == -EAGAIN) {
			wait_for_out(cd);
			break;
		}
		if (ret < 0) {
			output_failed(cd, -ret);
			break;
		}
		cd->out_head = (cd->out_head + ret) % OUT_SIZE;
		cd->out_len -= ret;
	}
	drained(cd);
}

static void flush_event(void *arg)
{
	struct chardev *cd = arg;

	cd->timer_armed = false;
	flush(cd);
}

bool chardev_room(struct chardev *cd)
{
	if (cd->out_fd < 0)
		return true;
	if (cd->out_len == OUT_SIZE)
		cd->was_full = true;
	return cd->out_len < OUT_SIZE;
}

void chardev_put(struct chardev *cd, uint8_t byte)
{
	if (cd->out_fd < 0 || cd->out_len == OUT_SIZE)
		return;
	cd->outbuf[(cd->out_head + cd->out_len++) % OUT_SIZE] = byte;
	if (cd->out_blocked)
		return;
	if (cd->out_len >= FLUSH_BYTES) {
		flush(cd);
	} else if (!cd->timer_armed) {
		cd->timer_armed = true;
		timer_set(&cd->flush_timer, FLUSH_NS, 0);
	}
}

/* ---- input */

static void poll_input(struct chardev *cd, bool on)
{
	if (cd->in_polled == on || cd->in_fd < 0 || cd->in_file)
		return;
	cd->in_polled = on;
	update_watches(cd);
}

static void deliver(struct chardev *cd)
{
	size_t n = cd->client.room(cd->client.arg);

	if (n > cd->in_len)
		n = cd->in_len;
	if (!n)
		return;
	cd->client.receive(cd->client.arg, cd->inbuf, n);
	cd->in_len -= n;
	memmove(cd->inbuf, cd->inbuf + n, cd->in_len);
}

static void end_of_input(struct chardev *cd, int err)
{
	if (cd->listen_fd >= 0) {
		hang_up(cd);
		return;
	}
	loop_del(&cd->vm->loop, &cd->in);
	cd->in_polled = false;
	cd->in_fd = -1;
	/* A terminal that is gone cannot end the guest any more: do it now */
	if (cd->tty)
		vm_end(cd->vm, END_SIGNAL, SIGHUP);
	else if (err && err != EIO)
		complain(0, "%s input: %s", cd->opt->name, strerror(err));
}

/* On a terminal input is read even if the guest takes none: the escape key */
static void read_input(struct chardev *cd)
{
	uint8_t buf[256];
	size_t room = IN_SIZE - cd->in_len;
	ssize_t n;

	if (cd->tty || room > sizeof(buf))
		room = sizeof(buf);
	if (!room)
		return;
	n = read(cd->in_fd, buf, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_of_input(cd, n ? errno : 0);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (cd->tty && buf[i] == ESCAPE_KEY) {
			vm_end(cd->vm, END_ESCAPE, 0);
			return;
		}
		if (cd->in_len < IN_SIZE)
			cd->inbuf[cd->in_len++] = buf[i];
	}
}

static void pump(struct chardev *cd)
{
	deliver(cd);
	/* A file is read as far as the guest takes it */
	while (cd->in_file && cd->in_fd >= 0 && !cd->in_len &&
	       cd->client.room(cd->client.arg)) {
		read_input(cd);
		deliver(cd);
	}
	poll_input(cd, cd->tty || cd->in_len < IN_SIZE);
}

void chardev_more(struct chardev *cd)
{
	if (cd->in_len || cd->in_file)
		pump(cd);
}

static void in_event(void *arg, uint32_t events)
{
	struct chardev *cd = arg;

	if (events & EPOLLOUT)
		out_event(cd, events);
	if (cd->in_fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		read_input(cd);
	if (cd->in_fd >= 0)
		pump(cd);
}

static void out_event(void *arg, uint32_t events)
{
	struct chardev *cd = arg;

	(void)events;
	cd->out_blocked = false;
	update_watches(cd);
	flush(cd);
}

/* ---- back ends */

/*
 * O_NONBLOCK belongs to the open file, which others share: open the terminal
 * or pipe once more. What cannot be opened again (sockets) is sent to with
 * MSG_DONTWAIT, and regular files do not block.
 */
static int reopen(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_APPEND);
	return again >= 0 ? again : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int open_stdio(struct chardev *cd)
{
	struct stat st;
	int ret;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode))
		cd->out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		cd->out_fd = reopen(STDOUT_FILENO);
	if (isatty(STDIN_FILENO)) {
		if (!terminal_raw()) {
			complain(0, "in the background: the guest gets no input");
			return 0;
		}
		cd->tty = true;
		fprintf(stderr, "hvmon-run: " ESCAPE_NAME " ends the guest\r\n");
	}
	cd->in_fd = STDIN_FILENO;
	ret = loop_add(&cd->vm->loop, &cd->in, cd->in_fd, EPOLLIN, in_event, cd);
	cd->in_polled = !ret;
	cd->in_file = ret == -EPERM;
	if (ret && ret != -EPERM)
		cd->in_fd = -1;		/* closed: no input */
	return 0;
}

static int open_file(struct chardev *cd, const char *path)
{
	cd->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (cd->out_fd < 0)
		return complain(EXIT_USAGE, "--%s file:%s: %s", cd->opt->name, path,
				 strerror(errno));
	return 0;
}

static void accept_event(void *arg, uint32_t events)
{
	struct chardev *cd = arg;
	int fd = accept4(cd->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (cd->in_fd >= 0) {		/* one at a time */
		close(fd);
		return;
	}
	cd->out_blocked = false;
	if (loop_add(&cd->vm->loop, &cd->in, fd, EPOLLIN, in_event, cd)) {
		close(fd);
		return;
	}
	cd->in_fd = fd;
	cd->out_fd = fd;
	cd->in_polled = true;
}

static int open_socket(struct chardev *cd, const char *path)
{
	int fd = listener_open(path, 1, 0777);

	if (fd == -ENAMETOOLONG)
		return complain(EXIT_USAGE, "--%s socket:%s: the path is longer than %zu",
				cd->opt->name, path, LISTENER_PATH_MAX);
	if (fd < 0)
		return complain(EXIT_USAGE, "--%s socket:%s: %s", cd->opt->name, path,
				strerror(-fd));
	cd->listen_fd = fd;
	if (loop_add(&cd->vm->loop, &cd->listener, fd, EPOLLIN, accept_event, cd))
		return complain(EXIT_HOST, "--%s socket:%s: %s", cd->opt->name, path,
				strerror(errno));
	return 0;
}

void chardev_announce(const struct chardev_options *opt)
{
	if (opt->kind == CHARDEV_SOCKET)
		keeper_add_own_socket(opt, opt->path);
}

int chardev_open(struct vm *vm, const struct chardev_options *opt, struct chardev **chardev)
{
	struct chardev *cd = calloc(1, sizeof(*cd));
	int ret;

	if (!cd)
		return complain(EXIT_HOST, "no memory");
	cd->vm = vm;
	cd->opt = opt;
	cd->in_fd = -1;
	cd->out_fd = -1;
	cd->listen_fd = -1;
	cd->in.fd = -1;
	cd->out.fd = -1;
	cd->listener.fd = -1;
	cd->flush_timer.source.fd = -1;
	ret = timer_init(&vm->loop, &cd->flush_timer, flush_event, cd);
	if (ret)
		ret = complain(EXIT_HOST, "no timer: %s", strerror(-ret));
	else if (opt->kind == CHARDEV_STDIO)
		ret = open_stdio(cd);
	else if (opt->kind == CHARDEV_FILE)
		ret = open_file(cd, opt->path);
	else
		ret = open_socket(cd, opt->path);
	if (ret) {
		chardev_close(cd);
		return ret;
	}
	*chardev = cd;
	return 0;
}

void chardev_attach(struct chardev *cd, const struct chardev_client *client)
{
	cd->client = *client;
	if (cd->in_file)
		pump(cd);
}

/* Give a reader that is merely slow a moment to take the rest */
static void last_flush(struct chardev *cd)
{
	for (int i = 0; i < 20 && cd->out_len && cd->out_fd >= 0; i++) {
		struct pollfd p = { .fd = cd->out_fd, .events = POLLOUT };

		flush(cd);
		if (cd->out_len && poll(&p, 1, 50) < 0)
			break;
	}
}

void chardev_close(struct chardev *cd)
{
	struct loop *loop = &cd->vm->loop;

	cd->was_full = false;
	last_flush(cd);
	loop_del(loop, &cd->in);
	loop_del(loop, &cd->out);
	loop_del(loop, &cd->listener);
	timer_fini(loop, &cd->flush_timer);
	if (cd->out_fd >= 0)
		close(cd->out_fd);
	if (cd->in_fd >= 0 && cd->in_fd != cd->out_fd && cd->in_fd != STDIN_FILENO)
		close(cd->in_fd);
	if (cd->listen_fd >= 0) {
		close(cd->listen_fd);
		keeper_remove(cd->opt);
	}
	terminal_restore();
	free(cd);
}
