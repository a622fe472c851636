/* SPDX-License-Identifier: GPL-2.0 */
/* Between virtq.c and the layouts of a queue: virtq_split.c, virtq_packed.c */
#ifndef RUN_VIRTQ_H
#define RUN_VIRTQ_H

#include <string.h>

#include "../vm.h"
#include "virtio.h"

/**
 * struct virtq_layout - how a queue lies in memory
 * @start: finds the three areas; false if they or the size are bad
 * @waiting: is there an entry that the driver made available?
 * @take: takes it, after @waiting; false if the device is broken
 * @put: gives one back
 * @wants: does the driver want an interrupt for the last @n entries given back?
 * @doorbell: does the device want doorbells?
 */
struct virtq_layout {
	bool (*start)(struct virtq *vq);
	bool (*waiting)(struct virtq *vq);
	bool (*take)(struct virtq *vq, struct virtq_chain *c);
	void (*put)(struct virtq *vq, const struct virtq_chain *c, uint32_t written);
	bool (*wants)(struct virtq *vq, uint16_t n);
	void (*doorbell)(struct virtq *vq, bool on);
};

extern const struct virtq_layout virtq_split, virtq_packed;

/* An area that @align divides; NULL if it is no memory */
void *virtq_area(struct virtq *vq, int i, uint64_t len, uint64_t align);
/* Appends a segment after its checks; false if the device is broken */
bool virtq_add(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
	       bool write);
/* An indirect table and how many entries it has; NULL, and broken, if it is bad */
const void *virtq_table(struct virtq *vq, uint64_t addr, uint32_t len, uint16_t flags,
			uint32_t *entries);

static inline uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void store16(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* One copy: the compiler may not look at the guest's memory again */
static inline void copy_in(void *to, const void *guest, size_t len)
{
	memcpy(to, guest, len);
	__asm__ volatile("" : : : "memory");
}

#endif
