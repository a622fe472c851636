/* SPDX-License-Identifier: GPL-2.0 */
/* The command line */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mem.h"

/* Exit statuses that are not the guest's doing; the others are in end.c */
#define EXIT_USAGE	2	/* the command line or a file named on it */
#define EXIT_HOST	4	/* the host: module, processor, memory, devices */

enum chardev_kind { CHARDEV_STDIO, CHARDEV_FILE, CHARDEV_SOCKET, CHARDEV_NONE };

/* --serial, --console */
struct chardev_options {
	const char *name;	/* of the option, without "--" */
	enum chardev_kind kind;
	const char *path;
	bool given;
};

#define MAX_DISKS	16
#define DISK_SERIAL	20	/* characters */

enum disk_bus { DISK_ANY, DISK_VIRTIO, DISK_SCSI };

/* Without format= an image is raw, and must not look like another's */
enum disk_format { DISK_UNSAID, DISK_RAW, DISK_QCOW2 };

/* --disk */
struct disk_options {
	const char *path;
	bool ro;
	bool direct;		/* cache=none */
	bool packed;		/* ring=packed */
	enum disk_format format;
	bool iothread;
	enum disk_bus bus;	/* DISK_ANY is DISK_VIRTIO */
	const char *socket;	/* vhost-user=; path is the whole word then */
	const char *serial;	/* or NULL */
	uint64_t iops, bps;	/* requests, bytes a second; 0: as many as come */
};

/* Another process serves it, by way of guest memory */
static inline bool disk_uses_process(const struct disk_options *disk)
{
	return disk->socket || disk->format == DISK_QCOW2;
}

#define MAX_SHARES	8
#define SHARE_TAG	36	/* bytes */

/* --share */
struct share_options {
	const char *path;
	const char *socket;	/* vhost-user=; path is the whole word then */
	const char *tag;	/* by which the guest mounts it */
	bool ro;
};

#define MAX_NETS	8
#define NET_NAME	15	/* characters of an interface's name */
#define NET_PAIRS	8	/* of queues, one for each way */

#define MAX_FORWARDS	16

/*
 * hostfwd= of --net user. IPv4 addresses in network order; 0: all of the host's,
 * the one that the guest gets
 */
struct net_forward {
	const char *text;
	bool udp;
	uint32_t host, guest;
	uint16_t host_port, guest_port;
};

/* --net */
struct net_options {
	const char *name;	/* for messages: the option without mac= and the like */
	bool vhost;
	const char *tap;	/* the interface; */
	const char *bridge;	/* or where a new one is put; both NULL: user networking */
	uint16_t tag;		/* VLAN there; 0: as the bridge has it */
	unsigned int queues;	/* pairs of them; 0: one */
	bool has_mac;
	uint8_t mac[6];
	bool no_sandbox;	/* --no-sandbox */
	bool loopback;		/* the guest reaches the host's */
	struct net_forward forward[MAX_FORWARDS];
	unsigned int forwards;
};

struct options {
	const char *firmware;	/* or NULL: then there is a kernel */
	bool boot_menu;
	const char *kernel;
	bool flat;
	uint64_t flat_addr;
	int flat_mode;		/* 16, 32 or 64 */
	const char *initrd;
	const char *append;
	uint64_t memory;	/* bytes */
	enum mem_backend backend;
	uint32_t cpus;
	uint64_t cpu_without;	/* bits by the numbers of features.c */
	struct chardev_options serial, console, debug_console;
	const char *name;
	unsigned int mmu;	/* HVMON_MMU_* */
	bool testdev;
	bool rng;
	bool balloon;
	uint64_t balloon_target; /* bytes that are left to the guest; 0: all */
	struct disk_options disk[MAX_DISKS];
	unsigned int disks;
	struct net_options net[MAX_NETS];
	unsigned int nets;
	uint32_t vsock_cid;	/* 0: no vsock */
	struct share_options share[MAX_SHARES];
	unsigned int shares;
	const char *device;
	const char *control;	/* path of the socket, or NULL */
	bool no_sandbox;
	bool verbose;
};

/* Prints "hvmon-run: ..." and returns @status */
__attribute__((format(printf, 2, 3)))
int complain(int status, const char *fmt, ...);

/*
 * From now on what this thread has to complain about goes to @to, without the program's
 * name; NULL: to standard error again
 */
void complain_to(FILE *to);

/*
 * One more disk or network interface, by the argument of option @name ("disk", "net"),
 * which is cut up, while the guest runs. 0, or -1 after one line
 */
int options_add(struct options *opt, const char *name, char *arg);

/*
 * Returns 0; or -1 and *status when there is nothing to run: an error, which
 * has been reported, or --help and --version.
 */
int options_parse(struct options *opt, int argc, char **argv, int *status);

#endif
