// SPDX-License-Identifier: GPL-2.0
/*
 * A guest without scruples: chains that are nearly right, rings and registers
 * that are not, for every virtio device and both layouts. What must hold is that
 * nothing happens to the launcher, which the sanitizers watch, and that each
 * device works again after a reset. FUZZ_CHAINS is how many for each device,
 * FUZZ_SEED what to begin with.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "chardev.h"
#include "driver.h"
#include "plug.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT
#define MAX_CHAIN	12

struct segment {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static uint64_t state;
static int wire;
static bool packed, scsi;
static int queues;
static uint16_t place[8];
static bool lap[8];

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* True once in @n times */
static bool once(unsigned int n)
{
	return any() % n == 0;
}

static uint64_t any_addr(void)
{
	const uint64_t odd[] = {
		0, ~0ULL, MEMORY - 1, MEMORY - 512, MEMORY, 0x9fff0, 0xa0000, 0xc0000, bar,
		DESC(0), AVAIL(0), USED(0), TABLE, 1ULL << 32, ~0ULL - 4095,
	};

	if (once(2))
		return DATA + any() % 0x40000;
	return once(16) ? any() : odd[any() % ARRAY_SIZE(odd)];
}

static uint32_t any_len(void)
{
	const uint32_t odd[] = {
		0, 1, 11, 12, 15, 16, 17, 511, 512, 4096, 0x10000, 0x100000, 0x7fffffff, ~0u,
	};

	return once(2) ? any() % 70000 : odd[any() % ARRAY_SIZE(odd)];
}

/* A command of virtio-scsi, or task management: both begin at @p */
static void make_scsi(uint8_t *p)
{
	const uint8_t codes[] = {
		0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x41, 0x42,
		0x5a, 0x88, 0x8a, 0x8f, 0x91, 0x93, 0x9e, 0xa0, 0xa3, 0xa8, 0xaa,
	};

	memset(p, 0, 51);
	if (once(8)) {
		p[0] = any() % 3;
		p[4] = any() % 10;
		p[8] = 1;
		p[16] = any() % 4;
		return;
	}
	p[0] = 1;
	p[3] = once(20);
	p[8] = any() % 4;
	for (int i = 1; i < 16; i++)
		p[19 + i] = once(8) ? any() : 0;
	p[19] = once(20) ? any() : codes[any() % sizeof(codes)];
	/* How many blocks, for most of them */
	p[19 + (p[19] >> 5 == 4 ? 13 : p[19] >> 5 ? 8 : 4)] = any() % 16;
}

/* A chain as a good driver of some device would make it */
static int make_chain(struct segment *s)
{
	/* The last are commands to use 1 and 2 pairs of a NIC's queues */
	const uint32_t types[] = { 0, 1, 4, 8, 11, 13, 13, 99, 0x10004, 0x20004 };
	int n = 1 + any() % (MAX_CHAIN - 1), out = any() % (n + 1);
	struct virtio_blk_outhdr *h = at(DATA);

	h->type = types[any() % ARRAY_SIZE(types)];
	h->sector = once(8) ? any() : any() % 140;
	/* Frame numbers for a balloon */
	((uint32_t *)at(DATA + 0x1000))[any() % 0x10000] = any() % (MEMORY / 4096 + 50);
	for (int i = 0; i < n; i++)
		s[i] = (struct segment){
			.addr = DATA + 0x1000 + any() % 0x40000,
			.len = once(2) ? 512 * (1 + any() % 16) : 1 + any() % 3000,
			.flags = (i < out ? 0 : W) | (i < n - 1 ? N : 0),
			.next = i + 1,
		};
	if (out)
		s[0] = (struct segment){ DATA, once(2) ? 16 : s[0].len, s[0].flags, 1 };
	if (out < n && once(2))
		s[n - 1].len = 1;
	if (scsi) {
		make_scsi(at(DATA));
		if (out)
			s[0].len = once(20) ? 24 : 51;
		if (out < n)
			s[out].len = 108 + (once(2) ? 0 : any() % 600);
	}
	return n;
}

static void mutate(struct segment *s, int n)
{
	struct segment *v = &s[any() % n];

	switch (any() % 5) {
	case 0:
		v->addr = any_addr();
		break;
	case 1:
		v->len = any_len();
		break;
	case 2:
		v->flags = any();
		break;
	case 3:
		v->flags ^= 1 << any() % 3;
		break;
	case 4:
		v->next = once(2) ? any() : any() % size;
		break;
	}
}

