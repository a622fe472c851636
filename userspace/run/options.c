// SPDX-License-Identifier: GPL-2.0
/* The command line */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libhvmon.h"

#include "firmware.h"
#include "options.h"

#ifndef HVMON_RUN_VERSION
#define HVMON_RUN_VERSION "unknown"
#endif

static const char usage[] =
"hvmon-run - run one virtual machine on the hvmon hypervisor\n"
"\n"
"Usage: hvmon-run --kernel FILE [OPTION...]\n"
"       hvmon-run --firmware FILE [OPTION...]\n"
"       hvmon-run --flat FILE@ADDR [OPTION...]\n"
"       hvmon-run --ask PATH COMMAND...\n"
"\n"
"What to boot:\n"
"  --kernel FILE        Linux bzImage, ELF with a PVH note, or multiboot kernel\n"
"  --flat FILE@ADDR     raw image, loaded and entered at ADDR\n"
"  --flat-mode 16|32|64 processor mode at its entry (default 32)\n"
"  --initrd FILE        initial RAM disk, or the multiboot module\n"
"  --append STRING      kernel command line\n"
"  --firmware FILE      instead of a kernel: a BIOS image, which boots from the disks\n"
"  --boot-menu          ... and is to offer its menu before\n"
"The machine:\n"
"  --memory N[M|G]      guest memory, in MiB unless G is given (default 512)\n"
"  --memory-backend anon|memfd|hugetlb\n"
"                       where guest memory comes from (default anon)\n"
"  --cpus N             virtual processors, 1 to 64 (default 1)\n"
"  --cpu-without NAME[,NAME...]\n"
"                       CPUID features that the guest does not see\n"
"  --serial stdio|file:PATH|socket:PATH|none\n"
"                       where COM1 leads (default stdio; Ctrl-] ends the guest)\n"
"  --console stdio|file:PATH|socket:PATH|none\n"
"                       where a virtio console leads (default none)\n"
"  --debug-console stdio|file:PATH|socket:PATH|none\n"
"                       where port 0x402, a firmware's log, leads (default none)\n"
"  --disk FILE[,format=raw|qcow2][,ro][,cache=none|writeback][,serial=S]\n"
"       [,bus=virtio|scsi][,ring=split|packed][,iothread]\n"
"       [,iops=N][,bps=N[K|M|G]]\n"
"                       virtio disk: an image or a block device (up to 16)\n"
"  --disk vhost-user=SOCKET[,OPTION...]\n"
"                       virtio disk that another process serves\n"
"  --net tap=NAME[,mac=M][,queues=N][,vhost]\n"
"                       virtio network interface on a tap of the host (up to 8)\n"
"  --net bridge=NAME[,tag=VLAN][,mac=M][,queues=N][,vhost]\n"
"                       ... on a bridge of the host, as root\n"
"  --net user[,hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT]...[,loopback][,mac=M]\n"
"                       ... in a network of the launcher's, without privileges\n"
"  --vsock cid=N        virtio sockets to the host, as context N (from 3 on)\n"
"  --share DIR,tag=NAME[,ro]\n"
"                       virtio file system: a directory of the host (up to 8)\n"
"  --share vhost-user=SOCKET,tag=NAME\n"
"                       ... that another process serves\n"
"  --rng                virtio source of entropy\n"
"  --balloon            virtio balloon: memory that the guest frees is the host's\n"
"  --balloon-target N[M|G]\n"
"                       ... and the guest is asked to do with so much\n"
"  --name NAME          shown by the module's debugfs and traces\n"
"  --mmu tdp|shadow     guest paging: nested (default) or shadow page tables\n"
"  --testdev            exit port 0xf4 and other devices of test kernels\n"
"Other:\n"
"  --config FILE        more options, one a line, as in \"memory 1G\"\n"
"  --control PATH       a socket for commands while the guest runs: add disk,\n"
"                       add net, remove, list, power-button, quit, status\n"
"  --device PATH        the module's device node (default " HVMON_DEVICE ")\n"
"  --no-sandbox         all rights are kept while the guest runs, to debug it\n"
"  --verbose            say more on standard error\n"
"  --help               this text\n"
"  --version            version\n"
"\n"
"Exit status: 0 powered off, 2 usage or unusable file, 4 host, 6 reboot,\n"
"8 triple fault, 10 emulation failure, 12 invalid state, 14 memory fault,\n"
"16 unexpected exit, 18 escape key, 20 quit, odd: test device, 128+N signal N.\n"
"See hvmon-run(1).\n";

