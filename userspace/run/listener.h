/* SPDX-License-Identifier: GPL-2.0 */
/* Unix stream sockets that somebody connects to */
#ifndef RUN_LISTENER_H
#define RUN_LISTENER_H

#include <sys/stat.h>
#include <sys/un.h>

#define LISTENER_PATH_MAX	(sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/*
 * One at @path, of @mode but for the umask, that does not block; its descriptor or
 * -errno. A socket there that nobody listens on is a leftover and replaced; of any
 * other file: -EADDRINUSE
 */
int listener_open(const char *path, int backlog, mode_t mode);
/* Removes it from there: 0, or -errno, also if another file has taken its place */
int listener_remove(const char *path);

#endif
