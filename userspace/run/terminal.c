// SPDX-License-Identifier: GPL-2.0
/* The caller's terminal in raw mode, and back */
#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios saved;
static bool is_raw;

/*
 * From the background, tcsetattr() would stop us. A terminal that is not our
 * session's has no background.
 */
static bool in_foreground(void)
{
	pid_t pgrp = tcgetpgrp(STDIN_FILENO);

	return pgrp == getpgrp() || (pgrp < 0 && errno == ENOTTY);
}

static bool set_raw(void)
{
	struct termios raw;

	if (!in_foreground())
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
	/* In the background a shell has put its own modes in place */
	if (is_raw && in_foreground())
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	is_raw = false;
}

void terminal_again(void)
{
	if (is_raw)
		set_raw();
}
