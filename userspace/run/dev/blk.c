// SPDX-License-Identifier: GPL-2.0
/* Requests for a disk, from when the guest has made them until they are given back */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../disk_user.h"
#include "blk.h"
#include "dev.h"

#define MAX_RANGE	(1u << 22)	/* sectors to discard or zero at once */
#define ROOM_NS		1000000000ULL	/* between two attempts to find room on the host */
#define SAY_NS		60000000000ULL	/* between two lines about what fails */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* ---- the end of a request */

void blk_submit(struct blk *blk, struct blk_request *req)
{
	blk->ops->submit(blk, req);
}

void blk_give_back(struct blk *blk, struct blk_request *req, uint32_t written)
{
	virtq_push(req->vq, &req->chain, written);
	blk->free[blk->nr_free++] = req;
	if (!req->waited)
		return;
	req->waited = false;
	if (--blk->nr_waited || !blk->full || blk->vd.resetting)
		return;
	blk->full = false;
	complain(0, "--disk %s: nothing waits for space any more", blk->disk.opt->path);
}

/* A line for the first of many: a guest tries again, and has other sectors to try */
static void say_failed(struct blk *blk, const struct blk_request *req, int err)
{
	const char *why = disk_shrunk(&blk->disk) ? "it has become shorter" : strerror(err);
	uint64_t now = now_ns();
	char where[32] = "", more[64] = "";

	if (blk->said_at && now - blk->said_at < SAY_NS) {
		blk->unsaid++;
		return;
	}
	if (req->op != OP_FLUSH)
		snprintf(where, sizeof(where), " at byte %llu", (unsigned long long)req->offset);
	if (blk->unsaid)
		snprintf(more, sizeof(more), ", as it was of %llu more",
			 (unsigned long long)blk->unsaid);
	complain(0, "--disk %s: %s%s: %s; the guest is told%s", blk->disk.opt->path,
		 req->op == OP_READ ? "reading" : req->op == OP_FLUSH ? "flushing" : "writing",
		 where, why, more);
	blk->said_at = now;
	blk->unsaid = 0;
}

static void failed(struct blk *blk, struct blk_request *req, int err)
{
	say_failed(blk, req, err);
	blk->front->end(blk, req, -err);
}

/* ---- room on the host */

/*
 * Is it for want of room that @req has failed? Past its end, a block device that has
 * become shorter says the same. A flush is never repeated: the host's kernel tells of
 * what it could not write once, and then forgets it
 */
static bool lacks_room(const struct blk *blk, const struct blk_request *req, int64_t res)
{
	return (res == -ENOSPC || res == -EDQUOT) && req->op != OP_READ && req->op != OP_FLUSH &&
	       !req->unwanted && !blk->vd.resetting && !disk_shrunk(&blk->disk);
}

/* A guest that takes its requests back and makes them anew is not heard each time */
static void say_full(struct blk *blk, const struct blk_request *req)
{
	uint64_t now = now_ns();

	if (blk->full || (blk->full_at && now - blk->full_at < SAY_NS))
		return;
	blk->full = true;
	blk->full_at = now;
	complain(0, "--disk %s: no space left on the host for byte %llu; the guest waits for it",
		 blk->disk.opt->path, (unsigned long long)req->offset);
}

/*
 * The guest waits, as an error would cost it the data: it has told its own programs
 * long ago that they were written
 */
static void hold(struct blk *blk, struct blk_request *req)
{
	if (!req->waited && !blk->nr_waited++)
		say_full(blk, req);
	req->waited = true;
	req->held = true;
	if (!blk->nr_held++)
		timer_set(&blk->room, ROOM_NS, 0);
}

/* True if it was held */
static bool unhold(struct blk *blk, struct blk_request *req)
{
	if (!req->held)
		return false;
	req->held = false;
	blk->nr_held--;
	return true;
}

static void room_event(void *arg)
{
	struct blk *blk = arg;

	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (unhold(blk, &blk->request[i]))
			blk_submit(blk, &blk->request[i]);
	blk_settle(blk);
}

void blk_drop(struct blk *blk, struct blk_request *req)
{
	req->unwanted = true;
	if (!unhold(blk, req))
		return;
	blk->front->end(blk, req, -EIO);
	blk_settle(blk);
}

/* ---- what the back end says */

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

static void done(struct blk *blk, struct blk_request *req)
{
	if (req->op == OP_READ || req->op == OP_FLUSH || !req->stable) {
		blk->front->end(blk, req, 0);
		return;
	}
	req->op = OP_FLUSH;
	blk_submit(blk, req);
}

/* The next way to do what the back end cannot do like that; false: there is none */
static bool fall_back(struct blk_request *req)
{
	if (req->op == OP_ZERO_UNMAP)
		req->op = OP_ZERO;
	else if (req->op == OP_ZERO)
		req->op = OP_WRITE_ZERO;
	else
		return false;
	return true;
}

