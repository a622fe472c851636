/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver for virtio devices, good or bad, on guest memory that stands alone:
 * for unit tests. Queue N lies at QUEUE(N), data where a test wants it.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <linux/virtio_pci.h>

#include "dev/dev.h"
#include "dev/virtio.h"
#include "unit.h"

#define QUEUE(n)	(0x100000 + (n) * 0x10000ULL)
#define DESC(n)		QUEUE(n)
#define AVAIL(n)	(QUEUE(n) + 0x4000)
#define USED(n)		(QUEUE(n) + 0x8000)
#define TABLE		0x200000ULL	/* for indirect descriptors */
#define DATA		0x210000ULL
#define MEMORY		(4 * MiB)

#define COMMON		0x0000
#define ISR		0x1000
#define CONFIG		0x2000
#define NOTIFY		0x3000
#define MSIX		0x4000

static struct vm vm;
static struct options options = { .cpus = 2 };
static int slot;		/* of the device under test */
static uint64_t bar;		/* its address */
static uint16_t avail_idx[8], size = 8;

static inline uint64_t get(uint64_t offset, int len)
{
	uint64_t v = 0;

	bus_read(&vm.mmio, bar + offset, &v, len);
	return v;
}

static inline void set(uint64_t offset, int len, uint64_t v)
{
	bus_write(&vm.mmio, bar + offset, &v, len);
}

static inline uint32_t cfg(int reg, int len)
{
	uint32_t v = 0;

	bus_read(&vm.mmio, PCI_ECAM + (slot << 15) + reg, &v, len);
	return v;
}

static inline void set_cfg(int reg, int len, uint32_t v)
{
	bus_write(&vm.mmio, PCI_ECAM + (slot << 15) + reg, &v, len);
}

static inline void *at(uint64_t gpa)
{
	return mem_at(&vm.mem, gpa, 1);
}

static inline void machine(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	vm.opt = &options;
	if (mem_alloc(&vm.mem, MEMORY, MEM_ANON) || loop_init(&vm.loop, &lock) || pci_create(&vm))
		exit(1);
}

static inline void unmake(void)
{
	vm.dev_list[0]->ops->free(vm.dev_list[0]);
	loop_fini(&vm.loop);
	mem_free(&vm.mem);
}

/* Another machine, without the device that this one has */
static inline void remake(void)
{
	unmake();
	memset(&vm, 0, sizeof(vm));
	machine();
}

/* Decoding and bus mastering on */
static inline void plug(int s)
{
	slot = s;
	bar = cfg(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline void settle(void)
{
	while (loop_step(&vm.loop, 0))
		;
}

static inline void forget(void)
{
	memset(at(QUEUE(0)), 0, 0x10000 * 8);
	memset(avail_idx, 0, sizeof(avail_idx));
}

static inline uint8_t status(void)
{
	return get(VIRTIO_PCI_COMMON_STATUS, 1);
}

static inline void set_status(uint8_t v)
{
	set(VIRTIO_PCI_COMMON_STATUS, 1, v);
}

static inline uint64_t offered(void)
{
	uint64_t v;

	set(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	v = get(VIRTIO_PCI_COMMON_DF, 4) << 32;
	set(VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	return v | get(VIRTIO_PCI_COMMON_DF, 4);
}

static inline void accept_features(uint64_t features)
{
	set(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	set(VIRTIO_PCI_COMMON_GF, 4, features);
	set(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	set(VIRTIO_PCI_COMMON_GF, 4, features >> 32);
}

static inline void set_queue(int n)
{
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, n);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, 8, DESC(n));
	set(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, AVAIL(n));
	set(VIRTIO_PCI_COMMON_Q_USEDLO, 8, USED(n));
}

#define BASE_FEATURES	(1ULL << VIRTIO_F_VERSION_1)
#define WITH_INDIRECT	(BASE_FEATURES | 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

/* From reset to DRIVER_OK with @queues of them */
static inline void drive(uint64_t features, int queues)
{
	forget();
	set_status(0);
	settle();
	set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	accept_features(features);
	set_status(status() | VIRTIO_CONFIG_S_FEATURES_OK);
	for (int n = 0; n < queues; n++) {
		set_queue(n);
		set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	}
	set_status(status() | VIRTIO_CONFIG_S_DRIVER_OK);
	fake_msis = 0;
}

static inline void desc(uint64_t table, int i, uint64_t addr, uint32_t len, uint16_t flags,
			uint16_t next)
{
	((struct vring_desc *)at(table))[i] = (struct vring_desc){ addr, len, flags, next };
}

/* Makes a chain available, without a doorbell */
static inline void offer(int n, uint16_t head)
{
	struct vring_avail *avail = at(AVAIL(n));

	avail->ring[avail_idx[n]++ % size] = head;
	avail->idx = avail_idx[n];
}

static inline void ring(int n)
{
	set(NOTIFY + 4 * n, 2, n);
	settle();
}

static inline struct vring_used *used(int n)
{
	return at(USED(n));
}

static inline bool needs_reset(void)
{
	return status() & VIRTIO_CONFIG_S_NEEDS_RESET;
}

#endif
