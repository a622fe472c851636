// SPDX-License-Identifier: GPL-2.0
/*
 * User networking: a small network of libslirp's behind the guest's NIC, with a
 * gateway, DHCP and DNS, whose connections are sockets of this user's.
 *
 * libslirp parses whatever the guest sends, so it has a process of its own, in
 * which there is nothing of the guest's. A pair of sockets that keep packets
 * apart leads there, which it holds full when the guest is slow to read.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"
#include "netback.h"
#include "sandbox.h"

#define HEADER_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define PACKET_MAX	(HEADER_LEN + 65536)
#define MTU		1500
#define BUFFER		(1 << 20)	/* bytes in the pair of sockets, each way */
#define BATCH		64		/* packets at a time */
#define PATIENCE_MS	1000		/* for a process that is about to end */

#define LIBRARY		"libslirp.so.0"

/*
 * What is used of the library. It is loaded by the process that needs it: it brings glib,
 * and the start of every other guest would pay for that.
 */
static struct {
	typeof(slirp_new) *new;
	typeof(slirp_add_hostfwd) *add_hostfwd;
	typeof(slirp_input) *input;
	typeof(slirp_pollfds_fill) *pollfds_fill;
	typeof(slirp_pollfds_poll) *pollfds_poll;
} libslirp;

struct user {
	Slirp *slirp;
	int fd;			/* to the device */
	struct pollfd *poll;
	int nr, max;
};

/* ---- what libslirp asks for */

