// SPDX-License-Identifier: GPL-2.0
/* Guest memory and the map of guest-physical addresses */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "mem.h"

#define HOST_PAGE	(4 * KiB)

static void *map_backend(uint64_t size, enum mem_backend backend, int *mem_fd)
{
	int flags = MAP_NORESERVE;
	int fd = -1;
	void *p;

	switch (backend) {
	case MEM_MEMFD:
		fd = memfd_create("hvmon-guest", MFD_CLOEXEC);
		if (fd < 0)
			return MAP_FAILED;
		if (ftruncate(fd, size)) {
			close(fd);
			return MAP_FAILED;
		}
		flags |= MAP_SHARED;
		break;
	case MEM_HUGETLB:
		/* Reserved up front: running out later would be a SIGBUS */
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
		break;
	case MEM_ANON:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
		break;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED && fd >= 0) {
		close(fd);
		fd = -1;
	}
	*mem_fd = fd;
	return p;
}

int mem_alloc(struct guest_mem *mem, uint64_t size, enum mem_backend backend)
{
	uint64_t span = backend == MEM_HUGETLB ? (size + 2 * MiB - 1) & ~(2 * MiB - 1) : size;
	void *p = map_backend(span, backend, &mem->fd);

	if (p == MAP_FAILED)
		return -errno;
	/* Advice only: a kernel without huge pages refuses, and that is fine */
	madvise(p, span, MADV_HUGEPAGE);
	madvise(p, span, MADV_DONTDUMP);
	madvise(p, span, MADV_DONTFORK);
	mem->base = p;
	mem->size = size;
	mem->span = span;
	mem->backend = backend;
	mem->low = size < PCI_HOLE ? size : PCI_HOLE;
	return 0;
}

void mem_free(struct guest_mem *mem)
{
	if (mem->base)
		munmap(mem->base, mem->span);
	if (mem->base && mem->fd >= 0)
		close(mem->fd);
	mem->base = NULL;
}

void *mem_at(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t high = mem->size - mem->low;

	if (gpa < mem->low) {
		if (len > mem->low - gpa)
			return NULL;
		if (gpa < VGA_END && gpa + len > VGA_HOLE)
			return NULL;
		return mem->base + gpa;
	}
	if (gpa < ABOVE_4G || gpa - ABOVE_4G >= high || len > high - (gpa - ABOVE_4G))
		return NULL;
	return mem->base + mem->low + (gpa - ABOVE_4G);
}

int mem_discard(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t start = (gpa + HOST_PAGE - 1) & ~(HOST_PAGE - 1);
	uint64_t end = (gpa + len) & ~(HOST_PAGE - 1);
	uint8_t *p = mem_at(mem, gpa, len);

	if (!p)
		return -EINVAL;
	/* Before Linux 6.10 a page would lose its reservation: its return could be a SIGBUS */
	if (mem->backend == MEM_HUGETLB)
		return -EOPNOTSUPP;
	if (start >= end)
		return 0;
	/* A file keeps its pages when they are only unmapped: it gets a hole */
	return madvise(p + (start - gpa), end - start,
		       mem->backend == MEM_MEMFD ? MADV_REMOVE : MADV_DONTNEED) ? -errno : 0;
}

int mem_slots(const struct guest_mem *mem, struct mem_slot *slot)
{
	const uint64_t start[] = { 0, VGA_END, ABOVE_4G };
	const uint64_t end[] = { VGA_HOLE, mem->low, ABOVE_4G + mem->size - mem->low };
	int n = 0;

	for (int i = 0; i < MEM_MAX_SLOTS; i++)
		if (start[i] < end[i])
			slot[n++] = (struct mem_slot){
				start[i], end[i] - start[i],
				mem_at(mem, start[i], end[i] - start[i]),
			};
	return n;
}

uint64_t mem_gpa(const struct guest_mem *mem, const void *hva)
{
	uint64_t offset = (const uint8_t *)hva - mem->base;

	return offset < mem->low ? offset : offset - mem->low + ABOVE_4G;
}

uint64_t mem_window64(const struct guest_mem *mem)
{
	uint64_t end = ABOVE_4G + mem->size - mem->low;

	return (end + PCI_WINDOW64_LEN - 1) & ~(PCI_WINDOW64_LEN - 1);
}

uint64_t mem_host_total(uint64_t *swap)
{
	struct sysinfo si;

	if (sysinfo(&si)) {
		*swap = 0;
		return UINT64_MAX;
	}
	*swap = (uint64_t)si.totalswap * si.mem_unit;
	return (uint64_t)si.totalram * si.mem_unit;
}

int mem_map(const struct guest_mem *mem, struct mem_range *map)
{
	int n = 0;

	map[n++] = (struct mem_range){ 0, EBDA_START, E820_USABLE };
	map[n++] = (struct mem_range){ EBDA_START, VGA_HOLE - EBDA_START, E820_RSVD };
	map[n++] = (struct mem_range){ BIOS_START, HIGH_START - BIOS_START, E820_RSVD };
	map[n++] = (struct mem_range){ HIGH_START, mem->low - HIGH_START, E820_USABLE };
	/* Linux uses no ECAM that is not reserved */
	map[n++] = (struct mem_range){ PCI_ECAM, PCI_ECAM_LEN, E820_RSVD };
	if (mem->size > mem->low)
		map[n++] = (struct mem_range){ ABOVE_4G, mem->size - mem->low, E820_USABLE };
	return n;
}
