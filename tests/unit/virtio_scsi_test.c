// SPDX-License-Identifier: GPL-2.0
/* A disk behind virtio-scsi: requests, task management, and what breaks the rules */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_scsi.h>

#include "driver.h"
#include "image.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT

#define IMAGE_SIZE	(1 * MiB)
#define REQUEST		DATA
#define RESPONSE	(DATA + 0x100)
#define TMF		(DATA + 0x200)
#define TMF_RESPONSE	(DATA + 0x300)
#define BUFFER		(DATA + 0x1000)
#define REQUESTS	2		/* the first queue of them */
#define CHECK		0x02
#define REQUEST_LEN	sizeof(struct virtio_scsi_cmd_req)
#define RESPONSE_LEN	sizeof(struct virtio_scsi_cmd_resp)

#define CDB(...)	((const uint8_t[32]) { __VA_ARGS__ })

static char dir[32] = "/tmp/hvmon-scsi.XXXXXX";
static const uint8_t lun0[8] = { 1, 0, 0x40, 0 };
static const uint8_t *lun = lun0;
static uint64_t tag = 77;

static struct virtio_scsi_cmd_resp *response(void)
{
	return at(RESPONSE);
}

static bool is_back(int n)
{
	for (int i = 0; i < 50 && used(n)->idx != avail_idx[n]; i++)
		loop_step(&vm.loop, 100);
	return used(n)->idx == avail_idx[n];
}

static void start_command(const uint8_t *cdb, uint32_t out, uint32_t in)
{
	struct virtio_scsi_cmd_req *r = at(REQUEST);
	int n = 0;

	memset(r, 0, sizeof(*r));
	memcpy(r->lun, lun, 8);
	memcpy(r->cdb, cdb, sizeof(r->cdb));
	r->tag = tag;
	memset(at(RESPONSE), 0xdd, RESPONSE_LEN);
	desc(DESC(REQUESTS), n, REQUEST, REQUEST_LEN, N, n + 1);
	n++;
	if (out) {
		desc(DESC(REQUESTS), n, BUFFER, out, N, n + 1);
		n++;
	}
	desc(DESC(REQUESTS), n, RESPONSE, RESPONSE_LEN, W | (in ? N : 0), n + 1);
	n++;
	if (in)
		desc(DESC(REQUESTS), n, BUFFER, in, W, 0);
	offer(REQUESTS, 0);
	set(NOTIFY + 4 * REQUESTS, 2, REQUESTS);
}

/* The status, 0x100 with the response if that is not OK; 0xeee if nothing comes back */
static unsigned int command(const uint8_t *cdb, uint32_t out, uint32_t in)
{
	start_command(cdb, out, in);
	settle();
	if (!is_back(REQUESTS))
		return 0xeee;
	return response()->response ? 0x100 + response()->response : response()->status;
}

/* Sense key and codes, after CHECK CONDITION */
static uint32_t sense(void)
{
	const uint8_t *s = response()->sense;

	return response()->sense_len == 18 && s[0] == 0x70 ? s[2] << 16 | s[12] << 8 | s[13] : 0;
}

static void start_tmf(uint32_t subtype)
{
	struct virtio_scsi_ctrl_tmf_req *r = at(TMF);

	*r = (struct virtio_scsi_ctrl_tmf_req){
		.type = VIRTIO_SCSI_T_TMF, .subtype = subtype, .tag = tag,
	};
	memcpy(r->lun, lun, 8);
	*(uint8_t *)at(TMF_RESPONSE) = 0xdd;
	desc(DESC(0), 0, TMF, sizeof(*r), N, 1);
	desc(DESC(0), 1, TMF_RESPONSE, 1, W, 0);
	offer(0, 0);
	set(NOTIFY, 2, 0);
}

static uint8_t tmf(uint32_t subtype)
{
	start_tmf(subtype);
	settle();
	return is_back(0) ? *(uint8_t *)at(TMF_RESPONSE) : 0xee;
}

/* From reset, and told of it */
static void begin(uint64_t features)
{
	drive(features, 4);
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x062900);
}