/* Who wants to hear this thread's complaints in place of standard error */
static __thread FILE *listener;

void complain_to(FILE *to)
{
	listener = to;
}

/* Where a line goes, which has begun as those on standard error do */
static FILE *begin_line(void)
{
	if (listener)
		return listener;
	fputs("hvmon-run: ", stderr);
	return stderr;
}

int complain(int status, const char *fmt, ...)
{
	FILE *to = begin_line();
	va_list ap;

	va_start(ap, fmt);
	vfprintf(to, fmt, ap);
	fputc('\n', to);
	va_end(ap);
	return status;
}

/* What is being read by --config */
static const char *config_path;
static unsigned int config_line;

static int bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int bad(const char *fmt, ...)
{
	FILE *to = begin_line();
	va_list ap;

	va_start(ap, fmt);
	if (config_path)
		fprintf(to, "%s:%u: ", config_path, config_line);
	vfprintf(to, fmt, ap);
	fputs(" (see hvmon-run --help)\n", to);
	va_end(ap);
	return -1;
}

/* A number without sign or trailing garbage other than @suffix */
static int number(const char *s, int base, uint64_t *val, char **suffix)
{
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	*val = strtoull(s, &end, base);
	if (errno || (!suffix && *end))
		return -1;
	if (suffix)
		*suffix = end;
	return 0;
}

/* Bytes of guest memory, in MiB without a unit, for option @name */
static int parse_size(const char *name, const char *arg, uint64_t *size)
{
	uint64_t n, unit = MiB;
	char *suffix;

	if (number(arg, 10, &n, &suffix))
		return bad("--%s %s: not a number", name, arg);
	if (!strcmp(suffix, "G") || !strcmp(suffix, "g"))
		unit = GiB;
	else if (*suffix && strcmp(suffix, "M") && strcmp(suffix, "m"))
		return bad("--%s %s: want a whole number of MiB, or of GiB with G", name, arg);
	if (n > (1ULL << 52) / unit)
		return bad("--%s %s: more than any processor can address", name, arg);
	if (n * unit < 2 * MiB)
		return bad("--%s %s: a guest needs 2 MiB at least", name, arg);
	*size = n * unit;
	return 0;
}

static int parse_cpus(struct options *opt, const char *arg)
{
	uint64_t n;

	if (number(arg, 10, &n, NULL))
		return bad("--cpus %s: not a number", arg);
	if (n < 1 || n > HVMON_MAX_VCPUS)
		return bad("--cpus %s: a guest has 1 to %d virtual processors", arg,
			   HVMON_MAX_VCPUS);
	opt->cpus = n;
	return 0;
}

static int parse_without(struct options *opt, const char *arg)
{
	while (*arg) {
		size_t len = strcspn(arg, ",");
		int feature = feature_find(arg, len);

		if (feature < 0) {
			char names[256] = "";

			for (unsigned int i = 0; feature_name(i); i++)
				snprintf(names + strlen(names), sizeof(names) - strlen(names),
					 " %s", feature_name(i));
			return bad("--cpu-without %.*s: not one of the features that can be "
				   "hidden:%s", (int)len, arg, names);
		}
		opt->cpu_without |= 1ULL << feature;
		arg += len;
		arg += *arg == ',';
	}
	return opt->cpu_without ? 0 : bad("--cpu-without: want NAME[,NAME...]");
}

static int parse_flat(struct options *opt, char *arg)
{
	char *at = strrchr(arg, '@');

	if (!at || at == arg || number(at + 1, 0, &opt->flat_addr, NULL))
		return bad("--flat %s: want FILE@ADDR, such as image.bin@0x100000", arg);
	*at = '\0';
	opt->kernel = arg;
	opt->flat = true;
	return 0;
}

static int parse_chardev(struct chardev_options *co, const char *arg)
{
	co->given = true;
	co->path = NULL;
	if (!strcmp(arg, "stdio")) {
		co->kind = CHARDEV_STDIO;
	} else if (!strcmp(arg, "none")) {
		co->kind = CHARDEV_NONE;
	} else if (!strncmp(arg, "file:", 5) && arg[5]) {
		co->kind = CHARDEV_FILE;
		co->path = arg + 5;
	} else if (!strncmp(arg, "socket:", 7) && arg[7]) {
		co->kind = CHARDEV_SOCKET;
		co->path = arg + 7;
	} else {
		return bad("--%s %s: want stdio, file:PATH, socket:PATH or none", co->name, arg);
	}
	return 0;
}

