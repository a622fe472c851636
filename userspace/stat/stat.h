/* SPDX-License-Identifier: GPL-2.0 */
/* hvmon-stat: what its parts owe each other. */
#ifndef HVMON_STAT_H
#define HVMON_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STAT_ROOT	"/sys/kernel/debug/hvmon"
#define STAT_TRACEFS	"/sys/kernel/tracing"
#define STAT_NAME	48	/* room for "ID-NAME" */

/* The counters of a vCPU that are read, by the names in debugfs */
enum stat_counter {
	STAT_EXITS, STAT_USER_EXITS, STAT_CPUID, STAT_MSR_READ, STAT_MSR_WRITE, STAT_PIO,
	STAT_MMIO, STAT_FAULTS, STAT_HLT, STAT_HYPERCALL, STAT_HOST_INTR, STAT_OTHER,
	STAT_TIMER, STAT_IRQ, STAT_NMI, STAT_EXCEPTIONS, STAT_EMULATED, STAT_HALTED_NS,
	STAT_GUEST_NS, STAT_SECTIONS, STAT_COUNTERS,
};

extern const char *const stat_names[STAT_COUNTERS];

struct stat_vcpu {
	unsigned int vm;		/* the VM's number */
	unsigned int id;		/* the vCPU's */
	char name[STAT_NAME];		/* the VM's, without the number */
	uint64_t count[STAT_COUNTERS];
};

/* All vCPUs at one time, sorted by VM and vCPU */
struct stat_sample {
	uint64_t ns;			/* CLOCK_MONOTONIC */
	size_t nr;
	struct stat_vcpu *vcpu;
};

/**
 * stat_read() - the counters of all vCPUs
 * @root: the module's directory in debugfs
 * @only: a VM's number or name; NULL: all
 * @s: filled in; stat_free() ends it
 *
 * A VM that ends meanwhile is left out.
 *
 * Return: 0 or -errno, if @root cannot be read.
 */
int stat_read(const char *root, const char *only, struct stat_sample *s);
void stat_free(struct stat_sample *s);

/**
 * stat_diff() - what happened between two samples, per second
 * @old: the earlier
 * @new: the later
 * @i: index into @new
 * @rate: STAT_COUNTERS of them; nanoseconds become a share of the time, 0 to 1
 *
 * A vCPU that @old lacks has counted from 0.
 */
void stat_diff(const struct stat_sample *old, const struct stat_sample *new, size_t i,
	       double rate[STAT_COUNTERS]);

/**
 * stat_view() - a screen: VMs and their vCPUs, in as many columns as fit
 * @out: where to
 * @old: the earlier sample
 * @new: the later one
 * @width: columns of the terminal
 * @height: its lines; 0: any number
 */
void stat_view(FILE *out, const struct stat_sample *old, const struct stat_sample *new,
	       int width, int height);

/* For scripts: a header, and a line for each vCPU; @seconds is the time so far */
void stat_batch_header(FILE *out);
void stat_batch(FILE *out, const struct stat_sample *old, const struct stat_sample *new,
		double seconds);

/**
 * struct stat_record - what to record, and where
 * @tracefs: where tracefs is
 * @root: the module's directory in debugfs, for the names of VMs
 * @only: as for stat_read()
 * @stop: set by a signal handler: enough
 */
struct stat_record {
	const char *tracefs;
	const char *root;
	const char *only;
	const volatile int *stop;
};

/**
 * stat_record() - counts exits by VM, vCPU, reason and RIP
 * @r: see there
 * @seconds: for how long, at most
 * @out: lines "VM;vCPU N;REASON;0xRIP COUNT"
 *
 * The kernel counts, by a hist trigger on hvmon_exit in an instance of tracefs
 * that exists meanwhile.
 *
 * Return: 0, or 1 after a message.
 */
int stat_record(const struct stat_record *r, double seconds, FILE *out);

/**
 * stat_reason() - an exit code in words
 * @intel: VT-x's (SDM vol. 3, appendix C), else AMD-V's (APM vol. 2, appendix C)
 * @code: the code
 * @buf: for one without a name
 * @len: its size
 *
 * Return: a name, or @buf with the number.
 */
const char *stat_reason(bool intel, uint64_t code, char *buf, size_t len);

/**
 * stat_flame() - draws what stat_record() wrote
 * @in: its lines
 * @name: what it is called in messages
 * @map: "ADDRESS TYPE NAME" lines of the guest's System.map, or NULL
 * @map_name: and that
 * @out: an SVG
 *
 * Return: 0, or 1 after a message.
 */
int stat_flame(FILE *in, const char *name, FILE *map, const char *map_name, FILE *out);

#endif /* HVMON_STAT_H */
