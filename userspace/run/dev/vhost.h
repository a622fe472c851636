/* SPDX-License-Identifier: GPL-2.0 */
/* Queues that somebody else works on: vhost in the host's kernel, vhost-user in a process */
#ifndef RUN_VHOST_H
#define RUN_VHOST_H

#include "virtio.h"

#define VHOST_QUEUES	16	/* of one back end */

struct vhost;

/**
 * struct vhost_ops - how a back end is told
 * @set_features: those that the driver accepted and the back end has
 * @set_memory: where guest memory is
 * @start_queue: works on queue @i of the back end from now on, and signals @call
 * @set_call: signals @call (-1: nothing) from now on
 * @stop_queue: works on it no more when this returns; @next is where it stopped
 *
 * All return 0 or -errno.
 */
struct vhost_ops {
	int (*set_features)(struct vhost *v, uint64_t features);
	int (*set_memory)(struct vhost *v);
	int (*start_queue)(struct vhost *v, unsigned int i, const struct virtq *vq, int call);
	int (*set_call)(struct vhost *v, unsigned int i, int call);
	int (*stop_queue)(struct vhost *v, unsigned int i, uint16_t *next);
};

/**
 * struct vhost - a back end of some of a device's queues
 * @run: told that all queues are set up, or, false, will be stopped; or NULL
 * @fd: to it; -1 while it is not there
 * @features: that it has
 * @first: its first queue
 * @nr: how many there are, at most VHOST_QUEUES
 * @started: it works, on those of @queues
 * @call: what those signal
 * @pin: signalled in place of messages while the guest does without MSI-X
 */
struct vhost {
	const struct vhost_ops *ops;
	int (*run)(struct vhost *v, bool on);
	struct virtio_dev *vd;
	int fd;
	uint64_t features;
	unsigned int first, nr;
	bool started;
	uint32_t queues;
	int call[VHOST_QUEUES];
	struct loop_source pin;
};

/* 0 or -errno; @v is zeroed but for @ops, @fd and @features */
int vhost_init(struct vhost *v, struct virtio_dev *vd, unsigned int first, unsigned int nr);
/* Stops it and closes @fd */
void vhost_fini(struct vhost *v);
/*
 * Starts or stops it, as the driver wants it now, and follows its vectors. For
 * virtio_ops.update and .reset. -errno if the back end failed; then it is stopped
 */
int vhost_update(struct vhost *v);
/* Work on the queues ends; it can go on where it was */
void vhost_stop(struct vhost *v);

/*
 * Of the host's kernel: takes @fd, an open /dev/vhost-* that is this process's from
 * now on. The device keeps those of its features that concern the rings or are in
 * @packets only if the kernel has them, too. @run as in vhost_ops. 0 or -errno
 */
int vhost_kernel_init(struct vhost *v, int fd, uint64_t packets,
		      int (*run)(struct vhost *v, bool on));
/*
 * In a process: takes @fd, a connection after vu_hello(), which gave @features. The
 * device keeps those that concern the rings only if the process has them, too.
 * Guest memory is a memfd's
 */
void vhost_user_init(struct vhost *v, int fd, uint64_t features);
/*
 * The back end is gone for good. The loop hears the doorbells of its queues from now
 * on, first of all for what is in them: for a back end that answers in order these
 * are the requests that it left without an answer
 */
void vhost_lost(struct vhost *v);
/* 0 or -errno */
int vhost_ioctl(struct vhost *v, unsigned long request, void *arg);

#endif
