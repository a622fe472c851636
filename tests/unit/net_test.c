// SPDX-License-Identifier: GPL-2.0
/* The tap is one end of a pair of sockets that keep packets apart */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#include "driver.h"
#include "netback.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define HEADER	12
#define RX	0
#define TX	1
#define RX2	2
#define TX2	3
#define CTRL	4	/* of two pairs */
#define NET	(WITH_INDIRECT | 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS)
#define MQ	(NET | 1ULL << VIRTIO_NET_F_MQ | 1ULL << VIRTIO_NET_F_CTRL_VQ)
#define MERGE	(NET | 1ULL << VIRTIO_NET_F_MRG_RXBUF)

static struct net_options options_net = { .name = "tap=test" };
static int wire, tap_fd;	/* the host's end and the device's */

static uint8_t pattern(unsigned int i)
{
	return i * 7 + i / 256;
}

static void from_wire(unsigned int len)
{
	uint8_t packet[70000] = { 0 };

	for (unsigned int i = HEADER; i < len; i++)
		packet[i] = pattern(i);
	expect(send(wire, packet, len, 0) == (ssize_t)len);
	settle();
}

/* A receive buffer of @len bytes for entry @i */
static void buffer(int i, uint32_t len)
{
	desc(DESC(RX), i, DATA + i * 0x10000, len, W, 0);
	offer(RX, i);
}

static uint16_t num_buffers(int i)
{
	return ((struct virtio_net_hdr_mrg_rxbuf *)at(DATA + i * 0x10000))->num_buffers;
}

static void test_transmit(void)
{
	uint8_t got[2000];
	ssize_t n;

	claim("net: a packet of several segments goes out with its header");
	drive(NET, 2);
	settle();
	for (int i = 0; i < 300; i++)
		((uint8_t *)at(DATA))[i] = pattern(i);
	desc(DESC(TX), 0, DATA, 5, N, 1);
	desc(DESC(TX), 1, DATA + 5, 100, N, 2);
	desc(DESC(TX), 2, DATA + 105, 195, 0, 0);
	offer(TX, 0);
	ring(TX);
	n = recv(wire, got, sizeof(got), MSG_DONTWAIT);
	expect(n == 300 && !memcmp(got, at(DATA), 300) && used(TX)->idx == 1);

	claim("net: a packet without header, or one to write to, breaks the device");
	desc(DESC(TX), 0, DATA, 11, 0, 0);
	offer(TX, 0);
	ring(TX);
	expect(needs_reset() && recv(wire, got, sizeof(got), MSG_DONTWAIT) < 0);
	drive(NET, 2);
	settle();
	desc(DESC(TX), 0, DATA, 100, N, 1);
	desc(DESC(TX), 1, DATA + 100, 100, W, 0);
	offer(TX, 0);
	ring(TX);
	expect(needs_reset() && recv(wire, got, sizeof(got), MSG_DONTWAIT) < 0);
}

static void test_receive(void)
{
	claim("net: a packet waits for the driver, then for a buffer, and is not lost");
	set_status(0);
	from_wire(200);
	drive(NET, 2);
	settle();
	expect(!used(RX)->idx);
	buffer(0, 1526);
	ring(RX);
	expect(used(RX)->idx == 1 && used(RX)->ring[0].len == 200 && num_buffers(0) == 1);
	expect(((uint8_t *)at(DATA))[199] == pattern(199));

	claim("net: without mergeable buffers a packet that is too big is lost, the buffer kept");
	buffer(1, 1526);
	ring(RX);
	from_wire(1527);
	expect(used(RX)->idx == 1);
	from_wire(1526);
	expect(used(RX)->idx == 2 && used(RX)->ring[1].id == 1 && used(RX)->ring[1].len == 1526);

	claim("net: a packet is spread over mergeable buffers");
	drive(MERGE, 2);
	settle();
	for (int i = 0; i < 4; i++)
		buffer(i, 1000);
	ring(RX);
	from_wire(2500);
	expect(used(RX)->idx == 3 && num_buffers(0) == 3);
	expect(used(RX)->ring[0].len == 1000 && used(RX)->ring[2].len == 500);
	expect(((uint8_t *)at(DATA + 0x20000))[499] == pattern(2499));
	from_wire(1500);
	expect(used(RX)->idx == 3);
	buffer(4, 1000);
	ring(RX);
	expect(used(RX)->idx == 5 && num_buffers(3) == 2);

	claim("net: one that needs more buffers than there may be is lost, they are kept");
	size = 128;
	drive(MERGE, 2);
	settle();
	for (int i = 0; i < 80; i++) {
		desc(DESC(RX), i, DATA + i * 16, 12, W, 0);
		offer(RX, i);
	}
	ring(RX);
	from_wire(1000);
	expect(!used(RX)->idx && !needs_reset());
	from_wire(120);
	expect(used(RX)->idx == 10);
	from_wire(12 * 64);
	expect(used(RX)->idx == 74);
	size = 8;

	claim("net: a receive buffer without room for the header breaks the device");
	drive(MERGE, 2);
	settle();
	buffer(0, 11);
	ring(RX);
	from_wire(100);
	expect(needs_reset() && !used(RX)->idx);
	drive(MERGE, 2);
	settle();
	desc(DESC(RX), 0, DATA, 100, 0, 0);
	offer(RX, 0);
	ring(RX);
	from_wire(100);
	expect(needs_reset());

	claim("net: without bus mastering nothing is written to memory");
	drive(MERGE, 2);
	settle();
	buffer(0, 1000);
	ring(RX);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	from_wire(100);
	expect(!used(RX)->idx);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ring(RX);
	expect(used(RX)->idx == 1);

	claim("net: packets of all sizes, many at a time");
	drive(MERGE, 2);
	settle();
	for (unsigned int i = 0, next = 0; i < 3000 && unit_ok; i++) {
		unsigned int len = HEADER + i * 13 % 9000;

		while ((uint16_t)(avail_idx[RX] - used(RX)->idx) < size)
			buffer(next++ % size, 4096);
		ring(RX);
		from_wire(len);
		expect((uint16_t)(avail_idx[RX] - used(RX)->idx) == size - (len + 4095) / 4096);
	}
}

