/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that works for one device alone: an event loop beside the main one */
#ifndef RUN_IOTHREAD_H
#define RUN_IOTHREAD_H

#include "loop.h"

/**
 * struct iothread - an event loop and who runs it
 * @loop: what its thread waits for; callbacks come with @lock held, not the VM's
 * @lock: guards the device. Who has it may not take the VM's: the order is the other
 *	way round
 */
struct iothread {
	struct loop loop;
	pthread_mutex_t lock;
	pthread_t thread;
	bool running;
	char name[16];
};

/* Nobody runs it yet. NULL: no memory or no descriptors */
struct iothread *iothread_create(void);
/*
 * Once the guest runs, for the sandbox is in force by then, which a thread that is there
 * before escapes in part. @name: of at most 15 characters. 0 or -errno; again: nothing
 */
int iothread_start(struct iothread *t, const char *name);
/* When it returns no callback runs, nor will one. Without @lock */
void iothread_stop(struct iothread *t);
void iothread_free(struct iothread *t);

#endif
