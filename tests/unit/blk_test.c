// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "driver.h"
#include "image.h"
#include "throttle.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT

#define IMAGE_SIZE	(1 * MiB)
#define HEADER		DATA
#define STATUS		(DATA + 0x100)
#define BUFFER		(DATA + 0x1000)
#define FLUSH		(WITH_INDIRECT | 1ULL << VIRTIO_BLK_F_FLUSH)

static char dir[32] = "/tmp/hvmon-blk.XXXXXX";

static struct disk_options raw = { .path = image, .serial = "abc-123" };

/* The status once the request is back; 0xee if it does not come */
static uint8_t wait_status(int n)
{
	for (int i = 0; i < 50 && used(n)->idx != avail_idx[n]; i++)
		loop_step(&vm.loop, 100);
	return used(n)->idx == avail_idx[n] ? *(uint8_t *)at(STATUS) : 0xee;
}

static void header(uint32_t type, uint64_t sector)
{
	*(struct virtio_blk_outhdr *)at(HEADER) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*(uint8_t *)at(STATUS) = 0xdd;
}

/* Header, one buffer, status */
static uint8_t request(uint32_t type, uint64_t sector, uint64_t addr, uint32_t len)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	uint16_t last = len ? 2 : 1;

	header(type, sector);
	desc(DESC(0), 0, HEADER, sizeof(struct virtio_blk_outhdr), N, 1);
	if (len)
		desc(DESC(0), 1, addr, len, N | (in ? W : 0), 2);
	desc(DESC(0), last, STATUS, 1, W, 0);
	offer(0, 0);
	ring(0);
	return wait_status(0);
}

static uint8_t range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes r = { sector, sectors, flags };

	memcpy(at(BUFFER), &r, sizeof(r));
	return request(type, 0, BUFFER, sizeof(r));
}

/* One line, which begins as all do */
static bool refuses(const char *path, bool ro, bool direct, const char *words)
{
	struct disk_options opt = { .path = path, .ro = ro, .direct = direct };
	int saved = dup(2), fd[2], ret;
	struct disk disk;
	char said[400];
	ssize_t n;

	if (pipe(fd))
		return false;
	dup2(fd[1], 2);
	ret = disk_open(&disk, &opt);
	dup2(saved, 2);
	close(saved);
	close(fd[1]);
	n = read(fd[0], said, sizeof(said) - 1);
	close(fd[0]);
	said[n > 0 ? n : 0] = '\0';
	if (ret == EXIT_USAGE && disk.fd < 0 && strstr(said, words) &&
	    strchr(said, '\n') == said + n - 1)
		return true;
	printf("# %s: status %d, said %s", path, ret, said);
	return false;
}

static void test_open(void)
{
	struct disk_options ro = { .path = image, .ro = true };
	char path[64];
	struct disk a, b;
	int ended;

	claim("disk: what cannot be a disk is refused with one line");
	snprintf(path, sizeof(path), "%s/none", dir);
	expect(refuses(path, false, false, "No such file"));
	expect(refuses(dir, false, false, "directory"));
	expect(refuses(dir, true, false, "directory"));
	expect(refuses("/dev/null", false, false, "neither a file nor"));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	expect(!mkfifo(path, 0600) && refuses(path, true, false, "neither a file nor"));
	unlink(path);
	make_image(0);
	expect(refuses(image, false, false, "empty"));
	make_image(IMAGE_SIZE + 100);
	expect(refuses(image, false, false, "1048676 bytes are not a multiple"));
	expect(refuses("/proc/version", true, false, "empty"));

	claim("disk: an image is for one writer or for many readers");
	make_image(IMAGE_SIZE);
	expect(!disk_open(&a, &raw));
	expect(refuses(image, false, false, "in use by another"));
	expect(refuses(image, true, false, "in use by another"));
	if (!fork())
		_exit(!refuses(image, false, false, "in use by another"));
	expect(wait(&ended) > 0 && !ended);
	disk_close(&a);
	expect(!disk_open(&a, &ro) && !disk_open(&b, &ro));
	expect(refuses(image, false, false, "in use by another"));
	disk_close(&a);
	disk_close(&b);
	expect(!disk_open(&a, &raw) && a.size == IMAGE_SIZE && a.block == SECTOR);
	disk_close(&a);
}

