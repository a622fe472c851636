// SPDX-License-Identifier: GPL-2.0
/* The caller's terminal in raw mode, and back */
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios saved;
static bool is_raw;

static bool set_raw(void)
{
	struct termios raw;

	/* From the background, tcsetattr() would stop us */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return false;
	if (tcgetattr(STDIN_FILENO, &raw))
		return false;
	if (!is_raw)
		saved = raw;
	cfmakeraw(&raw);
	is_raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	return is_raw;
}

bool terminal_raw(void)
{
	return isatty(STDIN_FILENO) && set_raw();
}

void terminal_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	is_raw = false;
}

void terminal_again(void)
{
	if (is_raw)
		set_raw();
}
