// SPDX-License-Identifier: GPL-2.0
/* A tap interface of the host, the other end of a guest's NIC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netback.h"

#define TUN_DEVICE	"/dev/net/tun"
#define VHOST_DEVICE	"/dev/vhost-net"

/* Of an interface that is there, or of a new one if @name has "%d"; 0 or -errno */
static int attach(struct netback *nb, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int len = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (ioctl(nb->fd, TUNSETIFF, &ifr) || ioctl(nb->fd, TUNSETVNETHDRSZ, &len))
		return -errno;
	memcpy(nb->tap, ifr.ifr_name, sizeof(nb->tap));
	return 0;
}

static int attach_named(struct netback *nb)
{
	const char *name = nb->opt->tap;
	int ret;

	/* The kernel would make a new one, which leads nowhere */
	if (!if_nametoindex(name))
		return complain(EXIT_USAGE, "--net tap=%s: no such interface; make it as root: "
				"ip tuntap add dev %s mode tap && ip link set %s up",
				name, name, name);
	ret = attach(nb, name);
	if (!ret)
		return 0;
	if (ret == -EBUSY)
		return complain(EXIT_USAGE, "--net tap=%s: another program uses it", name);
	if (ret == -EPERM)
		return complain(EXIT_HOST, "--net tap=%s: not permitted; run as root, or have root "
				"make it for you: ip tuntap add dev %s mode tap user USER",
				name, name);
	if (ret == -EINVAL)
		return complain(EXIT_USAGE, "--net tap=%s: not a tap interface", name);
	return complain(EXIT_HOST, "--net tap=%s: %s", name, strerror(-ret));
}

/* A new one, which goes with the file */
static int attach_port(struct netback *nb)
{
	const char *bridge = nb->opt->bridge;
	int ret = attach(nb, "hvmon%d");

	if (!ret)
		return bridge_join(nb->opt, nb->tap);
	if (ret == -EPERM)
		return complain(EXIT_HOST, "--net bridge=%s: not permitted; run as root, or have "
				"root make a tap for tap=NAME: ip tuntap add dev NAME mode tap "
				"user USER && ip link set NAME master %s up", bridge, bridge);
	return complain(EXIT_HOST, "--net bridge=%s: a tap: %s", bridge, strerror(-ret));
}

static void tap_set_offloads(struct netback *nb, unsigned int flags)
{
	/* Of a tap that is gone: the next read tells */
	(void)ioctl(nb->fd, TUNSETOFFLOAD, flags);
}

static bool tap_lost(struct netback *nb)
{
	struct ifreq ifr;
	char news[4096];

	while (recv(nb->watch, news, sizeof(news), 0) > 0)
		;
	return ioctl(nb->fd, TUNGETIFF, &ifr) < 0;
}

static const char *tap_gone(struct netback *nb)
{
	(void)nb;
	return "the host's interface has been deleted";
}

static const struct netback_ops tap_ops = {
	.set_offloads = tap_set_offloads,
	.lost = tap_lost,
	.gone = tap_gone,
};

/*
 * A tap's file wakes who waits for errors alone only with its next packet, and who
 * waits for packets with each: news of interfaces come from the host's kernel.
 */
static int watch_links(struct netback *nb)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	nb->watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (nb->watch >= 0 && !bind(nb->watch, (const void *)&all, sizeof(all)))
		return 0;
	return complain(EXIT_HOST, "--net %s,vhost: no news of interfaces from the kernel: %s",
			nb->opt->name, strerror(errno));
}

static int open_vhost(struct netback *nb)
{
	nb->vhost = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
	if (nb->vhost >= 0)
		return watch_links(nb);
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return complain(EXIT_HOST, "--net %s,vhost: " VHOST_DEVICE ": %s; load it as "
				"root: modprobe vhost_net", nb->opt->name, strerror(errno));
	return complain(EXIT_HOST, "--net %s,vhost: " VHOST_DEVICE ": %s; run as root, or "
			"leave out vhost", nb->opt->name, strerror(errno));
}

int tap_open(struct netback *nb)
{
	int ret = nb->opt->bridge ? bridge_check(nb->opt) : 0;

	if (ret)
		return ret;
	nb->ops = &tap_ops;
	nb->offloads = NETBACK_OFFLOADS;
	nb->fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nb->fd < 0)
		return complain(EXIT_HOST, "--net %s: " TUN_DEVICE ": %s", nb->opt->name,
				strerror(errno));
	ret = nb->opt->bridge ? attach_port(nb) : attach_named(nb);
	if (!ret && nb->opt->vhost)
		ret = open_vhost(nb);
	if (ret)
		netback_close(nb);
	return ret;
}