static int parse_name(struct options *opt, const char *arg)
{
	if (!*arg || strlen(arg) >= HVMON_NAME_LEN)
		return bad("--name %s: want 1 to %d characters", arg, HVMON_NAME_LEN - 1);
	for (const char *p = arg; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '/')
			return bad("--name: want printable ASCII without blanks and '/'");
	opt->name = arg;
	return 0;
}

/* Index of @arg in a list of words, or -1 */
static int word(const char *arg, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(arg, words[i]))
			return i;
	return -1;
}

static int parse_backend(struct options *opt, const char *arg)
{
	static const char *const words[] = { "anon", "memfd", "hugetlb", NULL };
	int i = word(arg, words);

	if (i < 0)
		return bad("--memory-backend %s: want anon, memfd or hugetlb", arg);
	opt->backend = i;
	return 0;
}

static int parse_mmu(struct options *opt, const char *arg)
{
	static const char *const words[] = { "tdp", "shadow", NULL };
	int i = word(arg, words);

	if (i < 0)
		return bad("--mmu %s: want tdp or shadow", arg);
	opt->mmu = i;
	return 0;
}

static int parse_flat_mode(struct options *opt, const char *arg)
{
	static const char *const words[] = { "16", "32", "64", NULL };
	int i = word(arg, words);

	if (i < 0)
		return bad("--flat-mode %s: want 16, 32 or 64", arg);
	opt->flat_mode = 16 << i;
	return 0;
}

/* The value of @key in @word, "key=value"; NULL if that is another key */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(word, key, n) && word[n] == '=' ? word + n + 1 : NULL;
}

/* A limit a second, with a unit of 1024 if @units */
static int parse_rate(uint64_t *rate, const char *key, const char *arg, bool units)
{
	static const char letters[] = "KMG";
	const char *unit = NULL;
	unsigned int shift;
	char *suffix;
	uint64_t n;

	if (number(arg, 10, &n, &suffix))
		return bad("--disk: %s=%s: not a number", key, arg);
	if (*suffix) {
		unit = suffix[1] ? NULL : strchr(letters, toupper((unsigned char)*suffix));
		if (!units || !unit)
			return bad("--disk: %s=%s: %s", key, arg,
				   units ? "the unit is K, M or G" : "a number has no unit here");
	}
	shift = unit ? 10 * (unit - letters + 1) : 0;
	if (!n || n > 1ULL << (40 - shift))
		return bad("--disk: %s=%s: want 1 at least, and no more than a disk can do", key,
			   arg);
	*rate = n << shift;
	return 0;
}

static int parse_bus(struct disk_options *disk, const char *arg)
{
	static const char *const words[] = { "virtio", "scsi", NULL };
	int i = word(arg, words);

	if (i < 0)
		return bad("--disk: bus=%s: want virtio or scsi", arg);
	if (disk->bus)
		return bad("--disk: bus=%s: it has a bus already", arg);
	disk->bus = DISK_VIRTIO + i;
	return 0;
}

static int parse_disk_word(struct disk_options *disk, const char *w)
{
	const char *v;

	if (!strcmp(w, "ro")) {
		disk->ro = true;
		return 0;
	}
	if (!strcmp(w, "iothread") || !strcmp(w, "iothread=1")) {
		disk->iothread = true;
		return 0;
	}
	v = value_of(w, "format");
	if (v) {
		if (strcmp(v, "raw") && strcmp(v, "qcow2"))
			return bad("--disk: format=%s: want raw or qcow2", v);
		if (disk->socket)
			return bad("--disk: format=: not with vhost-user=");
		disk->format = strcmp(v, "raw") ? DISK_QCOW2 : DISK_RAW;
		return 0;
	}
	v = value_of(w, "cache");
	if (v) {
		if (strcmp(v, "none") && strcmp(v, "writeback"))
			return bad("--disk: cache=%s: want none or writeback", v);
		if (disk->socket)
			return bad("--disk: cache=: not with vhost-user=");
		disk->direct = !strcmp(v, "none");
		return 0;
	}
	v = value_of(w, "ring");
	if (v) {
		if (strcmp(v, "split") && strcmp(v, "packed"))
			return bad("--disk: ring=%s: want split or packed", v);
		disk->packed = !strcmp(v, "packed");
		return 0;
	}
	v = value_of(w, "bus");
	if (v)
		return parse_bus(disk, v);
	v = value_of(w, "iops");
	if (v)
		return parse_rate(&disk->iops, "iops", v, false);
	v = value_of(w, "bps");
	if (v)
		return parse_rate(&disk->bps, "bps", v, true);
	v = value_of(w, "serial");
	if (!v)
		return bad("--disk: %s: want format=, ro, cache=, bus=, ring=, iothread, "
			   "iops=, bps= or serial=", w);
	if (!*v || strlen(v) > DISK_SERIAL)
		return bad("--disk: serial=%s: want 1 to %d characters", v, DISK_SERIAL);
	for (const char *p = v; *p; p++)
		if (*p <= ' ' || *p > '~')
			return bad("--disk: serial: want printable ASCII without blanks");
	disk->serial = v;
	return 0;
}

