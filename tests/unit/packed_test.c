// SPDX-License-Identifier: GPL-2.0
#include "driver.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT
#define PACKED	(WITH_INDIRECT | 1ULL << VIRTIO_F_RING_PACKED)
#define EVENTS	(PACKED | 1ULL << VIRTIO_RING_F_EVENT_IDX)

/* A device that takes what comes, and gives it back when it is told to */
static struct virtio_dev probe;
static struct virtq_chain got[16];
static unsigned int kept;
static bool keep;
static int kicks;

static void give_back(unsigned int i)
{
	struct virtq_chain *c = &got[i];

	virtq_push(&probe.vq[0], c, iov_fill(c->iov + c->nr_out, c->nr_in, "done", 4));
}

static void probe_kick(struct virtio_dev *dev, struct virtq *vq)
{
	unsigned int left = vq->size;

	(void)dev;
	kicks++;
	virtq_doorbell_off(vq);
	if (!keep)
		kept = 0;
	while (left-- && kept < 16 && virtq_pop(vq, &got[kept]))
		if (keep)
			kept++;
		else
			give_back(0);
	virtq_signal(vq);
	virtq_doorbell_on(vq);
}

static bool probe_reset(struct virtio_dev *dev)
{
	(void)dev;
	kept = 0;
	return true;
}

static void probe_free(struct virtio_dev *dev)
{
	virtio_destroy(dev);
}

static const struct virtio_ops probe_ops = {
	.name = "probe", .kick = probe_kick, .reset = probe_reset, .free = probe_free,
};

static const struct virtio_kind kind = {
	.ops = &probe_ops, .id = 63, .class = 0xff0000, .queues = 1,
	.features = 1ULL << VIRTIO_F_RING_PACKED,
};

/* The driver's side */
static uint16_t next, seen;
static bool wrap, seen_wrap;

static void start(uint64_t features)
{
	drive(features, 1);
	settle();
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	next = 0;
	seen = 0;
	wrap = true;
	seen_wrap = true;
	kicks = 0;
}

static struct vring_packed_desc *slot_at(unsigned int i)
{
	return (struct vring_packed_desc *)at(DESC(0)) + i;
}

static uint16_t owner(bool w)
{
	return w ? 1 << VRING_PACKED_DESC_F_AVAIL : 1 << VRING_PACKED_DESC_F_USED;
}

static void add(uint64_t addr, uint32_t len, uint16_t flags, uint16_t id)
{
	*slot_at(next) = (struct vring_packed_desc){ addr, len, id, flags | owner(wrap) };
	if (++next == size) {
		next = 0;
		wrap = !wrap;
	}
}

/* The next that came back, over @slots; its ID, or -1 */
static int back(unsigned int slots)
{
	struct vring_packed_desc d = *slot_at(seen);
	bool avail = d.flags >> VRING_PACKED_DESC_F_AVAIL & 1;
	bool used = d.flags >> VRING_PACKED_DESC_F_USED & 1;

	if (avail != used || used != seen_wrap)
		return -1;
	seen += slots;
	if (seen >= size) {
		seen -= size;
		seen_wrap = !seen_wrap;
	}
	return d.id;
}

static void test_chains(void)
{
	claim("packed: chains, and tables, over many laps of a ring of any size");
	size = 7;
	start(PACKED);
	for (int i = 0; i < 1000 && unit_ok; i++) {
		unsigned int n = i % 7 + 1;

		for (unsigned int k = 0; k < n; k++)
			add(DATA + 64 * k, 16, (k >= n / 2 ? W : 0) | (k < n - 1 ? N : 0), i);
		ring(0);
		expect(back(n) == i && got[0].nr_out == n / 2 && got[0].nr_in == n - n / 2);
	}
	for (int i = 0; i < VIRTQ_MAX; i++)
		((struct vring_packed_desc *)at(TABLE))[i] = (struct vring_packed_desc){
			DATA + 16 * i, 16, 0, i < 100 ? 0 : W | N,
		};
	add(TABLE, VIRTQ_MAX * 16, I, 77);
	ring(0);
	expect(back(1) == 77 && got[0].nr_out == 100 && got[0].nr_in == 156);
	expect(back(1) == -1 && !needs_reset());

	claim("packed: requests come back in the device's order");
	keep = true;
	start(PACKED);
	add(DATA, 8, W, 1);
	add(DATA, 8, W | N, 2);
	add(DATA, 8, W, 2);
	add(DATA, 8, W, 3);
	ring(0);
	expect(kept == 3 && back(1) == -1);
	give_back(2);
	give_back(1);
	give_back(0);
	expect(back(1) == 3 && back(2) == 2 && back(1) == 1 && back(1) == -1);
	kept = 0;
	keep = false;
}

