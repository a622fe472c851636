// SPDX-License-Identifier: GPL-2.0
/* virtio-blk (virtio 1.2, 5.2): what the guest asks for is checked here */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blk.h"
#include "dev.h"

#define CLASS_STORAGE	0x010000

struct vblk {
	struct blk blk;
	struct virtio_blk_config config;
	uint8_t *status[BLK_REQUESTS];	/* of each request, in the guest */
};

static void finish(struct blk *blk, struct blk_request *req, uint8_t status)
{
	*((struct vblk *)blk)->status[blk_index(blk, req)] = status;
	blk_give_back(blk, req, req->chain.in_len);
}

static void vblk_end(struct blk *blk, struct blk_request *req, int err)
{
	if (err == -EOPNOTSUPP)
		finish(blk, req, VIRTIO_BLK_S_UNSUPP);
	else
		finish(blk, req, err ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
}

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
		blk_submit(blk, req);
	else
		finish(blk, req, VIRTIO_BLK_S_OK);
}

static void start_range(struct blk *blk, struct blk_request *req, uint32_t type)
{
	const struct virtio_blk_config *config = &((struct vblk *)blk)->config;
	struct virtio_blk_discard_write_zeroes range;
	uint32_t flags = type == VIRTIO_BLK_T_DISCARD ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	uint32_t limit = type == VIRTIO_BLK_T_DISCARD ? config->max_discard_sectors :
							config->max_write_zeroes_sectors;

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
		blk_submit(blk, req);
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
static void vblk_start(struct blk *blk, struct blk_request *req)
{
	struct virtq_chain *c = &req->chain;
	struct iovec *out = c->iov, *in = c->iov + c->nr_out, *last;
	uint16_t nr_out = c->nr_out;
	struct virtio_blk_outhdr h;

	if (!c->in_len || !iov_take(&out, &nr_out, &h, sizeof(h))) {
		virtio_broken(&blk->vd, "a request without %s", c->in_len ? "header" : "status");
		blk_give_back(blk, req, 0);
		return;
	}
	last = &in[c->nr_in - 1];
	((struct vblk *)blk)->status[blk_index(blk, req)] =
		(uint8_t *)last->iov_base + --last->iov_len;
	req->iov = out;
	req->nr = nr_out;
	req->left = c->out_len - sizeof(h);
	/* Without FLUSH the driver takes what is done for stable (5.2.6.2) */
	req->stable = !virtio_has(&blk->vd, VIRTIO_BLK_F_FLUSH);
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
		blk_submit(blk, req);
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

static void vblk_kick(struct virtio_dev *vd, struct virtq *vq)
{
	blk_kick((struct blk *)vd, vq);
}

static void vblk_update(struct virtio_dev *vd)
{
	blk_update((struct blk *)vd);
}

static bool vblk_reset(struct virtio_dev *vd)
{
	return blk_reset((struct blk *)vd);
}

/* ---- making and unmaking */

static void vblk_free(struct virtio_dev *vd)
{
	blk_destroy((struct blk *)vd);
	free(vd);
}

static const struct virtio_ops vblk_ops = {
	.name = "virtio-blk",
	.kick = vblk_kick,
	.reset = vblk_reset,
	.update = vblk_update,
	.free = vblk_free,
};

static const struct blk_front vblk_front = {
	.start = vblk_start,
	.end = vblk_end,
};

static uint64_t set_config(struct vblk *v)
{
	const struct disk *disk = &v->blk.disk;
	uint64_t features = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			    1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ;

	v->config = (struct virtio_blk_config){
		.capacity = disk->size / SECTOR,
		.seg_max = VIRTQ_MAX - 2,	/* without header and status */
		.blk_size = disk->block,
		.num_queues = blk_queues(v->blk.vd.pci.vm),
		.max_discard_sectors = v->blk.max_discard,
		.max_discard_seg = 1,
		.discard_sector_alignment = disk->block / SECTOR,
		.max_write_zeroes_sectors = v->blk.max_zero,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 0,
	};
	if (disk->opt->ro)
		return features | 1ULL << VIRTIO_BLK_F_RO;
	if (v->blk.max_discard)
		features |= 1ULL << VIRTIO_BLK_F_DISCARD;
	if (v->blk.max_zero)
		features |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	return features;
}

int virtio_blk_create(struct vm *vm, struct disk *disk)
{
	struct vblk *v = calloc(1, sizeof(*v));
	struct virtio_kind kind = {
		.ops = &vblk_ops,
		.id = VIRTIO_ID_BLOCK,
		.class = CLASS_STORAGE,
		.config_len = sizeof(v->config),
	};

	if (!v)
		return complain(EXIT_HOST, "--disk %s: no memory", disk->opt->path);
	blk_init(&v->blk, vm, disk, &vblk_front);
	kind.features = set_config(v);
	kind.config = &v->config;
	return blk_create(&v->blk, &kind, 0);
}
