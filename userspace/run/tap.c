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

static int attach_error(const char *name, int err)
{
	if (err == EBUSY)
		return complain(EXIT_USAGE, "--net tap=%s: another program uses it", name);
	if (err == EPERM)
		return complain(EXIT_HOST, "--net tap=%s: not permitted; run as root, or have root "
				"make it for you: ip tuntap add dev %s mode tap user USER",
				name, name);
	if (err == EINVAL)
		return complain(EXIT_USAGE, "--net tap=%s: not a tap interface", name);
	return complain(EXIT_HOST, "--net tap=%s: %s", name, strerror(err));
}

static int attach(struct netback *nb)
{
	const char *name = nb->opt->tap;
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int len = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	/* The kernel would make a new one, which leads nowhere */
	if (!if_nametoindex(name))
		return complain(EXIT_USAGE, "--net tap=%s: no such interface; make it as root: "
				"ip tuntap add dev %s mode tap && ip link set %s up",
				name, name, name);
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (ioctl(nb->fd, TUNSETIFF, &ifr))
		return attach_error(name, errno);
	if (ioctl(nb->fd, TUNSETVNETHDRSZ, &len))
		return complain(EXIT_HOST, "--net tap=%s: %s", name, strerror(errno));
	return 0;
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
	return complain(EXIT_HOST, "--net tap=%s,vhost: no news of interfaces from the kernel: %s",
			nb->opt->tap, strerror(errno));
}

static int open_vhost(struct netback *nb)
{
	nb->vhost = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
	if (nb->vhost >= 0)
		return watch_links(nb);
	if (errno == ENOENT || errno == ENXIO)
		return complain(EXIT_HOST, "--net tap=%s,vhost: " VHOST_DEVICE ": %s; load it as "
				"root: modprobe vhost_net", nb->opt->tap, strerror(errno));
	return complain(EXIT_HOST, "--net tap=%s,vhost: " VHOST_DEVICE ": %s; run as root, or "
			"leave out vhost", nb->opt->tap, strerror(errno));
}

int tap_open(struct netback *nb)
{
	int ret;

	nb->ops = &tap_ops;
	nb->offloads = NETBACK_OFFLOADS;
	nb->fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nb->fd < 0)
		return complain(EXIT_HOST, "--net tap=%s: " TUN_DEVICE ": %s", nb->opt->tap,
				strerror(errno));
	ret = attach(nb);
	if (!ret && nb->opt->vhost)
		ret = open_vhost(nb);
	if (ret)
		netback_close(nb);
	return ret;
}
