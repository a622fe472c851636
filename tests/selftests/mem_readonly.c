// SPDX-License-Identifier: GPL-2.0
/*
 * Guest writes to a read-only slot leave as MMIO, its reads and execution do
 * not, and the memory keeps its content.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"mov (%rbx), %eax\n"
	G_REPORT
	"movl $0x1234, (%rbx)\n"
	"mov (%rbx), %eax\n"
	G_REPORT
	"lea 0x100(%rbx), %rax\n"
	"call *%rax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	/* mov $77,%eax; ret */
	static const u8 code[] = { 0xb8, 77, 0, 0, 0, 0xc3 };
	u8 *p = hvt_anon(4096);

	*(u32 *)p = 0xabcd;
	memcpy(p + 0x100, code, sizeof(code));
	hvt_mem(v->vm, 1, HVMON_MEM_READONLY, 16 * MiB, 4096, p);
	CHECK_EQ(EXPECT_REPORT(v), 0xabcd);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, 16 * MiB, 4), 0x1234);
	CHECK_EQ(EXPECT_REPORT(v), 0xabcd);
	CHECK_EQ(EXPECT_REPORT(v), 77);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(*(u32 *)p, 0xabcd);
	return 0;
}
