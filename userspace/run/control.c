// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket, which is the keeper's. Clients come and go as they please and may
 * do anything: nobody is waited for, nobody has more than one answer pending, and who
 * comes when all places are taken gets that of the client that was silent longest.
 *
 * Commands are for the launcher, one at a time. What "add" names is opened here, with
 * the rights of the user, because a client said so. Nothing that the launcher says has
 * such an effect: it is words for the client that is waiting. If none is, or was, the
 * launcher is not what it was, and there are no commands any more.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "fds.h"
#include "keeper.h"
#include "listener.h"
#include "options.h"
#include "plug.h"

#define CLIENTS		8

struct client {
	struct loop_source source;	/* its fd: -1 if the place is free */
	uint64_t heard;			/* when it said something last */
	uint64_t obeyed;		/* ... and when a command of its came to its turn */
	size_t len;			/* bytes in @line, of which commands are made */
	char line[CONTROL_LINE];
	char *answer;			/* what it has not read yet; or NULL */
	size_t answer_len, sent;
};

/* There is one of it in a keeper */
static struct control {
	struct loop *loop;
	const struct options *opt;
	const char *path;
	struct loop_source listener, launcher;
	bool busy;			/* the launcher has a command */
	struct client *asking;		/* whose it is, unless that has gone */
	int entry;			/* of the keeper's list, which came with it; or -1 */
	uint64_t now;			/* counts what is heard and obeyed */
	struct client client[CLIENTS];
} control;

/* ---- clients */

static void hang_up(struct client *c)
{
	int fd = c->source.fd;

	if (fd < 0)
		return;
	loop_del(control.loop, &c->source);
	close(fd);
	free(c->answer);
	c->answer = NULL;
	c->len = 0;
	if (control.asking == c)
		control.asking = NULL;
}

static void close_source(struct loop_source *source)
{
	int fd = source->fd;

	loop_del(control.loop, source);
	if (fd >= 0)
		close(fd);
}

/* No commands any more, and nobody waits for an answer */
static void finish(void)
{
	close_source(&control.listener);
	close_source(&control.launcher);
	/* Once: somebody else may have it then */
	if (control.path)
		listener_remove(control.path);
	control.path = NULL;
	for (unsigned int i = 0; i < CLIENTS; i++)
		hang_up(&control.client[i]);
}

/* False if it cannot be sent to any more. Otherwise there is no answer left, or it waits */
static bool send_answer(struct client *c)
{
	while (c->answer && c->sent < c->answer_len) {
		ssize_t n = send(c->source.fd, c->answer + c->sent, c->answer_len - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->sent += n;
	}
	free(c->answer);
	c->answer = NULL;
	return true;
}

/* The end of the first command in @line, or NULL */
static char *command_end(struct client *c)
{
	return memchr(c->line, '\n', c->len);
}

static void set_answer(struct client *c, const char *text, size_t len)
{
	c->answer = malloc(len);
	c->answer_len = c->answer ? len : 0;
	c->sent = 0;
	if (c->answer)
		memcpy(c->answer, text, len);
	if (!c->answer || !send_answer(c))
		hang_up(c);
}

/* ---- commands */

/* Blanks around do not count, as in a file of options */
static char *trimmed(char *line)
{
	size_t len = strlen(line);

	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	return line + strspn(line, " \t");
}

/* What an "add" of @line names, if there is any; -1 after a line of complaint */
static int open_device(const char *line, struct plug_device *d)
{
	char kind[8] = "";
	int end = 0;

	plug_nothing(d);
	/* What is not as it should be is for the launcher to refuse */
	if (sscanf(line, "add%*[ \t]%7[a-z]%*[ \t]%n", kind, &end) != 1 || !end || !line[end])
		return 0;
	return plug_open(d, control.opt, kind, line + end);
}

/* Refused in one line of @c's */
static void refuse(struct client *c, const char *why)
{
	char text[CONTROL_LINE + 256];
	int n = snprintf(text, sizeof(text), "ERROR %.*s\n", (int)strcspn(why, "\n"), why);

	set_answer(c, text, n < (int)sizeof(text) ? n : (int)sizeof(text) - 1);
}

static void send_on(struct client *c, const char *line, struct plug_device *d)
{
	const struct iovec iov[] = { { d, sizeof(*d) }, { (char *)line, strlen(line) } };
	int *field[FDS_MAX], fds[FDS_MAX];
	unsigned int n = plug_descriptors(d, field);

	for (unsigned int i = 0; i < n; i++)
		fds[i] = *field[i];
	control.busy = true;
	control.asking = c;
	control.entry = d->entry;
	if (fds_send(control.launcher.fd, iov, 2, fds, n, MSG_DONTWAIT) < 0)
		finish();
}

static void obey(struct client *c, char *line)
{
	struct plug_device d;
	char *said = NULL;
	size_t len;
	FILE *complaint = open_memstream(&said, &len);
	int ret;

	if (!complaint) {
		refuse(c, "no memory");
		return;
	}
	line = trimmed(line);
	complain_to(complaint);
	ret = open_device(line, &d);
	complain_to(NULL);
	fclose(complaint);
	if (ret)
		refuse(c, said);
	else
		send_on(c, line, &d);
	/* The launcher has them now, or nobody */
	plug_let_go(&d);
	free(said);
}

/* It has a command, and no answer that it has not read */
static bool has_command(struct client *c)
{
	return c->source.fd >= 0 && !c->answer && control.asking != c && command_end(c);
}

/* While the launcher is idle: the next command of the client that has waited longest */
static void next(void)
{
	struct client *c;
	char line[CONTROL_LINE], *end;
	size_t used;

	while (!control.busy) {
		c = NULL;
		for (unsigned int i = 0; i < CLIENTS; i++)
			if (has_command(&control.client[i]) &&
			    (!c || control.client[i].obeyed < c->obeyed))
				c = &control.client[i];
		if (!c)
			return;
		end = command_end(c);
		used = end + 1 - c->line;
		*end = '\0';
		memcpy(line, c->line, used);
		c->len -= used;
		memmove(c->line, c->line + used, c->len);
		c->obeyed = ++control.now;
		if (strlen(line) != used - 1)
			refuse(c, "a byte of 0");
		else
			obey(c, line);
	}
}

/* What each is waited for, after anything has happened */
static void settle(void)
{
	next();
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &control.client[i];

		/* That it hangs up is told in any case */
		loop_mod(control.loop, &c->source, c->answer ? EPOLLOUT :
			 control.asking == c || command_end(c) ? 0 : EPOLLIN);
	}
}

