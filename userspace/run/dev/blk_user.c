// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that another process serves over vhost-user. The guest's requests go on
 * in a ring of our own, whose descriptors point into guest memory: what was not
 * answered is therefore known, whatever becomes of the other process. If that goes
 * away the guest waits; the process that comes back gets all of it again. Doing a
 * request twice is harmless: the guest knows the outcome of neither.
 *
 * What was answered may be gone too, up to the last flush: a qemu-storage-daemon has
 * the tables of a qcow2 image in its memory until then. The guest cannot know of that
 * loss, so copies of what it has written since are kept, and written anew first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../disk_user.h"
#include "blk.h"
#include "virtq.h"

/* Where the ring is for the back end: above every guest's memory */
#define RING_GPA	(1ULL << 56)
#define AGAIN_NS	1000000000ULL	/* between two attempts to connect */
#define CLOSE_MS	5000		/* for the last answers */
#define KEPT_MAX	(32u << 20)	/* bytes of copies; one more write waits for a flush */
#define PIECE		(256u << 10)	/* of a copy that is written anew */

/* What a request needs beside its data */
struct slot {
	struct vring_desc table[VIRTQ_MAX + 2];
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	uint8_t status;
};

/* A write, or another change of a range, that was answered and not yet flushed */
struct kept {
	struct kept *next;
	enum blk_op op;
	uint64_t nr;			/* counts up */
	uint64_t offset, len;		/* bytes */
	uint8_t data[];			/* of a write */
};

/* Shared with the back end, which may write anything to it at any time */
struct shared {
	struct vring_desc desc[BLK_REQUESTS];
	struct {
		uint16_t flags, idx, ring[BLK_REQUESTS], event;
	} avail __attribute__((aligned(4096)));
	struct {
		uint16_t flags, idx;
		struct vring_used_elem ring[BLK_REQUESTS];
		uint16_t event;
	} used __attribute__((aligned(4096)));
	struct slot slot[BLK_REQUESTS];
	uint8_t piece[PIECE];
};

struct user {
	struct disk_user *disk;
	struct shared *shared;
	int fd;				/* of it, a memfd */
	int kick;
	struct loop_source call, hangup;
	struct loop_timer again;
	uint16_t avail, used;		/* as they ought to be */
	bool flying[BLK_REQUESTS];
	struct kept *first, **end;	/* in the order in which they were answered */
	uint64_t kept;			/* bytes in them */
	uint64_t kept_nr;		/* of the next one */
	uint64_t covers[BLK_REQUESTS];	/* a flush: those before this number */
	struct kept *again_at;		/* is being written anew, before all else */
	uint64_t again_from;		/* that much of it has been */
	bool lost;			/* what could not be: the next flush fails */
};

static uint64_t ring_gpa(const struct user *u, const void *p)
{
	return RING_GPA + ((const uint8_t *)p - (const uint8_t *)u->shared);
}

/* ---- requests */

static const uint32_t types[] = {
	[OP_READ] = VIRTIO_BLK_T_IN,
	[OP_WRITE] = VIRTIO_BLK_T_OUT,
	[OP_FLUSH] = VIRTIO_BLK_T_FLUSH,
	[OP_DISCARD] = VIRTIO_BLK_T_DISCARD,
	[OP_ZERO] = VIRTIO_BLK_T_WRITE_ZEROES,
	[OP_ZERO_UNMAP] = VIRTIO_BLK_T_WRITE_ZEROES,
	[OP_WRITE_ZERO] = VIRTIO_BLK_T_WRITE_ZEROES,
};

static bool transfers(enum blk_op op)
{
	return op == OP_READ || op == OP_WRITE;
}

/* The header, and for a range what it is; returns how many descriptors that takes */
static unsigned int begin_table(struct user *u, struct slot *s, enum blk_op op,
				uint64_t offset, uint64_t len)
{
	s->status = 0xff;
	s->header = (struct virtio_blk_outhdr){ .type = types[op] };
	s->table[0] = (struct vring_desc){
		ring_gpa(u, &s->header), sizeof(s->header), VRING_DESC_F_NEXT, 0,
	};
	if (transfers(op))
		s->header.sector = offset / SECTOR;
	if (transfers(op) || op == OP_FLUSH)
		return 1;
	s->range = (struct virtio_blk_discard_write_zeroes){
		.sector = offset / SECTOR, .num_sectors = len / SECTOR,
		.flags = op == OP_ZERO_UNMAP ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0,
	};
	s->table[1] = (struct vring_desc){
		ring_gpa(u, &s->range), sizeof(s->range), VRING_DESC_F_NEXT, 0,
	};
	return 2;
}

