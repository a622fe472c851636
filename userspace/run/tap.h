/* SPDX-License-Identifier: GPL-2.0 */
/* A tap interface of the host, the other end of a guest's NIC */
#ifndef RUN_TAP_H
#define RUN_TAP_H

#include <stdint.h>

#include "options.h"

struct tap {
	const struct net_options *opt;
	int fd;			/* does not block */
	uint8_t mac[6];		/* of the guest's end */
};

/* 0; or, after one line that says why it cannot be had, an exit status */
int tap_open(struct tap *tap, const struct net_options *opt);

#endif
