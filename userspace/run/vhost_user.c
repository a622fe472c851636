// SPDX-License-Identifier: GPL-2.0
/*
 * The vhost-user protocol, the front end's side. A message is a header of request,
 * flags and size, and a payload; descriptors ride along. The back end is another
 * program: its answers are checked, and waited for no longer than the socket's
 * receive timeout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fds.h"
#include "vhost_user.h"

#define TIMEOUT_S	10

#define VERSION		1u
#define REPLY		(1u << 2)
#define NEED_REPLY	(1u << 3)
#define NO_FD		(1u << 8)	/* beside a ring's number: none comes along */

struct header {
	uint32_t request, flags, size;
};

int vu_connect(const struct sockaddr_un *sa, socklen_t len)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (const struct sockaddr *)sa, len))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int vu_connect_ahead(int *listener)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;
	socklen_t len = sizeof(sa.sun_family);

	if (fd < 0)
		return -errno;
	/* An abstract name that the kernel chooses */
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 1)) {
		ret = -errno;
	} else {
		len = sizeof(sa);
		ret = getsockname(fd, (struct sockaddr *)&sa, &len) ? -errno : vu_connect(&sa, len);
	}
	if (ret < 0)
		close(fd);
	else
		*listener = fd;
	return ret;
}

_Static_assert(VU_MAX_REGIONS <= FDS_MAX, "a memory table's descriptors");

static int send_message(int fd, uint32_t request, uint32_t flags, const void *payload,
			uint32_t size, const int *fds, unsigned int nr_fds)
{
	struct header h = { request, VERSION | flags, size };
	const struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)payload, size } };
	ssize_t n = fds_send(fd, iov, size ? 2 : 1, fds, nr_fds, 0);

	if (n < 0)
		return n == -EPIPE ? -ECONNRESET : n;
	return n == (ssize_t)(sizeof(h) + size) ? 0 : -EPROTO;
}

static int recv_all(int fd, void *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = recv(fd, (char *)to + done, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!n)
			return -ECONNRESET;
		done += n;
	}
	return 0;
}

/* The answer to @request, of exactly @size bytes */
static int recv_message(int fd, uint32_t request, void *payload, uint32_t size)
{
	struct header h;
	int ret = recv_all(fd, &h, sizeof(h));

	if (ret)
		return ret;
	if (h.request != request || (h.flags & 3) != VERSION || !(h.flags & REPLY) ||
	    h.size != size)
		return -EPROTO;
	return recv_all(fd, payload, size);
}

/* With REPLY_ACK every message is answered: by 0, or by why not */
static int set(int fd, uint32_t request, const void *payload, uint32_t size, const int *fds,
	       unsigned int nr_fds)
{
	uint64_t status;
	int ret = send_message(fd, request, NEED_REPLY, payload, size, fds, nr_fds);

	if (!ret)
		ret = recv_message(fd, request, &status, sizeof(status));
	if (ret)
		return ret;
	return status ? -EIO : 0;
}

int vu_get_u64(int fd, uint32_t request, uint64_t *value)
{
	int ret = send_message(fd, request, 0, NULL, 0, NULL, 0);

	return ret ? ret : recv_message(fd, request, value, sizeof(*value));
}

int vu_set_u64(int fd, uint32_t request, uint64_t value)
{
	return set(fd, request, &value, sizeof(value), NULL, 0);
}

int vu_hello(int fd, uint64_t *features, uint64_t protocol)
{
	uint64_t has, has_protocol;
	int ret = vu_get_u64(fd, VU_GET_FEATURES, &has);

	if (ret)
		return ret;
	if (!(has >> VU_F_PROTOCOL_FEATURES & 1))
		return -EOPNOTSUPP;
	ret = vu_get_u64(fd, VU_GET_PROTOCOL_FEATURES, &has_protocol);
	if (ret)
		return ret;
	protocol |= 1ULL << VU_PROTOCOL_REPLY_ACK;
	if (protocol & ~has_protocol)
		return -EOPNOTSUPP;
	/* Answers are to be had from here on */
	ret = send_message(fd, VU_SET_PROTOCOL_FEATURES, 0, &protocol, sizeof(protocol), NULL, 0);
	if (!ret)
		ret = set(fd, VU_SET_OWNER, NULL, 0, NULL, 0);
	*features &= has;
	return ret;
}

