// SPDX-License-Identifier: GPL-2.0
/* virtio-rng (virtio 1.2, 5.4): the host's entropy for the guest */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../vm.h"
#include "dev.h"
#include "virtio.h"

#define CLASS_OTHER	0xff0000
#define MAX_BYTES	4096	/* of one request: the driver comes again */

static void rng_kick(struct virtio_dev *vd, struct virtq *vq)
{
	static struct virtq_chain c;
	unsigned int left = vq->size;
	uint8_t bytes[MAX_BYTES];

	(void)vd;
	virtq_doorbell_off(vq);
	while (left-- && virtq_pop(vq, &c)) {
		size_t len = c.in_len < MAX_BYTES ? c.in_len : MAX_BYTES;
		ssize_t n = getrandom(bytes, len, 0);

		n = iov_fill(c.iov + c.nr_out, c.nr_in, bytes, n < 0 ? 0 : n);
		virtq_push(vq, &c, n);
	}
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static bool rng_reset(struct virtio_dev *vd)
{
	(void)vd;
	return true;
}

static void rng_free(struct virtio_dev *vd)
{
	virtio_destroy(vd);
	free(vd);
}

static const struct virtio_ops rng_ops = {
	.name = "virtio-rng",
	.kick = rng_kick,
	.reset = rng_reset,
	.free = rng_free,
};

int virtio_rng_create(struct vm *vm)
{
	static const struct virtio_kind kind = {
		.ops = &rng_ops, .id = VIRTIO_ID_RNG, .class = CLASS_OTHER, .queues = 1,
	};
	struct virtio_dev *vd = calloc(1, sizeof(*vd));

	if (!vd)
		return -ENOMEM;
	return virtio_create(vd, vm, &kind);
}
