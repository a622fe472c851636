// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-net (virtio 1.2, 5.1) on a back end: one pair of queues, mergeable
 * receive buffers, checksum and segmentation offloads both ways if it has them.
 * The header of a packet is the same on both sides; the back end checks the guest's.
 * With vhost the host's kernel moves the packets, and all that is left to do here
 * is to notice that the back end has gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>

#include "../netback.h"
#include "../vm.h"
#include "dev.h"
#include "vhost.h"
#include "virtio.h"

#define CLASS_ETHERNET	0x020000
#define RX		0
#define TX		1
#define HEADER_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define PACKET_MAX	(HEADER_LEN + 65536 + 64)	/* segmentation offload, VLAN tags */
#define HELD_MAX	64		/* buffers for one packet */
#define BATCH		64		/* packets at a time */

struct net {
	struct virtio_dev vd;
	struct netback back;
	struct vhost vhost;	/* its fd is -1 without */
	struct virtio_net_config config;
	struct loop_source source;	/* the back end, while there is room for packets */
	bool started;			/* since the last reset */
	size_t len;			/* of the packet that waits for room */
	uint8_t packet[PACKET_MAX];
	unsigned int nr_held;		/* buffers taken from the guest, not yet filled */
	struct virtq_chain held[HELD_MAX];
	struct virtq_chain out;
};

/* ---- to the guest */

static void back_event(void *arg, uint32_t events);

static void listen(struct net *net, bool on)
{
	struct loop *loop = &net->vd.pci.vm->loop;

	if (!on)
		loop_del(loop, &net->source);
	else if (net->source.fd < 0 && net->config.status)
		loop_add(loop, &net->source, net->vhost.fd < 0 ? net->back.fd : net->back.watch,
			 EPOLLIN, back_event, net);
}

static void link_lost(struct net *net, int err)
{
	const char *why = strerror(err);

	/* An end of file, or what the file of a deleted tap says */
	if (!err || err == EBADFD)
		why = net->back.ops->gone(&net->back);
	complain(0, "--net %s: %s; the guest's link is down", net->back.opt->name, why);
	net->config.status = 0;
	listen(net, false);
	vhost_stop(&net->vhost);
	virtio_config_changed(&net->vd);
}

/* The next packet, if there is one */
static bool read_packet(struct net *net)
{
	ssize_t n;

	if (net->len)
		return true;
	n = read(net->back.fd, net->packet, PACKET_MAX);
	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		link_lost(net, n ? errno : 0);
	if (n < (ssize_t)HEADER_LEN)
		return false;
	net->len = n;
	return true;
}

/* Gets buffers for the whole packet; false if the guest has to bring more */
static bool make_room(struct net *net, struct virtq *vq)
{
	uint64_t room = 0;

	for (unsigned int i = 0; i < net->nr_held; i++)
		room += net->held[i].in_len;
	while (room < net->len) {
		struct virtq_chain *c = &net->held[net->nr_held];

		/* Too big for the guest: lost, as on a real network */
		if (net->nr_held == HELD_MAX ||
		    (net->nr_held && !virtio_has(&net->vd, VIRTIO_NET_F_MRG_RXBUF))) {
			net->len = 0;
			return true;
		}
		if (!virtq_pop(vq, c))
			return false;
		if (c->in_len < HEADER_LEN) {
			virtio_broken(&net->vd, "a receive buffer of %llu bytes",
				      (unsigned long long)c->in_len);
			return false;
		}
		net->nr_held++;
		room += c->in_len;
	}
	return true;
}

static void deliver(struct net *net, struct virtq *vq)
{
	struct virtio_net_hdr_mrg_rxbuf *h = (void *)net->packet;
	size_t done = 0;
	unsigned int n;

	h->num_buffers = 0;
	for (size_t room = 0; room < net->len; h->num_buffers++)
		room += net->held[h->num_buffers].in_len;
	for (n = 0; done < net->len; n++) {
		const struct virtq_chain *c = &net->held[n];
		size_t part = iov_fill(c->iov + c->nr_out, c->nr_in, net->packet + done,
				       net->len - done);

		virtq_push(vq, c, part);
		done += part;
	}
	net->nr_held -= n;
	memmove(net->held, net->held + n, net->nr_held * sizeof(net->held[0]));
	net->len = 0;
}