/* The status after @n descriptors, and slot @i is made available */
static void offer_table(struct user *u, unsigned int i, unsigned int n)
{
	struct slot *s = &u->shared->slot[i];

	s->table[n++] = (struct vring_desc){ ring_gpa(u, &s->status), 1, VRING_DESC_F_WRITE, 0 };
	for (unsigned int k = 0; k < n - 1; k++)
		s->table[k].next = k + 1;
	u->shared->desc[i] = (struct vring_desc){
		ring_gpa(u, s->table), n * sizeof(s->table[0]), VRING_DESC_F_INDIRECT, 0,
	};
	u->shared->avail.ring[u->avail++ % BLK_REQUESTS] = i;
}

static void offer(struct blk *blk, unsigned int i)
{
	const struct guest_mem *mem = &blk->vd.pci.vm->mem;
	const struct blk_request *req = &blk->request[i];
	uint16_t flags = VRING_DESC_F_NEXT | (req->op == OP_READ ? VRING_DESC_F_WRITE : 0);
	struct user *u = blk->back;
	struct slot *s = &u->shared->slot[i];
	unsigned int n = begin_table(u, s, req->op, req->offset, req->left);

	for (unsigned int k = 0; transfers(req->op) && k < req->nr; k++)
		if (req->iov[k].iov_len)
			s->table[n++] = (struct vring_desc){
				mem_gpa(mem, req->iov[k].iov_base), req->iov[k].iov_len, flags, 0,
			};
	offer_table(u, i, n);
	u->covers[i] = u->kept_nr;
}

static void user_submit(struct blk *blk, struct blk_request *req)
{
	struct user *u = blk->back;
	unsigned int i = blk_index(blk, req);

	u->flying[i] = true;
	if (u->disk->fd >= 0 && !u->again_at)
		offer(blk, i);
}

/* ---- copies */

/* False if there is no memory */
static bool keep(struct user *u, const struct blk_request *req)
{
	uint64_t room = req->op == OP_WRITE ? req->left : 0;
	struct kept *k = malloc(sizeof(*k) + room);
	uint8_t *p;

	if (!k)
		return false;
	*k = (struct kept){
		.op = req->op, .nr = u->kept_nr++, .offset = req->offset, .len = req->left,
	};
	p = k->data;
	for (unsigned int i = 0; room && i < req->nr; p += req->iov[i++].iov_len)
		memcpy(p, req->iov[i].iov_base, req->iov[i].iov_len);
	*u->end = k;
	u->end = &k->next;
	u->kept += sizeof(*k) + room;
	return true;
}

static void drop_before(struct user *u, uint64_t nr)
{
	while (u->first && u->first->nr < nr) {
		struct kept *k = u->first;

		u->first = k->next;
		if (!u->first)
			u->end = &u->first;
		u->kept -= sizeof(*k) + (k->op == OP_WRITE ? k->len : 0);
		free(k);
	}
}

static void offer_all(struct blk *blk)
{
	struct user *u = blk->back;

	for (unsigned int i = 0; i < BLK_REQUESTS; i++)
		if (u->flying[i])
			offer(blk, i);
}

/* The next piece of @again_at; if there is none, what has waited for the end of that */
static void write_anew(struct blk *blk)
{
	struct user *u = blk->back;
	struct slot *s = &u->shared->slot[0];
	struct kept *k = u->again_at;
	uint64_t len;
	unsigned int n;

	if (k && u->again_from == k->len) {
		u->again_at = k->next;
		u->again_from = 0;
		k = u->again_at;
	}
	if (!k) {
		offer_all(blk);
		return;
	}
	len = k->len - u->again_from;
	if (k->op == OP_WRITE && len > PIECE)
		len = PIECE;
	n = begin_table(u, s, k->op, k->offset + u->again_from, len);
	if (k->op == OP_WRITE) {
		memcpy(u->shared->piece, k->data + u->again_from, len);
		s->table[n++] = (struct vring_desc){
			ring_gpa(u, u->shared->piece), len, VRING_DESC_F_NEXT, 0,
		};
	}
	u->again_from += len;
	offer_table(u, 0, n);
}

