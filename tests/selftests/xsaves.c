// SPDX-License-Identifier: GPL-2.0
/* XSAVES and XRSTORS keep the guest's registers; IA32_XSS holds nothing but zero. */
#include "hvt.h"

#define AREA	0x101000	/* of XSAVES: 64-byte aligned */

GUEST64(guest,
	"mov %cr4, %rax\n"
	"or $1 << 18, %eax\n"			/* OSXSAVE */
	"mov %rax, %cr4\n"
	"xor %ecx, %ecx\n"
	"xor %edx, %edx\n"
	"mov $3, %eax\n"
	"xsetbv\n"
	"mov $0xda0, %ecx\n"
	"mov $-1, %eax\n"
	"rdmsr\n"
	"or %edx, %eax\n"
	"mov %eax, 0x100020\n"
	"xor %eax, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"movups 0x100000, %xmm5\n"
	"mov $3, %eax\n"
	"xsaves64 0x101000\n"
	"pxor %xmm5, %xmm5\n"
	"xrstors64 0x101000\n"
	"movups %xmm5, 0x100010\n"
	"hlt\n"
	"mov $0x800, %eax\n"			/* CET, user */
	"wrmsr\n"
	"hlt\n");

static bool offered(struct hvt_vcpu *v)
{
	static struct hvmon_cpuid_entry e[HVMON_MAX_CPUID];
	HVT_DEFINE_ARG(hvmon_cpuid, arg, .count = HVMON_MAX_CPUID, .entries = (u64)(uintptr_t)e);
	u32 i;

	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	for (i = 0; i < arg.count; i++)
		if (e[i].leaf == 0xd && e[i].subleaf == 1)
			return e[i].eax & 1 << 3;
	return false;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *data = v->vm->mem + HVT_DATA;
	u64 xss = 1;
	int i;

	if (!offered(v)) {
		CHECK(hvt_try_get_msr(v, 0xda0, &xss), "IA32_XSS without XSAVES");
		hvt_skip("the host's kernel uses no XSAVES, or its processor has none");
	}
	SYS(hvt_try_get_msr(v, 0xda0, &xss));
	CHECK_EQ(xss, 0);
	REFUSED(hvt_try_set_msr(v, 0xda0, 1 << 11), EINVAL);
	for (i = 0; i < 16; i++)
		data[i] = 0x50 + i;
	*(u32 *)(data + 32) = ~0u;
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(*(u32 *)(data + 32), 0);
	CHECK(!memcmp(data, data + 16, 16), "XRSTORS did not bring XMM5 back");
	/* XCOMP_BV of the compacted form: SDM vol. 1, 13.4.3 */
	CHECK_EQ(*(u64 *)(v->vm->mem + AREA + 520), 1ULL << 63 | 3);
	EXPECT(v, HVMON_EXIT_PIO);
	CHECK_EQ(v->run->pio.port, HVT_PORT_EXC);
	CHECK_EQ(v->run->data[0], 13);
	return 0;
}
