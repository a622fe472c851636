// SPDX-License-Identifier: GPL-2.0
/* What command blocks mean, good and bad ones */
#include "dev/scsi.h"
#include "unit.h"

#define CDB(...)	((const uint8_t[SCSI_CDB]) { __VA_ARGS__ })

static struct scsi_disk disk;
static struct scsi_command c;

static void fresh(void)
{
	disk = (struct scsi_disk){
		.blocks = 2048, .block = 512, .zeroes = true, .unmap_reads_zero = true,
		.max_unmap = 1024, .serial = "abc-123", .name = "slot3",
	};
}

static bool good(const uint8_t *cdb, enum scsi_action action)
{
	scsi_decode(&disk, SCSI_LUN_DISK, cdb, &c);
	return c.status == SCSI_GOOD && c.action == action && c.len <= c.transfer;
}

static bool gives(const uint8_t *cdb, uint32_t len)
{
	return good(cdb, SCSI_ANSWER) && c.len == len && !c.out;
}

static bool bad_for(enum scsi_lun lun, const uint8_t *cdb, enum scsi_sense sense)
{
	scsi_decode(&disk, lun, cdb, &c);
	return c.status == SCSI_CHECK_CONDITION && c.sense == sense && c.action == SCSI_ANSWER &&
	       !c.transfer && !c.len;
}

static bool bad(const uint8_t *cdb, enum scsi_sense sense)
{
	return bad_for(SCSI_LUN_DISK, cdb, sense);
}

static uint64_t be(unsigned int at, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | c.data[at++];
	return v;
}

static void test_inquiry(void)
{
	claim("scsi: INQUIRY says what it is, in as many bytes as there is room for");
	fresh();
	expect(gives(CDB(0x12, 0, 0, 0, 255), 74));
	expect(c.data[0] == 0 && c.data[2] == 6 && c.data[4] == 69);
	expect(!memcmp(c.data + 8, "HVMON   VIRTUAL DISK    1   ", 28));
	expect(gives(CDB(0x12, 0, 0, 0, 5), 5) && c.transfer == 5);
	expect(gives(CDB(0x12, 0, 0, 2, 0), 74) && c.transfer == 512);
	expect(gives(CDB(0x12), 0));
	expect(bad(CDB(0x12, 0, 0x80, 0, 255), SENSE_CDB_FIELD));
	expect(bad(CDB(0x12, 2, 0, 0, 255), SENSE_CDB_FIELD));

	claim("scsi: pages of vital product data, and no others");
	expect(gives(CDB(0x12, 1, 0, 0, 255), 11) &&
	       !memcmp(c.data, "\0\0\0\7\0\x80\x83\x86\xb0\xb1\xb2", 11));
	expect(gives(CDB(0x12, 1, 0x80, 0, 255), 11) && !memcmp(c.data + 4, "abc-123", 7));
	expect(gives(CDB(0x12, 1, 0x83, 0, 255), 23));
	expect(!memcmp(c.data + 4, "\2\1\0\17HVMON   abc-123", 19));
	expect(gives(CDB(0x12, 1, 0xb0, 0, 255), 64) && be(20, 4) == 1024 && be(24, 4) == 1 &&
	       be(36, 8) == 1u << 22);
	expect(gives(CDB(0x12, 1, 0xb1, 0, 255), 64) && be(4, 2) == 1);
	expect(gives(CDB(0x12, 1, 0xb2, 0, 255), 8) && c.data[5] == 0xe4 && c.data[6] == 2);
	expect(bad(CDB(0x12, 1, 0xc0, 0, 255), SENSE_CDB_FIELD));
	disk.serial[0] = '\0';
	expect(gives(CDB(0x12, 1, 0, 0, 255), 10));
	expect(bad(CDB(0x12, 1, 0x80, 0, 255), SENSE_CDB_FIELD));
	expect(gives(CDB(0x12, 1, 0x83, 0, 255), 21) && !memcmp(c.data + 16, "slot3", 5));
	disk.max_unmap = 0;
	disk.unmap_reads_zero = false;
	expect(gives(CDB(0x12, 1, 0xb2, 0, 255), 8) && !c.data[5] && !c.data[6]);
}

