// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-blk (virtio 1.2, 5.2): what the guest asks for is checked here, and done
 * by who has the disk, blk_uring.c or blk_user.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/virtio_blk.h>

#include "../disk_user.h"
#include "blk.h"
#include "dev.h"

#define CLASS_STORAGE	0x010000
#define MAX_QUEUES	16
#define MAX_RANGE	(1u << 22)	/* sectors to discard or zero at once */

/* ---- the end of a request */

static void finish(struct blk *blk, struct blk_request *req, uint8_t status)
{
	*req->status = status;
	virtq_push(req->vq, &req->chain, req->chain.in_len);
	blk->free[blk->nr_free++] = req;
}

static void failed(struct blk *blk, struct blk_request *req, int err)
{
	if (!blk->failed)
		complain(0, "--disk %s: %s at byte %llu: %s; the guest is told",
			 blk->disk.opt->path, req->op == OP_READ ? "reading" : "writing",
			 (unsigned long long)req->offset, strerror(err));
	blk->failed = true;
	finish(blk, req, VIRTIO_BLK_S_IOERR);
}

/* What was done of a transfer is cut off */
static void advance(struct blk_request *req, uint64_t n)
{
	req->offset += n;
	req->left -= n;
	while (req->op != OP_WRITE_ZERO && n) {
		uint64_t part = n < req->iov->iov_len ? n : req->iov->iov_len;

		req->iov->iov_base = (uint8_t *)req->iov->iov_base + part;
		req->iov->iov_len -= part;
		n -= part;
		if (!req->iov->iov_len) {
			req->iov++;
			req->nr--;
		}
	}
}

/* Without FLUSH the driver takes what is done for stable (5.2.6.2) */
static void done(struct blk *blk, struct blk_request *req)
{
	if (req->op == OP_READ || req->op == OP_FLUSH || virtio_has(&blk->vd, VIRTIO_BLK_F_FLUSH)) {
		finish(blk, req, VIRTIO_BLK_S_OK);
		return;
	}
	req->op = OP_FLUSH;
	blk->ops->submit(blk, req);
}

void blk_completed(struct blk *blk, struct blk_request *req, int64_t res)
{
	bool transfer = req->op == OP_READ || req->op == OP_WRITE || req->op == OP_WRITE_ZERO;

	if (blk->closing) {
		blk->free[blk->nr_free++] = req;
	} else if (res == -EINTR || res == -EAGAIN) {
		blk->ops->submit(blk, req);
	} else if (res == -EOPNOTSUPP && req->op == OP_ZERO) {
		req->op = OP_WRITE_ZERO;
		blk->ops->submit(blk, req);
	} else if (res == -EOPNOTSUPP && req->op == OP_DISCARD) {
		finish(blk, req, VIRTIO_BLK_S_UNSUPP);
	} else if (res < 0 || (transfer && !res)) {
		/* Nothing is read where the file has become shorter */
		failed(blk, req, res ? -res : EIO);
	} else if (transfer && (uint64_t)res < req->left) {
		advance(req, res);
		blk->ops->submit(blk, req);
	} else {
		done(blk, req);
	}
}

void blk_settle(struct blk *blk)
{
	blk->ops->commit(blk);
	for (unsigned int i = 0; i < blk->vd.nr_queues; i++) {
		virtq_signal(&blk->vd.vq[i]);
		if (blk->starved && blk->nr_free)
			virtio_kick(&blk->vd.vq[i]);
	}
	if (blk->nr_free)
		blk->starved = false;
	if (blk->vd.resetting && blk->nr_free == BLK_REQUESTS)
		virtio_reset_done(&blk->vd);
}

/* ---- from the guest */

static bool in_range(const struct blk *blk, uint64_t sector, uint64_t bytes)
{
	uint64_t sectors = blk->disk.size / SECTOR;

	return !(bytes % SECTOR) && sector <= sectors && bytes / SECTOR <= sectors - sector;
}

