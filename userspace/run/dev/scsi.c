// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "scsi.h"

#define VENDOR		"HVMON   "
#define PRODUCT		"VIRTUAL DISK    "
#define REVISION	"1   "

#define TYPE_DISK	0x00
#define TYPE_WELL_KNOWN	0x1e
#define TYPE_NONE	0x7f	/* nor can there be one */

static uint64_t get_be(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

static void put_be(uint8_t *p, int bytes, uint64_t v)
{
	while (bytes--) {
		p[bytes] = v;
		v >>= 8;
	}
}

static uint32_t clamp32(uint64_t v)
{
	return v < UINT32_MAX ? v : UINT32_MAX;
}

void scsi_sense_data(enum scsi_sense sense, uint8_t data[SCSI_SENSE])
{
	memset(data, 0, SCSI_SENSE);
	data[0] = 0x70;
	data[2] = sense >> 16;
	data[7] = SCSI_SENSE - 8;
	data[12] = sense >> 8;
	data[13] = sense;
}

static void check(struct scsi_command *c, enum scsi_sense sense)
{
	c->action = SCSI_ANSWER;
	c->status = SCSI_CHECK_CONDITION;
	c->sense = sense;
	c->out = false;
	c->transfer = 0;
	c->len = 0;
}

/* The first @len bytes of @data, if the initiator has room for @room of them */
static void answer(struct scsi_command *c, uint32_t len, uint64_t room)
{
	c->transfer = room;
	c->len = len < room ? len : room;
}

/* ---- what the unit is */

/* SPC-4, 7.8: pages of vital product data; each returns its length */

static uint32_t page_serial(const struct scsi_disk *disk, uint8_t *p)
{
	memcpy(p, disk->serial, strlen(disk->serial));
	return strlen(disk->serial);
}

static uint32_t page_identification(const struct scsi_disk *disk, uint8_t *p)
{
	const char *name = *disk->serial ? disk->serial : disk->name;
	uint32_t n = 8 + strlen(name);

	p[0] = 0x02;		/* ASCII */
	p[1] = 0x01;		/* of the unit, by the vendor's name and what follows */
	p[3] = n;
	memcpy(p + 4, VENDOR, 8);
	memcpy(p + 12, name, n - 8);
	return 4 + n;
}

static uint32_t page_extended(const struct scsi_disk *disk, uint8_t *p)
{
	(void)disk;
	p[1] = 0x01;		/* SIMPSUP: simple tasks */
	p[2] = 0x01;		/* V_SUP: a volatile cache */
	return 0x3c;
}

/* SBC-3, 6.6.4 */
static uint32_t page_limits(const struct scsi_disk *disk, uint8_t *p)
{
	p[0] = 0x01;		/* WSNZ: WRITE SAME says how many */
	if (disk->max_unmap) {
		put_be(p + 16, 4, disk->max_unmap);
		put_be(p + 20, 4, 1);	/* ranges at once */
		put_be(p + 24, 4, 1);	/* granularity */
	}
	put_be(p + 32, 8, disk->ro ? 0 : SCSI_MAX_SAME(disk));
	return 0x3c;
}

static uint32_t page_characteristics(const struct scsi_disk *disk, uint8_t *p)
{
	(void)disk;
	put_be(p, 2, 1);	/* it does not rotate */
	return 0x3c;
}

static uint32_t page_provisioning(const struct scsi_disk *disk, uint8_t *p)
{
	if (disk->max_unmap) {
		p[1] = 0xe0;	/* UNMAP, and WRITE SAME (16) and (10) can */
		p[2] = 0x02;	/* thin */
	}
	if (disk->unmap_reads_zero)
		p[1] |= 0x04;
	return 4;
}

static uint32_t page_list(const struct scsi_disk *disk, uint8_t *p);

static const struct {
	uint8_t code;
	uint32_t (*fill)(const struct scsi_disk *disk, uint8_t *p);
} vital[] = {
	{ 0x00, page_list },
	{ 0x80, page_serial },
	{ 0x83, page_identification },
	{ 0x86, page_extended },
	{ 0xb0, page_limits },
	{ 0xb1, page_characteristics },
	{ 0xb2, page_provisioning },
};

#define NR_VITAL	(sizeof(vital) / sizeof(vital[0]))

static bool has_page(const struct scsi_disk *disk, unsigned int i)
{
	return vital[i].code != 0x80 || *disk->serial;
}

static uint32_t page_list(const struct scsi_disk *disk, uint8_t *p)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < NR_VITAL; i++)
		if (has_page(disk, i))
			p[n++] = vital[i].code;
	return n;
}