void blk_completed(struct blk *blk, struct blk_request *req, int64_t res)
{
	bool transfer = req->op == OP_READ || req->op == OP_WRITE || req->op == OP_WRITE_ZERO;

	if (blk->closing) {
		blk->free[blk->nr_free++] = req;
	} else if (res == -EINTR || res == -EAGAIN || (res == -EOPNOTSUPP && fall_back(req))) {
		blk_submit(blk, req);
	} else if (res == -EOPNOTSUPP && req->op == OP_DISCARD) {
		blk->front->end(blk, req, res);
	} else if (lacks_room(blk, req, res)) {
		hold(blk, req);
	} else if (res < 0 || (transfer && !res)) {
		/* Nothing is read where the file has become shorter */
		failed(blk, req, res ? -res : EIO);
	} else if (transfer && (uint64_t)res < req->left) {
		advance(req, res);
		blk_submit(blk, req);
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

/* True if the limits allow a request; if not, the queues are looked at when they do */
static bool allowed(struct blk *blk, uint64_t now)
{
	uint64_t wait = blk->unlimited ? 0 : throttle_wait(&blk->throttle, now);

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

void blk_charge(struct blk *blk, uint64_t bytes)
{
	throttle_charge(&blk->throttle, now_ns(), bytes);
}

void blk_kick(struct blk *blk, struct virtq *vq)
{
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
		req->unwanted = false;
		blk->front->start(blk, req);
	}
	/* blk_settle() kicks the queues then, as soon as something has ended */
	if (!blk->nr_free) {
		blk->starved = true;
		more = false;
	}
	blk_settle(blk);
	if (more && virtq_doorbell_on(vq))
		virtio_kick(vq);
	else if (more && blk->front->empty)
		blk->front->empty(blk, vq);
}

void blk_update(struct blk *blk)
{
	char name[16];
	int ret;

	if (!blk->vd.thread || !virtio_running(&blk->vd))
		return;
	snprintf(name, sizeof(name), "disk-slot%u", blk->vd.pci.slot);
	ret = iothread_start(blk->vd.thread, name);
	if (ret)
		vm_end_text(blk->vd.pci.vm, END_HOST_ERROR, "--disk %s: no thread: %s",
			    blk->disk.opt->path, strerror(-ret));
}

bool blk_reset(struct blk *blk)
{
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (unhold(blk, &blk->request[i]))
			blk->front->end(blk, &blk->request[i], -EIO);
	return blk->nr_free == BLK_REQUESTS;
}

/* ---- making and unmaking */

void blk_destroy(struct blk *blk)
{
	if (blk->vd.thread)
		iothread_stop(blk->vd.thread);
	/* What is under way uses the guest's memory; nobody waits for the results */
	blk->closing = true;
	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (unhold(blk, &blk->request[i]))
			blk->nr_free++;
	while (blk->ops && blk->nr_free < BLK_REQUESTS && blk->ops->wait(blk))
		;
	if (blk->ops)
		blk->ops->free(blk);
	timer_fini(virtio_loop(&blk->vd), &blk->again);
	timer_fini(virtio_loop(&blk->vd), &blk->room);
	disk_close(&blk->disk);
	virtio_destroy(&blk->vd);
	iothread_free(blk->vd.thread);
}

uint16_t blk_queues(const struct vm *vm)
{
	return vm->opt->cpus < BLK_MAX_QUEUES ? vm->opt->cpus : BLK_MAX_QUEUES;
}

/* @has: what another process has, if it has @feature at all */
static uint32_t limit(const struct disk *disk, unsigned int feature, uint32_t has)
{
	if (disk->opt->ro)
		return 0;
	if (!disk->user)
		return MAX_RANGE;
	if (!(disk->user->features >> feature & 1))
		return 0;
	return has < MAX_RANGE ? has : MAX_RANGE;
}

void blk_init(struct blk *blk, struct vm *vm, struct disk *disk, const struct blk_front *front)
{
	const struct virtio_blk_config none = { 0 };
	const struct virtio_blk_config *has = disk->user ? &disk->user->config : &none;

	blk->disk = *disk;
	disk->fd = -1;
	disk->user = NULL;
	disk = &blk->disk;
	blk->front = front;
	blk->again.source.fd = -1;
	blk->room.source.fd = -1;
	blk->throttle.iops = disk->opt->iops;
	blk->throttle.bps = disk->opt->bps;
	blk->max_discard = limit(disk, VIRTIO_BLK_F_DISCARD, has->max_discard_sectors);
	blk->max_zero = limit(disk, VIRTIO_BLK_F_WRITE_ZEROES, has->max_write_zeroes_sectors);
	for (; blk->nr_free < BLK_REQUESTS; blk->nr_free++)
		blk->free[blk->nr_free] = &blk->request[BLK_REQUESTS - 1 - blk->nr_free];
	blk->vd.pci.vm = vm;
}

int blk_create(struct blk *blk, struct virtio_kind *kind, uint16_t queues)
{
	const char *path = blk->disk.opt->path;
	struct vm *vm = blk->vd.pci.vm;
	int ret;

	kind->queues = queues + blk_queues(vm);
	kind->lazy = true;
	if (blk->disk.opt->packed)
		kind->features |= 1ULL << VIRTIO_F_RING_PACKED;
	if (blk->disk.opt->iothread) {
		blk->vd.thread = iothread_create();
		if (!blk->vd.thread) {
			kind->ops->free(&blk->vd);
			return complain(EXIT_HOST, "--disk %s: no iothread", path);
		}
	}
	ret = blk->disk.user ? blk_user_create(blk) : blk_uring_create(blk);
	if (ret) {
		kind->ops->free(&blk->vd);
		return ret;
	}
	ret = timer_init(virtio_loop(&blk->vd), &blk->again, again_event, blk);
	if (!ret)
		ret = timer_init(virtio_loop(&blk->vd), &blk->room, room_event, blk);
	if (ret)
		kind->ops->free(&blk->vd);
	else
		ret = virtio_create(&blk->vd, vm, kind);
	return ret ? complain(EXIT_HOST, "--disk %s: %s", path, strerror(-ret)) : 0;
}

int blk_device_create(struct vm *vm, struct disk *disk)
{
	return disk->opt->bus == DISK_SCSI ? virtio_scsi_create(vm, disk) :
					     virtio_blk_create(vm, disk);
}