static void test_config(void)
{
	claim("blk: capacity, queues and features are what the image and the machine have");
	expect(get(CONFIG, 8) == IMAGE_SIZE / 512 && get(CONFIG + 12, 4) == VIRTQ_MAX - 2);
	expect(get(CONFIG + offsetof(struct virtio_blk_config, num_queues), 2) == 2);
	expect(get(CONFIG + 20, 4) == 512);
	expect((offered() & 0xffffff) == (1 << VIRTIO_BLK_F_SEG_MAX | 1 << VIRTIO_BLK_F_BLK_SIZE |
		1 << VIRTIO_BLK_F_FLUSH | 1 << VIRTIO_BLK_F_MQ | 1 << VIRTIO_BLK_F_DISCARD |
		1 << VIRTIO_BLK_F_WRITE_ZEROES));
}

static void test_transfers(void)
{
	claim("blk: what is written is in the file and is read back");
	drive(FLUSH, 2);
	memset(at(BUFFER), 0x5a, 4096);
	expect(request(VIRTIO_BLK_T_OUT, 8, BUFFER, 4096) == VIRTIO_BLK_S_OK);
	expect(used(0)->ring[0].len == 1);
	expect(file_byte(8 * 512) == 0x5a && file_byte(16 * 512 - 1) == 0x5a);
	expect(!file_byte(8 * 512 - 1) && !file_byte(16 * 512));
	memset(at(BUFFER), 0, 4096);
	expect(request(VIRTIO_BLK_T_IN, 9, BUFFER, 512) == VIRTIO_BLK_S_OK);
	expect(used(0)->ring[1].len == 513 && *(uint8_t *)at(BUFFER + 511) == 0x5a);
	expect(!*(uint8_t *)at(BUFFER + 512));
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK);

	claim("blk: header, data and status may be cut anywhere");
	header(VIRTIO_BLK_T_IN, 8);
	memset(at(BUFFER), 0, 4096);
	desc(DESC(0), 0, HEADER, 3, N, 1);
	desc(DESC(0), 1, HEADER + 3, 13, N, 2);
	desc(DESC(0), 2, BUFFER, 1, N | W, 3);
	desc(DESC(0), 3, BUFFER + 0x100, 500, N | W, 4);
	desc(DESC(0), 4, STATUS - 11, 12, W, 0);
	offer(0, 0);
	ring(0);
	expect(wait_status(0) == VIRTIO_BLK_S_OK);
	expect(*(uint8_t *)at(BUFFER) == 0x5a && *(uint8_t *)at(STATUS - 1) == 0x5a);
	header(VIRTIO_BLK_T_OUT, 20);
	memset(at(HEADER + 16), 0x77, 512);
	desc(DESC(0), 0, HEADER, 16 + 100, N, 1);
	desc(DESC(0), 1, BUFFER, 412, N, 2);
	desc(DESC(0), 2, STATUS + 0x800, 1, W, 0);
	offer(0, 0);
	ring(0);
	wait_status(0);
	expect(*(uint8_t *)at(STATUS + 0x800) == VIRTIO_BLK_S_OK);
	expect(file_byte(20 * 512 + 99) == 0x77);

	claim("blk: the serial number");
	expect(request(VIRTIO_BLK_T_GET_ID, 0, BUFFER, 20) == VIRTIO_BLK_S_OK);
	expect(!strcmp(at(BUFFER), "abc-123"));
	expect(request(VIRTIO_BLK_T_GET_ID, 0, BUFFER, 4) == VIRTIO_BLK_S_OK);

	claim("blk: the last sector is there, the next one is not, numbers may not wrap");
	expect(request(VIRTIO_BLK_T_IN, 2047, BUFFER, 512) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_IN, 2048, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, 2047, BUFFER, 1024) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 2048, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, ~0ULL, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 1ULL << 55, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 511) == VIRTIO_BLK_S_IOERR);
	expect(request(99, 0, BUFFER, 512) == VIRTIO_BLK_S_UNSUPP);
	expect(!needs_reset());
}

