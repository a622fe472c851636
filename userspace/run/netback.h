/* SPDX-License-Identifier: GPL-2.0 */
/* The other end of a guest's NIC */
#ifndef RUN_NETBACK_H
#define RUN_NETBACK_H

#include <stdint.h>

#include <linux/virtio_net.h>

#include "options.h"

/* Checksums and segmentation: what the guest may get, and what it may leave to the host */
#define NETBACK_OFFLOADS (1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 | \
			  1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_CSUM | \
			  1ULL << VIRTIO_NET_F_HOST_TSO4 | 1ULL << VIRTIO_NET_F_HOST_TSO6)

/* What user networking looks like from the guest */
#define USER_NETWORK	"10.0.2.0"	/* 24 bits */
#define USER_HOST	"10.0.2.2"	/* the gateway, and whence forwards come */
#define USER_NAMESERVER	"10.0.2.3"
#define USER_GUEST	"10.0.2.15"	/* what DHCP gives first */

struct netback;

/**
 * struct netback_ops - a kind of back end; what is NULL is not needed
 * @set_offloads: what the guest takes in packets for it, as TUN_F_*
 * @set_pairs: packets for the guest come to the first @n descriptors from now on, 1
 *	when it was opened; false if that fails
 * @lost: whether it is gone for good, asked when @watch is readable
 * @gone: in what way, in a few words
 * @close: releases what there is beside the descriptor
 */
struct netback_ops {
	void (*set_offloads)(struct netback *nb, unsigned int flags);
	bool (*set_pairs)(struct netback *nb, unsigned int n);
	bool (*lost)(struct netback *nb);
	const char *(*gone)(struct netback *nb);
	void (*close)(struct netback *nb);
};

/**
 * struct netback - a back end, open
 * @opt: its option
 * @pairs: of queues, 1 to NET_PAIRS, each with
 * @fd: does not block. A read takes and a write gives one packet, behind a header
 *	of virtio 1.2, 5.1.6 (12 bytes). End of file and errors: it is gone for good
 * @vhost: /dev/vhost-net, which moves the packets instead; or -1
 * @watch: with it, readable when the back end may be gone; else -1
 * @offloads: which of NETBACK_OFFLOADS it has
 * @tap: its interface of the host; or ""
 * @mac: of the guest's end
 * @active: how many are in use, as set_pairs() has it
 */
struct netback {
	const struct netback_ops *ops;
	const struct net_options *opt;
	unsigned int pairs, active;
	int fd[NET_PAIRS], vhost[NET_PAIRS];
	int watch;
	uint64_t offloads;
	char tap[NET_NAME + 1];
	uint8_t mac[6];
};

/* Tells the keeper before it starts what netback_open() will ask it for. @opt stays */
void netback_announce(const struct net_options *opt);
/*
 * @index: of the interface in the guest. 0; or, after one line that says why it cannot
 * be had, an exit status
 */
int netback_open(struct netback *nb, const struct net_options *opt, unsigned int index);
void netback_close(struct netback *nb);

/* The kinds, each like netback_open(), which has set @opt */
int tap_open(struct netback *nb);
int user_open(struct netback *nb);
void user_announce(const struct net_options *opt);

/* bridge.c: each prints one line and returns an exit status if it fails, else 0 */
/* There is such a bridge, and it knows VLANs if that matters */
int bridge_check(const struct net_options *opt);
/* Makes @tap a port of it, and sets it up */
int bridge_join(const struct net_options *opt, const char *tap);

#endif
