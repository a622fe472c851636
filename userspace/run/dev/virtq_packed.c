// SPDX-License-Identifier: GPL-2.0
/*
 * Packed rings, virtio 1.2, 2.8: one ring of descriptors, in which the device
 * writes what it gives back. Two flags, and a counter of laps on each side, say
 * whose a descriptor is.
 */
#include "virtq.h"

#define AVAIL	(1u << VRING_PACKED_DESC_F_AVAIL)
#define USED	(1u << VRING_PACKED_DESC_F_USED)
#define WRAP	(1u << VRING_PACKED_EVENT_F_WRAP_CTR)

static bool packed_start(struct virtq *vq)
{
	vq->desc = virtq_area(vq, 0, vq->size * sizeof(struct vring_packed_desc), 16);
	vq->driver = virtq_area(vq, 1, sizeof(struct vring_packed_desc_event), 4);
	vq->device = virtq_area(vq, 2, sizeof(struct vring_packed_desc_event), 4);
	vq->avail_wrap = true;
	vq->used_wrap = true;
	return vq->desc && vq->driver && vq->device;
}

static void advance(const struct virtq *vq, uint16_t *next, bool *wrap, uint16_t n)
{
	*next += n;
	if (*next >= vq->size) {
		*next -= vq->size;
		*wrap = !*wrap;
	}
}

static bool packed_waiting(struct virtq *vq)
{
	struct vring_packed_desc *ring = vq->desc;
	uint16_t flags = load16(&ring[vq->next_avail].flags);

	return !!(flags & AVAIL) == vq->avail_wrap && !!(flags & USED) != vq->avail_wrap;
}

/* In a table entries follow each other: of their flags only WRITE counts */
static bool take_table(struct virtq *vq, struct virtq_chain *c,
		       const struct vring_packed_desc *d)
{
	const struct vring_packed_desc *table;
	struct vring_packed_desc e;
	uint32_t entries;

	table = virtq_table(vq, d->addr, d->len, d->flags, &entries);
	if (!table)
		return false;
	for (uint32_t i = 0; i < entries; i++) {
		copy_in(&e, table + i, sizeof(e));
		if (e.flags & VRING_DESC_F_INDIRECT) {
			virtio_broken(vq->vd, "queue %u: a table inside of a table", vq->index);
			return false;
		}
		if (!virtq_add(vq, c, e.addr, e.len, e.flags & VRING_DESC_F_WRITE))
			return false;
	}
	return true;
}

static bool packed_take(struct virtq *vq, struct virtq_chain *c)
{
	const struct vring_packed_desc *ring = vq->desc;
	struct vring_packed_desc d;
	uint32_t i = vq->next_avail;
	bool ok;

	c->slots = 0;
	do {
		copy_in(&d, &ring[i], sizeof(d));
		i = (i + 1) % vq->size;
		if (c->slots++ == vq->size ||
		    (c->slots > 1 && (d.flags & VRING_DESC_F_INDIRECT))) {
			virtio_broken(vq->vd, "queue %u: a chain longer than the queue, or with "
				      "a table in it", vq->index);
			return false;
		}
		if (d.flags & VRING_DESC_F_INDIRECT)
			ok = take_table(vq, c, &d);
		else
			ok = virtq_add(vq, c, d.addr, d.len, d.flags & VRING_DESC_F_WRITE);
		if (!ok)
			return false;
	} while (d.flags & VRING_DESC_F_NEXT);
	c->id = d.id;
	advance(vq, &vq->next_avail, &vq->avail_wrap, c->slots);
	return true;
}

static void packed_put(struct virtq *vq, const struct virtq_chain *c, uint32_t written)
{
	struct vring_packed_desc *d = (struct vring_packed_desc *)vq->desc + vq->next_used;
	uint16_t flags = vq->used_wrap ? AVAIL | USED : 0;

	d->id = c->id;
	d->len = written;
	/* Release: all else before the flags */
	store16(&d->flags, flags | (written ? VRING_DESC_F_WRITE : 0));
	advance(vq, &vq->next_used, &vq->used_wrap, c->slots);
	vq->silent += c->slots;
}

/* Descriptors of two laps, in which every place of ring and counter is one number */
static uint32_t place(const struct virtq *vq, uint32_t index, bool wrap)
{
	return index % vq->size + (wrap ? 0 : vq->size);
}

static bool packed_wants(struct virtq *vq, uint16_t n)
{
	struct vring_packed_desc_event *e = vq->driver;
	uint16_t flags = load16(&e->flags), event = load16(&e->off_wrap);
	uint32_t laps = 2 * vq->size;
	uint32_t now, then;

	if (!vq->event_idx || flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	now = place(vq, vq->next_used, vq->used_wrap);
	then = place(vq, event & ~WRAP, event & WRAP);
	/* Is it one of the last n? */
	return (now + laps - then - 1) % laps < n;
}

static void packed_doorbell(struct virtq *vq, bool on)
{
	struct vring_packed_desc_event *e = vq->device;

	if (!on) {
		store16(&e->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
		return;
	}
	store16(&e->off_wrap, vq->next_avail | (vq->avail_wrap ? WRAP : 0));
	store16(&e->flags, vq->event_idx ? VRING_PACKED_EVENT_FLAG_DESC :
					   VRING_PACKED_EVENT_FLAG_ENABLE);
}

const struct virtq_layout virtq_packed = {
	.start = packed_start,
	.waiting = packed_waiting,
	.take = packed_take,
	.put = packed_put,
	.wants = packed_wants,
	.doorbell = packed_doorbell,
};
