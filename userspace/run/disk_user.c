// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that another process serves over vhost-user: one that somebody else has
 * started and that listens on a socket, or a qemu-storage-daemon of our own, which
 * knows qcow2. The keeper starts ours, and connects to either.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "disk_user.h"
#include "keeper.h"

#define DAEMON		"qemu-storage-daemon"

#define WANTED (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |	\
		1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_RO |			\
		1ULL << VIRTIO_BLK_F_BLK_SIZE | 1ULL << VIRTIO_BLK_F_DISCARD |		\
		1ULL << VIRTIO_BLK_F_WRITE_ZEROES | 1ULL << VU_F_PROTOCOL_FEATURES)
#define NEEDED (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

/* ---- the daemon */

/* QEMU's options double commas in a value */
static char *escaped(const char *path)
{
	char *s = malloc(2 * strlen(path) + 1), *p = s;

	for (; s && *path; path++) {
		if (*path == ',')
			*p++ = ',';
		*p++ = *path;
	}
	if (s)
		*p = '\0';
	return s;
}

static int add_daemon(const struct disk_options *opt)
{
	char *argv[6] = { DAEMON, "--blockdev", NULL, "--export" };
	char *path = escaped(opt->path);
	int ret = -ENOMEM;

	if (path &&
	    asprintf(&argv[2], "driver=qcow2,node-name=disk,read-only=%s,discard=unmap,"
		     "file.driver=file,file.filename=%s,cache.direct=%s",
		     opt->ro ? "on" : "off", path, opt->direct ? "on" : "off") > 0) {
		if (asprintf(&argv[4], "type=vhost-user-blk,id=disk,node-name=disk,writable=%s,"
			     "addr.type=fd,addr.str=%d", opt->ro ? "off" : "on", PROGRAM_FD) > 0) {
			ret = keeper_add_program(opt, argv, NULL, NULL);
			free(argv[4]);
		}
		free(argv[2]);
	}
	free(path);
	return ret ? complain(EXIT_HOST, "--disk %s: no memory", opt->path) : 0;
}

int disk_user_announce(const struct disk_options *opt)
{
	if (opt->socket)
		keeper_add_socket(opt, opt->socket);
	return opt->format == DISK_QCOW2 ? add_daemon(opt) : 0;
}

/* ---- the connection */

static int hello(struct disk_user *user)
{
	uint64_t features = WANTED;
	int ret = vu_hello(user->fd, &features, 1ULL << VU_PROTOCOL_CONFIG);

	if (!ret && (NEEDED & ~features))
		ret = -EOPNOTSUPP;
	if (!ret)
		ret = vu_get_config(user->fd, &user->config, sizeof(user->config));
	user->features = features;
	return ret;
}

static int attach(struct disk_user *user)
{
	int ret = 0;

	user->fd = keeper_connect(user->opt);
	if (user->fd < 0)
		ret = user->fd;
	else
		ret = hello(user);
	if (ret && user->fd >= 0)
		close(user->fd);
	if (ret)
		user->fd = -1;
	return ret;
}

int disk_user_reopen(struct disk_user *user)
{
	uint64_t features = user->features, capacity = user->config.capacity;
	int ret = attach(user);

	/* The guest was told what the disk can do, and how large it is */
	if (!ret && ((features & ~user->features) || user->config.capacity != capacity)) {
		close(user->fd);
		user->fd = -1;
		ret = -EIO;
	}
	user->features = features;
	user->config.capacity = capacity;
	return ret ? -1 : 0;
}

static int refuse(struct disk_user *user, int err)
{
	const struct disk_options *opt = user->opt;

	if (opt->socket)
		return complain(EXIT_USAGE, "--disk %s: %s", opt->path, err == -EOPNOTSUPP ?
				"not a vhost-user disk" : strerror(-err));
	return keeper_refused(opt, "disk", opt->path, DAEMON, "qemu-utils", err) ? EXIT_USAGE :
	       EXIT_HOST;
}

/* True, after a line, if somebody has a lock on the image; the daemon takes its own */
static bool in_use(const struct disk_options *opt)
{
	struct flock fl = { .l_type = opt->ro ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(opt->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool locked;

	if (fd < 0) {
		complain(0, "--disk %s: %s", opt->path, strerror(errno));
		return true;
	}
	locked = !fcntl(fd, F_OFD_GETLK, &fl) && fl.l_type != F_UNLCK;
	close(fd);
	if (locked)
		complain(0, "--disk %s: in use by another virtual machine", opt->path);
	return locked;
}

int disk_user_open(struct disk *disk)
{
	struct disk_user *user = calloc(1, sizeof(*user));
	const struct disk_options *opt = disk->opt;
	int ret;

	if (!user)
		return complain(EXIT_HOST, "--disk %s: no memory", opt->path);
	user->opt = opt;
	user->fd = -1;
	disk->user = user;
	if (opt->format == DISK_QCOW2 && in_use(opt)) {
		ret = EXIT_USAGE;
		goto fail;
	}
	ret = attach(user);
	if (ret) {
		ret = refuse(user, ret);
		goto fail;
	}
	disk->size = user->config.capacity * SECTOR;
	disk->block = SECTOR;
	if (user->features >> VIRTIO_BLK_F_BLK_SIZE & 1)
		disk->block = user->config.blk_size;
	if (!disk->size || user->config.capacity > UINT64_MAX / SECTOR || disk->block < SECTOR ||
	    disk->block > 65536 || (disk->block & (disk->block - 1)) ||
	    disk->size % disk->block) {
		ret = complain(EXIT_USAGE, "--disk %s: a disk of %llu sectors in blocks of %u",
			       opt->path, (unsigned long long)user->config.capacity, disk->block);
		goto fail;
	}
	if (!opt->ro && (user->features >> VIRTIO_BLK_F_RO & 1)) {
		ret = complain(EXIT_USAGE, "--disk %s: it is read-only; give ro", opt->path);
		goto fail;
	}
	return 0;

fail:
	disk_user_close(user);
	disk->user = NULL;
	return ret;
}

void disk_user_close(struct disk_user *user)
{
	if (user->fd >= 0)
		close(user->fd);
	if (user->opt->format == DISK_QCOW2)
		keeper_end(user->opt, 0, NULL);
	free(user);
}
