// SPDX-License-Identifier: GPL-2.0
/* A tap interface of the host, the other end of a guest's NIC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netback.h"

#define TUN_DEVICE	"/dev/net/tun"
#define VHOST_DEVICE	"/dev/vhost-net"

/* What the driver of an interface says to an ethtool command: 0 or -errno */
static int ask(const char *name, void *command)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	struct ifreq ifr = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	ret = ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
	close(fd);
	return ret;
}

static bool is_tap(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return !ask(name, &info) && !strcmp(info.driver, "tun") && !strcmp(info.bus_info, "tap");
}

/* Of a tap that is up: somebody has it open */
static bool has_link(const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };

	return !ask(name, &link) && link.data;
}

/*
 * All queues of an interface that is there, or of a new one if @name has "%d"; 0 or
 * -errno: -EINVAL if it was made for one queue only, or, without @several, was not
 */
static int attach(struct netback *nb, const char *name, bool several)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int len = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	if (several)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	for (unsigned int i = 0; i < nb->pairs; i++)
		if (ioctl(nb->fd[i], TUNSETIFF, &ifr) || ioctl(nb->fd[i], TUNSETVNETHDRSZ, &len))
			return -errno;
	memcpy(nb->tap, ifr.ifr_name, sizeof(nb->tap));
	return 0;
}

/* A queue without a place in the interface gets no packets, and reading it is an error */
static bool tap_set_pairs(struct netback *nb, unsigned int n)
{
	for (; nb->active != n; nb->active += nb->active < n ? 1 : -1) {
		bool more = nb->active < n;
		struct ifreq ifr = {
			.ifr_flags = more ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
		};

		if (ioctl(nb->fd[more ? nb->active : nb->active - 1], TUNSETQUEUE, &ifr))
			return false;
	}
	return true;
}

static int attach_named(struct netback *nb)
{
	const char *name = nb->opt->tap;
	int ret = -EBUSY;

	/* The kernel would make a new one, which leads nowhere */
	if (!if_nametoindex(name))
		return complain(EXIT_USAGE, "--net tap=%s: no such interface; make it as root: "
				"ip tuntap add dev %s mode tap && ip link set %s up",
				name, name, name);
	if (!is_tap(name))
		return complain(EXIT_USAGE, "--net tap=%s: not a tap interface", name);
	/* One for several queues would take ours beside another program's */
	if (!has_link(name))
		ret = attach(nb, name, nb->pairs > 1);
	if (ret == -EINVAL && nb->pairs == 1)
		ret = attach(nb, name, true);
	if (!ret)
		return 0;
	if (ret == -EINVAL)
		return complain(EXIT_USAGE, "--net tap=%s: it has one queue only; make it anew as "
				"root: ip tuntap add dev %s mode tap multi_queue", name, name);
	if (ret == -EBUSY)
		return complain(EXIT_USAGE, "--net tap=%s: another program uses it", name);
	if (ret == -EPERM)
		return complain(EXIT_HOST, "--net tap=%s: not permitted; run as root, or have root "
				"make it for you: ip tuntap add dev %s mode tap user USER",
				name, name);
	return complain(EXIT_HOST, "--net tap=%s: %s", name, strerror(-ret));
}

/* A new one, which goes with the file */
static int attach_port(struct netback *nb)
{
	const char *bridge = nb->opt->bridge;
	int ret = attach(nb, "hvmon%d", nb->pairs > 1);

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
	(void)ioctl(nb->fd[0], TUNSETOFFLOAD, flags);
}

static bool tap_lost(struct netback *nb)
{
	struct ifreq ifr;
	char news[4096];

	while (recv(nb->watch, news, sizeof(news), 0) > 0)
		;
	return ioctl(nb->fd[0], TUNGETIFF, &ifr) < 0;
}

static const char *tap_gone(struct netback *nb)
{
	(void)nb;
	return "the host's interface has been deleted";
}

static const struct netback_ops tap_ops = {
	.set_offloads = tap_set_offloads,
	.set_pairs = tap_set_pairs,
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
	unsigned int n = 0;

	while (n < nb->pairs) {
		nb->vhost[n] = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
		if (nb->vhost[n] < 0)
			break;
		n++;
	}
	if (n == nb->pairs)
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
	nb->pairs = nb->opt->queues ? nb->opt->queues : 1;
	nb->active = nb->pairs;
	for (unsigned int i = 0; !ret && i < nb->pairs; i++) {
		nb->fd[i] = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (nb->fd[i] < 0)
			ret = complain(EXIT_HOST, "--net %s: " TUN_DEVICE ": %s", nb->opt->name,
				       strerror(errno));
	}
	if (!ret)
		ret = nb->opt->bridge ? attach_port(nb) : attach_named(nb);
	if (!ret && !tap_set_pairs(nb, 1))
		ret = complain(EXIT_HOST, "--net %s: queues: %s", nb->opt->name, strerror(errno));
	if (!ret && nb->opt->vhost)
		ret = open_vhost(nb);
	if (ret)
		netback_close(nb);
	return ret;
}