static void test_config(void)
{
	claim("virtio-scsi: one target, one disk, a queue for each processor");
	expect(get(CONFIG, 4) == 2 && get(CONFIG + 4, 4) == VIRTQ_MAX - 2);
	expect(get(CONFIG + 20, 4) == 96 && get(CONFIG + 24, 4) == 32);
	expect(!get(CONFIG + 30, 2) && !get(CONFIG + 32, 4));
	expect(cfg(PCI_DEVICE_ID, 2) == 0x1048 && cfg(PCI_CLASS_DEVICE, 2) == 0x0100);
	expect(!(offered() & 0xffffff));

	claim("virtio-scsi: the driver chooses how long commands and sense are, within limits");
	begin(WITH_INDIRECT);
	set(CONFIG + 20, 4, 253);
	set(CONFIG + 24, 4, 256);
	set(CONFIG, 4, 9);
	expect(get(CONFIG + 20, 4) == 96 && get(CONFIG + 24, 4) == 32 && get(CONFIG, 4) == 2);
	set(CONFIG + 20, 4, 8);
	desc(DESC(REQUESTS), 0, REQUEST, REQUEST_LEN, N, 1);
	desc(DESC(REQUESTS), 1, RESPONSE, 20, W, 0);
	((struct virtio_scsi_cmd_req *)at(REQUEST))->cdb[0] = 0xff;
	offer(REQUESTS, 0);
	ring(REQUESTS);
	expect(response()->status == CHECK && response()->sense_len == 8 &&
	       used(2)->ring[1].len == 20);
	set(CONFIG + 24, 4, 255);
	set_status(0);
	expect(get(CONFIG + 20, 4) == 96 && get(CONFIG + 24, 4) == 32);
}

static void test_transfers(void)
{
	claim("virtio-scsi: what is written is in the file and is read back");
	begin(WITH_INDIRECT);
	memset(at(BUFFER), 0x5a, 4096);
	expect(command(CDB(0x2a, 0, [5] = 8, [8] = 8), 4096, 0) == 0 && !response()->resid);
	expect(used(REQUESTS)->ring[1].len == RESPONSE_LEN && !response()->sense_len);
	expect(file_byte(8 * 512) == 0x5a && file_byte(16 * 512 - 1) == 0x5a);
	expect(!file_byte(8 * 512 - 1) && !file_byte(16 * 512));
	memset(at(BUFFER), 0, 4096);
	expect(command(CDB(0x88, [9] = 9, [13] = 1), 0, 512) == 0);
	expect(used(REQUESTS)->ring[2].len == RESPONSE_LEN + 512);
	expect(*(uint8_t *)at(BUFFER + 511) == 0x5a && !*(uint8_t *)at(BUFFER + 512));
	expect(command(CDB(0x2a, 8, [5] = 100, [8] = 1), 512, 0) == 0);
	expect(command(CDB(0x35), 0, 0) == 0 && command(CDB(0x1b), 0, 0) == 0);

	claim("virtio-scsi: what is left over of a buffer is told, too small a one is an overrun");
	memset(at(BUFFER), 0x77, 4096);
	expect(command(CDB(0x28, [5] = 8, [8] = 1), 0, 4096) == 0);
	expect(response()->resid == 3584 && *(uint8_t *)at(BUFFER + 511) == 0x5a &&
	       *(uint8_t *)at(BUFFER + 512) == 0x77);
	expect(command(CDB(0x2a, [5] = 60, [8] = 1), 1024, 0) == 0 && response()->resid == 512);
	expect(file_byte(60 * 512) == 0x5a && !file_byte(61 * 512));
	expect(command(CDB(0x12, [4] = 255), 0, 255) == 0 && response()->resid == 255 - 74);
	expect(command(CDB(0x28, [8] = 2), 0, 512) == 0x100 + VIRTIO_SCSI_S_OVERRUN);
	expect(command(CDB(0x28, [8] = 1), 512, 0) == 0x100 + VIRTIO_SCSI_S_OVERRUN);
	expect(command(CDB(0x2a, [8] = 1), 0, 512) == 0x100 + VIRTIO_SCSI_S_OVERRUN);
	expect(command(CDB(0x12, [4] = 36), 0, 35) == 0x100 + VIRTIO_SCSI_S_OVERRUN);
	expect(command(CDB(0x28, [8] = 1), 512, 512) == 0x100 + VIRTIO_SCSI_S_FAILURE);
	expect(command(CDB(0x5e, [8] = 8), 0, 512) == CHECK && sense() == 0x052000 &&
	       response()->resid == 512);
	expect(command(CDB(0x28, [4] = 8, [8] = 1), 0, 512) == CHECK && sense() == 0x052100);

	claim("virtio-scsi: request, response and data may be cut anywhere");
	memset(at(REQUEST), 0, REQUEST_LEN);
	memcpy(at(REQUEST), lun0, 8);
	memcpy(at(REQUEST + 19), CDB(0x28, [5] = 8, [8] = 1), 10);
	memset(at(BUFFER), 0, 4096);
	desc(DESC(2), 0, REQUEST, 20, N, 1);
	desc(DESC(2), 1, REQUEST + 20, 31, N, 2);
	desc(DESC(2), 2, RESPONSE, 5, N | W, 3);
	desc(DESC(2), 3, RESPONSE + 5, RESPONSE_LEN - 5 + 100, N | W, 4);
	desc(DESC(2), 4, BUFFER, 412, W, 0);
	offer(2, 0);
	ring(2);
	expect(is_back(2) && !response()->status && !response()->response && !response()->resid);
	expect(*(uint8_t *)at(RESPONSE + RESPONSE_LEN) == 0x5a &&
	       *(uint8_t *)at(BUFFER + 411) == 0x5a && !*(uint8_t *)at(BUFFER + 412));
	expect(!needs_reset());
}

