// SPDX-License-Identifier: GPL-2.0
/*
 * MOV to and from an address without a slot leaves as MMIO, in all sizes, and
 * the launcher's answer arrives.
 */
#include "hvt.h"

#define DEV	0xd0000000UL

GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"mov $0x1122334455667788, %rax\n"
	"mov %al, (%rbx)\n"
	"mov %ax, 2(%rbx)\n"
	"mov %eax, 4(%rbx)\n"
	"mov %rax, 8(%rbx)\n"
	"movl $0xdeadbeef, 16(%rbx)\n"
	"movq $-2, 24(%rbx)\n"
	"mov $-1, %rcx\n"
	"mov (%rbx), %cl\n"
	"mov %rcx, %r8\n"
	"mov $-1, %rcx\n"
	"mov 2(%rbx), %cx\n"
	"mov %rcx, %r9\n"
	"mov $-1, %rcx\n"
	"mov 4(%rbx), %ecx\n"
	"mov %rcx, %r10\n"
	"mov 8(%rbx), %r11\n"
	"movabs 0xd0000010, %al\n"
	"mov %ah, 5(%rbx)\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 1), 0x88);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 2, 2), 0x7788);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 4, 4), 0x55667788);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 8, 8), 0x1122334455667788ULL);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 16, 4), 0xdeadbeef);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 24, 8), -2ULL);
	EXPECT_MMIO_READ(v, DEV, 1, 0x5a);
	EXPECT_MMIO_READ(v, DEV + 2, 2, 0x5a5b);
	EXPECT_MMIO_READ(v, DEV + 4, 4, 0x5a5b5c5d);
	EXPECT_MMIO_READ(v, DEV + 8, 8, 0x5a5b5c5d5e5f6061ULL);
	EXPECT_MMIO_READ(v, DEV + 16, 1, 0x42);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 5, 1), 0x77);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_R8), 0xffffffffffffff5aULL);
	CHECK_EQ(hvt_reg(v, HVMON_R9), 0xffffffffffff5a5bULL);
	CHECK_EQ(hvt_reg(v, HVMON_R10), 0x5a5b5c5dULL);
	CHECK_EQ(hvt_reg(v, HVMON_R11), 0x5a5b5c5d5e5f6061ULL);
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 0x1122334455667742ULL);
	return 0;
}
