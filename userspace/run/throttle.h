/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of a rate: so many requests, so many bytes a second */
#ifndef RUN_THROTTLE_H
#define RUN_THROTTLE_H

#include <stdint.h>

/**
 * struct throttle - a limit, and what was used of it
 * @iops: requests a second; 0: no limit
 * @bps: bytes a second; 0: no limit
 * @requests: when what was let through would be done at that rate, in nanoseconds
 *	of some clock
 * @bytes: likewise
 *
 * Zeroed but for the limits it is ready. What was not used counts for a tenth of a
 * second: a short burst goes through as it comes.
 */
struct throttle {
	uint64_t iops, bps;
	uint64_t requests, bytes;
};

/* Nanoseconds from @now until the next request may begin; 0: it may */
uint64_t throttle_wait(const struct throttle *t, uint64_t now);
/*
 * One of @bytes begins. Its size need not be known before: one that is large makes
 * the next one wait
 */
void throttle_charge(struct throttle *t, uint64_t now, uint64_t bytes);

#endif