/* ---- events */

static bool hear(struct client *c)
{
	static const char text[] = "ERROR the line is too long\n";
	ssize_t n = recv(c->source.fd, c->line + c->len, CONTROL_LINE - c->len, MSG_DONTWAIT);

	if (n <= 0)
		return n && (errno == EAGAIN || errno == EINTR);
	c->len += n;
	c->heard = ++control.now;
	if (c->len < CONTROL_LINE || command_end(c))
		return true;
	(void)!send(c->source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	return false;
}

static void client_event(void *arg, uint32_t events)
{
	struct client *c = arg;
	bool good = true;

	if (c->answer)
		good = send_answer(c);
	else if (events & EPOLLIN)
		good = hear(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		good = false;
	if (!good)
		hang_up(c);
	settle();
}

/* An answer, of which a terminal will be shown what it can show */
static void take_answer(void)
{
	static char text[CONTROL_ANSWER];
	ssize_t n = recv(control.launcher.fd, text, sizeof(text), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n > CONTROL_ANSWER || !control.busy) {
		finish();
		return;
	}
	control.busy = false;
	for (ssize_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\n')
			text[i] = '?';
	if (n > 6 && !memcmp(text, "ERROR ", 6))
		keeper_drop(control.entry);
	if (control.asking) {
		struct client *c = control.asking;

		control.asking = NULL;
		set_answer(c, text, n);
	}
}

static void launcher_event(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	take_answer();
	settle();
}

static void accept_event(void *arg, uint32_t events)
{
	struct client *c = &control.client[0];
	int fd = accept4(control.listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)arg;
	(void)events;
	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CLIENTS && c->source.fd >= 0; i++)
		if (control.client[i].source.fd < 0 || control.client[i].heard < c->heard)
			c = &control.client[i];
	hang_up(c);
	c->heard = ++control.now;
	if (loop_add(control.loop, &c->source, fd, EPOLLIN, client_event, c))
		close(fd);
}

int control_start(struct loop *loop, const struct options *opt, const char *path)
{
	int fd = control.loop ? -EALREADY : listener_open(path, CLIENTS, 0600), pair[2], ret;

	if (fd < 0)
		return fd;
	control = (struct control){ .loop = loop, .opt = opt, .path = path, .entry = -1 };
	control.launcher.fd = -1;
	for (unsigned int i = 0; i < CLIENTS; i++)
		control.client[i].source.fd = -1;
	ret = loop_add(loop, &control.listener, fd, EPOLLIN, accept_event, NULL);
	if (ret)
		close(fd);
	if (!ret && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		ret = -errno;
	if (!ret)
		ret = loop_add(loop, &control.launcher, pair[0], EPOLLIN, launcher_event, NULL);
	if (!ret)
		return pair[1];
	finish();
	return ret;
}

void control_end(void)
{
	if (!control.loop)
		return;
	if (control.launcher.fd >= 0)
		take_answer();
	finish();
}