static void put_packed(int q, const struct segment *s, int n)
{
	uint16_t mine = 1 << VRING_PACKED_DESC_F_AVAIL, theirs = 1 << VRING_PACKED_DESC_F_USED;
	struct vring_packed_desc *ring_of = at(DESC(q));

	for (int i = 0; i < n; i++) {
		ring_of[place[q]] = (struct vring_packed_desc){
			s[i].addr, s[i].len, any(),
			(s[i].flags & (N | W | I)) | (lap[q] ? mine : theirs),
		};
		if (once(200))
			ring_of[place[q]].flags = any();
		place[q] = (place[q] + 1) % size;
		lap[q] ^= !place[q];
	}
}

static void put_split(int q, const struct segment *s, int n)
{
	uint16_t head = any() % size;

	for (int i = 0; i < n; i++)
		desc(DESC(q), (head + i) % size, s[i].addr, s[i].len, s[i].flags,
		     s[i].next < MAX_CHAIN ? (head + s[i].next) % size : s[i].next);
	offer(q, once(200) ? any() : head);
	if (once(500))
		((struct vring_avail *)at(AVAIL(q)))->idx = any();
	if (once(50))
		((struct vring_avail *)at(AVAIL(q)))->flags = any();
}

static void put_chain(int q)
{
	struct segment s[MAX_CHAIN], table;
	int n = make_chain(s);

	while (once(3))
		mutate(s, n);
	if (once(3)) {
		for (int i = 0; i < n; i++)
			desc(TABLE, i, s[i].addr, s[i].len, s[i].flags, s[i].next);
		table = (struct segment){ TABLE, n * 16, I, 0 };
		if (once(20))
			mutate(&table, 1);
		s[0] = table;
		n = 1;
	}
	if (packed)
		put_packed(q, s, n);
	else
		put_split(q, s, n);
}

static void start(void)
{
	uint64_t features = offered() & (any() | WITH_INDIRECT);

	set_status(0);
	for (int i = 0; i < 100 && status(); i++)
		loop_step(&vm.loop, 20);
	expect(!status());
	packed = features >> VIRTIO_F_RING_PACKED & 1;
	size = packed ? MAX_CHAIN + any() % 60 : 16u << any() % 3;
	memset(place, 0, sizeof(place));
	memset(lap, 1, sizeof(lap));
	drive(features, queues);
	settle();
}

/* Registers, the table of vectors, configuration space, and all put right again */
static void poke(int s)
{
	for (int i = 0; i < 20; i++)
		if (once(2))
			set(any() % 0x8000, 1 << any() % 3, once(2) ? any() : any() % 20);
		else
			set_cfg(any() % 256, 1 << any() % 3, any());
	settle();
	set_cfg(PCI_BASE_ADDRESS_0, 4, bar);
	set_cfg(PCI_BASE_ADDRESS_1, 4, 0);
	plug(s);
	start();
}

static void fuzz(const char *name, int s, int n_queues, unsigned int chains)
{
	char text[80];

	snprintf(text, sizeof(text), "fuzz: %s survives %u chains", name, chains);
	claim(text);
	plug(s);
	queues = n_queues;
	start();
	for (unsigned int i = 0; i < chains && unit_ok; i++) {
		int q = any() % queues;

		put_chain(q);
		if (once(2))
			ring(q);
		if (once(8))
			(void)!send(wire, at(DATA), 12 + any() % 9000, MSG_DONTWAIT);
		if (once(200))
			poke(s);
		else if (needs_reset() || once(1000))
			start();
	}
	start();
	/* The device still works: an empty ring stays so, and it is not broken */
	for (int q = 0; q < queues; q++)
		ring(q);
	expect(!needs_reset());
	set_status(0);
	settle();
	unit_end();
}

/* Anything at all to the registers of hotplug and of the event that goes with it */
static void poke_hotplug(void)
{
	uint32_t v = once(2) ? any() : 1u << any() % 32;

	if (once(4))
		bus_write(&vm.pio, PM1_EVENT_PORT + any() % 16, &v, 1 << any() % 3);
	else
		bus_write(&vm.pio, HOTPLUG_PORT + any() % (HOTPLUG_LEN + 2), &v, 1 << any() % 3);
	bus_read(&vm.pio, HOTPLUG_PORT + any() % HOTPLUG_LEN, &v, 4);
}

/* The slot of a disk that was added, or 0 */
static int slot_of(const char *id)
{
	char list[2048] = "", *line;
	FILE *to = fmemopen(list, sizeof(list), "w");

	plug_list(&vm, to);
	fclose(to);
	line = strstr(list, id);
	return line ? atoi(line + strlen(id)) : 0;
}

