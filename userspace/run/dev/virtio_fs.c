// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-fs (virtio 1.2, 5.11): a file system of the host, whose requests a virtiofsd
 * works on. The state of a FUSE session is in that process, so that no other can go
 * on when it has died: what the guest asks for is an error from then on, and it can
 * unmount.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/fuse.h>
#include <linux/virtio_fs.h>

#include "../keeper.h"
#include "../share.h"
#include "../vm.h"
#include "dev.h"
#include "vhost.h"
#include "virtio.h"

#define CLASS_STORAGE	0x018000
#define PATIENCE_MS	500	/* for a process that has closed the connection to end */

/* virtiofsd knows one queue of requests, and one for what is urgent, such as FORGET */
enum { HIGH_PRIORITY, REQUESTS, QUEUES };

struct fs {
	struct virtio_dev vd;
	struct share *share;
	struct vhost vhost;	/* its fd is -1 once the process is gone */
	struct virtio_fs_config config;
	struct loop_source hangup;
	struct virtq_chain chain;
};

/* ---- without a process */

/* FUSE's answers are negative errnos of Linux; what has no room for one wants none */
static uint32_t answer(struct virtq_chain *c)
{
	struct fuse_out_header out = { .len = sizeof(out), .error = -ENOTCONN };
	struct iovec *iov = c->iov;
	struct fuse_in_header in;
	uint16_t nr = c->nr_out;
	const struct iovec *to = c->iov + c->nr_out;

	if (c->in_len < sizeof(out) || !iov_take(&iov, &nr, &in, sizeof(in)))
		return 0;
	out.unique = in.unique;
	return iov_fill(to, c->nr_in, &out, sizeof(out));
}

static void fs_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct fs *fs = (struct fs *)vd;
	unsigned int left = vq->size;

	if (fs->vhost.fd >= 0)
		return;
	while (left-- && virtq_pop(vq, &fs->chain))
		virtq_push(vq, &fs->chain, answer(&fs->chain));
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static void lose(struct fs *fs, int err)
{
	struct loop *loop = &fs->vd.pci.vm->loop;
	const struct share_options *opt = fs->share->opt;
	struct keeper_end end = { 0 };

	loop_del(loop, &fs->hangup);
	/* Whatever it still does, it does before the rings are ours */
	shutdown(fs->vhost.fd, SHUT_RDWR);
	if (!opt->socket)
		keeper_end(opt, PATIENCE_MS, &end);
	if (!*end.how)
		snprintf(end.how, sizeof(end.how), "%s", err == -ECONNRESET ? "is gone" :
			 "does not do what it is told");
	vhost_lost(&fs->vhost);
	complain(0, "--share %s: %s %s%s%s; the guest gets errors from now on",
		 opt->path, opt->socket ? "its process" : "virtiofsd", end.how,
		 end.words[0] ? ": " : "", end.words);
}

/* ---- with one */

static void hangup_event(void *arg, uint32_t events)
{
	struct fs *fs = arg;
	uint8_t byte;
	ssize_t n = recv(fs->vhost.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);

	(void)events;
	/* An answer that a vCPU's thread waited for, and has taken meanwhile */
	if (n < 0 && errno == EAGAIN)
		return;
	lose(fs, n > 0 ? -EPROTO : -ECONNRESET);
}

static void fs_update(struct virtio_dev *vd)
{
	struct fs *fs = (struct fs *)vd;
	int ret = vhost_update(&fs->vhost);

	if (ret)
		lose(fs, ret);
}

static bool fs_reset(struct virtio_dev *vd)
{
	vhost_stop(&((struct fs *)vd)->vhost);
	return true;
}

static void fs_free(struct virtio_dev *vd)
{
	struct fs *fs = (struct fs *)vd;

	loop_del(&vd->pci.vm->loop, &fs->hangup);
	vhost_fini(&fs->vhost);
	share_close(fs->share);
	virtio_destroy(vd);
	free(fs);
}

static const struct virtio_ops fs_ops = {
	.name = "virtio-fs",
	.kick = fs_kick,
	.reset = fs_reset,
	.update = fs_update,
	.free = fs_free,
};

int virtio_fs_create(struct vm *vm, struct share *share)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	struct virtio_kind kind = {
		.ops = &fs_ops,
		.id = VIRTIO_ID_FS,
		.class = CLASS_STORAGE,
		.queues = QUEUES,
		.config_len = sizeof(fs->config),
	};
	int ret;

	if (!fs)
		return -ENOMEM;
	fs->share = share;
	fs->hangup.fd = -1;
	fs->vhost.fd = share->fd;
	fs->vhost.pin.fd = -1;
	fs->config.num_request_queues = QUEUES - REQUESTS;
	memcpy(fs->config.tag, share->opt->tag, strnlen(share->opt->tag, sizeof(fs->config.tag)));
	kind.config = &fs->config;
	ret = virtio_create(&fs->vd, vm, &kind);
	if (ret)
		return ret;
	ret = vhost_init(&fs->vhost, &fs->vd, HIGH_PRIORITY, QUEUES);
	if (ret)
		return ret;
	vhost_user_init(&fs->vhost, share->fd, share->features);
	return loop_add(&vm->loop, &fs->hangup, share->fd, EPOLLIN, hangup_event, fs);
}
