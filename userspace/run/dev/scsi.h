/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of a SCSI disk (SPC-4, SBC-3): what a command block says, and the
 * answers that need no disk. Nothing here touches the guest's memory.
 */
#ifndef RUN_SCSI_H
#define RUN_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCSI_CDB	16	/* bytes of a command block that are looked at */
#define SCSI_SENSE	18	/* bytes of sense data, in fixed format */
#define SCSI_REPLY	512	/* bytes of an answer at most */
#define SCSI_ID		20	/* characters that name a disk */
#define SCSI_UNMAP_LIST	24	/* bytes of UNMAP's parameter list that are looked at */

#define SCSI_GOOD		0x00
#define SCSI_CHECK_CONDITION	0x02
#define SCSI_BUSY		0x08

/* Sense key, additional sense code, its qualifier */
enum scsi_sense {
	SENSE_NONE		= 0x000000,
	SENSE_READ_ERROR	= 0x031100,
	SENSE_WRITE_ERROR	= 0x030c00,
	SENSE_LIST_LENGTH	= 0x051a00,
	SENSE_OPCODE		= 0x052000,
	SENSE_LBA_RANGE		= 0x052100,
	SENSE_CDB_FIELD		= 0x052400,
	SENSE_NO_LUN		= 0x052500,
	SENSE_LIST_FIELD	= 0x052600,
	SENSE_SAVED_PAGES	= 0x053900,
	SENSE_POWER_ON		= 0x062900,
	SENSE_LUN_RESET		= 0x062903,
	SENSE_NEXUS_LOSS	= 0x062907,
	SENSE_WRITE_PROTECTED	= 0x072700,
	SENSE_NO_SPACE		= 0x072707,
};

/* Whom a command is for */
enum scsi_lun { SCSI_LUN_DISK, SCSI_LUN_REPORT_LUNS, SCSI_LUN_NONE };

/**
 * struct scsi_disk - a logical unit
 * @blocks: how many it has, 1 at least
 * @block: bytes of each, a power of two
 * @ro: it is write-protected
 * @zeroes: it can be zeroed without data that say so
 * @unmap_reads_zero: so do blocks that were unmapped
 * @max_unmap: blocks at once; 0: it does not unmap
 * @serial: its serial number, or empty
 * @name: what tells it from the guest's other disks if there is none
 * @attention: unit attention condition, or SENSE_NONE
 */
struct scsi_disk {
	uint64_t blocks;
	uint32_t block;
	bool ro;
	bool zeroes;
	bool unmap_reads_zero;
	uint32_t max_unmap;
	char serial[SCSI_ID + 1];
	char name[SCSI_ID + 1];
	enum scsi_sense attention;
};

enum scsi_action {
	SCSI_ANSWER,	/* nothing but what @data or @status say */
	SCSI_READ, SCSI_WRITE, SCSI_FLUSH,
	SCSI_UNMAP,	/* @transfer bytes come, of which scsi_unmap() knows more */
	SCSI_SAME,	/* one block comes, or a block of zeroes if @transfer is 0 */
};

/**
 * struct scsi_command - what is to be done
 * @action: @lba and @blocks, which are in range, are meant
 * @status: SCSI_GOOD, or SCSI_CHECK_CONDITION with @sense: that is the answer then
 * @out: data goes to the device, not from it
 * @transfer: bytes that the command block lets it transfer
 * @fua: it ends when it is on stable storage
 * @unmap: the blocks may be unmapped
 * @len: bytes of @data, @transfer at most
 */
struct scsi_command {
	enum scsi_action action;
	uint8_t status;
	enum scsi_sense sense;
	bool out, fua, unmap;
	uint64_t transfer;
	uint64_t lba, blocks;
	uint32_t len;
	uint8_t data[SCSI_REPLY];
};

/* Blocks that WRITE SAME takes at once */
#define SCSI_MAX_SAME(disk)	((1u << 31) / (disk)->block)

/* @cdb has SCSI_CDB bytes. Unit attention ends with the command that is told of it */
void scsi_decode(struct scsi_disk *disk, enum scsi_lun lun, const uint8_t *cdb,
		 struct scsi_command *c);
/* The first @len bytes of UNMAP's parameter list, SCSI_UNMAP_LIST at most */
void scsi_unmap(const struct scsi_disk *disk, const uint8_t *list, uint32_t len,
		struct scsi_command *c);
void scsi_sense_data(enum scsi_sense sense, uint8_t data[SCSI_SENSE]);

#endif
