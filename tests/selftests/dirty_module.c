// SPDX-License-Identifier: GPL-2.0
/* Writes by the module for the guest (INS, kvmclock) are in the dirty log. */
#include "hvt.h"

GUEST64(guest,
	"cld\n"
	"mov $0x1003000, %edi\n"
	"mov $4, %ecx\n"
	"mov $0x1f0, %dx\n"
	"rep insb\n"
	"hlt\n"
	/* MSR_KVM_SYSTEM_TIME_NEW, the page at 0x1005000 */
	"mov $0x4b564d01, %ecx\n"
	"mov $0x1005001, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u64 map = 0;
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = 8,
		       .bitmap = (u64)(uintptr_t)&map);
	int e;

	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, 8 * 4096, hvt_anon(8 * 4096));
	while ((e = hvt_run(v)) == HVMON_EXIT_PIO)
		memset(v->run->data, 0x5a, 4);
	CHECK_EQ(e, HVMON_EXIT_HLT);
	SYS(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &arg));
	CHECK_EQ(map, 1 << 3);
	EXPECT(v, HVMON_EXIT_HLT);
	SYS(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &arg));
	CHECK_EQ(map & (1 << 5), 1 << 5);
	return 0;
}
