// SPDX-License-Identifier: GPL-2.0
/* Kernel and initrd files into guest memory, whatever their format */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

#define MODULE_ALIGN	4096

int boot_err(struct boot *b, const char *fmt, ...)
{
	va_list ap;

	/* The first one is the cause: a file that could not be read looks damaged, too */
	if (*b->err)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->err, sizeof(b->err), fmt, ap);
	va_end(ap);
	return -1;
}

int boot_changed(struct boot *b)
{
	return boot_err(b, "%s: the file changed while it was read", b->kernel);
}

/* Opens a regular file that has something in it; the fd, or -1 with an error */
static int open_file(struct boot *b, const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return boot_err(b, "%s: %s", path, strerror(errno));
	*size = 0;
	if (fstat(fd, &st))
		boot_err(b, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		boot_err(b, "%s: not a regular file", path);
	else if (!st.st_size)
		boot_err(b, "%s: the file is empty", path);
	else
		*size = st.st_size;
	if (*size)
		return fd;
	close(fd);
	return -1;
}

static int read_at(struct boot *b, const char *path, int fd, uint64_t offset, uint8_t *to,
		   uint64_t len)
{
	uint64_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, to + done, len - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return boot_err(b, "%s: %s", path, strerror(errno));
		if (!n)
			return boot_err(b, "%s: the file became shorter", path);
		done += n;
	}
	return 0;
}

bool boot_has(const struct boot *b, uint64_t offset, uint64_t len)
{
	return offset <= b->image_size && len <= b->image_size - offset;
}

bool boot_read(struct boot *b, uint64_t offset, void *to, uint64_t len)
{
	return boot_has(b, offset, len) && !read_at(b, b->kernel, b->fd, offset, to, len);
}

int boot_place(struct boot *b, const char *what, uint64_t gpa, uint64_t offset,
	       uint64_t file_len, uint64_t mem_len)
{
	uint8_t *to = mem_at(b->mem, gpa, mem_len);
	uint64_t last;

	if (!mem_len)
		return 0;
	last = gpa + mem_len - 1;
	if (gpa < HIGH_START && last >= BOOT_START)
		return boot_err(b, "%s: %s at 0x%llx-0x%llx overlaps 0x%llx-0x%llx, which "
				"the launcher needs",
				b->kernel, what, (unsigned long long)gpa, (unsigned long long)last,
				BOOT_START, HIGH_START - 1);
	if (gpa < ABOVE_4G && last >= PCI_HOLE)
		return boot_err(b, "%s: %s at 0x%llx-0x%llx overlaps 0x%llx-0x%llx, where "
				"devices are",
				b->kernel, what, (unsigned long long)gpa, (unsigned long long)last,
				PCI_HOLE, ABOVE_4G - 1);
	if (!to)
		return boot_err(b, "%s: %s at 0x%llx-0x%llx lies outside of guest memory; "
				"give more with --memory",
				b->kernel, what, (unsigned long long)gpa, (unsigned long long)last);
	if (read_at(b, b->kernel, b->fd, offset, to, file_len))
		return -1;
	memset(to + file_len, 0, mem_len - file_len);
	if (gpa + mem_len > b->kernel_end)
		b->kernel_end = gpa + mem_len;
	return 0;
}

int boot_place_initrd(struct boot *b, uint64_t limit)
{
	uint64_t size, addr, bottom;
	int fd, ret;

	if (!b->initrd)
		return 0;
	fd = open_file(b, b->initrd, &size);
	if (fd < 0)
		return -1;
	if (limit > b->mem->low)
		limit = b->mem->low;
	bottom = b->kernel_end > HIGH_START ? b->kernel_end : HIGH_START;
	if (limit < bottom || size > limit - bottom || limit - size < bottom + MODULE_ALIGN) {
		boot_err(b, "%s: the initrd of %llu KiB does not fit beside the kernel, "
			 "where %llu KiB are left; give more with --memory",
			 b->initrd, (unsigned long long)(size / KiB),
			 (unsigned long long)(limit > bottom ? (limit - bottom) / KiB : 0));
		close(fd);
		return -1;
	}
	addr = (limit - size) & ~(uint64_t)(MODULE_ALIGN - 1);
	ret = read_at(b, b->initrd, fd, 0, mem_at(b->mem, addr, size), size);
	close(fd);
	b->initrd_addr = addr;
	b->initrd_size = size;
	return ret;
}

int boot_place_cmdline(struct boot *b, uint64_t max)
{
	size_t len = strlen(b->cmdline);

	if (max > BOOT_CMDLINE_MAX - 1)
		max = BOOT_CMDLINE_MAX - 1;
	if (len > max)
		return boot_err(b, "--append: %zu characters are more than the %llu that "
				"the kernel takes",
				len, (unsigned long long)max);
	memcpy(mem_at(b->mem, BOOT_CMDLINE, len + 1), b->cmdline, len + 1);
	return 0;
}

static const struct {
	const char *name;
	bool (*probe)(struct boot *b);
	int (*load)(struct boot *b);
} protocols[] = {
	{ "Linux, 64-bit entry", linux_probe, linux_load },
	{ "ELF, PVH entry", pvh_probe, pvh_load },
	{ "multiboot", multiboot_probe, multiboot_load },
};

static int load_by_protocol(struct boot *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		bool found = protocols[i].probe(b);

		/* Not another one's, because this one's part could not be read */
		if (*b->err)
			return -1;
		if (!found)
			continue;
		b->protocol = protocols[i].name;
		return protocols[i].load(b);
	}
	if (elf_probe(b))
		return boot_err(b, "%s: an ELF file without PVH note and without "
				"multiboot header; hvmon-run boots no other ELF",
				b->kernel);
	return boot_err(b, "%s: neither a bzImage nor ELF nor multiboot; a raw image "
			"needs --flat FILE@ADDR",
			b->kernel);
}

int boot_load(struct boot *b)
{
	int ret = -1;

	b->err[0] = 0;
	b->fd = open_file(b, b->kernel, &b->image_size);
	if (b->fd < 0)
		return -1;
	if (b->flat) {
		b->protocol = "flat";
		ret = flat_load(b);
	} else {
		ret = load_by_protocol(b);
	}
	close(b->fd);
	return *b->err ? -1 : ret;
}
