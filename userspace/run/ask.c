// SPDX-License-Identifier: GPL-2.0
/* The other end of control.c, for shells: hvmon-run --ask */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "control.h"
#include "listener.h"
#include "options.h"

#define TIMEOUT_S	60
#define REFUSED		1

/* A descriptor, or -errno */
static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd, err;

	if (strlen(path) > LISTENER_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (const void *)&sa, sizeof(sa)))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

/* One line of the words, with blanks between them; false if that is no command */
static bool put_words(char *line, int argc, char **argv)
{
	size_t len = 0;

	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]);

		if (len + n + 2 > CONTROL_LINE || strchr(argv[i], '\n'))
			return false;
		memcpy(line + len, argv[i], n);
		len += n;
		line[len++] = i < argc - 1 ? ' ' : '\n';
	}
	line[len] = '\0';
	return true;
}

static int print_answer(FILE *from, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	int status = -1;

	while (status < 0 && getline(&line, &size, from) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "OK"))
			status = 0;
		else if (!strncmp(line, "ERROR ", 6))
			status = complain(REFUSED, "%s", line + 6);
		else
			puts(line);
	}
	free(line);
	return status < 0 ? complain(EXIT_USAGE, "--ask %s: no answer", path) : status;
}

int ask(int argc, char **argv)
{
	char line[CONTROL_LINE + 1];
	int fd, status;
	FILE *f;

	if (argc < 2)
		return complain(EXIT_USAGE, "want --ask PATH COMMAND [ARGUMENT...] "
				"(see hvmon-run --help)");
	if (!put_words(line, argc - 1, argv + 1))
		return complain(EXIT_USAGE, "--ask: a command is one line of %d bytes at most",
				CONTROL_LINE);
	fd = connect_to(argv[0]);
	if (fd < 0)
		return complain(EXIT_USAGE, "--ask %s: %s", argv[0], strerror(-fd));
	f = fdopen(fd, "r");
	if (!f || send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		status = complain(EXIT_USAGE, "--ask %s: no answer", argv[0]);
	else
		status = print_answer(f, argv[0]);
	if (f)
		fclose(f);
	return status;
}
