/* SPDX-License-Identifier: GPL-2.0 */
/* What is behind a disk of the guest: an image file or a block device, locked */
#ifndef RUN_DISK_H
#define RUN_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

#define SECTOR		512

struct disk_user;

struct disk {
	const struct disk_options *opt;
	int fd;
	uint64_t size;		/* bytes */
	uint32_t block;		/* smallest transfer in bytes: SECTOR or more */
	struct disk_user *user;	/* another process has it, and there is no fd; or NULL */
};

/* 0; or, after one line that says why it cannot be had, an exit status */
int disk_open(struct disk *disk, const struct disk_options *opt);
/* What was written is on stable storage then, and the lock is gone */
void disk_close(struct disk *disk);
/* Somebody has made the file or the device shorter meanwhile */
bool disk_shrunk(const struct disk *disk);

#endif
