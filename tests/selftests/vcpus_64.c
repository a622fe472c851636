// SPDX-License-Identifier: GPL-2.0
/* A VM can have 64 vCPUs, with and without irqchip, and each runs with its own APIC ID. */
#include "hvt.h"

GUEST64(guest,
	"mov $1, %eax\n"
	"cpuid\n"
	"shr $24, %ebx\n"
	"mov %ebx, %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	u32 id, chips;

	for (chips = 0; chips < 2; chips++) {
		struct hvt_vm *vm = hvt_vm();
		struct hvt_vcpu *v[HVMON_MAX_VCPUS];

		hvt_load(vm, HVT_CODE, guest, guest_end);
		if (chips)
			hvt_irqchip(vm, HVMON_IRQCHIP_PIT);
		for (id = 0; id < HVMON_MAX_VCPUS; id++)
			v[id] = hvt_vcpu(vm, id);
		REFUSED(hvt_try_vcpu(vm->fd, 64), EINVAL);
		CHECK_EQ(hvt_vm_stats(vm).vcpus, 64);
		for (id = 0; id < HVMON_MAX_VCPUS; id += chips ? 64 : 1) {
			hvt_start(v[id], 64);
			CHECK_EQ(EXPECT_REPORT(v[id]), id);
		}
	}
	return 0;
}
