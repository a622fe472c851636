// SPDX-License-Identifier: GPL-2.0
/*
 * A disk's file or block device, by io_uring. All queues share one ring: the
 * disk's loop submits what a doorbell announces in one system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <linux/falloc.h>

#include "blk.h"
#include "dev.h"

#define ZERO_LEN	65536

struct uring {
	struct io_uring ring;
	struct loop_source done;
	struct uring *next;	/* of those that no disk has */
	bool forgetful;		/* a flush has failed: what is in the page cache is not sure */
};

/* They are made before the sandbox is entered, which has no call for that */
static struct uring *spare;
static bool keep;

static uint8_t zeroes[ZERO_LEN] __attribute__((aligned(4096)));

static void uring_submit(struct blk *blk, struct blk_request *req)
{
	struct uring *u = blk->back;
	/* There are as many as requests */
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	int fd = blk->disk.fd;

	switch (req->op) {
	case OP_READ:
		io_uring_prep_readv(sqe, fd, req->iov, req->nr, req->offset);
		break;
	case OP_WRITE:
		io_uring_prep_writev(sqe, fd, req->iov, req->nr, req->offset);
		break;
	case OP_FLUSH:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case OP_DISCARD:
	case OP_ZERO_UNMAP:	/* a hole, of a block device too, reads as zeroes */
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					req->offset, req->left);
		break;
	case OP_ZERO:
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
					req->offset, req->left);
		break;
	case OP_WRITE_ZERO:
		io_uring_prep_write(sqe, fd, zeroes, req->left < ZERO_LEN ? req->left : ZERO_LEN,
				    req->offset);
		break;
	}
	io_uring_sqe_set_data(sqe, req);
}

/*
 * What becomes of a flush. Pages that the host could not write are clean to it afterwards:
 * the next flush would be a success without them, so with a page cache there is none
 * after a failure. Nor is there one on a file that somebody has truncated: a write
 * that has made it longer again has left a hole behind it
 */
static int flushed(struct blk *blk, int res)
{
	struct uring *u = blk->back;

	if (res < 0 && res != -EINTR && res != -EAGAIN && !blk->disk.opt->direct)
		u->forgetful = true;
	return !res && (u->forgetful || disk_shrunk(&blk->disk)) ? -EIO : res;
}

static bool take_one(struct blk *blk, bool wait)
{
	struct uring *u = blk->back;
	struct io_uring_cqe *cqe;
	struct blk_request *req;
	int res;

	if (wait ? io_uring_wait_cqe(&u->ring, &cqe) : io_uring_peek_cqe(&u->ring, &cqe))
		return false;
	req = io_uring_cqe_get_data(cqe);
	res = cqe->res;
	io_uring_cqe_seen(&u->ring, cqe);
	blk_completed(blk, req, req->op == OP_FLUSH ? flushed(blk, res) : res);
	return true;
}

static void enter(struct blk *blk)
{
	struct uring *u = blk->back;
	int ret, tries = 0;

	do {
		ret = io_uring_submit(&u->ring);
	} while (ret < 0 && ++tries < 1000);
	if (ret < 0)
		vm_end_text(blk->vd.pci.vm, END_HOST_ERROR, "--disk %s: io_uring: %s",
			    blk->disk.opt->path, strerror(-ret));
}

/*
 * What the host's page cache or a fast disk has is done when the system call returns:
 * taken here, it costs neither an event nor an interrupt of its own. What becomes of
 * the remainder of such a request, if there is one, is the ring's event's
 */
static void uring_commit(struct blk *blk)
{
	enter(blk);
	while (take_one(blk, false))
		;
	enter(blk);
}

static void done_event(void *arg, uint32_t events)
{
	(void)events;
	blk_settle(arg);
}

static bool uring_wait(struct blk *blk)
{
	return take_one(blk, true);
}

static void destroy(struct uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u);
}

static void uring_free(struct blk *blk)
{
	struct uring *u = blk->back;

	loop_del(virtio_loop(&blk->vd), &u->done);
	/* For the next disk, unless something of this one may come yet */
	if (keep && blk->nr_free == BLK_REQUESTS) {
		u->forgetful = false;
		u->next = spare;
		spare = u;
	} else {
		destroy(u);
	}
}

static const struct blk_ops uring_ops = {
	.submit = uring_submit,
	.commit = uring_commit,
	.wait = uring_wait,
	.free = uring_free,
};

/*
 * A ring carries out system calls that no filter sees. This one does what is used
 * above, and nothing else from here on: no open, no connection, no flags.
 */
static int restrict_ring(struct io_uring *ring)
{
	static const uint8_t ops[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_WRITE, IORING_OP_FSYNC,
		IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction r[ARRAY_SIZE(ops)] = { 0 };
	int ret;

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
		r[i].sqe_op = ops[i];
	}
	/* liburing 2.3 declares functions for both, and has none */
	ret = io_uring_register(ring->ring_fd, IORING_REGISTER_RESTRICTIONS, r, ARRAY_SIZE(ops));
	return ret ? ret : io_uring_register(ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static int ring_error(const char *path, int err)
{
	/* By a sysctl, a system call filter, or built without */
	if (err != ENOMEM && err != EMFILE && err != ENFILE)
		return complain(EXIT_HOST, "--disk %s: this host's kernel forbids io_uring (%s), "
				"which disks need: see kernel.io_uring_disabled, or a "
				"container's system call filter", path, strerror(err));
	return complain(EXIT_HOST, "--disk %s: io_uring: %s", path, strerror(err));
}

/* 0 or -errno */
static int make(struct uring **uring)
{
	struct uring *u = calloc(1, sizeof(*u));
	int ret = u ? io_uring_queue_init(BLK_REQUESTS, &u->ring, IORING_SETUP_R_DISABLED) :
		      -ENOMEM;

	if (ret) {
		free(u);
		return ret;
	}
	ret = restrict_ring(&u->ring);
	if (ret)
		destroy(u);
	else
		*uring = u;
	return ret;
}

void blk_uring_reserve(unsigned int n)
{
	struct uring *u;

	/* Without them the disk that wants one says so */
	while (n-- && !make(&u)) {
		u->next = spare;
		spare = u;
	}
	keep = true;
}

int blk_uring_create(struct blk *blk)
{
	const char *path = blk->disk.opt->path;
	struct uring *u = spare;
	int ret = 0;

	if (u)
		spare = u->next;
	else
		ret = make(&u);
	if (ret)
		return ring_error(path, -ret);
	blk->back = u;
	blk->ops = &uring_ops;
	ret = loop_add(virtio_loop(&blk->vd), &u->done, u->ring.ring_fd, EPOLLIN, done_event, blk);
	return ret ? complain(EXIT_HOST, "--disk %s: %s", path, strerror(-ret)) : 0;
}
