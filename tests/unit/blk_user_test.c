// SPDX-License-Identifier: GPL-2.0
/*
 * A disk behind vhost-user. The other process is one of ours, which can be told to
 * misbehave, and then qemu-storage-daemon, if it is here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_scsi.h>

#include "disk_user.h"
#include "driver.h"
#include "keeper.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define HEADER	DATA
#define STATUS	(DATA + 0x100)
#define BUFFER	(DATA + 0x1000)
#define SECTORS	2048

/* How the other process misbehaves */
enum fault { NONE, SILENT, WRONG_ID, NO_CONFIG, SHORT, DIES_AT_HELLO, TINY, NO_WRITES };

static char dir[32] = "/tmp/hvmon-vu.XXXXXX", path[64], word[80], image[64];
static const struct disk_options user_disk = { .path = word, .socket = path, .serial = "s" };
static const struct disk_options qcow2_disk = { .path = image, .format = DISK_QCOW2 };

/* ---- the other process: one connection, one ring, a disk in shared memory */

static struct {
	uint64_t gpa, len, hva;
	uint8_t *p;
} region[VU_MAX_REGIONS];
static unsigned int regions;
/* Shared with the test: what is on the disk after a flush */
static uint8_t *disk_bytes;
static unsigned int *writes;	/* how many there were */
static uint8_t cache[SECTORS * 512];

static void *by_gpa(uint64_t a)
{
	for (unsigned int i = 0; i < regions; i++)
		if (a >= region[i].gpa && a - region[i].gpa < region[i].len)
			return region[i].p + (a - region[i].gpa);
	_exit(2);
}

static void *by_hva(uint64_t a)
{
	for (unsigned int i = 0; i < regions; i++)
		if (a >= region[i].hva && a - region[i].hva < region[i].len)
			return region[i].p + (a - region[i].hva);
	_exit(3);
}

