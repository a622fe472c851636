// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's TSC advances, follows WRMSR and the launcher's MSRS_SET, and is
 * the same on all vCPUs.
 */
#include "hvt.h"

GUEST64(guest,
	"1: rdtsc\n"
	"mov %eax, 0x100000\n"
	"mov %edx, 0x100004\n"
	"hlt\n"
	"mov $0x10, %ecx\n"
	"mov $0x5000, %edx\n"
	"xor %eax, %eax\n"
	"wrmsr\n"
	"rdtsc\n"
	"mov %eax, 0x100000\n"
	"mov %edx, 0x100004\n"
	"hlt\n"
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest), *w = hvt_vcpu(v->vm, 1);
	volatile u64 *t = (u64 *)(v->vm->mem + HVT_DATA);
	u64 first, khz = hvt_info().tsc_khz, val;

	hvt_start(w, 64);
	EXPECT(v, HVMON_EXIT_HLT);
	first = *t;
	EXPECT(w, HVMON_EXIT_HLT);
	CHECK(*t > first, "vCPU 1 is behind vCPU 0");
	CHECK(*t - first < khz * 10000, "the vCPUs are ten seconds apart");
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK(*t >= 0x500000000000ULL && *t < 0x500000000000ULL + khz * 10000, "%#llx",
	      (unsigned long long)*t);
	SYS(hvt_try_set_msr(v, 0x10, 0x700000000000ULL));
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK(*t >= 0x700000000000ULL && *t < 0x700000000000ULL + khz * 10000, "%#llx",
	      (unsigned long long)*t);
	SYS(hvt_try_get_msr(v, 0x10, &val));
	CHECK(val >= *t && val < *t + khz * 10000, "%#llx", (unsigned long long)val);
	return 0;
}
