/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that does for the launcher what takes the rights of the user who started
 * it, once the launcher has given them up (sandbox.h). What it can be asked for is
 * settled before, in a list that both have; a request is a number of that list. Whoever
 * gets hold of the launcher can thus have done again what was done for it before, and
 * nothing else. All helper programs are the keeper's: it starts them, hears what they say,
 * and ends them. It ends with the launcher, and they with it.
 *
 * The list grows by what the operator says. The control socket is the keeper's (control.h):
 * it opens what a client's "add" names, sends it to the launcher, as open files beside the
 * text of the command, and adds to its list what that takes to be done again. The launcher
 * makes a device of it, and all that it can say is an answer for the client.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include <stdbool.h>

#include "program.h"

struct options;

/*
 * Adds to the list, before keeper_start(). @key is what requests have for a name, any
 * address; it and what else is pointed to stay, unless it is copied.
 */
/*
 * Connections to a program that the keeper starts, or starts anew, see program_start();
 * @argv is copied: 0 or -ENOMEM
 */
int keeper_add_program(const void *key, char *const argv[],
		       const char *(*prepare)(const void *arg), const void *arg);
/* One to a process that only does @run: a socket that keeps packets apart */
void keeper_add_process(const void *key, const char *(*run)(const void *arg), const void *arg);
/* Connections to a socket that somebody else listens on */
void keeper_add_socket(const void *key, const char *path);
/* A socket that the launcher makes, to be removed */
void keeper_add_own_socket(const void *key, const char *path);
/* The control socket: one connection, on which commands come, see control.h */
void keeper_add_control(const void *key, const char *path);

/*
 * Starts the keeper if there is something in the list. 0; or, after a line that says why
 * not, an exit status. Before there are threads, memory of the guest's, and files of
 * which it is to have none.
 */
int keeper_start(const struct options *opt);
/* Ends it, and waits for that */
void keeper_stop(void);

/*
 * A new connection, of which nothing waits longer than ten seconds, or -errno. One to a
 * program is made before that listens, and ends if it does not come to that; an earlier
 * one of the same key is ended before
 */
int keeper_connect(const void *key);

/**
 * struct keeper_end - of a program
 * @how: "was killed by ..." or "ended with ...", or "" if it was by the keeper
 * @words: the last line that it wrote, or ""
 */
struct keeper_end {
	char how[PROGRAM_HOW];
	char words[PROGRAM_WORDS];
};

/* Ends the program, see program_end(); @end or NULL */
void keeper_end(const void *key, unsigned int patience_ms, struct keeper_end *end);
/*
 * Ends one that did not come up, and complains of option "--@name @path", by the words of
 * @program, of Debian's @package, or, false, by how it ended and @err
 */
bool keeper_refused(const void *key, const char *name, const char *path, const char *program,
		    const char *package, int err);
/* Removes the socket */
void keeper_remove(const void *key);

/* ---- what came later */

/* In the keeper: @key's number if it is in the list, which has @memory of malloc()'s now */
int keeper_keep(const void *key, void *memory);
/* Ends number @entry, and takes it off the list; does nothing for -1 */
void keeper_drop(int entry);
/* In the launcher: that number's key is */
void keeper_adopt(int entry, const void *key);
/* ... and it will not be asked for again */
void keeper_forget(const void *key);

#endif