static void serve_request(const struct vring_desc *t, unsigned int n, enum fault fault)
{
	struct virtio_blk_outhdr *h = by_gpa(t[0].addr);
	uint64_t at_byte = h->sector * 512;

	if (h->type == VIRTIO_BLK_T_FLUSH)
		memcpy(disk_bytes, cache, sizeof(cache));
	if (h->type == VIRTIO_BLK_T_OUT)
		++*writes;
	for (unsigned int i = 1; i < n - 1; i++, at_byte += t[i - 1].len) {
		uint8_t *p = by_gpa(t[i].addr);

		if (h->type == VIRTIO_BLK_T_OUT)
			memcpy(cache + at_byte, p, t[i].len);
		else if (h->type == VIRTIO_BLK_T_IN)
			memcpy(p, cache + at_byte, t[i].len);
	}
	*(uint8_t *)by_gpa(t[n - 1].addr) = h->type == VIRTIO_BLK_T_OUT && fault == NO_WRITES ?
					    VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static void serve_ring(const struct vring_desc *d, uint16_t *avail, uint16_t *used, uint16_t *next,
		       unsigned int size, enum fault fault)
{
	struct vring_used_elem *elem = (void *)(used + 2);

	while (__atomic_load_n(&avail[1], __ATOMIC_ACQUIRE) != *next) {
		uint16_t i = avail[2 + *next % size];

		if (fault == SILENT)
			return;
		serve_request(by_gpa(d[i].addr), d[i].len / sizeof(*d), fault);
		elem[*next % size].id = fault == WRONG_ID ? 77 : i;
		__atomic_store_n(&used[1], ++*next, __ATOMIC_RELEASE);
	}
}

static void serve(int c, enum fault fault)
{
	struct vring_desc *d = NULL;
	uint16_t *avail = NULL, *used = NULL, next = 0;
	int kick = -1, call = -1;
	uint64_t one = 1;
	unsigned int size = 0;

	for (;;) {
		struct { uint32_t request, flags, size; } h;
		union { uint64_t u; uint32_t w[80]; uint64_t q[40]; } m = { 0 };
		char control[CMSG_SPACE(sizeof(int) * 8)];
		struct iovec iov = { &h, sizeof(h) };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct virtio_blk_config *config;
		fd_set set;
		int fd[8] = { 0 }, max = c > kick ? c : kick;

		FD_ZERO(&set);
		FD_SET(c, &set);
		if (kick >= 0)
			FD_SET(kick, &set);
		select(max + 1, &set, NULL, NULL, NULL);
		if (kick >= 0 && FD_ISSET(kick, &set)) {
			(void)!read(kick, &m.u, 8);
			serve_ring(d, avail, used, &next, size, fault);
			if (fault != SILENT)
				(void)!write(call, &one, 8);
			continue;
		}
		if (recvmsg(c, &msg, 0) != sizeof(h))
			return;
		if (CMSG_FIRSTHDR(&msg))
			memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)),
			       CMSG_FIRSTHDR(&msg)->cmsg_len - CMSG_LEN(0));
		if (h.size && recv(c, &m, h.size, MSG_WAITALL) != (ssize_t)h.size)
			return;
		switch (h.request) {
		case VU_GET_FEATURES:
			if (fault == DIES_AT_HELLO)
				return;
			m.u = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			      1 << VIRTIO_BLK_F_FLUSH | 1 << VU_F_PROTOCOL_FEATURES;
			break;
		case VU_GET_PROTOCOL_FEATURES:
			m.u = 1 << VU_PROTOCOL_REPLY_ACK |
			      (fault != NO_CONFIG) << VU_PROTOCOL_CONFIG;
			break;
		case VU_GET_CONFIG:
			config = (struct virtio_blk_config *)&m.w[3];
			config->capacity = fault == TINY ? 0 : SECTORS;
			break;
		case VU_SET_MEM_TABLE:
			regions = m.w[0];
			for (unsigned int i = 0; i < regions; i++) {
				region[i].gpa = m.q[1 + 4 * i];
				region[i].len = m.q[2 + 4 * i];
				region[i].hva = m.q[3 + 4 * i];
				region[i].p = mmap(NULL, region[i].len, PROT_READ | PROT_WRITE,
						   MAP_SHARED, fd[i], m.q[4 + 4 * i]);
			}
			break;
		case VU_SET_VRING_NUM:
			size = m.w[1];
			break;
		case VU_SET_VRING_ADDR:
			d = by_hva(m.q[1]);
			used = by_hva(m.q[2]);
			avail = by_hva(m.q[3]);
			break;
		case VU_SET_VRING_KICK:
			kick = fd[0];
			break;
		case VU_SET_VRING_CALL:
			call = fd[0];
			break;
		}
		if (h.request != VU_GET_FEATURES && h.request != VU_GET_PROTOCOL_FEATURES &&
		    h.request != VU_GET_CONFIG) {
			if (!(h.flags & 8))
				continue;
			m.u = 0;
		}
		if (h.request != VU_GET_CONFIG)
			h.size = 8;
		h.flags = 5;
		if (fault == SHORT)
			h.size--;
		if (send(c, &h, sizeof(h), MSG_NOSIGNAL) < 0 ||
		    send(c, &m, h.size, MSG_NOSIGNAL) < 0)
			return;
	}
}

static pid_t other;

static void start_other(enum fault fault)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sa.sun_path, path);
	unlink(path);
	if (bind(l, (struct sockaddr *)&sa, sizeof(sa)) || listen(l, 1))
		exit(1);
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memcpy(cache, disk_bytes, sizeof(cache));
		serve(accept(l, NULL, NULL), fault);
		_exit(0);
	}
	close(l);
}

