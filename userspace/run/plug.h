/* SPDX-License-Identifier: GPL-2.0 */
/* Disks and network interfaces that come and go while the guest runs */
#ifndef RUN_PLUG_H
#define RUN_PLUG_H

#include <stdbool.h>
#include <stdio.h>

#include "disk_user.h"
#include "netback.h"

struct vm;

enum plug_kind { PLUG_DISK, PLUG_NET, PLUG_KINDS };

/**
 * struct plug_device - what is behind a device to come, from the keeper to the launcher
 * @kind: PLUG_KINDS: there is nothing
 * @entry: number in the keeper's list, or -1
 * @disk: its @user says that there is one, below
 *
 * Both are the same program: that leaves the descriptors, which travel along, and the
 * options, which both have from the same text.
 */
struct plug_device {
	enum plug_kind kind;
	int entry;
	struct disk disk;
	struct disk_user user;
	struct netback net;
};

/* ---- in both */

void plug_nothing(struct plug_device *d);
/* Where the descriptors are, FDS_MAX at most; how many */
unsigned int plug_descriptors(struct plug_device *d, int **field);
/* Closes those that nobody has taken over */
void plug_let_go(struct plug_device *d);

/* ---- in the keeper */

/*
 * Opens what the argument of option @kind, "disk" or "net", says, beside @opt. 0; or -1
 * after one line that says why there is nothing
 */
int plug_open(struct plug_device *d, const struct options *opt, const char *kind,
	      const char *arg);

/* ---- in the launcher */

/* Puts descriptors that came where they belong; false, and they are closed, if some have not */
bool plug_receive(struct plug_device *d, const int *fds, unsigned int nr_fds);

/*
 * All with the VM's lock, in the loop's thread or before it runs. Those that return an
 * int: 0; or -1 after one line that says why nothing has changed
 */

/* After the device of the options' disk or network interface @index was created */
int plug_note(struct vm *vm, enum plug_kind kind, unsigned int index);
/*
 * Adds a device of @kind, "disk" or "net", by the argument of that option, which is copied,
 * and what was opened for that. @id: its name from now on
 */
int plug_add(struct vm *vm, const char *kind, const char *arg, struct plug_device *d,
	     const char **id);
/* Asks the guest for the device; it goes when the guest gives it back */
int plug_remove(struct vm *vm, const char *id);
/* A line for each: name, slot, "present" or "removing", what is behind it */
void plug_list(const struct vm *vm, FILE *to);
/* Devices that the guest gave back have been released */
void plug_reaped(struct vm *vm);
/* After the devices */
void plug_free(struct vm *vm);

#endif
