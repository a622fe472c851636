// SPDX-License-Identifier: GPL-2.0
/*
 * Disks and network interfaces that come and go while the guest runs. What is added
 * then is opened, in the keeper, and created, here, by the functions that do so at the
 * start, and what was there from the start can be removed just as well.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/dev.h"
#include "dev/pci.h"
#include "fds.h"
#include "keeper.h"
#include "plug.h"
#include "vm.h"

/* Options that came later, and their text, which the parser has cut up */
struct later {
	struct options opt;
	char text[];
};

struct plug {
	char id[16];			/* kind and index; "": there is none */
	unsigned int slot;
	bool removing;			/* the guest was asked for it */
	const struct disk_options *disk;	/* of its kind */
	const struct net_options *net;
	struct later *later;		/* NULL: it was there from the start */
};

struct plugs {
	struct plug disk[MAX_DISKS];
	struct plug net[MAX_NETS];
};

static const struct {
	const char *name;
	unsigned int max;
} kinds[PLUG_KINDS] = {
	[PLUG_DISK] = { "disk", MAX_DISKS },
	[PLUG_NET] = { "net", MAX_NETS },
};

static struct plug *plug_at(const struct vm *vm, unsigned int kind, unsigned int i)
{
	return kind == PLUG_DISK ? &vm->plugs->disk[i] : &vm->plugs->net[i];
}

/* Calls @fn for each until it returns true; that one, or NULL */
static struct plug *find(const struct vm *vm, bool (*fn)(struct plug *p, const void *arg),
			 const void *arg)
{
	for (unsigned int kind = 0; vm->plugs && kind < PLUG_KINDS; kind++)
		for (unsigned int i = 0; i < kinds[kind].max; i++) {
			struct plug *p = plug_at(vm, kind, i);

			if (*p->id && fn(p, arg))
				return p;
		}
	return NULL;
}

static const char *what(const struct plug *p)
{
	return p->disk ? p->disk->path : p->net->name;
}

/* The keeper's name for it */
static const void *key(const struct plug *p)
{
	return p->disk ? (const void *)p->disk : p->net;
}

static void forget(struct plug *p)
{
	if (p->later)
		keeper_forget(key(p));
	free(p->later);
	memset(p, 0, sizeof(*p));
}

/* The device that was just created has a name and a slot now */
static void settle(struct vm *vm, struct plug *p, enum plug_kind kind, unsigned int i,
		   unsigned int slot)
{
	snprintf(p->id, sizeof(p->id), "%s%u", kinds[kind].name, i);
	p->slot = slot;
	hotplug_allow(vm, slot);
}

int plug_note(struct vm *vm, enum plug_kind kind, unsigned int index)
{
	int slot = pci_newest(vm);
	struct plug *p;

	if (!vm->plugs)
		vm->plugs = calloc(1, sizeof(*vm->plugs));
	if (!vm->plugs || slot < 0)
		return complain(-1, "no memory");
	p = plug_at(vm, kind, index);
	if (kind == PLUG_DISK)
		p->disk = &vm->opt->disk[index];
	else
		p->net = &vm->opt->net[index];
	settle(vm, p, kind, index, slot);
	return 0;
}

/* ---- options that come later */

static unsigned int kind_of(const char *name)
{
	unsigned int kind = 0;

	while (kind < PLUG_KINDS && strcmp(kinds[kind].name, name))
		kind++;
	return kind;
}

/*
 * As the command line would have it beside what is there: duplicate addresses are seen.
 * @plugs: NULL: what that is has to be looked at elsewhere
 */
static struct later *parse(const struct options *before, const struct plugs *plugs,
			   enum plug_kind kind, const char *arg)
{
	struct later *later = calloc(1, sizeof(*later) + strlen(arg) + 1);
	struct options *opt = later ? &later->opt : NULL;