static int parse_disk(struct options *opt, char *arg)
{
	struct disk_options *disk = &opt->disk[opt->disks];
	char *rest = strchr(arg, ',');

	if (opt->disks == MAX_DISKS)
		return bad("--disk: a guest has %d disks at most", MAX_DISKS);
	if (rest)
		*rest++ = '\0';
	if (!*arg)
		return bad("--disk: want FILE[,OPTION...]");
	opt->disks++;
	disk->path = arg;
	disk->socket = value_of(arg, "vhost-user");
	/* What fits struct sockaddr_un */
	if (disk->socket && (!*disk->socket || strlen(disk->socket) > 107))
		return bad("--disk %s: want vhost-user=SOCKET, of 1 to 107 characters", arg);
	while (rest) {
		char *w = rest;

		rest = strchr(w, ',');
		if (rest)
			*rest++ = '\0';
		if (parse_disk_word(disk, w))
			return -1;
	}
	for (const struct disk_options *d = opt->disk; d < disk; d++)
		if (!strcmp(d->path, arg) && !(d->ro && disk->ro))
			return bad("--disk %s: given twice, which only disks with ro can be", arg);
	if (disk->iothread && disk_uses_process(disk))
		return bad("--disk %s: iothread: only for format=raw; another process does the "
			   "work of this disk", arg);
	return 0;
}

static int parse_mac(struct net_options *net, const char *arg)
{
	uint8_t *m = net->mac;
	int end = 0;

	if (sscanf(arg, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3],
		   &m[4], &m[5], &end) != 6 || end != 17 || arg[end])
		return bad("--net: mac=%s: want six bytes, such as 02:00:00:00:00:01", arg);
	if (net->mac[0] & 1)
		return bad("--net: mac=%s: an address of a group", arg);
	net->has_mac = true;
	return 0;
}

/* "[ADDRESS]:PORT", which is cut up */
static int parse_endpoint(char *arg, uint32_t *addr, uint16_t *port)
{
	char *colon = strchr(arg, ':');
	uint64_t n;

	if (!colon)
		return -1;
	*colon = '\0';
	if (number(colon + 1, 10, &n, NULL) || !n || n > 65535)
		return -1;
	*port = n;
	*addr = 0;
	return !*arg || inet_pton(AF_INET, arg, addr) == 1 ? 0 : -1;
}

static int parse_forward(struct net_options *net, const char *arg)
{
	struct net_forward *f = &net->forward[net->forwards];
	char ends[64], *dash;

	if (net->forwards == MAX_FORWARDS)
		return bad("--net: an interface has %d forwards at most", MAX_FORWARDS);
	f->text = arg;
	f->udp = !strncmp(arg, "udp:", 4);
	if ((f->udp || !strncmp(arg, "tcp:", 4)) && strlen(arg + 4) < sizeof(ends)) {
		strcpy(ends, arg + 4);
		dash = strchr(ends, '-');
		if (dash)
			*dash++ = '\0';
		if (dash && !parse_endpoint(ends, &f->host, &f->host_port) &&
		    !parse_endpoint(dash, &f->guest, &f->guest_port)) {
			net->forwards++;
			return 0;
		}
	}
	return bad("--net: hostfwd=%s: want tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT, such as "
		   "tcp:127.0.0.1:2222-:22", arg);
}

