// SPDX-License-Identifier: GPL-2.0
#include "driver.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT

/* A device that takes what comes and writes 4 bytes to it */
static struct virtio_dev probe;
static struct virtq_chain got;
static int kicks, taken, resets;
static bool busy;		/* a reset has to wait */
static const uint8_t config[5] = { 1, 2, 3, 4, 5 };

static void probe_kick(struct virtio_dev *dev, struct virtq *vq)
{
	unsigned int left = vq->size;

	(void)dev;
	kicks++;
	virtq_doorbell_off(vq);
	while (left-- && virtq_pop(vq, &got)) {
		taken++;
		virtq_push(vq, &got, iov_fill(got.iov + got.nr_out, got.nr_in, "done", 4));
	}
	virtq_signal(vq);
	if (virtq_doorbell_on(vq))
		virtio_kick(vq);
}

static bool probe_reset(struct virtio_dev *dev)
{
	(void)dev;
	resets++;
	return !busy;
}

static void probe_free(struct virtio_dev *dev)
{
	virtio_destroy(dev);
}

static const struct virtio_ops probe_ops = {
	.name = "probe", .kick = probe_kick, .reset = probe_reset, .free = probe_free,
};

static const struct virtio_kind kind = {
	.ops = &probe_ops, .id = 63, .class = 0xff0000, .features = 1 << 3, .queues = 3,
	.config = config, .config_len = sizeof(config),
};

/* Runs chain @head on queue 0 of a fresh device; true if it was taken */
static bool run(uint16_t head)
{
	taken = 0;
	offer(0, head);
	ring(0);
	return taken == 1 && used(0)->idx == avail_idx[0];
}

static void test_transport(void)
{
	uint8_t cap = cfg(PCI_CAPABILITY_LIST, 1), seen = 0;
	unsigned int n = 0;

	claim("virtio: the device shows its IDs and a capability for each structure");
	expect(cfg(0, 4) == ((0x1040u + 63) << 16 | 0x1af4));
	expect(cfg(8, 1) == 1);
	for (; cap && n < 20; cap = cfg(cap + 1, 1), n++)
		if (cfg(cap, 1) == PCI_CAP_ID_VNDR)
			seen |= 1 << cfg(cap + 3, 1);
	expect(seen == 0x3e && n == 6);

	claim("virtio: features of two words are offered, absent words read as zero");
	expect(offered() == (1 << 3 | WITH_INDIRECT | 1ULL << VIRTIO_RING_F_EVENT_IDX));
	set(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	expect(get(VIRTIO_PCI_COMMON_DF, 4) == 0);

	claim("virtio: FEATURES_OK is refused without VERSION_1 and for what was not offered");
	set_status(3);
	accept_features(1 << 3);
	set_status(11);
	expect(status() == 3);
	accept_features(BASE_FEATURES | 1 << 5);
	set_status(11);
	expect(status() == 3);
	set_status(15);
	expect(status() == 3);
	accept_features(BASE_FEATURES);
	set_status(11);
	expect(status() == 11);
	accept_features(0);
	expect(get(VIRTIO_PCI_COMMON_GF, 4) == 1);

	claim("virtio: a queue keeps what is written, and refuses sizes that it has not");
	set_queue(2);
	expect(get(VIRTIO_PCI_COMMON_Q_SIZE, 2) == size);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, 0);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, VIRTQ_MAX + 1);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 4, 16);
	expect(get(VIRTIO_PCI_COMMON_Q_SIZE, 2) == size);
	expect(get(VIRTIO_PCI_COMMON_Q_AVAILLO, 8) == AVAIL(2));
	expect(get(VIRTIO_PCI_COMMON_Q_NOFF, 2) == 2 && get(VIRTIO_PCI_COMMON_NUMQ, 2) == 3);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	expect(get(VIRTIO_PCI_COMMON_Q_MSIX, 2) == 3);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 4);
	expect(get(VIRTIO_PCI_COMMON_Q_MSIX, 2) == VIRTIO_MSI_NO_VECTOR);

	claim("virtio: a queue that is not there reads as zero and takes nothing");
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 3);
	set(VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	expect(!get(VIRTIO_PCI_COMMON_Q_SIZE, 2) && !needs_reset());
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	set(VIRTIO_PCI_COMMON_Q_DESCLO, 8, ~0ULL);
	set(NOTIFY + 12, 2, 3);
	set(NOTIFY + 0xffc, 4, 0xffffffff);

	claim("virtio: device configuration ends where it ends, odd places read as zero");
	expect(get(CONFIG, 4) == 0x04030201 && get(CONFIG + 4, 1) == 5);
	expect(get(CONFIG + 4, 4) == 0 && get(CONFIG + 0xffc, 4) == 0 && get(0x7ffc, 4) == 0);
	expect(get(0x3a, 2) == 0 && get(0xffc, 4) == 0);
	set(CONFIG, 4, 0);
	set(0x6000, 4, 0);

	claim("virtio: the window in configuration space reaches the BAR");
	set_cfg(probe.config_access + 4, 1, 0);
	set_cfg(probe.config_access + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	set_cfg(probe.config_access + 12, 4, 1);
	expect(cfg(probe.config_access + 16, 1) == 11);
	set_cfg(probe.config_access + 16, 1, 0);
	expect(status() == 0);
	set_cfg(probe.config_access + 12, 4, 3);
	set_cfg(probe.config_access + 16, 4, 1);
	set_cfg(probe.config_access + 12, 4, 4);
	set_cfg(probe.config_access + 8, 4, 0xfffffffc);
	set_cfg(probe.config_access + 16, 4, 1);
	cfg(probe.config_access + 16, 4);
	set_cfg(probe.config_access + 4, 1, 5);
	set_cfg(probe.config_access + 8, 4, 0);
	cfg(probe.config_access + 16, 4);
	expect(status() == 0);
}

static void test_reset(void)
{
	claim("virtio: a reset ends when the device's requests have ended");
	drive(BASE_FEATURES, 1);
	busy = true;
	set_status(0);
	expect(status() != 0);
	set_status(3);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	expect(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2) == 0);
	virtio_reset_done(&probe);
	expect(status() == 0);
	busy = false;

	claim("virtio: doorbells of a device that is not ready, or no bus master, do nothing");
	kicks = 0;
	set(NOTIFY, 2, 0);
	settle();
	expect(!kicks);
	drive(BASE_FEATURES, 1);
	settle();
	kicks = 0;
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ring(0);
	expect(!kicks);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ring(1);
	expect(!kicks);
	ring(0);
	expect(kicks == 1);
}