static void test_ranges(void)
{
	struct stat st;
	blkcnt_t before;

	claim("blk: discard and write zeroes; ranges out of range are errors");
	memset(at(BUFFER + 0x1000), 0x33, 0x20000);
	expect(request(VIRTIO_BLK_T_OUT, 1024, BUFFER + 0x1000, 0x20000) == VIRTIO_BLK_S_OK);
	stat(image, &st);
	before = st.st_blocks;
	expect(range(VIRTIO_BLK_T_DISCARD, 1024, 128, 0) == VIRTIO_BLK_S_OK);
	stat(image, &st);
	expect(st.st_blocks < before && st.st_size == IMAGE_SIZE);
	expect(!file_byte(1024 * 512) && file_byte((1024 + 128) * 512) == 0x33);
	expect(range(VIRTIO_BLK_T_WRITE_ZEROES, 1153, 127, 1) == VIRTIO_BLK_S_OK);
	expect(file_byte(1152 * 512) == 0x33 && !file_byte(1153 * 512) &&
	       !file_byte(1279 * 512 + 511));
	expect(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 2048, 0) == VIRTIO_BLK_S_OK);
	expect(!file_byte(1152 * 512) && !file_byte(8 * 512));
	expect(range(VIRTIO_BLK_T_DISCARD, 2047, 2, 0) == VIRTIO_BLK_S_IOERR);
	expect(range(VIRTIO_BLK_T_DISCARD, ~0ULL, 2, 0) == VIRTIO_BLK_S_IOERR);
	expect(range(VIRTIO_BLK_T_DISCARD, 0, ~0u, 0) == VIRTIO_BLK_S_IOERR);
	expect(range(VIRTIO_BLK_T_DISCARD, 0, 1, 1) == VIRTIO_BLK_S_UNSUPP);
	expect(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2) == VIRTIO_BLK_S_UNSUPP);
	expect(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 0, 0) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_DISCARD, 0, BUFFER, 32) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_DISCARD, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
}

static void test_many(void)
{
	claim("blk: two queues with all their entries in flight");
	drive(FLUSH | 1ULL << VIRTIO_RING_F_EVENT_IDX, 2);
	for (int round = 0; round < 100 && unit_ok; round++) {
		for (int i = 0; i < 2 * size; i++) {
			int n = i % 2;
			uint64_t h = HEADER + 0x8000 + i * 32;

			*(struct virtio_blk_outhdr *)at(h) = (struct virtio_blk_outhdr){
				.type = round % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT,
				.sector = i * 8,
			};
			*(uint8_t *)at(h + 16) = 0xdd;
			memset(at(BUFFER + 0x10000 + i * 4096), round % 2 ? 0 : round + i, 4096);
			desc(TABLE + i * 64, 0, h, 16, N, 1);
			desc(TABLE + i * 64, 1, BUFFER + 0x10000 + i * 4096, 4096,
			     N | (round % 2 ? W : 0), 2);
			desc(TABLE + i * 64, 2, h + 16, 1, W, 0);
			desc(DESC(n), i / 2, TABLE + i * 64, 48, VRING_DESC_F_INDIRECT, 0);
			offer(n, i / 2);
		}
		ring(0);
		ring(1);
		wait_status(0);
		wait_status(1);
		for (int i = 0; i < 2 * size; i++) {
			expect(*(uint8_t *)at(HEADER + 0x8000 + i * 32 + 16) == VIRTIO_BLK_S_OK);
			expect(*(uint8_t *)at(BUFFER + 0x10000 + i * 4096 + 4095) ==
			       (uint8_t)(round / 2 * 2 + i));
		}
	}

	claim("blk: a reset while requests are in flight waits for them");
	for (int i = 0; i < size; i++)
		offer(0, i);
	set(NOTIFY, 2, 0);
	loop_step(&vm.loop, 100);
	set_status(0);
	for (int i = 0; i < 50 && status(); i++)
		loop_step(&vm.loop, 100);
	expect(!status());
}