static int parse_tag(struct net_options *net, const char *arg)
{
	uint64_t n;

	/* IEEE 802.1Q: 0 is no VLAN, 4095 is reserved */
	if (number(arg, 10, &n, NULL) || n < 1 || n > 4094)
		return bad("--net: tag=%s: want 1 to 4094", arg);
	net->tag = n;
	return 0;
}

static int parse_queues(struct net_options *net, const char *arg)
{
	uint64_t n;

	if (number(arg, 10, &n, NULL) || n < 1 || n > NET_PAIRS)
		return bad("--net: queues=%s: want 1 to %d", arg, NET_PAIRS);
	net->queues = n;
	return 0;
}

static int parse_net_word(struct options *opt, struct net_options *net, const char *w)
{
	const char *v = value_of(w, "mac");

	if (v && parse_mac(net, v))
		return -1;
	for (unsigned int i = 0; v && i < opt->nets; i++)
		if (opt->net[i].has_mac && !memcmp(net->mac, opt->net[i].mac, 6))
			return bad("--net: mac=%s: two interfaces have it", v);
	if (v)
		return 0;
	if ((net->tap || net->bridge) && !strcmp(w, "vhost")) {
		net->vhost = true;
		return 0;
	}
	v = net->tap || net->bridge ? value_of(w, "queues") : NULL;
	if (v)
		return parse_queues(net, v);
	v = net->bridge ? value_of(w, "tag") : NULL;
	if (v)
		return parse_tag(net, v);
	if (net->tap || net->bridge)
		return bad("--net: %s: want mac=, queues=%s or vhost", w,
			   net->bridge ? ", tag=" : "");
	if (!strcmp(w, "loopback")) {
		net->loopback = true;
		return 0;
	}
	v = value_of(w, "hostfwd");
	return v ? parse_forward(net, v) : bad("--net: %s: want hostfwd=, loopback or mac=", w);
}

static int parse_net(struct options *opt, char *arg)
{
	struct net_options *net = &opt->net[opt->nets];
	char *rest = strchr(arg, ',');
	const char *name;

	if (opt->nets == MAX_NETS)
		return bad("--net: a guest has %d network interfaces at most", MAX_NETS);
	if (rest)
		*rest++ = '\0';
	net->name = arg;
	net->tap = value_of(arg, "tap");
	net->bridge = value_of(arg, "bridge");
	name = net->tap ? net->tap : net->bridge;
	if (!name && strcmp(arg, "user"))
		return bad("--net %s: want tap=NAME, bridge=NAME or user", arg);
	if (name && (!*name || strlen(name) > NET_NAME))
		return bad("--net %s: want NAME of 1 to %d characters", arg, NET_NAME);
	while (rest) {
		char *w = rest;

		rest = strchr(w, ',');
		if (rest)
			*rest++ = '\0';
		if (parse_net_word(opt, net, w))
			return -1;
	}
	opt->nets++;
	return 0;
}

static int parse_vsock(struct options *opt, const char *arg)
{
	const char *v = value_of(arg, "cid");
	uint64_t n;

	if (!v || number(v, 10, &n, NULL))
		return bad("--vsock %s: want cid=N", arg);
	/* virtio 1.2, 5.10.4: 0, 1 and 2 (the host) are reserved, and so is the last */
	if (n < 3 || n >= UINT32_MAX)
		return bad("--vsock cid=%s: want 3 to %u", v, UINT32_MAX - 1);
	opt->vsock_cid = n;
	return 0;
}

static int parse_share_tag(struct options *opt, struct share_options *share, const char *tag)
{
	/* virtio 1.2, 5.11.4: what fits, and there is no byte for an end */
	if (!*tag || strlen(tag) > SHARE_TAG)
		return bad("--share: tag=%s: want 1 to %d bytes", tag, SHARE_TAG);
	for (const char *p = tag; *p; p++)
		if (iscntrl((unsigned char)*p))
			return bad("--share: tag: a control character");
	for (unsigned int i = 0; i < opt->shares; i++)
		if (!strcmp(tag, opt->share[i].tag))
			return bad("--share: tag=%s: two shares have it", tag);
	share->tag = tag;
	return 0;
}

