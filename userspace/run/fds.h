/* SPDX-License-Identifier: GPL-2.0 */
/* Messages on Unix sockets that descriptors travel with */
#ifndef RUN_FDS_H
#define RUN_FDS_H

#include <sys/types.h>
#include <sys/uio.h>

#define FDS_MAX		20	/* of one message */

/* Both: bytes, of all @n parts, or -errno; 0 when the other end is gone */
ssize_t fds_send(int socket, const struct iovec *iov, unsigned int n, const int *fds,
		 unsigned int nr_fds, int flags);
/*
 * @fds has room for FDS_MAX, @nr_fds says how many came: fewer than were sent if this
 * process has no room for them
 */
ssize_t fds_recv(int socket, const struct iovec *iov, unsigned int n, int *fds,
		 unsigned int *nr_fds, int flags);

#endif
