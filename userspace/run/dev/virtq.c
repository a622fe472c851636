// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of virtio 1.2 (2.6) whatever their layout. The driver may write at any
 * time: what is read from the guest is copied once, then checked, then used.
 */
#include "virtq.h"

void *virtq_area(struct virtq *vq, int i, uint64_t len, uint64_t align)
{
	return vq->gpa[i] % align ? NULL : mem_at(&vq->vd->pci.vm->mem, vq->gpa[i], len);
}

bool virtq_add(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
	       bool write)
{
	void *p = mem_at(&vq->vd->pci.vm->mem, addr, len);
	unsigned int n = c->nr_out + c->nr_in;

	if (!len || !p)
		virtio_broken(vq->vd, "queue %u: 0x%x bytes at 0x%llx are not memory",
			      vq->index, len, (unsigned long long)addr);
	else if (n == VIRTQ_MAX)
		virtio_broken(vq->vd, "queue %u: more than %u segments", vq->index, n);
	else if (!write && c->nr_in)
		virtio_broken(vq->vd, "queue %u: a segment to read after one to write",
			      vq->index);
	if (vq->vd->broken)
		return false;
	c->iov[n] = (struct iovec){ p, len };
	if (write) {
		c->nr_in++;
		c->in_len += len;
	} else {
		c->nr_out++;
		c->out_len += len;
	}
	return true;
}

const void *virtq_table(struct virtq *vq, uint64_t addr, uint32_t len, uint16_t flags,
			uint32_t *entries)
{
	const void *table = mem_at(&vq->vd->pci.vm->mem, addr, len);

	/* Entries of both layouts have the same size */
	*entries = len / sizeof(struct vring_desc);
	if (vq->indirect && !(flags & VRING_DESC_F_NEXT) && *entries &&
	    !(len % sizeof(struct vring_desc)) && *entries <= VIRTQ_MAX && table)
		return table;
	virtio_broken(vq->vd, "queue %u: a bad table of 0x%x bytes at 0x%llx", vq->index, len,
		      (unsigned long long)addr);
	return NULL;
}

bool virtq_start(struct virtq *vq)
{
	vq->layout = virtio_has(vq->vd, VIRTIO_F_RING_PACKED) ? &virtq_packed : &virtq_split;
	vq->event_idx = virtio_has(vq->vd, VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = virtio_has(vq->vd, VIRTIO_RING_F_INDIRECT_DESC);
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->silent = 0;
	return vq->layout->start(vq);
}

bool virtq_pop(struct virtq *vq, struct virtq_chain *chain)
{
	if (!virtio_live(vq) || !vq->layout->waiting(vq))
		return false;
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	return vq->layout->take(vq, chain);
}

void virtq_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written)
{
	if (virtio_live(vq))
		vq->layout->put(vq, chain, written);
}

void virtq_signal(struct virtq *vq)
{
	uint16_t n = vq->silent;

	if (!n || !virtio_live(vq))
		return;
	vq->silent = 0;
	/* Pairs with the driver's barrier: it asks for interrupts, then looks for entries */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->layout->wants(vq, n))
		virtio_interrupt(vq);
}

void virtq_doorbell_off(struct virtq *vq)
{
	if (virtio_live(vq))
		vq->layout->doorbell(vq, false);
}

bool virtq_doorbell_on(struct virtq *vq)
{
	if (!virtio_live(vq))
		return false;
	vq->layout->doorbell(vq, true);
	/* Pairs with the driver's barrier: it adds an entry, then looks for who wants to know */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq->layout->waiting(vq);
}

/* ---- segments */

bool iov_take(struct iovec **iov, uint16_t *nr, void *to, size_t len)
{
	while (len && *nr) {
		struct iovec *v = *iov;
		size_t n = len < v->iov_len ? len : v->iov_len;

		copy_in(to, v->iov_base, n);
		to = (uint8_t *)to + n;
		len -= n;
		v->iov_base = (uint8_t *)v->iov_base + n;
		v->iov_len -= n;
		if (v->iov_len)
			break;
		++*iov;
		--*nr;
	}
	return !len;
}

size_t iov_fill(const struct iovec *iov, unsigned int nr, const void *from, size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < nr && done < len; i++) {
		size_t n = len - done < iov[i].iov_len ? len - done : iov[i].iov_len;

		memcpy(iov[i].iov_base, (const uint8_t *)from + done, n);
		done += n;
	}
	return done;
}

void iov_trim(struct iovec *iov, uint16_t *nr, size_t len)
{
	uint16_t n = 0;

	for (; n < *nr && len; n++) {
		if (iov[n].iov_len > len)
			iov[n].iov_len = len;
		len -= iov[n].iov_len;
	}
	*nr = n;
}

uint16_t chain_cut(struct virtq_chain *c, size_t len)
{
	struct iovec *in = c->iov + c->nr_out;
	uint16_t n = 0;

	while (len >= in[n].iov_len) {
		len -= in[n++].iov_len;
		if (!len)
			return n;
	}
	memmove(&in[n + 1], &in[n], (c->nr_in - n) * sizeof(*in));
	c->nr_in++;
	in[n].iov_len = len;
	in[n + 1].iov_base = (uint8_t *)in[n + 1].iov_base + len;
	in[n + 1].iov_len -= len;
	return n + 1;
}