static void inquire_page(const struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			 struct scsi_command *c)
{
	for (unsigned int i = 0; lun == SCSI_LUN_DISK && i < NR_VITAL; i++) {
		if (vital[i].code != cdb[2] || !has_page(disk, i))
			continue;
		c->data[1] = cdb[2];
		put_be(c->data + 2, 2, vital[i].fill(disk, c->data + 4));
		answer(c, 4 + get_be(c->data + 2, 2), get_be(cdb + 3, 2));
		return;
	}
	check(c, SENSE_CDB_FIELD);
}

static void inquiry(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		    struct scsi_command *c)
{
	static const uint8_t types[] = { TYPE_DISK, TYPE_WELL_KNOWN, TYPE_NONE };
	uint8_t *d = c->data;

	if (cdb[1] == 0x01) {
		inquire_page(disk, lun, cdb, c);
		return;
	}
	if (cdb[1] || cdb[2]) {
		check(c, SENSE_CDB_FIELD);
		return;
	}
	d[0] = types[lun];
	d[2] = 0x06;		/* SPC-4 */
	d[3] = 0x12;		/* HISUP: LUNs of any method; format 2 */
	d[4] = 74 - 5;
	d[7] = 0x02;		/* CMDQUE */
	memcpy(d + 8, VENDOR, 8);
	memcpy(d + 16, PRODUCT, 16);
	memcpy(d + 32, REVISION, 4);
	put_be(d + 58, 2, 0x00a0);	/* SAM-5 */
	put_be(d + 60, 2, 0x0460);	/* SPC-4 */
	put_be(d + 62, 2, 0x04c0);	/* SBC-3 */
	answer(c, 74, get_be(cdb + 3, 2));
}

static void report_luns(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			struct scsi_command *c)
{
	uint32_t n = 0, room = get_be(cdb + 6, 4);

	(void)disk;
	(void)lun;
	if (cdb[2] > 2 || room < 16) {
		check(c, SENSE_CDB_FIELD);
		return;
	}
	/* LUN 0, and the well-known one that this command may be sent to */
	if (cdb[2] != 1)
		n += 8;
	if (cdb[2] != 0) {
		put_be(c->data + 8 + n, 2, 0xc101);
		n += 8;
	}
	put_be(c->data, 4, n);
	answer(c, 8 + n, room);
}

static void request_sense(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			  struct scsi_command *c)
{
	enum scsi_sense sense = lun == SCSI_LUN_NONE ? SENSE_NO_LUN : SENSE_NONE;

	if (cdb[1] & 0x01) {	/* in descriptor format */
		check(c, SENSE_CDB_FIELD);
		return;
	}
	if (lun == SCSI_LUN_DISK) {
		sense = disk->attention;
		disk->attention = SENSE_NONE;
	}
	scsi_sense_data(sense, c->data);
	answer(c, SCSI_SENSE, cdb[4]);
}

static void read_capacity_10(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			     struct scsi_command *c)
{
	(void)lun;
	if (get_be(cdb + 2, 4) || (cdb[8] & 0x01)) {
		check(c, SENSE_CDB_FIELD);
		return;
	}
	put_be(c->data, 4, clamp32(disk->blocks - 1));
	put_be(c->data + 4, 4, disk->block);
	answer(c, 8, 8);
}

static void read_capacity_16(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			     struct scsi_command *c)
{
	(void)lun;
	put_be(c->data, 8, disk->blocks - 1);
	put_be(c->data + 8, 4, disk->block);
	if (disk->max_unmap)
		c->data[14] = 0x80;	/* LBPME */
	if (disk->unmap_reads_zero)
		c->data[14] |= 0x40;
	answer(c, 32, get_be(cdb + 10, 4));
}

/* Mode pages at @p: those that @page asks for; returns their length, 0: there is none */
static uint32_t mode_pages(uint8_t page, bool changeable, uint8_t *p)
{
	uint32_t n = 0;

	if (page == 0x08 || page == 0x3f) {	/* caching, SBC-3, 6.5.5 */
		p[n] = 0x08;
		p[n + 1] = 0x12;
		p[n + 2] = changeable ? 0 : 0x04;	/* WCE */
		n += 20;
	}
	if (page == 0x0a || page == 0x3f) {	/* control, SPC-4, 7.5.8 */
		p[n] = 0x0a;
		p[n + 1] = 0x0a;
		p[n + 3] = changeable ? 0 : 0x10;	/* any order */
		n += 12;
	}
	return n;
}

