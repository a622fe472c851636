/* SPDX-License-Identifier: GPL-2.0 */
/* Devices of virtio 1.2 on the PCI bus: queues (virtq.c) and transport (virtio_pci.c) */
#ifndef RUN_VIRTIO_H
#define RUN_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "../iothread.h"
#include "pci.h"

struct virtio_dev;
struct virtq_layout;

#define VIRTQ_MAX	256	/* descriptors in a queue, and segments of a chain */

struct virtq {
	struct virtio_dev *vd;
	uint16_t index;
	uint16_t size;		/* as the driver has it, at most VIRTQ_MAX */
	uint16_t vector;
	bool enabled;
	const struct virtq_layout *layout;	/* and these as negotiated */
	bool event_idx, indirect;
	/* Descriptors, driver area, device area: in the guest, and here once enabled */
	uint64_t gpa[3];
	void *desc, *driver, *device;
	uint16_t next_avail;	/* the next entry that the driver fills */
	uint16_t next_used;	/* the next that the device fills */
	bool avail_wrap, used_wrap;	/* packed: their laps, odd or even */
	uint16_t silent;	/* how many it filled since it looked for an interrupt */
	/*
	 * Doorbells: the module signals, or a vCPU thread where it does not; the device's
	 * loop works.
	 */
	int kick_fd;
	uint64_t bell;		/* where the module listens; 0: nowhere */
	struct loop_source kick;
};

/**
 * struct virtq_chain - a request of the driver, checked: all of it is guest memory
 * @id: names it when it is given back
 * @slots: packed: descriptors that it takes in the ring
 * @nr_out: segments that the device reads, the first of @iov
 * @nr_in: segments that it writes, which follow
 * @out_len: bytes of the former
 * @in_len: bytes of the latter
 * @iov: segments, and room for the second half of one that is cut in two
 */
struct virtq_chain {
	uint16_t id;
	uint16_t slots;
	uint16_t nr_out, nr_in;
	uint64_t out_len, in_len;
	struct iovec iov[VIRTQ_MAX + 1];
};

/**
 * struct virtio_ops - a kind of device
 * @name: for messages
 * @kick: the driver has filled entries of @vq. It takes no more than there are in
 *	a queue, lest a busy guest keep the loop from all else
 * @reset: forget everything; no queue is enabled any more. False if requests
 *	are still in flight: virtio_reset_done() then tells the end
 * @update: the device runs now, or does not any more (virtio_running()), or vectors
 *	have changed; or NULL
 * @configure: the driver writes @value to device configuration; or NULL
 * @free: releases the device
 *
 * Called with the VM's lock held. If the device has an iothread, @kick is called with
 * that one's instead, @free with the VM's alone, and the others with both.
 */
struct virtio_ops {
	const char *name;
	void (*kick)(struct virtio_dev *vd, struct virtq *vq);
	bool (*reset)(struct virtio_dev *vd);
	void (*update)(struct virtio_dev *vd);
	void (*configure)(struct virtio_dev *vd, uint64_t offset, uint32_t len,
			  uint32_t value);
	void (*free)(struct virtio_dev *vd);
};

struct virtio_dev {
	struct pci_dev pci;
	const struct virtio_ops *ops;
	struct iothread *thread;	/* whose loop works; NULL: the VM's */
	struct loop_source pin;		/* with a thread: INTA is to be asserted */
	uint64_t features;		/* offered */
	uint64_t driver_features;	/* accepted */
	uint32_t feature_select, driver_feature_select;
	uint16_t config_vector;
	uint16_t queue_select;
	uint8_t status;
	uint8_t isr;
	uint8_t generation;		/* of the device configuration */
	bool broken;			/* DEVICE_NEEDS_RESET */
	bool resetting;
	uint8_t config_access;		/* where that capability is */
	uint16_t nr_queues;
	struct virtq *vq;
	const void *config;		/* device configuration */
	uint32_t config_len;
	bool lazy;			/* as struct virtio_kind has it */
};

struct virtio_kind {
	const struct virtio_ops *ops;
	uint16_t id;			/* VIRTIO_ID_* */
	uint32_t class;			/* as struct pci_id has it */
	uint64_t features;		/* of the device type */
	uint16_t queues;
	const void *config;
	uint32_t config_len;
	bool lazy;			/* doorbells may wait a little for more */
};

/* ---- virtio_pci.c */

/*
 * Makes a device and puts it on the bus. @vd is embedded in what @kind's ops
 * know, zeroed but for the thread. 0 or -errno; the bus, or virtio_create(), calls
 * free() in any case
 */
int virtio_create(struct virtio_dev *vd, struct vm *vm, const struct virtio_kind *kind);
/* Gives back what virtio_create() took: for free() */
void virtio_destroy(struct virtio_dev *vd);
/* The loop in which the device works */
struct loop *virtio_loop(struct virtio_dev *vd);
bool virtio_has(const struct virtio_dev *vd, unsigned int feature);
void virtio_reset_done(struct virtio_dev *vd);
/* The driver broke the rules: nothing happens until it resets the device */
__attribute__((format(printf, 2, 3)))
void virtio_broken(struct virtio_dev *vd, const char *fmt, ...);
void virtio_interrupt(struct virtq *vq);
/* The device configuration is another one */
void virtio_config_changed(struct virtio_dev *vd);
/* May the device use the queue and the guest's memory? */
bool virtio_live(const struct virtq *vq);
/* Does the driver let the device work at all? */
bool virtio_running(const struct virtio_dev *vd);
/* Interrupts by the pin on behalf of the queues, for who cannot do so itself */
void virtio_pin(struct virtio_dev *vd);
/* Whether the loop hears the queue's doorbell; somebody else does if not */
void virtio_listen(struct virtq *vq, bool on);
/* Has ops->kick called by the device's loop, as the driver's doorbell does */
void virtio_kick(struct virtq *vq);

/* ---- virtq.c */

/* Checks addresses and size; false if the driver gave bad ones */
bool virtq_start(struct virtq *vq);
/*
 * Takes the next request: true if there was one. Chains that break the rules
 * break the device
 */
bool virtq_pop(struct virtq *vq, struct virtq_chain *chain);
/* Gives back a request, of which the device wrote the first @written bytes */
void virtq_push(struct virtq *vq, const struct virtq_chain *chain, uint32_t written);
/* Interrupts the driver if it wants that for what was pushed */
void virtq_signal(struct virtq *vq);
/*
 * Doorbells are off while the device looks at the queue by itself. When it has
 * seen no more, it turns them on; true: look again, something came meanwhile
 */
void virtq_doorbell_off(struct virtq *vq);
bool virtq_doorbell_on(struct virtq *vq);

/* ---- segments */

/* Copies from or to the front, which is cut off; false if there are too few bytes */
bool iov_take(struct iovec **iov, uint16_t *nr, void *to, size_t len);
/* Copies to segments from their start; returns how many bytes fitted */
size_t iov_fill(const struct iovec *iov, unsigned int nr, const void *from, size_t len);
/* Leaves the first @len bytes, or what there is */
void iov_trim(struct iovec *iov, uint16_t *nr, size_t len);
/*
 * How many segments that the device writes have the first @len bytes, of at least so
 * many: the last of them is cut in two if need be. Once for a chain
 */
uint16_t chain_cut(struct virtq_chain *c, size_t len);

#endif
