// SPDX-License-Identifier: GPL-2.0
/* hvmon-stat: what guests do, live. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "stat.h"

static const char help[] =
	"usage: hvmon-stat [--interval S] [--count N] [--vm VM] [--batch]\n"
	"       hvmon-stat --record FILE [--seconds S] [--vm VM]\n"
	"       hvmon-stat --flame FILE [--symbols MAP] >OUT.svg\n"
	"\n"
	"Shows what guests of hvmon do, per VM and vCPU: exits per second by reason,\n"
	"faults, injected events, and the share of time in the guest. Ctrl-C or q ends it.\n"
	"\n"
	"  --interval S   seconds between two looks, 0.1 to 3600 (default 1)\n"
	"  --count N      end after N of them\n"
	"  --vm VM        only this one: its number or its name\n"
	"  --batch        tab-separated lines for scripts, also the default where the\n"
	"                 output is no terminal\n"
	"  --record FILE  count where exits come from, for --seconds or until Ctrl-C;\n"
	"                 \"-\" is the standard output\n"
	"  --seconds S    how long, 0.1 to 86400 (default 10)\n"
	"  --flame FILE   draw such a recording as an SVG\n"
	"  --symbols MAP  with --flame: the guest kernel's System.map, for names\n"
	"                 (of a guest that was booted with nokaslr)\n"
	"  --debugfs DIR  the module's directory (default " STAT_ROOT ")\n"
	"  --tracefs DIR  where tracefs is (default " STAT_TRACEFS ")\n"
	"  --help, --version\n";

struct options {
	const char *root;
	const char *tracefs;
	const char *only;
	const char *record;
	const char *flame;
	const char *symbols;
	double interval;
	double seconds;
	long count;
	bool batch;
	bool given[UCHAR_MAX + 1];	/* by the letters of longs[] */
};

static volatile int stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* Ctrl-C ends a wait, and whatever was begun is ended in order */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static int failed(const char *what)
{
	fprintf(stderr, "hvmon-stat: %s: %s\n", what, strerror(errno));
	return 1;
}

static int no_module(const char *root, int r)
{
	fprintf(stderr, "hvmon-stat: %s: %s", root, strerror(-r));
	if (r == -ENOENT)
		fputs(": is hvmon loaded, and debugfs mounted?", stderr);
	if (r == -EACCES)
		fputs(": run it as root", stderr);
	fputc('\n', stderr);
	return 1;
}

/* ---- the terminal ---- */

static struct termios cooked;
static bool raw;

static void terminal_restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	raw = false;
}

/* Keys come one by one; Ctrl-C stays a signal */
static void terminal_raw(void)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
		return;
	t = cooked;
	t.c_lflag &= ~(ICANON | ECHO);
	raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

/* Waits for the next look; a "q" is the last one */
static void wait_for(double seconds)
{
	struct pollfd keys = { .fd = raw ? STDIN_FILENO : -1, .events = POLLIN };
	struct timespec now, end;
	double left;
	char key;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	end.tv_nsec += (seconds - (time_t)seconds) * 1e9;
	while (!stop) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end.tv_sec - now.tv_sec + (end.tv_nsec - now.tv_nsec) / 1e9;
		if (left <= 0)
			return;
		if (poll(&keys, 1, left * 1000 + 1) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			keys.fd = -1;
		else if (key == 'q' || key == 'Q')
			stop = 1;
	}
}

static void screen(const struct stat_sample *old, const struct stat_sample *new)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	fputs("\033[H\033[J", stdout);
	stat_view(stdout, old, new, size.ws_col, size.ws_row);
}

/* ---- what it does ---- */

static int watch(const struct options *o)
{
	struct stat_sample old, new;
	uint64_t start;
	int r, lost = 0;
	long n;

	r = stat_read(o->root, o->only, &old);
	if (r)
		return no_module(o->root, r);
	start = old.ns;
	if (o->batch)
		stat_batch_header(stdout);
	else
		terminal_raw();
	if (fflush(stdout))
		lost = errno;
	for (n = 0; !lost && (!o->count || n < o->count); n++) {
		wait_for(o->interval);
		if (stop)
			break;
		r = stat_read(o->root, o->only, &new);
		if (r)
			break;
		if (o->batch)
			stat_batch(stdout, &old, &new, (new.ns - start) / 1e9);
		else
			screen(&old, &new);
		stat_free(&old);
		old = new;
		if (fflush(stdout) || ferror(stdout))
			lost = errno;
	}
	terminal_restore();
	stat_free(&old);
	if (r)
		return no_module(o->root, r);
	/* Whoever read it may have gone */
	errno = lost;
	return lost && lost != EPIPE ? failed("standard output") : 0;
}

