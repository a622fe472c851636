// SPDX-License-Identifier: GPL-2.0
/* The bench's back end on hvmon's ABI. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../../uapi/hvmon.h"
#include "bench.h"

static int dev = -1, vcpu;
static struct hvmon_run *run_page;

#define ARG(type, name, ...)	struct type name = { .size = sizeof(name), ##__VA_ARGS__ }

static int new_vm(void *mem, size_t size, bool chips)
{
	ARG(hvmon_vm_create, create);
	ARG(hvmon_irqchip_create, irqchip, .flags = HVMON_IRQCHIP_PIT);
	ARG(hvmon_mem, slot, .len = size, .hva = (uintptr_t)mem);
	int vm;

	if (dev < 0)
		dev = must(open("/dev/hvmon", O_RDWR), "/dev/hvmon");
	vm = must(ioctl(dev, HVMON_VM_CREATE, &create), "VM_CREATE");
	if (chips)
		must(ioctl(vm, HVMON_IRQCHIP_CREATE, &irqchip), "IRQCHIP_CREATE");
	must(ioctl(vm, HVMON_MEM_SET, &slot), "MEM_SET");
	return vm;
}

static int new_vcpu(int vm)
{
	ARG(hvmon_vcpu_create, create);
	ARG(hvmon_info, info);
	int fd = must(ioctl(vm, HVMON_VCPU_CREATE, &create), "VCPU_CREATE");

	must(ioctl(dev, HVMON_INFO, &info), "INFO");
	run_page = mmap(NULL, info.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run_page == MAP_FAILED)
		die("cannot map the run page");
	return fd;
}

static void create(void *mem, size_t size)
{
	ARG(hvmon_state, st, .groups = HVMON_STATE_SREGS);
	int i;

	vcpu = new_vcpu(new_vm(mem, size, getenv("BENCH_IRQCHIP")));
	must(ioctl(vcpu, HVMON_STATE_GET, &st), "STATE_GET");
	for (i = HVMON_ES; i <= HVMON_GS; i++)
		st.sregs.seg[i] = (struct hvmon_segment){
			.limit = 0xffffffff, .selector = 0x10, .attr = 0xc093 };
	st.sregs.seg[HVMON_CS].attr = 0xc09b;
	st.sregs.seg[HVMON_CS].selector = 8;
	st.sregs.cr0 = 0x31;
	must(ioctl(vcpu, HVMON_STATE_SET, &st), "STATE_SET");
}

static void start(uint32_t eip)
{
	ARG(hvmon_state, st, .groups = HVMON_STATE_REGS);

	st.regs.rip = eip;
	st.regs.rflags = 2;
	must(ioctl(vcpu, HVMON_STATE_SET, &st), "STATE_SET");
}

static enum bench_exit run(uint16_t *port, void **data)
{
	if (ioctl(vcpu, HVMON_RUN, 0))
		return EXIT_OTHER;
	*data = run_page->data;
	switch (run_page->exit) {
	case HVMON_EXIT_PIO:
		*port = run_page->pio.port;
		return run_page->pio.direction ? EXIT_OUT : EXIT_IN;
	case HVMON_EXIT_MMIO:
		return run_page->mmio.write ? EXIT_WRITE : EXIT_READ;
	}
	return EXIT_OTHER;
}

static void idle(void *mem, size_t size)
{
	new_vcpu(new_vm(mem, size, true));
}

static void explain(void)
{
	perror("HVMON_RUN");
	fprintf(stderr, "exit %u %.128s\n", run_page->exit, run_page->message);
}

const struct backend hvmon_backend = { "hvmon", create, start, run, idle, explain };
