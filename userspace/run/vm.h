/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual machine: what its parts share */
#ifndef RUN_VM_H
#define RUN_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libhvmon.h"

#include "bus.h"
#include "disk.h"
#include "loop.h"
#include "mem.h"
#include "netback.h"
#include "options.h"
#include "share.h"

/* Why the guest ended; end.c has the exit status and the words of each */
enum end_reason {
	END_NONE,
	END_POWEROFF,
	END_REBOOT,
	END_TRIPLE_FAULT,
	END_EMULATION,
	END_INVALID,
	END_FAULT,
	END_UNEXPECTED,
	END_HOST_ERROR,
	END_TESTDEV,	/* value: what the guest wrote */
	END_ESCAPE,
	END_SIGNAL,	/* value: the signal */
	END_QUIT,
};

struct vm;

struct vcpu {
	struct vm *vm;
	uint32_t id;
	int fd;
	struct hvmon_run *run;
	pthread_t thread;
	bool started;
};

struct hotplug;
struct pci_host;
struct plugs;
struct pm;
struct fw_cfg;
struct rom;

struct vm {
	const struct options *opt;
	int dev;		/* /dev/hvmon */
	int fd;
	struct hvmon_info info;
	struct guest_mem mem;

	/* Guards buses, devices and what the loop's callbacks touch */
	pthread_mutex_t lock;
	struct bus pio;
	struct bus mmio;
	struct loop loop;
	struct loop_source signals;

	struct iodev *dev_list[16];
	int nr_devs;
	struct pci_host *pci;	/* dev/pci.c */
	struct pm *pm;		/* dev/pm.c */
	struct fw_cfg *fw_cfg;	/* dev/fw_cfg.c */
	struct rom *rom;	/* dev/rom.c; NULL: no --firmware */
	struct hotplug *hotplug; /* dev/hotplug.c */
	struct plugs *plugs;	/* plug.c */
	struct loop_source control;	/* command.c */
	bool button_pressed;	/* by a signal: another one ends the guest */

	/* irq.c: interrupt sources, those of pins first */
	struct hvmon_irq_route route[HVMON_MAX_ROUTES];
	uint32_t nr_routes;
	uint32_t next_gsi;
	uint16_t free_gsi[HVMON_MAX_ROUTES];	/* that had an owner */
	uint32_t nr_free_gsis;

	struct disk disk[MAX_DISKS];	/* opened, until a device has them */
	struct netback net[MAX_NETS];
	int vsock;		/* likewise; -1: none */
	struct share share[MAX_SHARES];	/* likewise */

	uint32_t nr_vcpus;
	struct vcpu *vcpu;
	bool stop;		/* atomic: vCPU threads return */
	struct hvmon_state *reset_state;	/* of each vCPU, for S3 */
	bool sleeping, woken;	/* in S3, and out of it */

	pthread_mutex_t end_lock;
	enum end_reason end;
	int end_value;
	char end_text[512];	/* what happened, in words */
	char end_regs[2048];	/* registers, if they tell something */
};

/* vm.c: each prints one line and returns the exit status if it fails, else 0 */
int vm_create(struct vm *vm);
int vm_create_vcpus(struct vm *vm);
void vm_destroy(struct vm *vm);

/* A memory slot of the module's, beside those of guest memory. @len 0: none. 0 or -errno */
int vm_mem_set(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len,
	       void *hva);

/* Puts a device on a bus and on the list of those to be freed */
int vm_add_device(struct vm *vm, struct bus *bus, uint64_t start, uint64_t len,
		  uint32_t width, struct iodev *dev);

/* irq.c */
void vm_routes_init(struct vm *vm);
/* Sets a line of the interrupt controllers */
void vm_irq(struct vm *vm, uint32_t gsi, int level);
/* A source for messages; -ENOSPC when there are no more */
int vm_gsi_alloc(struct vm *vm);
void vm_gsi_free(struct vm *vm, uint32_t gsi);
/*
 * From now on eventfd @fd sends a message that a guest composed, by source @gsi;
 * at once if it was signalled before. False if it is no message, or fails. Unbound
 * it keeps what is signalled
 */
bool vm_msi_bind(struct vm *vm, int fd, uint32_t gsi, uint64_t addr, uint32_t data);
void vm_msi_unbind(struct vm *vm, int fd, uint32_t gsi);
/*
 * The guest's writes of any length to @addr signal @fd, and come to no bus any more;
 * @lazy: as HVMON_IOEVENTFD_LAZY. False if that is not possible: then they do come
 */
bool vm_doorbell_bind(struct vm *vm, uint64_t addr, int fd, bool lazy);
void vm_doorbell_unbind(struct vm *vm, uint64_t addr, int fd);

/* end.c */
/* Ends the guest; the first reason counts. Any thread. */
void vm_end(struct vm *vm, enum end_reason reason, int value);
__attribute__((format(printf, 3, 4)))
void vm_end_text(struct vm *vm, enum end_reason reason, const char *fmt, ...);
/* With what the run page says of it */
void vm_end_exit(struct vm *vm, enum end_reason reason, const struct vcpu *vcpu);
/* Prints the line and gives the exit status of the process */
int vm_end_report(const struct vm *vm);

/* sleep.c */
/* From start to end, in and out of S3 */
void vm_run(struct vm *vm);
/* The guest falls asleep, something wakes it; with the lock held */
void vm_sleep(struct vm *vm);
void vm_wake(struct vm *vm);
/* Before firmware has touched the vCPUs: 0 or -errno */
int vm_save_reset_states(struct vm *vm);

/* vcpu.c: threads; 0 or -errno */
int vcpu_start_all(struct vm *vm);
void vcpu_stop_all(struct vm *vm);

#endif