static void receive(struct net *net)
{
	struct virtq *vq = &net->vd.vq[RX];
	bool room = true;

	virtq_doorbell_off(vq);
	for (int i = 0; i < BATCH && room && read_packet(net); i++) {
		room = make_room(net, vq);
		if (room && net->len)
			deliver(net, vq);
	}
	virtq_signal(vq);
	listen(net, room);
	if (!room && virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static void back_event(void *arg, uint32_t events)
{
	struct net *net = arg;

	(void)events;
	if (net->vhost.fd < 0)
		receive(net);
	else if (net->back.ops->lost(&net->back))
		link_lost(net, 0);
}

/* ---- from the guest */

static void transmit(struct net *net, struct virtq *vq)
{
	struct virtq_chain *c = &net->out;
	unsigned int left = vq->size;

	virtq_doorbell_off(vq);
	while (left-- && virtq_pop(vq, c)) {
		if (c->out_len < HEADER_LEN || c->in_len) {
			virtio_broken(&net->vd, "a packet of %llu bytes, %llu to write",
				      (unsigned long long)c->out_len,
				      (unsigned long long)c->in_len);
			return;
		}
		/* What the host does not take is lost, as on a real network */
		(void)!writev(net->back.fd, c->iov, c->nr_out);
		virtq_push(vq, c, 0);
	}
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

/* What the host may leave to the guest in packets that it sends */
static void set_offloads(struct net *net)
{
	unsigned int flags = 0;

	if (!net->back.ops->set_offloads)
		return;
	if (virtio_has(&net->vd, VIRTIO_NET_F_GUEST_CSUM))
		flags |= TUN_F_CSUM;
	if (flags && virtio_has(&net->vd, VIRTIO_NET_F_GUEST_TSO4))
		flags |= TUN_F_TSO4;
	if (flags && virtio_has(&net->vd, VIRTIO_NET_F_GUEST_TSO6))
		flags |= TUN_F_TSO6;
	net->back.ops->set_offloads(&net->back, flags);
}

/* ---- by the host's kernel */

static int net_run(struct vhost *v, bool on)
{
	const struct net *net = (const struct net *)v->vd;

	for (unsigned int i = 0; i < v->nr; i++) {
		struct vhost_vring_file file = { i, on && net->config.status ? net->back.fd : -1 };
		int ret = vhost_ioctl(v, VHOST_NET_SET_BACKEND, &file);

		if (ret)
			return ret;
	}
	return 0;
}

static void net_update(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;
	int ret;

	if (net->vhost.fd < 0)
		return;
	if (!net->started && virtio_running(vd)) {
		net->started = true;
		set_offloads(net);
		listen(net, true);
	}
	ret = vhost_update(&net->vhost);
	if (!ret)
		return;
	complain(0, "--net %s: vhost: %s", net->back.opt->name, strerror(-ret));
	virtio_broken(vd, "vhost: %s", strerror(-ret));
}

static void net_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct net *net = (struct net *)vd;

	if (net->vhost.fd >= 0)
		return;
	if (!net->started)
		set_offloads(net);
	net->started = true;
	if (vq->index == RX)
		receive(net);
	else
		transmit(net, vq);
}

static bool net_reset(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;

	listen(net, false);
	vhost_stop(&net->vhost);
	net->started = false;
	net->nr_held = 0;
	net->len = 0;
	return true;
}

static void net_free(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;

	listen(net, false);
	vhost_fini(&net->vhost);
	netback_close(&net->back);
	virtio_destroy(vd);
	free(net);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.kick = net_kick,
	.reset = net_reset,
	.update = net_update,
	.free = net_free,
};

int virtio_net_create(struct vm *vm, struct netback *back)
{
	struct net *net = calloc(1, sizeof(*net));
	int ret;
	struct virtio_kind kind = {
		.ops = &net_ops,
		.id = VIRTIO_ID_NET,
		.class = CLASS_ETHERNET,
		.features = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
			    1ULL << VIRTIO_NET_F_MRG_RXBUF | back->offloads,
		.queues = 2,
		.config_len = offsetof(struct virtio_net_config, max_virtqueue_pairs),
	};

	if (!net)
		return -ENOMEM;
	net->back = *back;
	back->fd = -1;
	net->back.vhost = -1;
	net->source.fd = -1;
	net->vhost.fd = back->vhost;
	net->vhost.pin.fd = -1;
	memcpy(net->config.mac, back->mac, sizeof(net->config.mac));
	net->config.status = VIRTIO_NET_S_LINK_UP;
	kind.config = &net->config;
	ret = virtio_create(&net->vd, vm, &kind);
	if (ret || back->vhost < 0)
		return ret;
	ret = vhost_init(&net->vhost, &net->vd, RX, 2);
	/* Offloads are between guest and tap */
	return ret ? ret : vhost_kernel_init(&net->vhost, back->vhost,
					     1ULL << VIRTIO_NET_F_MRG_RXBUF, net_run);
}