static void test_state(void)
{
	claim("scsi: capacity, in 32 bits as far as that goes");
	fresh();
	expect(gives(CDB(0x25), 8) && be(0, 4) == 2047 && be(4, 4) == 512);
	expect(gives(CDB(0x9e, 0x10, [13] = 32), 32) && be(0, 8) == 2047 && be(8, 4) == 512 &&
	       c.data[14] == 0xc0);
	expect(gives(CDB(0x9e, 0x10, [13] = 12), 12));
	disk.blocks = 1ULL << 33;
	expect(gives(CDB(0x25), 8) && be(0, 4) == 0xffffffff);
	expect(gives(CDB(0x9e, 0x10, [13] = 32), 32) && be(0, 8) == (1ULL << 33) - 1);
	expect(bad(CDB(0x25, 0, 0, 0, 0, 1), SENSE_CDB_FIELD));
	expect(bad(CDB(0x9e, 0x12, [13] = 32), SENSE_OPCODE));

	claim("scsi: MODE SENSE has the cache, which is on, and whether writing is allowed");
	fresh();
	expect(gives(CDB(0x1a, 0, 0x3f, 0, 255), 44) && c.data[0] == 43 && c.data[2] == 0x10 &&
	       c.data[3] == 8 && be(4, 4) == 2048 && be(8, 4) == 512);
	expect(c.data[12] == 8 && c.data[14] == 4 && c.data[32] == 0x0a);
	expect(gives(CDB(0x1a, 8, 0x08, 0, 255), 24) && c.data[3] == 0 && c.data[4] == 8);
	expect(gives(CDB(0x1a, 8, 0x48, 0, 255), 24) && !c.data[6]);
	expect(gives(CDB(0x1a, 8, 0x08, 0, 4), 4));
	disk.ro = true;
	expect(gives(CDB(0x5a, 0, 0x3f, 0xff, 0, 0, 0, 1, 0), 48) && be(0, 2) == 46 &&
	       c.data[3] == 0x90 && c.data[7] == 8);
	expect(bad(CDB(0x1a, 0, 0xc8, 0, 255), SENSE_SAVED_PAGES));
	expect(bad(CDB(0x1a, 0, 0x01, 0, 255), SENSE_CDB_FIELD));
	expect(bad(CDB(0x1a, 0, 0x08, 0x01, 255), SENSE_CDB_FIELD));

	claim("scsi: attention is told once, to a command that does not read it");
	fresh();
	disk.attention = SENSE_POWER_ON;
	expect(gives(CDB(0x12, 0, 0, 0, 255), 74));
	expect(gives(CDB(0xa0, [9] = 16), 16));
	expect(bad(CDB(0x00), SENSE_POWER_ON) && good(CDB(0x00), SCSI_ANSWER));
	disk.attention = SENSE_LUN_RESET;
	expect(gives(CDB(0x03, 0, 0, 0, 252), 18) && c.data[0] == 0x70 && c.data[2] == 6 &&
	       c.data[7] == 10 && c.data[12] == 0x29 && c.data[13] == 3);
	expect(gives(CDB(0x03, 0, 0, 0, 252), 18) && !c.data[2]);
	expect(bad(CDB(0x03, 1, 0, 0, 252), SENSE_CDB_FIELD));

	claim("scsi: START STOP UNIT flushes before it stops, and ejects nothing");
	expect(good(CDB(0x1b, 0, 0, 0, 1), SCSI_ANSWER) && good(CDB(0x1b), SCSI_FLUSH));
	expect(good(CDB(0x1b, 0, 0, 0, 4), SCSI_ANSWER));
	expect(bad(CDB(0x1b, 0, 0, 0, 2), SENSE_CDB_FIELD));
	expect(bad(CDB(0x1b, 0, 0, 0, 0x10), SENSE_CDB_FIELD));
}

static bool moves(const uint8_t *cdb, enum scsi_action action, uint64_t lba, uint64_t blocks)
{
	return good(cdb, action) && c.lba == lba && c.blocks == blocks &&
	       c.transfer == blocks * 512 && c.out == (action == SCSI_WRITE);
}

