/* SPDX-License-Identifier: GPL-2.0 */
/* The vhost-user protocol, the front end's side: messages on a Unix socket */
#ifndef RUN_VHOST_USER_H
#define RUN_VHOST_USER_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mem.h"

/* Requests */
#define VU_GET_FEATURES		1
#define VU_SET_FEATURES		2
#define VU_SET_OWNER		3
#define VU_SET_MEM_TABLE	5
#define VU_SET_VRING_NUM	8
#define VU_SET_VRING_ADDR	9
#define VU_SET_VRING_BASE	10
#define VU_GET_VRING_BASE	11
#define VU_SET_VRING_KICK	12
#define VU_SET_VRING_CALL	13
#define VU_GET_PROTOCOL_FEATURES 15
#define VU_SET_PROTOCOL_FEATURES 16
#define VU_SET_VRING_ENABLE	18
#define VU_GET_CONFIG		24

#define VU_F_PROTOCOL_FEATURES	30	/* among the features */
#define VU_PROTOCOL_REPLY_ACK	3
#define VU_PROTOCOL_CONFIG	9

#define VU_MAX_REGIONS		8
#define VU_CONFIG_MAX		256	/* bytes of device configuration */

/* Memory that the back end may use; rings are named by their addresses here */
struct vu_region {
	uint64_t gpa, len, hva, offset;
	int fd;
};

/* @call: -1: nothing is signalled. @base: the entry of the available ring to begin with */
struct vu_ring {
	uint16_t size;
	void *desc, *avail, *used;
	int kick, call;
	uint16_t base;
};

/* A connection of which nothing waits longer than ten seconds, or -errno */
int vu_connect(const struct sockaddr_un *sa, socklen_t len);
/*
 * Likewise, to a socket without a name in the file system, which listens in @listener: a
 * program that gets it may come later, and the connection ends if it does not come to that
 */
int vu_connect_ahead(int *listener);
/* All return 0 or -errno; -ECONNRESET if the back end is gone, -EPROTO for nonsense */
int vu_get_u64(int fd, uint32_t request, uint64_t *value);
int vu_set_u64(int fd, uint32_t request, uint64_t value);
/*
 * The first messages: @features takes those that are wanted and gives those that
 * the back end has of them; protocol features are settled. @protocol: those that
 * it must have, as a mask
 */
int vu_hello(int fd, uint64_t *features, uint64_t protocol);
/* The first @len bytes, at most VU_CONFIG_MAX */
int vu_get_config(int fd, void *config, uint32_t len);
int vu_set_memory(int fd, const struct vu_region *region, unsigned int n);
/* All guest memory, which is a memfd's, as at most MEM_MAX_SLOTS of those; how many */
unsigned int vu_guest_memory(const struct guest_mem *mem, struct vu_region *region);
/* Ring @index, and enables it */
int vu_set_ring(int fd, uint32_t index, const struct vu_ring *ring);
int vu_set_call(int fd, uint32_t index, int call);
/* Ends the work on it; @base is where it can go on */
int vu_stop_ring(int fd, uint32_t index, uint16_t *base);

#endif
