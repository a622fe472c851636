// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-balloon (virtio 1.2, 5.5): the guest gives memory up when asked, reports
 * what it has free, and tells statistics. Its pages go back to the host at once, by
 * mem_discard(); a page that the guest uses again is there again, zeroed. So the
 * device need not be told of it first, and deflating is no work.
 *
 * A guest harms itself only: it can lose any of its memory by this, rings included,
 * none of which is trusted anyway.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_balloon.h>

#include "../vm.h"
#include "dev.h"
#include "virtio.h"

#define CLASS_OTHER	0xff0000
#define PAGE		(1ULL << VIRTIO_BALLOON_PFN_SHIFT)
#define MAX_PFNS	4096		/* of a request; drivers give 256 to 1024 */
#define WORK		4096		/* pages and reports until others get a turn */
#define CHAIN_WORK	16		/* what a request takes beside */
#define MAX_STATS	64		/* tags that a guest may give */
#define STATS_NS	5000000000ULL	/* from one set of statistics to the next */

#define QUEUES		5

enum role { INFLATE, DEFLATE, STATS, REPORT };

struct balloon {
	struct virtio_dev vd;
	struct virtio_balloon_config config;
	bool used;			/* a driver has been there */
	uint32_t most;			/* pages in the balloon, at most */
	uint64_t reported;		/* bytes, in all */
	uint64_t stat[VIRTIO_BALLOON_S_NR];
	uint32_t told;			/* bits of those that the guest tells */
	bool holding;			/* @held is to be given back for new statistics */
	struct loop_timer timer;
	struct virtq_chain chain, held;
};

/*
 * Queues 0 and 1, and 2 with statistics, are certain. The one for reports is number
 * 4, but Linux does not count queues that it has no features for and takes 3, or 2:
 * as there are no free page hints, it is all that remains.
 */
static enum role role_of(const struct virtq *vq)
{
	if (vq->index <= DEFLATE)
		return vq->index;
	return vq->index == STATS && virtio_has(vq->vd, VIRTIO_BALLOON_F_STATS_VQ) ? STATS : REPORT;
}

/* Runs of pages, up or down, go in one; what is no memory is left out */
static int inflate(struct balloon *b, struct virtq_chain *c)
{
	const struct guest_mem *mem = &b->vd.pci.vm->mem;
	struct iovec *iov = c->iov;
	uint16_t nr = c->nr_out;
	uint64_t start = 0, end = 0;
	uint32_t pfn;
	int n = 0;

	for (; n < MAX_PFNS && iov_take(&iov, &nr, &pfn, sizeof(pfn)); n++) {
		uint64_t gpa = (uint64_t)pfn << VIRTIO_BALLOON_PFN_SHIFT;

		if (!mem_at(mem, gpa, PAGE))
			continue;
		if (gpa == end) {
			end += PAGE;
		} else if (gpa + PAGE == start) {
			start = gpa;
		} else {
			mem_discard(mem, start, end - start);
			start = gpa;
			end = gpa + PAGE;
		}
	}
	mem_discard(mem, start, end - start);
	return n;
}

/* The guest may expect what it has filled free pages with, 5.5.6.7 */
static bool poisoned(const struct balloon *b)
{
	return virtio_has(&b->vd, VIRTIO_BALLOON_F_PAGE_POISON) && b->config.poison_val;
}

static int report(struct balloon *b, const struct virtq_chain *c)
{
	const struct guest_mem *mem = &b->vd.pci.vm->mem;

	if (!virtio_has(&b->vd, VIRTIO_BALLOON_F_REPORTING) || poisoned(b))
		return 0;
	for (unsigned int i = 0; i < c->nr_in; i++) {
		const struct iovec *v = &c->iov[c->nr_out + i];

		if (!mem_discard(mem, mem_gpa(mem, v->iov_base), v->iov_len))
			b->reported += v->iov_len;
	}
	return c->nr_in;
}

/* ---- statistics, 5.5.6.3: the device holds a buffer until it wants the next ones */

static void take_stats(struct balloon *b, struct virtq *vq)
{
	struct virtio_balloon_stat stat;
	struct iovec *iov = b->held.iov;
	uint16_t nr;

	if (b->holding || !virtq_pop(vq, &b->held))
		return;
	b->holding = true;
	b->told = 0;
	nr = b->held.nr_out;
	for (int i = 0; i < MAX_STATS && iov_take(&iov, &nr, &stat, sizeof(stat)); i++)
		if (stat.tag < VIRTIO_BALLOON_S_NR) {
			b->stat[stat.tag] = stat.val;
			b->told |= 1u << stat.tag;
		}
	timer_set(&b->timer, STATS_NS, 0);
	/* One that waits already has its turn after this one */
	virtq_doorbell_on(vq);
}

