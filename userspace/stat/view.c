// SPDX-License-Identifier: GPL-2.0
/* What people and scripts see. */
#include <string.h>

#include "stat.h"

/*
 * The columns, in the order in which they are shown. On a narrow terminal those
 * of the highest rank are left out first. A column is the sum of two counters.
 */
static const struct {
	const char *title;
	int rank;
	enum stat_counter a, b;
} columns[] = {
	{ "exits", 0, STAT_EXITS, STAT_COUNTERS },
	{ "user", 2, STAT_USER_EXITS, STAT_COUNTERS },
	{ "cpuid", 12, STAT_CPUID, STAT_COUNTERS },
	{ "msr", 6, STAT_MSR_READ, STAT_MSR_WRITE },
	{ "pio", 5, STAT_PIO, STAT_COUNTERS },
	{ "mmio", 7, STAT_MMIO, STAT_COUNTERS },
	{ "fault", 3, STAT_FAULTS, STAT_COUNTERS },
	{ "hlt", 8, STAT_HLT, STAT_COUNTERS },
	{ "hcall", 13, STAT_HYPERCALL, STAT_COUNTERS },
	{ "intr", 9, STAT_HOST_INTR, STAT_COUNTERS },
	{ "other", 10, STAT_OTHER, STAT_TIMER },
	{ "inject", 4, STAT_IRQ, STAT_NMI },
	{ "exc", 11, STAT_EXCEPTIONS, STAT_COUNTERS },
	{ "emul", 14, STAT_EMULATED, STAT_COUNTERS },
	{ "guest", 1, STAT_GUEST_NS, STAT_COUNTERS },
};

#define NR_COLUMNS	((int)(sizeof(columns) / sizeof(columns[0])))
#define COLUMN_WIDTH	7

/* Six characters at most: 12345, 1234k, 123M */
static const char *short_number(char buf[16], double n)
{
	if (n < 99999.5)
		snprintf(buf, 16, "%.0f", n);
	else if (n < 9999.5e3)
		snprintf(buf, 16, "%.0fk", n / 1e3);
	else if (n < 9999.5e6)
		snprintf(buf, 16, "%.0fM", n / 1e6);
	else
		snprintf(buf, 16, "%.0fG", n / 1e9);
	return buf;
}

static void numbers(FILE *out, const double rate[STAT_COUNTERS], int ranks)
{
	char buf[16];
	double n;
	int i;

	for (i = 0; i < NR_COLUMNS; i++) {
		if (columns[i].rank >= ranks)
			continue;
		n = rate[columns[i].a] + (columns[i].b < STAT_COUNTERS ? rate[columns[i].b] : 0);
		if (columns[i].a == STAT_GUEST_NS)
			fprintf(out, " %*.0f%%", COLUMN_WIDTH - 2, n * 100);
		else
			fprintf(out, " %*s", COLUMN_WIDTH - 1, short_number(buf, n));
	}
	fputc('\n', out);
}

static void header(FILE *out, int name, int ranks)
{
	int i;

	fprintf(out, "%-*.*s", name, name, "VM");
	for (i = 0; i < NR_COLUMNS; i++)
		if (columns[i].rank < ranks)
			fprintf(out, " %*s", COLUMN_WIDTH - 1, columns[i].title);
	fputc('\n', out);
}

static void view_vm(FILE *out, const struct stat_sample *old, const struct stat_sample *new,
		    size_t first, int name, int ranks)
{
	double sum[STAT_COUNTERS] = { 0 }, rate[STAT_COUNTERS];
	const struct stat_vcpu *v = &new->vcpu[first];
	char title[STAT_NAME + 16];
	size_t i;
	int c;

	for (i = first; i < new->nr && new->vcpu[i].vm == v->vm; i++) {
		stat_diff(old, new, i, rate);
		for (c = 0; c < STAT_COUNTERS; c++)
			sum[c] += rate[c];
	}
	snprintf(title, sizeof(title), "%u %s", v->vm, v->name);
	fprintf(out, "%-*.*s", name, name, title);
	numbers(out, sum, ranks);
}

void stat_view(FILE *out, const struct stat_sample *old, const struct stat_sample *new,
	       int width, int height)
{
	int ranks = NR_COLUMNS, lines = 2, name, vms = 0;
	double rate[STAT_COUNTERS];
	char title[32];
	size_t i;

	for (i = 0; i < new->nr; i++)
		vms += !i || new->vcpu[i].vm != new->vcpu[i - 1].vm;
	while (ranks > 1 && 12 + COLUMN_WIDTH * ranks > width)
		ranks--;
	name = width - COLUMN_WIDTH * ranks;
	name = name < 6 ? 6 : name > 24 ? 24 : name;
	snprintf(title, sizeof(title), "%d VM%s, %zu vCPU%s", vms, vms == 1 ? "" : "s", new->nr,
		 new->nr == 1 ? "" : "s");
	fprintf(out, "%.*s\n", width, title);
	header(out, name, ranks);
	for (i = 0; i < new->nr; i++) {
		if (!i || new->vcpu[i].vm != new->vcpu[i - 1].vm) {
			if (height && ++lines > height - 1)
				break;
			view_vm(out, old, new, i, name, ranks);
		}
		if (height && ++lines > height - 1)
			break;
		stat_diff(old, new, i, rate);
		snprintf(title, sizeof(title), "  vCPU %u", new->vcpu[i].id);
		fprintf(out, "%-*.*s", name, name, title);
		numbers(out, rate, ranks);
	}
	if (i < new->nr)
		fprintf(out, "%.*s\n", width, "...");
}

void stat_batch_header(FILE *out)
{
	int c;

	fputs("time\tvm\tname\tvcpu", out);
	for (c = 0; c < STAT_COUNTERS; c++)
		fprintf(out, "\t%s", c == STAT_GUEST_NS ? "guest_share" :
			c == STAT_HALTED_NS ? "halted_share" : stat_names[c]);
	fputc('\n', out);
}

void stat_batch(FILE *out, const struct stat_sample *old, const struct stat_sample *new,
		double seconds)
{
	double rate[STAT_COUNTERS];
	size_t i;
	int c;

	for (i = 0; i < new->nr; i++) {
		stat_diff(old, new, i, rate);
		fprintf(out, "%.3f\t%u\t%s\t%u", seconds, new->vcpu[i].vm, new->vcpu[i].name,
			new->vcpu[i].id);
		for (c = 0; c < STAT_COUNTERS; c++)
			fprintf(out, "\t%.*f", c == STAT_GUEST_NS || c == STAT_HALTED_NS ? 4 : 1,
				rate[c]);
		fputc('\n', out);
	}
}
