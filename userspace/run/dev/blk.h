/* SPDX-License-Identifier: GPL-2.0 */
/* Between virtio_blk.c, which talks to the guest, and who has the disk */
#ifndef RUN_BLK_H
#define RUN_BLK_H

#include <linux/virtio_blk.h>

#include "../disk.h"
#include "../throttle.h"
#include "../vm.h"
#include "virtio.h"

#define BLK_REQUESTS	256		/* in flight */

enum blk_op { OP_READ, OP_WRITE, OP_FLUSH, OP_DISCARD, OP_ZERO, OP_WRITE_ZERO };

struct blk_request {
	struct virtq *vq;
	struct virtq_chain chain;
	enum blk_op op;
	uint8_t *status;	/* in the guest */
	struct iovec *iov;	/* what is left to transfer */
	uint16_t nr;
	uint64_t offset, left;	/* bytes */
};

struct blk;

/**
 * struct blk_ops - who has the disk
 * @submit: begins a request; blk_completed() is called later, never by it
 * @commit: all that were submitted are under way when it returns
 * @wait: waits for an end and calls blk_completed(); false if none will come
 * @free: releases what it has in @back; nothing is in flight
 */
struct blk_ops {
	void (*submit)(struct blk *blk, struct blk_request *req);
	void (*commit)(struct blk *blk);
	bool (*wait)(struct blk *blk);
	void (*free)(struct blk *blk);
};

struct blk {
	struct virtio_dev vd;
	struct disk disk;
	struct virtio_blk_config config;
	const struct blk_ops *ops;
	void *back;
	bool failed;		/* and it was said */
	bool closing;		/* there is no guest any more */
	bool starved;		/* entries wait for a free request */
	struct throttle throttle;
	struct loop_timer again;	/* when the limits allow more */
	unsigned int nr_free;
	struct blk_request *free[BLK_REQUESTS];
	struct blk_request request[BLK_REQUESTS];
};

/* @res: bytes that were transferred, 0, or -errno */
void blk_completed(struct blk *blk, struct blk_request *req, int64_t res);
/* After one or more of those: tells the guest, and takes what had to wait */
void blk_settle(struct blk *blk);

/* The back ends: set @ops and @back. 0; or, after a line, an exit status */
int blk_uring_create(struct blk *blk);
int blk_user_create(struct blk *blk);

#endif