static void test_bad(void)
{
	claim("blk: a request without header or status breaks the device, not the launcher");
	drive(FLUSH, 1);
	header(VIRTIO_BLK_T_IN, 0);
	desc(DESC(0), 0, HEADER, 16, 0, 0);
	offer(0, 0);
	ring(0);
	expect(needs_reset());
	drive(FLUSH, 1);
	desc(DESC(0), 0, HEADER, 15, N, 1);
	desc(DESC(0), 1, STATUS, 1, W, 0);
	offer(0, 0);
	ring(0);
	expect(needs_reset());
	drive(FLUSH, 1);
	desc(DESC(0), 0, STATUS, 1, W, 0);
	offer(0, 0);
	ring(0);
	expect(needs_reset());

	claim("blk: the status may lie in the ring itself");
	drive(FLUSH, 1);
	header(VIRTIO_BLK_T_IN, 0);
	desc(DESC(0), 0, HEADER, 16, N, 1);
	desc(DESC(0), 1, USED(0), 513, W, 0);
	offer(0, 0);
	ring(0);
	for (int i = 0; i < 5; i++)
		loop_step(&vm.loop, 20);
	drive(FLUSH, 1);
	expect(request(VIRTIO_BLK_T_IN, 0, BUFFER, 512) == VIRTIO_BLK_S_OK);

	claim("blk: a file that becomes shorter gives errors, and one line for all of them");
	heard_begin();
	expect(!truncate(image, 4096));
	for (int i = 0; i < 20; i++)
		expect(request(VIRTIO_BLK_T_IN, 100, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, 0, BUFFER, 512) == VIRTIO_BLK_S_OK);
	expect(heard_end() == 1 && strstr(heard, "reading at byte 51200: it has become shorter"));

	claim("blk: and no flush succeeds on it, whatever was written there since");
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 100, BUFFER, 512) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
	expect(!truncate(image, IMAGE_SIZE));
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK);
}

/* From now on it is a pipe, or again what @saved is */
static void swap_file(int fd, int saved)
{
	int ends[2];

	if (saved >= 0) {
		dup2(saved, fd);
		close(saved);
	} else if (!pipe(ends)) {
		dup2(ends[1], fd);
		close(ends[0]);
		close(ends[1]);
	}
}

static void test_flush(void)
{
	static struct disk_options direct = { .path = image, .direct = true };
	static struct disk disk;
	int fd, saved;

	claim("blk: after a flush that failed there is none that succeeds, with a page cache");
	expect(!disk_open(&disk, &raw));
	fd = disk.fd;
	expect(!virtio_blk_create(&vm, &disk));
	plug(1);
	drive(FLUSH, 1);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK);
	saved = dup(fd);
	swap_file(fd, -1);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
	swap_file(fd, saved);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 512) == VIRTIO_BLK_S_OK);
	drive(BASE_FEATURES, 1);
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	remake();

	if (disk_open(&disk, &direct))
		return;
	claim("blk: without one there are");
	fd = disk.fd;
	expect(!virtio_blk_create(&vm, &disk));
	plug(1);
	drive(FLUSH, 1);
	saved = dup(fd);
	swap_file(fd, -1);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_IOERR);
	swap_file(fd, saved);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0) == VIRTIO_BLK_S_OK);
}

/* Nothing comes back within a time in which it is tried again */
static bool waits(void)
{
	for (int i = 0; i < 15; i++)
		loop_step(&vm.loop, 100);
	return used(0)->idx != avail_idx[0];
}

