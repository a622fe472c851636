// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-net (virtio 1.2, 5.1) on a back end: one pair of queues or several,
 * mergeable receive buffers, checksum and segmentation offloads both ways if it has
 * them. Each pair has a descriptor of the back end; of several the driver says by the
 * control queue how many are in use. The header of a packet is the same on both sides;
 * the back end checks the guest's.
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
#define RX(i)		(2 * (i))	/* of pair i */
#define TX(i)		(2 * (i) + 1)
#define HEADER_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define PACKET_MAX	(HEADER_LEN + 65536 + 64)	/* segmentation offload, VLAN tags */
#define HELD_MAX	64		/* buffers for one packet */
#define BATCH		64		/* packets at a time */

struct net;

struct pair {
	struct net *net;
	unsigned int index;
	struct vhost vhost;	/* its fd is -1 without */
	struct loop_source source;	/* the back end, while there is room for packets */
	size_t len;			/* of the packet that waits for room */
	uint8_t packet[PACKET_MAX];
	unsigned int nr_held;		/* buffers taken from the guest, not yet filled */
	struct virtq_chain held[HELD_MAX];
};

struct net {
	struct virtio_dev vd;
	struct netback back;
	struct virtio_net_config config;
	bool started;			/* since the last reset */
	struct virtq_chain out;
	struct pair pair[];
};

static bool by_host(const struct net *net)
{
	return net->pair[0].vhost.fd >= 0;
}

/* ---- to the guest */

static void back_event(void *arg, uint32_t events);

/* With vhost the first pair does for all */
static void listen(struct pair *p, bool on)
{
	const struct netback *back = &p->net->back;
	struct loop *loop = &p->net->vd.pci.vm->loop;

	if (!on)
		loop_del(loop, &p->source);
	else if (p->source.fd < 0 && p->net->config.status)
		loop_add(loop, &p->source, by_host(p->net) ? back->watch : back->fd[p->index],
			 EPOLLIN, back_event, p);
}

static void stop_pair(struct pair *p)
{
	listen(p, false);
	vhost_stop(&p->vhost);
}

static void link_lost(struct net *net, int err)
{
	const char *why = strerror(err);

	if (!net->config.status)
		return;
	/* An end of file, or what the file of a deleted tap says */
	if (!err || err == EBADFD)
		why = net->back.ops->gone(&net->back);
	complain(0, "--net %s: %s; the guest's link is down", net->back.opt->name, why);
	net->config.status = 0;
	for (unsigned int i = 0; i < net->back.pairs; i++)
		stop_pair(&net->pair[i]);
	virtio_config_changed(&net->vd);
}

/* The next packet, if there is one */
static bool read_packet(struct pair *p)
{
	ssize_t n;

	if (p->len)
		return true;
	n = read(p->net->back.fd[p->index], p->packet, PACKET_MAX);
	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		link_lost(p->net, n ? errno : 0);
	if (n < (ssize_t)HEADER_LEN)
		return false;
	p->len = n;
	return true;
}

/* Gets buffers for the whole packet; false if the guest has to bring more */
static bool make_room(struct pair *p, struct virtq *vq)
{
	uint64_t room = 0;

	for (unsigned int i = 0; i < p->nr_held; i++)
		room += p->held[i].in_len;
	while (room < p->len) {
		struct virtq_chain *c = &p->held[p->nr_held];

		/* Too big for the guest: lost, as on a real network */
		if (p->nr_held == HELD_MAX ||
		    (p->nr_held && !virtio_has(&p->net->vd, VIRTIO_NET_F_MRG_RXBUF))) {
			p->len = 0;
			return true;
		}
		if (!virtq_pop(vq, c))
			return false;
		if (c->in_len < HEADER_LEN) {
			virtio_broken(&p->net->vd, "a receive buffer of %llu bytes",
				      (unsigned long long)c->in_len);
			return false;
		}
		p->nr_held++;
		room += c->in_len;
	}
	return true;
}

static void deliver(struct pair *p, struct virtq *vq)
{
	struct virtio_net_hdr_mrg_rxbuf *h = (void *)p->packet;
	size_t done = 0;
	unsigned int n;

	h->num_buffers = 0;
	for (size_t room = 0; room < p->len; h->num_buffers++)
		room += p->held[h->num_buffers].in_len;
	for (n = 0; done < p->len; n++) {
		const struct virtq_chain *c = &p->held[n];
		size_t part = iov_fill(c->iov + c->nr_out, c->nr_in, p->packet + done,
				       p->len - done);

		virtq_push(vq, c, part);
		done += part;
	}
	p->nr_held -= n;
	memmove(p->held, p->held + n, p->nr_held * sizeof(p->held[0]));
	p->len = 0;
}

