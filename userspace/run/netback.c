// SPDX-License-Identifier: GPL-2.0
/* The other end of a guest's NIC: its address and what is behind it */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "netback.h"

/*
 * Of its own for each interface of each host: FNV-1a over both names, in local
 * addresses. User networks have no name, but the guests of two never meet
 */
static void make_mac(uint8_t *mac, const char *name, unsigned int index)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	char host[64] = "";

	gethostname(host, sizeof(host) - 1);
	for (const char *p = host; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	if (!*name)
		hash = (hash ^ index) * 0x100000001b3ULL;
	mac[0] = 0x02;
	for (int i = 1; i < 6; i++)
		mac[i] = hash >> 8 * i;
}

void netback_announce(const struct net_options *opt)
{
	if (!opt->tap && !opt->bridge)
		user_announce(opt);
}

int netback_open(struct netback *nb, const struct net_options *opt, unsigned int index)
{
	int ret;

	*nb = (struct netback){ .opt = opt, .pairs = 1, .active = 1, .watch = -1 };
	for (unsigned int i = 0; i < NET_PAIRS; i++) {
		nb->fd[i] = -1;
		nb->vhost[i] = -1;
	}
	ret = opt->tap || opt->bridge ? tap_open(nb) : user_open(nb);
	memcpy(nb->mac, opt->mac, sizeof(nb->mac));
	if (!opt->has_mac)
		make_mac(nb->mac, nb->tap, index);
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void netback_close(struct netback *nb)
{
	if (nb->fd[0] < 0)
		return;
	for (unsigned int i = 0; i < nb->pairs; i++) {
		close_fd(&nb->fd[i]);
		close_fd(&nb->vhost[i]);
	}
	close_fd(&nb->watch);
	if (nb->ops->close)
		nb->ops->close(nb);
}