int vu_get_config(int fd, void *config, uint32_t len)
{
	struct {
		uint32_t offset, size, flags;
		uint8_t bytes[VU_CONFIG_MAX];
	} m = { 0, len, 0, { 0 } };
	uint32_t size = 12 + len;
	int ret;

	if (len > VU_CONFIG_MAX)
		return -EINVAL;
	ret = send_message(fd, VU_GET_CONFIG, 0, &m, size, NULL, 0);
	if (!ret)
		ret = recv_message(fd, VU_GET_CONFIG, &m, size);
	if (!ret)
		memcpy(config, m.bytes, len);
	return ret;
}

int vu_set_memory(int fd, const struct vu_region *region, unsigned int n)
{
	struct {
		uint32_t n, padding;
		struct {
			uint64_t gpa, len, hva, offset;
		} r[VU_MAX_REGIONS];
	} m = { n, 0, { { 0 } } };
	int fds[VU_MAX_REGIONS];

	if (n > VU_MAX_REGIONS)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		m.r[i].gpa = region[i].gpa;
		m.r[i].len = region[i].len;
		m.r[i].hva = region[i].hva;
		m.r[i].offset = region[i].offset;
		fds[i] = region[i].fd;
	}
	return set(fd, VU_SET_MEM_TABLE, &m, 8 + n * sizeof(m.r[0]), fds, n);
}

unsigned int vu_guest_memory(const struct guest_mem *mem, struct vu_region *region)
{
	struct mem_slot slot[MEM_MAX_SLOTS];
	int n = mem_slots(mem, slot);

	for (int i = 0; i < n; i++)
		region[i] = (struct vu_region){
			slot[i].gpa, slot[i].len, (uintptr_t)slot[i].hva,
			(uint8_t *)slot[i].hva - mem->base, mem->fd,
		};
	return n;
}

int vu_set_call(int fd, uint32_t index, int call)
{
	uint64_t number = index | (call < 0 ? NO_FD : 0);

	return set(fd, VU_SET_VRING_CALL, &number, sizeof(number), &call, call >= 0);
}

int vu_set_ring(int fd, uint32_t index, const struct vu_ring *ring)
{
	struct {
		uint32_t index, num;
	} num = { index, ring->size }, base = { index, ring->base }, enable = { index, 1 };
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} addr = {
		index, 0, (uintptr_t)ring->desc, (uintptr_t)ring->used, (uintptr_t)ring->avail, 0,
	};
	uint64_t number = index;
	int ret = set(fd, VU_SET_VRING_NUM, &num, sizeof(num), NULL, 0);

	if (!ret)
		ret = set(fd, VU_SET_VRING_BASE, &base, sizeof(base), NULL, 0);
	if (!ret)
		ret = set(fd, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
	if (!ret)
		ret = vu_set_call(fd, index, ring->call);
	if (!ret)
		ret = set(fd, VU_SET_VRING_KICK, &number, sizeof(number), &ring->kick, 1);
	return ret ? ret : set(fd, VU_SET_VRING_ENABLE, &enable, sizeof(enable), NULL, 0);
}

int vu_stop_ring(int fd, uint32_t index, uint16_t *base)
{
	struct {
		uint32_t index, num;
	} m = { index, 0 };
	int ret = send_message(fd, VU_GET_VRING_BASE, 0, &m, sizeof(m), NULL, 0);

	if (!ret)
		ret = recv_message(fd, VU_GET_VRING_BASE, &m, sizeof(m));
	if (!ret)
		*base = m.num;
	return ret;
}
