// SPDX-License-Identifier: GPL-2.0
/* This ioctl() stands for the host's kernel, which has vhost-vsock */
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_vsock.h>

#include "driver.h"

#define CID	0xfffffffe
#define QUEUES	3
#define RX	0
#define TX	1
#define EVENT	2
#define SEQPACKET (1ULL << VIRTIO_VSOCK_F_SEQPACKET)
#define STOPPED	5		/* where it says that a queue stopped */

static struct {
	int owners, runs, vrings;
	bool running;
	uint64_t features;
	uint64_t memory;		/* bytes that it knows where to find */
	struct vhost_vring_addr addr[2];
	unsigned int base[2];
	int kick[2], call[2];
} kernel;
static int fails;		/* what running gives */

static int vring(unsigned long request, void *arg)
{
	struct vhost_vring_state *state = arg;
	struct vhost_vring_file *file = arg;
	unsigned int i = state->index;

	if (i > TX || (kernel.running && request != VHOST_SET_VRING_CALL)) {
		errno = EBUSY;
		return -1;
	}
	kernel.vrings++;
	if (request == VHOST_SET_VRING_ADDR)
		kernel.addr[i] = *(struct vhost_vring_addr *)arg;
	else if (request == VHOST_SET_VRING_BASE)
		kernel.base[i] = state->num;
	else if (request == VHOST_SET_VRING_KICK)
		kernel.kick[i] = file->fd;
	else if (request == VHOST_SET_VRING_CALL)
		kernel.call[i] = file->fd;
	else if (request == VHOST_GET_VRING_BASE)
		state->num = STOPPED;
	else
		expect(request == VHOST_SET_VRING_NUM && state->num == size);
	return 0;
}

static void set_memory(const struct vhost_memory *m)
{
	kernel.memory = 0;
	for (unsigned int i = 0; i < m->nregions; i++) {
		const struct vhost_memory_region *r = &m->regions[i];

		expect(r->userspace_addr == (uintptr_t)at(r->guest_phys_addr));
		kernel.memory += r->memory_size;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == VHOST_SET_OWNER) {
		kernel.owners++;
	} else if (request == VHOST_GET_FEATURES) {
		*(uint64_t *)arg = WITH_INDIRECT | SEQPACKET | 1ULL << 26;
	} else if (request == VHOST_SET_FEATURES) {
		kernel.features = *(uint64_t *)arg;
	} else if (request == VHOST_SET_MEM_TABLE) {
		set_memory(arg);
	} else if (request == VHOST_VSOCK_SET_RUNNING) {
		kernel.runs++;
		if (*(int *)arg && fails) {
			errno = fails;
			return -1;
		}
		kernel.running = *(int *)arg;
	} else {
		return vring(request, arg);
	}
	return 0;
}

static uint64_t slots_len(void)
{
	struct mem_slot slot[MEM_MAX_SLOTS];
	uint64_t len = 0;

	for (int i = mem_slots(&vm.mem, slot); i--;)
		len += slot[i].len;
	return len;
}

static uint64_t bells(unsigned int i)
{
	uint64_t count = 0;

	return read(kernel.kick[i], &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_config(void)
{
	claim("vsock: the guest reads its CID, of 64 bits");
	expect(get(CONFIG, 4) == CID && !get(CONFIG + 4, 4));
	expect(get(VIRTIO_PCI_COMMON_NUMQ, 2) == QUEUES);

	claim("vsock: it has the features of the host's kernel that are a guest's");
	expect(offered() == (WITH_INDIRECT | SEQPACKET));
}

static void test_run(void)
{
	claim("vsock: the host's kernel works on the queues for packets, where they are");
	drive(WITH_INDIRECT | SEQPACKET, QUEUES);
	expect(kernel.owners == 1 && kernel.running && kernel.runs == 1);
	expect(kernel.features == (WITH_INDIRECT | SEQPACKET));
	expect(kernel.memory && kernel.memory == slots_len());
	for (int i = RX; i <= TX; i++)
		expect(kernel.addr[i].desc_user_addr == (uintptr_t)at(DESC(i)) &&
		       kernel.addr[i].avail_user_addr == (uintptr_t)at(AVAIL(i)) &&
		       kernel.addr[i].used_user_addr == (uintptr_t)at(USED(i)) &&
		       !kernel.base[i]);

	claim("vsock: and hears their doorbells when it runs, also those rung before");
	expect(bells(RX) && bells(TX) && !bells(TX));
	ring(TX);
	expect(bells(TX) == 1);

	claim("vsock: the queue for events takes buffers and gives none back");
	desc(DESC(EVENT), 0, DATA, 4, VRING_DESC_F_WRITE, 0);
	offer(EVENT, 0);
	ring(EVENT);
	expect(!used(EVENT)->idx && !needs_reset());

	claim("vsock: without bus mastering it stands still, and goes on where it was");
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	expect(!kernel.running && kernel.kick[TX] == -1);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(kernel.running && kernel.base[RX] == STOPPED && kernel.base[TX] == STOPPED);
	expect(bells(RX) && bells(TX));

	claim("vsock: a reset stops it, and it starts again for the next driver");
	set_status(0);
	expect(!kernel.running);
	drive(WITH_INDIRECT, QUEUES);
	expect(kernel.running && !kernel.base[RX] && kernel.features == WITH_INDIRECT);
}

static void test_failure(void)
{
	claim("vsock: queues that the host's kernel refuses are the guest's fault");
	fails = EFAULT;
	drive(WITH_INDIRECT, QUEUES);
	expect(needs_reset() && !kernel.running);
	fails = 0;
	drive(WITH_INDIRECT, QUEUES);
	expect(!needs_reset() && kernel.running);
}

int main(void)
{
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	machine();
	options.vsock_cid = CID;
	if (pipe(fd))
		return 1;
	vm.vsock = fd[0];
	if (virtio_vsock_create(&vm))
		return 1;
	plug(1);
	test_config();
	test_run();
	test_failure();
	unmake();
	claim("vsock: with the device /dev/vhost-vsock is closed");
	expect(write(fd[1], "", 1) < 0 && errno == EPIPE);
	close(fd[1]);
	return unit_finish();
}
