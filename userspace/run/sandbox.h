/* SPDX-License-Identifier: GPL-2.0 */
/* What a process gives up before it looks at what comes from a guest */
#ifndef RUN_SANDBOX_H
#define RUN_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * For a child that does nothing but network connections of IPv4: no user, group or
 * capability of root's, no new privileges, no system calls but those that it needs;
 * killed when its parent ends. NULL, or what could not be had, with errno
 */
const char *sandbox_network(void);

/**
 * struct sandbox - the launcher's, and how far it came
 * @in_force: text, for people
 * @missing: what the host's kernel has not given, likewise; or ""
 */
struct sandbox {
	bool mounts;		/* a mount namespace of its own */
	char in_force[160];
	char missing[240];
};

/*
 * For the launcher, in two steps. First namespaces, with all files still there, while
 * there is one thread: a user namespace takes that. What the kernel denies is noted.
 */
void sandbox_prepare(struct sandbox *sb);
/*
 * Then the rest, before the guest's first instruction: an empty root, no user, group or
 * capability of root's, no new privileges, no system calls but those of the table, for
 * all threads. NULL, or what could not be had and is not to be done without, with errno
 */
const char *sandbox_enter(struct sandbox *sb);

#endif
