// SPDX-License-Identifier: GPL-2.0
/* Split rings, virtio 1.2, 2.7: descriptors, the available and the used ring */
#include "virtq.h"

static bool split_start(struct virtq *vq)
{
	uint64_t n = vq->size;

	/* The rings with the event index behind each */
	vq->desc = virtq_area(vq, 0, n * sizeof(struct vring_desc), VRING_DESC_ALIGN_SIZE);
	vq->driver = virtq_area(vq, 1, sizeof(struct vring_avail) + n * 2 + 2,
				VRING_AVAIL_ALIGN_SIZE);
	vq->device = virtq_area(vq, 2, sizeof(struct vring_used) +
				n * sizeof(struct vring_used_elem) + 2, VRING_USED_ALIGN_SIZE);
	return vq->desc && vq->driver && vq->device && !(n & (n - 1));
}

/* More entries than there are break the device */
static bool split_waiting(struct virtq *vq)
{
	struct vring_avail *avail = vq->driver;
	uint16_t n = load16(&avail->idx) - vq->next_avail;

	if (n > vq->size) {
		virtio_broken(vq->vd, "queue %u: %u entries wait in a queue of %u", vq->index,
			      n, vq->size);
		return false;
	}
	return n;
}

/*
 * Descriptors from @head on; the last may be the one of an indirect table. Each
 * is looked at once, so that a loop ends.
 */
static bool walk(struct virtq *vq, struct virtq_chain *c, uint32_t head)
{
	const struct vring_desc *table = vq->desc;
	uint32_t entries = vq->size, left = vq->size, next = head;
	struct vring_desc d;
	bool inside = false;

	do {
		if (next >= entries || !left--) {
			virtio_broken(vq->vd, "queue %u: descriptor %u of %u, or a loop",
				      vq->index, next, entries);
			return false;
		}
		copy_in(&d, table + next, sizeof(d));
		next = d.next;
		if (!(d.flags & VRING_DESC_F_INDIRECT)) {
			if (!virtq_add(vq, c, d.addr, d.len, d.flags & VRING_DESC_F_WRITE))
				return false;
			continue;
		}
		/* The table may be the queue's own descriptors: where it lies says nothing */
		if (inside) {
			virtio_broken(vq->vd, "queue %u: a table inside of a table", vq->index);
			return false;
		}
		table = virtq_table(vq, d.addr, d.len, d.flags, &entries);
		if (!table)
			return false;
		inside = true;
		left = entries;
		next = 0;
		d.flags = VRING_DESC_F_NEXT;
	} while (d.flags & VRING_DESC_F_NEXT);
	return true;
}

static bool split_take(struct virtq *vq, struct virtq_chain *c)
{
	struct vring_avail *avail = vq->driver;

	c->id = load16(&avail->ring[vq->next_avail & (vq->size - 1)]);
	if (!walk(vq, c, c->id))
		return false;
	vq->next_avail++;
	return true;
}

static void split_put(struct virtq *vq, const struct virtq_chain *c, uint32_t written)
{
	struct vring_used *used = vq->device;

	used->ring[vq->next_used & (vq->size - 1)] = (struct vring_used_elem){
		.id = c->id, .len = written,
	};
	vq->next_used++;
	vq->silent++;
	/* Release: the entry and the data before the index */
	store16(&used->idx, vq->next_used);
}

static bool split_wants(struct virtq *vq, uint16_t n)
{
	struct vring_avail *avail = vq->driver;

	if (!vq->event_idx)
		return !(load16(&avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return (uint16_t)(vq->next_used - load16(&avail->ring[vq->size]) - 1) < n;
}

static void split_doorbell(struct virtq *vq, bool on)
{
	struct vring_used *used = vq->device;

	/* An event index that stays behind switches them off */
	if (!vq->event_idx)
		store16(&used->flags, on ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (on)
		store16((uint16_t *)&used->ring[vq->size], vq->next_avail);
}

const struct virtq_layout virtq_split = {
	.start = split_start,
	.waiting = split_waiting,
	.take = split_take,
	.put = split_put,
	.wants = split_wants,
	.doorbell = split_doorbell,
};
