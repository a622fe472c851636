// SPDX-License-Identifier: GPL-2.0
/* Messages on Unix sockets that descriptors travel with: unix(7), cmsg(3) */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fds.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

ssize_t fds_send(int socket, const struct iovec *iov, unsigned int n, const int *fds,
		 unsigned int nr_fds, int flags)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	union control control = { 0 };
	struct cmsghdr *c = &control.align;
	ssize_t sent;

	if (nr_fds) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	do {
		sent = sendmsg(socket, &m, MSG_NOSIGNAL | flags);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

ssize_t fds_recv(int socket, const struct iovec *iov, unsigned int n, int *fds,
		 unsigned int *nr_fds, int flags)
{
	union control control;
	struct msghdr m = {
		.msg_iov = (struct iovec *)iov, .msg_iovlen = n,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	const struct cmsghdr *c;
	ssize_t got;

	*nr_fds = 0;
	do {
		got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | flags);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		*nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *nr_fds * sizeof(int));
	}
	return got;
}
