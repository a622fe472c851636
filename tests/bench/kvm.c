// SPDX-License-Identifier: GPL-2.0
/* The bench's back end on the KVM ABI, the same in shape as hvmon.c. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define CPUID_1_ECX_TSC_DEADLINE	(1u << 24)

static int dev = -1;
static size_t run_size;
static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[100];
} cpuid = { .head.nent = 100 };

static void open_device(void)
{
	unsigned int i;

	dev = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	run_size = must(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), "GET_VCPU_MMAP_SIZE");
	/* hvmon's vCPUs have such a table from the start */
	must(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid), "GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == 1)
			cpuid.entry[i].ecx |= CPUID_1_ECX_TSC_DEADLINE;
}

static void create(struct machine *m, void *mem, size_t size)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = size, .userspace_addr = (uintptr_t)mem };
	struct kvm_pit_config pit = { 0 };

	if (dev < 0)
		open_device();
	memset(m, 0, sizeof(*m));
	m->vm = must(ioctl(dev, KVM_CREATE_VM, 0), "CREATE_VM");
	must(ioctl(m->vm, KVM_CREATE_IRQCHIP, 0), "CREATE_IRQCHIP");
	must(ioctl(m->vm, KVM_CREATE_PIT2, &pit), "CREATE_PIT2");
	must(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &slot), "SET_USER_MEMORY_REGION");
}

static void vcpu(struct machine *m, int i)
{
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 0x18, .type = 3,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_sregs st;
	int fd = must(ioctl(m->vm, KVM_CREATE_VCPU, i), "CREATE_VCPU");

	m->vcpu[i] = fd;
	must(ioctl(fd, KVM_SET_CPUID2, &cpuid), "SET_CPUID2");
	m->run[i] = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->run[i] == MAP_FAILED)
		die("cannot map the run page");
	must(ioctl(fd, KVM_GET_SREGS, &st), "GET_SREGS");
	st.ds = data;
	st.es = data;
	st.fs = data;
	st.gs = data;
	st.ss = data;
	st.cs = data;
	st.cs.type = 11;
	st.cs.selector = 0x10;
	st.gdt = (struct kvm_dtable){ .base = GDT_GPA, .limit = 31 };
	st.idt = (struct kvm_dtable){ .base = IDT_GPA, .limit = 0x7ff };
	st.cr0 = 0x31;
	must(ioctl(fd, KVM_SET_SREGS, &st), "SET_SREGS");
}

static void start(struct machine *m, int i, uint32_t eip, uint32_t esp, uint32_t esi)
{
	struct kvm_regs st = { .rip = eip, .rsp = esp, .rsi = esi, .rflags = 2 };
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };

	must(ioctl(m->vcpu[i], KVM_SET_REGS, &st), "SET_REGS");
	must(ioctl(m->vcpu[i], KVM_SET_MP_STATE, &mp), "SET_MP_STATE");
}

static enum bench_exit run(struct machine *m, int i, uint16_t *port, void **data)
{
	struct kvm_run *run = m->run[i];

	if (ioctl(m->vcpu[i], KVM_RUN, 0))
		return EXIT_OTHER;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		*port = run->io.port;
		*data = (char *)run + run->io.data_offset;
		return run->io.direction == KVM_EXIT_IO_OUT ? EXIT_OUT : EXIT_IN;
	case KVM_EXIT_MMIO:
		*data = run->mmio.data;
		return run->mmio.is_write ? EXIT_WRITE : EXIT_READ;
	}
	return EXIT_OTHER;
}

static void ioeventfd(struct machine *m, int fd)
{
	struct kvm_ioeventfd arg = { .flags = KVM_IOEVENTFD_FLAG_PIO, .addr = PORT_DOORBELL,
				     .len = 4, .fd = fd };

	must(ioctl(m->vm, KVM_IOEVENTFD, &arg), "IOEVENTFD");
}

static void irqfd(struct machine *m, int fd)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routes = {
		.head.nr = 1,
		.entry = { .gsi = BENCH_GSI, .type = KVM_IRQ_ROUTING_MSI,
			   .u.msi = { .address_lo = 0xfee00000, .data = VECTOR_IRQFD } },
	};
	struct kvm_irqfd arg = { .gsi = BENCH_GSI, .fd = fd };

	must(ioctl(m->vm, KVM_SET_GSI_ROUTING, &routes), "SET_GSI_ROUTING");
	must(ioctl(m->vm, KVM_IRQFD, &arg), "IRQFD");
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
	struct kvm_run *run = m->run[i];

	perror("KVM_RUN");
	fprintf(stderr, "exit %u\n", run->exit_reason);
}

const struct backend kvm_backend = {
	"kvm", create, vcpu, start, run, ioeventfd, irqfd, destroy, explain
};
