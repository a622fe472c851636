/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_FIRMWARE_H
#define RUN_FIRMWARE_H

#include "boot/boot.h"
#include "vm.h"

/*
 * @entry NULL: the firmware is the guest's own, and finds the processor as a reset
 * leaves it. 0 or -errno
 */
int firmware_setup(struct vm *vm, const struct vcpu *vcpu, const struct boot_entry *entry);

/* firmware_files.c: gives fw_cfg the files that a firmware wants. 0 or -errno */
int firmware_files(struct vm *vm);

/*
 * topology.c: CPUID says one socket of as many cores as there are vCPUs, without
 * what is to be hidden. 0, or -errno if that cannot be
 */
int topology_setup(struct vm *vm, const struct vcpu *vcpu);
/* The part of it that needs no VM */
void topology_edit(struct hvmon_cpuid_entry *e, uint32_t n, uint32_t cpus, uint32_t id);

/* features.c: the number of a CPUID feature of that name, -1 if it has none */
int feature_find(const char *name, size_t len);
/* The name of feature @i, NULL behind the last one */
const char *feature_name(unsigned int i);
/* Clears the bits of the features whose numbers are set in @without */
void features_hide(struct hvmon_cpuid_entry *e, uint32_t n, uint64_t without);

#endif
