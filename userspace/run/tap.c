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

#include "tap.h"

#define TUN_DEVICE	"/dev/net/tun"

/* Of its own for each tap of each host: FNV-1a over both names, in local addresses */
static void make_mac(uint8_t *mac, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	char host[64] = "";

	gethostname(host, sizeof(host) - 1);
	for (const char *p = host; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	mac[0] = 0x02;
	for (int i = 1; i < 6; i++)
		mac[i] = hash >> 8 * i;
}

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

static int attach(struct tap *tap)
{
	const char *name = tap->opt->tap;
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int len = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	/* The kernel would make a new one, which leads nowhere */
	if (!if_nametoindex(name))
		return complain(EXIT_USAGE, "--net tap=%s: no such interface; make it as root: "
				"ip tuntap add dev %s mode tap && ip link set %s up",
				name, name, name);
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (ioctl(tap->fd, TUNSETIFF, &ifr))
		return attach_error(name, errno);
	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &len))
		return complain(EXIT_HOST, "--net tap=%s: %s", name, strerror(errno));
	return 0;
}

int tap_open(struct tap *tap, const struct net_options *opt)
{
	int ret;

	tap->opt = opt;
	memcpy(tap->mac, opt->mac, sizeof(tap->mac));
	if (!opt->has_mac)
		make_mac(tap->mac, opt->tap);
	tap->fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0)
		return complain(EXIT_HOST, "--net tap=%s: " TUN_DEVICE ": %s", opt->tap,
				strerror(errno));
	ret = attach(tap);
	if (ret) {
		close(tap->fd);
		tap->fd = -1;
	}
	return ret;
}