static void test_interrupts(void)
{
	drive(BASE_FEATURES, 1);
	settle();
	desc(DESC(0), 0, DATA, 16, W, 0);

	claim("virtio: without MSI-X the pin is raised, and lowered by reading ISR");
	expect(run(0) && fake_irq[PCI_GSI + PCI_LINE(probe.pci.slot, 0)] == 1);
	expect(get(ISR, 1) == 1 && get(ISR, 1) == 0);
	expect(fake_irq[PCI_GSI + PCI_LINE(probe.pci.slot, 0)] == 0);

	claim("virtio: with MSI-X a queue sends its vector, or none");
	set_cfg(probe.pci.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	set(MSIX + 16, 8, 0xfee00000);
	set(MSIX + 24, 4, 0x51);
	set(MSIX + 28, 4, 0);
	expect(run(0) && !fake_msis);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	expect(run(0) && fake_msis == 1 && fake_msi_data == 0x51 && !get(ISR, 1));

	claim("virtio: the driver's flag switches interrupts off");
	((struct vring_avail *)at(AVAIL(0)))->flags = VRING_AVAIL_F_NO_INTERRUPT;
	expect(run(0) && fake_msis == 1);

	claim("virtio: with event indices an interrupt comes at the index asked for");
	drive(BASE_FEATURES | 1ULL << VIRTIO_RING_F_EVENT_IDX, 1);
	settle();
	desc(DESC(0), 0, DATA, 16, W, 0);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	((struct vring_avail *)at(AVAIL(0)))->ring[size] = 2;
	expect(run(0) && run(0) && !fake_msis);
	expect(run(0) && fake_msis == 1);
	expect(run(0) && fake_msis == 1);
	offer(0, 0);
	offer(0, 0);
	((struct vring_avail *)at(AVAIL(0)))->ring[size] = 4;
	ring(0);
	expect(fake_msis == 2);
	expect(((uint16_t *)at(USED(0)))[2 + 4 * size] == avail_idx[0]);

	claim("virtio: a broken device says so by its configuration vector");
	set(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	set(MSIX, 8, 0xfee00000);
	set(MSIX + 8, 4, 0x50);
	set(MSIX + 12, 4, 0);
	expect(!run(99) && needs_reset() && fake_msi_data == 0x50);
	set_cfg(probe.pci.msix.cap + 2, 2, 0);
}

static void test_chains(void)
{
	claim("virtio: a chain's segments come in order, first those to read");
	drive(WITH_INDIRECT, 1);
	desc(DESC(0), 3, DATA, 10, N, 7);
	desc(DESC(0), 7, DATA + 0x1000, 20, N | W, 0);
	desc(DESC(0), 0, DATA + 0x2000, 30, W, 55);
	expect(run(3) && got.nr_out == 1 && got.nr_in == 2 && got.out_len == 10);
	expect(got.in_len == 50 && got.iov[2].iov_base == at(DATA + 0x2000));
	expect(used(0)->ring[0].id == 3 && used(0)->ring[0].len == 4);
	expect(!memcmp(at(DATA + 0x1000), "done", 4));

	claim("virtio: an indirect table may have more entries than the queue");
	for (int i = 0; i < VIRTQ_MAX; i++)
		desc(TABLE, i, DATA + 16 * i, 16, W | (i < VIRTQ_MAX - 1 ? N : 0), i + 1);
	desc(DESC(0), 1, TABLE, VIRTQ_MAX * 16, I, 0);
	expect(run(1) && got.nr_in == VIRTQ_MAX);
	desc(DESC(0), 2, DATA, 1, N, 1);
	desc(DESC(0), 1, TABLE + 16 * (VIRTQ_MAX - 4), 64, I, 0);
	desc(TABLE, VIRTQ_MAX - 4, DATA, 1, 0, 0);
	expect(run(2) && got.nr_out == 2 && got.nr_in == 0);

	claim("virtio: more entries than a queue's size go through it, also past 65536");
	for (int i = 0; i < 70000 && unit_ok; i++)
		expect(run(0));
	expect(!needs_reset());
}

/* Each breaks a fresh device, and no other effect is allowed */
static void broken(const char *what, uint64_t features, uint16_t head)
{
	bool took;

	(void)features;
	took = run(head);
	if (took || !needs_reset()) {
		printf("# not refused: %s\n", what);
		unit_ok = false;
	}
	if (used(0)->idx) {
		printf("# pushed: %s\n", what);
		unit_ok = false;
	}
	kicks = 0;
	ring(0);
	expect(!kicks);
	drive(WITH_INDIRECT, 1);
	settle();
}

static void test_malformed(void)
{
	const uint64_t f = WITH_INDIRECT;

	claim("virtio: chains against the rules break the device, until it is reset");
	drive(f, 1);
	settle();
	broken("a head out of range", f, size);
	broken("a head far out of range", f, 0xffff);

	desc(DESC(0), 0, DATA, 8, N, 0);
	broken("a descriptor that follows itself", f, 0);
	desc(DESC(0), 0, DATA, 8, N, 1);
	desc(DESC(0), 1, DATA, 8, N, 0);
	broken("a loop of two", f, 0);
	desc(DESC(0), 0, DATA, 8, N, size);
	broken("a next out of range", f, 0);
	desc(DESC(0), 0, DATA, 8, N, 0xffff);
	broken("a next far out of range", f, 0);

	desc(DESC(0), 0, DATA, 0, 0, 0);
	broken("no length", f, 0);
	desc(DESC(0), 0, MEMORY - 8, 9, 0, 0);
	broken("the end past memory", f, 0);
	desc(DESC(0), 0, MEMORY, 1, W, 0);
	broken("all past memory", f, 0);
	desc(DESC(0), 0, ~0ULL - 7, 16, W, 0);
	broken("an address that wraps", f, 0);
	desc(DESC(0), 0, DATA, 0xffffffff, W, 0);
	broken("4 GiB", f, 0);
	desc(DESC(0), 0, 0xa0000 - 4, 8, W, 0);
	broken("the VGA hole", f, 0);
	desc(DESC(0), 0, bar, 8, W, 0);
	broken("its own BAR", f, 0);
	desc(DESC(0), 0, DATA, 8, N | W, 1);
	desc(DESC(0), 1, DATA, 8, 0, 0);
	broken("a segment to read after one to write", f, 0);

	desc(TABLE, 0, DATA, 8, I, 0);
	desc(DESC(0), 0, TABLE, 16, I, 0);
	broken("a table inside of a table", f, 0);
	desc(TABLE, 0, TABLE, 16, I, 0);
	desc(DESC(0), 0, TABLE, 16, I, 0);
	broken("a table inside of itself", f, 0);
	desc(DESC(0), 0, DESC(0), 16, I, 0);
	broken("the queue's descriptors as a table of theirs", f, 0);
	desc(TABLE, 0, DATA, 8, N, 0);
	desc(DESC(0), 0, TABLE, 16, I, 0);
	broken("a loop in a table", f, 0);
	desc(TABLE, 0, DATA, 8, N, 1);
	desc(DESC(0), 0, TABLE, 16, I, 0);
	broken("a next out of the table", f, 0);
	desc(TABLE, 0, DATA, 8, 0, 0);
	desc(DESC(0), 0, TABLE, 16, I | N, 1);
	desc(DESC(0), 1, DATA, 8, 0, 0);
	broken("a table with a next", f, 0);
	desc(DESC(0), 0, TABLE, 24, I, 0);
	broken("one entry and a half", f, 0);
	desc(DESC(0), 0, TABLE, 0, I, 0);
	broken("an empty table", f, 0);
	desc(DESC(0), 0, TABLE, 16 * (VIRTQ_MAX + 1), I, 0);
	broken("a table that is too long", f, 0);
	desc(DESC(0), 0, TABLE, 0xfffffff0, I, 0);
	broken("a table of 4 GiB", f, 0);
	desc(DESC(0), 0, MEMORY - 16, 32, I, 0);
	broken("a table past memory", f, 0);
	for (int i = 0; i < VIRTQ_MAX; i++)
		desc(TABLE, i, DATA, 16, W | (i < VIRTQ_MAX - 1 ? N : 0), i + 1);
	desc(DESC(0), 1, TABLE, VIRTQ_MAX * 16, I, 0);
	desc(DESC(0), 0, DATA, 1, N, 1);
	broken("a segment too many", f, 0);

	claim("virtio: an available index that jumps breaks the device");
	desc(DESC(0), 0, DATA, 8, W, 0);
	avail_idx[0] = size;
	broken("a jump by more than there are", f, 0);
	avail_idx[0] = 0xfffe;
	broken("a jump back", f, 0);

	claim("virtio: an indirect descriptor without the feature breaks the device");
	drive(BASE_FEATURES, 1);
	settle();
	desc(TABLE, 0, DATA, 8, W, 0);
	desc(DESC(0), 0, TABLE, 16, I, 0);
	broken("indirect", f, 0);
}

static void bad_queue(int reg, int len, uint64_t value)
{
	set_status(0);
	set_status(3);
	accept_features(BASE_FEATURES);
	set_status(11);
	set_queue(0);
	set(reg, len, value);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	if (!needs_reset() || get(VIRTIO_PCI_COMMON_Q_ENABLE, 2)) {
		printf("# not refused: register 0x%x = 0x%llx\n", reg,
		       (unsigned long long)value);
		unit_ok = false;
	}
	set_status(15);
	kicks = 0;
	ring(0);
	expect(!kicks);
}

static void test_bad_queues(void)
{
	claim("virtio: queues of a bad size or outside of memory are not enabled");
	bad_queue(VIRTIO_PCI_COMMON_Q_SIZE, 2, 6);
	bad_queue(VIRTIO_PCI_COMMON_Q_DESCLO, 8, DESC(0) + 8);
	bad_queue(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, AVAIL(0) + 1);
	bad_queue(VIRTIO_PCI_COMMON_Q_USEDLO, 8, USED(0) + 2);
	bad_queue(VIRTIO_PCI_COMMON_Q_DESCLO, 8, MEMORY - 16);
	bad_queue(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, MEMORY - 20);
	bad_queue(VIRTIO_PCI_COMMON_Q_USEDLO, 8, MEMORY - 68);
	bad_queue(VIRTIO_PCI_COMMON_Q_USEDLO, 8, ~3ULL);
	bad_queue(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0xa0000 - 16);

	claim("virtio: a queue is enabled only after the features are settled");
	set_status(0);
	set_status(3);
	set_queue(0);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	expect(!get(VIRTIO_PCI_COMMON_Q_ENABLE, 2));
}

static void test_moves(void)
{
	uint64_t old = bar;

	claim("virtio: a BAR that moves during traffic takes doorbells at its new place only");
	drive(BASE_FEATURES, 1);
	settle();
	desc(DESC(0), 0, DATA, 8, W, 0);
	expect(run(0));
	for (int i = 1; i < 200 && unit_ok; i++) {
		offer(0, 0);
		set(NOTIFY, 2, 0);
		set_cfg(PCI_BASE_ADDRESS_1, 4, i);
		kicks = 0;
		set(NOTIFY, 2, 0);		/* nobody is there */
		expect(get(VIRTIO_PCI_COMMON_STATUS, 1) == 0xff);
		bar = old + ((uint64_t)i << 32);
		settle();
		expect(kicks == 1 && used(0)->idx == avail_idx[0]);
		expect(run(0));
	}
	set_cfg(PCI_BASE_ADDRESS_1, 4, 0);
	bar = old;
	expect(run(0));

	claim("virtio: as does one whose decoding is switched off and on");
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	expect(!run(0));
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ring(0);
	expect(used(0)->idx == avail_idx[0]);
}

static void test_doorbells(void)
{
	uint64_t old = bar, one = 1;

	claim("virtio: the module takes the doorbells of queues that work, while they do");
	drive(BASE_FEATURES, 2);
	settle();
	expect(fake_bell_at(bar + NOTIFY) >= 0 && fake_bell_at(bar + NOTIFY + 4) >= 0);
	expect(fake_bell_at(bar + NOTIFY + 8) < 0);
	kicks = 0;
	expect(write(fake_bell[fake_bell_at(bar + NOTIFY)].fd, &one, 8) == 8);
	settle();
	expect(kicks == 1);
	set_cfg(PCI_BASE_ADDRESS_1, 4, 1);
	expect(fake_bell_at(bar + NOTIFY) < 0 && fake_bell_at(bar + (1ULL << 32) + NOTIFY) >= 0);
	set_cfg(PCI_BASE_ADDRESS_1, 4, 0);
	bar = old;
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	expect(fake_bell_at(bar + NOTIFY) < 0);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(fake_bell_at(bar + NOTIFY) >= 0);
	set_status(0);
	expect(fake_bell_at(bar + NOTIFY) < 0 && fake_bell_at(bar + NOTIFY + 4) < 0);
	set_status(3);
	accept_features(BASE_FEATURES);
	set_status(11);
	set_queue(0);
	set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	expect(fake_bell_at(bar + NOTIFY) < 0);
}

static void test_rng(void)
{
	static const uint8_t zero[32];

	claim("rng: requests are filled with bytes that differ");
	expect(!virtio_rng_create(&vm));
	plug(2);
	expect(cfg(0, 4) == ((0x1040u + VIRTIO_ID_RNG) << 16 | 0x1af4));
	memset(at(DATA), 0, 64);
	drive(WITH_INDIRECT, 1);
	settle();
	desc(DESC(0), 0, DATA, 32, W | N, 1);
	desc(DESC(0), 1, DATA + 32, 32, W, 0);
	offer(0, 0);
	ring(0);
	expect(used(0)->idx == 1 && used(0)->ring[0].len == 64);
	expect(memcmp(at(DATA), zero, 32) && memcmp(at(DATA), at(DATA + 32), 32));

	claim("rng: a request without room gets nothing and is given back");
	desc(DESC(0), 0, DATA, 32, 0, 0);
	offer(0, 0);
	ring(0);
	expect(used(0)->idx == 2 && used(0)->ring[1].len == 0);
}

int main(void)
{
	machine();
	if (virtio_create(&probe, &vm, &kind))
		return 1;
	plug(1);
	test_transport();
	test_reset();
	test_interrupts();
	test_chains();
	test_malformed();
	test_bad_queues();
	test_moves();
	test_doorbells();
	test_rng();
	unmake();
	return unit_finish();
}
