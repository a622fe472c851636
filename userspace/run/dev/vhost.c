// SPDX-License-Identifier: GPL-2.0
/*
 * Queues that somebody else works on. The back end gets each queue's doorbell and
 * the eventfd of its vector: from then on requests pass this process by.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>

#include "../vhost_user.h"
#include "../vm.h"
#include "vhost.h"
#include "virtq.h"

#define RING_FEATURES	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
			 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

/* ---- interrupts */

/* The driver reads the ISR status, which only this process has */
static void pin_event(void *arg, uint32_t events)
{
	struct vhost *v = arg;
	uint64_t count;

	(void)events;
	if (read(v->pin.fd, &count, sizeof(count)) == sizeof(count) && v->started)
		virtio_pin(v->vd);
}

static int call_of(const struct vhost *v, unsigned int i)
{
	const struct virtio_dev *vd = v->vd;

	return msix_enabled(&vd->pci) ? msix_fd(&vd->pci, vd->vq[v->first + i].vector) :
					v->pin.fd;
}

/* ---- start and stop */

static int start_queues(struct vhost *v)
{
	for (unsigned int i = 0; i < v->nr; i++) {
		struct virtq *vq = &v->vd->vq[v->first + i];
		int ret;

		if (!vq->enabled)
			continue;
		v->call[i] = call_of(v, i);
		ret = v->ops->start_queue(v, i, vq, v->call[i]);
		if (ret)
			return ret;
		virtio_listen(vq, false);
		v->queues |= 1u << i;
	}
	return v->run ? v->run(v, true) : 0;
}

static int start(struct vhost *v)
{
	int ret = v->ops->set_features(v, v->vd->driver_features & v->features);

	if (!ret)
		ret = v->ops->set_memory(v);
	v->started = true;
	if (!ret)
		ret = start_queues(v);
	if (ret)
		vhost_stop(v);
	return ret;
}

void vhost_stop(struct vhost *v)
{
	if (!v->started)
		return;
	v->started = false;
	if (v->fd >= 0 && v->run)
		v->run(v, false);
	for (unsigned int i = 0; i < v->nr; i++) {
		struct virtq *vq = &v->vd->vq[v->first + i];
		uint16_t next = 0;

		if (!(v->queues & 1u << i))
			continue;
		if (v->fd >= 0 && !v->ops->stop_queue(v, i, &next))
			vq->next_avail = next;
		virtio_listen(vq, true);
	}
	v->queues = 0;
}

int vhost_update(struct vhost *v)
{
	bool want = v->fd >= 0 && virtio_running(v->vd);
	int ret = 0;

	if (!want) {
		vhost_stop(v);
		return 0;
	}
	if (!v->started)
		return start(v);
	for (unsigned int i = 0; !ret && i < v->nr; i++) {
		int call = call_of(v, i);

		if (!(v->queues & 1u << i) || call == v->call[i])
			continue;
		v->call[i] = call;
		ret = v->ops->set_call(v, i, call);
	}
	if (ret)
		vhost_stop(v);
	return ret;
}

int vhost_init(struct vhost *v, struct virtio_dev *vd, unsigned int first, unsigned int nr)
{
	int fd, ret;

	v->vd = vd;
	v->first = first;
	v->nr = nr;
	v->pin.fd = -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = loop_add(&vd->pci.vm->loop, &v->pin, fd, EPOLLIN, pin_event, v);
	if (ret)
		close(fd);
	return ret;
}

void vhost_lost(struct vhost *v)
{
	close(v->fd);
	v->fd = -1;
	vhost_stop(v);
	for (unsigned int i = 0; i < v->nr; i++) {
		struct virtq *vq = &v->vd->vq[v->first + i];

		if (!vq->enabled)
			continue;
		vq->next_used = load16(&((struct vring_used *)vq->device)->idx);
		vq->next_avail = vq->next_used;
		virtio_kick(vq);
	}
}