static bool has_cache(const struct user *u)
{
	return u->disk->features >> VIRTIO_BLK_F_FLUSH & 1;
}

static void user_commit(struct blk *blk)
{
	struct user *u = blk->back;
	uint64_t one = 1;

	if (u->disk->fd < 0 || u->shared->avail.idx == u->avail)
		return;
	store16(&u->shared->avail.idx, u->avail);
	/* Pairs with the back end's: it asks for doorbells, then looks for entries */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(load16(&u->shared->used.flags) & VRING_USED_F_NO_NOTIFY))
		(void)!write(u->kick, &one, sizeof(one));
}

static int64_t result(const struct blk_request *req, uint8_t status)
{
	if (status == VIRTIO_BLK_S_UNSUPP)
		return -EOPNOTSUPP;
	if (status != VIRTIO_BLK_S_OK)
		return -EIO;
	return req->op == OP_READ || req->op == OP_WRITE || req->op == OP_WRITE_ZERO ?
	       (int64_t)req->left : 0;
}

/* The back end has answered @req */
static void answered(struct blk *blk, struct blk_request *req, int64_t res)
{
	struct user *u = blk->back;

	if (req->op == OP_FLUSH && !res) {
		drop_before(u, u->covers[req - blk->request]);
		if (u->lost)
			res = -EIO;
		u->lost = false;
	} else if (req->op != OP_READ && res >= 0 && has_cache(u)) {
		if (!keep(u, req)) {
			res = -ENOMEM;
		} else if (u->kept > KEPT_MAX) {
			req->op = OP_FLUSH;
			user_submit(blk, req);
			return;
		}
	}
	blk_completed(blk, req, res);
}

/* One piece of a copy has been written, or not */
static void written_anew(struct blk *blk, uint8_t status)
{
	struct user *u = blk->back;

	if (status != VIRTIO_BLK_S_OK && !u->lost) {
		u->lost = true;
		complain(0, "--disk %s: what its process had taken cannot be written again; the "
			 "guest is told at its next flush", blk->disk.opt->path);
	}
	write_anew(blk);
}

/* False if the back end gives back what it does not have */
static bool take_used(struct blk *blk)
{
	struct user *u = blk->back;
	uint16_t n = load16(&u->shared->used.idx) - u->used;

	if (n > BLK_REQUESTS)
		return false;
	while (n--) {
		uint32_t i = *(volatile uint32_t *)
			     &u->shared->used.ring[u->used++ % BLK_REQUESTS].id;
		uint8_t status;

		if (i >= BLK_REQUESTS)
			return false;
		status = *(volatile uint8_t *)&u->shared->slot[i].status;
		if (u->again_at) {
			if (i)
				return false;
			written_anew(blk, status);
			continue;
		}
		if (!u->flying[i])
			return false;
		u->flying[i] = false;
		answered(blk, &blk->request[i], result(&blk->request[i], status));
	}
	return true;
}

/* ---- the connection */

static void lose(struct blk *blk, const char *why)
{
	struct user *u = blk->back;

	loop_del(&blk->vd.pci.vm->loop, &u->hangup);
	close(u->disk->fd);
	u->disk->fd = -1;
	/* What it had answered before it went */
	take_used(blk);
	complain(0, "--disk %s: %s; the guest waits for it", blk->disk.opt->path, why);
	timer_set(&u->again, 1, 0);
}

static void call_event(void *arg, uint32_t events)
{
	struct blk *blk = arg;
	struct user *u = blk->back;
	uint64_t count;

	(void)events;
	if (read(u->call.fd, &count, sizeof(count)) != sizeof(count) || u->disk->fd < 0)
		return;
	if (!take_used(blk))
		lose(blk, "its process answers what it was not asked");
	blk_settle(blk);
}

/* It says nothing unasked: this is its end */
static void hangup_event(void *arg, uint32_t events)
{
	(void)events;
	lose(arg, "its process is gone");
	blk_settle(arg);
}

