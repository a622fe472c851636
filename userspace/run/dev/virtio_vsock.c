// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-vsock (virtio 1.2, 5.10): sockets between host and guest without a network.
 * The host's kernel works on the queues for packets. The one for events stays
 * empty: nothing that cuts all connections happens to a guest that goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_vsock.h>

#include "../vm.h"
#include "dev.h"
#include "vhost.h"
#include "virtio.h"

#define CLASS_COMMUNICATION	0x078000
#define VHOST_DEVICE		"/dev/vhost-vsock"

enum { RX, TX, EVENT, QUEUES };

struct vsock {
	struct virtio_dev vd;
	struct vhost vhost;
	struct virtio_vsock_config config;
};

static int vsock_run(struct vhost *v, bool on)
{
	int running = on;
	int ret = vhost_ioctl(v, VHOST_VSOCK_SET_RUNNING, &running);

	/* A doorbell that the host's kernel heard before it ran is lost to it */
	for (unsigned int i = 0; on && !ret && i < v->nr; i++)
		virtio_kick(&v->vd->vq[v->first + i]);
	return ret;
}

static void vsock_update(struct virtio_dev *vd)
{
	int ret = vhost_update(&((struct vsock *)vd)->vhost);

	if (ret)
		virtio_broken(vd, "vhost: %s", strerror(-ret));
}

static void vsock_kick(struct virtio_dev *vd, struct virtq *vq)
{
	(void)vd;
	(void)vq;
}

static bool vsock_reset(struct virtio_dev *vd)
{
	vhost_stop(&((struct vsock *)vd)->vhost);
	return true;
}

static void vsock_free(struct virtio_dev *vd)
{
	struct vsock *vsock = (struct vsock *)vd;

	/* With this the host's kernel ends all connections */
	vhost_fini(&vsock->vhost);
	virtio_destroy(vd);
	free(vsock);
}

static const struct virtio_ops vsock_ops = {
	.name = "virtio-vsock",
	.kick = vsock_kick,
	.reset = vsock_reset,
	.update = vsock_update,
	.free = vsock_free,
};

int virtio_vsock_open(struct vm *vm)
{
	uint32_t cid = vm->opt->vsock_cid;
	uint64_t arg = cid;

	vm->vsock = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
	if (vm->vsock < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return complain(EXIT_HOST, "--vsock: " VHOST_DEVICE ": %s; load it as root: "
				"modprobe vhost_vsock", strerror(errno));
	if (vm->vsock < 0)
		return complain(EXIT_HOST, "--vsock: " VHOST_DEVICE ": %s; run as root, or have "
				"root let you use it", strerror(errno));
	if (!ioctl(vm->vsock, VHOST_VSOCK_SET_GUEST_CID, &arg))
		return 0;
	if (errno == EADDRINUSE)
		return complain(EXIT_USAGE, "--vsock cid=%u: another virtual machine, or the "
				"host itself, has it", cid);
	return complain(EXIT_HOST, "--vsock cid=%u: %s", cid, strerror(errno));
}

int virtio_vsock_create(struct vm *vm)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));
	struct virtio_kind kind = {
		.ops = &vsock_ops,
		.id = VIRTIO_ID_VSOCK,
		.class = CLASS_COMMUNICATION,
		.features = 1ULL << VIRTIO_VSOCK_F_SEQPACKET,
		.queues = QUEUES,
		.config_len = sizeof(vsock->config),
	};
	int ret;

	if (!vsock)
		return -ENOMEM;
	vsock->config.guest_cid = vm->opt->vsock_cid;
	kind.config = &vsock->config;
	vsock->vhost.fd = vm->vsock;
	vsock->vhost.pin.fd = -1;
	vm->vsock = -1;
	ret = virtio_create(&vsock->vd, vm, &kind);
	if (ret)
		return ret;
	ret = vhost_init(&vsock->vhost, &vsock->vd, RX, EVENT);
	return ret ? ret : vhost_kernel_init(&vsock->vhost, vsock->vhost.fd,
					     1ULL << VIRTIO_VSOCK_F_SEQPACKET, vsock_run);
}