static void start_transfer(struct blk *blk, struct blk_request *req, uint64_t sector)
{
	if ((req->op == OP_WRITE && blk->disk.opt->ro) || !in_range(blk, sector, req->left)) {
		finish(blk, req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->offset = sector * SECTOR;
	if (req->left)
		blk->ops->submit(blk, req);
	else
		finish(blk, req, VIRTIO_BLK_S_OK);
}

static void start_range(struct blk *blk, struct blk_request *req, uint32_t type)
{
	struct virtio_blk_discard_write_zeroes range;
	uint32_t flags = type == VIRTIO_BLK_T_DISCARD ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	uint32_t limit = type == VIRTIO_BLK_T_DISCARD ? blk->config.max_discard_sectors :
							blk->config.max_write_zeroes_sectors;

	/* One range: max_discard_seg and max_write_zeroes_seg say so */
	if (req->left != sizeof(range) || !iov_take(&req->iov, &req->nr, &range, sizeof(range)) ||
	    blk->disk.opt->ro || range.num_sectors > limit ||
	    !in_range(blk, range.sector, (uint64_t)range.num_sectors * SECTOR)) {
		finish(blk, req, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (range.flags & ~flags) {
		finish(blk, req, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	req->offset = range.sector * SECTOR;
	req->left = (uint64_t)range.num_sectors * SECTOR;
	req->op = type == VIRTIO_BLK_T_DISCARD ? OP_DISCARD : OP_ZERO;
	if (req->left)
		blk->ops->submit(blk, req);
	else
		finish(blk, req, VIRTIO_BLK_S_OK);
}

static void start_id(struct blk *blk, struct blk_request *req)
{
	const struct virtq_chain *c = &req->chain;
	char id[VIRTIO_BLK_ID_BYTES] = { 0 };
	const char *serial = blk->disk.opt->serial;

	if (serial)
		memcpy(id, serial, strlen(serial));
	/* The status comes after it, and is written later */
	iov_fill(c->iov + c->nr_out, c->nr_in, id, sizeof(id));
	finish(blk, req, VIRTIO_BLK_S_OK);
}

/* Header, data, and the status as the last byte, in segments of any size (5.2.6) */
static void start(struct blk *blk, struct blk_request *req)
{
	struct virtq_chain *c = &req->chain;
	struct iovec *out = c->iov, *in = c->iov + c->nr_out, *last;
	uint16_t nr_out = c->nr_out;
	struct virtio_blk_outhdr h;

	if (!c->in_len || !iov_take(&out, &nr_out, &h, sizeof(h))) {
		virtio_broken(&blk->vd, "a request without %s", c->in_len ? "header" : "status");
		blk->free[blk->nr_free++] = req;
		return;
	}
	last = &in[c->nr_in - 1];
	req->status = (uint8_t *)last->iov_base + --last->iov_len;
	req->iov = out;
	req->nr = nr_out;
	req->left = c->out_len - sizeof(h);
	switch (h.type) {
	case VIRTIO_BLK_T_IN:
		req->op = OP_READ;
		req->iov = in;
		req->nr = c->nr_in;
		req->left = c->in_len - 1;
		start_transfer(blk, req, h.sector);
		break;
	case VIRTIO_BLK_T_OUT:
		req->op = OP_WRITE;
		start_transfer(blk, req, h.sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		req->op = OP_FLUSH;
		req->offset = 0;
		blk->ops->submit(blk, req);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		start_range(blk, req, h.type);
		break;
	case VIRTIO_BLK_T_GET_ID:
		start_id(blk, req);
		break;
	default:
		finish(blk, req, VIRTIO_BLK_S_UNSUPP);
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* True if the limits allow a request; if not, the queues are looked at when they do */
static bool allowed(struct blk *blk, uint64_t now)
{
	uint64_t wait = throttle_wait(&blk->throttle, now);

	if (wait)
		timer_set(&blk->again, wait, 0);
	return !wait;
}

static void again_event(void *arg)
{
	struct blk *blk = arg;

	for (unsigned int i = 0; i < blk->vd.nr_queues; i++)
		virtio_kick(&blk->vd.vq[i]);
}

static void blk_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct blk *blk = (struct blk *)vd;
	unsigned int left = vq->size;
	uint64_t now = now_ns();
	bool more = true;

	virtq_doorbell_off(vq);
	while (left-- && blk->nr_free) {
		struct blk_request *req = blk->free[blk->nr_free - 1];

		more = allowed(blk, now);
		if (!more || !virtq_pop(vq, &req->chain))
			break;
		throttle_charge(&blk->throttle, now, req->chain.out_len + req->chain.in_len);
		blk->nr_free--;
		req->vq = vq;
		start(blk, req);
	}
	blk->ops->commit(blk);
	virtq_signal(vq);
	if (!blk->nr_free)
		blk->starved = true;
	else if (more && virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static bool blk_reset(struct virtio_dev *vd)
{
	return ((struct blk *)vd)->nr_free == BLK_REQUESTS;
}

/* ---- making and unmaking */

static void blk_free(struct virtio_dev *vd)
{
	struct blk *blk = (struct blk *)vd;

	/* What is under way uses the guest's memory; nobody waits for the results */
	blk->closing = true;
	while (blk->ops && blk->nr_free < BLK_REQUESTS && blk->ops->wait(blk))
		;
	if (blk->ops)
		blk->ops->free(blk);
	timer_fini(&vd->pci.vm->loop, &blk->again);
	disk_close(&blk->disk);
	virtio_destroy(vd);
	free(blk);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.kick = blk_kick,
	.reset = blk_reset,
	.free = blk_free,
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t set_config(struct blk *blk, uint16_t queues)
{
	const struct disk *disk = &blk->disk;
	uint64_t features = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			    1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ;

	if (disk->opt->packed)
		features |= 1ULL << VIRTIO_F_RING_PACKED;
	blk->config = (struct virtio_blk_config){
		.capacity = disk->size / SECTOR,
		.seg_max = VIRTQ_MAX - 2,	/* without header and status */
		.blk_size = disk->block,
		.num_queues = queues,
		.max_discard_sectors = MAX_RANGE,
		.max_discard_seg = 1,
		.discard_sector_alignment = disk->block / SECTOR,
		.max_write_zeroes_sectors = MAX_RANGE,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 0,
	};
	if (disk->user) {
		const struct virtio_blk_config *has = &disk->user->config;

		blk->config.max_discard_sectors = least(MAX_RANGE, has->max_discard_sectors);
		blk->config.max_write_zeroes_sectors = least(MAX_RANGE,
							     has->max_write_zeroes_sectors);
	}
	if (disk->opt->ro)
		return features | 1ULL << VIRTIO_BLK_F_RO;
	if (!disk->user || (disk->user->features >> VIRTIO_BLK_F_DISCARD & 1))
		features |= 1ULL << VIRTIO_BLK_F_DISCARD;
	if (!disk->user || (disk->user->features >> VIRTIO_BLK_F_WRITE_ZEROES & 1))
		features |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	return features;
}

int virtio_blk_create(struct vm *vm, struct disk *disk)
{
	uint16_t queues = vm->opt->cpus < MAX_QUEUES ? vm->opt->cpus : MAX_QUEUES;
	struct blk *blk = calloc(1, sizeof(*blk));
	struct virtio_kind kind = {
		.ops = &blk_ops,
		.id = VIRTIO_ID_BLOCK,
		.class = CLASS_STORAGE,
		.queues = queues,
		.config_len = sizeof(blk->config),
	};
	const char *path = disk->opt->path;
	int ret;

	if (!blk)
		return complain(EXIT_HOST, "--disk %s: no memory", path);
	blk->disk = *disk;
	disk->fd = -1;
	disk->user = NULL;
	blk->again.source.fd = -1;
	blk->throttle.iops = blk->disk.opt->iops;
	blk->throttle.bps = blk->disk.opt->bps;
	for (; blk->nr_free < BLK_REQUESTS; blk->nr_free++)
		blk->free[blk->nr_free] = &blk->request[BLK_REQUESTS - 1 - blk->nr_free];
	blk->vd.pci.vm = vm;
	kind.features = set_config(blk, queues);
	kind.config = &blk->config;
	ret = blk->disk.user ? blk_user_create(blk) : blk_uring_create(blk);
	if (ret) {
		blk_free(&blk->vd);
		return ret;
	}
	/* From here on errors free it */
	ret = virtio_create(&blk->vd, vm, &kind);
	if (!ret)
		ret = timer_init(&vm->loop, &blk->again, again_event, blk);
	return ret ? complain(EXIT_HOST, "--disk %s: %s", path, strerror(-ret)) : 0;
}
