/* SPDX-License-Identifier: GPL-2.0 */
/* The file behind a disk under test, and what becomes of it */
#ifndef IMAGE_H
#define IMAGE_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "unit.h"

static char image[64];

static inline uint8_t file_byte(uint64_t at_byte)
{
	uint8_t b = 0xee;
	int fd = open(image, O_RDONLY);

	expect(pread(fd, &b, 1, at_byte) == 1);
	close(fd);
	return b;
}

static inline void make_image(uint64_t bytes)
{
	int fd = open(image, O_RDWR | O_CREAT | O_TRUNC, 0600);

	expect(!ftruncate(fd, bytes));
	close(fd);
}

static inline bool map_id(const char *file, unsigned int id)
{
	int fd = open(file, O_WRONLY);
	bool ok = dprintf(fd, "%u %u 1\n", id, id) > 0;

	close(fd);
	return ok;
}

/* Of the caller's own, over which it has root's rights; false if the host denies that */
static inline bool own_mounts(void)
{
	unsigned int uid = getuid(), gid = getgid();
	int fd;

	if (!unshare(CLONE_NEWNS))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || !map_id("/proc/self/uid_map", uid))
		return false;
	fd = open("/proc/self/setgroups", O_WRONLY);
	(void)!write(fd, "deny", 4);
	close(fd);
	return map_id("/proc/self/gid_map", gid);
}

static char small[48], rest[64];

/*
 * From now on the image lies in a file system of 64 KiB, for this process only, at
 * @dir/small; @rest is for fill_up(). False, after a line that the tests of @name are
 * skipped, if the host allows no such thing
 */
static inline bool begin_small(const char *name, const char *dir)
{
	snprintf(small, sizeof(small), "%.30s/small", dir);
	snprintf(rest, sizeof(rest), "%s/rest", small);
	if (!mkdir(small, 0700) && own_mounts() &&
	    !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("none", small, "tmpfs", 0, "size=64k")) {
		snprintf(image, sizeof(image), "%s/image", small);
		return true;
	}
	unit_claim = NULL;
	rmdir(small);
	printf("skip %s: no namespace for a file system that is full\n", name);
	return false;
}

static inline void end_small(void)
{
	unlink(rest);
	unlink(image);
	umount(small);
	rmdir(small);
}

/* Takes the room that is left on @dir's file system, by a file; unlink() it */
static inline void fill_up(const char *file)
{
	static const char page[4096] = { 1 };
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	while (write(fd, page, sizeof(page)) > 0)
		;
	expect(errno == ENOSPC);
	close(fd);
}

/* What is said on standard error from heard_begin() on; how many lines it was */
static int heard_saved = -1, heard_fd = -1;
static char heard[4096];

static inline void heard_begin(void)
{
	heard_saved = dup(2);
	heard_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	dup2(heard_fd, 2);
}

static inline int heard_end(void)
{
	ssize_t n = pread(heard_fd, heard, sizeof(heard) - 1, 0);
	int lines = 0;

	dup2(heard_saved, 2);
	close(heard_saved);
	close(heard_fd);
	heard[n > 0 ? n : 0] = '\0';
	for (const char *p = heard; *p; p++)
		lines += *p == '\n';
	return lines;
}

#endif
