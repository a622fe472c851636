/* SPDX-License-Identifier: GPL-2.0 */
/* Commands to a running guest, through a socket; hvmon-run(1) has the protocol */
#ifndef RUN_CONTROL_H
#define RUN_CONTROL_H

#include <stdbool.h>
#include <stdio.h>

#include "loop.h"

#define CONTROL_LINE	8192	/* bytes of a command with its end, at most */
#define CONTROL_ANSWER	(1 << 17)	/* ... and of the launcher's answer */

struct options;
struct plug_device;
struct vm;

/* ---- in the keeper, whose the socket is: control.c */

/*
 * Listens at @path, and sends what @opt's launcher is to do to a socket, of which this
 * gives the other end; -errno
 */
int control_start(struct loop *loop, const struct options *opt, const char *path);
/* The launcher has gone: answers that are on their way are given, the socket is removed */
void control_end(void);

/* ---- in the launcher: command.c */

/* 0; or, after one line that says why it cannot be had, an exit status */
int control_open(struct vm *vm, const char *path);
/* There is no guest for commands any more */
void control_close(struct vm *vm);

/*
 * hvmon-run --ask: the socket's path and a command, in @argc words. Prints the answer.
 * The process's exit status: 0 done, 1 refused, 2 it cannot be asked
 */
int ask(int argc, char **argv);

#endif