static void mode_sense(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		       struct scsi_command *c)
{
	bool ten = cdb[0] == 0x5a, block = !(cdb[1] & 0x08);
	uint8_t control = cdb[2] >> 6, *d = c->data, specific = disk->ro ? 0x90 : 0x10;
	uint32_t n = ten ? 8 : 4, pages;

	(void)lun;
	if (control == 3) {
		check(c, SENSE_SAVED_PAGES);
		return;
	}
	/* How many blocks and of what size; else nothing */
	if (block) {
		put_be(d + n, 4, clamp32(disk->blocks));
		put_be(d + n + 4, 4, disk->block);
	}
	n += block ? 8 : 0;
	pages = mode_pages(cdb[2] & 0x3f, control == 1, d + n);
	if (!pages || (cdb[3] && cdb[3] != 0xff)) {
		check(c, SENSE_CDB_FIELD);
		return;
	}
	n += pages;
	/* Write protection, DPO and FUA */
	if (ten) {
		put_be(d, 2, n - 2);
		d[3] = specific;
		d[7] = block ? 8 : 0;
		answer(c, n, get_be(cdb + 7, 2));
	} else {
		d[0] = n - 1;
		d[2] = specific;
		d[3] = block ? 8 : 0;
		answer(c, n, cdb[4]);
	}
}

static void ready(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		  struct scsi_command *c)
{
	(void)disk;
	(void)lun;
	(void)cdb;
	(void)c;
}

/* Nothing spins: to stop is to have all on stable storage */
static void start_stop(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		       struct scsi_command *c)
{
	(void)disk;
	(void)lun;
	if (cdb[4] & 0xf2)	/* power conditions; to eject */
		check(c, SENSE_CDB_FIELD);
	else if (!(cdb[4] & 0x05))
		c->action = SCSI_FLUSH;
}

/* ---- what is on it */

/* SBC-3's layouts of address and length, by the group of the operation code */
static void get_range(const uint8_t *cdb, struct scsi_command *c)
{
	switch (cdb[0] >> 5) {
	case 0:
		c->lba = get_be(cdb + 1, 3) & 0x1fffff;
		c->blocks = cdb[4] ? cdb[4] : 256;
		break;
	case 4:
		c->lba = get_be(cdb + 2, 8);
		c->blocks = get_be(cdb + 10, 4);
		break;
	case 5:
		c->lba = get_be(cdb + 2, 4);
		c->blocks = get_be(cdb + 6, 4);
		break;
	default:
		c->lba = get_be(cdb + 2, 4);
		c->blocks = get_be(cdb + 7, 2);
	}
}

static bool in_range(const struct scsi_disk *disk, const struct scsi_command *c)
{
	return c->lba <= disk->blocks && c->blocks <= disk->blocks - c->lba;
}

/* READ, WRITE, VERIFY: byte 1 has RDPROTECT or the like, and FUA */
static void transfer(struct scsi_disk *disk, const uint8_t *cdb, struct scsi_command *c,
		     enum scsi_action action)
{
	bool six = !(cdb[0] >> 5);

	get_range(cdb, c);
	if (!six && (cdb[1] & 0xe0)) {
		check(c, SENSE_CDB_FIELD);
	} else if (!in_range(disk, c)) {
		check(c, SENSE_LBA_RANGE);
	} else if (c->blocks && action != SCSI_ANSWER) {
		c->action = action;
		c->out = action == SCSI_WRITE;
		c->fua = !six && (cdb[1] & 0x08);
		c->transfer = c->blocks * disk->block;
	}
}

static void read_blocks(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			struct scsi_command *c)
{
	(void)lun;
	transfer(disk, cdb, c, SCSI_READ);
}

static void write_blocks(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			 struct scsi_command *c)
{
	(void)lun;
	transfer(disk, cdb, c, SCSI_WRITE);
}

static void verify(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		   struct scsi_command *c)
{
	(void)lun;
	if (cdb[1] & 0x06)	/* BYTCHK: to compare */
		check(c, SENSE_CDB_FIELD);
	else
		transfer(disk, cdb, c, SCSI_ANSWER);
}

static void synchronize(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			struct scsi_command *c)
{
	(void)lun;
	get_range(cdb, c);
	if (!in_range(disk, c))
		check(c, SENSE_LBA_RANGE);
	else
		c->action = SCSI_FLUSH;
}