static ssize_t send_packet(const void *packet, size_t len, void *arg)
{
	static struct virtio_net_hdr_mrg_rxbuf header;
	struct iovec iov[2] = { { &header, HEADER_LEN }, { (void *)packet, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct user *user = arg;

	/* Waits for room. The launcher never waits for us, so this is no deadlock */
	if (sendmsg(user->fd, &msg, MSG_NOSIGNAL) < 0 && errno == EPIPE)
		_exit(0);
	return len;
}

static int64_t clock_ns(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void ignore_error(const char *msg, void *arg)
{
	/* A guest could fill a log with them */
	(void)msg;
	(void)arg;
}

static void ignore_fd(int fd, void *arg)
{
	(void)fd;
	(void)arg;
}

static void ignore_notice(void *arg)
{
	(void)arg;
}

/* Timers are for router advertisements of IPv6, which is off */
static void *timer_new(SlirpTimerCb fn, void *fn_arg, void *arg)
{
	(void)fn;
	(void)fn_arg;
	return arg;
}

static void timer_free(void *timer, void *arg)
{
	(void)timer;
	(void)arg;
}

static void timer_mod(void *timer, int64_t ms, void *arg)
{
	(void)timer;
	(void)ms;
	(void)arg;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = ignore_error,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = ignore_notice,
};

/* ---- the process */

/* The two sets of events have other values, and libslirp's HUP is also asked for */
static const struct {
	short poll;
	int slirp;
} events[] = {
	{ POLLIN, SLIRP_POLL_IN },
	{ POLLOUT, SLIRP_POLL_OUT },
	{ POLLPRI, SLIRP_POLL_PRI },
	{ POLLERR, SLIRP_POLL_ERR },
	{ POLLHUP, SLIRP_POLL_HUP },
};

static int add_poll(int fd, int wanted, void *arg)
{
	struct user *user = arg;
	struct pollfd *p;

	if (user->nr == user->max) {
		p = reallocarray(user->poll, user->max * 2, sizeof(*p));
		if (!p)
			_exit(EXIT_HOST);
		user->poll = p;
		user->max *= 2;
	}
	p = &user->poll[user->nr];
	*p = (struct pollfd){ .fd = fd };
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (wanted & events[i].slirp)
			p->events |= events[i].poll;
	return user->nr++;
}

static int get_revents(int i, void *arg)
{
	const struct user *user = arg;
	int got = 0;

	for (size_t n = 0; n < sizeof(events) / sizeof(events[0]); n++)
		if (user->poll[i].revents & events[n].poll)
			got |= events[n].slirp;
	return got;
}

/*
 * No host expects packets from outside to its loopback addresses (RFC 1122,
 * 3.2.1.3 g), but libslirp would connect to them, whatever it was told
 */
static bool allowed(const uint8_t *packet, size_t len)
{
	const struct ether_header *eth = (const void *)packet;
	struct iphdr ip;

	if (len < sizeof(*eth) + sizeof(ip) || eth->ether_type != htons(ETHERTYPE_IP))
		return true;
	memcpy(&ip, packet + sizeof(*eth), sizeof(ip));
	return ntohl(ip.daddr) >> 24 != IN_LOOPBACKNET && ntohl(ip.daddr) >> 24;
}

static void from_guest(struct user *user)
{
	static uint8_t packet[PACKET_MAX];

	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(user->fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* The launcher is gone */
		if (n <= 0)
			_exit(0);
		if (n > (ssize_t)HEADER_LEN && allowed(packet + HEADER_LEN, n - HEADER_LEN))
			libslirp.input(user->slirp, packet + HEADER_LEN, n - HEADER_LEN);
	}
}

static int forward(struct user *user, const struct net_options *opt)
{
	for (unsigned int i = 0; i < opt->forwards; i++) {
		const struct net_forward *f = &opt->forward[i];
		struct in_addr host = { f->host }, guest = { f->guest };

		if (!f->guest)
			guest.s_addr = inet_addr(USER_GUEST);
		if (libslirp.add_hostfwd(user->slirp, f->udp, host, f->host_port, guest,
					 f->guest_port))
			return complain(EXIT_USAGE, "--net user: hostfwd=%s: port %u: %s",
					f->text, f->host_port,
					errno == EACCES ? "only root may have ports that low" :
					strerror(errno));
	}
	return 0;
}

/* The guest's bursts are lost beyond it. As far as the host allows */
static void enlarge(int fd)
{
	int size = BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* NULL, or what is wrong */
static const char *load_library(void)
{
	const struct {
		const char *name;
		void *function;
	} wanted[] = {
		{ "slirp_new", &libslirp.new },
		{ "slirp_add_hostfwd", &libslirp.add_hostfwd },
		{ "slirp_input", &libslirp.input },
		{ "slirp_pollfds_fill", &libslirp.pollfds_fill },
		{ "slirp_pollfds_poll", &libslirp.pollfds_poll },
	};
	void *library = dlopen(LIBRARY, RTLD_NOW);

	for (size_t i = 0; library && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *address = dlsym(library, wanted[i].name);

		if (!address)
			return dlerror();
		memcpy(wanted[i].function, &address, sizeof(address));
	}
	return library ? NULL : dlerror();
}

static int start(struct user *user, const struct net_options *opt)
{
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork.s_addr = inet_addr(USER_NETWORK),
		.vnetmask.s_addr = inet_addr("255.255.255.0"),
		.vhost.s_addr = inet_addr(USER_HOST),
		.vdhcp_start.s_addr = inet_addr(USER_GUEST),
		.vnameserver.s_addr = inet_addr(USER_NAMESERVER),
		.vhostname = "guest",
		.if_mtu = MTU,
		.if_mru = MTU,
		/* What listens there trusts the host's users */
		.disable_host_loopback = !opt->loopback,
	};
	const char *why = load_library();
	int status;

	if (why)
		return complain(EXIT_HOST, "--net user: %s; Debian's package is libslirp0", why);
	user->max = 16;
	user->poll = calloc(user->max, sizeof(user->poll[0]));
	user->slirp = libslirp.new(&config, &callbacks, user);
	if (!user->poll || !user->slirp)
		return complain(EXIT_HOST, "--net user: libslirp does not start");
	status = forward(user, opt);
	if (status || opt->no_sandbox)
		return status;
	/* The ports are bound, also those that only root may have */
	why = sandbox_network();
	if (why)
		return complain(EXIT_HOST, "--net user: %s: %s; --no-sandbox goes without", why,
				strerror(errno));
	return 0;
}

static void work(struct user *user)
{
	for (;;) {
		uint32_t ms = UINT32_MAX;
		int n;

		user->nr = 1;
		user->poll[0] = (struct pollfd){ .fd = user->fd, .events = POLLIN };
		libslirp.pollfds_fill(user->slirp, &ms, add_poll, user);
		n = poll(user->poll, user->nr, ms > INT32_MAX ? -1 : (int)ms);
		libslirp.pollfds_poll(user->slirp, n < 0, get_revents, user);
		if (n > 0 && user->poll[0].revents)
			from_guest(user);
	}
}

/* Begins with its exit status as the first packet, after a line if that is not 0 */
static const char *run(const void *arg)
{
	struct user user = { .fd = PROGRAM_FD };
	uint8_t status;

	/* The line goes to the keeper, and from there to people */
	complain_to(stderr);
	/* libslirp writes to connections that the other end has reset */
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "hvmon-user-net");
	enlarge(user.fd);
	status = start(&user, arg);
	(void)!send(user.fd, &status, 1, MSG_NOSIGNAL);
	if (!status)
		work(&user);
	_exit(status);
}

/* ---- the launcher's side */

static void user_close(struct netback *nb)
{
	keeper_end(nb->opt, 0, NULL);
}

static const char *user_gone(struct netback *nb)
{
	static char why[PROGRAM_HOW + 16];
	struct keeper_end end;

	/* It has closed its end, and so is about to go */
	keeper_end(nb->opt, PATIENCE_MS, &end);
	snprintf(why, sizeof(why), "its process %s", *end.how ? end.how : "is gone");
	return why;
}

static const struct netback_ops user_ops = {
	.gone = user_gone,
	.close = user_close,
};

void user_announce(const struct net_options *opt)
{
	keeper_add_process(opt, run, opt);
}

int user_open(struct netback *nb)
{
	struct keeper_end end;
	uint8_t status;
	int fd;

	nb->ops = &user_ops;
	fd = keeper_connect(nb->opt);
	if (fd < 0)
		return complain(EXIT_HOST, "--net user: no process: %s", strerror(-fd));
	nb->fd[0] = fd;
	enlarge(fd);
	if (recv(fd, &status, 1, 0) == 1 && !status) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return 0;
	}
	keeper_end(nb->opt, PATIENCE_MS, &end);
	if (end.words[0])
		complain(0, "%s", end.words);
	else
		complain(0, "--net user: its process %s while it started", end.how);
	netback_close(nb);
	return status ? status : EXIT_HOST;
}
