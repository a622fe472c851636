// SPDX-License-Identifier: GPL-2.0
/*
 * The firmware's image, read-only below 4 GiB, where a processor begins after a
 * reset (Intel SDM vol. 3, 10.1.4), and its last 128 KiB below 1 MiB too. There
 * the host bridge's PAM registers choose, for each of 13 segments and apart for
 * reads and writes, between the image and the RAM behind it (82441FX, 3.2.18).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../vm.h"
#include "dev.h"
#include "rom.h"

#define ROM_UNIT	(64 * KiB)
#define ROM_MAX		(16 * MiB)
#define ROM_LOW		(128 * KiB)	/* of it seen below 1 MiB */

#define SHADOW_START	0xc0000ULL
#define SHADOW_LEN	(HIGH_START - SHADOW_START)
#define SEGMENTS	13
#define SEGMENT_LEN	(16 * KiB)	/* but the last one, of 64 KiB */

/* Attributes of a segment: what goes to RAM */
#define READS		1
#define WRITES		2

/* Slots of the module's, after those of guest memory */
#define SLOT_ROM	MEM_MAX_SLOTS
#define SLOT_SEGMENT	(SLOT_ROM + 1)

struct rom {
	struct iodev dev;	/* what no slot answers */
	struct vm *vm;
	uint8_t *image;
	uint64_t size;
	uint8_t attr[SEGMENTS];
	bool mapped[SEGMENTS];
};

static uint64_t segment_start(unsigned int seg)
{
	return SHADOW_START + seg * SEGMENT_LEN;
}

static uint64_t segment_len(unsigned int seg)
{
	return seg == SEGMENTS - 1 ? ROM_UNIT : SEGMENT_LEN;
}

static unsigned int segment_of(uint64_t offset)
{
	unsigned int seg = offset / SEGMENT_LEN;

	return seg < SEGMENTS ? seg : SEGMENTS - 1;
}

/* PAM0 has the last segment in its upper half, the others have two each */
static uint8_t segment_attr(const uint8_t *pam, unsigned int seg)
{
	uint8_t reg = seg == SEGMENTS - 1 ? pam[0] >> 4 : pam[1 + seg / 2] >> seg % 2 * 4;

	return reg & (READS | WRITES);
}

/* The image's bytes for an address below 1 MiB, NULL if it does not reach so far down */
static void *low_image(const struct rom *rom, uint64_t gpa)
{
	uint64_t from_end = HIGH_START - gpa;

	if (from_end > ROM_LOW || from_end > rom->size)
		return NULL;
	return rom->image + rom->size - from_end;
}

/* Writes that do not go where reads come from leave the module, for shadow_write() */
static int map_segment(struct rom *rom, unsigned int seg)
{
	uint64_t gpa = segment_start(seg), len = segment_len(seg);
	uint8_t attr = rom->attr[seg];
	void *from = attr & READS ? mem_at(&rom->vm->mem, gpa, len) : low_image(rom, gpa);
	uint32_t flags = attr == (READS | WRITES) ? 0 : HVMON_MEM_READONLY;

	if (!from && !rom->mapped[seg])
		return 0;
	rom->mapped[seg] = from;
	return vm_mem_set(rom->vm, SLOT_SEGMENT + seg, flags, gpa, from ? len : 0, from);
}

void rom_shadow(struct vm *vm, const uint8_t *pam)
{
	struct rom *rom = vm->rom;

	for (unsigned int seg = 0; seg < SEGMENTS; seg++) {
		uint8_t attr = segment_attr(pam, seg);
		int ret;

		if (attr == rom->attr[seg])
			continue;
		rom->attr[seg] = attr;
		ret = map_segment(rom, seg);
		if (ret)
			vm_end_text(vm, END_HOST_ERROR, "memory at 0x%llx: %s",
				    (unsigned long long)segment_start(seg), strerror(-ret));
	}
}

static uint64_t shadow_read(struct iodev *dev, uint64_t offset, uint32_t len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return ~0ULL;		/* neither image nor RAM */
}

static void shadow_write(struct iodev *dev, uint64_t offset, uint32_t len, uint64_t value)
{
	struct rom *rom = (struct rom *)dev;
	uint8_t *ram = mem_at(&rom->vm->mem, SHADOW_START, SHADOW_LEN);

	for (uint32_t i = 0; i < len; i++, value >>= 8)
		if (rom->attr[segment_of(offset + i)] & WRITES)
			ram[offset + i] = value;
}

static void rom_free(struct iodev *dev)
{
	struct rom *rom = (struct rom *)dev;

	munmap(rom->image, rom->size);
	rom->vm->rom = NULL;
	free(rom);
}

static const struct iodev_ops rom_ops = {
	.name = "rom",
	.read = shadow_read,
	.write = shadow_write,
	.free = rom_free,
};

static int open_image(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		complain(0, "--firmware %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		complain(0, "--firmware %s: not a regular file", path);
	} else if (!st.st_size || st.st_size % ROM_UNIT || st.st_size > (off_t)ROM_MAX) {
		complain(0, "--firmware %s: %llu bytes are no firmware image: those have a "
			 "multiple of 64 KiB, at most 16 MiB",
			 path, (unsigned long long)st.st_size);
	} else {
		*size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* In pages of its own, for it will be a slot. NULL, and errno, if that fails */
static uint8_t *read_image(int fd, uint64_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t done = 0;

	if (p == MAP_FAILED)
		return NULL;
	while (done < size) {
		ssize_t n = pread(fd, p + done, size - done, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				errno = ENODATA;
			munmap(p, size);
			return NULL;
		}
		done += n;
	}
	return p;
}

int rom_load(struct vm *vm)
{
	const char *path = vm->opt->firmware;
	struct rom *rom;
	uint64_t size;
	int fd;

	if (!path)
		return 0;
	fd = open_image(path, &size);
	if (fd < 0)
		return EXIT_USAGE;
	rom = calloc(1, sizeof(*rom));
	if (rom)
		rom->image = read_image(fd, size);
	close(fd);
	if (!rom || !rom->image) {
		free(rom);
		return complain(EXIT_USAGE, "--firmware %s: %s", path, strerror(errno));
	}
	rom->dev.ops = &rom_ops;
	rom->vm = vm;
	rom->size = size;
	vm->rom = rom;
	return 0;
}

int rom_create(struct vm *vm)
{
	struct rom *rom = vm->rom;
	/* First: the VM frees it from now on */
	int ret = vm_add_device(vm, &vm->mmio, SHADOW_START, SHADOW_LEN, 8, &rom->dev);

	if (!ret)
		ret = vm_mem_set(vm, SLOT_ROM, HVMON_MEM_READONLY, ABOVE_4G - rom->size,
				 rom->size, rom->image);
	for (unsigned int seg = 0; !ret && seg < SEGMENTS; seg++)
		ret = map_segment(rom, seg);
	return ret;
}