static void unmap(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		  struct scsi_command *c)
{
	(void)disk;
	(void)lun;
	if (cdb[1] & 0x01) {	/* anchored */
		check(c, SENSE_CDB_FIELD);
		return;
	}
	c->transfer = get_be(cdb + 7, 2);
	if (c->transfer && c->transfer < 8) {
		check(c, SENSE_LIST_LENGTH);
		return;
	}
	c->out = true;
	c->action = c->transfer ? SCSI_UNMAP : SCSI_ANSWER;
}

/* SBC-3, 5.28 */
void scsi_unmap(const struct scsi_disk *disk, const uint8_t *list, uint32_t len,
		struct scsi_command *c)
{
	uint64_t ranges = get_be(list + 2, 2) / 16;

	if (ranges > 1) {
		check(c, SENSE_LIST_FIELD);
	} else if (!ranges || len < SCSI_UNMAP_LIST) {
		c->action = SCSI_ANSWER;
	} else {
		c->lba = get_be(list + 8, 8);
		c->blocks = get_be(list + 16, 4);
		if (!in_range(disk, c))
			check(c, SENSE_LBA_RANGE);
		else if (c->blocks > disk->max_unmap)
			check(c, SENSE_LIST_FIELD);
		else if (!c->blocks)
			c->action = SCSI_ANSWER;
	}
}

static void write_same(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		       struct scsi_command *c)
{
	bool no_data = cdb[0] == 0x93 && (cdb[1] & 0x01);

	(void)lun;
	get_range(cdb, c);
	c->unmap = cdb[1] & 0x08;
	/* WRPROTECT, ANCHOR, and what is obsolete */
	if ((cdb[1] & 0xf6) || (no_data ? !disk->zeroes : cdb[1] & 0x01) || !c->blocks ||
	    c->blocks > SCSI_MAX_SAME(disk) || (c->unmap && !disk->max_unmap)) {
		check(c, SENSE_CDB_FIELD);
	} else if (!in_range(disk, c)) {
		check(c, SENSE_LBA_RANGE);
	} else {
		c->action = SCSI_SAME;
		c->out = true;
		c->transfer = no_data ? 0 : disk->block;
	}
}

/* ---- the commands */

static void report_opcodes(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			   struct scsi_command *c);

#define ANY_LUN		1	/* not for the disk only */
#define CALM		2	/* unit attention stays silent, and waits */
#define CHANGES		4	/* not for what is write-protected */
#define UNMAPS		8	/* and only where that can be */
#define SERVICE		16	/* several commands have the operation code */