static void test_config(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	uint64_t v = get(CONFIG, 8);
	int fd = open("/dev/null", O_WRONLY);

	claim("net: address, link and features; the link goes down when the tap goes away");
	expect(!memcmp(&v, mac, 6) && v >> 48 == VIRTIO_NET_S_LINK_UP);
	expect((offered() & MERGE) == MERGE && offered() & 1 << VIRTIO_NET_F_HOST_TSO4);
	drive(MERGE, 2);
	settle();
	buffer(0, 1000);
	ring(RX);
	v = get(VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	/* Not a tap any more, but a file that cannot be read */
	dup2(fd, tap_fd);
	close(fd);
	ring(RX);
	expect(get(CONFIG + 6, 2) == 0 && get(VIRTIO_PCI_COMMON_CFGGENERATION, 1) == v + 1);
	expect(!used(RX)->idx && !needs_reset());
}

/* ---- two pairs: a device of its own, in slot 2 */

static int wire2[2];		/* the host's ends */
static int attached;		/* as the back end was told last */
static bool fails;

static bool set_pairs(struct netback *nb, unsigned int n)
{
	(void)nb;
	if (fails)
		return false;
	attached = n;
	return true;
}

/* A command in the control queue @q, of which the first @len bytes are there; its answer */
static uint8_t tell(int q, uint8_t class, uint8_t cmd, uint16_t pairs, uint32_t len)
{
	uint8_t *p = at(DATA);

	p[0] = class;
	p[1] = cmd;
	memcpy(p + 2, &pairs, sizeof(pairs));
	p[16] = 0xdd;
	desc(DESC(q), 0, DATA, len, N, 1);
	desc(DESC(q), 1, DATA + 16, 1, W, 0);
	offer(q, 0);
	ring(q);
	expect(used(q)->idx == avail_idx[q]);
	return p[16];
}

static uint8_t want_pairs(uint16_t n)
{
	return tell(CTRL, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, n, 4);
}

static void send2(int pair, uint32_t len)
{
	static uint8_t packet[2000];

	expect(send(wire2[pair], packet, len, 0) == (ssize_t)len);
	settle();
}

static void put(int q, uint32_t len, uint16_t flags)
{
	desc(DESC(q), 0, DATA + 0x1000 * q, len, flags, 0);
	offer(q, 0);
	ring(q);
}

static void test_pairs(void)
{
	uint8_t got[2000];

	claim("net: one pair of queues has no control queue, two say so");
	expect(!(offered() & (MQ & ~NET)) && get(VIRTIO_PCI_COMMON_NUMQ, 2) == 2);
	set_status(0);
	plug(2);
	expect((offered() & MQ) == MQ && get(VIRTIO_PCI_COMMON_NUMQ, 2) == 5);
	expect(get(CONFIG + 8, 2) == 2);

	claim("net: the second pair stands still until the driver wants it");
	drive(MQ, 5);
	settle();
	put(RX2, 1000, W);
	put(TX2, 100, 0);
	send2(1, 200);
	expect(!used(RX2)->idx && !used(TX2)->idx && recv(wire2[1], got, 2000, MSG_DONTWAIT) < 0);
	put(RX, 1000, W);
	send2(0, 300);
	expect(used(RX)->idx == 1 && used(RX)->ring[0].len == 300);
	expect(want_pairs(2) == VIRTIO_NET_OK && attached == 2);
	expect(used(RX2)->idx == 1 && used(RX2)->ring[0].len == 200);
	expect(used(TX2)->idx == 1 && recv(wire2[1], got, 2000, MSG_DONTWAIT) == 100);
	put(TX, 50, 0);
	expect(recv(wire2[0], got, 2000, MSG_DONTWAIT) == 50);

	claim("net: numbers of pairs that there are not, and other commands, are errors");
	expect(want_pairs(0) == VIRTIO_NET_ERR && want_pairs(3) == VIRTIO_NET_ERR);
	expect(tell(CTRL, VIRTIO_NET_CTRL_MQ, 1, 1, 4) == VIRTIO_NET_ERR);
	expect(tell(CTRL, VIRTIO_NET_CTRL_RX, 0, 1, 4) == VIRTIO_NET_ERR);
	expect(tell(CTRL, VIRTIO_NET_CTRL_MQ, 0, 1, 3) == VIRTIO_NET_ERR);
	expect(tell(CTRL, VIRTIO_NET_CTRL_MQ, 0, 1, 1) == VIRTIO_NET_ERR);
	fails = true;
	expect(want_pairs(1) == VIRTIO_NET_ERR);
	fails = false;
	expect(attached == 2 && !needs_reset());
	put(RX2, 1000, W);
	send2(1, 200);
	expect(used(RX2)->idx == 2);

	claim("net: with one again the second pair's packets stay where they are");
	expect(want_pairs(1) == VIRTIO_NET_OK && attached == 1);
	put(RX2, 1000, W);
	put(TX2, 100, 0);
	send2(1, 210);
	expect(used(RX2)->idx == 2 && used(TX2)->idx == 1);
	expect(want_pairs(2) == VIRTIO_NET_OK);
	expect(used(RX2)->idx == 3 && used(RX2)->ring[2].len == 210 && used(TX2)->idx == 2);

	claim("net: a reset leaves the first pair only");
	drive(MQ, 5);
	settle();
	expect(attached == 1);
	put(RX2, 1000, W);
	send2(1, 220);
	expect(!used(RX2)->idx);

	claim("net: a driver of one pair has the third queue for control, and gets no pairs");
	drive(MQ & ~(1ULL << VIRTIO_NET_F_MQ), 3);
	settle();
	expect(tell(RX2, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 4) ==
	       VIRTIO_NET_ERR);
	expect(attached == 1);

	claim("net: the link goes down for both, and is told once");
	drive(MQ, 5);
	settle();
	expect(want_pairs(2) == VIRTIO_NET_OK);
	put(RX2, 1000, W);
	settle();
	put(RX, 1000, W);
	close(wire2[1]);
	settle();
	expect(get(CONFIG + 6, 2) == 0);
	put(RX2, 1000, W);
	expect(get(CONFIG + 6, 2) == 0 && used(RX)->idx == 0);
	set_status(0);
}

static const char *gone(struct netback *nb)
{
	(void)nb;
	return "gone";
}

static int make_two(void)
{
	static const struct netback_ops ops = { .gone = gone, .set_pairs = set_pairs };
	static struct netback two = {
		.ops = &ops,
		.opt = &options_net,
		.pairs = 2,
		.active = 1,
		.vhost = { -1, -1 },
		.watch = -1,
	};
	int fd[2];

	for (int i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd))
			return -1;
		two.fd[i] = fd[0];
		wire2[i] = fd[1];
	}
	return virtio_net_create(&vm, &two);
}

int main(void)
{
	static const struct netback_ops ops = { .gone = gone };
	static struct netback tap = {
		.ops = &ops,
		.opt = &options_net,
		.pairs = 1,
		.active = 1,
		.vhost = { -1 },
		.watch = -1,
		.offloads = NETBACK_OFFLOADS,
		.mac = { 2, 0, 0, 0, 0, 9 },
	};
	int fd[2];

	machine();
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd))
		return 1;
	tap.fd[0] = fd[0];
	tap_fd = fd[0];
	wire = fd[1];
	if (virtio_net_create(&vm, &tap))
		return 1;
	plug(1);
	test_transmit();
	test_receive();
	test_config();
	if (make_two())
		return 1;
	test_pairs();
	unmake();
	return unit_finish();
}
