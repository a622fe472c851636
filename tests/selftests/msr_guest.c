// SPDX-License-Identifier: GPL-2.0
/* A guest reads what the launcher set in an MSR, and the launcher what the guest wrote. */
#include "hvt.h"

GUEST64(guest,
	"1: in $0xe5, %eax\n"
	"mov %eax, %ecx\n"
	"rdmsr\n"
	G_REPORT
	"mov %edx, %eax\n"
	G_REPORT
	"mov $0x00112000, %eax\n"
	"mov $0x00007001, %edx\n"
	"wrmsr\n"
	"jmp 1b\n");

int main(void)
{
	/* LSTAR, CSTAR, FS_BASE, KERNEL_GS_BASE, SYSENTER_ESP, SYSENTER_EIP */
	static const u32 msrs[] = { 0xc0000082, 0xc0000083, 0xc0000100, 0xc0000102, 0x175, 0x176 };
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	unsigned int i;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		SYS(hvt_try_set_msr(v, msrs[i], 0x7fff00005000 + i));
		EXPECT_IN(v, 0xe5, 4, msrs[i]);
		CHECK_EQ(EXPECT_REPORT(v), 0x5000 + i);
		CHECK_EQ(EXPECT_REPORT(v), 0x7fff);
		v->run->immediate_exit = 0;
	}
	EXPECT_IN(v, 0xe5, 4, 0xc0000080);
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		SYS(hvt_try_get_msr(v, msrs[i], &val));
		if (val != 0x700100112000ULL)
			FAIL("MSR %#x is %#llx", msrs[i], (unsigned long long)val);
	}

	/* IA32_MISC_ENABLE keeps all that can be written, SDM vol. 4, table 2-2 */
	SYS(hvt_try_set_msr(v, 0x1a0, 0x400c51809));
	SYS(hvt_try_get_msr(v, 0x1a0, &val));
	CHECK_EQ(val, 0x400c51809);
	if (!hvt_try_set_msr(v, 0x1a0, 0x400c51809 | 1 << 24))
		FAIL("IA32_MISC_ENABLE takes a reserved bit");
	return 0;
}
