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
#define NET	(WITH_INDIRECT | 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS)
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

static const char *gone(struct netback *nb)
{
	(void)nb;
	return "gone";
}

int main(void)
{
	static const struct netback_ops ops = { .gone = gone };
	static struct netback tap = {
		.ops = &ops,
		.opt = &options_net,
		.vhost = -1,
		.watch = -1,
		.offloads = NETBACK_OFFLOADS,
		.mac = { 2, 0, 0, 0, 0, 9 },
	};
	int fd[2];

	machine();
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd))
		return 1;
	tap.fd = fd[0];
	tap_fd = fd[0];
	wire = fd[1];
	if (virtio_net_create(&vm, &tap))
		return 1;
	plug(1);
	test_transmit();
	test_receive();
	test_config();
	unmake();
	return unit_finish();
}