static int parse_share(struct options *opt, char *arg)
{
	struct share_options *share = &opt->share[opt->shares];
	char *rest = strchr(arg, ',');

	if (opt->shares == MAX_SHARES)
		return bad("--share: a guest has %d shares at most", MAX_SHARES);
	if (rest)
		*rest++ = '\0';
	share->path = arg;
	share->socket = value_of(arg, "vhost-user");
	if (!*arg)
		return bad("--share: want DIR,tag=NAME[,ro]");
	if (share->socket && (!*share->socket || strlen(share->socket) > 107))
		return bad("--share %s: want vhost-user=SOCKET, of 1 to 107 characters", arg);
	while (rest) {
		char *w = rest;
		const char *tag = value_of(w, "tag");

		rest = strchr(w, ',');
		if (rest)
			*rest++ = '\0';
		if (tag && parse_share_tag(opt, share, tag))
			return -1;
		if (!tag && strcmp(w, "ro"))
			return bad("--share: %s: want tag= or ro", w);
		if (!tag && share->socket)
			return bad("--share: ro: not with vhost-user=, whose process decides");
		if (!tag)
			share->ro = true;
	}
	if (!share->tag)
		return bad("--share %s: want tag=NAME, by which the guest mounts it", arg);
	opt->shares++;
	return 0;
}

enum {
	OPT_KERNEL = 256, OPT_FLAT, OPT_FLAT_MODE, OPT_INITRD, OPT_APPEND, OPT_MEMORY,
	OPT_BACKEND, OPT_CPUS, OPT_WITHOUT, OPT_SERIAL, OPT_CONSOLE, OPT_DISK, OPT_NET, OPT_VSOCK,
	OPT_RNG, OPT_BALLOON, OPT_TARGET, OPT_NAME, OPT_MMU, OPT_TESTDEV, OPT_DEVICE, OPT_CONFIG,
	OPT_CONTROL, OPT_SHARE, OPT_FIRMWARE, OPT_BOOT_MENU, OPT_DEBUG_CONSOLE,
	OPT_NO_SANDBOX, OPT_VERBOSE, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "flat", required_argument, NULL, OPT_FLAT },
	{ "flat-mode", required_argument, NULL, OPT_FLAT_MODE },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "firmware", required_argument, NULL, OPT_FIRMWARE },
	{ "boot-menu", no_argument, NULL, OPT_BOOT_MENU },
	{ "debug-console", required_argument, NULL, OPT_DEBUG_CONSOLE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "memory-backend", required_argument, NULL, OPT_BACKEND },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "cpu-without", required_argument, NULL, OPT_WITHOUT },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "net", required_argument, NULL, OPT_NET },
	{ "vsock", required_argument, NULL, OPT_VSOCK },
	{ "share", required_argument, NULL, OPT_SHARE },
	{ "rng", no_argument, NULL, OPT_RNG },
	{ "balloon", no_argument, NULL, OPT_BALLOON },
	{ "balloon-target", required_argument, NULL, OPT_TARGET },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "mmu", required_argument, NULL, OPT_MMU },
	{ "testdev", no_argument, NULL, OPT_TESTDEV },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int read_config(struct options *opt, const char *path);

/* A path that a shell's unset variable has left empty has no message of its own */
static const char *empty_path(int c, const char *arg)
{
	static const int paths[] = {
		OPT_KERNEL, OPT_INITRD, OPT_FIRMWARE, OPT_DEVICE, OPT_CONTROL, OPT_CONFIG,
	};
	const struct option *o;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (c != paths[i] || *arg)
			continue;
		for (o = long_options; o->val != c; o++)
			;
		return o->name;
	}
	return NULL;
}