static void test_ranges(void)
{
	uint8_t *list = at(BUFFER);
	struct stat st;
	blkcnt_t before;

	claim("virtio-scsi: UNMAP and WRITE SAME give room back");
	begin(WITH_INDIRECT);
	memset(at(BUFFER), 0x33, 0x20000);
	expect(command(CDB(0x2a, [4] = 4, [7] = 1, [8] = 0), 0x20000, 0) == 0);
	stat(image, &st);
	before = st.st_blocks;
	memset(list, 0, 24);
	list[3] = 16;
	list[14] = 4;
	list[19] = 128;
	expect(command(CDB(0x42, [8] = 24), 24, 0) == 0 && !response()->resid);
	stat(image, &st);
	expect(st.st_blocks < before && st.st_size == IMAGE_SIZE);
	expect(!file_byte(1024 * 512) && file_byte(1152 * 512) == 0x33);
	before = st.st_blocks;
	memset(at(BUFFER), 0, 512);
	expect(command(CDB(0x93, 8, [8] = 4, [9] = 128, [13] = 64), 512, 0) == 0);
	stat(image, &st);
	expect(st.st_blocks < before && !file_byte(1152 * 512) && file_byte(1216 * 512) == 0x33);

	claim("virtio-scsi: WRITE SAME writes zeroes, and any other block");
	before = st.st_blocks;
	expect(command(CDB(0x93, 1, [8] = 4, [9] = 192, [13] = 1), 0, 0) == 0);
	expect(!file_byte(1216 * 512) && file_byte(1217 * 512) == 0x33);
	expect(command(CDB(0x41, 0, [4] = 4, [5] = 193, [8] = 1), 512, 0) == 0);
	expect(!file_byte(1217 * 512) && file_byte(1218 * 512) == 0x33);
	stat(image, &st);
	expect(st.st_blocks == before);
	memset(at(BUFFER), 0x44, 512);
	*(uint8_t *)at(BUFFER + 511) = 0x45;
	/* More than a round, and after the round's end still the same block */
	expect(command(CDB(0x93, 0, [12] = 3, [13] = 1), 512, 0) == 0 && !response()->resid);
	for (int i = 0; i < 769 && unit_ok; i++)
		expect(file_byte(i * 512) == 0x44 && file_byte(i * 512 + 511) == 0x45);
	expect(file_byte(769 * 512) != 0x44);
}

static void test_luns(void)
{
	static const uint8_t flat[8] = { 1, 0, 0, 0 }, next[8] = { 1, 0, 0x40, 1 };
	static const uint8_t target[8] = { 1, 1, 0x40, 0 }, odd[8] = { 2 };
	static const uint8_t deep[8] = { 1, 0, 0x40, 0, 0, 1 }, report[8] = { 0xc1, 1 };

	claim("virtio-scsi: the disk has its LUN and no other");
	begin(WITH_INDIRECT);
	lun = flat;
	expect(command(CDB(0x00), 0, 0) == 0);
	lun = next;
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x052500);
	expect(command(CDB(0x12, [4] = 36), 0, 36) == 0 && *(uint8_t *)at(BUFFER) == 0x7f);
	expect(tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK) == VIRTIO_SCSI_S_INCORRECT_LUN);
	lun = deep;
	expect(command(CDB(0x28, [8] = 1), 0, 512) == CHECK && sense() == 0x052500);
	lun = report;
	expect(command(CDB(0xa0, [9] = 16), 0, 16) == 0);
	expect(command(CDB(0x28, [8] = 1), 0, 512) == CHECK && sense() == 0x052000);
	lun = target;
	expect(command(CDB(0x00), 0, 0) == 0x100 + VIRTIO_SCSI_S_BAD_TARGET);
	expect(tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK) == VIRTIO_SCSI_S_BAD_TARGET);
	lun = odd;
	expect(command(CDB(0x00), 0, 0) == 0x100 + VIRTIO_SCSI_S_BAD_TARGET);
	lun = lun0;
}

