// SPDX-License-Identifier: GPL-2.0
/* One function per ioctl; see libhvmon.h */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libhvmon.h"

static int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int hvmon_open(const char *path)
{
	int fd = open(path ? path : HVMON_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int hvmon_info(int dev, struct hvmon_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(dev, HVMON_INFO, info);
}

int hvmon_vm_create(int dev, unsigned int mmu, const char *name)
{
	struct hvmon_vm_create arg = { .size = sizeof(arg), .mmu = mmu };
	size_t len = name ? strlen(name) : 0;

	if (len >= sizeof(arg.name))
		return -EINVAL;
	if (len)
		memcpy(arg.name, name, len);
	return call(dev, HVMON_VM_CREATE, &arg);
}

int hvmon_vcpu_create(int vm, unsigned int id)
{
	struct hvmon_vcpu_create arg = { .size = sizeof(arg), .id = id };

	return call(vm, HVMON_VCPU_CREATE, &arg);
}

int hvmon_mem_set(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len,
		  void *hva)
{
	struct hvmon_mem arg = {
		.size = sizeof(arg),
		.flags = flags,
		.slot = slot,
		.gpa = gpa,
		.len = len,
		.hva = (uintptr_t)hva,
	};

	return call(vm, HVMON_MEM_SET, &arg);
}

int hvmon_mem_remove(int vm, uint32_t slot)
{
	return hvmon_mem_set(vm, slot, 0, 0, 0, NULL);
}

int hvmon_dirty_log(int vm, uint32_t slot, uint64_t first_page, uint64_t pages,
		    uint64_t *bitmap, uint64_t *dirty)
{
	struct hvmon_dirty_log arg = {
		.size = sizeof(arg),
		.slot = slot,
		.first_page = first_page,
		.pages = pages,
		.bitmap = (uintptr_t)bitmap,
	};
	int ret = call(vm, HVMON_DIRTY_LOG, &arg);

	if (!ret && dirty)
		*dirty = arg.dirty;
	return ret;
}

int hvmon_irqchip_create(int vm, uint32_t flags)
{
	struct hvmon_irqchip_create arg = { .size = sizeof(arg), .flags = flags };

	return call(vm, HVMON_IRQCHIP_CREATE, &arg);
}

int hvmon_irqchip_get(int vm, uint32_t chip, struct hvmon_irqchip *state)
{
	memset(state, 0, sizeof(*state));
	state->size = sizeof(*state);
	state->chip = chip;
	return call(vm, HVMON_IRQCHIP_GET, state);
}

int hvmon_irqchip_set(int vm, const struct hvmon_irqchip *state)
{
	struct hvmon_irqchip arg = *state;

	arg.size = sizeof(arg);
	return call(vm, HVMON_IRQCHIP_SET, &arg);
}

int hvmon_irq_routes(int vm, const struct hvmon_irq_route *routes, uint32_t count)
{
	struct hvmon_irq_routes arg = {
		.size = sizeof(arg),
		.count = count,
		.routes = (uintptr_t)routes,
	};

	return call(vm, HVMON_IRQ_ROUTES, &arg);
}

int hvmon_irq_line(int vm, uint32_t gsi, int level)
{
	struct hvmon_irq_line arg = {
		.size = sizeof(arg),
		.gsi = gsi,
		.level = !!level,
	};

	return call(vm, HVMON_IRQ_LINE, &arg);
}

int hvmon_msi(int vm, uint64_t addr, uint32_t data)
{
	struct hvmon_msi arg = { .size = sizeof(arg), .addr = addr, .data = data };
	int ret = call(vm, HVMON_MSI, &arg);

	return ret < 0 ? ret : (int)arg.delivered;
}

int hvmon_irqfd(int vm, int fd, uint32_t gsi, int resample_fd)
{
	struct hvmon_irqfd arg = { .size = sizeof(arg), .gsi = gsi, .fd = fd };

	if (resample_fd >= 0) {
		arg.flags = HVMON_IRQFD_RESAMPLE;
		arg.resample_fd = resample_fd;
	}
	return call(vm, HVMON_IRQFD, &arg);
}

int hvmon_irqfd_remove(int vm, int fd, uint32_t gsi)
{
	struct hvmon_irqfd arg = {
		.size = sizeof(arg),
		.flags = HVMON_IRQFD_DEASSIGN,
		.gsi = gsi,
		.fd = fd,
	};

	return call(vm, HVMON_IRQFD, &arg);
}

int hvmon_ioeventfd(int vm, uint32_t flags, uint64_t addr, uint32_t len, uint64_t datamatch,
		    int fd)
{
	struct hvmon_ioeventfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.addr = addr,
		.datamatch = datamatch,
		.len = len,
		.fd = fd,
	};

	return call(vm, HVMON_IOEVENTFD, &arg);
}

int hvmon_ioeventfd_remove(int vm, uint32_t flags, uint64_t addr, uint32_t len,
			   uint64_t datamatch, int fd)
{
	return hvmon_ioeventfd(vm, flags | HVMON_IOEVENTFD_DEASSIGN, addr, len, datamatch, fd);
}

int hvmon_vm_stats(int vm, struct hvmon_vm_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(vm, HVMON_VM_STATS, stats);
}

int hvmon_clock_get(int vm, uint64_t *ns, uint64_t *host_tsc, uint32_t *tsc_khz)
{
	struct hvmon_clock arg = { .size = sizeof(arg) };
	int ret = call(vm, HVMON_CLOCK_GET, &arg);

	if (ret)
		return ret;
	*ns = arg.ns;
	if (host_tsc)
		*host_tsc = arg.host_tsc;
	if (tsc_khz)
		*tsc_khz = arg.tsc_khz;
	return 0;
}

int hvmon_clock_set(int vm, uint64_t ns, uint32_t tsc_khz)
{
	struct hvmon_clock arg = { .size = sizeof(arg), .ns = ns, .tsc_khz = tsc_khz };

	return call(vm, HVMON_CLOCK_SET, &arg);
}

int hvmon_map_run(int vcpu, size_t run_size, struct hvmon_run **run)
{
	void *p;

	if (run_size < sizeof(struct hvmon_run))
		return -EINVAL;
	p = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (p == MAP_FAILED)
		return -errno;
	*run = p;
	return 0;
}

int hvmon_unmap_run(struct hvmon_run *run, size_t run_size)
{
	return munmap(run, run_size) ? -errno : 0;
}

int hvmon_run(int vcpu)
{
	return call(vcpu, HVMON_RUN, NULL);
}

int hvmon_state_get(int vcpu, uint64_t groups, struct hvmon_state *state)
{
	state->size = sizeof(*state);
	state->flags = 0;
	state->groups = groups;
	return call(vcpu, HVMON_STATE_GET, state);
}

int hvmon_state_set(int vcpu, uint64_t groups, struct hvmon_state *state)
{
	state->size = sizeof(*state);
	state->flags = 0;
	state->groups = groups;
	return call(vcpu, HVMON_STATE_SET, state);
}

int hvmon_msrs_get(int vcpu, struct hvmon_msr *msrs, uint32_t count)
{
	struct hvmon_msrs arg = {
		.size = sizeof(arg),
		.count = count,
		.msrs = (uintptr_t)msrs,
	};

	return call(vcpu, HVMON_MSRS_GET, &arg);
}

int hvmon_msrs_list(int vcpu, struct hvmon_msr *msrs, uint32_t *count)
{
	struct hvmon_msrs arg = {
		.size = sizeof(arg),
		.flags = HVMON_MSRS_LIST,
		.count = *count,
		.msrs = (uintptr_t)msrs,
	};
	int ret = call(vcpu, HVMON_MSRS_GET, &arg);

	if (!ret || ret == -E2BIG)
		*count = arg.count;
	return ret;
}

int hvmon_msrs_set(int vcpu, const struct hvmon_msr *msrs, uint32_t count, uint32_t *done)
{
	struct hvmon_msrs arg = {
		.size = sizeof(arg),
		.count = count,
		.msrs = (uintptr_t)msrs,
	};
	int ret = call(vcpu, HVMON_MSRS_SET, &arg);

	if (done)
		*done = arg.done;
	return ret;
}

int hvmon_cpuid_get(int vcpu, struct hvmon_cpuid_entry *entries, uint32_t *count)
{
	struct hvmon_cpuid arg = {
		.size = sizeof(arg),
		.count = *count,
		.entries = (uintptr_t)entries,
	};
	int ret = call(vcpu, HVMON_CPUID_GET, &arg);

	if (!ret || ret == -E2BIG)
		*count = arg.count;
	return ret;
}

int hvmon_cpuid_set(int vcpu, const struct hvmon_cpuid_entry *entries, uint32_t count)
{
	struct hvmon_cpuid arg = {
		.size = sizeof(arg),
		.count = count,
		.entries = (uintptr_t)entries,
	};

	return call(vcpu, HVMON_CPUID_SET, &arg);
}

int hvmon_inject_irq(int vcpu, uint8_t vector)
{
	struct hvmon_inject arg = {
		.size = sizeof(arg),
		.type = HVMON_EV_INTR,
		.vector = vector,
	};

	return call(vcpu, HVMON_INJECT, &arg);
}

int hvmon_inject_nmi(int vcpu)
{
	struct hvmon_inject arg = { .size = sizeof(arg), .type = HVMON_EV_NMI };

	return call(vcpu, HVMON_INJECT, &arg);
}

int hvmon_inject_exception(int vcpu, uint8_t vector, const uint32_t *error,
			   uint64_t payload)
{
	struct hvmon_inject arg = {
		.size = sizeof(arg),
		.type = HVMON_EV_EXCEPTION,
		.vector = vector,
		.has_error = !!error,
		.error = error ? *error : 0,
		.payload = payload,
	};

	return call(vcpu, HVMON_INJECT, &arg);
}

int hvmon_translate(int vcpu, uint64_t gva, uint32_t access, uint64_t *gpa,
		    uint32_t *error)
{
	struct hvmon_translate arg = {
		.size = sizeof(arg),
		.gva = gva,
		.access = access,
	};
	int ret = call(vcpu, HVMON_TRANSLATE, &arg);

	if (ret)
		return ret;
	if (arg.valid) {
		*gpa = arg.gpa;
		return 0;
	}
	if (error)
		*error = arg.error;
	return 1;
}

int hvmon_vcpu_stats(int vcpu, struct hvmon_vcpu_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(vcpu, HVMON_VCPU_STATS, stats);
}