static void test_events(void)
{
	struct vring_packed_desc_event *driver = at(AVAIL(0)), *device = at(USED(0));

	claim("packed: the driver's flags switch interrupts, the device tells its doorbells'");
	set_cfg(probe.pci.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	set(MSIX, 8, 0xfee00000);
	set(MSIX + 12, 4, 0);
	start(PACKED);
	expect(device->flags == VRING_PACKED_EVENT_FLAG_ENABLE);
	add(DATA, 8, W, 1);
	ring(0);
	expect(fake_msis == 1);
	driver->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	add(DATA, 8, W, 1);
	ring(0);
	expect(fake_msis == 1);

	claim("packed: with event indices an interrupt comes at the descriptor asked for");
	size = 5;
	start(EVENTS);
	driver->flags = VRING_PACKED_EVENT_FLAG_DESC;
	for (int i = 0; i < 60 && unit_ok; i++) {
		unsigned int before = fake_msis;

		/* For the one after next: not now, then with the second */
		driver->off_wrap = (next + 1) % size;
		if (next + 1 >= size ? !wrap : wrap)
			driver->off_wrap |= 1 << VRING_PACKED_EVENT_F_WRAP_CTR;
		add(DATA, 8, W, 1);
		ring(0);
		expect(fake_msis == before);
		add(DATA, 8, W, 2);
		ring(0);
		expect(fake_msis == before + 1);
		expect(device->flags == VRING_PACKED_EVENT_FLAG_DESC);
		expect(device->off_wrap == (next | wrap << VRING_PACKED_EVENT_F_WRAP_CTR));
	}
	driver->off_wrap = 0x7fff;
	add(DATA, 8, W, 1);
	ring(0);
	size = 8;
}

/* Each breaks a fresh device, and gives nothing back */
static void broken(const char *what)
{
	ring(0);
	if (!needs_reset()) {
		printf("# not refused: %s\n", what);
		unit_ok = false;
	}
	expect(back(1) == -1);
	kicks = 0;
	ring(0);
	expect(!kicks);
	start(PACKED);
}

static void test_malformed(void)
{
	struct vring_packed_desc *table = at(TABLE);

	claim("packed: chains against the rules break the device, until it is reset");
	start(PACKED);
	for (int i = 0; i < size; i++)
		add(DATA, 8, N, 0);
	broken("a chain without end");
	add(DATA, 0, W, 0);
	broken("no length");
	add(MEMORY - 8, 9, W, 0);
	broken("the end past memory");
	add(~0ULL - 7, 16, W, 0);
	broken("an address that wraps");
	add(DATA, 8, W | N, 0);
	add(DATA, 8, 0, 0);
	broken("a segment to read after one to write");
	table[0] = (struct vring_packed_desc){ DATA, 16, 0, I };
	add(TABLE, 16, I, 0);
	broken("a table inside of a table");
	table[0] = (struct vring_packed_desc){ DATA, 0, 0, 0 };
	add(TABLE, 16, I, 0);
	broken("no length in a table");
	table[0] = (struct vring_packed_desc){ DATA, 16, 0, 0 };
	add(TABLE, 16, I | N, 0);
	add(DATA, 8, 0, 0);
	broken("a table with a next");
	add(DATA, 8, N, 0);
	add(TABLE, 16, I, 0);
	broken("a table after another descriptor");
	add(TABLE, 8, I, 0);
	broken("half an entry");
	add(TABLE, 16 * (VIRTQ_MAX + 1), I, 0);
	broken("a table that is too long");
	add(MEMORY - 16, 32, I, 0);
	broken("a table past memory");

	claim("packed: descriptors that are not available are not looked at");
	*slot_at(0) = (struct vring_packed_desc){ ~0ULL, 0, 0, 0 };
	ring(0);
	*slot_at(0) = (struct vring_packed_desc){ ~0ULL, 0, 0, owner(true) | owner(false) };
	ring(0);
	expect(!needs_reset());

	claim("packed: a driver that reuses what is in flight harms itself only");
	keep = true;
	start(PACKED);
	for (int i = 0; i < 16; i++) {
		add(DATA, 8, W | N, i);
		add(DATA, 8, W, i);
		ring(0);
	}
	expect(kept == 16);
	for (int i = 0; i < 16; i++)
		give_back(i);
	expect(!needs_reset());
	keep = false;
	start(PACKED);
	add(DATA, 8, W, 5);
	ring(0);
	expect(back(1) == 5);
}

static void test_bad_queues(void)
{
	static const struct { int reg, len; uint64_t value; } bad[] = {
		{ VIRTIO_PCI_COMMON_Q_DESCLO, 8, DESC(0) + 8 },
		{ VIRTIO_PCI_COMMON_Q_AVAILLO, 8, AVAIL(0) + 2 },
		{ VIRTIO_PCI_COMMON_Q_USEDLO, 8, USED(0) + 1 },
		{ VIRTIO_PCI_COMMON_Q_DESCLO, 8, MEMORY - 7 * 16 },
		{ VIRTIO_PCI_COMMON_Q_AVAILLO, 8, MEMORY },
		{ VIRTIO_PCI_COMMON_Q_USEDLO, 8, ~3ULL },
	};

	claim("packed: queues outside of memory are not enabled");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set_status(0);
		set_status(3);
		accept_features(PACKED);
		set_status(11);
		set_queue(0);
		set(bad[i].reg, bad[i].len, bad[i].value);
		set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		expect(needs_reset() && !get(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
	}
}

int main(void)
{
	machine();
	if (virtio_create(&probe, &vm, &kind))
		return 1;
	plug(1);
	claim("packed: the layout is offered");
	expect(offered() >> VIRTIO_F_RING_PACKED & 1);
	test_chains();
	test_events();
	test_malformed();
	test_bad_queues();
	unmake();
	return unit_finish();
}