static void test_tmfs(void)
{
	claim("virtio-scsi: task management with nothing to manage");
	begin(WITH_INDIRECT);
	expect(tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK) == VIRTIO_SCSI_S_OK);
	expect(tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK_SET) == VIRTIO_SCSI_S_OK);
	expect(tmf(VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET) == VIRTIO_SCSI_S_OK);
	expect(tmf(VIRTIO_SCSI_T_TMF_QUERY_TASK) == VIRTIO_SCSI_S_OK);
	expect(tmf(VIRTIO_SCSI_T_TMF_QUERY_TASK_SET) == VIRTIO_SCSI_S_OK);
	expect(tmf(VIRTIO_SCSI_T_TMF_CLEAR_ACA) == VIRTIO_SCSI_S_FUNCTION_REJECTED);
	expect(tmf(99) == VIRTIO_SCSI_S_FUNCTION_REJECTED);
	expect(command(CDB(0x00), 0, 0) == 0);

	claim("virtio-scsi: after a reset the next command is told of it");
	expect(tmf(VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET) == VIRTIO_SCSI_S_OK);
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x062903);
	expect(tmf(VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET) == VIRTIO_SCSI_S_OK);
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x062907);
	expect(command(CDB(0x00), 0, 0) == 0);

	claim("virtio-scsi: events cannot be subscribed to");
	*(struct virtio_scsi_ctrl_an_req *)at(TMF) = (struct virtio_scsi_ctrl_an_req){
		.type = VIRTIO_SCSI_T_AN_SUBSCRIBE, .lun = { 1 }, .event_requested = 4,
	};
	memset(at(TMF_RESPONSE), 0xdd, 5);
	desc(DESC(0), 0, TMF, sizeof(struct virtio_scsi_ctrl_an_req), N, 1);
	desc(DESC(0), 1, TMF_RESPONSE, 5, W, 0);
	offer(0, 0);
	ring(0);
	expect(!memcmp(at(TMF_RESPONSE), "\0\0\0\0\0", 5));
}

/* Uses up @seconds of a limit of one request a second, by requests that are aborted */
static void hold_up(int seconds)
{
	while (seconds-- > 0)
		start_command(CDB(0x00), 0, 0);
	settle();
	expect(used(REQUESTS)->idx != avail_idx[REQUESTS]);
	expect(tmf(VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET) == VIRTIO_SCSI_S_OK);
	expect(used(REQUESTS)->idx == avail_idx[REQUESTS]);
}

/* Requests that the limits keep in the ring, when task management comes */
static void test_pending(void)
{
	static struct disk_options slow = { .path = image, .iops = 1 };
	static struct disk disk;

	claim("virtio-scsi: a reset ends what the limits held up, and is told when that is done");
	expect(!disk_open(&disk, &slow) && !virtio_scsi_create(&vm, &disk));
	plug(2);
	begin(WITH_INDIRECT);
	hold_up(3);
	expect(response()->response == VIRTIO_SCSI_S_RESET);

	claim("virtio-scsi: a task that is still in the ring is aborted by its tag");
	drive(WITH_INDIRECT, 4);
	memset(at(BUFFER), 0x99, 512);
	start_command(CDB(0x2a, [4] = 7, [8] = 1), 512, 0);
	start_tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK);
	for (int i = 0; i < 100 && used(0)->idx != avail_idx[0]; i++)
		loop_step(&vm.loop, 100);
	expect(*(uint8_t *)at(TMF_RESPONSE) == VIRTIO_SCSI_S_OK);
	expect(used(REQUESTS)->idx == avail_idx[REQUESTS] &&
	       response()->response == VIRTIO_SCSI_S_ABORTED && file_byte(7 << 17) != 0x99);

	claim("virtio-scsi: a task with another tag is not");
	drive(WITH_INDIRECT, 4);
	hold_up(2);
	start_command(CDB(0x00), 0, 0);
	tag++;
	start_tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK);
	for (int i = 0; i < 100 && used(0)->idx != avail_idx[0]; i++)
		loop_step(&vm.loop, 100);
	expect(*(uint8_t *)at(TMF_RESPONSE) == VIRTIO_SCSI_S_OK && !response()->response);

	claim("virtio-scsi: a device reset forgets task management that waits");
	drive(WITH_INDIRECT, 4);
	hold_up(2);
	start_command(CDB(0x00), 0, 0);
	start_tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK);
	settle();
	expect(used(0)->idx != avail_idx[0]);
	drive(WITH_INDIRECT, 4);
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x062900 && !used(0)->idx);
}

