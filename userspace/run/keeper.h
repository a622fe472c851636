/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that does for the launcher what takes the rights of the user who started
 * it, once the launcher has given them up (sandbox.h). What it can be asked for is
 * settled before, in a list that both have; a request is a number of that list. Whoever
 * gets hold of the launcher can thus have done again what was done for it before, and
 * nothing else. The keeper ends with the launcher, and with it what it has started.
 *
 * Lists that grow while the guest runs need what the operator says, and a launcher that
 * is no longer the operator's could say anything: a socket for the operator's commands
 * would be the keeper's, which adds to its list and sends the launcher what it opens.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include <stddef.h>

#define KEEPER_FD	3	/* in a program that it starts: a socket that listens */

/*
 * Adds to the list, before keeper_start(). @key is what requests have for a name, any
 * address; it and what else is pointed to stay.
 */
/* Connections to a program that the keeper starts, or starts anew, found by $PATH */
void keeper_add_program(const void *key, char *const argv[]);
/* Connections to a socket that somebody else listens on */
void keeper_add_socket(const void *key, const char *path);
/* A socket that the launcher makes, to be removed */
void keeper_add_own_socket(const void *key, const char *path);

/*
 * Starts the keeper if there is something in the list. 0; or, after a line that says why
 * not, an exit status. Before there are threads, memory of the guest's, and files of
 * which it is to have none.
 */
int keeper_start(void);
/* Ends it, and waits for that */
void keeper_stop(void);

/*
 * A new connection, of which nothing waits longer than ten seconds, or -errno. One to a
 * program is made before that listens, and ends if it does not come to that; an earlier
 * one of the same key is ended before. @messages, or NULL: in its place comes a memfd
 * with what the program writes to standard output and error; -1 for a socket.
 */
int keeper_connect(const void *key, int *messages);
/* Ends the program: by SIGTERM, and after ten seconds by SIGKILL */
void keeper_end(const void *key);
/* Removes the socket */
void keeper_remove(const void *key);

#endif
