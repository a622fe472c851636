// SPDX-License-Identifier: GPL-2.0
/* A tap interface of the host, the other end of a guest's NIC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netback.h"

#define TUN_DEVICE	"/dev/net/tun"

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

static const struct netback_ops tap_ops = {
	.set_offloads = tap_set_offloads,
};

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
	if (ret)
		netback_close(nb);
	return ret;
}
