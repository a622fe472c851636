// SPDX-License-Identifier: GPL-2.0
/* The bench's back end on the KVM ABI, the same in shape as hvmon.c. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "bench.h"

static int dev = -1, vcpu;
static struct kvm_run *run_page;

static int new_vm(void *mem, size_t size, bool chips)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = size, .userspace_addr = (uintptr_t)mem };
	struct kvm_pit_config pit = { 0 };
	int vm;

	if (dev < 0)
		dev = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = must(ioctl(dev, KVM_CREATE_VM, 0), "CREATE_VM");
	if (chips) {
		must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "CREATE_IRQCHIP");
		must(ioctl(vm, KVM_CREATE_PIT2, &pit), "CREATE_PIT2");
	}
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "SET_USER_MEMORY_REGION");
	return vm;
}

static int new_vcpu(int vm)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[100];
	} cpuid = { .head.nent = 100 };
	int fd = must(ioctl(vm, KVM_CREATE_VCPU, 0), "CREATE_VCPU");
	int size = must(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), "GET_VCPU_MMAP_SIZE");

	/* hvmon's vCPUs have the host's table from the start */
	must(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid), "GET_SUPPORTED_CPUID");
	must(ioctl(fd, KVM_SET_CPUID2, &cpuid), "SET_CPUID2");
	run_page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run_page == MAP_FAILED)
		die("cannot map the run page");
	return fd;
}

static void create(void *mem, size_t size)
{
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 0x10, .type = 3,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_sregs st;

	vcpu = new_vcpu(new_vm(mem, size, getenv("BENCH_IRQCHIP")));
	must(ioctl(vcpu, KVM_GET_SREGS, &st), "GET_SREGS");
	st.ds = data;
	st.es = data;
	st.fs = data;
	st.gs = data;
	st.ss = data;
	st.cs = data;
	st.cs.type = 11;
	st.cs.selector = 8;
	st.cr0 = 0x31;
	must(ioctl(vcpu, KVM_SET_SREGS, &st), "SET_SREGS");
}

static void start(uint32_t eip)
{
	struct kvm_regs st = { .rip = eip, .rflags = 2 };

	must(ioctl(vcpu, KVM_SET_REGS, &st), "SET_REGS");
}

static enum bench_exit run(uint16_t *port, void **data)
{
	if (ioctl(vcpu, KVM_RUN, 0))
		return EXIT_OTHER;
	switch (run_page->exit_reason) {
	case KVM_EXIT_IO:
		*port = run_page->io.port;
		*data = (char *)run_page + run_page->io.data_offset;
		return run_page->io.direction == KVM_EXIT_IO_OUT ? EXIT_OUT : EXIT_IN;
	case KVM_EXIT_MMIO:
		*data = run_page->mmio.data;
		return run_page->mmio.is_write ? EXIT_WRITE : EXIT_READ;
	}
	return EXIT_OTHER;
}

static void idle(void *mem, size_t size)
{
	new_vcpu(new_vm(mem, size, true));
}

static void explain(void)
{
	perror("KVM_RUN");
	fprintf(stderr, "exit %u\n", run_page->exit_reason);
}

const struct backend kvm_backend = { "kvm", create, start, run, idle, explain };