static void test_transfers(void)
{
	claim("scsi: READ and WRITE of every length find address and length");
	fresh();
	expect(moves(CDB(0x08, 0x00, 0x01, 0x02, 3), SCSI_READ, 0x102, 3));
	expect(moves(CDB(0x0a, 0xe0, 0x01, 0x02, 0), SCSI_WRITE, 0x102, 256) && !c.fua);
	expect(moves(CDB(0x28, 0, 0, 0, 1, 2, 0, 0, 3), SCSI_READ, 0x102, 3) && !c.fua);
	expect(moves(CDB(0x2a, 8, 0, 0, 1, 2, 0, 1, 3), SCSI_WRITE, 0x102, 0x103) && c.fua);
	expect(moves(CDB(0xa8, 0x10, 0, 0, 1, 2, 0, 0, 0, 3), SCSI_READ, 0x102, 3));
	expect(moves(CDB(0xaa, 8, 0, 0, 1, 2, 0, 0, 0, 3), SCSI_WRITE, 0x102, 3) && c.fua);
	expect(moves(CDB(0x88, [8] = 1, [9] = 2, [13] = 3), SCSI_READ, 0x102, 3));
	expect(moves(CDB(0x8a, 8, [8] = 1, [9] = 2, [13] = 3), SCSI_WRITE, 0x102, 3) && c.fua);
	expect(good(CDB(0x28, 0, 0, 0, 1, 2), SCSI_ANSWER) && !c.transfer);

	claim("scsi: the last block is there, the next one is not, numbers may not wrap");
	expect(moves(CDB(0x28, 0, 0, 0, 7, 0xff, 0, 0, 1), SCSI_READ, 2047, 1));
	expect(bad(CDB(0x28, 0, 0, 0, 8, 0, 0, 0, 1), SENSE_LBA_RANGE));
	expect(bad(CDB(0x28, 0, 0, 0, 7, 0xff, 0, 0, 2), SENSE_LBA_RANGE));
	expect(bad(CDB(0x28, 0, 0, 0, 8, 1, 0, 0, 0), SENSE_LBA_RANGE));
	expect(bad(CDB(0x0a, 0x08, 0, 0, 1), SENSE_LBA_RANGE));
	expect(bad(CDB(0x8a, 0, [2 ... 9] = 0xff, [13] = 2), SENSE_LBA_RANGE));
	expect(bad(CDB(0x88, 0, [10 ... 13] = 0xff), SENSE_LBA_RANGE));
	expect(bad(CDB(0xaa, 0, [2 ... 9] = 0xff), SENSE_LBA_RANGE));
	expect(bad(CDB(0x35, 0, 0, 0, 8, 0, 0, 0, 1), SENSE_LBA_RANGE));
	expect(bad(CDB(0x91, [2] = 0x80), SENSE_LBA_RANGE));
	expect(bad(CDB(0x8f, [2] = 0x80, [13] = 1), SENSE_LBA_RANGE));

	claim("scsi: protection, comparing and NACA are not there");
	expect(bad(CDB(0x28, 0x20, [8] = 1), SENSE_CDB_FIELD));
	expect(bad(CDB(0x8a, 0x80, [13] = 1), SENSE_CDB_FIELD));
	expect(bad(CDB(0x2f, 0x02, [8] = 1), SENSE_CDB_FIELD));
	expect(bad(CDB(0x8f, 0x06, [13] = 1), SENSE_CDB_FIELD));
	expect(bad(CDB(0x28, 0, [8] = 1, [9] = 4), SENSE_CDB_FIELD));
	expect(good(CDB(0x2f, 0x10, [8] = 1), SCSI_ANSWER) && !c.transfer);
	expect(good(CDB(0x8f, 0, [13] = 1), SCSI_ANSWER));
	expect(good(CDB(0x35), SCSI_FLUSH) && good(CDB(0x91, 2), SCSI_FLUSH));
}

/* UNMAP's list of one range */
static void list(uint64_t lba, uint32_t blocks, uint8_t ranges, uint32_t len)
{
	uint8_t l[SCSI_UNMAP_LIST] = { [3] = ranges * 16 };

	for (int i = 0; i < 8; i++)
		l[8 + i] = lba >> (56 - 8 * i);
	for (int i = 0; i < 4; i++)
		l[16 + i] = blocks >> (24 - 8 * i);
	expect(good(CDB(0x42, [8] = 24), SCSI_UNMAP) && c.out && c.transfer == 24);
	scsi_unmap(&disk, l, len, &c);
}