	if (!later) {
		complain(-1, "no memory");
		return NULL;
	}
	*opt = *before;
	memset(opt->disk, 0, sizeof(opt->disk));
	memset(opt->net, 0, sizeof(opt->net));
	opt->disks = 0;
	opt->nets = 0;
	for (unsigned int i = 0; plugs && i < MAX_NETS; i++)
		if (plugs->net[i].net)
			opt->net[opt->nets++] = *plugs->net[i].net;
	strcpy(later->text, arg);
	if (!options_add(opt, kinds[kind].name, later->text))
		return later;
	free(later);
	return NULL;
}

static const struct disk_options *disk_of(const struct later *later)
{
	return &later->opt.disk[later->opt.disks - 1];
}

static const struct net_options *net_of(const struct later *later)
{
	return &later->opt.net[later->opt.nets - 1];
}

/* ---- from the keeper to the launcher */

void plug_nothing(struct plug_device *d)
{
	*d = (struct plug_device){
		.kind = PLUG_KINDS, .entry = -1, .disk.fd = -1, .user.fd = -1,
	};
}

_Static_assert(2 * NET_PAIRS + 1 <= FDS_MAX, "an interface's descriptors");

unsigned int plug_descriptors(struct plug_device *d, int **field)
{
	unsigned int n = 0;

	if (d->kind == PLUG_DISK)
		field[n++] = d->disk.user ? &d->user.fd : &d->disk.fd;
	for (unsigned int i = 0; d->kind == PLUG_NET && i < d->net.pairs; i++) {
		field[n++] = &d->net.fd[i];
		if (d->net.vhost[i] >= 0)
			field[n++] = &d->net.vhost[i];
	}
	if (d->kind == PLUG_NET && d->net.watch >= 0)
		field[n++] = &d->net.watch;
	return n;
}

void plug_let_go(struct plug_device *d)
{
	int *field[FDS_MAX];
	unsigned int n = plug_descriptors(d, field);

	for (unsigned int i = 0; i < n; i++)
		close(*field[i]);
	plug_nothing(d);
}

static int open_disk(struct plug_device *d, const struct disk_options *opt)
{
	int ret = disk_open(&d->disk, opt);

	if (ret || !d->disk.user)
		return ret;
	d->user = *d->disk.user;
	free(d->disk.user);
	return 0;
}

int plug_open(struct plug_device *d, const struct options *opt, const char *kind_name,
	      const char *arg)
{
	unsigned int kind = kind_of(kind_name);
	struct later *later;
	int ret = 0;

	plug_nothing(d);
	/* The launcher says what it knows */
	if (kind == PLUG_KINDS)
		return 0;
	later = parse(opt, NULL, kind, arg);
	if (!later)
		return -1;
	if (kind == PLUG_DISK)
		ret = disk_user_announce(disk_of(later));
	else
		netback_announce(net_of(later));
	d->entry = keeper_keep(kind == PLUG_DISK ? (const void *)disk_of(later) : net_of(later),
			       later);
	/* An address for as long as it has its number */
	if (!ret)
		ret = kind == PLUG_DISK ? open_disk(d, disk_of(later)) :
		      netback_open(&d->net, net_of(later), MAX_NETS + d->entry);
	if (!ret)
		d->kind = kind;
	else
		keeper_drop(d->entry);
	if (d->entry < 0)
		free(later);
	return ret ? -1 : 0;
}

bool plug_receive(struct plug_device *d, const int *fds, unsigned int nr_fds)
{
	int *field[FDS_MAX];
	unsigned int n = plug_descriptors(d, field);

	if (n == nr_fds) {
		for (unsigned int i = 0; i < n; i++)
			*field[i] = fds[i];
		return true;
	}
	for (unsigned int i = 0; i < nr_fds; i++)
		close(fds[i]);
	plug_nothing(d);
	return false;
}

/* ---- adding */

static int create_disk(struct vm *vm, const struct disk_options *opt, struct plug_device *d)
{
	struct disk disk = d->disk;
	int ret;

	disk.opt = opt;
	if (disk.user) {
		disk.user = malloc(sizeof(*disk.user));
		if (!disk.user)
			return complain(-1, "no memory");
		*disk.user = d->user;
		disk.user->opt = opt;
	}
	plug_nothing(d);
	ret = blk_device_create(vm, &disk);
	/* If nobody has taken it over */
	disk_close(&disk);
	return ret;
}

