/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulated devices. Each constructor makes one device, puts it on the
 * VM's buses and returns 0 or -errno.
 */
#ifndef RUN_DEV_H
#define RUN_DEV_H

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct chardev;
struct disk;
struct netback;
struct share;

#define COM1_PORT	0x3f8
#define COM1_IRQ	4
#define RTC_IRQ		8
#define SCI_IRQ		9

/* ACPI fixed hardware; boot/acpi.c tells the guest */
#define PM1_EVENT_PORT	0x600
#define PM1_CONTROL_PORT 0x604
#define PM_TIMER_PORT	0x608
#define GPE0_PORT	0x60c	/* status, enable */
#define GPE0_LEN	2
#define GPE_HOTPLUG	1

/*
 * Registers of hotplug, of 4 bytes with a bit for each PCI slot; boot/dsdt.c has the
 * methods that use them. New devices and those that the host wants back: ones clear
 */
#define HOTPLUG_PORT	0x620
#define HOTPLUG_NEW	0
#define HOTPLUG_WANTED	4
#define HOTPLUG_EJECT	8	/* ones give back */
#define HOTPLUG_LEN	12

#define SLP_TYP_S3	1	/* the DSDT keeps silent about it */
#define SLP_TYP_S5	5

#define RESET_PORT	0xcf9
#define RESET_VALUE	0x06

int uart_create(struct vm *vm, struct chardev *cd);
int cmos_create(struct vm *vm);
int i8042_create(struct vm *vm);
int pm_create(struct vm *vm);
/* Presses the ACPI power button; false if the guest does not listen. With the VM's lock */
bool pm_power_button(struct vm *vm);
/* The RTC's alarm went off */
void pm_rtc_alarm(struct vm *vm);
/* General-purpose event @n, 0 to 7; does the guest listen to it? With the VM's lock */
void pm_gpe(struct vm *vm, unsigned int n);
bool pm_gpe_enabled(const struct vm *vm, unsigned int n);
/* After the bus, which it is a part of */
int hotplug_create(struct vm *vm);
/* With the VM's lock: the guest may give back what is in @slot; */
void hotplug_allow(struct vm *vm, unsigned int slot);
/* it still has it; */
bool hotplug_allowed(const struct vm *vm, unsigned int slot);
/* is told of it; */
void hotplug_tell(struct vm *vm, unsigned int slot);
/* is asked for it: false if it does not listen */
bool hotplug_ask(struct vm *vm, unsigned int slot);
/* The PCI bus; devices are added to it by pci_add() of pci.h */
int pci_create(struct vm *vm);
int testdev_create(struct vm *vm);
int fw_cfg_create(struct vm *vm);
#define FW_CFG_NAME	56	/* bytes of a file's name, with the end */
/* After that: a file of its directory. The bytes are copied. 0 or -errno */
int fw_cfg_add_file(struct vm *vm, const char *name, const void *data, uint32_t len);
int debugcon_create(struct vm *vm, struct chardev *cd);
int virtio_rng_create(struct vm *vm);
int virtio_balloon_create(struct vm *vm);
int virtio_console_create(struct vm *vm, struct chardev *cd);
/* The one that the disk's bus wants. Takes @disk over; a line and an exit status if it fails */
int blk_device_create(struct vm *vm, struct disk *disk);
int virtio_blk_create(struct vm *vm, struct disk *disk);
/* What @n image files to come take, while it can be had; each that goes leaves its own */
void blk_uring_reserve(unsigned int n);
int virtio_scsi_create(struct vm *vm, struct disk *disk);
/* Takes @back over */
int virtio_net_create(struct vm *vm, struct netback *back);
/*
 * Has the host's kernel give the guest its CID. 0; or, after one line that says why
 * it cannot be had, an exit status
 */
int virtio_vsock_open(struct vm *vm);
/* After virtio_vsock_open() */
int virtio_vsock_create(struct vm *vm);
/* Takes @share over */
int virtio_fs_create(struct vm *vm, struct share *share);

#endif
