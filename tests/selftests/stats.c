// SPDX-License-Identifier: GPL-2.0
/* The counters of VCPU_STATS and VM_STATS count what happened, each in its own field. */
#include "hvt.h"

GUEST64(guest,
	"mov $10, %esi\n"
	"1: xor %eax, %eax\n"
	"cpuid\n"
	"dec %esi\n"
	"jnz 1b\n"
	"mov $0xc0000080, %ecx\n"
	"mov $7, %esi\n"
	"1: rdmsr\n"
	"dec %esi\n"
	"jnz 1b\n"
	"mov $5, %esi\n"
	"1: out %al, $0x10\n"
	"dec %esi\n"
	"jnz 1b\n"
	"mov $3, %esi\n"
	"1: mov %eax, 0xd0000000\n"
	"dec %esi\n"
	"jnz 1b\n"
	"movl $1, 0x300000\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_vcpu_stats a = hvt_stats(v), b;
	struct hvmon_vm_stats vm = hvt_vm_stats(v->vm);
	int e, runs = 1;

	CHECK_EQ(vm.vcpus, 1);
	CHECK_EQ(vm.slots, 1);
	CHECK_EQ(a.exits, 0);
	CHECK_EQ(vm.pages_4k + vm.pages_2m + vm.pages_1g, 0);
	while ((e = hvt_run(v)) != HVMON_EXIT_HLT) {
		CHECK(e == HVMON_EXIT_PIO || e == HVMON_EXIT_MMIO, "%s", hvt_exit_name(e));
		runs++;
	}
	b = hvt_stats(v);
	vm = hvt_vm_stats(v->vm);
	CHECK_EQ(runs, 9);
	CHECK_EQ(b.cpuid, 10);
	CHECK_EQ(b.msr_read, 7);
	CHECK_EQ(b.msr_write, 0);
	CHECK_EQ(b.pio, 5);
	CHECK_EQ(b.mmio, 3);
	CHECK_EQ(b.hlt, 1);
	CHECK_EQ(b.hypercall, 0);
	CHECK_EQ(b.user_exits, 9);
	CHECK(b.faults >= 1, "%llu", b.faults);
	CHECK_EQ(b.exits, b.cpuid + b.msr_read + b.msr_write + b.pio + b.mmio + b.faults + b.hlt +
		 b.hypercall + b.host_intr + b.other + b.timer);
	CHECK(b.sections >= 9 && b.sections <= b.exits, "%llu", b.sections);
	CHECK(b.guest_ns > 0, "no time");
	CHECK_EQ(b.exceptions, 0);
	CHECK_EQ(b.irq_injected, 0);
	CHECK(vm.pages_4k + vm.pages_2m + vm.pages_1g > 0, "no pages");
	CHECK(vm.table_pages >= 3, "%llu", vm.table_pages);
	CHECK(vm.faults >= 1, "no faults");
	return 0;
}
