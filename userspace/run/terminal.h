/* SPDX-License-Identifier: GPL-2.0 */
/* The caller's terminal in raw mode, and back */
#ifndef RUN_TERMINAL_H
#define RUN_TERMINAL_H

#include <stdbool.h>

#define ESCAPE_KEY	0x1d
#define ESCAPE_NAME	"Ctrl-]"

/* False if standard input is no terminal, or one that we may not read from */
bool terminal_raw(void);
/* Any number of times, also without terminal_raw(); async-signal-safe */
void terminal_restore(void);
/* After SIGCONT: the shell may have changed the modes */
void terminal_again(void);

#endif
