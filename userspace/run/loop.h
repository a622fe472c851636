/* SPDX-License-Identifier: GPL-2.0 */
/* The event loop of the main thread: file descriptors and timers */
#ifndef RUN_LOOP_H
#define RUN_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct loop_source;
typedef void (*loop_fn)(void *arg, uint32_t events);

struct loop {
	int epfd;
	int wake;		/* eventfd: look at quit */
	bool quit;		/* atomic */
	pthread_mutex_t *lock;	/* held around every callback */
};

/* Embedded in its user; fd is -1 while it is not in the loop */
struct loop_source {
	int fd;
	loop_fn fn;
	void *arg;
};

struct loop_timer {
	struct loop_source source;
	void (*fn)(void *arg);
	void *arg;
};

/* All return 0 or -errno */
int loop_init(struct loop *loop, pthread_mutex_t *lock);
void loop_fini(struct loop *loop);
/* Waits for one event and calls back; false if none came within @timeout_ms (-1: no limit) */
bool loop_step(struct loop *loop, int timeout_ms);
/* Runs callbacks until loop_quit(), which any thread may call */
void loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

/* @events: EPOLLIN, EPOLLOUT. -EPERM for files that cannot be waited for */
int loop_add(struct loop *loop, struct loop_source *src, int fd, uint32_t events,
	     loop_fn fn, void *arg);
void loop_mod(struct loop *loop, struct loop_source *src, uint32_t events);
void loop_del(struct loop *loop, struct loop_source *src);

int timer_init(struct loop *loop, struct loop_timer *t, void (*fn)(void *arg), void *arg);
void timer_fini(struct loop *loop, struct loop_timer *t);
/* Fires once after @first_ns, then every @every_ns (0: never again) */
void timer_set(struct loop_timer *t, uint64_t first_ns, uint64_t every_ns);
void timer_stop(struct loop_timer *t);

#endif
