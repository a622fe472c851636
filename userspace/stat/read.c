// SPDX-License-Identifier: GPL-2.0
/* The counters that the module shows in debugfs (uapi/hvmon.h), and their rates. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stat.h"

const char *const stat_names[STAT_COUNTERS] = {
	[STAT_EXITS] = "exits", [STAT_USER_EXITS] = "user_exits", [STAT_CPUID] = "cpuid",
	[STAT_MSR_READ] = "msr_read", [STAT_MSR_WRITE] = "msr_write", [STAT_PIO] = "pio",
	[STAT_MMIO] = "mmio", [STAT_FAULTS] = "faults", [STAT_HLT] = "hlt",
	[STAT_HYPERCALL] = "hypercall", [STAT_HOST_INTR] = "host_intr", [STAT_OTHER] = "other",
	[STAT_TIMER] = "timer", [STAT_IRQ] = "irq_injected", [STAT_NMI] = "nmi_injected",
	[STAT_EXCEPTIONS] = "exceptions", [STAT_EMULATED] = "emulated",
	[STAT_HALTED_NS] = "halted_ns", [STAT_GUEST_NS] = "guest_ns",
	[STAT_SECTIONS] = "sections",
};

static void read_vcpu(FILE *f, struct stat_vcpu *v)
{
	unsigned long long value;
	char name[32];
	int i;

	while (fscanf(f, "%31s %llu", name, &value) == 2)
		for (i = 0; i < STAT_COUNTERS; i++)
			if (!strcmp(name, stat_names[i]))
				v->count[i] = value;
}

static int add_vcpu(struct stat_sample *s, const struct stat_vcpu *v)
{
	struct stat_vcpu *more = realloc(s->vcpu, (s->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->vcpu = more;
	more[s->nr++] = *v;
	return 0;
}

/* The vCPUs in directory @dir, "ID-NAME" */
static int read_vm(const char *root, const char *dir, const struct stat_vcpu *vm,
		   struct stat_sample *s)
{
	char path[512];
	struct dirent *e;
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", root, dir);
	d = opendir(path);
	while (d && !r && (e = readdir(d))) {
		struct stat_vcpu v = *vm;
		char file[800];
		FILE *f;

		if (sscanf(e->d_name, "vcpu%u", &v.id) != 1)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		f = fopen(file, "r");
		if (!f)
			continue;
		read_vcpu(f, &v);
		fclose(f);
		r = add_vcpu(s, &v);
	}
	if (d)
		closedir(d);
	return r;
}

static int by_number(const void *a, const void *b)
{
	const struct stat_vcpu *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static bool wanted(const struct stat_vcpu *vm, const char *only)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", vm->vm);
	return !only || !strcmp(only, number) || !strcmp(only, vm->name);
}

int stat_read(const char *root, const char *only, struct stat_sample *s)
{
	struct dirent *e;
	DIR *d = opendir(root);
	int r = 0;

	*s = (struct stat_sample){ .ns = now_ns() };
	if (!d)
		return -errno;
	while (!r && (e = readdir(d))) {
		struct stat_vcpu vm = { 0 };

		if (sscanf(e->d_name, "%u-%47[^\n]", &vm.vm, vm.name) == 2 && wanted(&vm, only))
			r = read_vm(root, e->d_name, &vm, s);
	}
	closedir(d);
	if (r)
		stat_free(s);
	else if (s->nr)
		qsort(s->vcpu, s->nr, sizeof(*s->vcpu), by_number);
	return r;
}

void stat_free(struct stat_sample *s)
{
	free(s->vcpu);
	*s = (struct stat_sample){ 0 };
}

void stat_diff(const struct stat_sample *old, const struct stat_sample *new, size_t i,
	       double rate[STAT_COUNTERS])
{
	static const struct stat_vcpu none;
	const struct stat_vcpu *n = &new->vcpu[i], *o = NULL;
	double seconds = (new->ns - old->ns) / 1e9;
	int c;

	if (old->nr)
		o = bsearch(n, old->vcpu, old->nr, sizeof(*n), by_number);
	if (!o)
		o = &none;
	for (c = 0; c < STAT_COUNTERS; c++) {
		rate[c] = seconds > 0 ? (n->count[c] - o->count[c]) / seconds : 0;
		if (c == STAT_HALTED_NS || c == STAT_GUEST_NS)
			rate[c] /= 1e9;
	}
}