static void test_full(void)
{
	static struct disk_options opt = { .path = image };
	static struct disk disk;
	int lines;

	claim("blk: what the host has no room for waits, and is done when there is some");
	if (!begin_small("blk", dir))
		return;
	make_image(IMAGE_SIZE);
	expect(!disk_open(&disk, &opt) && !virtio_blk_create(&vm, &disk));
	plug(1);
	drive(FLUSH, 1);
	memset(at(BUFFER), 0x5a, 8192);
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 4096) == VIRTIO_BLK_S_OK);
	fill_up(rest);
	heard_begin();
	/* A page is there, the next is not */
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 8192) == 0xee && waits());
	unlink(rest);
	expect(wait_status(0) == VIRTIO_BLK_S_OK);
	lines = heard_end();
	expect(lines == 2 && strstr(heard, "no space left on the host for byte 4096") &&
	       strstr(heard, "nothing waits for space any more"));
	expect(file_byte(8191) == 0x5a && !file_byte(8192));

	claim("blk: meanwhile what is there can be read, and written");
	fill_up(rest);
	header(VIRTIO_BLK_T_OUT, 64);
	desc(DESC(0), 3, HEADER + 0x40, sizeof(struct virtio_blk_outhdr), N, 4);
	desc(DESC(0), 4, BUFFER + 0x4000, 512, N | W, 5);
	desc(DESC(0), 5, STATUS + 1, 1, W, 0);
	*(struct virtio_blk_outhdr *)at(HEADER + 0x40) = (struct virtio_blk_outhdr){
		.type = VIRTIO_BLK_T_IN, .sector = 15,
	};
	offer(0, 0);
	offer(0, 3);
	ring(0);
	for (int i = 0; i < 20 && used(0)->idx != (uint16_t)(avail_idx[0] - 1); i++)
		loop_step(&vm.loop, 100);
	expect(used(0)->idx == (uint16_t)(avail_idx[0] - 1));
	expect(!*(uint8_t *)at(STATUS + 1) && *(uint8_t *)at(STATUS) == 0xdd);
	expect(*(uint8_t *)at(BUFFER + 0x4000 + 511) == 0x5a);

	claim("blk: a reset does not wait for room");
	set_status(0);
	settle();
	expect(!status());

	claim("blk: nor does the end of the guest, and nothing was changed");
	drive(FLUSH, 1);
	expect(request(VIRTIO_BLK_T_OUT, 64, BUFFER, 512) == 0xee);
	remake();
	expect(!file_byte(64 * 512));
	end_small();
}

/* Has this process a thread of that name? */
static bool has_thread(const char *name)
{
	char path[300], comm[32];
	struct dirent *e;
	bool found = false;
	DIR *d = opendir("/proc/self/task");

	while (d && (e = readdir(d))) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		fd = open(path, O_RDONLY);
		n = read(fd, comm, sizeof(comm) - 1);
		close(fd);
		comm[n > 0 ? n - 1 : 0] = '\0';
		found |= !strcmp(comm, name);
	}
	closedir(d);
	return found;
}

/* Without the main loop, which therefore has no part in it */
static bool comes_back(void)
{
	uint16_t *idx = &used(0)->idx;

	for (int i = 0; i < 5000 && __atomic_load_n(idx, __ATOMIC_ACQUIRE) != avail_idx[0]; i++)
		usleep(1000);
	return __atomic_load_n(idx, __ATOMIC_ACQUIRE) == avail_idx[0];
}

