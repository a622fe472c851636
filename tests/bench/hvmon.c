// SPDX-License-Identifier: GPL-2.0
/* The bench's back end on hvmon's ABI. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../uapi/hvmon.h"
#include "bench.h"

static int dev = -1;
static size_t run_size;

#define ARG(type, name, ...)	struct type name = { .size = sizeof(name), ##__VA_ARGS__ }

static void open_device(void)
{
	ARG(hvmon_info, info);

	dev = must(open("/dev/hvmon", O_RDWR | O_CLOEXEC), "/dev/hvmon");
	must(ioctl(dev, HVMON_INFO, &info), "INFO");
	run_size = info.run_size;
}

static void create(struct machine *m, void *mem, size_t size)
{
	ARG(hvmon_vm_create, create);
	ARG(hvmon_irqchip_create, irqchip, .flags = HVMON_IRQCHIP_PIT);
	ARG(hvmon_mem, slot, .len = size, .hva = (uintptr_t)mem);

	if (dev < 0)
		open_device();
	memset(m, 0, sizeof(*m));
	m->vm = must(ioctl(dev, HVMON_VM_CREATE, &create), "VM_CREATE");
	must(ioctl(m->vm, HVMON_IRQCHIP_CREATE, &irqchip), "IRQCHIP_CREATE");
	must(ioctl(m->vm, HVMON_MEM_SET, &slot), "MEM_SET");
}

static void vcpu(struct machine *m, int i)
{
	ARG(hvmon_vcpu_create, create, .id = i);
	ARG(hvmon_state, st, .groups = HVMON_STATE_SREGS);
	int fd = must(ioctl(m->vm, HVMON_VCPU_CREATE, &create), "VCPU_CREATE");
	int seg;

	m->vcpu[i] = fd;
	m->run[i] = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->run[i] == MAP_FAILED)
		die("cannot map the run page");
	must(ioctl(fd, HVMON_STATE_GET, &st), "STATE_GET");
	for (seg = HVMON_ES; seg <= HVMON_GS; seg++)
		st.sregs.seg[seg] = (struct hvmon_segment){
			.limit = 0xffffffff, .selector = 0x18, .attr = 0xc093 };
	st.sregs.seg[HVMON_CS].attr = 0xc09b;
	st.sregs.seg[HVMON_CS].selector = 0x10;
	st.sregs.gdt = (struct hvmon_dtable){ .base = GDT_GPA, .limit = 31 };
	st.sregs.idt = (struct hvmon_dtable){ .base = IDT_GPA, .limit = 0x7ff };
	st.sregs.cr0 = 0x31;
	must(ioctl(fd, HVMON_STATE_SET, &st), "STATE_SET");
}

static void start(struct machine *m, int i, uint32_t eip, uint32_t esp, uint32_t esi)
{
	ARG(hvmon_state, st, .groups = HVMON_STATE_REGS | HVMON_STATE_MP);

	st.regs.rip = eip;
	st.regs.gpr[HVMON_RSP] = esp;
	st.regs.gpr[HVMON_RSI] = esi;
	st.regs.rflags = 2;
	st.mp.state = HVMON_MP_RUNNABLE;
	must(ioctl(m->vcpu[i], HVMON_STATE_SET, &st), "STATE_SET");
}

static enum bench_exit run(struct machine *m, int i, uint16_t *port, void **data)
{
	struct hvmon_run *run = m->run[i];

	if (ioctl(m->vcpu[i], HVMON_RUN, 0))
		return EXIT_OTHER;
	*data = run->data;
	switch (run->exit) {
	case HVMON_EXIT_PIO:
		*port = run->pio.port;
		return run->pio.direction ? EXIT_OUT : EXIT_IN;
	case HVMON_EXIT_MMIO:
		return run->mmio.write ? EXIT_WRITE : EXIT_READ;
	}
	return EXIT_OTHER;
}

static void ioeventfd(struct machine *m, int fd)
{
	ARG(hvmon_ioeventfd, arg, .flags = HVMON_IOEVENTFD_PIO, .addr = PORT_DOORBELL, .len = 4,
	    .fd = fd);

	must(ioctl(m->vm, HVMON_IOEVENTFD, &arg), "IOEVENTFD");
}

static void irqfd(struct machine *m, int fd)
{
	struct hvmon_irq_route route = { .gsi = BENCH_GSI, .type = HVMON_ROUTE_MSI,
					 .addr = 0xfee00000, .data = VECTOR_IRQFD };
	ARG(hvmon_irq_routes, routes, .count = 1, .routes = (uintptr_t)&route);
	ARG(hvmon_irqfd, arg, .gsi = BENCH_GSI, .fd = fd);

	must(ioctl(m->vm, HVMON_IRQ_ROUTES, &routes), "IRQ_ROUTES");
	must(ioctl(m->vm, HVMON_IRQFD, &arg), "IRQFD");
}

static void destroy(struct machine *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (m->run[i])
			munmap(m->run[i], run_size);
		if (m->run[i])
			close(m->vcpu[i]);
	}
	close(m->vm);
}

static void explain(struct machine *m, int i)
{
	struct hvmon_run *run = m->run[i];

	perror("HVMON_RUN");
	fprintf(stderr, "exit %u %.128s\n", run->exit, run->message);
}

const struct backend hvmon_backend = {
	"hvmon", create, vcpu, start, run, ioeventfd, irqfd, destroy, explain
};
