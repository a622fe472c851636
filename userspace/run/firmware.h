/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_FIRMWARE_H
#define RUN_FIRMWARE_H

#include "boot/boot.h"
#include "vm.h"

/* 0 or -errno */
int firmware_setup(struct vm *vm, const struct vcpu *vcpu, const struct boot_entry *entry);

/* topology.c: CPUID says one socket of as many cores as there are vCPUs */
void topology_setup(struct vm *vm, const struct vcpu *vcpu);
/* The part of it that needs no VM */
void topology_edit(struct hvmon_cpuid_entry *e, uint32_t n, uint32_t cpus, uint32_t id);

#endif
