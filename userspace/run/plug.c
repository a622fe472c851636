// SPDX-License-Identifier: GPL-2.0
/*
 * Disks and network interfaces that come and go while the guest runs. What is added
 * then is opened and created by the functions that do so at the start, and what was
 * there from the start can be removed just as well.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dev/dev.h"
#include "dev/pci.h"
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

static void forget(struct plug *p)
{
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

/* ---- adding */

/* As the command line would have it beside what is there: duplicate addresses are seen */
static struct later *parse(struct vm *vm, enum plug_kind kind, const char *arg)
{
	struct later *later = calloc(1, sizeof(*later) + strlen(arg) + 1);
	struct options *opt = later ? &later->opt : NULL;

	if (!later) {
		complain(-1, "no memory");
		return NULL;
	}
	*opt = *vm->opt;
	memset(opt->disk, 0, sizeof(opt->disk));
	memset(opt->net, 0, sizeof(opt->net));
	opt->disks = 0;
	opt->nets = 0;
	for (unsigned int i = 0; i < MAX_NETS; i++)
		if (vm->plugs->net[i].net)
			opt->net[opt->nets++] = *vm->plugs->net[i].net;
	strcpy(later->text, arg);
	if (!options_add(opt, kinds[kind].name, later->text))
		return later;
	free(later);
	return NULL;
}

static int create_disk(struct vm *vm, const struct disk_options *opt)
{
	struct disk disk = { .fd = -1 };
	int ret = disk_open(&disk, opt);

	if (ret)
		return ret;
	ret = blk_device_create(vm, &disk);
	/* If nobody has taken it over */
	disk_close(&disk);
	return ret;
}

static int create_net(struct vm *vm, const struct net_options *opt, unsigned int index)
{
	struct netback back;
	int ret;

	/* Its process would be a copy of this one, which has the guest's memory and files */
	if (!opt->tap && !opt->bridge)
		return complain(EXIT_USAGE, "--net %s: only from the guest's start on: want "
				"tap=NAME or bridge=NAME", opt->name);
	ret = netback_open(&back, opt, index);
	if (ret)
		return ret;
	ret = virtio_net_create(vm, &back);
	netback_close(&back);
	return ret ? complain(EXIT_HOST, "--net %s: %s", opt->name, strerror(-ret)) : 0;
}

static int create(struct vm *vm, struct plug *p, enum plug_kind kind, unsigned int i)
{
	int ret, slot;

	pci_hot(vm);
	pci_newest(vm);
	ret = kind == PLUG_DISK ? create_disk(vm, p->disk) : create_net(vm, p->net, i);
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

int plug_add(struct vm *vm, const char *kind_name, const char *arg, const char **id)
{
	struct plug *p = NULL;
	unsigned int kind, i;

	for (kind = 0; kind < PLUG_KINDS && strcmp(kinds[kind].name, kind_name); kind++)
		;
	if (kind == PLUG_KINDS)
		return complain(-1, "add %s: want disk or net", kind_name);
	/* keeper.h says what it takes to change that */
	if (!vm->opt->no_sandbox)
		return complain(-1, "add: the sandbox lets nothing be opened any more; only a "
				"guest started with --no-sandbox can be given devices");
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
	p->later = parse(vm, kind, arg);
	if (!p->later)
		return -1;
	if (kind == PLUG_DISK)
		p->disk = &p->later->opt.disk[p->later->opt.disks - 1];
	else
		p->net = &p->later->opt.net[p->later->opt.nets - 1];
	if (create(vm, p, kind, i)) {
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
