// SPDX-License-Identifier: GPL-2.0
/* Unix stream sockets that somebody connects to */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"

static bool stale(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = connect(fd, (const void *)sa, sizeof(*sa)) && errno == ECONNREFUSED;

	close(fd);
	return refused;
}

int listener_open(const char *path, int backlog, mode_t mode)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, err;

	if (strlen(path) > LISTENER_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && stale(&sa))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* bind() gives the file the socket's mode: there is no moment with more rights */
	if (!fchmod(fd, mode) && !bind(fd, (void *)&sa, sizeof(sa)) && !listen(fd, backlog))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int listener_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return -ENOENT;
	return unlink(path) ? -errno : 0;
}
