/* SPDX-License-Identifier: GPL-2.0 */
/* Where a serial port or a console leads: standard input and output, a file, a socket */
#ifndef RUN_CHARDEV_H
#define RUN_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct chardev_options;
struct chardev;

/**
 * struct chardev_client - the device at the near end
 * @room: how many bytes receive() would take now
 * @receive: takes @n bytes of input
 * @drained: chardev_room() is true again
 */
struct chardev_client {
	size_t (*room)(void *arg);
	void (*receive)(void *arg, const uint8_t *p, size_t n);
	void (*drained)(void *arg);
	void *arg;
};

/* Tells the keeper before it starts what chardev_close() will ask it for. @opt stays */
void chardev_announce(const struct chardev_options *opt);
/*
 * As @opt says. Returns 0; or, after one line that says why it cannot be
 * had, an exit status. All functions are called with the VM's lock held.
 */
int chardev_open(struct vm *vm, const struct chardev_options *opt, struct chardev **chardev);
void chardev_attach(struct chardev *cd, const struct chardev_client *client);
/* Writes what is left, for at most a moment, and gives everything back */
void chardev_close(struct chardev *cd);

/* Output never blocks: it is lost if there is no room */
bool chardev_room(struct chardev *cd);
void chardev_put(struct chardev *cd, uint8_t byte);
/* The client has room for input again */
void chardev_more(struct chardev *cd);

#endif
