// SPDX-License-Identifier: GPL-2.0
/* The event loop of the main thread: file descriptors and timers */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"

#define NSEC	1000000000ULL

int loop_init(struct loop *loop, pthread_mutex_t *lock)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	loop->lock = lock;
	loop->quit = false;
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0)
		return -errno;
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake < 0 || epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->wake, &ev))
		return -errno;
	return 0;
}

void loop_fini(struct loop *loop)
{
	close(loop->wake);
	close(loop->epfd);
}

void loop_quit(struct loop *loop)
{
	uint64_t one = 1;

	__atomic_store_n(&loop->quit, true, __ATOMIC_SEQ_CST);
	/* A full counter wakes just as well */
	(void)!write(loop->wake, &one, sizeof(one));
}

bool loop_step(struct loop *loop, int timeout_ms)
{
	struct loop_source *src;
	struct epoll_event ev;

	/* One at a time: a callback may remove other sources */
	if (epoll_wait(loop->epfd, &ev, 1, timeout_ms) != 1)
		return false;
	src = ev.data.ptr;
	if (!src)
		return true;
	pthread_mutex_lock(loop->lock);
	if (src->fd >= 0)
		src->fn(src->arg, ev.events);
	pthread_mutex_unlock(loop->lock);
	return true;
}

void loop_run(struct loop *loop)
{
	while (!__atomic_load_n(&loop->quit, __ATOMIC_SEQ_CST))
		loop_step(loop, -1);
}

int loop_add(struct loop *loop, struct loop_source *src, int fd, uint32_t events,
	     loop_fn fn, void *arg)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	src->fn = fn;
	src->arg = arg;
	src->fd = fd;
	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, fd, &ev)) {
		src->fd = -1;
		return -errno;
	}
	return 0;
}

void loop_mod(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	if (src->fd >= 0)
		epoll_ctl(loop->epfd, EPOLL_CTL_MOD, src->fd, &ev);
}

void loop_del(struct loop *loop, struct loop_source *src)
{
	if (src->fd >= 0)
		epoll_ctl(loop->epfd, EPOLL_CTL_DEL, src->fd, NULL);
	src->fd = -1;
}

static void timer_event(void *arg, uint32_t events)
{
	struct loop_timer *t = arg;
	uint64_t count;

	(void)events;
	/* Nothing to read: it was stopped or set anew after the event */
	if (read(t->source.fd, &count, sizeof(count)) == sizeof(count))
		t->fn(t->arg);
}

int timer_init(struct loop *loop, struct loop_timer *t, void (*fn)(void *arg), void *arg)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	t->fn = fn;
	t->arg = arg;
	ret = loop_add(loop, &t->source, fd, EPOLLIN, timer_event, t);
	if (ret)
		close(fd);
	return ret;
}

void timer_fini(struct loop *loop, struct loop_timer *t)
{
	int fd = t->source.fd;

	if (fd < 0)
		return;
	loop_del(loop, &t->source);
	close(fd);
}

void timer_set(struct loop_timer *t, uint64_t first_ns, uint64_t every_ns)
{
	struct itimerspec its = {
		.it_value = { first_ns / NSEC, first_ns % NSEC },
		.it_interval = { every_ns / NSEC, every_ns % NSEC },
	};

	timerfd_settime(t->source.fd, 0, &its, NULL);
}

void timer_stop(struct loop_timer *t)
{
	timer_set(t, 0, 0);
}
