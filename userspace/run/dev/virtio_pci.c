// SPDX-License-Identifier: GPL-2.0
/*
 * virtio over PCI (virtio 1.2, 4.1): capabilities, common configuration,
 * doorbells, ISR, device configuration, and access to all of it through
 * configuration space. One BAR has them and MSI-X.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_pci.h>

#include "../vm.h"
#include "dev.h"
#include "virtio.h"

#define BAR		0
#define BAR_LEN		0x8000
#define COMMON		0x0000
#define ISR		0x1000
#define CONFIG		0x2000
#define NOTIFY		0x3000
#define NOTIFY_STEP	4		/* a doorbell of its own for each queue */
#define MSIX_TABLE	0x4000
#define MSIX_PBA	0x5000
#define PART_LEN	0x1000

#define VENDOR		0x1af4
#define DEVICE_BASE	0x1040		/* plus the device type's ID */

#define ISR_QUEUE	1

#define DRIVER_STATUS	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
			 VIRTIO_CONFIG_S_FAILED)

#define RING_FEATURES	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC | \
			 1ULL << VIRTIO_RING_F_EVENT_IDX)

bool virtio_has(const struct virtio_dev *vd, unsigned int feature)
{
	return vd->driver_features >> feature & 1;
}

struct loop *virtio_loop(struct virtio_dev *vd)
{
	return vd->thread ? &vd->thread->loop : &vd->pci.vm->loop;
}

/* ---- interrupts */

static void interrupt(struct virtio_dev *vd, uint16_t vector, uint8_t isr)
{
	uint64_t one = 1;

	if (msix_enabled(&vd->pci)) {
		msix_raise(&vd->pci, vector);
		return;
	}
	vd->isr |= isr;
	/* Lines are the VM's, whose lock may not be had here */
	if (vd->thread)
		(void)!write(vd->pin.fd, &one, sizeof(one));
	else
		pci_intx(&vd->pci, true);
}

/* In the main loop, for a device with a thread. The driver may have read the ISR since */
static void pin_event(void *arg, uint32_t events)
{
	struct virtio_dev *vd = arg;
	uint64_t count;

	(void)events;
	(void)!read(vd->pin.fd, &count, sizeof(count));
	pthread_mutex_lock(&vd->thread->lock);
	if (vd->isr)
		pci_intx(&vd->pci, true);
	pthread_mutex_unlock(&vd->thread->lock);
}

void virtio_pin(struct virtio_dev *vd)
{
	vd->isr |= ISR_QUEUE;
	pci_intx(&vd->pci, true);
}

void virtio_interrupt(struct virtq *vq)
{
	interrupt(vq->vd, vq->vector, ISR_QUEUE);
}

