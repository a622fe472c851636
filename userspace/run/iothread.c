// SPDX-License-Identifier: GPL-2.0
/* A thread that works for one device alone: an event loop beside the main one */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "iothread.h"

struct iothread *iothread_create(void)
{
	struct iothread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	if (!loop_init(&t->loop, &t->lock))
		return t;
	free(t);
	return NULL;
}

static void *run(void *arg)
{
	struct iothread *t = arg;

	prctl(PR_SET_NAME, t->name);
	loop_run(&t->loop);
	return NULL;
}

int iothread_start(struct iothread *t, const char *name)
{
	sigset_t all, before;
	int ret;

	if (t->running)
		return 0;
	snprintf(t->name, sizeof(t->name), "%s", name);
	/* Signals are the main thread's, and a vCPU's kick is that vCPU's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&t->thread, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	t->running = !ret;
	return -ret;
}

void iothread_stop(struct iothread *t)
{
	if (!t->running)
		return;
	loop_quit(&t->loop);
	pthread_join(t->thread, NULL);
	t->running = false;
}

void iothread_free(struct iothread *t)
{
	if (!t)
		return;
	iothread_stop(t);
	loop_fini(&t->loop);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