static void want_stats(void *arg)
{
	struct balloon *b = arg;
	struct virtq *vq = &b->vd.vq[STATS];

	if (!b->holding)
		return;
	/* No bus master for now */
	if (!virtio_live(vq)) {
		timer_set(&b->timer, STATS_NS, 0);
		return;
	}
	b->holding = false;
	virtq_push(vq, &b->held, 0);
	virtq_signal(vq);
	virtio_kick(vq);
}

/* ---- */

static void balloon_kick(struct virtio_dev *vd, struct virtq *vq)
{
	struct balloon *b = (struct balloon *)vd;
	enum role role = role_of(vq);
	int left = WORK;

	b->used = true;
	if (role == STATS) {
		take_stats(b, vq);
		return;
	}
	virtq_doorbell_off(vq);
	while (left > 0 && virtq_pop(vq, &b->chain)) {
		left -= CHAIN_WORK;
		if (role == INFLATE)
			left -= inflate(b, &b->chain);
		else if (role == REPORT)
			left -= report(b, &b->chain);
		virtq_push(vq, &b->chain, 0);
	}
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static void balloon_configure(struct virtio_dev *vd, uint64_t offset, uint32_t len,
			      uint32_t value)
{
	struct balloon *b = (struct balloon *)vd;

	if (len != sizeof(value))
		return;
	if (offset == offsetof(struct virtio_balloon_config, actual)) {
		b->config.actual = value;
		if (value > b->most)
			b->most = value;
	} else if (offset == offsetof(struct virtio_balloon_config, poison_val)) {
		b->config.poison_val = value;
	}
}

static bool balloon_reset(struct virtio_dev *vd)
{
	struct balloon *b = (struct balloon *)vd;

	timer_stop(&b->timer);
	b->holding = false;
	b->config.actual = 0;
	b->config.poison_val = 0;
	return true;
}

/* What it was good for, in a line */
static void summary(const struct balloon *b)
{
	static const struct {
		uint16_t tag;
		const char *name;
	} shown[] = {
		{ VIRTIO_BALLOON_S_MEMTOT, "in all" },
		{ VIRTIO_BALLOON_S_MEMFREE, "free" },
		{ VIRTIO_BALLOON_S_AVAIL, "available" },
		{ VIRTIO_BALLOON_S_CACHES, "of caches" },
	};
	char text[200] = "";
	size_t n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(shown); i++)
		if (b->told >> shown[i].tag & 1)
			n += snprintf(text + n, sizeof(text) - n, "%s%llu MiB %s",
				      n ? ", " : "; the guest's last statistics: ",
				      (unsigned long long)b->stat[shown[i].tag] / MiB,
				      shown[i].name);
	complain(0, "balloon: %llu MiB in it at most, %llu MiB reported free in all%s",
		 b->most * PAGE / MiB, (unsigned long long)b->reported / MiB, text);
}

static void balloon_free(struct virtio_dev *vd)
{
	struct balloon *b = (struct balloon *)vd;

	if (b->used && vd->pci.vm->opt->verbose)
		summary(b);
	timer_fini(&vd->pci.vm->loop, &b->timer);
	virtio_destroy(vd);
	free(b);
}

static const struct virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.kick = balloon_kick,
	.reset = balloon_reset,
	.configure = balloon_configure,
	.free = balloon_free,
};

int virtio_balloon_create(struct vm *vm)
{
	struct balloon *b = calloc(1, sizeof(*b));
	struct virtio_kind kind = {
		.ops = &balloon_ops,
		.id = VIRTIO_ID_BALLOON,
		.class = CLASS_OTHER,
		.features = 1ULL << VIRTIO_BALLOON_F_STATS_VQ |
			    1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
			    1ULL << VIRTIO_BALLOON_F_PAGE_POISON |
			    1ULL << VIRTIO_BALLOON_F_REPORTING,
		.queues = QUEUES,
		.config_len = sizeof(b->config),
	};
	int ret;

	if (!b)
		return -ENOMEM;
	if (vm->opt->balloon_target) {
		uint64_t pages = (vm->mem.size - vm->opt->balloon_target) / PAGE;

		b->config.num_pages = pages < UINT32_MAX ? pages : UINT32_MAX;
	}
	kind.config = &b->config;
	ret = timer_init(&vm->loop, &b->timer, want_stats, b);
	if (ret) {
		free(b);
		return ret;
	}
	return virtio_create(&b->vd, vm, &kind);
}