void vhost_fini(struct vhost *v)
{
	int fd = v->pin.fd;

	vhost_stop(v);
	if (fd >= 0) {
		loop_del(&v->vd->pci.vm->loop, &v->pin);
		close(fd);
	}
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

/* ---- vhost of the host's kernel */

int vhost_ioctl(struct vhost *v, unsigned long request, void *arg)
{
	return ioctl(v->fd, request, arg) < 0 ? -errno : 0;
}

static int kernel_set_features(struct vhost *v, uint64_t features)
{
	return vhost_ioctl(v, VHOST_SET_FEATURES, &features);
}

static int kernel_set_memory(struct vhost *v)
{
	struct {
		struct vhost_memory m;
		struct vhost_memory_region region[MEM_MAX_SLOTS];
	} table = { 0 };
	struct mem_slot slot[MEM_MAX_SLOTS];
	int n = mem_slots(&v->vd->pci.vm->mem, slot);

	table.m.nregions = n;
	for (int i = 0; i < n; i++)
		table.region[i] = (struct vhost_memory_region){
			.guest_phys_addr = slot[i].gpa,
			.memory_size = slot[i].len,
			.userspace_addr = (uintptr_t)slot[i].hva,
		};
	return vhost_ioctl(v, VHOST_SET_MEM_TABLE, &table);
}

static int kernel_set_call(struct vhost *v, unsigned int i, int call)
{
	struct vhost_vring_file file = { i, call };

	return vhost_ioctl(v, VHOST_SET_VRING_CALL, &file);
}

static int kernel_start_queue(struct vhost *v, unsigned int i, const struct virtq *vq, int call)
{
	struct vhost_vring_state num = { i, vq->size }, base = { i, vq->next_avail };
	struct vhost_vring_file kick = { i, vq->kick_fd };
	struct vhost_vring_addr addr = {
		.index = i,
		.desc_user_addr = (uintptr_t)vq->desc,
		.avail_user_addr = (uintptr_t)vq->driver,
		.used_user_addr = (uintptr_t)vq->device,
	};
	int ret = vhost_ioctl(v, VHOST_SET_VRING_NUM, &num);

	if (!ret)
		ret = vhost_ioctl(v, VHOST_SET_VRING_BASE, &base);
	if (!ret)
		ret = vhost_ioctl(v, VHOST_SET_VRING_ADDR, &addr);
	if (!ret)
		ret = kernel_set_call(v, i, call);
	return ret ? ret : vhost_ioctl(v, VHOST_SET_VRING_KICK, &kick);
}

static int kernel_stop_queue(struct vhost *v, unsigned int i, uint16_t *next)
{
	struct vhost_vring_file none = { i, -1 };
	struct vhost_vring_state base = { i, 0 };
	int ret;

	vhost_ioctl(v, VHOST_SET_VRING_KICK, &none);
	vhost_ioctl(v, VHOST_SET_VRING_CALL, &none);
	ret = vhost_ioctl(v, VHOST_GET_VRING_BASE, &base);
	*next = base.num;
	return ret;
}

static const struct vhost_ops kernel_ops = {
	.set_features = kernel_set_features,
	.set_memory = kernel_set_memory,
	.start_queue = kernel_start_queue,
	.set_call = kernel_set_call,
	.stop_queue = kernel_stop_queue,
};

int vhost_kernel_init(struct vhost *v, int fd, uint64_t packets,
		      int (*run)(struct vhost *v, bool on))
{
	uint64_t part = packets | RING_FEATURES;
	int ret;

	v->ops = &kernel_ops;
	v->run = run;
	v->fd = fd;
	ret = vhost_ioctl(v, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = vhost_ioctl(v, VHOST_GET_FEATURES, &v->features);
	v->vd->features &= v->features | ~part;
	return ret;
}

/* ---- vhost-user */

static int user_set_features(struct vhost *v, uint64_t features)
{
	/* With it, rings work when they are enabled, and not before */
	return vu_set_u64(v->fd, VU_SET_FEATURES, features | 1ULL << VU_F_PROTOCOL_FEATURES);
}

static int user_set_memory(struct vhost *v)
{
	struct vu_region region[MEM_MAX_SLOTS];
	unsigned int n = vu_guest_memory(&v->vd->pci.vm->mem, region);

	return vu_set_memory(v->fd, region, n);
}

static int user_set_call(struct vhost *v, unsigned int i, int call)
{
	return vu_set_call(v->fd, i, call);
}

static int user_start_queue(struct vhost *v, unsigned int i, const struct virtq *vq, int call)
{
	const struct vu_ring ring = {
		vq->size, vq->desc, vq->driver, vq->device, vq->kick_fd, call, vq->next_avail,
	};

	return vu_set_ring(v->fd, i, &ring);
}

static int user_stop_queue(struct vhost *v, unsigned int i, uint16_t *next)
{
	return vu_stop_ring(v->fd, i, next);
}

static const struct vhost_ops user_ops = {
	.set_features = user_set_features,
	.set_memory = user_set_memory,
	.start_queue = user_start_queue,
	.set_call = user_set_call,
	.stop_queue = user_stop_queue,
};

/* The loop may have taken a doorbell while the process did not work */
static int user_run(struct vhost *v, bool on)
{
	for (unsigned int i = 0; on && i < v->nr; i++)
		virtio_kick(&v->vd->vq[v->first + i]);
	return 0;
}

void vhost_user_init(struct vhost *v, int fd, uint64_t features)
{
	v->ops = &user_ops;
	v->run = user_run;
	v->fd = fd;
	v->features = features;
	v->vd->features &= features | ~RING_FEATURES;
}
