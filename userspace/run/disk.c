// SPDX-License-Identifier: GPL-2.0
/* What is behind a disk of the guest: an image file or a block device, locked */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "disk_user.h"

/* What O_DIRECT wants; file systems that do not tell take sectors */
static uint32_t direct_block(int fd)
{
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) &&
	    (sx.stx_mask & STATX_DIOALIGN) && sx.stx_dio_offset_align > SECTOR)
		return sx.stx_dio_offset_align;
#endif
	(void)fd;
	return SECTOR;
}

/*
 * Images that are not their disk's bytes. A guest that was given one as raw would write
 * over what makes it one. -1 after a word why not.
 */
static int check_format(const struct disk *disk)
{
	static const struct {
		const char *magic, *name, *what;
	} formats[] = {
		{ "QFI\xfb", "qcow2", "give format=qcow2" },
		{ "KDMV", "VMDK", "convert it by qemu-img" },
		{ "vhdxfile", "VHDX", "convert it by qemu-img" },
	};
	char head[SECTOR];
	ssize_t n = pread(disk->fd, head, sizeof(head), 0);

	if (n < 0)
		return complain(-1, "--disk %s: %s", disk->opt->path, strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t len = strlen(formats[i].magic);

		if ((size_t)n >= len && !memcmp(head, formats[i].magic, len))
			return complain(-1, "--disk %s: a %s image: %s, or format=raw if the guest "
					"is to have the image itself", disk->opt->path,
					formats[i].name, formats[i].what);
	}
	return 0;
}

/* Size and block; -1 after a word why not */
static int measure(struct disk *disk)
{
	const char *path = disk->opt->path;
	struct stat st;
	int block = SECTOR;

	if (fstat(disk->fd, &st))
		return complain(-1, "--disk %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return complain(-1, "--disk %s: a directory", path);
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(disk->fd, BLKGETSIZE64, &disk->size) ||
		    ioctl(disk->fd, BLKSSZGET, &block))
			return complain(-1, "--disk %s: %s", path, strerror(errno));
	} else if (S_ISREG(st.st_mode)) {
		disk->size = st.st_size;
		if (disk->opt->direct)
			block = direct_block(disk->fd);
	} else {
		return complain(-1, "--disk %s: neither a file nor a block device", path);
	}
	disk->block = block;
	if (!disk->size)
		return complain(-1, "--disk %s: it is empty", path);
	if (disk->opt->format == DISK_UNSAID && check_format(disk))
		return -1;
	if (disk->size % disk->block)
		return complain(-1, "--disk %s: %llu bytes are not a multiple of its blocks of "
				"%u", path, (unsigned long long)disk->size, disk->block);
	return 0;
}

/*
 * Locks of the open file, not of the process: another VM is refused whatever
 * process it is. Readers share an image.
 */
static int lock(const struct disk *disk)
{
	struct flock fl = {
		.l_type = disk->opt->ro ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(disk->fd, F_OFD_SETLK, &fl))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return complain(-1, "--disk %s: in use by another virtual machine",
				disk->opt->path);
	return complain(-1, "--disk %s: no lock: %s", disk->opt->path, strerror(errno));
}

static int go_direct(const struct disk *disk, int flags)
{
	if (!disk->opt->direct || !fcntl(disk->fd, F_SETFL, flags))
		return 0;
	return complain(-1, "--disk %s: %s", disk->opt->path, strerror(errno));
}

int disk_open(struct disk *disk, const struct disk_options *opt)
{
	int flags = (opt->ro ? O_RDONLY : O_RDWR) | (opt->direct ? O_DIRECT : 0);
	struct stat st;

	disk->opt = opt;
	disk->user = NULL;
	if (disk_uses_process(opt)) {
		disk->fd = -1;
		return disk_user_open(disk);
	}
	/* A block device that the host has mounted is not for writing */
	if (!opt->ro && !stat(opt->path, &st) && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	/* Nobody waits for the other end of a pipe */
	disk->fd = open(opt->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (disk->fd < 0 && errno == EINVAL && opt->direct)
		return complain(EXIT_USAGE, "--disk %s: its file system has no direct I/O; "
				"leave out cache=none", opt->path);
	if (disk->fd < 0 && errno == EBUSY)
		return complain(EXIT_USAGE, "--disk %s: the host or another virtual machine "
				"uses it", opt->path);
	if (disk->fd < 0)
		return complain(EXIT_USAGE, "--disk %s: %s", opt->path, strerror(errno));
	flags &= ~O_EXCL;
	/* Direct I/O asks for an alignment and a length: not before these are known */
	fcntl(disk->fd, F_SETFL, flags & ~O_DIRECT);
	if (measure(disk) || lock(disk) || go_direct(disk, flags)) {
		close(disk->fd);
		disk->fd = -1;
		return EXIT_USAGE;
	}
	return 0;
}

bool disk_shrunk(const struct disk *disk)
{
	off_t end = disk->fd < 0 ? -1 : lseek(disk->fd, 0, SEEK_END);

	return end >= 0 && (uint64_t)end < disk->size;
}

void disk_close(struct disk *disk)
{
	if (disk->user)
		disk_user_close(disk->user);
	disk->user = NULL;
	if (disk->fd < 0)
		return;
	if (!disk->opt->ro && fdatasync(disk->fd))
		complain(0, "--disk %s: the last flush: %s", disk->opt->path, strerror(errno));
	close(disk->fd);
	disk->fd = -1;
}