static int parse_one(struct options *opt, int c, char *arg)
{
	const char *empty = empty_path(c, arg);

	if (empty)
		return bad("--%s: the name of a file is empty", empty);
	switch (c) {
	case OPT_KERNEL:
	case OPT_FLAT:
		if (opt->kernel)
			return bad("--kernel and --flat: one of them, once");
		if (c == OPT_FLAT)
			return parse_flat(opt, arg);
		opt->kernel = arg;
		return 0;
	case OPT_FLAT_MODE:
		return parse_flat_mode(opt, arg);
	case OPT_INITRD:
		opt->initrd = arg;
		return 0;
	case OPT_APPEND:
		opt->append = arg;
		return 0;
	case OPT_FIRMWARE:
		opt->firmware = arg;
		return 0;
	case OPT_BOOT_MENU:
		opt->boot_menu = true;
		return 0;
	case OPT_DEBUG_CONSOLE:
		return parse_chardev(&opt->debug_console, arg);
	case OPT_MEMORY:
		return parse_size("memory", arg, &opt->memory);
	case OPT_BACKEND:
		return parse_backend(opt, arg);
	case OPT_CPUS:
		return parse_cpus(opt, arg);
	case OPT_WITHOUT:
		return parse_without(opt, arg);
	case OPT_SERIAL:
		return parse_chardev(&opt->serial, arg);
	case OPT_CONSOLE:
		return parse_chardev(&opt->console, arg);
	case OPT_DISK:
		return parse_disk(opt, arg);
	case OPT_NET:
		return parse_net(opt, arg);
	case OPT_VSOCK:
		return parse_vsock(opt, arg);
	case OPT_SHARE:
		return parse_share(opt, arg);
	case OPT_RNG:
		opt->rng = true;
		return 0;
	case OPT_TARGET:
		opt->balloon = true;
		return parse_size("balloon-target", arg, &opt->balloon_target);
	case OPT_BALLOON:
		opt->balloon = true;
		return 0;
	case OPT_NAME:
		return parse_name(opt, arg);
	case OPT_MMU:
		return parse_mmu(opt, arg);
	case OPT_TESTDEV:
		opt->testdev = true;
		return 0;
	case OPT_DEVICE:
		opt->device = arg;
		return 0;
	case OPT_CONTROL:
		opt->control = arg;
		return 0;
	case OPT_CONFIG:
		return read_config(opt, arg);
	case OPT_NO_SANDBOX:
		opt->no_sandbox = true;
		return 0;
	case OPT_VERBOSE:
		opt->verbose = true;
		return 0;
	}
	return bad("unknown option or missing argument");
}

/* "NAME" or "NAME VALUE", where the value is all that follows, cut up for good */
static int parse_line(struct options *opt, char *line)
{
	size_t len = strcspn(line, " \t");
	char *value = line + len + strspn(line + len, " \t");
	const struct option *o;

	line[len] = '\0';
	for (o = long_options; o->name && strcmp(o->name, line); o++)
		;
	if (!o->name || o->val == OPT_CONFIG || o->val == OPT_HELP || o->val == OPT_VERSION)
		return bad("%s: not an option for a file; want its name without --", line);
	if (o->has_arg && !*value)
		return bad("%s: an argument is missing", line);
	if (!o->has_arg && *value)
		return bad("%s: it takes no argument", line);
	return parse_one(opt, o->val, value);
}

static int read_config(struct options *opt, const char *path)
{
	FILE *f = fopen(path, "re");
	int ret = 0;

	if (!f)
		return bad("--config %s: %s", path, strerror(errno));
	config_path = path;
	for (config_line = 1; !ret; config_line++) {
		char *line = NULL;
		size_t size = 0;
		ssize_t n = getline(&line, &size, f);

		if (n < 0) {
			free(line);
			break;
		}
		if (strlen(line) != (size_t)n) {
			ret = bad("a byte of 0");
			break;
		}
		/* Blanks around do not count. Lines stay: options point to them */
		while (n && strchr(" \t\r\n", line[n - 1]))
			line[--n] = '\0';
		line += strspn(line, " \t");
		if (*line && *line != '#')
			ret = parse_line(opt, line);
	}
	config_path = NULL;
	if (!ret && ferror(f))
		ret = bad("--config %s: %s", path, strerror(errno));
	fclose(f);
	return ret;
}

/* The process behind a device sees what the guest has there */
static int share_memory(struct options *opt, const char *name, const char *path)
{
	if (opt->backend == MEM_HUGETLB)
		return bad("--%s %s: its process needs guest memory that can be shared: not "
			   "--memory-backend hugetlb", name, path);
	opt->backend = MEM_MEMFD;
	return 0;
}

/* One thing to boot, and no word about it that nobody would read */
static int check_boot(const struct options *opt)
{
	if (!opt->kernel && !opt->firmware)
		return bad("nothing to boot: give --kernel FILE, --flat FILE@ADDR or "
			   "--firmware FILE");
	if (opt->kernel && opt->firmware)
		return bad("--firmware: it boots from disks: not with --kernel or --flat");
	if (opt->firmware && (opt->initrd || *opt->append))
		return bad("--firmware: --initrd and --append go with --kernel");
	if (opt->boot_menu && !opt->firmware)
		return bad("--boot-menu: it goes with --firmware");
	if (opt->flat_mode && !opt->flat)
		return bad("--flat-mode: it goes with --flat");
	return 0;
}