static void test_iothread(void)
{
	static struct disk_options opt = {
		.path = image, .serial = "abc-123", .iothread = true,
	};
	static struct disk disk;

	make_image(IMAGE_SIZE);
	claim("blk: an iothread is there from when the driver is ready until the disk is gone");
	expect(!disk_open(&disk, &opt) && !virtio_blk_create(&vm, &disk));
	plug(1);
	expect(!has_thread("disk-slot1"));
	drive(FLUSH, 1);
	/* It names itself */
	for (int i = 0; i < 1000 && !has_thread("disk-slot1"); i++)
		usleep(1000);
	expect(has_thread("disk-slot1"));

	claim("blk: it does the work, without the main loop");
	header(VIRTIO_BLK_T_IN, 0);
	desc(DESC(0), 0, HEADER, sizeof(struct virtio_blk_outhdr), N, 1);
	desc(DESC(0), 1, BUFFER, 4096, N | W, 2);
	desc(DESC(0), 2, STATUS, 1, W, 0);
	for (int i = 0; i < 1000 && unit_ok; i++) {
		offer(0, 0);
		set(NOTIFY, 2, 0);
		/* Meanwhile the driver looks at registers */
		expect(get(CONFIG, 8) == IMAGE_SIZE / 512 && comes_back());
		expect(!*(uint8_t *)at(STATUS));
	}

	claim("blk: the pin is asserted, until the driver reads why");
	for (int i = 0; i < 100 && !fake_irq[PCI_GSI + PCI_LINE(1, 0)]; i++)
		loop_step(&vm.loop, 100);
	expect(fake_irq[PCI_GSI + PCI_LINE(1, 0)] == 1);
	settle();
	expect(get(ISR, 1) == 1 && !fake_irq[PCI_GSI + PCI_LINE(1, 0)]);
	settle();
	expect(!fake_irq[PCI_GSI + PCI_LINE(1, 0)] && !get(ISR, 1));

	test_transfers();
	test_ranges();
	test_many();

	claim("blk: its requests are reset while they come in");
	for (int i = 0; i < 200 && unit_ok; i++) {
		drive(FLUSH, 1);
		header(VIRTIO_BLK_T_IN, 0);
		desc(DESC(0), 0, HEADER, sizeof(struct virtio_blk_outhdr), N, 1);
		desc(DESC(0), 1, BUFFER, 65536, N | W, 2);
		desc(DESC(0), 2, STATUS, 1, W, 0);
		for (int k = 0; k < size; k++)
			offer(0, 0);
		set(NOTIFY, 2, 0);
		set_status(0);
		for (int k = 0; k < 5000 && status(); k++)
			usleep(1000);
		expect(!status());
	}

	claim("blk: and it ends with requests in flight");
	drive(FLUSH, 1);
	for (int k = 0; k < size; k++)
		offer(0, 0);
	set(NOTIFY, 2, 0);
	remake();
	expect(!has_thread("disk-slot1"));
}