static int create_net(struct vm *vm, const struct net_options *opt, struct plug_device *d)
{
	struct netback back = d->net;
	int ret;

	back.opt = opt;
	plug_nothing(d);
	ret = virtio_net_create(vm, &back);
	netback_close(&back);
	return ret ? complain(EXIT_HOST, "--net %s: %s", opt->name, strerror(-ret)) : 0;
}

static int create(struct vm *vm, struct plug *p, enum plug_kind kind, unsigned int i,
		  struct plug_device *d)
{
	int ret, slot;

	pci_hot(vm);
	pci_newest(vm);
	ret = kind == PLUG_DISK ? create_disk(vm, p->disk, d) : create_net(vm, p->net, d);
	slot = pci_newest(vm);
	if (!ret) {
		settle(vm, p, kind, i, slot);
		hotplug_tell(vm, slot);
		return 0;
	}
	/* Half made, but on the bus */
	if (slot >= 0)
		pci_detach(vm, slot);
	pci_reap(vm);
	return -1;
}

int plug_add(struct vm *vm, const char *kind_name, const char *arg, struct plug_device *d,
	     const char **id)
{
	unsigned int kind = kind_of(kind_name), i;
	struct plug *p = NULL;

	if (kind == PLUG_KINDS)
		return complain(-1, "add %s: want disk or net", kind_name);
	if (d->kind != kind)
		return complain(-1, "add %s: nothing was opened for it", kind_name);
	if (!vm->plugs)
		vm->plugs = calloc(1, sizeof(*vm->plugs));
	if (!vm->plugs)
		return complain(-1, "no memory");
	for (i = 0; i < kinds[kind].max && *plug_at(vm, kind, i)->id; i++)
		;
	if (i == kinds[kind].max)
		return complain(-1, "--%s: a guest has %u of them at most", kind_name, i);
	if (pci_full(vm))
		return complain(-1, "all %u slots of the PCI bus are taken; remove another device "
				"first", PCI_SLOTS - 1);
	p = plug_at(vm, kind, i);
	p->later = parse(vm->opt, vm->plugs, kind, arg);
	if (!p->later)
		return -1;
	if (kind == PLUG_DISK)
		p->disk = disk_of(p->later);
	else
		p->net = net_of(p->later);
	keeper_adopt(d->entry, key(p));
	if (create(vm, p, kind, i, d)) {
		forget(p);
		return -1;
	}
	*id = p->id;
	return 0;
}

/* ---- the others */

static bool has_id(struct plug *p, const void *id)
{
	return !strcmp(p->id, id);
}

int plug_remove(struct vm *vm, const char *id)
{
	struct plug *p = find(vm, has_id, id);

	if (!p)
		return complain(-1, "%s: no such device; \"list\" names them", id);
	if (!hotplug_allowed(vm, p->slot))
		return 0;
	if (!hotplug_ask(vm, p->slot))
		return complain(-1, "%s: the guest does not listen to hotplug (ACPI)", id);
	p->removing = true;
	return 0;
}

/* A name may have anything in it; the list has lines */
static bool print(struct plug *p, const void *to)
{
	FILE *f = (FILE *)to;

	fprintf(f, "%s %u %s ", p->id, p->slot, p->removing ? "removing" : "present");
	for (const char *s = what(p); *s; s++)
		fputc(iscntrl((unsigned char)*s) ? '?' : *s, f);
	fputc('\n', f);
	return false;
}

void plug_list(const struct vm *vm, FILE *to)
{
	find(vm, print, to);
}

static bool forget_gone(struct plug *p, const void *arg)
{
	if (!hotplug_allowed(arg, p->slot))
		forget(p);
	return false;
}

void plug_reaped(struct vm *vm)
{
	find(vm, forget_gone, vm);
}

static bool forget_any(struct plug *p, const void *arg)
{
	(void)arg;
	forget(p);
	return false;
}

void plug_free(struct vm *vm)
{
	find(vm, forget_any, NULL);
	free(vm->plugs);
	vm->plugs = NULL;
}
