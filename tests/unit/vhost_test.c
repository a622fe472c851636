// SPDX-License-Identifier: GPL-2.0
/* A back end that only notes what it is told stands for vhost */
#include <errno.h>
#include <unistd.h>

#include "dev/vhost.h"
#include "driver.h"

#define QUEUES	2
#define STOPPED	7	/* where the back end says that it stopped */

static struct virtio_dev device;
static struct vhost vhost;
static struct {
	int starts, stops, calls, memory, runs;
	bool on, runs_now;
	uint64_t features;
	int call[QUEUES];
	uint16_t from[QUEUES];
} back;
static int fails;		/* -errno of the next start of queue 1 */

static int set_features(struct vhost *v, uint64_t features)
{
	(void)v;
	back.features = features;
	return 0;
}

static int set_memory(struct vhost *v)
{
	(void)v;
	back.memory++;
	return 0;
}

static int start_queue(struct vhost *v, unsigned int i, const struct virtq *vq, int call)
{
	(void)v;
	if (i == 1 && fails)
		return fails;
	back.starts++;
	back.call[i] = call;
	back.from[i] = vq->next_avail;
	return 0;
}

static int set_call(struct vhost *v, unsigned int i, int call)
{
	(void)v;
	back.calls++;
	back.call[i] = call;
	return 0;
}

static int stop_queue(struct vhost *v, unsigned int i, uint16_t *next)
{
	(void)v;
	(void)i;
	expect(!back.runs_now);
	back.stops++;
	*next = STOPPED;
	return 0;
}

static const struct vhost_ops back_ops = {
	set_features, set_memory, start_queue, set_call, stop_queue,
};

static int run(struct vhost *v, bool on)
{
	(void)v;
	back.runs++;
	back.runs_now = on;
	return 0;
}

/* ---- the device around it */

static int kicks;

static void device_kick(struct virtio_dev *vd, struct virtq *vq)
{
	(void)vd;
	(void)vq;
	kicks++;
}

static bool device_reset(struct virtio_dev *vd)
{
	(void)vd;
	vhost_stop(&vhost);
	return true;
}

static void device_update(struct virtio_dev *vd)
{
	if (vhost_update(&vhost))
		virtio_broken(vd, "vhost");
}

static void device_free(struct virtio_dev *vd)
{
	vhost_fini(&vhost);
	virtio_destroy(vd);
}

static const struct virtio_ops device_ops = {
	.name = "vhost", .kick = device_kick, .reset = device_reset, .update = device_update,
	.free = device_free,
};

static const struct virtio_kind kind = {
	.ops = &device_ops, .id = 63, .class = 0xff0000, .features = 1 << 3 | 1 << 5,
	.queues = QUEUES,
};

static void msix(bool on)
{
	set_cfg(device.pci.msix.cap + PCI_MSIX_FLAGS, 2, on ? PCI_MSIX_FLAGS_ENABLE : 0);
}

static bool pin_level(void)
{
	return cfg(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT;
}

static void test_start(void)
{
	claim("vhost: starts at DRIVER_OK with the features that driver and back end have");
	drive(BASE_FEATURES | 1 << 3 | 1 << 5, QUEUES);
	expect(back.starts == 2 && back.memory == 1 && back.runs == 1 && back.runs_now);
	expect(back.features == (BASE_FEATURES | 1 << 5));

	claim("vhost: doorbells pass the launcher by while it works");
	settle();
	kicks = 0;
	ring(0);
	expect(!kicks);

	claim("vhost: without bus mastering it stands still, and goes on where it was");
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	expect(back.stops == 2 && !back.runs_now);
	set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(back.starts == 4 && back.from[0] == STOPPED && back.from[1] == STOPPED);

	claim("vhost: a reset ends it, and the next driver starts at 0");
	set_status(0);
	settle();
	expect(back.stops == 4 && !back.runs_now);
	drive(BASE_FEATURES, 1);
	expect(back.starts == 5 && back.from[0] == 0);
}

static void test_interrupts(void)
{
	uint64_t one = 1;

	claim("vhost: without MSI-X its signal is the pin, with the ISR status");
	drive(BASE_FEATURES, QUEUES);
	expect(back.call[0] >= 0 && back.call[0] == back.call[1]);
	expect(write(back.call[0], &one, sizeof(one)) == sizeof(one));
	settle();
	expect(pin_level());
	expect(get(ISR, 1) == 1 && !pin_level());

	claim("vhost: it follows the queues' vectors");
	back.calls = 0;
	msix(true);
	expect(back.calls == 2 && back.call[0] == -1);
	set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	expect(back.calls == 3 && back.call[1] == msix_fd(&device.pci, 1));
	msix(false);
	expect(back.call[0] == back.call[1]);

	claim("vhost: what its signal leaves behind a reset reaches nobody");
	expect(write(back.call[0], &one, sizeof(one)) == sizeof(one));
	set_status(0);
	settle();
	expect(!get(ISR, 1) && !pin_level());
}

static void test_failure(void)
{
	claim("vhost: a back end that fails at a queue is stopped as a whole");
	back.starts = 0;
	back.stops = 0;
	fails = -EBUSY;
	drive(BASE_FEATURES, QUEUES);
	expect(back.starts == 1 && back.stops == 1 && needs_reset());
	fails = 0;
	drive(BASE_FEATURES, QUEUES);
	expect(back.starts == 3 && !needs_reset());
}

int main(void)
{
	int fd[2];

	machine();
	if (pipe(fd) || virtio_create(&device, &vm, &kind))
		return 1;
	vhost.ops = &back_ops;
	vhost.run = run;
	vhost.fd = fd[0];
	vhost.features = BASE_FEATURES | 1 << 5 | 1 << 7;
	if (vhost_init(&vhost, &device, 0, QUEUES))
		return 1;
	plug(1);
	test_start();
	test_interrupts();
	test_failure();
	unmake();
	close(fd[1]);
	return unit_finish();
}