static void test_running(void)
{
	claim("virtio-scsi: a task that runs is waited for, and ends as aborted");
	plug(1);
	begin(WITH_INDIRECT);
	memset(at(BUFFER), 0x21, 512);
	/* In many rounds: it is not over before the TMF comes */
	start_command(CDB(0x93, 0, [12] = 8), 512, 0);
	loop_step(&vm.loop, 100);
	start_tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK_SET);
	expect(is_back(0) && used(REQUESTS)->idx == avail_idx[REQUESTS]);
	expect(*(uint8_t *)at(TMF_RESPONSE) == VIRTIO_SCSI_S_OK);
	expect(response()->response == VIRTIO_SCSI_S_ABORTED);

	claim("virtio-scsi: a reset of the device while WRITE SAME runs ends it");
	memset(at(BUFFER), 0x43, 512);
	start_command(CDB(0x93, 0, [12] = 8), 512, 0);
	loop_step(&vm.loop, 100);
	set_status(0);
	for (int i = 0; i < 50 && status(); i++)
		loop_step(&vm.loop, 100);
	expect(!status() && file_byte(2047 * 512) != 0x43);
	begin(WITH_INDIRECT);
}

static void test_bad(void)
{
	claim("virtio-scsi: requests without room for header or response break the device");
	begin(WITH_INDIRECT);
	desc(DESC(2), 0, REQUEST, REQUEST_LEN, N, 1);
	desc(DESC(2), 1, RESPONSE, RESPONSE_LEN - 1, W, 0);
	offer(2, 0);
	ring(2);
	expect(needs_reset());
	begin(WITH_INDIRECT);
	desc(DESC(2), 0, REQUEST, REQUEST_LEN - 1, N, 1);
	desc(DESC(2), 1, RESPONSE, RESPONSE_LEN, W, 0);
	offer(2, 0);
	ring(2);
	expect(needs_reset());
	begin(WITH_INDIRECT);
	memset(at(TMF), 0, 24);
	desc(DESC(0), 0, TMF, 23, N, 1);
	desc(DESC(0), 1, TMF_RESPONSE, 1, W, 0);
	offer(0, 0);
	ring(0);
	expect(needs_reset());
	begin(WITH_INDIRECT);
	*(uint32_t *)at(TMF) = 3;
	desc(DESC(0), 0, TMF, 24, N, 1);
	desc(DESC(0), 1, TMF_RESPONSE, 5, W, 0);
	offer(0, 0);
	ring(0);
	expect(needs_reset());
	begin(WITH_INDIRECT);
	expect(command(CDB(0x00), 0, 0) == 0);

	claim("virtio-scsi: a file that becomes shorter gives errors");
	expect(!truncate(image, 4096));
	expect(command(CDB(0x28, [5] = 100, [8] = 1), 0, 512) == CHECK && sense() == 0x031100);
	expect(command(CDB(0x28, [8] = 1), 0, 512) == 0);
	expect(!truncate(image, IMAGE_SIZE));
}

static void test_iothread(void)
{
	static struct disk_options opt = { .path = image, .iothread = true };
	static struct disk disk;

	claim("virtio-scsi: an iothread has commands and task management");
	expect(!disk_open(&disk, &opt) && !virtio_scsi_create(&vm, &disk));
	plug(1);
	drive(WITH_INDIRECT, 4);
	expect(command(CDB(0x00), 0, 0) == CHECK && sense() == 0x062900);
	memset(at(BUFFER), 0x5b, 512);
	expect(command(CDB(0x2a, [5] = 9, [8] = 1), 512, 0) == 0);
	memset(at(BUFFER), 0, 512);
	expect(command(CDB(0x28, [5] = 9, [8] = 1), 0, 512) == 0);
	expect(*(uint8_t *)at(BUFFER + 511) == 0x5b);
	for (int i = 0; i < 100 && unit_ok; i++) {
		/* The one may overtake the other, and ends it then */
		start_command(CDB(0x28, [8] = 64), 0, 64 * 512);
		expect(tmf(VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET) == VIRTIO_SCSI_S_OK);
		expect(is_back(REQUESTS));
	}
}

