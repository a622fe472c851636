// SPDX-License-Identifier: GPL-2.0
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "chardev.h"
#include "driver.h"
#include "keeper.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define RX	0
#define TX	1

static char path[64];
static int client;

static void say(const char *text)
{
	expect(write(client, text, strlen(text)) == (ssize_t)strlen(text));
	settle();
}

static void buffer(int i, uint32_t len)
{
	desc(DESC(RX), i, DATA + i * 0x1000, len, W, 0);
	offer(RX, i);
}

/* What came within a moment */
static size_t heard(char *to, size_t size_of)
{
	size_t n = 0;

	for (int i = 0; i < 5; i++) {
		ssize_t got;

		loop_step(&vm.loop, 20);
		settle();
		got = recv(client, to + n, size_of - n, MSG_DONTWAIT);
		if (got > 0) {
			n += got;
			i = 0;
		}
	}
	return n;
}

static void test_output(void)
{
	static char got[200000];
	uint32_t sent = 0;
	bool good = true;
	size_t n;

	claim("console: what the guest writes in segments comes out at the other end");
	memcpy(at(DATA), "Hello, ", 7);
	memcpy(at(DATA + 0x1000), "host\n", 5);
	desc(DESC(TX), 0, DATA, 7, N, 1);
	desc(DESC(TX), 1, DATA + 0x1000, 5, 0, 0);
	offer(TX, 0);
	ring(TX);
	n = heard(got, sizeof(got));
	expect(n == 12 && !memcmp(got, "Hello, host\n", 12) && used(TX)->idx == 1);

	claim("console: a reader that does not read stops the guest, and loses nothing");
	for (int i = 0; i < 4096; i++)
		((uint8_t *)at(DATA))[i] = i * 3 + i / 256;
	for (int i = 0; i < size; i++)
		desc(DESC(TX), i, DATA, 4096, 0, 0);
	for (int i = 0; i < 500 && (uint16_t)(avail_idx[TX] - used(TX)->idx) < size; i++) {
		offer(TX, i % size);
		sent += 4096;
		ring(TX);
	}
	expect((uint16_t)(avail_idx[TX] - used(TX)->idx) == size);
	for (uint32_t done = 0; done < sent && good; done += n) {
		n = heard(got, sizeof(got));
		good = n;
		for (size_t i = 0; i < n; i++)
			good &= (uint8_t)got[i] == (uint8_t)((done + i) % 4096 * 3 +
							      (done + i) % 4096 / 256);
	}
	expect(good && used(TX)->idx == avail_idx[TX]);
}

static void test_input(void)
{
	claim("console: input waits for a buffer, and a buffer for input");
	say("early");
	expect(!used(RX)->idx);
	buffer(0, 100);
	ring(RX);
	expect(used(RX)->idx == 1 && used(RX)->ring[0].len == 5);
	expect(!memcmp(at(DATA), "early", 5));
	buffer(1, 3);
	buffer(2, 100);
	ring(RX);
	expect(used(RX)->idx == 1);
	say("longer");
	expect(used(RX)->idx == 3 && used(RX)->ring[1].len == 3);
	expect(used(RX)->ring[2].len == 3);
	expect(!memcmp(at(DATA + 0x1000), "lon", 3) && !memcmp(at(DATA + 0x2000), "ger", 3));

	claim("console: a buffer without room is given nothing, and a reset forgets the rest");
	desc(DESC(RX), 3, DATA, 100, 0, 0);
	offer(RX, 3);
	ring(RX);
	say("x");
	drive(BASE_FEATURES, 2);
	settle();
	buffer(0, 100);
	ring(RX);
	say("y");
	expect(used(RX)->idx >= 1 && !needs_reset());
}

int main(void)
{
	struct chardev_options opt = { .name = "console", .kind = CHARDEV_SOCKET, .path = path };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct chardev *cd;

	machine();
	snprintf(path, sizeof(path), "/tmp/hvmon-console.%d", getpid());
	memcpy(sa.sun_path, path, strlen(path));
	chardev_announce(&opt);
	if (keeper_start(&options) || chardev_open(&vm, &opt, &cd) ||
	    virtio_console_create(&vm, cd))
		return 1;
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(client, (void *)&sa, sizeof(sa)))
		return 1;
	plug(1);
	drive(BASE_FEATURES, 2);
	settle();
	test_output();
	test_input();
	claim("console: its socket goes with it");
	expect(!access(path, F_OK));
	unmake();
	expect(access(path, F_OK));
	keeper_stop();
	close(client);
	return unit_finish();
}
