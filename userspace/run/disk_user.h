/* SPDX-License-Identifier: GPL-2.0 */
/* A disk that another process serves over vhost-user */
#ifndef RUN_DISK_USER_H
#define RUN_DISK_USER_H

#include <linux/virtio_blk.h>

#include "disk.h"
#include "vhost_user.h"

/**
 * struct disk_user - the other process
 * @opt: the option
 * @fd: the connection; -1 while there is none
 * @features: of virtio-blk, that it has
 * @config: of its disk
 */
struct disk_user {
	const struct disk_options *opt;
	int fd;
	uint64_t features;
	struct virtio_blk_config config;
};

/*
 * Tells the keeper before it starts what disk_user_open() will ask it for, if anything.
 * @opt stays. 0; or, after a line, an exit status
 */
int disk_user_announce(const struct disk_options *opt);
/*
 * Connects; for an image that needs it, starts qemu-storage-daemon before. 0; or,
 * after one line that says why not, an exit status
 */
int disk_user_open(struct disk *disk);
/* Again, after the process went away: 0, or -1 without a word */
int disk_user_reopen(struct disk_user *user);
/* Our daemon is ended, after it has flushed */
void disk_user_close(struct disk_user *user);

#endif
