// SPDX-License-Identifier: GPL-2.0
/*
 * Commands to a running guest, through a socket. Clients come and go as they please and
 * may do anything: nobody is waited for, nobody has more than one answer pending, and
 * who comes when all places are taken gets that of the client that was silent longest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "dev/dev.h"
#include "keeper.h"
#include "listener.h"
#include "plug.h"
#include "vm.h"

#define CLIENTS		8

struct client {
	struct control *control;
	struct loop_source source;	/* its fd: -1 if the place is free */
	uint64_t heard;			/* when it said something last */
	size_t len;			/* bytes in @line, of which commands are made */
	char line[CONTROL_LINE];
	char *answer;			/* what it has not read yet; or NULL */
	size_t answer_len, sent;
};

struct control {
	struct vm *vm;
	const char *path;
	struct loop_source listener;
	uint64_t now;			/* counts what is heard */
	struct client client[CLIENTS];
};

/* ---- commands: 0, or -1 after one line of complaint; @to: what the answer has beside */

static int do_add(struct vm *vm, char *arg, FILE *to)
{
	size_t len = strcspn(arg, " \t");
	char *value = arg + len + strspn(arg + len, " \t");
	const char *id;

	if (!*value)
		return complain(-1, "want add disk|net ARGUMENT, as --disk and --net have it");
	arg[len] = '\0';
	if (plug_add(vm, arg, value, &id))
		return -1;
	fprintf(to, "%s\n", id);
	return 0;
}

static int do_remove(struct vm *vm, char *arg, FILE *to)
{
	(void)to;
	return plug_remove(vm, arg);
}

static int do_list(struct vm *vm, char *arg, FILE *to)
{
	(void)arg;
	plug_list(vm, to);
	return 0;
}

static int do_power_button(struct vm *vm, char *arg, FILE *to)
{
	(void)arg;
	(void)to;
	if (!pm_power_button(vm))
		return complain(-1, "the guest does not listen to its power button (ACPI)");
	return 0;
}

static int do_quit(struct vm *vm, char *arg, FILE *to)
{
	(void)arg;
	(void)to;
	vm_end(vm, END_QUIT, 0);
	return 0;
}

static int do_status(struct vm *vm, char *arg, FILE *to)
{
	(void)arg;
	fprintf(to, "state %s\n", vm->sleeping ? "sleeping" : "running");
	if (vm->opt->name)
		fprintf(to, "name %s\n", vm->opt->name);
	fprintf(to, "pid %d\ncpus %u\nmemory %llu\n", getpid(), vm->opt->cpus,
		vm->opt->memory / MiB);
	return 0;
}

static const struct {
	const char *name;
	const char *arg;	/* what it wants, or NULL */
	int (*fn)(struct vm *vm, char *arg, FILE *to);
} commands[] = {
	{ "add", "disk|net ARGUMENT", do_add },
	{ "remove", "NAME", do_remove },
	{ "list", NULL, do_list },
	{ "power-button", NULL, do_power_button },
	{ "quit", NULL, do_quit },
	{ "status", NULL, do_status },
};

static int run(struct vm *vm, char *line, FILE *to)
{
	size_t len = strcspn(line, " \t");
	char *arg = line + len + strspn(line + len, " \t");

	line[len] = '\0';
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, line))
			continue;
		if (commands[i].arg && !*arg)
			return complain(-1, "want %s %s", line, commands[i].arg);
		if (!commands[i].arg && *arg)
			return complain(-1, "%s: it takes no argument", line);
		return commands[i].fn(vm, arg, to);
	}
	return complain(-1, "%s: want add, remove, list, power-button, quit or status", line);
}

