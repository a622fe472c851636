// SPDX-License-Identifier: GPL-2.0
/* The tracepoints have the fields that Documentation/tracing.rst promises, first and in order. */
#include "hvt.h"

static const struct {
	const char *event;
	const char *fields;
} events[] = {
	{ "hvmon_entry", "u32 vm;u32 vcpu;u64 rip;" },
	{ "hvmon_exit", "u32 vm;u32 vcpu;u64 rip;u64 code;u64 info1;u64 info2;" },
	{ "hvmon_fault", "u32 vm;u32 vcpu;u64 gpa;u32 access;int result;" },
	{ "hvmon_inject", "u32 vm;u32 vcpu;u8 type;u8 vector;bool again;u32 error;" },
	{ "hvmon_msr", "u32 vm;u32 vcpu;u32 msr;u64 value;bool write;bool fault;" },
	{ "hvmon_pio", "u32 vm;u32 vcpu;u16 port;u8 size;bool write;u32 count;u32 value;" },
	{ "hvmon_mmio", "u32 vm;u32 vcpu;u64 gpa;u32 len;u64 value;bool write;bool user;" },
};

/* The event's own fields, "TYPE NAME;" each; those of all events come before them */
static void read_fields(const char *event, char *buf, size_t len)
{
	char path[128], line[256], field[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/hvmon/%s/format", event);
	f = fopen(path, "r");
	CHECK(f, "%s: %s", path, strerror(errno));
	*buf = 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " field:%63[^;]", field) == 1 && !strstr(field, " common_"))
			snprintf(buf + strlen(buf), len - strlen(buf), "%s;", field);
	fclose(f);
}

int main(void)
{
	char fields[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		read_fields(events[i].event, fields, sizeof(fields));
		CHECK(!strncmp(fields, events[i].fields, strlen(events[i].fields)), "%s: %s",
		      events[i].event, fields);
	}
	return 0;
}
