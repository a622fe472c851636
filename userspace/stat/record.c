// SPDX-License-Identifier: GPL-2.0
/* Where exits come from, counted by the kernel: a hist trigger on hvmon_exit. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libhvmon.h"
#include "stat.h"

#define HIST_SIZE	16384	/* places of code that exit, per VM */

static void path(char *buf, size_t len, const struct stat_record *r, const char *file)
{
	snprintf(buf, len, "%s/instances/hvmon-stat-%d%s%s", r->tracefs, (int)getpid(),
		 *file ? "/events/hvmon/hvmon_exit/" : "", file);
}

static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY), r = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

/* One per VM, since a trigger has at most three keys */
static int add_trigger(const struct stat_record *r, unsigned int vm)
{
	char file[512], text[128];

	path(file, sizeof(file), r, "trigger");
	snprintf(text, sizeof(text), "hist:keys=vcpu,code.hex,rip.hex:size=%d if vm == %u",
		 HIST_SIZE, vm);
	return put(file, text);
}

static int complain(const char *what, int r)
{
	fprintf(stderr, "hvmon-stat: %s: %s", what, strerror(-r));
	if (r == -EACCES || r == -EPERM)
		fputs(": run it as root", stderr);
	if (r == -ENOENT)
		fputs(": --record needs the module, tracefs and a kernel with hist triggers "
		      "(CONFIG_HIST_TRIGGERS)", stderr);
	fputc('\n', stderr);
	return 1;
}

static bool is_intel(void)
{
	struct hvmon_info info = { 0 };
	int dev = hvmon_open(NULL);

	if (dev < 0)
		return false;
	if (hvmon_info(dev, &info))
		info.vendor = HVMON_VENDOR_NONE;
	close(dev);
	return info.vendor == HVMON_VENDOR_VMX;
}

static const char *vm_name(const struct stat_sample *s, unsigned int vm)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (s->vcpu[i].vm == vm)
			return s->vcpu[i].name;
	return "";
}

static void write_line(FILE *out, const struct stat_sample *s, unsigned int vm, bool intel,
		       const char *line)
{
	unsigned long long code, rip, hits;
	unsigned int vcpu;
	char buf[32];

	if (sscanf(line, "{ vcpu: %u, code: %llx, rip: %llx } hitcount: %llu", &vcpu, &code, &rip,
		   &hits) == 4)
		fprintf(out, "%u %s;vCPU %u;%s;0x%llx %llu\n", vm, vm_name(s, vm), vcpu,
			stat_reason(intel, code, buf, sizeof(buf)), rip, hits);
}

static int collect(const struct stat_record *r, const struct stat_sample *s, FILE *out)
{
	unsigned long long dropped, lost = 0;
	char file[512], line[512], *at;
	bool intel = is_intel();
	unsigned int vm = 0;
	FILE *f;

	path(file, sizeof(file), r, "hist");
	f = fopen(file, "r");
	if (!f)
		return complain(file, -errno);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "if vm == ");
		if (at && !strncmp(line, "# trigger info:", 15))
			vm = strtoul(at + 9, NULL, 10);
		if (sscanf(line, " Dropped: %llu", &dropped) == 1)
			lost += dropped;
		write_line(out, s, vm, intel, line);
	}
	fclose(f);
	if (lost)
		fprintf(stderr, "hvmon-stat: %llu exits at places beyond the first %d of their VM "
			"are not counted\n", lost, HIST_SIZE);
	return 0;
}

static void pause_for(double seconds, const volatile int *stop)
{
	struct timespec ts = { .tv_nsec = 50000000 };

	for (; seconds > 0 && !*stop; seconds -= 0.05) {
		if (seconds < 0.05)
			ts.tv_nsec = seconds * 1e9;
		nanosleep(&ts, NULL);
	}
}

static int record(const struct stat_record *r, const struct stat_sample *s, double seconds,
		  FILE *out)
{
	size_t i;
	int e;

	for (i = 0; i < s->nr; i++) {
		if (i && s->vcpu[i].vm == s->vcpu[i - 1].vm)
			continue;
		e = add_trigger(r, s->vcpu[i].vm);
		if (e)
			return complain("hist trigger", e);
	}
	pause_for(seconds, r->stop);
	return collect(r, s, out);
}

int stat_record(const struct stat_record *r, double seconds, FILE *out)
{
	struct stat_sample s;
	char dir[512];
	int e = stat_read(r->root, r->only, &s);

	if (e)
		return complain(r->root, e);
	if (!s.nr) {
		fprintf(stderr, "hvmon-stat: no VM%s%s is running\n", r->only ? " " : "",
			r->only ? r->only : "");
		return 1;
	}
	path(dir, sizeof(dir), r, "");
	if (mkdir(dir, 0700)) {
		e = complain(dir, -errno);
	} else {
		e = record(r, &s, seconds, out);
		/* The triggers go with it */
		rmdir(dir);
	}
	stat_free(&s);
	return e;
}
