/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk of the guest: blk.c has its requests; a front end, virtio_blk.c or
 * virtio_scsi.c, talks to the guest, and a back end has what is on the disk.
 */
#ifndef RUN_BLK_H
#define RUN_BLK_H

#include <linux/virtio_blk.h>

#include "../disk.h"
#include "../throttle.h"
#include "../vm.h"
#include "virtio.h"

#define BLK_REQUESTS	256		/* in flight */
#define BLK_MAX_QUEUES	16		/* for requests */

enum blk_op {
	OP_READ, OP_WRITE, OP_FLUSH, OP_DISCARD,
	OP_ZERO,		/* the room stays allocated */
	OP_ZERO_UNMAP,		/* or is given back, if it reads as zeroes then */
	OP_WRITE_ZERO,		/* by writing, where neither is possible */
};

struct blk_request {
	struct virtq *vq;
	struct virtq_chain chain;
	enum blk_op op;
	bool stable;		/* what changes the disk ends when it is on stable storage */
	bool held;		/* it is tried again when the host may have room for it */
	bool waited;		/* has been held, and not ended since */
	bool unwanted;		/* it is not to be held */
	struct iovec *iov;	/* what is left to transfer */
	uint16_t nr;
	uint64_t offset, left;	/* bytes */
};

struct blk;

/**
 * struct blk_front - how the guest asks
 * @start: looks at a chain that was taken: blk_submit() or blk_give_back()
 * @end: it was done, or failed with -errno; -EOPNOTSUPP is for OP_DISCARD only.
 *	Either of the same again
 * @empty: all that was in a queue has been taken; or NULL
 */
struct blk_front {
	void (*start)(struct blk *blk, struct blk_request *req);
	void (*end)(struct blk *blk, struct blk_request *req, int err);
	void (*empty)(struct blk *blk, struct virtq *vq);
};

/**
 * struct blk_ops - who has the disk
 * @submit: begins a request; blk_completed() is called later, never by it
 * @commit: all that were submitted are under way when it returns, or have been
 *	completed by it
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
	const struct blk_front *front;
	const struct blk_ops *ops;
	void *back;
	uint32_t max_discard;	/* sectors at once; 0: the back end cannot */
	uint32_t max_zero;
	uint64_t said_at;	/* that something failed; nanoseconds, 0: never */
	uint64_t unsaid;	/* failures since */
	bool closing;		/* there is no guest any more */
	bool starved;		/* entries wait for a free request */
	bool unlimited;		/* the front end wants all that is there, to drop it */
	struct throttle throttle;
	struct loop_timer again;	/* when the limits allow more */
	struct loop_timer room;		/* what is held is tried again */
	unsigned int nr_held, nr_waited;
	bool full;			/* that they wait was said, and not that they do not */
	uint64_t full_at;		/* when, as @said_at */
	unsigned int nr_free;
	struct blk_request *free[BLK_REQUESTS];
	struct blk_request request[BLK_REQUESTS];
};

/* ---- for front ends */

/* Takes @disk over; @blk, zeroed, is the first member of what the front end has */
void blk_init(struct blk *blk, struct vm *vm, struct disk *disk, const struct blk_front *front);
/*
 * Its back end, and the device on the bus, with that many @queues that are not for
 * requests. 0; or an exit status, after a line: @kind's free() has been called then
 */
int blk_create(struct blk *blk, struct virtio_kind *kind, uint16_t queues);
/* For struct virtio_ops: a queue of requests has some; update, reset; what free() begins with */
void blk_kick(struct blk *blk, struct virtq *vq);
void blk_update(struct blk *blk);
bool blk_reset(struct blk *blk);
void blk_destroy(struct blk *blk);

/* How many queues for requests a guest gets */
uint16_t blk_queues(const struct vm *vm);
/* Begins what @req says */
void blk_submit(struct blk *blk, struct blk_request *req);
/* The device wrote the first @written bytes of the chain's */
void blk_give_back(struct blk *blk, struct blk_request *req, uint32_t written);
/* It does not wait for room on the host: it fails, if it does so now or should later */
void blk_drop(struct blk *blk, struct blk_request *req);
/* @bytes more than those of the chain count for the limits */
void blk_charge(struct blk *blk, uint64_t bytes);

static inline unsigned int blk_index(const struct blk *blk, const struct blk_request *req)
{
	return req - blk->request;
}

/* ---- for back ends */

/* @res: bytes that were transferred, 0, or -errno */
void blk_completed(struct blk *blk, struct blk_request *req, int64_t res);
/* After one or more of those: tells the guest, and takes what had to wait */
void blk_settle(struct blk *blk);

/* The back ends: set @ops and @back. 0; or, after a line, an exit status */
int blk_uring_create(struct blk *blk);
int blk_user_create(struct blk *blk);

#endif
