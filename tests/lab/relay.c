// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's channel on an emulator without virtio (tests/lab/bochs.py).
 *
 * The first disk is a file that the lab has mapped. A call is written to one
 * place of it, the answer read from another; what the lab has to say unasked
 * waits there until it is fetched, after a byte on the second serial line. The
 * disk is driven from here, by programmed I/O: a serial line carries 11 KB a
 * second, a network wants drivers that not every kernel has, and the kernel's
 * disk driver would take longer to start than all this takes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/io.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "relay.h"

/* Known to bochs.py too. */
#define SECTOR		512
#define CALL_LBA	65536
#define ANSWER_LBA	66560
#define MAX_DATA	(256 << 10)
#define BELL		"/dev/ttyS1"

#define ATA		0x1f0
#define ATA_CONTROL	0x3f6
#define ATA_MASTER	0xe0
#define ATA_READ	0x20
#define ATA_WRITE	0x30
#define ATA_BSY		0x80
#define ATA_DRQ		0x08

enum call_op {
	CALL_HELLO = 'h',
	CALL_9P = '9',
	CALL_FRAMES = 'f',	/* bytes for the lab */
	CALL_FETCH = 'g',	/* are there any for the host? */
};

/* In front of the data, in its first sector. */
struct call {
	uint32_t seq;
	uint32_t op;
	uint32_t len;
	uint32_t max;		/* of the answer */
};

struct answer {
	uint32_t seq;		/* of the call; stored last */
	uint32_t len;
	uint32_t more;		/* there is something to fetch */
	uint32_t zero;
};

#define SPACE (sizeof(struct call) + MAX_DATA + SECTOR)

static uint8_t out[SPACE] __attribute__((aligned(16)));
static uint8_t in[SPACE] __attribute__((aligned(16)));
static int root_fd, port_fd, bell_fd;
static sem_t started;
static int start_error;

static void ata_command(int command, uint32_t lba, unsigned int sectors)
{
	outb(sectors, ATA + 2); /* 256 is 0 */
	outb(lba, ATA + 3);
	outb(lba >> 8, ATA + 4);
	outb(lba >> 16, ATA + 5);
	outb(ATA_MASTER | lba >> 24, ATA + 6);
	outb(command, ATA + 7);
}

static void ata_wait(void)
{
	while ((inb(ATA + 7) & (ATA_BSY | ATA_DRQ)) != ATA_DRQ)
		;
}

static void disk_read(uint32_t lba, void *buf, unsigned int sectors)
{
	unsigned int n, i;

	for (; sectors; sectors -= n, lba += n) {
		n = sectors < 256 ? sectors : 256;
		ata_command(ATA_READ, lba, n);
		for (i = 0; i < n; i++, buf = (char *)buf + SECTOR) {
			ata_wait();
			insl(ATA, buf, SECTOR / 4);
		}
	}
}

static void disk_write(uint32_t lba, const void *buf, unsigned int sectors)
{
	unsigned int n, i;

	for (; sectors; sectors -= n, lba += n) {
		n = sectors < 256 ? sectors : 256;
		ata_command(ATA_WRITE, lba, n);
		for (i = 0; i < n; i++, buf = (char *)buf + SECTOR) {
			ata_wait();
			outsl(ATA, buf, SECTOR / 4);
		}
	}
}

/* The data is in out and the answer's comes to in, behind the headers. */
static const struct answer *call(int op, uint32_t len, uint32_t max)
{
	static uint32_t seq;
	struct call *c = (struct call *)out;
	const struct answer *a = (const struct answer *)in;
	unsigned int sectors = (sizeof(*c) + len + SECTOR - 1) / SECTOR;

	c->seq = ++seq;
	c->op = op;
	c->len = len;
	c->max = max;
	/* The number makes it a call, so its sector goes last. */
	if (sectors > 1)
		disk_write(CALL_LBA + 1, out + SECTOR, sectors - 1);
	disk_write(CALL_LBA, out, 1);
	for (;;) {
		disk_read(ANSWER_LBA, in, 1);
		if (a->seq == seq)
			break;
		sched_yield();
	}
	/* Again: what follows the number may have been read before it changed. */
	disk_read(ANSWER_LBA, in, 1);
	sectors = (sizeof(*a) + a->len + SECTOR - 1) / SECTOR;
	if (sectors > 1)
		disk_read(ANSWER_LBA + 1, in + SECTOR, sectors - 1);
	return a;
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static int read_all(int fd, uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* One message: its length, this field included, is in front. */
static int serve_root(int *more)
{
	uint8_t *data = out + sizeof(struct call);
	const struct answer *a;
	uint32_t len;

	if (read_all(root_fd, data, sizeof(len)))
		return -1;
	memcpy(&len, data, sizeof(len));
	if (len < sizeof(len) || len > MAX_DATA || read_all(root_fd, data + 4, len - 4))
		return -1;
	a = call(CALL_9P, len, MAX_DATA);
	*more = a->more;
	return write_all(root_fd, in + sizeof(*a), a->len);
}

static int serve_port(int *more)
{
	ssize_t n = read(port_fd, out + sizeof(struct call), MAX_DATA);

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	*more = call(CALL_FRAMES, n, 0)->more;
	return 0;
}

static int fetch(int *more)
{
	/* Not more than POLLOUT promises: init may not read before it has written. */
	const struct answer *a = call(CALL_FETCH, 0, 32 << 10);

	*more = a->more;
	return write_all(port_fd, in + sizeof(*a), a->len);
}

static void *relay(void *unused)
{
	int more = 1;
	char bells[64];

	(void)unused;
	while (root_fd >= 0 || port_fd >= 0) {
		struct pollfd p[] = {
			{ .fd = root_fd, .events = POLLIN },
			{ .fd = port_fd, .events = POLLIN | (more ? POLLOUT : 0) },
			{ .fd = bell_fd, .events = POLLIN },
		};

		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents && serve_root(&more))
			root_fd = -1;
		if ((p[1].revents & POLLOUT) && fetch(&more))
			port_fd = -1;
		if ((p[1].revents & ~POLLOUT) && serve_port(&more))
			port_fd = -1;
		if (p[2].revents) {
			if (read(bell_fd, bells, sizeof(bells)) <= 0)
				bell_fd = -1;
			more = 1;
		}
	}
	return NULL;
}

static void *start(void *unused)
{
	/* The permission is a thread's own: no command gets it. */
	if (ioperm(ATA, 8, 1) || ioperm(ATA_CONTROL, 1, 1))
		start_error = errno;
	sem_post(&started);
	if (start_error)
		return NULL;
	outb(2, ATA_CONTROL); /* no interrupts */
	call(CALL_HELLO, 0, 0);
	return relay(unused);
}

const char *relay_start(int *root, int *port)
{
	int a[2], b[2];
	struct termios t;
	sigset_t all, old;
	pthread_t thread;
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b))
		return "socketpair";
	bell_fd = open(BELL, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (bell_fd < 0 || tcgetattr(bell_fd, &t))
		return BELL;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(bell_fd, TCSANOW, &t))
		return BELL;
	root_fd = a[0];
	port_fd = b[0];
	sem_init(&started, 0, 0);
	/* A thread, because process 1 kills all others before it ends. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, start, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return "pthread_create";
	while (sem_wait(&started))
		;
	if (start_error) {
		errno = start_error;
		return "ioperm";
	}
	*root = a[1];
	*port = b[1];
	return NULL;
}
