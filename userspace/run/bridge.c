// SPDX-License-Identifier: GPL-2.0
/* A tap as a port of a bridge of the host */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netback.h"

/* A number that sysfs has of the bridge, or -1 */
static int attribute(const char *bridge, const char *name)
{
	char path[128], text[16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/%s", bridge, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n > 0 ? atoi(text) : -1;
}

int bridge_check(const struct net_options *opt)
{
	const char *name = opt->bridge;
	int filtering;

	if (!if_nametoindex(name))
		return complain(EXIT_USAGE, "--net bridge=%s: no such interface; make it as root: "
				"ip link add %s type bridge && ip link set %s up",
				name, name, name);
	filtering = attribute(name, "vlan_filtering");
	if (filtering < 0)
		return complain(EXIT_USAGE, "--net bridge=%s: not a bridge", name);
	if (opt->tag && !filtering)
		return complain(EXIT_USAGE, "--net bridge=%s,tag=%u: the bridge does not know "
				"VLANs; as root: ip link set %s type bridge vlan_filtering 1",
				name, opt->tag, name);
	return 0;
}

/* ---- ports; these return 0 or -errno */

/* Adds (RTM_SETLINK) or takes away (RTM_DELLINK) a VLAN of the port */
static int port_vlan(int fd, int cmd, int port, uint16_t vid, uint16_t flags)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg link;
		struct nlattr spec, info;
		struct bridge_vlan_info vlan;
	} ask = {
		.h = { sizeof(ask), cmd, NLM_F_REQUEST | NLM_F_ACK, 0, 0 },
		.link = { .ifi_family = AF_BRIDGE, .ifi_index = port },
		.spec = { 2 * sizeof(struct nlattr) + sizeof(ask.vlan), IFLA_AF_SPEC },
		.info = { sizeof(struct nlattr) + sizeof(ask.vlan), IFLA_BRIDGE_VLAN_INFO },
		.vlan = { flags, vid },
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
		char rest[256];
	} answer;
	ssize_t n;

	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)offsetof(typeof(answer), rest) || answer.h.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.err.error;
}

/*
 * An access port: what it sends is of VLAN @tag, which is all that it gets, both
 * without a tag. New ports are in the bridge's default VLAN
 */
static int set_vlan(int fd, const char *bridge, int port, uint16_t tag)
{
	int first = attribute(bridge, "default_pvid");
	int ret = 0;

	if (first > 0 && first != tag)
		ret = port_vlan(fd, RTM_DELLINK, port, first, 0);
	return ret ? ret : port_vlan(fd, RTM_SETLINK, port, tag,
				     BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
}

/*
 * A bridge takes over the lowest MTU and the lowest MAC address of its ports, unless
 * it was given some: a guest is not to change what the host's other interfaces have
 */
static int fit_in(int fd, struct ifreq *port, const char *bridge)
{
	struct ifreq ifr = { 0 };

	strcpy(ifr.ifr_name, bridge);
	if (ioctl(fd, SIOCGIFMTU, &ifr))
		return -errno;
	port->ifr_mtu = ifr.ifr_mtu;
	if (ioctl(fd, SIOCSIFMTU, port) || ioctl(fd, SIOCGIFHWADDR, port))
		return -errno;
	port->ifr_hwaddr.sa_data[0] = (char)0xfe;
	return ioctl(fd, SIOCSIFHWADDR, port) ? -errno : 0;
}

static int join(int fd, const struct net_options *opt, const char *tap)
{
	int index = if_nametoindex(tap), ret;
	struct ifreq port = { 0 }, ifr = { .ifr_ifindex = index };

	strcpy(port.ifr_name, tap);
	strcpy(ifr.ifr_name, opt->bridge);
	ret = fit_in(fd, &port, opt->bridge);
	if (!ret && ioctl(fd, SIOCBRADDIF, &ifr))
		ret = -errno;
	if (!ret && opt->tag)
		ret = set_vlan(fd, opt->bridge, index, opt->tag);
	if (ret)
		return ret;
	/* Last, lest a packet goes where it should not */
	if (ioctl(fd, SIOCGIFFLAGS, &port))
		return -errno;
	port.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &port) ? -errno : 0;
}

int bridge_join(const struct net_options *opt, const char *tap)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret = fd < 0 ? -errno : join(fd, opt, tap);

	if (fd >= 0)
		close(fd);
	if (ret)
		return complain(EXIT_HOST, "--net bridge=%s: %s as its port: %s", opt->bridge, tap,
				strerror(-ret));
	return 0;
}
