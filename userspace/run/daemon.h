/* SPDX-License-Identifier: GPL-2.0 */
/* A program of the host that serves the guest over vhost-user, and ends with us */
#ifndef RUN_DAEMON_H
#define RUN_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DAEMON_FD	3	/* in the program: a socket that listens */
#define DAEMON_FD_TEXT	"3"
#define DAEMON_WORDS	200	/* bytes, of its last line */

/**
 * struct daemon - the program
 * @pid: 0 while there is none
 * @messages: reads what it writes to standard output and error; does not block. -1
 *	while there is none
 * @words: the last line of that
 */
struct daemon {
	pid_t pid;
	int messages;
	char words[DAEMON_WORDS];
};

/* Before all else */
void daemon_init(struct daemon *d);
/*
 * Runs @argv, of which the first is a path, and gives a connection to it, which ends
 * if it does not come to listen; or -errno. @prepare: called in the new process, with
 * @arg, before; returns NULL, or why not in words, with errno. Or NULL
 */
int daemon_start(struct daemon *d, char *const argv[], const char *(*prepare)(const void *arg),
		 const void *arg);
/* A connection to a program that somebody else runs, or -errno */
int daemon_connect(const char *path);
/* Reads what it has written so far; false if there will be no more */
bool daemon_listen(struct daemon *d);
/*
 * Ends it, unless it ends by itself within @patience_ms, and says how it ended in a
 * few words, or "" if it was by us. What it wrote is in @words
 */
void daemon_end(struct daemon *d, unsigned int patience_ms, char *how, size_t len);

#endif
