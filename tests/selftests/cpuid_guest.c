// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID shows the guest the launcher's table, the hypervisor bit, the
 * paravirtual signature, and neither SVM nor VMX.
 */
#include "hvt.h"

GUEST64(guest,
	"1: in $0xe5, %eax\n"
	"xor %ecx, %ecx\n"
	"cpuid\n"
	"mov %eax, 0x100000\n"
	"mov %ebx, 0x100004\n"
	"mov %ecx, 0x100008\n"
	"mov %edx, 0x10000c\n"
	"jmp 1b\n");

static u32 *leaf(struct hvt_vcpu *v, u32 n)
{
	EXPECT_IN(v, 0xe5, 4, n);
	/* the next request comes when this one is done */
	EXPECT(v, HVMON_EXIT_PIO);
	memcpy(v->run->data, &n, 4);
	return (u32 *)(v->vm->mem + HVT_DATA);
}

int main(void)
{
	static struct hvmon_cpuid_entry e[HVMON_MAX_CPUID];
	HVT_DEFINE_ARG(hvmon_cpuid, arg, .count = HVMON_MAX_CPUID, .entries = (u64)(uintptr_t)e);
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u32 *r, i;

	SYS(ioctl(v->fd, HVMON_CPUID_GET, &arg));
	for (i = 0; i < arg.count; i++)
		if (e[i].leaf == 0x80000002)
			memcpy(&e[i].eax, "hvmon test cpu!!", 16);
	SYS(ioctl(v->fd, HVMON_CPUID_SET, &arg));
	r = leaf(v, 0);
	CHECK(r[0] >= 1, "the highest leaf is %u", r[0]);
	r = leaf(v, 1);
	CHECK(r[2] >> 31, "no hypervisor bit");
	CHECK(!(r[2] & 1 << 5), "VMX");
	r = leaf(v, 0x80000001);
	CHECK(!(r[2] & 1 << 2), "SVM");
	CHECK(r[3] >> 29 & 1, "no long mode");
	r = leaf(v, 0x40000000);
	CHECK(r[0] >= 0x40000001, "%#x", r[0]);
	CHECK(!memcmp(r + 1, "KVMKVMKVM\0\0\0", 12), "signature");
	r = leaf(v, 0x80000002);
	CHECK(!memcmp(r, "hvmon test cpu!!", 16), "the launcher's name is not there");
	return 0;
}