/* @usage: bits of the command block that are looked at (SPC-4, 6.35) */
static const struct command {
	uint8_t opcode, service, len, flags;
	void (*decode)(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		       struct scsi_command *c);
	uint8_t usage[SCSI_CDB];
} commands[] = {
	{ 0x00, 0, 6, ANY_LUN, ready, { 0x00 } },		/* TEST UNIT READY */
	{ 0x03, 0, 6, ANY_LUN | CALM, request_sense, { 0x03, 0x01, 0, 0, 0xff } },
	{ 0x08, 0, 6, 0, read_blocks, { 0x08, 0x1f, 0xff, 0xff, 0xff } },
	{ 0x0a, 0, 6, CHANGES, write_blocks, { 0x0a, 0x1f, 0xff, 0xff, 0xff } },
	{ 0x12, 0, 6, ANY_LUN | CALM, inquiry, { 0x12, 0x01, 0xff, 0xff, 0xff } },
	{ 0x1a, 0, 6, 0, mode_sense, { 0x1a, 0x08, 0xff, 0xff, 0xff } },
	{ 0x1b, 0, 6, 0, start_stop, { 0x1b, 0, 0, 0, 0xf7 } },
	{ 0x25, 0, 10, 0, read_capacity_10, { 0x25, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01 } },
	{ 0x28, 0, 10, 0, read_blocks,
	  { 0x28, 0xf8, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff } },
	{ 0x2a, 0, 10, CHANGES, write_blocks,
	  { 0x2a, 0xf8, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff } },
	{ 0x2f, 0, 10, 0, verify, { 0x2f, 0xf6, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff } },
	{ 0x35, 0, 10, 0, synchronize, { 0x35, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff } },
	{ 0x41, 0, 10, CHANGES, write_same,
	  { 0x41, 0xf8, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff } },
	{ 0x42, 0, 10, CHANGES | UNMAPS, unmap, { 0x42, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff } },
	{ 0x5a, 0, 10, 0, mode_sense, { 0x5a, 0x08, 0xff, 0xff, 0, 0, 0, 0xff, 0xff } },
	{ 0x88, 0, 16, 0, read_blocks, { 0x88, 0xf8, [2 ... 13] = 0xff } },
	{ 0x8a, 0, 16, CHANGES, write_blocks, { 0x8a, 0xf8, [2 ... 13] = 0xff } },
	{ 0x8f, 0, 16, 0, verify, { 0x8f, 0xf6, [2 ... 13] = 0xff } },
	{ 0x91, 0, 16, 0, synchronize, { 0x91, 0, [2 ... 13] = 0xff } },
	{ 0x93, 0, 16, CHANGES, write_same, { 0x93, 0xf9, [2 ... 13] = 0xff } },
	{ 0x9e, 0x10, 16, SERVICE, read_capacity_16, { 0x9e, 0x1f, [10 ... 13] = 0xff } },
	{ 0xa0, 0, 12, ANY_LUN | CALM, report_luns, { 0xa0, 0, 0xff, [6 ... 9] = 0xff } },
	{ 0xa3, 0x0c, 12, SERVICE, report_opcodes, { 0xa3, 0x1f, 0x87, [3 ... 9] = 0xff } },
	{ 0xa8, 0, 12, 0, read_blocks, { 0xa8, 0xf8, [2 ... 9] = 0xff } },
	{ 0xaa, 0, 12, CHANGES, write_blocks, { 0xaa, 0xf8, [2 ... 9] = 0xff } },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static bool has_command(const struct scsi_disk *disk, const struct command *r)
{
	return !(r->flags & UNMAPS) || disk->max_unmap || disk->ro;
}

static const struct command *find_command(const struct scsi_disk *disk, uint8_t opcode,
					  uint16_t service)
{
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		if (commands[i].opcode == opcode && has_command(disk, &commands[i]) &&
		    (!(commands[i].flags & SERVICE) || commands[i].service == service))
			return &commands[i];
	return NULL;
}

static void list_commands(const struct scsi_disk *disk, uint32_t room, struct scsi_command *c)
{
	uint8_t *d = c->data + 4;

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		if (!has_command(disk, &commands[i]))
			continue;
		d[0] = commands[i].opcode;
		d[3] = commands[i].service;
		d[5] = commands[i].flags & SERVICE ? 0x01 : 0;
		d[7] = commands[i].len;
		d += 8;
	}
	put_be(c->data, 4, d - c->data - 4);
	answer(c, d - c->data, room);
}

_Static_assert(4 + 8 * NR_COMMANDS <= SCSI_REPLY, "the list of commands is an answer, too");

/* SPC-4, 6.35 */
static void report_opcodes(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
			   struct scsi_command *c)
{
	uint8_t options = cdb[2] & 0x07, opcode = cdb[3];
	uint16_t service = get_be(cdb + 4, 2);
	uint32_t room = get_be(cdb + 6, 4);
	bool shared = opcode == 0x9e || opcode == 0xa3;
	const struct command *r;

	(void)lun;
	if (!options) {
		list_commands(disk, room, c);
		return;
	}
	if (options > 3 || (options == 1 && shared) || (options == 2 && !shared)) {
		check(c, SENSE_CDB_FIELD);
		return;
	}
	r = !shared && service ? NULL : find_command(disk, opcode, service);
	c->data[1] = r ? 0x03 : 0x01;	/* as the standard has it, or not at all */
	if (r) {
		put_be(c->data + 2, 2, r->len);
		memcpy(c->data + 4, r->usage, r->len);
	}
	answer(c, r ? 4 + r->len : 4, room);
}

void scsi_decode(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		 struct scsi_command *c)
{
	const struct command *r = find_command(disk, cdb[0], cdb[1] & 0x1f);

	memset(c, 0, sizeof(*c));
	if (lun == SCSI_LUN_NONE && (!r || !(r->flags & CALM))) {
		check(c, SENSE_NO_LUN);
	} else if (lun == SCSI_LUN_DISK && disk->attention && (!r || !(r->flags & CALM))) {
		check(c, disk->attention);
		disk->attention = SENSE_NONE;
	} else if (!r || (lun == SCSI_LUN_REPORT_LUNS && !(r->flags & ANY_LUN))) {
		check(c, SENSE_OPCODE);
	} else if (cdb[r->len - 1] & 0x04) {
		check(c, SENSE_CDB_FIELD);	/* NACA: ACA is not there */
	} else if ((r->flags & CHANGES) && disk->ro) {
		check(c, SENSE_WRITE_PROTECTED);
	} else {
		r->decode(disk, lun, cdb, c);
	}
}
