// SPDX-License-Identifier: GPL-2.0
/*
 * What the launcher answers shows in the tracepoints, whichever way it took: each access to
 * memory as a fault without memory and as MMIO, each to a port with the value.
 */
#include "hvt.h"

#define TRACE	"/sys/kernel/tracing/instances/hvmon-selftest"
#define GPA	0xd0f0f000
#define PORT	0x1af0
#define ROUNDS	4

GUEST64(guest,
	"mov $0xd0f0f000, %ebx\n"
	"mov $0x1af0, %edx\n"
	"1: mov %eax, 8(%rbx)\n"
	"mov 8(%rbx), %eax\n"
	"out %eax, %dx\n"
	"in %dx, %al\n"
	"jmp 1b\n");

static void put(const char *file, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), TRACE "/%s", file);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && !fclose(f), "%s: %s", path, strerror(errno));
}

static void leave(void)
{
	rmdir(TRACE);
}

/* Lines of the trace that have @text */
static int lines(const char *text)
{
	FILE *f = fopen(TRACE "/trace", "r");
	char line[512];
	int n = 0;

	CHECK(f, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, text);
	fclose(f);
	return n;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int i;

	rmdir(TRACE);
	CHECK(!mkdir(TRACE, 0700), TRACE ": %s", strerror(errno));
	atexit(leave);
	/* Other VMs may be running */
	put("events/hvmon/hvmon_fault/filter", "gpa == 0xd0f0f008");
	put("events/hvmon/hvmon_mmio/filter", "gpa == 0xd0f0f008");
	put("events/hvmon/hvmon_pio/filter", "port == 0x1af0");
	put("events/hvmon/hvmon_fault/enable", "1");
	put("events/hvmon/hvmon_mmio/enable", "1");
	put("events/hvmon/hvmon_pio/enable", "1");

	for (i = 0; i < ROUNDS; i++) {
		EXPECT_MMIO_WRITE(v, GPA + 8, 4);
		EXPECT_MMIO_READ(v, GPA + 8, 4, 0x1234500 + i);
		CHECK_EQ(EXPECT_OUT(v, PORT, 4), 0x1234500 + i);
		EXPECT_IN(v, PORT, 1, 0x5a);
	}
	EXPECT_MMIO_WRITE(v, GPA + 8, 4);

	CHECK_EQ(lines("gpa 0xd0f0f008 write result -2"), ROUNDS + 1);
	CHECK_EQ(lines("gpa 0xd0f0f008 read result -2"), ROUNDS);
	CHECK_EQ(lines("write 0xd0f0f008 len 4"), ROUNDS + 1);
	CHECK_EQ(lines("read 0xd0f0f008 len 4 value 0x12345"), ROUNDS);
	CHECK_EQ(lines("out 0x1af0 size 4 count 1 value 0x12345"), ROUNDS);
	CHECK_EQ(lines("in 0x1af0 size 1 count 1 value 0x"), ROUNDS);
	CHECK_EQ(lines(" launcher"), 2 * ROUNDS + 1);
	return 0;
}
