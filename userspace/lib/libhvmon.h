/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libhvmon: the ioctls of /dev/hvmon as functions. No policy, no state, no
 * output. Every function returns 0 (or what is said below) on success and a
 * negative errno otherwise; hvmon.h says what each errno means.
 */
#ifndef LIBHVMON_H
#define LIBHVMON_H

#include <stddef.h>
#include <stdint.h>

#include "hvmon.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HVMON_DEVICE	"/dev/hvmon"

/* The device. @path NULL: HVMON_DEVICE. hvmon_open() returns an fd */
int hvmon_open(const char *path);
int hvmon_info(int dev, struct hvmon_info *info);
/* Returns the VM's fd. @mmu: HVMON_MMU_*; @name NULL: the process's name */
int hvmon_vm_create(int dev, unsigned int mmu, const char *name);

/* A VM. hvmon_vcpu_create() returns the vCPU's fd */
int hvmon_vcpu_create(int vm, unsigned int id);
int hvmon_mem_set(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len,
		  void *hva);
int hvmon_mem_remove(int vm, uint32_t slot);
/* @dirty may be NULL */
int hvmon_dirty_log(int vm, uint32_t slot, uint64_t first_page, uint64_t pages,
		    uint64_t *bitmap, uint64_t *dirty);
int hvmon_irqchip_create(int vm, uint32_t flags);
int hvmon_irqchip_get(int vm, uint32_t chip, struct hvmon_irqchip *state);
int hvmon_irqchip_set(int vm, const struct hvmon_irqchip *state);
int hvmon_irq_routes(int vm, const struct hvmon_irq_route *routes, uint32_t count);
int hvmon_irq_line(int vm, uint32_t gsi, int level);
/* Returns how many vCPUs accepted the message */
int hvmon_msi(int vm, uint64_t addr, uint32_t data);
/* @resample_fd -1: none */
int hvmon_irqfd(int vm, int fd, uint32_t gsi, int resample_fd);
int hvmon_irqfd_remove(int vm, int fd, uint32_t gsi);
/* @flags: HVMON_IOEVENTFD_PIO, _DATAMATCH, _LAZY */
int hvmon_ioeventfd(int vm, uint32_t flags, uint64_t addr, uint32_t len, uint64_t datamatch,
		    int fd);
/* @fd may be -1 */
int hvmon_ioeventfd_remove(int vm, uint32_t flags, uint64_t addr, uint32_t len,
			   uint64_t datamatch, int fd);
int hvmon_vm_stats(int vm, struct hvmon_vm_stats *stats);
/* @host_tsc may be NULL */
int hvmon_clock_get(int vm, uint64_t *ns, uint64_t *host_tsc, uint32_t *tsc_khz);
int hvmon_clock_set(int vm, uint64_t ns, uint32_t tsc_khz);

/* A vCPU. @run_size as hvmon_info() gives it */
int hvmon_map_run(int vcpu, size_t run_size, struct hvmon_run **run);
int hvmon_unmap_run(struct hvmon_run *run, size_t run_size);
int hvmon_run(int vcpu);
int hvmon_state_get(int vcpu, uint64_t groups, struct hvmon_state *state);
int hvmon_state_set(int vcpu, uint64_t groups, struct hvmon_state *state);
int hvmon_msrs_get(int vcpu, struct hvmon_msr *msrs, uint32_t count);
/* All MSRs of the state; @count: room in, number out */
int hvmon_msrs_list(int vcpu, struct hvmon_msr *msrs, uint32_t *count);
/* @done may be NULL; on -EINVAL it is the index of the one refused */
int hvmon_msrs_set(int vcpu, const struct hvmon_msr *msrs, uint32_t count,
		   uint32_t *done);
/* @count: room in, number out */
int hvmon_cpuid_get(int vcpu, struct hvmon_cpuid_entry *entries, uint32_t *count);
int hvmon_cpuid_set(int vcpu, const struct hvmon_cpuid_entry *entries, uint32_t count);
int hvmon_inject_irq(int vcpu, uint8_t vector);
int hvmon_inject_nmi(int vcpu);
/* @error NULL: the exception has no error code */
int hvmon_inject_exception(int vcpu, uint8_t vector, const uint32_t *error,
			   uint64_t payload);
/* 0: *@gpa is set; 1: the access would fault, *@error is set, which may be NULL */
int hvmon_translate(int vcpu, uint64_t gva, uint32_t access, uint64_t *gpa,
		    uint32_t *error);
int hvmon_vcpu_stats(int vcpu, struct hvmon_vcpu_stats *stats);

/*
 * Words for people. Like snprintf(): @buf always ends with a NUL, and the
 * return value is what the whole text would have needed.
 */
/* The exit in one line: what happened, RIP, and the bytes there if known */
size_t hvmon_exit_describe(const struct hvmon_run *run, char *buf, size_t len);
/* The registers that came with the exit, several lines, none if none came */
size_t hvmon_regs_describe(const struct hvmon_run *run, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* LIBHVMON_H */