/* How many of @want requests of @bytes come back within @ms */
static int within(unsigned int ms, int want, uint32_t bytes)
{
	struct timespec start, now;
	int done = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		uint16_t before = used(0)->idx;

		if (before == avail_idx[0] && done < want)
			request(VIRTIO_BLK_T_IN, 0, BUFFER, bytes);
		else
			loop_step(&vm.loop, 1);
		done += (uint16_t)(used(0)->idx - before);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (done < want && (now.tv_sec - start.tv_sec) * 1000 +
		 (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
	return done;
}

static void test_limits(void)
{
	static struct disk_options few = { .path = image, .ro = true, .iops = 50 };
	static struct disk_options slow = { .path = image, .ro = true, .bps = 100000 };
	struct throttle t = { .iops = 10, .bps = 1000 };
	static struct disk disk;
	int n;

	claim("blk: limits let a burst of a tenth of a second pass, then one at a time");
	expect(!throttle_wait(&t, 5));
	throttle_charge(&t, 5, 50);
	expect(!throttle_wait(&t, 5));
	throttle_charge(&t, 5, 50);
	expect(throttle_wait(&t, 5) == 100000000 && !throttle_wait(&t, 100000005));
	throttle_charge(&t, 1000000000, 3000);
	expect(throttle_wait(&t, 1000000000) == 2900000000ULL);
	t = (struct throttle){ .bps = 1ULL << 40 };
	throttle_charge(&t, 0, 1ULL << 39);
	expect(throttle_wait(&t, 0) == 400000000);
	t = (struct throttle){ 0 };
	throttle_charge(&t, 0, ~0ULL);
	expect(!throttle_wait(&t, 0));

	/* At 50 a second 25 in half a second, and a burst of 5 or so before */
	claim("blk: iops= limits requests, and the guest's doorbell is not needed again");
	expect(!disk_open(&disk, &few) && !virtio_blk_create(&vm, &disk));
	plug(3);
	drive(BASE_FEATURES, 1);
	n = within(500, 1000, 512);
	expect(n >= 10 && n <= 35);

	claim("blk: bps= limits bytes");
	expect(!disk_open(&disk, &slow) && !virtio_blk_create(&vm, &disk));
	plug(4);
	drive(BASE_FEATURES, 1);
	n = within(500, 1000, 5000 / 512 * 512);
	expect(n >= 4 && n <= 16);
}

static void test_readonly(void)
{
	static struct disk_options opt = { .path = image, .ro = true };
	static struct disk disk;

	claim("blk: a read-only disk says so and changes nothing");
	expect(!disk_open(&disk, &opt) && !virtio_blk_create(&vm, &disk));
	plug(2);
	expect((offered() & 0xffffff) == (1 << VIRTIO_BLK_F_SEG_MAX | 1 << VIRTIO_BLK_F_BLK_SIZE |
		1 << VIRTIO_BLK_F_FLUSH | 1 << VIRTIO_BLK_F_MQ | 1 << VIRTIO_BLK_F_RO));
	drive(BASE_FEATURES, 1);
	memset(at(BUFFER), 0x44, 512);
	expect(request(VIRTIO_BLK_T_OUT, 0, BUFFER, 512) == VIRTIO_BLK_S_IOERR);
	expect(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0) == VIRTIO_BLK_S_IOERR);
	expect(range(VIRTIO_BLK_T_DISCARD, 0, 8, 0) == VIRTIO_BLK_S_IOERR);
	expect(file_byte(0) != 0x44);
	expect(request(VIRTIO_BLK_T_IN, 0, BUFFER, 512) == VIRTIO_BLK_S_OK);
}

/* The one io_uring of this process */
static int ring_fd(void)
{
	char path[32], to[64];

	for (int fd = 3; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(to, 0, sizeof(to));
		if (readlink(path, to, sizeof(to) - 1) > 0 && strstr(to, "[io_uring]"))
			return fd;
	}
	return -1;
}

static void test_restricted(void)
{
	int fd = ring_fd();

	claim("blk: its io_uring is restricted to what disks do");
	expect(fd >= 0);
	expect(io_uring_register(fd, IORING_REGISTER_PERSONALITY, NULL, 0) == -EACCES);
	expect(io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, NULL, 0) == -EACCES);
}

int main(void)
{
	static struct disk disk;

	if (!mkdtemp(dir))
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	test_open();
	machine();
	claim("blk: a disk is made");
	expect(!disk_open(&disk, &raw));
	if (virtio_blk_create(&vm, &disk)) {
		/* io_uring is forbidden here, and that was said */
		unit_claim = NULL;
		printf("skip blk: no io_uring\n");
		return 0;
	}
	plug(1);
	test_config();
	test_transfers();
	test_ranges();
	test_many();
	test_bad();
	test_restricted();
	remake();

	claim("blk: with the VM its lock is gone, what it wrote is there");
	expect(!disk_open(&disk, &raw) && !virtio_blk_create(&vm, &disk));
	plug(1);
	drive(BASE_FEATURES, 1);
	memset(at(BUFFER), 0x66, 512);
	expect(request(VIRTIO_BLK_T_OUT, 5, BUFFER, 512) == VIRTIO_BLK_S_OK);
	header(VIRTIO_BLK_T_OUT, 6);
	offer(0, 0);
	set(NOTIFY, 2, 0);
	loop_step(&vm.loop, 100);
	remake();
	expect(file_byte(5 * 512) == 0x66);
	expect(!virtio_rng_create(&vm));	/* for slot 1 */
	test_readonly();
	test_limits();
	remake();
	test_flush();
	remake();
	test_iothread();
	remake();
	unlink(image);
	test_full();
	unmake();
	rmdir(dir);
	return unit_finish();
}
