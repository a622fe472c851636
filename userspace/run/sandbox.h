/* SPDX-License-Identifier: GPL-2.0 */
/* What a process gives up before it looks at what comes from a guest */
#ifndef RUN_SANDBOX_H
#define RUN_SANDBOX_H

/*
 * For a child that does nothing but network connections of IPv4: no user, group or
 * capability of root's, no new privileges, no system calls but those that it needs;
 * killed when its parent ends. NULL, or what could not be had, with errno
 */
const char *sandbox_network(void);

#endif
