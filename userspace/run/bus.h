/* SPDX-License-Identifier: GPL-2.0 */
/* Port and memory buses: who answers an access */
#ifndef RUN_BUS_H
#define RUN_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iodev;

/**
 * struct iodev_ops - a device on a bus
 * @name: for messages
 * @read: the value of @len bytes at @offset from the region's start
 * @write: takes it
 * @free: releases the device; NULL if there is nothing to release
 *
 * @len is 1, 2, 4 or 8 and at most the region's width; an access that is wider
 * or crosses the region's end is split before. Called with the VM's lock held.
 */
struct iodev_ops {
	const char *name;
	uint64_t (*read)(struct iodev *dev, uint64_t offset, uint32_t len);
	void (*write)(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value);
	void (*free)(struct iodev *dev);
};

struct iodev {
	const struct iodev_ops *ops;
};

#define BUS_MAX_REGIONS	256

struct bus_region {
	uint64_t start;
	uint64_t len;
	uint32_t width;		/* widest access that the device takes */
	struct iodev *dev;
};

/* Regions are sorted by start and do not overlap */
struct bus {
	const char *name;
	bool verbose;		/* say so when nobody answers */
	int nr;
	struct bus_region region[BUS_MAX_REGIONS];
};

/* 0, -EEXIST for an overlap, -ENOSPC */
int bus_add(struct bus *bus, uint64_t start, uint64_t len, uint32_t width,
	    struct iodev *dev);
void bus_remove(struct bus *bus, struct iodev *dev);
/* Any length. Where no device is, reads give all ones and writes are lost */
void bus_read(struct bus *bus, uint64_t addr, void *data, uint32_t len);
void bus_write(struct bus *bus, uint64_t addr, const void *data, uint32_t len);

#endif
