// SPDX-License-Identifier: GPL-2.0
/*
 * What the keeper sends on from the control socket: a command at a time, which is
 * answered at once. What "add" names is open already, and comes along.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "dev/dev.h"
#include "fds.h"
#include "keeper.h"
#include "plug.h"
#include "vm.h"

/*
 * ---- commands: 0, or -1 after one line of complaint; @d: what was opened for it; @to: what
 * the answer has beside
 */

static int do_add(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	size_t len = strcspn(arg, " \t");
	char *value = arg + len + strspn(arg + len, " \t");
	const char *id;

	if (!*value)
		return complain(-1, "want add disk|net ARGUMENT, as --disk and --net have it");
	arg[len] = '\0';
	if (plug_add(vm, arg, value, d, &id))
		return -1;
	fprintf(to, "%s\n", id);
	return 0;
}

static int do_remove(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	(void)d;
	(void)to;
	return plug_remove(vm, arg);
}

static int do_list(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	(void)d;
	(void)arg;
	plug_list(vm, to);
	return 0;
}

static int do_power_button(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	(void)d;
	(void)arg;
	(void)to;
	if (!pm_power_button(vm))
		return complain(-1, "the guest does not listen to its power button (ACPI)");
	return 0;
}

static int do_quit(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	(void)d;
	(void)arg;
	(void)to;
	vm_end(vm, END_QUIT, 0);
	return 0;
}

static int do_status(struct vm *vm, char *arg, struct plug_device *d, FILE *to)
{
	(void)d;
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
	int (*fn)(struct vm *vm, char *arg, struct plug_device *d, FILE *to);
} commands[] = {
	{ "add", "disk|net ARGUMENT", do_add },
	{ "remove", "NAME", do_remove },
	{ "list", NULL, do_list },
	{ "power-button", NULL, do_power_button },
	{ "quit", NULL, do_quit },
	{ "status", NULL, do_status },
};

static int run(struct vm *vm, char *line, struct plug_device *d, FILE *to)
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
		return commands[i].fn(vm, arg, d, to);
	}
	return complain(-1, "%s: want add, remove, list, power-button, quit or status", line);
}

/* Does what @line, which is cut up, says, and writes the answer to @to */
static void obey(struct vm *vm, char *line, struct plug_device *d, FILE *to)
{
	char *said = NULL;
	size_t len;
	FILE *complaint = open_memstream(&said, &len);
	int ret;

	if (!complaint) {
		fputs("ERROR no memory\n", to);
		return;
	}
	complain_to(complaint);
	ret = run(vm, line, d, to);
	complain_to(NULL);
	fclose(complaint);
	if (!ret)
		fputs("OK\n", to);
	else
		fprintf(to, "ERROR %.*s\n", (int)strcspn(said, "\n"), said);
	free(said);
}

/* ---- the keeper */

static void command_event(void *arg, uint32_t events)
{
	static const char too_long[] = "ERROR the answer is too long\n";
	struct vm *vm = arg;
	struct plug_device d;
	char line[CONTROL_LINE], *answer = NULL;
	const struct iovec iov[] = { { &d, sizeof(d) }, { line, sizeof(line) - 1 } };
	int fds[FDS_MAX];
	unsigned int nr_fds;
	size_t len;
	ssize_t n = fds_recv(vm->control.fd, iov, 2, fds, &nr_fds, MSG_DONTWAIT);
	FILE *to;

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n < (ssize_t)sizeof(d)) {
		complain(0, "--control %s: the keeper process is gone", vm->opt->control);
		control_close(vm);
		return;
	}
	line[n - sizeof(d)] = '\0';
	to = open_memstream(&answer, &len);
	if (!plug_receive(&d, fds, nr_fds))
		fputs("ERROR too many open files\n", to);
	else
		obey(vm, line, &d, to);
	plug_let_go(&d);
	fclose(to);
	if (len > CONTROL_ANSWER || send(vm->control.fd, answer, len, MSG_NOSIGNAL) < 0)
		(void)!send(vm->control.fd, too_long, strlen(too_long), MSG_NOSIGNAL);
	free(answer);
}

int control_open(struct vm *vm, const char *path)
{
	int fd = keeper_connect(path);
	int ret = fd < 0 ? fd : loop_add(&vm->loop, &vm->control, fd, EPOLLIN, command_event, vm);

	if (!ret)
		return 0;
	if (fd >= 0)
		close(fd);
	if (ret == -EADDRINUSE)
		return complain(EXIT_USAGE, "--control %s: a process listens there, or it is no "
				"socket", path);
	return complain(EXIT_USAGE, "--control %s: %s", path, strerror(-ret));
}

void control_close(struct vm *vm)
{
	int fd = vm->control.fd;

	loop_del(&vm->loop, &vm->control);
	if (fd >= 0)
		close(fd);
}
