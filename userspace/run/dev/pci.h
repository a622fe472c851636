/* SPDX-License-Identifier: GPL-2.0 */
/* The PCI bus (PCI Local Bus Specification 3.0): one bus, one function a slot */
#ifndef RUN_PCI_H
#define RUN_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/pci_regs.h>

#include "../bus.h"

struct vm;
struct pci_host;
struct pci_dev;

#define PCI_SLOTS	32
#define PCI_BARS	6
#define PCI_CONFIG_LEN	256

/* Interrupt pins of slots lead to eight lines, boot/dsdt.c tells the guest */
#define PCI_GSI		16
#define PCI_LINES	8
#define PCI_LINE(slot, pin)	(((slot) + (pin)) % PCI_LINES)	/* pin 0: INTA */

/**
 * struct pci_ops - a function on the bus
 * @name: for messages
 * @bar_read: as iodev_ops has it, @offset from the start of BAR @bar
 * @bar_write: likewise
 * @config_read: the guest is about to read configuration space; NULL, or brings
 *	up to date what a read has to find
 * @config_write: it has written bytes that may be written; or NULL
 * @bar_moved: @bar is decoded somewhere else now, or not any more; or NULL
 * @free: releases the device; its BARs are off the buses by then
 *
 * Called with the VM's lock held, and, but for @free, with the device's own, if it
 * has one.
 */
struct pci_ops {
	const char *name;
	uint64_t (*bar_read)(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len);
	void (*bar_write)(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
			  uint64_t value);
	void (*config_read)(struct pci_dev *dev, uint32_t reg, uint32_t len);
	void (*config_write)(struct pci_dev *dev, uint32_t reg, uint32_t len);
	void (*bar_moved)(struct pci_dev *dev, int bar);
	void (*free)(struct pci_dev *dev);
};

struct pci_bar {
	struct iodev io;	/* on a bus while it is decoded */
	struct pci_dev *dev;
	uint8_t index;
	bool mapped;
	uint64_t addr;		/* where, if mapped */
	uint64_t size;		/* 0: no such BAR */
};

#define MSIX_MAX	128

struct msix_entry {
	uint64_t addr;
	uint32_t data;
	uint32_t control;
};

struct msix_vector {
	int fd;			/* eventfd: raises it, or has it pend */
	uint32_t gsi;
	bool bound;		/* the eventfd sends the message below */
	uint64_t addr;
	uint32_t data;
};

struct msix {
	unsigned int nr;	/* 0: the device has none */
	uint8_t cap;		/* where in configuration space */
	uint8_t bar;
	uint32_t table, pba;	/* offsets in the BAR */
	struct msix_entry entry[MSIX_MAX];
	struct msix_vector vector[MSIX_MAX];
};

struct pci_dev {
	const struct pci_ops *ops;
	struct vm *vm;
	/*
	 * Beside the VM's, for a device on which another thread works, too; or NULL. That
	 * thread looks at config and msix, which therefore change with both held
	 */
	pthread_mutex_t *lock;
	uint8_t slot;
	uint8_t config[PCI_CONFIG_LEN];
	uint8_t writable[PCI_CONFIG_LEN];	/* bits that the guest may change */
	uint8_t next_cap;			/* where the next capability goes */
	uint8_t last_cap;			/* where its address goes */
	struct pci_bar bar[PCI_BARS];
	bool intx;		/* the device asserts INTA */
	bool line;		/* and the line is told */
	struct msix msix;
};

struct pci_id {
	uint16_t vendor, device;
	uint32_t class;		/* class, subclass, programming interface */
	uint8_t revision;
	uint16_t subsystem_vendor, subsystem;
};

/* pci.c. A device is set up, then added: pci_add() assigns slot and addresses */
void pci_init(struct pci_dev *dev, struct vm *vm, const struct pci_ops *ops,
	      const struct pci_id *id);
/* @type: PCI_BASE_ADDRESS_*; @size: a power of two, at least 16. Of 64 bits: two BARs */
void pci_set_bar(struct pci_dev *dev, int bar, uint32_t type, uint64_t size);
/* Appends a capability, read-only; where it begins. @body follows ID and pointer */
uint8_t pci_add_cap(struct pci_dev *dev, uint8_t id, const void *body, uint8_t len);
/* 0; -ENOSPC when all slots are taken. On errors, too, the bus frees @dev later or now */
int pci_add(struct pci_dev *dev);
bool pci_full(const struct vm *vm);
/* The guest runs: what is added from now on gets its addresses from it */
void pci_hot(struct vm *vm);
/* The slot that pci_add() filled last; -1 if it filled none since this was last asked */
int pci_newest(struct vm *vm);
/*
 * Takes the device in @slot off the bus: the guest finds the slot empty, and the device
 * begins nothing new. pci_reap() releases such devices, in the loop's thread: the loop
 * may be about to call one of them
 */
void pci_detach(struct vm *vm, unsigned int slot);
void pci_reap(struct vm *vm);
/* Level of INTA, as the device would have it. Interrupt lines are under the VM's lock */
void pci_intx(struct pci_dev *dev, bool level);
void pci_set16(struct pci_dev *dev, uint8_t reg, uint16_t value);
void pci_set32(struct pci_dev *dev, uint8_t reg, uint32_t value);
uint16_t pci_get16(const struct pci_dev *dev, uint8_t reg);
uint32_t pci_get32(const struct pci_dev *dev, uint8_t reg);

/* msix.c */
/*
 * The table of @nr vectors, at most MSIX_MAX, and the pending bits lie in @bar.
 * 0 or -errno; msix_fini() in any case
 */
int msix_init(struct pci_dev *dev, unsigned int nr, uint8_t bar, uint32_t table,
	      uint32_t pba);
void msix_fini(struct pci_dev *dev);
bool msix_enabled(const struct pci_dev *dev);
/* Sends vector @n, or has it pend while it is masked. Any thread */
void msix_raise(struct pci_dev *dev, unsigned int n);
/* The eventfd that does just that, for who raises it by itself; -1 if there is none */
int msix_fd(const struct pci_dev *dev, unsigned int n);
/* Masks, enable or messages may have changed: sends what pended and need not any more */
void msix_update(struct pci_dev *dev);
/* Accesses to the BAR: false if they are not to table or pending bits */
bool msix_read(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len, uint64_t *value);
bool msix_write(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
		uint64_t value);

#endif
