// SPDX-License-Identifier: GPL-2.0
/*
 * The host can tell the pages that a running guest uses from those that it does
 * not, also where these are neighbours: DAMON, which clears and tests accessed
 * bits through the MMU notifiers, sees the one half hot and the other one idle.
 */
#include <stdarg.h>

#include "hvt.h"

#define PAGES	64
#define HOT	(PAGES / 2)
#define DAMON	"/sys/kernel/mm/damon/admin/kdamonds"
#define CONTEXT	"/0/contexts/0/"

#define SAMPLE_US	50000
#define SAMPLES		10	/* per aggregation */

/* Writes to the first page, reads the rest of the hot ones, for ever */
GUEST64(guest,
	"1: mov $0x1000000, %ebx\n"
	"incl (%rbx)\n"
	"mov $32, %ecx\n"
	"2: mov 8(%rbx), %eax\n"
	"add $4096, %ebx\n"
	"loop 2b\n"
	"jmp 1b\n");

static bool put(const char *name, const char *format, ...)
{
	char path[200], text[64];
	va_list args;
	int fd, n, r;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), DAMON "%s", name);
	fd = open(path, O_WRONLY);
	r = fd < 0 ? -1 : write(fd, text, n);
	if (fd >= 0)
		close(fd);
	return r == n;
}

#define PUT(...)	CHECK(put(__VA_ARGS__), "DAMON: %s", strerror(errno))

static u64 get(int region, const char *name)
{
	unsigned long long val = ~0ULL;
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), DAMON CONTEXT "schemes/0/tried_regions/%d/%s", region, name);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%llu", &val) != 1)
			val = ~0ULL;
		fclose(f);
	}
	return val;
}

/* Two regions of this process, and a scheme that does nothing to all that it sees */
static void monitor(const u8 *mem)
{
	static const char *const ranges[] = { "sz", "nr_accesses", "age" };
	char path[100];
	unsigned int i;

	PUT("/0/contexts/nr_contexts", "1");
	PUT(CONTEXT "operations", "fvaddr");
	PUT(CONTEXT "monitoring_attrs/intervals/sample_us", "%d", SAMPLE_US);
	PUT(CONTEXT "monitoring_attrs/intervals/aggr_us", "%d", SAMPLE_US * SAMPLES);
	PUT(CONTEXT "monitoring_attrs/nr_regions/min", "3");
	PUT(CONTEXT "monitoring_attrs/nr_regions/max", "3");
	PUT(CONTEXT "targets/nr_targets", "1");
	PUT(CONTEXT "targets/0/pid_target", "%d", getpid());
	PUT(CONTEXT "targets/0/regions/nr_regions", "2");
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/start", i);
		PUT(path, "%lu", (unsigned long)mem + i * HOT * 4096);
		snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/end", i);
		PUT(path, "%lu", (unsigned long)mem + (i + 1) * HOT * 4096);
	}
	PUT(CONTEXT "schemes/nr_schemes", "1");
	PUT(CONTEXT "schemes/0/action", "stat");
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		snprintf(path, sizeof(path), CONTEXT "schemes/0/access_pattern/%s/max", ranges[i]);
		PUT(path, "1000000000");
	}
	PUT("/0/state", "on");
}

/* In how many samples of an aggregation the two halves were seen in use */
static void look(const u8 *mem, u64 seen[2])
{
	int region;
	u64 at;

	seen[0] = 0;
	seen[1] = ~0ULL;
	PUT("/0/state", "update_schemes_tried_regions");
	for (region = 0; (at = get(region, "start")) != ~0ULL; region++)
		if (at == (u64)mem || at == (u64)mem + HOT * 4096)
			seen[at != (u64)mem] = get(region, "nr_accesses");
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *mem = hvt_anon(PAGES * 4096);
	struct hvt_thread t;
	u64 seen[2];
	int i;

	if (!put("/nr_kdamonds", "1"))
		hvt_skip("the host's kernel has no DAMON");
	memset(mem, 1, PAGES * 4096);
	hvt_mem(v->vm, 1, 0, 16 * MiB, PAGES * 4096, mem);
	hvt_spawn(&t, v);
	monitor(mem);
	/* What a fault maps around itself may look used, once */
	for (i = 0; i < 100; i++) {
		look(mem, seen);
		if (seen[0] >= SAMPLES / 2 && !seen[1])
			break;
	}
	put("/0/state", "off");
	put("/nr_kdamonds", "0");
	hvt_stop(&t);
	CHECK(i < 100, "the used half was seen in use %lu times of %d, the other one %lu times",
	      (unsigned long)seen[0], SAMPLES, (unsigned long)seen[1]);
	CHECK_EQ(mem[8], 1);
	CHECK(*(u32 *)mem > 0x01010101, "the guest did not run");
	return 0;
}