static int set_up(struct blk *blk)
{
	const struct guest_mem *mem = &blk->vd.pci.vm->mem;
	struct user *u = blk->back;
	struct shared *s = u->shared;
	struct vu_region region[MEM_MAX_SLOTS + 1];
	const struct vu_ring ring = {
		BLK_REQUESTS, s->desc, &s->avail, &s->used, u->kick, u->call.fd, 0,
	};
	unsigned int n = vu_guest_memory(mem, region);
	int ret;

	region[n++] = (struct vu_region){ RING_GPA, sizeof(*s), (uintptr_t)s, 0, u->fd };
	s->avail.idx = 0;
	s->avail.flags = 0;
	s->used.idx = 0;
	s->used.flags = 0;
	u->avail = 0;
	u->used = 0;
	ret = vu_set_u64(u->disk->fd, VU_SET_FEATURES, u->disk->features);
	if (!ret)
		ret = vu_set_memory(u->disk->fd, region, n);
	if (!ret)
		ret = vu_set_ring(u->disk->fd, 0, &ring);
	if (ret)
		return ret;
	u->again_at = u->first;
	u->again_from = 0;
	write_anew(blk);
	user_commit(blk);
	return loop_add(&blk->vd.pci.vm->loop, &u->hangup, u->disk->fd, EPOLLIN, hangup_event,
			blk);
}

static void again_event(void *arg)
{
	struct blk *blk = arg;
	struct user *u = blk->back;

	if (!disk_user_reopen(u->disk) && !set_up(blk)) {
		complain(0, "--disk %s: its process is back", blk->disk.opt->path);
		return;
	}
	if (u->disk->fd >= 0)
		close(u->disk->fd);
	u->disk->fd = -1;
	timer_set(&u->again, AGAIN_NS, 0);
}

/* ---- making and unmaking */

static bool user_wait(struct blk *blk)
{
	struct user *u = blk->back;
	struct pollfd p = { .fd = u->call.fd, .events = POLLIN };
	unsigned int before = blk->nr_free;
	uint64_t count;

	if (u->disk->fd < 0 || poll(&p, 1, CLOSE_MS) != 1 ||
	    read(u->call.fd, &count, sizeof(count)) != sizeof(count))
		return false;
	if (!take_used(blk) && blk->nr_free == before)
		return false;
	user_commit(blk);
	return true;
}

static void user_free(struct blk *blk)
{
	struct loop *loop = &blk->vd.pci.vm->loop;
	struct user *u = blk->back;
	int call = u->call.fd;

	timer_fini(loop, &u->again);
	loop_del(loop, &u->hangup);
	loop_del(loop, &u->call);
	drop_before(u, UINT64_MAX);
	if (call >= 0)
		close(call);
	if (u->kick >= 0)
		close(u->kick);
	if (u->shared)
		munmap(u->shared, sizeof(*u->shared));
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static const struct blk_ops user_ops = {
	.submit = user_submit,
	.commit = user_commit,
	.wait = user_wait,
	.free = user_free,
};

static int make_shared(struct user *u)
{
	void *p;

	u->fd = memfd_create("hvmon-disk", MFD_CLOEXEC);
	if (u->fd < 0 || ftruncate(u->fd, sizeof(*u->shared)))
		return -errno;
	p = mmap(NULL, sizeof(*u->shared), PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	u->shared = p;
	u->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return u->kick < 0 ? -errno : 0;
}

int blk_user_create(struct blk *blk)
{
	struct loop *loop = &blk->vd.pci.vm->loop;
	struct user *u = calloc(1, sizeof(*u));
	int call, ret;

	if (!u)
		return complain(EXIT_HOST, "--disk %s: no memory", blk->disk.opt->path);
	u->disk = blk->disk.user;
	u->kick = -1;
	u->call.fd = -1;
	u->hangup.fd = -1;
	u->again.source.fd = -1;
	u->end = &u->first;
	blk->back = u;
	blk->ops = &user_ops;
	ret = make_shared(u);
	if (!ret) {
		call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = call < 0 ? -errno : loop_add(loop, &u->call, call, EPOLLIN, call_event, blk);
	}
	if (!ret)
		ret = timer_init(loop, &u->again, again_event, blk);
	if (!ret)
		ret = set_up(blk);
	return ret ? complain(EXIT_HOST, "--disk %s: vhost-user: %s", blk->disk.opt->path,
			      strerror(-ret)) : 0;
}