static void end_other(void)
{
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* ---- the guest */

static void start_request(uint32_t type, uint64_t sector, uint32_t len)
{
	*(struct virtio_blk_outhdr *)at(HEADER) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*(uint8_t *)at(STATUS) = 0xdd;
	desc(DESC(0), 0, HEADER, sizeof(struct virtio_blk_outhdr), N, 1);
	if (len)
		desc(DESC(0), 1, BUFFER, len, N | (type == VIRTIO_BLK_T_IN ? W : 0), 2);
	desc(DESC(0), len ? 2 : 1, STATUS, 1, W, 0);
	offer(0, 0);
	ring(0);
}

static uint8_t wait_status(int ms)
{
	for (; ms > 0 && used(0)->idx != avail_idx[0]; ms -= 10)
		loop_step(&vm.loop, 10);
	return used(0)->idx == avail_idx[0] ? *(uint8_t *)at(STATUS) : 0xee;
}

static uint8_t request(uint32_t type, uint64_t sector, uint32_t len)
{
	start_request(type, sector, len);
	return wait_status(3000);
}

static bool make(const struct disk_options *opt)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct disk disk;

	if (disk_open(&disk, opt))
		return false;
	memset(&vm, 0, sizeof(vm));
	vm.opt = &options;
	if (mem_alloc(&vm.mem, MEMORY, MEM_MEMFD) || loop_init(&vm.loop, &lock) ||
	    pci_create(&vm) || virtio_blk_create(&vm, &disk))
		exit(1);
	plug(1);
	drive(BASE_FEATURES | 1ULL << VIRTIO_BLK_F_FLUSH, 1);
	return true;
}

static bool refused(enum fault fault)
{
	struct disk disk;
	bool ok;

	start_other(fault);
	ok = disk_open(&disk, &user_disk) == EXIT_USAGE && !disk.user;
	end_other();
	return ok;
}