static void test_ranges(void)
{
	claim("scsi: UNMAP takes one range, within the disk and its limit");
	fresh();
	list(8, 1024, 1, 24);
	expect(c.action == SCSI_UNMAP && c.lba == 8 && c.blocks == 1024);
	list(8, 1025, 1, 24);
	expect(c.status && c.sense == SENSE_LIST_FIELD && !c.transfer);
	list(8, 8, 2, 24);
	expect(c.status && c.sense == SENSE_LIST_FIELD);
	list(2047, 2, 1, 24);
	expect(c.status && c.sense == SENSE_LBA_RANGE);
	list(~0ULL, 2, 1, 24);
	expect(c.status && c.sense == SENSE_LBA_RANGE);
	list(8, 8, 1, 23);
	expect(c.action == SCSI_ANSWER && !c.status);
	list(8, 8, 0, 24);
	expect(c.action == SCSI_ANSWER && !c.status);
	list(8, 0, 1, 24);
	expect(c.action == SCSI_ANSWER && !c.status);
	expect(good(CDB(0x42), SCSI_ANSWER) && bad(CDB(0x42, [8] = 7), SENSE_LIST_LENGTH));
	expect(bad(CDB(0x42, 1, [8] = 24), SENSE_CDB_FIELD));

	claim("scsi: WRITE SAME writes one block, or zeroes, and may unmap");
	expect(good(CDB(0x41, 0, [5] = 7, [8] = 9), SCSI_SAME) && c.lba == 7 && c.blocks == 9 &&
	       c.transfer == 512 && c.out && !c.unmap);
	expect(good(CDB(0x93, 8, [9] = 7, [13] = 9), SCSI_SAME) && c.lba == 7 && c.blocks == 9 &&
	       c.transfer == 512 && c.unmap);
	expect(good(CDB(0x93, 1, [13] = 9), SCSI_SAME) && !c.transfer);
	expect(bad(CDB(0x41, 1, [8] = 9), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93, 0x10, [13] = 9), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93, 0x20, [13] = 9), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93, 0x04, [13] = 9), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93, 0, [10] = 0x80), SENSE_CDB_FIELD));
	expect(bad(CDB(0x93, 0, [12] = 8, [13] = 1), SENSE_LBA_RANGE));
	disk.zeroes = false;
	expect(bad(CDB(0x93, 1, [13] = 9), SENSE_CDB_FIELD));
	expect(good(CDB(0x93, 0, [13] = 9), SCSI_SAME));
	disk.max_unmap = 0;
	expect(bad(CDB(0x93, 8, [13] = 9), SENSE_CDB_FIELD));
	expect(bad(CDB(0x42, [8] = 24), SENSE_OPCODE));

	claim("scsi: nothing changes what is write-protected");
	disk.ro = true;
	expect(bad(CDB(0x0a, 0, 0, 0, 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0x2a, [8] = 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0x8a, [13] = 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0xaa, [9] = 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0x41, [8] = 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0x93, [13] = 1), SENSE_WRITE_PROTECTED));
	expect(bad(CDB(0x42, [8] = 24), SENSE_WRITE_PROTECTED));
	expect(moves(CDB(0x28, [8] = 1), SCSI_READ, 0, 1));
}

static void test_addressing(void)
{
	claim("scsi: a LUN that is not there says so");
	fresh();
	scsi_decode(&disk, SCSI_LUN_NONE, CDB(0x12, 0, 0, 0, 36), &c);
	expect(!c.status && c.data[0] == 0x7f);
	scsi_decode(&disk, SCSI_LUN_NONE, CDB(0x03, 0, 0, 0, 18), &c);
	expect(!c.status && c.data[2] == 5 && c.data[12] == 0x25);
	expect(bad_for(SCSI_LUN_NONE, CDB(0x28, [8] = 1), SENSE_NO_LUN));
	expect(bad_for(SCSI_LUN_NONE, CDB(0x00), SENSE_NO_LUN));
	expect(bad_for(SCSI_LUN_NONE, CDB(0xff), SENSE_NO_LUN));
	expect(bad_for(SCSI_LUN_NONE, CDB(0x12, 1, 0xb0, 0, 36), SENSE_CDB_FIELD));

	claim("scsi: REPORT LUNS lists the disk, itself, or both, and is a LUN");
	expect(gives(CDB(0xa0, [9] = 16), 16) && be(0, 4) == 8 && !be(8, 8));
	expect(gives(CDB(0xa0, 0, 1, [9] = 255), 16) && be(8, 2) == 0xc101);
	expect(gives(CDB(0xa0, 0, 2, [9] = 255), 24) && be(0, 4) == 16 && be(16, 2) == 0xc101);
	expect(bad(CDB(0xa0, [9] = 15), SENSE_CDB_FIELD));
	expect(bad(CDB(0xa0, 0, 3, [9] = 255), SENSE_CDB_FIELD));
	scsi_decode(&disk, SCSI_LUN_REPORT_LUNS, CDB(0x12, 0, 0, 0, 36), &c);
	expect(!c.status && c.data[0] == 0x1e);
	scsi_decode(&disk, SCSI_LUN_REPORT_LUNS, CDB(0xa0, [9] = 16), &c);
	expect(!c.status && c.len == 16);
	expect(bad_for(SCSI_LUN_REPORT_LUNS, CDB(0x28, [8] = 1), SENSE_OPCODE));
}