void virtio_config_changed(struct virtio_dev *vd)
{
	vd->generation++;
	if (vd->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(vd, vd->config_vector, VIRTIO_PCI_ISR_CONFIG);
}

void virtio_broken(struct virtio_dev *vd, const char *fmt, ...)
{
	const struct options *opt = vd->pci.vm->opt;
	va_list ap;

	if (vd->broken)
		return;
	vd->broken = true;
	vd->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (vd->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(vd, vd->config_vector, VIRTIO_PCI_ISR_CONFIG);
	/* The guest can do it again and again: only who asked for more words hears */
	if (!opt || !opt->verbose)
		return;
	fprintf(stderr, "hvmon-run: %s in slot %u needs a reset: ", vd->ops->name,
		vd->pci.slot);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- doorbells */

/* Without bus mastering it leaves memory alone: a new kernel may own it */
bool virtio_running(const struct virtio_dev *vd)
{
	return !vd->broken && !vd->resetting && (vd->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       (pci_get16(&vd->pci, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

bool virtio_live(const struct virtq *vq)
{
	return vq->enabled && virtio_running(vq->vd);
}

static void kick_event(void *arg, uint32_t events)
{
	struct virtq *vq = arg;

	(void)events;
	if (virtio_live(vq))
		vq->vd->ops->kick(vq->vd, vq);
}

/* Each ring is an event, whatever the counter says: there is no need to read it */
static int listen_to_kicks(struct virtq *vq)
{
	return loop_add(virtio_loop(vq->vd), &vq->kick, vq->kick_fd, EPOLLIN | EPOLLET,
			kick_event, vq);
}

void virtio_listen(struct virtq *vq, bool on)
{
	if (!on)
		loop_del(virtio_loop(vq->vd), &vq->kick);
	else if (vq->kick.fd < 0)
		listen_to_kicks(vq);
}

static void update(struct virtio_dev *vd)
{
	if (vd->ops->update)
		vd->ops->update(vd);
}

void virtio_kick(struct virtq *vq)
{
	uint64_t one = 1;

	/* A full counter rings just as well */
	if (virtio_live(vq))
		(void)!write(vq->kick_fd, &one, sizeof(one));
}

/*
 * The module takes the doorbells of queues that work, and only of those: a system
 * that sizes BARs moves them to and fro before.
 */
static void update_doorbells(struct virtio_dev *vd)
{
	const struct pci_bar *bar = &vd->pci.bar[BAR];
	bool on = bar->mapped && (vd->status & VIRTIO_CONFIG_S_DRIVER_OK);

	for (unsigned int i = 0; i < vd->nr_queues; i++) {
		struct virtq *vq = &vd->vq[i];
		uint64_t at = on && vq->enabled ? bar->addr + NOTIFY + i * NOTIFY_STEP : 0;

		if (at == vq->bell)
			continue;
		if (vq->bell)
			vm_doorbell_unbind(vd->pci.vm, vq->bell, vq->kick_fd);
		vq->bell = at && vm_doorbell_bind(vd->pci.vm, at, vq->kick_fd,
						  vd->lazy) ? at : 0;
	}
}

/* ---- reset and status */

static void reset_queue(struct virtq *vq)
{
	vq->enabled = false;
	vq->size = VIRTQ_MAX;
	vq->vector = VIRTIO_MSI_NO_VECTOR;
	memset(vq->gpa, 0, sizeof(vq->gpa));
}

void virtio_reset_done(struct virtio_dev *vd)
{
	vd->resetting = false;
	vd->broken = false;
	vd->status = 0;
}

static void reset(struct virtio_dev *vd)
{
	for (unsigned int i = 0; i < vd->nr_queues; i++)
		reset_queue(&vd->vq[i]);
	vd->driver_features = 0;
	vd->feature_select = 0;
	vd->driver_feature_select = 0;
	vd->queue_select = 0;
	vd->config_vector = VIRTIO_MSI_NO_VECTOR;
	vd->isr = 0;
	pci_intx(&vd->pci, false);
	update_doorbells(vd);
	/* The driver waits until the status reads 0 */
	vd->resetting = true;
	if (vd->ops->reset(vd))
		virtio_reset_done(vd);
}

static void write_status(struct virtio_dev *vd, uint8_t value)
{
	uint8_t new = value & DRIVER_STATUS & ~vd->status;

	if (!value) {
		reset(vd);
		return;
	}
	if ((new & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    ((vd->driver_features & ~vd->features) || !virtio_has(vd, VIRTIO_F_VERSION_1)))
		new &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if ((new & VIRTIO_CONFIG_S_DRIVER_OK) && !(vd->status & VIRTIO_CONFIG_S_FEATURES_OK))
		new &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	vd->status |= new;
	if (!(new & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	update_doorbells(vd);
	update(vd);
	/* What was put in before the driver was ready */
	for (unsigned int i = 0; i < vd->nr_queues; i++)
		virtio_kick(&vd->vq[i]);
}

/* ---- common configuration, 4.1.4.3 */

static void read_common(struct virtio_dev *vd, struct virtio_pci_common_cfg *c)
{
	*c = (struct virtio_pci_common_cfg){
		.device_feature_select = vd->feature_select,
		.guest_feature_select = vd->driver_feature_select,
		.msix_config = vd->config_vector,
		.num_queues = vd->nr_queues,
		.device_status = vd->status,
		.config_generation = vd->generation,
		.queue_select = vd->queue_select,
	};
	if (vd->feature_select < 2)
		c->device_feature = vd->features >> vd->feature_select * 32;
	if (vd->driver_feature_select < 2)
		c->guest_feature = vd->driver_features >> vd->driver_feature_select * 32;
	if (vd->queue_select < vd->nr_queues) {
		const struct virtq *vq = &vd->vq[vd->queue_select];

		c->queue_size = vq->size;
		c->queue_msix_vector = vq->vector;
		c->queue_enable = vq->enabled;
		c->queue_notify_off = vq->index;
		memcpy(&c->queue_desc_lo, vq->gpa, sizeof(vq->gpa));
	}
}

static void write_features(struct virtio_dev *vd, uint32_t value)
{
	unsigned int shift = vd->driver_feature_select * 32;

	if (vd->driver_feature_select >= 2 || (vd->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	vd->driver_features &= ~(0xffffffffULL << shift);
	vd->driver_features |= (uint64_t)value << shift;
}

/* One that is not there reads back as no vector */
static uint16_t checked_vector(const struct virtio_dev *vd, uint32_t value)
{
	return value < vd->pci.msix.nr ? value : VIRTIO_MSI_NO_VECTOR;
}

static void set_vector(struct virtq *vq, uint32_t value)
{
	vq->vector = checked_vector(vq->vd, value);
	update(vq->vd);
}

static void enable_queue(struct virtq *vq)
{
	if (!(vq->vd->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	vq->enabled = virtq_start(vq);
	if (!vq->enabled)
		virtio_broken(vq->vd, "queue %u: size or addresses are bad", vq->index);
	update_doorbells(vq->vd);
}

static void write_queue(struct virtio_dev *vd, uint64_t offset, uint32_t value)
{
	struct virtq *vq;

	if (vd->queue_select >= vd->nr_queues)
		return;
	vq = &vd->vq[vd->queue_select];
	if (offset == VIRTIO_PCI_COMMON_Q_MSIX)
		set_vector(vq, value);
	else if (vq->enabled || vd->broken)
		return;
	else if (offset == VIRTIO_PCI_COMMON_Q_SIZE && value && value <= VIRTQ_MAX)
		vq->size = value;
	else if (offset == VIRTIO_PCI_COMMON_Q_ENABLE && value == 1)
		enable_queue(vq);
	else if (offset >= VIRTIO_PCI_COMMON_Q_DESCLO && offset <= VIRTIO_PCI_COMMON_Q_USEDHI)
		memcpy((uint8_t *)vq->gpa + offset - VIRTIO_PCI_COMMON_Q_DESCLO, &value,
		       sizeof(value));
}

/* Bytes of the field at @offset; the halves of an address are fields, too */
static uint32_t field_len(uint64_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_STATUS:
		return 1;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return 2;
	}
	return offset % 4 ? 0 : 4;
}

static void write_common(struct virtio_dev *vd, uint64_t offset, uint32_t len,
			 uint32_t value)
{
	if (len != field_len(offset) || vd->resetting)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vd->feature_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vd->driver_feature_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		write_features(vd, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		vd->config_vector = checked_vector(vd, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		write_status(vd, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		vd->queue_select = value;
		break;
	default:
		write_queue(vd, offset, value);
	}
}

/* ---- the BAR */

static uint64_t bytes_at(const void *p, uint64_t size, uint64_t offset, uint32_t len)
{
	uint64_t value = 0;

	if (offset < size && len <= size - offset)
		memcpy(&value, (const uint8_t *)p + offset, len);
	return value;
}

static uint64_t vp_read(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len)
{
	struct virtio_dev *vd = (struct virtio_dev *)dev;
	struct virtio_pci_common_cfg common;
	uint64_t value;

	if (msix_read(dev, bar, offset, len, &value))
		return value;
	switch (offset & ~(PART_LEN - 1ULL)) {
	case COMMON:
		read_common(vd, &common);
		return bytes_at(&common, sizeof(common), offset, len);
	case ISR:
		if (offset != ISR)
			return 0;
		value = vd->isr;
		vd->isr = 0;
		pci_intx(dev, false);
		return value;
	case CONFIG:
		return bytes_at(vd->config, vd->config_len, offset - CONFIG, len);
	}
	return 0;
}

static void vp_write(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
		     uint64_t value)
{
	struct virtio_dev *vd = (struct virtio_dev *)dev;
	uint64_t queue = (offset - NOTIFY) / NOTIFY_STEP;

	if (msix_write(dev, bar, offset, len, value))
		return;
	if (offset < COMMON + PART_LEN)
		write_common(vd, offset - COMMON, len, value);
	else if (offset >= CONFIG && offset < CONFIG + PART_LEN && vd->ops->configure)
		vd->ops->configure(vd, offset - CONFIG, len, value);
	else if (offset >= NOTIFY && queue < vd->nr_queues)
		virtio_kick(&vd->vq[queue]);
}

/* ---- configuration space, 4.1.4.9: a window to the BAR */

static bool window(struct pci_dev *dev, uint32_t reg, uint32_t len, uint32_t *offset,
		   uint32_t *bytes)
{
	uint8_t cap = ((struct virtio_dev *)dev)->config_access;
	uint32_t data = cap + sizeof(struct virtio_pci_cap);

	*offset = pci_get32(dev, cap + VIRTIO_PCI_CAP_OFFSET);
	*bytes = pci_get32(dev, cap + VIRTIO_PCI_CAP_LENGTH);
	return reg >= data && reg + len <= data + 4 &&
	       dev->config[cap + VIRTIO_PCI_CAP_BAR] == BAR &&
	       (*bytes == 1 || *bytes == 2 || *bytes == 4) && !(*offset % *bytes) &&
	       *offset < BAR_LEN;
}

static void vp_config_read(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	uint8_t data = ((struct virtio_dev *)dev)->config_access + sizeof(struct virtio_pci_cap);
	uint32_t offset, bytes;

	if (window(dev, reg, len, &offset, &bytes))
		pci_set32(dev, data, vp_read(dev, BAR, offset, bytes));
}

static void vp_config_write(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	uint8_t data = ((struct virtio_dev *)dev)->config_access + sizeof(struct virtio_pci_cap);
	uint32_t offset, bytes;
	uint64_t value;

	/* Bus mastering, MSI-X */
	update((struct virtio_dev *)dev);
	if (!window(dev, reg, len, &offset, &bytes))
		return;
	value = pci_get32(dev, data);
	vp_write(dev, BAR, offset, bytes, value & (~0ULL >> (64 - bytes * 8)));
}

static void add_cap(struct virtio_dev *vd, uint8_t type, uint32_t offset, uint32_t len,
		    uint32_t extra, bool has_extra)
{
	struct {
		struct virtio_pci_cap cap;
		uint32_t extra;
	} body = {
		.cap = {
			.cap_len = sizeof(body.cap) + has_extra * sizeof(extra),
			.cfg_type = type,
			.bar = BAR,
			.offset = offset,
			.length = len,
		},
		.extra = extra,
	};
	uint8_t at = pci_add_cap(&vd->pci, PCI_CAP_ID_VNDR, &body.cap.cap_len,
				 body.cap.cap_len - VIRTIO_PCI_CAP_LEN);

	if (type != VIRTIO_PCI_CAP_PCI_CFG)
		return;
	vd->config_access = at;
	vd->pci.writable[at + VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(vd->pci.writable + at + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
}

/* ---- making and unmaking */

static void vp_bar_moved(struct pci_dev *dev, int bar)
{
	(void)bar;
	update_doorbells((struct virtio_dev *)dev);
}

static void vp_free(struct pci_dev *dev)
{
	struct virtio_dev *vd = (struct virtio_dev *)dev;

	vd->ops->free(vd);
}

static const struct pci_ops vp_ops = {
	.name = "virtio",
	.bar_read = vp_read,
	.bar_write = vp_write,
	.config_read = vp_config_read,
	.config_write = vp_config_write,
	.bar_moved = vp_bar_moved,
	.free = vp_free,
};

static int create_queues(struct virtio_dev *vd, uint16_t n)
{
	vd->vq = calloc(n, sizeof(*vd->vq));
	if (!vd->vq)
		return -ENOMEM;
	for (; vd->nr_queues < n; vd->nr_queues++) {
		struct virtq *vq = &vd->vq[vd->nr_queues];
		int ret;

		vq->vd = vd;
		vq->index = vd->nr_queues;
		vq->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vq->kick_fd < 0)
			return -errno;
		ret = listen_to_kicks(vq);
		if (ret) {
			close(vq->kick_fd);
			return ret;
		}
		reset_queue(vq);
	}
	return 0;
}

static int create_pin(struct virtio_dev *vd)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	ret = loop_add(&vd->pci.vm->loop, &vd->pin, fd, EPOLLIN, pin_event, vd);
	if (ret)
		close(fd);
	return ret;
}

void virtio_destroy(struct virtio_dev *vd)
{
	int pin = vd->pin.fd;

	for (unsigned int i = 0; i < vd->nr_queues; i++) {
		loop_del(virtio_loop(vd), &vd->vq[i].kick);
		close(vd->vq[i].kick_fd);
	}
	/* 0: it was not made */
	if (pin > 0) {
		loop_del(&vd->pci.vm->loop, &vd->pin);
		close(pin);
	}
	msix_fini(&vd->pci);
	free(vd->vq);
	vd->vq = NULL;
	vd->nr_queues = 0;
}

int virtio_create(struct virtio_dev *vd, struct vm *vm, const struct virtio_kind *kind)
{
	const struct pci_id id = {
		.vendor = VENDOR,
		.device = DEVICE_BASE + kind->id,
		.class = kind->class,
		.revision = 1,
		.subsystem_vendor = VENDOR,
		.subsystem = DEVICE_BASE + kind->id,
	};
	int ret;

	pci_init(&vd->pci, vm, &vp_ops, &id);
	vd->ops = kind->ops;
	vd->features = kind->features | RING_FEATURES;
	vd->config = kind->config;
	vd->config_len = kind->config_len;
	vd->lazy = kind->lazy;
	vd->config_vector = VIRTIO_MSI_NO_VECTOR;
	vd->pin.fd = -1;
	vd->pci.lock = vd->thread ? &vd->thread->lock : NULL;
	ret = create_queues(vd, kind->queues);
	if (!ret && vd->thread)
		ret = create_pin(vd);
	if (ret) {
		vd->ops->free(vd);
		return ret;
	}
	pci_set_bar(&vd->pci, BAR, PCI_BASE_ADDRESS_MEM_TYPE_64, BAR_LEN);
	vd->pci.config[PCI_INTERRUPT_PIN] = 1;
	add_cap(vd, VIRTIO_PCI_CAP_COMMON_CFG, COMMON, sizeof(struct virtio_pci_common_cfg),
		0, false);
	add_cap(vd, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY, kind->queues * NOTIFY_STEP,
		NOTIFY_STEP, true);
	add_cap(vd, VIRTIO_PCI_CAP_ISR_CFG, ISR, 1, 0, false);
	if (kind->config_len)
		add_cap(vd, VIRTIO_PCI_CAP_DEVICE_CFG, CONFIG, kind->config_len, 0, false);
	add_cap(vd, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0, true);
	/* A vector for each queue and one for changes of the configuration */
	ret = msix_init(&vd->pci, kind->queues + 1, BAR, MSIX_TABLE, MSIX_PBA);
	if (ret) {
		vd->ops->free(vd);
		return ret;
	}
	return pci_add(&vd->pci);
}