/* Disks come, and go with what the guest has made of them by then */
static void fuzz_hotplug(const char *image, unsigned int chains)
{
	uint32_t all = ~0u, gsis;
	struct plug_device d;
	const char *id;
	char text[80];

	snprintf(text, sizeof(text), "fuzz: hotplug survives %u chains", chains);
	claim(text);
	gsis = vm.next_gsi - vm.nr_free_gsis;
	while (chains && unit_ok) {
		expect(!plug_open(&d, &options, "disk", image));
		expect(!plug_add(&vm, "disk", image, &d, &id));
		slot = slot_of(id);
		expect(slot);
		set_cfg(PCI_BASE_ADDRESS_0, 4, 0xc8000000);
		plug(slot);
		queues = 2;
		start();
		for (unsigned int n = any() % 64; n && chains; n--, chains--) {
			int q = any() % queues;

			put_chain(q);
			set(NOTIFY + 4 * q, 2, q);
			if (once(4))
				loop_step(&vm.loop, 0);
			if (once(8))
				poke_hotplug();
		}
		bus_write(&vm.pio, HOTPLUG_PORT + HOTPLUG_EJECT, &all, 4);
		expect(cfg(0, 4) == ~0u);
		settle();
		expect(vm.next_gsi - vm.nr_free_gsis == gsis);
	}
	unit_end();
}

int main(void)
{
	const char *wanted = getenv("FUZZ_CHAINS"), *seed = getenv("FUZZ_SEED");
	unsigned int chains = wanted ? atoi(wanted) : 20000;
	static struct disk_options raw = { .packed = true };
	static struct net_options options_net = { .name = "tap=test" };
	struct chardev_options co = {
		.name = "console", .kind = CHARDEV_FILE, .path = "/dev/null",
	};
	static const struct netback_ops ops;
	struct netback tap = {
		.ops = &ops,
		.opt = &options_net,
		.offloads = NETBACK_OFFLOADS,
		.pairs = 1,
		.active = 1,
		.vhost = { -1 },
	}, taps = {
		.ops = &ops,
		.opt = &options_net,
		.offloads = NETBACK_OFFLOADS,
		.pairs = 2,
		.active = 1,
		.vhost = { -1, -1 },
	};
	static const struct share_options folder = { .path = "folder", .tag = "folder" };
	/* Its process is gone: only then it is ours to answer */
	static struct share share = {
		.opt = &folder, .features = WITH_INDIRECT,
	};
	char image[] = "/tmp/hvmon-fuzz.XXXXXX", second[sizeof(image) + 2];
	struct chardev *cd;
	char other[] = "/tmp/hvmon-fuzz.XXXXXX";
	static struct disk_options raw_scsi = { .packed = true, .serial = "1" };
	struct disk disk;
	bool disks;
	int fd[2];

	options.no_sandbox = true;
	state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	machine();
	raw.path = image;
	close(mkstemp(image));
	raw_scsi.path = other;
	close(mkstemp(other));
	if (truncate(image, 65536) || truncate(other, 65536) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd))
		return 1;
	tap.fd[0] = fd[0];
	taps.fd[0] = dup(fd[0]);
	taps.fd[1] = dup(fd[0]);
	wire = fd[1];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 1;
	share.fd = fd[0];
	close(fd[1]);
	if (virtio_rng_create(&vm) || virtio_net_create(&vm, &tap) ||
	    chardev_open(&vm, &co, &cd) || virtio_console_create(&vm, cd) ||
	    virtio_balloon_create(&vm) || virtio_net_create(&vm, &taps) ||
	    virtio_fs_create(&vm, &share)) {
		puts("not ok fuzz: there is a device that cannot be made");
		return 1;
	}
	fuzz("virtio-rng", 1, 1, chains);
	fuzz("virtio-net", 2, 2, chains);
	fuzz("virtio-console", 3, 2, chains);
	fuzz("virtio-balloon", 4, 5, chains);
	fuzz("virtio-net with two pairs", 5, 5, chains);
	fuzz("virtio-fs without its process", 6, 2, chains);
	/* Without io_uring there is no disk, and a word why */
	disks = !disk_open(&disk, &raw) && !virtio_blk_create(&vm, &disk);
	if (disks)
		fuzz("virtio-blk", 7, 2, chains);
	scsi = true;
	if (disks && !disk_open(&disk, &raw_scsi) && !virtio_scsi_create(&vm, &disk))
		fuzz("virtio-scsi", 8, 4, chains);
	scsi = false;
	if (disks) {
		strcpy(second, image);
		strcat(second, ".2");
		close(open(second, O_CREAT | O_RDWR, 0600));
		if (truncate(second, 65536) || pm_create(&vm) || hotplug_create(&vm))
			return 1;
		fuzz_hotplug(second, chains);
		unlink(second);
		vm.dev_list[2]->ops->free(vm.dev_list[2]);
		vm.dev_list[1]->ops->free(vm.dev_list[1]);
		plug_free(&vm);
	}
	unlink(image);
	unlink(other);
	unmake();
	return unit_finish();
}