static void test_commands(void)
{
	claim("scsi: operation codes that are not there, reservations among them");
	fresh();
	expect(bad(CDB(0x5e, [8] = 8), SENSE_OPCODE) && bad(CDB(0x5f), SENSE_OPCODE));
	expect(bad(CDB(0x16), SENSE_OPCODE) && bad(CDB(0x55), SENSE_OPCODE));
	expect(bad(CDB(0x7f), SENSE_OPCODE) && bad(CDB(0xff), SENSE_OPCODE));

	claim("scsi: REPORT SUPPORTED OPERATION CODES has those that there are");
	expect(gives(CDB(0xa3, 0x0c, 0x01, 0x93, [9] = 255), 20) && c.data[1] == 3 &&
	       be(2, 2) == 16 && c.data[4] == 0x93);
	expect(gives(CDB(0xa3, 0x0c, 0x01, 0x5e, [9] = 255), 4) && c.data[1] == 1);
	expect(gives(CDB(0xa3, 0x0c, 0x02, 0x9e, 0, 0x10, [9] = 255), 20) && c.data[1] == 3);
	expect(gives(CDB(0xa3, 0x0c, 0x03, 0x9e, 0, 0x11, [9] = 255), 4) && c.data[1] == 1);
	expect(gives(CDB(0xa3, 0x0c, 0x03, 0x28, [9] = 255), 14) && c.data[1] == 3);
	expect(bad(CDB(0xa3, 0x0c, 0x01, 0x9e, [9] = 255), SENSE_CDB_FIELD));
	expect(bad(CDB(0xa3, 0x0c, 0x02, 0x28, [9] = 255), SENSE_CDB_FIELD));
	expect(bad(CDB(0xa3, 0x0c, 0x04, 0x28, [9] = 255), SENSE_CDB_FIELD));
	expect(good(CDB(0xa3, 0x0c, [8] = 2), SCSI_ANSWER) && c.len == be(0, 4) + 4);
	for (unsigned int i = 4; i < c.len; i += 8)
		expect(c.data[i + 7] == 6 || c.data[i + 7] == 10 || c.data[i + 7] == 12 ||
		       c.data[i + 7] == 16);

	claim("scsi: whatever the command block, what comes of it is within bounds");
	fresh();
	srand(1);
	for (unsigned int i = 0; i < 300000 && unit_ok; i++) {
		uint8_t cdb[SCSI_CDB], params[SCSI_UNMAP_LIST];

		for (int k = 0; k < SCSI_CDB; k++)
			cdb[k] = rand() % 4 ? 0 : rand();
		cdb[0] = i;
		for (int k = 0; k < SCSI_UNMAP_LIST; k++)
			params[k] = rand() % 3 ? 0 : rand();
		scsi_decode(&disk, i / 256 % 3, cdb, &c);
		if (c.action == SCSI_UNMAP)
			scsi_unmap(&disk, params, rand() % (SCSI_UNMAP_LIST + 1), &c);
		expect(c.len <= c.transfer && c.len <= SCSI_REPLY);
		expect(!c.status || (!c.transfer && c.action == SCSI_ANSWER));
		if (c.action != SCSI_ANSWER && c.action != SCSI_FLUSH)
			expect(c.blocks && c.lba < 2048 && c.blocks <= 2048 - c.lba);
		if (c.action == SCSI_READ || c.action == SCSI_WRITE)
			expect(c.transfer == c.blocks * 512);
	}
}

int main(void)
{
	test_inquiry();
	test_state();
	test_transfers();
	test_ranges();
	test_addressing();
	test_commands();
	return unit_finish();
}