void control_command(struct vm *vm, char *line, FILE *to)
{
	char *said = NULL;
	size_t len;
	FILE *complaint;
	int ret;

	/* Blanks around do not count, as in a file of options */
	for (len = strlen(line); len && strchr(" \t\r", line[len - 1]);)
		line[--len] = '\0';
	line += strspn(line, " \t");
	complaint = open_memstream(&said, &len);
	if (!complaint) {
		fputs("ERROR no memory\n", to);
		return;
	}
	complain_to(complaint);
	ret = run(vm, line, to);
	complain_to(NULL);
	fclose(complaint);
	if (!ret)
		fputs("OK\n", to);
	else
		fprintf(to, "ERROR %.*s\n", (int)strcspn(said, "\n"), said);
	free(said);
}

/* ---- clients */

static void hang_up(struct client *c)
{
	int fd = c->source.fd;

	loop_del(&c->control->vm->loop, &c->source);
	close(fd);
	free(c->answer);
	c->answer = NULL;
	c->len = 0;
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

static bool obey(struct client *c, char *end)
{
	size_t used = end + 1 - c->line;
	FILE *to = open_memstream(&c->answer, &c->answer_len);

	if (!to)
		return false;
	c->sent = 0;
	*end = '\0';
	if (strlen(c->line) == used - 1)
		control_command(c->control->vm, c->line, to);
	else
		fputs("ERROR a byte of 0\n", to);
	c->len -= used;
	memmove(c->line, c->line + used, c->len);
	return !fclose(to) && send_answer(c);
}

static bool hear(struct client *c)
{
	static const char text[] = "ERROR the line is too long\n";
	ssize_t n = recv(c->source.fd, c->line + c->len, CONTROL_LINE - c->len, MSG_DONTWAIT);

	if (n <= 0)
		return n && (errno == EAGAIN || errno == EINTR);
	c->len += n;
	c->heard = ++c->control->now;
	if (c->len < CONTROL_LINE || command_end(c))
		return true;
	(void)!send(c->source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	return false;
}

/* One command at a time, and the next when its answer is on its way */
static void client_event(void *arg, uint32_t events)
{
	struct client *c = arg;
	bool good = true;

	(void)events;
	if (c->answer)
		good = send_answer(c);
	else if (!command_end(c))
		good = hear(c);
	if (good && !c->answer && command_end(c))
		good = obey(c, command_end(c));
	if (!good)
		hang_up(c);
	else
		loop_mod(&c->control->vm->loop, &c->source,
			 c->answer || command_end(c) ? EPOLLOUT : EPOLLIN);
}

static void accept_event(void *arg, uint32_t events)
{
	struct control *control = arg;
	struct client *c = &control->client[0];
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CLIENTS && c->source.fd >= 0; i++)
		if (control->client[i].source.fd < 0 || control->client[i].heard < c->heard)
			c = &control->client[i];
	if (c->source.fd >= 0)
		hang_up(c);
	c->heard = ++control->now;
	if (loop_add(&control->vm->loop, &c->source, fd, EPOLLIN, client_event, c))
		close(fd);
}

int control_open(struct vm *vm, const char *path)
{
	struct control *control = calloc(1, sizeof(*control));
	int fd, ret;

	if (!control)
		return complain(EXIT_HOST, "--control %s: no memory", path);
	control->vm = vm;
	control->path = path;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		control->client[i].control = control;
		control->client[i].source.fd = -1;
	}
	fd = listener_open(path, CLIENTS, 0600);
	ret = fd < 0 ? fd : loop_add(&vm->loop, &control->listener, fd, EPOLLIN, accept_event,
				     control);
	if (ret) {
		if (fd >= 0)
			close(fd);
		free(control);
		if (ret == -EADDRINUSE)
			return complain(EXIT_USAGE, "--control %s: a process listens there, or it "
					"is no socket", path);
		return complain(EXIT_USAGE, "--control %s: %s", path, strerror(-ret));
	}
	vm->control = control;
	return 0;
}

void control_close(struct vm *vm)
{
	struct control *control = vm->control;
	int fd;

	if (!control)
		return;
	fd = control->listener.fd;
	loop_del(&vm->loop, &control->listener);
	close(fd);
	keeper_remove(control->path);
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (control->client[i].source.fd >= 0)
			hang_up(&control->client[i]);
	free(control);
	vm->control = NULL;
}