static void test_traffic(void)
{
	claim("vhost-user: what is written is in the other process, and is read back");
	start_other(NONE);
	expect(make(&user_disk));
	expect(get(CONFIG, 8) == SECTORS);
	expect(!(offered() & (1 << VIRTIO_BLK_F_DISCARD | 1 << VIRTIO_BLK_F_RO)));
	memset(at(BUFFER), 0x5a, 4096);
	expect(request(VIRTIO_BLK_T_OUT, 8, 4096) == VIRTIO_BLK_S_OK);
	memset(at(BUFFER), 0, 4096);
	expect(request(VIRTIO_BLK_T_IN, 8, 4096) == VIRTIO_BLK_S_OK);
	expect(*(uint8_t *)at(BUFFER + 4095) == 0x5a);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	expect(disk_bytes[4096] == 0x5a && disk_bytes[8191] == 0x5a && !disk_bytes[8192]);
	for (int i = 0; i < 1000 && unit_ok; i++)
		expect(request(VIRTIO_BLK_T_IN, i, 512) == VIRTIO_BLK_S_OK);

	claim("vhost-user: requests out of range do not get there");
	expect(request(VIRTIO_BLK_T_IN, SECTORS, 512) == VIRTIO_BLK_S_IOERR);

	claim("vhost-user: when the process dies the guest waits, and goes on with the next one");
	end_other();
	memset(at(BUFFER), 0x77, 512);
	start_request(VIRTIO_BLK_T_OUT, 100, 512);
	expect(wait_status(200) == 0xee);
	start_other(SILENT);
	expect(wait_status(1500) == 0xee);
	end_other();
	start_other(NONE);
	expect(wait_status(3000) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	expect(disk_bytes[51200] == 0x77);
	expect(request(VIRTIO_BLK_T_IN, 8, 4096) == VIRTIO_BLK_S_OK);

	claim("vhost-user: a process that answers what it was not asked is left");
	end_other();
	loop_step(&vm.loop, 100);
	start_other(WRONG_ID);
	start_request(VIRTIO_BLK_T_IN, 8, 512);
	expect(wait_status(1500) == 0xee);
	end_other();
	start_other(NONE);
	expect(wait_status(3000) == VIRTIO_BLK_S_OK && !needs_reset());

	claim("vhost-user: a guest with requests that nobody answers can be ended");
	end_other();
	start_request(VIRTIO_BLK_T_IN, 8, 512);
	unmake();
}

static bool holds(uint64_t sector, uint8_t value)
{
	memset(at(BUFFER), 0xee, 512);
	return request(VIRTIO_BLK_T_IN, sector, 512) == VIRTIO_BLK_S_OK &&
	       *(uint8_t *)at(BUFFER) == value;
}

static bool writes_byte(uint64_t sector, uint8_t value, uint32_t len)
{
	memset(at(BUFFER), value, len);
	return request(VIRTIO_BLK_T_OUT, sector, len) == VIRTIO_BLK_S_OK;
}

/* What was answered and not flushed is gone with the process */
static void test_lost_cache(void)
{
	claim("vhost-user: what was written since the last flush outlives the process");
	memset(disk_bytes, 0, sizeof(cache));
	start_other(NONE);
	expect(make(&user_disk));
	expect(writes_byte(0, 1, 512) && request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	expect(writes_byte(1, 2, 512) && writes_byte(2, 3, 512) && writes_byte(1, 4, 512));
	/* More than a piece */
	expect(writes_byte(8, 5, 600 * 1024));
	end_other();
	expect(!disk_bytes[512]);
	*writes = 0;
	/* In flight, and newer than the copy */
	memset(at(BUFFER), 6, 512);
	start_request(VIRTIO_BLK_T_OUT, 2, 512);
	start_other(NONE);
	expect(wait_status(3000) == VIRTIO_BLK_S_OK);
	expect(*writes == 3 + 3 + 1);
	expect(holds(0, 1) && holds(1, 4) && holds(2, 6) && holds(8, 5) && holds(1207, 5) &&
	       holds(1208, 0));

	claim("vhost-user: also if the next process dies while it gets that");
	end_other();
	loop_step(&vm.loop, 100);
	start_other(SILENT);
	for (int i = 0; i < 150; i++)
		loop_step(&vm.loop, 10);
	end_other();
	start_other(NONE);
	expect(holds(1, 4) && holds(2, 6) && holds(8, 5));

	claim("vhost-user: what was flushed is not written again");
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK && disk_bytes[1024] == 6);
	end_other();
	*writes = 0;
	start_other(NONE);
	expect(holds(2, 6) && !*writes);

	claim("vhost-user: 32 MiB of copies are the most, then a write waits for a flush");
	memset(disk_bytes, 0, sizeof(cache));
	for (int i = 0; i < 32 && unit_ok; i++)
		expect(writes_byte(0, 7, 1 << 20));
	expect(disk_bytes[0] == 7 && disk_bytes[(1 << 20) - 1] == 7);

	claim("vhost-user: the guest is told at its next flush of what cannot be written again");
	expect(writes_byte(3, 8, 512));
	end_other();
	start_other(NO_WRITES);
	holds(3, 8);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	unmake();
	end_other();
}

/* A block of READ or WRITE (10), on the first queue of requests */
static struct virtio_scsi_cmd_resp *start_scsi(uint8_t opcode, uint8_t block)
{
	struct virtio_scsi_cmd_resp *r = at(STATUS);
	bool in = opcode == 0x28;

	*(struct virtio_scsi_cmd_req *)at(HEADER) = (struct virtio_scsi_cmd_req){
		.lun = { 1 }, .cdb = { opcode, [5] = block, [8] = 1 },
	};
	memset(r, 0xdd, sizeof(*r));
	desc(DESC(2), 0, HEADER, sizeof(struct virtio_scsi_cmd_req), N, 1);
	desc(DESC(2), in ? 2 : 1, BUFFER, 512, in ? W : N, 2);
	desc(DESC(2), in ? 1 : 2, STATUS, sizeof(*r), in ? N | W : W, 2);
	offer(2, 0);
	ring(2);
	return r;
}

static bool scsi(uint8_t opcode, uint8_t block)
{
	struct virtio_scsi_cmd_resp *r = start_scsi(opcode, block);

	for (int i = 0; i < 100 && used(2)->idx != avail_idx[2]; i++)
		loop_step(&vm.loop, 30);
	return used(2)->idx == avail_idx[2] && !r->response && !r->status;
}

static const struct disk_options scsi_disk = {
	.path = word, .socket = path, .serial = "s", .bus = DISK_SCSI,
};

static void test_scsi(void)
{
	struct virtio_scsi_ctrl_tmf_req *tmf;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct virtio_scsi_cmd_resp *r;
	struct disk disk;

	claim("vhost-user: SCSI's blocks come from the other process, too");
	memset(disk_bytes, 0, sizeof(cache));
	start_other(NONE);
	memset(&vm, 0, sizeof(vm));
	vm.opt = &options;
	if (disk_open(&disk, &scsi_disk) || mem_alloc(&vm.mem, MEMORY, MEM_MEMFD) ||
	    loop_init(&vm.loop, &lock) || pci_create(&vm) || virtio_scsi_create(&vm, &disk))
		exit(1);
	plug(1);
	drive(BASE_FEATURES, 4);
	expect(!scsi(0x28, 0));		/* unit attention */
	memset(at(BUFFER), 0x5a, 512);
	expect(scsi(0x2a, 9));
	memset(at(BUFFER), 0, 512);
	expect(scsi(0x28, 9) && *(uint8_t *)at(BUFFER + 511) == 0x5a);
	memset(at(BUFFER), 0x21, 512);
	expect(scsi(0x41, 20) && scsi(0x35, 0));
	expect(disk_bytes[9 * 512] == 0x5a && disk_bytes[20 * 512 + 511] == 0x21 &&
	       !disk_bytes[21 * 512]);

	claim("vhost-user: task management waits for what the other process has");
	end_other();
	loop_step(&vm.loop, 100);
	start_other(SILENT);
	r = start_scsi(0x28, 9);
	tmf = at(DATA + 0x400);
	*tmf = (struct virtio_scsi_ctrl_tmf_req){
		.type = VIRTIO_SCSI_T_TMF, .subtype = VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
		.lun = { 1 },
	};
	desc(DESC(0), 0, DATA + 0x400, sizeof(*tmf), N, 1);
	desc(DESC(0), 1, DATA + 0x500, 1, W, 0);
	offer(0, 0);
	ring(0);
	for (int i = 0; i < 20; i++)
		loop_step(&vm.loop, 10);
	expect(!used(0)->idx && used(2)->idx != avail_idx[2]);
	end_other();
	start_other(NONE);
	for (int i = 0; i < 100 && !used(0)->idx; i++)
		loop_step(&vm.loop, 30);
	expect(used(0)->idx == 1 && used(2)->idx == avail_idx[2] &&
	       r->response == VIRTIO_SCSI_S_RESET);
	unmake();
	end_other();
}

static void test_daemon(void)
{
	char command[200];
	struct disk disk;

	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 '%s' 1M", image);
	if (access("/usr/bin/qemu-storage-daemon", X_OK) || system(command)) {
		unit_end();
		printf("skip vhost-user: no qemu-storage-daemon\n");
		return;
	}
	claim("qcow2: a daemon is started, serves the image, and ends with the disk");
	expect(make(&qcow2_disk));
	expect(get(CONFIG, 8) == 2048);
	memset(at(BUFFER), 0x5a, 4096);
	expect(request(VIRTIO_BLK_T_OUT, 8, 4096) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0) == VIRTIO_BLK_S_OK);
	memset(at(BUFFER), 0, 4096);
	expect(request(VIRTIO_BLK_T_IN, 8, 4096) == VIRTIO_BLK_S_OK);
	expect(*(uint8_t *)at(BUFFER + 4095) == 0x5a);

	claim("qcow2: the image is for one");
	expect(disk_open(&disk, &qcow2_disk) == EXIT_USAGE);
	unmake();
	expect(make(&qcow2_disk));
	memset(at(BUFFER), 0, 4096);
	expect(request(VIRTIO_BLK_T_IN, 8, 4096) == VIRTIO_BLK_S_OK);
	expect(*(uint8_t *)at(BUFFER) == 0x5a);
	unmake();
	unlink(image);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(word, sizeof(word), "vhost-user=%s", path);
	snprintf(image, sizeof(image), "%s/a,b", dir);
	if (disk_user_announce(&user_disk) || disk_user_announce(&qcow2_disk) ||
	    disk_user_announce(&scsi_disk) || keeper_start(&options))
		return 1;
	disk_bytes = mmap(NULL, sizeof(cache) + sizeof(*writes), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	writes = (unsigned int *)(disk_bytes + sizeof(cache));
	claim("vhost-user: processes that are no such disk are refused");
	expect(refused(NO_CONFIG));
	expect(refused(SHORT));
	expect(refused(DIES_AT_HELLO));
	expect(refused(TINY));
	test_traffic();
	test_lost_cache();
	test_scsi();
	test_daemon();
	claim("vhost-user: nothing is left of what was started");
	keeper_stop();
	expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	unlink(path);
	rmdir(dir);
	return unit_finish();
}
