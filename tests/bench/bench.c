// SPDX-License-Identifier: GPL-2.0
/*
 * Counts instructions per operation of a guest, where the TSC counts
 * instructions (tests/lab/lab --icount), and the kernel memory of idle VMs.
 * Usage: bench hvmon|kvm; prints "NAME VALUE" lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define REPEATS	15	/* the least counts: a timer tick spoils some */
#define IDLE_VMS	40
#define IDLE_ROUNDS	5

static const struct {
	const char *name;
	const uint8_t *code;
	int advice;		/* for the touched memory */
} ops[] = {
	{ "nothing", guest_nothing },
	{ "cpuid", guest_cpuid },
	{ "rdmsr", guest_rdmsr },
	{ "out", guest_out },
	{ "in", guest_in },
	{ "mmio_read", guest_mmio_read },
	{ "mmio_write", guest_mmio_write },
	{ "touch", guest_touch, MADV_NOHUGEPAGE },
	{ "touch_thp", guest_touch, MADV_HUGEPAGE },
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

static void *map(size_t size)
{
	/* Aligned for huge pages, so that touch_thp can have them */
	char *p = mmap(NULL, size + (2 << 20), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("no memory");
	return (void *)(((uintptr_t)p + (2 << 20) - 1) & ~((2UL << 20) - 1));
}

/* Runs to the guest's next result, as a launcher with one device would */
static uint32_t result(const struct backend *be)
{
	uint16_t port = 0;
	void *data = NULL;

	for (;;) {
		switch (be->run(&port, &data)) {
		case EXIT_OUT:
			if (port == PORT_RESULT)
				return *(uint32_t *)data;
			break;
		case EXIT_IN:
			*(uint8_t *)data = 1;
			break;
		case EXIT_READ:
			*(uint32_t *)data = 1;
			break;
		case EXIT_WRITE:
			break;
		case EXIT_OTHER:
			be->explain();
			die("the guest ended");
		}
	}
}

static void measure(const struct backend *be)
{
	uint8_t *mem = map(MEM_SIZE);
	unsigned int i, j;

	memcpy(mem + CODE_GPA, guest_start, guest_end - guest_start);
	be->create(mem, MEM_SIZE);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		uint32_t least = ~0u, n;

		be->start(CODE_GPA + (ops[i].code - guest_start));
		if (ops[i].advice)
			madvise(mem + TOUCH_GPA, TOUCH_SIZE, ops[i].advice);
		for (j = 0; j < REPEATS; j++) {
			if (ops[i].advice)
				must(madvise(mem + TOUCH_GPA, TOUCH_SIZE, MADV_DONTNEED),
				     "MADV_DONTNEED");
			n = result(be);
			if (n < least)
				least = n;
		}
		printf("%s %u\n", ops[i].name, (least + OPS / 2) / OPS);
		fflush(stdout);
	}
}

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static void sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

/*
 * Pages that CPUs keep for themselves are not in MemFree: small lists of them,
 * and compaction empties those too.
 */
static void settle(void)
{
	sysctl("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	sync();
	sysctl("/proc/sys/vm/drop_caches", "3");
	usleep(300000);		/* RCU */
	sysctl("/proc/sys/vm/drop_caches", "3");
	sysctl("/proc/sys/vm/compact_memory", "1");
	usleep(100000);
}

static long mem_free(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (kib < 0)
		die("/proc/meminfo has no MemFree");
	fclose(f);
	return kib;
}

static void measure_idle(const struct backend *be)
{
	void *mem = map(IDLE_SIZE);
	long used[IDLE_ROUNDS], before, swap;
	int i, j, round;

	/* MemFree leaves out the free pages on per-CPU lists: keep these short */
	put("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	be->idle(mem, IDLE_SIZE);	/* what is needed but once */
	for (round = 0; round < IDLE_ROUNDS; round++) {
		settle();
		before = mem_free();
		for (i = 0; i < IDLE_VMS; i++)
			be->idle(mem, IDLE_SIZE);
		settle();
		used[round] = before - mem_free();
		fprintf(stderr, "idle VMs, round %d: %ld KiB for %d\n", round, used[round],
			IDLE_VMS);
	}
	/* The median: caches shrink and grow a little meanwhile */
	for (i = 0; i < IDLE_ROUNDS; i++)
		for (j = i + 1; j < IDLE_ROUNDS; j++)
			if (used[j] < used[i]) {
				swap = used[i];
				used[i] = used[j];
				used[j] = swap;
			}
	printf("idle_vm_kib %ld\n", (used[IDLE_ROUNDS / 2] + IDLE_VMS / 2) / IDLE_VMS);
}

int main(int argc, char **argv)
{
	const struct backend *be = NULL;

	if (argc == 2 && !strcmp(argv[1], "hvmon"))
		be = &hvmon_backend;
	if (argc == 2 && !strcmp(argv[1], "kvm"))
		be = &kvm_backend;
	if (!be)
		die("usage: bench hvmon|kvm");
	measure(be);
	measure_idle(be);
	return 0;
}
