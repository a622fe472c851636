// SPDX-License-Identifier: GPL-2.0
/* hvmon-stat's parts: reading, rates, what is shown, the picture. */
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "../../userspace/stat/stat.h"

static char root[32];

static void put(const char *dir, const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", root, dir, file);
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void make_tree(void)
{
	strcpy(root, "/tmp/stat_test.XXXXXX");
	if (!mkdtemp(root))
		exit(1);
	put("10-second-vm", "vcpu0", "exits 7\n");
	put("2-first", "vm", "vcpus 2\n");
	put("2-first", "vcpu10", "exits 5\nunknown 9\ncpuid 3\n");
	put("2-first", "vcpu2", "exits 1000000\nguest_ns 250000000\n");
}

static void remove_tree(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command))
		exit(1);
}

static void test_read(void)
{
	struct stat_sample s;

	claim("stat: vCPUs are read in the order of their numbers, unknown counters skipped");
	expect(!stat_read(root, NULL, &s));
	expect(s.nr == 3);
	if (s.nr == 3) {
		expect(s.vcpu[0].vm == 2 && s.vcpu[0].id == 2);
		expect(s.vcpu[1].vm == 2 && s.vcpu[1].id == 10);
		expect(s.vcpu[2].vm == 10 && !strcmp(s.vcpu[2].name, "second-vm"));
		expect(s.vcpu[1].count[STAT_EXITS] == 5 && s.vcpu[1].count[STAT_CPUID] == 3);
	}
	stat_free(&s);

	claim("stat: one VM is chosen by number or name");
	expect(!stat_read(root, "10", &s));
	expect(s.nr == 1);
	stat_free(&s);
	expect(!stat_read(root, "first", &s));
	expect(s.nr == 2);
	stat_free(&s);
	expect(!stat_read(root, "fir", &s));
	expect(s.nr == 0);
	stat_free(&s);

	claim("stat: a directory that is not there is an error");
	expect(stat_read("/nonexistent", NULL, &s) == -2);
}

static void test_rates(void)
{
	struct stat_vcpu before = { .vm = 1 }, after[2] = { { .vm = 1 }, { .vm = 1, .id = 1 } };
	struct stat_sample old = { .ns = 1000000000, .nr = 1, .vcpu = &before };
	struct stat_sample new = { .ns = 3000000000, .nr = 2, .vcpu = after };
	double rate[STAT_COUNTERS];

	claim("stat: rates are per second, times a share, a new vCPU has counted from 0");
	before.count[STAT_EXITS] = 100;
	after[0].count[STAT_EXITS] = 300;
	after[0].count[STAT_GUEST_NS] = 1000000000;
	after[1].count[STAT_EXITS] = 50;
	stat_diff(&old, &new, 0, rate);
	expect(rate[STAT_EXITS] == 100);
	expect(rate[STAT_GUEST_NS] == 0.5);
	stat_diff(&old, &new, 1, rate);
	expect(rate[STAT_EXITS] == 25);
}

static char *view(int width, int height, int vcpus)
{
	static struct stat_vcpu v[64];
	struct stat_sample old = { .ns = 0 }, new = { .ns = 1000000000, .nr = vcpus, .vcpu = v };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int i;

	for (i = 0; i < vcpus; i++) {
		v[i] = (struct stat_vcpu){ .vm = 7, .id = i, .name = "a-name-beyond-the-column" };
		v[i].count[STAT_EXITS] = 123456789;
	}
	stat_view(f, &old, &new, width, height);
	fclose(f);
	return text;
}

static size_t widest(const char *text)
{
	size_t most = 0, n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		most = n > most ? n : most;
	}
	return most;
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_view(void)
{
	char *text;
	int width;

	claim("stat: no line is wider than the terminal, from 20 columns up");
	for (width = 20; width < 200; width++) {
		text = view(width, 0, 2);
		expect(widest(text) <= (size_t)width);
		expect(strstr(text, "exits"));
		free(text);
	}
	claim("stat: a wide terminal has all columns, one of 80 the important ones");
	text = view(200, 0, 1);
	expect(strstr(text, "hcall") && strstr(text, "emul") && strstr(text, "123M"));
	free(text);
	text = view(80, 0, 1);
	expect(strstr(text, "fault") && strstr(text, "guest") && !strstr(text, "emul"));
	free(text);
	claim("stat: what does not fit a screen ends in dots");
	text = view(80, 10, 64);
	expect(lines(text) <= 10 && strstr(text, "...\n"));
	free(text);
	text = view(80, 10, 4);
	expect(!strstr(text, "..."));
	free(text);
}

static int flame(const char *recording, const char *map, char **svg)
{
	FILE *in = fmemopen((void *)recording, strlen(recording), "r");
	FILE *symbols = map ? fmemopen((void *)map, strlen(map), "r") : NULL;
	size_t size;
	FILE *out = open_memstream(svg, &size);
	int r = stat_flame(in, "recording", symbols, "map", out);

	fclose(in);
	if (symbols)
		fclose(symbols);
	fclose(out);
	return r;
}

static void test_flame(void)
{
	static const char recording[] =
		"1 a<b;vCPU 0;CPUID;0xffffffff81000010 60\n"
		"1 a<b;vCPU 0;CPUID;0xffffffff81000020 20\n"
		"1 a<b;vCPU 1;HLT;0x400000 20\n";
	char *svg;

	claim("stat: a picture has the shares, and names that are no mark-up");
	expect(!flame(recording, NULL, &svg));
	expect(strstr(svg, "<title>all exits: 100 exits, 100.0 %"));
	expect(strstr(svg, "<title>vCPU 0: 80 exits, 80.0 %"));
	expect(strstr(svg, "1 a&lt;b") && !strstr(svg, "a<b"));
	free(svg);
	claim("stat: addresses of one function are one box, others stay");
	expect(!flame(recording, "ffffffff81000000 T start\nffffffff81000030 t next\n", &svg));
	expect(strstr(svg, "<title>start: 80 exits"));
	expect(strstr(svg, "<title>0x400000: 20 exits"));
	free(svg);
	claim("stat: what is no recording is refused");
	expect(flame("hello\n", NULL, &svg));
	free(svg);
	expect(flame("a;b 1x\n", NULL, &svg));
	free(svg);
	expect(flame("\n", NULL, &svg));
	free(svg);
}

static void test_reasons(void)
{
	char buf[32];

	claim("stat: exit codes of both vendors have names, unknown ones their number");
	expect(!strcmp(stat_reason(false, 0x72, buf, sizeof(buf)), "CPUID"));
	expect(!strcmp(stat_reason(true, 10, buf, sizeof(buf)), "CPUID"));
	expect(!strcmp(stat_reason(true, 0x80000021, buf, sizeof(buf)), "invalid guest state"));
	expect(!strcmp(stat_reason(false, 0x18, buf, sizeof(buf)), "CR8 write"));
	expect(!strcmp(stat_reason(false, 0x4e, buf, sizeof(buf)), "exception 14"));
	expect(!strcmp(stat_reason(true, 0x5000, buf, sizeof(buf)), "reason 0x5000"));
}

int main(void)
{
	make_tree();
	test_read();
	test_rates();
	test_view();
	test_flame();
	test_reasons();
	unit_end();
	remove_tree();
	return unit_finish();
}
