/* SPDX-License-Identifier: GPL-2.0 */
/* Commands to a running guest, through a socket; hvmon-run(1) has the protocol */
#ifndef RUN_CONTROL_H
#define RUN_CONTROL_H

#include <stdio.h>

struct vm;

#define CONTROL_LINE	8192	/* bytes of a command with its end, at most */

/* 0; or, after one line that says why it cannot be had, an exit status */
int control_open(struct vm *vm, const char *path);
/* Removes the socket */
void control_close(struct vm *vm);
/*
 * Does what @line, which is cut up, says, and writes the answer to @to. With the VM's
 * lock, in the loop's thread
 */
void control_command(struct vm *vm, char *line, FILE *to);

/*
 * hvmon-run --ask: the socket's path and a command, in @argc words. Prints the answer.
 * The process's exit status: 0 done, 1 refused, 2 it cannot be asked
 */
int ask(int argc, char **argv);

#endif
