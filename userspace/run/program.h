/* SPDX-License-Identifier: GPL-2.0 */
/* A process of ours that does one thing for the guest, and ends with us */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROGRAM_FD	3	/* in the process: the one file that it is given */
#define PROGRAM_FD_TEXT	"3"
#define PROGRAM_HOW	64	/* bytes, of how it ended */
#define PROGRAM_WORDS	200	/* ... and of its last line */

/**
 * struct program - the process
 * @pid: 0 while there is none
 * @messages: reads what it writes to standard output and error; does not block. -1
 *	while there is none
 * @words: the last line of that
 */
struct program {
	pid_t pid;
	int messages;
	char words[PROGRAM_WORDS];
};

/* Before all else */
void program_init(struct program *p);
/*
 * Runs @argv, found by $PATH, with @fd, or -1, for a file: 0 or -errno. @prepare, or NULL:
 * called in the new process before, with @arg; returns NULL, or why not in words, with
 * errno. Without @argv it is all that the process does, and does not return
 */
int program_start(struct program *p, char *const argv[], int fd,
		  const char *(*prepare)(const void *arg), const void *arg);
/* Reads what it has written so far; false if there will be no more */
bool program_listen(struct program *p);
/*
 * Ends it, by SIGTERM and after ten seconds by SIGKILL, unless it ends by itself within
 * @patience_ms, and says how it ended in a few words, or "" if it was by us. What it
 * wrote is in @words
 */
void program_end(struct program *p, unsigned int patience_ms, char how[PROGRAM_HOW]);

#endif
