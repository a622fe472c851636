/* SPDX-License-Identifier: GPL-2.0 */
/* Disks and network interfaces that come and go while the guest runs */
#ifndef RUN_PLUG_H
#define RUN_PLUG_H

#include <stdio.h>

struct vm;

enum plug_kind { PLUG_DISK, PLUG_NET, PLUG_KINDS };

/*
 * All with the VM's lock, in the loop's thread or before it runs. Those that return an
 * int: 0; or -1 after one line that says why nothing has changed
 */

/* After the device of the options' disk or network interface @index was created */
int plug_note(struct vm *vm, enum plug_kind kind, unsigned int index);
/*
 * Adds a device of @kind, "disk" or "net", by the argument of that option, which is copied. @id:
 * its name from now on
 */
int plug_add(struct vm *vm, const char *kind, const char *arg, const char **id);
/* Asks the guest for the device; it goes when the guest gives it back */
int plug_remove(struct vm *vm, const char *id);
/* A line for each: name, slot, "present" or "removing", what is behind it */
void plug_list(const struct vm *vm, FILE *to);
/* Devices that the guest gave back have been released */
void plug_reaped(struct vm *vm);
/* After the devices */
void plug_free(struct vm *vm);

#endif
