// SPDX-License-Identifier: GPL-2.0
/* Making and unmaking the VM: module, memory slots, vCPUs */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

static int device_error(const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return complain(EXIT_HOST, "%s: %s: the module is not loaded; load it as "
				"root: modprobe hvmon, or insmod with the hvmon.ko that was built",
				path, strerror(err));
	case EACCES:
	case EPERM:
		return complain(EXIT_HOST, "%s: %s; run as root, or let root give you "
				"access: chgrp GROUP %s; chmod g+rw %s",
				path, strerror(err), path, path);
	}
	return complain(EXIT_HOST, "%s: %s", path, strerror(err));
}

/* The lines of hvmon_info.why on one */
static void join_lines(char *s)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == '\n')
		s[--n] = '\0';
	for (; *s; s++)
		if (*s == '\n')
			*s = ';';
}

static int check_info(struct vm *vm)
{
	struct hvmon_info *info = &vm->info;
	int ret = hvmon_info(vm->dev, info);

	if (ret == -ENOTTY)
		return complain(EXIT_HOST, "%s: not the hvmon device", vm->opt->device);
	if (ret)
		return complain(EXIT_HOST, "%s: %s", vm->opt->device, strerror(-ret));
	if (info->abi_version != HVMON_ABI_VERSION)
		return complain(EXIT_HOST, "the module speaks ABI version %u, hvmon-run "
				"%u; install both from one build",
				info->abi_version, HVMON_ABI_VERSION);
	if (info->vendor == HVMON_VENDOR_NONE) {
		info->why[sizeof(info->why) - 1] = '\0';
		join_lines(info->why);
		return complain(EXIT_HOST, "this processor cannot run guests: %s", info->why);
	}
	if (vm->opt->cpus > info->max_vcpus)
		return complain(EXIT_USAGE, "--cpus %u: the module allows %u", vm->opt->cpus,
				info->max_vcpus);
	if (vm->mem.size > vm->mem.low &&
	    ABOVE_4G + (vm->mem.size - vm->mem.low) > 1ULL << info->gpa_bits)
		return complain(EXIT_USAGE, "--memory: guests on this processor have %u "
				"address bits, too few for %llu MiB",
				info->gpa_bits, vm->mem.size / MiB);
	return 0;
}

static int add_memory(struct vm *vm)
{
	struct mem_slot slot[MEM_MAX_SLOTS];
	int n = mem_slots(&vm->mem, slot);

	for (int i = 0; i < n; i++) {
		/* From the VGA hole to 1 MiB it depends on the bridge: dev/rom.c */
		uint64_t skip = vm->rom && slot[i].gpa == VGA_END ? HIGH_START - VGA_END : 0;
		int ret = hvmon_mem_set(vm->fd, i, 0, slot[i].gpa + skip, slot[i].len - skip,
					(uint8_t *)slot[i].hva + skip);

		if (ret)
			return complain(EXIT_HOST, "guest memory at 0x%llx: %s",
					(unsigned long long)slot[i].gpa, strerror(-ret));
	}
	return 0;
}

int vm_mem_set(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len,
	       void *hva)
{
	if (!len)
		return hvmon_mem_set(vm->fd, slot, 0, 0, 0, NULL);
	return hvmon_mem_set(vm->fd, slot, flags, gpa, len, hva);
}

int vm_create(struct vm *vm)
{
	int ret;

	vm->dev = hvmon_open(vm->opt->device);
	if (vm->dev < 0)
		return device_error(vm->opt->device, -vm->dev);
	ret = check_info(vm);
	if (ret)
		return ret;
	vm->fd = hvmon_vm_create(vm->dev, vm->opt->mmu, vm->opt->name);
	if (vm->fd == -EOPNOTSUPP)
		return complain(EXIT_HOST, "--mmu %s: this module or processor does not "
				"have it; try --mmu %s",
				vm->opt->mmu ? "shadow" : "tdp",
				vm->opt->mmu ? "tdp" : "shadow");
	if (vm->fd < 0)
		return complain(EXIT_HOST, "no virtual machine: %s", strerror(-vm->fd));
	ret = hvmon_irqchip_create(vm->fd, HVMON_IRQCHIP_PIT);
	if (ret)
		return complain(EXIT_HOST, "no interrupt controllers: %s", strerror(-ret));
	vm_routes_init(vm);
	return add_memory(vm);
}

static int create_vcpu(struct vm *vm, struct vcpu *vcpu, uint32_t id)
{
	int ret;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = hvmon_vcpu_create(vm->fd, id);
	if (vcpu->fd < 0)
		return complain(EXIT_HOST, "no vCPU %u: %s", id, strerror(-vcpu->fd));
	ret = hvmon_map_run(vcpu->fd, vm->info.run_size, &vcpu->run);
	if (ret) {
		vcpu->run = NULL;
		return complain(EXIT_HOST, "vCPU %u: run page: %s", id, strerror(-ret));
	}
	return 0;
}

int vm_create_vcpus(struct vm *vm)
{
	vm->vcpu = calloc(vm->opt->cpus, sizeof(*vm->vcpu));
	if (!vm->vcpu)
		return complain(EXIT_HOST, "no memory");
	for (uint32_t i = 0; i < vm->opt->cpus; i++)
		vm->vcpu[i].fd = -1;
	vm->nr_vcpus = vm->opt->cpus;
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		int ret = create_vcpu(vm, &vm->vcpu[i], i);

		if (ret)
			return ret;
	}
	return 0;
}

void vm_destroy(struct vm *vm)
{
	while (vm->nr_devs) {
		struct iodev *dev = vm->dev_list[--vm->nr_devs];

		if (dev->ops->free)
			dev->ops->free(dev);
	}
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];

		if (vcpu->run)
			hvmon_unmap_run(vcpu->run, vm->info.run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	free(vm->reset_state);
	free(vm->vcpu);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->dev >= 0)
		close(vm->dev);
	mem_free(&vm->mem);
}

int vm_add_device(struct vm *vm, struct bus *bus, uint64_t start, uint64_t len,
		  uint32_t width, struct iodev *dev)
{
	if (vm->nr_devs == (int)ARRAY_SIZE(vm->dev_list)) {
		if (dev->ops->free)
			dev->ops->free(dev);
		return -ENOSPC;
	}
	vm->dev_list[vm->nr_devs++] = dev;
	return bus_add(bus, start, len, width, dev);
}