/* To a file that is there before, but keeps what it has until there is something better */
static int record(const struct options *o)
{
	struct stat_record r = { o->tracefs, o->root, o->only, &stop };
	bool to_stdout = !strcmp(o->record, "-"), made = false;
	int e, fd = STDOUT_FILENO;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	if (!to_stdout) {
		fd = open(o->record, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		made = fd >= 0;
		if (fd < 0 && errno == EEXIST)
			fd = open(o->record, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0)
			return failed(o->record);
	}
	f = open_memstream(&text, &size);
	e = f ? stat_record(&r, o->seconds, f) : failed("memory");
	if (f && fclose(f))
		e = failed("memory");
	if (!e && !size) {
		fputs("hvmon-stat: no exit was counted\n", stderr);
		e = 1;
	}
	/* A terminal, a pipe or a device has no length */
	if (!e && !to_stdout && ftruncate(fd, 0) && errno != EINVAL)
		e = failed(o->record);
	for (size_t done = 0; !e && done < size;) {
		ssize_t n = write(fd, text + done, size - done);

		if (n >= 0)
			done += n;
		else if (errno != EINTR)
			e = failed(o->record);
	}
	if (e && made)
		unlink(o->record);
	if (!to_stdout && close(fd) && !e)
		e = failed(o->record);
	free(text);
	return e;
}

static FILE *open_input(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		failed(path);
	return f;
}

static int flame(const struct options *o)
{
	FILE *in = strcmp(o->flame, "-") ? open_input(o->flame) : stdin, *map = NULL;
	int r = 1;

	if (in && o->symbols)
		map = open_input(o->symbols);
	if (in && (map || !o->symbols))
		r = stat_flame(in, o->flame, map, o->symbols, stdout);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = failed("standard output");
	if (map)
		fclose(map);
	if (in && in != stdin)
		fclose(in);
	return r;
}

/* ---- options ---- */

static double number(const char *name, const char *text, double low, double high)
{
	char *end;
	double n = strtod(text, &end);

	if (*end || end == text || !(n >= low && n <= high)) {
		fprintf(stderr, "hvmon-stat: --%s %s: a number from %g to %g\n", name, text, low,
			high);
		exit(2);
	}
	return n;
}

static const struct option longs[] = {
	{ "interval", required_argument, NULL, 'i' }, { "count", required_argument, NULL, 'c' },
	{ "vm", required_argument, NULL, 'm' }, { "batch", no_argument, NULL, 'b' },
	{ "record", required_argument, NULL, 'r' }, { "seconds", required_argument, NULL, 's' },
	{ "flame", required_argument, NULL, 'f' }, { "symbols", required_argument, NULL, 'y' },
	{ "debugfs", required_argument, NULL, 'd' }, { "tracefs", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' }, { 0 },
};

static void take_option(struct options *o, int c, const char *what)
{
	o->given[(unsigned char)c] = true;
	switch (c) {
	case 'i':
		o->interval = number("interval", optarg, 0.1, 3600);
		break;
	case 'c':
		o->count = number("count", optarg, 1, 1e9);
		if (o->count != strtod(optarg, NULL)) {
			fprintf(stderr, "hvmon-stat: --count %s: a whole number\n", optarg);
			exit(2);
		}
		break;
	case 's':
		o->seconds = number("seconds", optarg, 0.1, 86400);
		break;
	case 'm':
		o->only = optarg;
		break;
	case 'b':
		o->batch = true;
		break;
	case 'r':
		o->record = optarg;
		break;
	case 'f':
		o->flame = optarg;
		break;
	case 'y':
		o->symbols = optarg;
		break;
	case 'd':
		o->root = optarg;
		break;
	case 't':
		o->tracefs = optarg;
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	case 'v':
		puts("hvmon-stat " HVMON_RUN_VERSION);
		exit(0);
	default:
		fprintf(stderr, "hvmon-stat: %s: %s; see --help\n", what,
			c == ':' ? "its argument is missing" :
			optopt && what[1] == '-' ? "it takes no argument" : "no such option");
		exit(2);
	}
}

/* What would be ignored; NULL if nothing */
static const char *useless(const struct options *o)
{
	static const struct {
		char option, with;
		bool yes;
		const char *why;
	} rules[] = {
		{ 'r', 'f', false, "--record or --flame, not both" },
		{ 'y', 'f', true, "--symbols goes with --flame" },
		{ 's', 'r', true, "--seconds goes with --record" },
		{ 'i', 'r', false, "--interval does not go with --record" },
		{ 'c', 'r', false, "--count does not go with --record" },
		{ 'b', 'r', false, "--batch does not go with --record" },
		{ 'i', 'f', false, "--interval does not go with --flame" },
		{ 'c', 'f', false, "--count does not go with --flame" },
		{ 'b', 'f', false, "--batch does not go with --flame" },
		{ 'm', 'f', false, "--vm does not go with --flame" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (o->given[(int)rules[i].option] && o->given[(int)rules[i].with] != rules[i].yes)
			return rules[i].why;
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = { .root = STAT_ROOT, .tracefs = STAT_TRACEFS, .interval = 1,
			     .seconds = 10, .batch = !isatty(STDOUT_FILENO) };
	int c, at;

	opterr = 0;
	for (at = 1; (c = getopt_long(argc, argv, "+:h", longs, NULL)) != -1; at = optind)
		take_option(&o, c, argv[at]);
	if (optind < argc) {
		fprintf(stderr, "hvmon-stat: what is \"%s\"? See --help\n", argv[optind]);
		return 2;
	}
	if (useless(&o)) {
		fprintf(stderr, "hvmon-stat: %s\n", useless(&o));
		return 2;
	}
	catch_signals();
	if (o.record)
		return record(&o);
	if (o.flame)
		return flame(&o);
	return watch(&o);
}