static void test_full(void)
{
	static struct disk_options opt = { .path = image };
	static struct disk disk;

	claim("virtio-scsi: what the host has no room for waits");
	if (!begin_small("virtio-scsi", dir))
		return;
	make_image(IMAGE_SIZE);
	expect(!disk_open(&disk, &opt) && !virtio_scsi_create(&vm, &disk));
	plug(1);
	begin(WITH_INDIRECT);
	memset(at(BUFFER), 0x5a, 512);
	fill_up(rest);
	start_command(CDB(0x2a, [8] = 1), 512, 0);
	for (int i = 0; i < 15; i++)
		loop_step(&vm.loop, 100);
	expect(used(REQUESTS)->idx != avail_idx[REQUESTS]);
	unlink(rest);
	expect(is_back(REQUESTS) && !response()->response && !response()->status);
	expect(file_byte(511) == 0x5a);

	claim("virtio-scsi: until the guest aborts it");
	fill_up(rest);
	start_command(CDB(0x2a, [5] = 64, [8] = 1), 512, 0);
	for (int i = 0; i < 3; i++)
		loop_step(&vm.loop, 100);
	expect(tmf(VIRTIO_SCSI_T_TMF_QUERY_TASK) == VIRTIO_SCSI_S_FUNCTION_SUCCEEDED);
	expect(tmf(VIRTIO_SCSI_T_TMF_ABORT_TASK) == VIRTIO_SCSI_S_OK);
	expect(used(REQUESTS)->idx == avail_idx[REQUESTS] &&
	       response()->response == VIRTIO_SCSI_S_ABORTED);

	claim("virtio-scsi: or resets the unit while it is tried again");
	start_command(CDB(0x2a, [5] = 64, [8] = 1), 512, 0);
	for (int i = 0; i < 3; i++)
		loop_step(&vm.loop, 100);
	/* The timer's event comes before that of the control queue */
	usleep(1200000);
	expect(tmf(VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET) == VIRTIO_SCSI_S_OK);
	expect(is_back(REQUESTS) && response()->response == VIRTIO_SCSI_S_RESET);
	remake();
	expect(!file_byte(64 * 512));
	end_small();
}

static void test_readonly(void)
{
	static struct disk_options opt = { .path = image, .ro = true };
	static struct disk disk;

	claim("virtio-scsi: a read-only disk says so and changes nothing");
	expect(!disk_open(&disk, &opt) && !virtio_scsi_create(&vm, &disk));
	plug(1);
	begin(WITH_INDIRECT);
	expect(command(CDB(0x1a, 0, 0x3f, 0, 192), 0, 192) == 0 &&
	       *(uint8_t *)at(BUFFER + 2) == 0x90);
	memset(at(BUFFER), 0xab, 512);
	expect(command(CDB(0x2a, [8] = 1), 512, 0) == CHECK && sense() == 0x072700);
	expect(command(CDB(0x93, 0, [13] = 1), 512, 0) == CHECK && sense() == 0x072700);
	expect(file_byte(0) != 0xab);
	expect(command(CDB(0x28, [8] = 1), 0, 512) == 0);
	/* Without a serial number its slot tells it from others */
	expect(command(CDB(0x12, 1, 0x83, 0, 64), 0, 64) == 0 &&
	       !memcmp(at(BUFFER + 8), "HVMON   slot1", 13));
}

int main(void)
{
	static struct disk_options raw = { .path = image, .serial = "abc-123" };
	static struct disk disk;

	if (!mkdtemp(dir))
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	machine();
	claim("virtio-scsi: a disk is made");
	make_image(IMAGE_SIZE);
	expect(!disk_open(&disk, &raw));
	if (virtio_scsi_create(&vm, &disk)) {
		/* io_uring is forbidden here, and that was said */
		unit_claim = NULL;
		printf("skip virtio-scsi: no io_uring\n");
		return 0;
	}
	plug(1);
	test_config();
	test_transfers();
	test_ranges();
	test_luns();
	test_tmfs();
	test_running();
	test_bad();
	remake();
	test_readonly();
	remake();
	expect(!virtio_rng_create(&vm));	/* for slot 1 */
	test_pending();
	remake();
	test_iothread();
	remake();
	unlink(image);
	test_full();
	unmake();
	rmdir(dir);
	return unit_finish();
}
