// SPDX-License-Identifier: GPL-2.0
/* Port and memory buses: who answers an access */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus.h"

int bus_add(struct bus *bus, uint64_t start, uint64_t len, uint32_t width,
	    struct iodev *dev)
{
	int i;

	if (bus->nr == BUS_MAX_REGIONS)
		return -ENOSPC;
	for (i = 0; i < bus->nr; i++) {
		struct bus_region *r = &bus->region[i];

		if (start < r->start + r->len && r->start < start + len)
			return -EEXIST;
		if (start < r->start)
			break;
	}
	/* The first region after the new one may still reach into it */
	if (i < bus->nr && bus->region[i].start < start + len)
		return -EEXIST;
	memmove(&bus->region[i + 1], &bus->region[i],
		(bus->nr - i) * sizeof(bus->region[0]));
	bus->region[i] = (struct bus_region){ start, len, width, dev };
	bus->nr++;
	return 0;
}

void bus_remove(struct bus *bus, struct iodev *dev)
{
	int to = 0;

	for (int i = 0; i < bus->nr; i++)
		if (bus->region[i].dev != dev)
			bus->region[to++] = bus->region[i];
	bus->nr = to;
}

static struct bus_region *find(struct bus *bus, uint64_t addr)
{
	int lo = 0, hi = bus->nr;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		struct bus_region *r = &bus->region[mid];

		if (addr < r->start)
			hi = mid;
		else if (addr - r->start >= r->len)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

/* How much of an access one call to the device can take: a power of two */
static uint32_t chunk(const struct bus_region *r, uint64_t addr, uint32_t len)
{
	uint64_t left = r->start + r->len - addr;
	uint32_t n = r->width;

	while (n > len || n > left)
		n /= 2;
	return n;
}

static void unanswered(struct bus *bus, const char *what, uint64_t addr)
{
	if (bus->verbose)
		fprintf(stderr, "hvmon-run: %s: %s of 0x%llx: nobody there\n", bus->name,
			what, (unsigned long long)addr);
}

void bus_read(struct bus *bus, uint64_t addr, void *data, uint32_t len)
{
	uint8_t *p = data;

	while (len) {
		struct bus_region *r = find(bus, addr);
		uint32_t n = r ? chunk(r, addr, len) : 1;
		uint64_t value = ~0ULL;

		if (r)
			value = r->dev->ops->read(r->dev, addr - r->start, n);
		else
			unanswered(bus, "read", addr);
		memcpy(p, &value, n);
		p += n;
		addr += n;
		len -= n;
	}
}

void bus_write(struct bus *bus, uint64_t addr, const void *data, uint32_t len)
{
	const uint8_t *p = data;

	while (len) {
		struct bus_region *r = find(bus, addr);
		uint32_t n = r ? chunk(r, addr, len) : 1;
		uint64_t value = 0;

		memcpy(&value, p, n);
		if (r)
			r->dev->ops->write(r->dev, addr - r->start, n, value);
		else
			unanswered(bus, "write", addr);
		p += n;
		addr += n;
		len -= n;
	}
}