/* At most one device has the terminal, and COM1 leaves it to another by itself */
static int check_stdio(struct options *opt)
{
	int others = (opt->console.kind == CHARDEV_STDIO) +
		     (opt->debug_console.kind == CHARDEV_STDIO);

	if (others > 1)
		return bad("--console and --debug-console: one of them can be stdio");
	if (opt->serial.kind != CHARDEV_STDIO || !others)
		return 0;
	if (opt->serial.given)
		return bad("--serial and --%s: one of them can be stdio",
			   opt->console.kind == CHARDEV_STDIO ? "console" : "debug-console");
	opt->serial.kind = CHARDEV_NONE;
	return 0;
}

/* What getopt_long() has refused: the word @arg, perhaps for the sake of option @val */
static int refuse(const char *arg, int val)
{
	size_t len = strcspn(arg, "=");
	unsigned int alike = 0;

	if (val >= OPT_KERNEL)
		return bad("%.*s: it takes no argument", (int)len, arg);
	if (arg[1] != '-')
		return bad("%s: unknown option; options begin with --", arg);
	if (len > 2 && !strncmp(arg, "--ask", len))
		return bad("%s: it comes before all other words", arg);
	for (const struct option *o = long_options; o->name; o++)
		alike += !strncmp(o->name, arg + 2, len - 2);
	return bad("%s: %s", arg, alike ? "several options begin so" : "unknown option");
}

/* getopt's own message would lack the hint; '+' stops at the first operand */
static int parse_all(struct options *opt, int argc, char **argv, int *status)
{
	opterr = 0;
	for (;;) {
		int at = optind, c = getopt_long(argc, argv, "+:h", long_options, NULL);

		if (c == -1)
			break;
		if (c == OPT_HELP || c == 'h') {
			fputs(usage, stdout);
			*status = 0;
			return -1;
		}
		if (c == OPT_VERSION) {
			puts("hvmon-run " HVMON_RUN_VERSION);
			*status = 0;
			return -1;
		}
		if (c == ':')
			return bad("%s: an argument is missing", argv[at]);
		if (c == '?')
			return refuse(argv[at], optopt);
		if (parse_one(opt, c, optarg))
			return -1;
	}
	if (optind < argc)
		return bad("%s: unexpected argument", argv[optind]);
	if (check_boot(opt))
		return -1;
	if (!opt->flat_mode)
		opt->flat_mode = 32;
	if (opt->balloon_target > opt->memory)
		return bad("--balloon-target: %llu MiB are more than --memory's %llu MiB",
			   opt->balloon_target / MiB, opt->memory / MiB);
	if (opt->balloon && opt->backend == MEM_HUGETLB)
		return bad("--balloon: reserved huge pages cannot be given back: not with "
			   "--memory-backend hugetlb");
	for (unsigned int i = 0; i < opt->nets; i++)
		opt->net[i].no_sandbox = opt->no_sandbox;
	for (unsigned int i = 0; i < opt->disks; i++)
		if (disk_uses_process(&opt->disk[i]) &&
		    share_memory(opt, "disk", opt->disk[i].path))
			return -1;
	for (unsigned int i = 0; i < opt->shares; i++)
		if (share_memory(opt, "share", opt->share[i].path))
			return -1;
	return check_stdio(opt);
}

int options_add(struct options *opt, const char *name, char *arg)
{
	if (!strcmp(name, "net")) {
		if (parse_net(opt, arg))
			return -1;
		opt->net[opt->nets - 1].no_sandbox = opt->no_sandbox;
		return 0;
	}
	if (parse_disk(opt, arg))
		return -1;
	if (disk_uses_process(&opt->disk[opt->disks - 1]) && opt->backend != MEM_MEMFD)
		return bad("--disk %s: its process needs guest memory that can be shared: start "
			   "the guest with --memory-backend memfd", arg);
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv, int *status)
{
	*opt = (struct options){
		.memory = 512 * MiB,
		.cpus = 1,
		.append = "",
		.serial = { .name = "serial", .kind = CHARDEV_STDIO },
		.console = { .name = "console", .kind = CHARDEV_NONE },
		.debug_console = { .name = "debug-console", .kind = CHARDEV_NONE },
		.device = HVMON_DEVICE,
	};
	*status = EXIT_USAGE;
	return parse_all(opt, argc, argv, status);
}
