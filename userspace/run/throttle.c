// SPDX-License-Identifier: GPL-2.0
/* Limits of a rate: so many requests, so many bytes a second */
#include "throttle.h"

#define NSEC	1000000000ULL
#define BURST	(NSEC / 10)

static uint64_t wait_for(uint64_t done, uint64_t now)
{
	return done > now + BURST ? done - now - BURST : 0;
}

uint64_t throttle_wait(const struct throttle *t, uint64_t now)
{
	uint64_t requests = t->iops ? wait_for(t->requests, now) : 0;
	uint64_t bytes = t->bps ? wait_for(t->bytes, now) : 0;

	return requests > bytes ? requests : bytes;
}

static void charge(uint64_t *done, uint64_t now, uint64_t n, uint64_t rate)
{
	if (!rate)
		return;
	if (*done < now)
		*done = now;
	/* n % rate * NSEC may need more than 64 bits */
	*done += n / rate * NSEC + (uint64_t)((__uint128_t)(n % rate) * NSEC / rate);
}

void throttle_charge(struct throttle *t, uint64_t now, uint64_t bytes)
{
	charge(&t->requests, now, 1, t->iops);
	charge(&t->bytes, now, bytes, t->bps);
}