static void receive(struct pair *p)
{
	struct virtq *vq = &p->net->vd.vq[RX(p->index)];
	bool room = true;

	virtq_doorbell_off(vq);
	for (int i = 0; i < BATCH && room && read_packet(p); i++) {
		room = make_room(p, vq);
		if (room && p->len)
			deliver(p, vq);
	}
	virtq_signal(vq);
	listen(p, room);
	if (!room && virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static void back_event(void *arg, uint32_t events)
{
	struct pair *p = arg;
	struct net *net = p->net;

	(void)events;
	if (!by_host(net))
		receive(p);
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
		(void)!writev(net->back.fd[vq->index / 2], c->iov, c->nr_out);
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
	int fd = on && net->config.status ? net->back.fd[v->first / 2] : -1;

	for (unsigned int i = 0; i < v->nr; i++) {
		struct vhost_vring_file file = { i, fd };
		int ret = vhost_ioctl(v, VHOST_NET_SET_BACKEND, &file);

		if (ret)
			return ret;
	}
	return 0;
}

static void net_update(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;
	int ret = 0;

	if (!by_host(net))
		return;
	if (!net->started && virtio_running(vd)) {
		net->started = true;
		set_offloads(net);
		listen(&net->pair[0], true);
	}
	for (unsigned int i = 0; !ret && i < net->back.active; i++)
		ret = vhost_update(&net->pair[i].vhost);
	if (!ret)
		return;
	complain(0, "--net %s: vhost: %s", net->back.opt->name, strerror(-ret));
	virtio_broken(vd, "vhost: %s", strerror(-ret));
}

/* ---- control */

/* Of the queues that the driver knows: virtio 1.2, 5.1.2 */
static unsigned int control_queue(const struct net *net)
{
	return RX(virtio_has(&net->vd, VIRTIO_NET_F_MQ) ? net->back.pairs : 1);
}

/* Packets move in the first @n pairs from now on (5.1.6.5.5), and in no others */
static bool set_pairs(struct net *net, unsigned int n)
{
	unsigned int before = net->back.active;

	for (unsigned int i = n; i < before; i++)
		stop_pair(&net->pair[i]);
	if (net->back.ops->set_pairs && !net->back.ops->set_pairs(&net->back, n))
		return false;
	net->back.active = n;
	net_update(&net->vd);
	for (unsigned int i = before; i < n; i++) {
		virtio_kick(&net->vd.vq[RX(i)]);
		virtio_kick(&net->vd.vq[TX(i)]);
	}
	return true;
}

static uint8_t command(struct net *net, struct virtq_chain *c)
{
	struct iovec *iov = c->iov;
	struct virtio_net_ctrl_hdr h;
	struct virtio_net_ctrl_mq mq;
	uint16_t nr = c->nr_out;

	if (!iov_take(&iov, &nr, &h, sizeof(h)) || h.class != VIRTIO_NET_CTRL_MQ ||
	    h.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET || !iov_take(&iov, &nr, &mq, sizeof(mq)) ||
	    !virtio_has(&net->vd, VIRTIO_NET_F_MQ) || !mq.virtqueue_pairs ||
	    mq.virtqueue_pairs > net->back.pairs)
		return VIRTIO_NET_ERR;
	return set_pairs(net, mq.virtqueue_pairs) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

static void control(struct net *net, struct virtq *vq)
{
	struct virtq_chain *c = &net->out;
	unsigned int left = vq->size;

	virtq_doorbell_off(vq);
	while (left-- && virtq_pop(vq, c)) {
		uint8_t ack = command(net, c);

		virtq_push(vq, c, iov_fill(c->iov + c->nr_out, c->nr_in, &ack, sizeof(ack)));
	}
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

/* ---- queues */

static void net_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct net *net = (struct net *)vd;

	if (net->back.pairs > 1 && vq->index == control_queue(net)) {
		control(net, vq);
		return;
	}
	/* What is in the others waits until the driver wants them used */
	if (by_host(net) || vq->index >= RX(net->back.active))
		return;
	if (!net->started)
		set_offloads(net);
	net->started = true;
	if (vq->index % 2)
		transmit(net, vq);
	else
		receive(&net->pair[vq->index / 2]);
}

static bool net_reset(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;

	for (unsigned int i = 0; i < net->back.pairs; i++) {
		stop_pair(&net->pair[i]);
		net->pair[i].nr_held = 0;
		net->pair[i].len = 0;
	}
	net->started = false;
	/* A tap that is gone fails, and the next read tells */
	if (net->back.ops->set_pairs)
		net->back.ops->set_pairs(&net->back, 1);
	net->back.active = 1;
	return true;
}

static void net_free(struct virtio_dev *vd)
{
	struct net *net = (struct net *)vd;

	for (unsigned int i = 0; i < net->back.pairs; i++) {
		listen(&net->pair[i], false);
		vhost_fini(&net->pair[i].vhost);
	}
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

/* The device has the back end's descriptors from now on, and it has none */
static void take_over(struct net *net, struct netback *back)
{
	net->back = *back;
	for (unsigned int i = 0; i < back->pairs; i++) {
		struct pair *p = &net->pair[i];

		p->net = net;
		p->index = i;
		p->source.fd = -1;
		p->vhost.fd = back->vhost[i];
		p->vhost.pin.fd = -1;
		net->back.vhost[i] = -1;
		back->fd[i] = -1;
	}
}

int virtio_net_create(struct vm *vm, struct netback *back)
{
	struct net *net = calloc(1, sizeof(*net) + back->pairs * sizeof(net->pair[0]));
	bool mq = back->pairs > 1;
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
	if (mq) {
		kind.features |= 1ULL << VIRTIO_NET_F_MQ | 1ULL << VIRTIO_NET_F_CTRL_VQ;
		kind.queues = 2 * back->pairs + 1;
		kind.config_len = offsetof(struct virtio_net_config, mtu);
	}
	take_over(net, back);
	memcpy(net->config.mac, back->mac, sizeof(net->config.mac));
	net->config.status = VIRTIO_NET_S_LINK_UP;
	net->config.max_virtqueue_pairs = back->pairs;
	kind.config = &net->config;
	ret = virtio_create(&net->vd, vm, &kind);
	for (unsigned int i = 0; !ret && by_host(net) && i < net->back.pairs; i++) {
		struct vhost *v = &net->pair[i].vhost;

		ret = vhost_init(v, &net->vd, RX(i), 2);
		/* Offloads are between guest and tap */
		if (!ret)
			ret = vhost_kernel_init(v, v->fd, 1ULL << VIRTIO_NET_F_MRG_RXBUF, net_run);
	}
	return ret;
}
