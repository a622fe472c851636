// SPDX-License-Identifier: GPL-2.0
/*
 * An ioeventfd of length 0 takes every write that begins at its address: of 1
 * to 16 bytes, from string, stack and read-modify-write instructions, and none
 * that begins elsewhere. What such an instruction does besides is done.
 */
#include "hvt_eventfd.h"

#define DEV	0xd0000000UL

GUEST64(guest,
	"mov $0xd0000008, %ebx\n"
	"mov $0x1122334455667788, %rax\n"
	"mov %al, (%rbx)\n"
	"mov %ax, (%rbx)\n"
	"mov %eax, (%rbx)\n"
	"mov %rax, (%rbx)\n"
	"movups %xmm0, (%rbx)\n"
	"mov %rsp, %rsi\n"
	"lea 8(%rbx), %rsp\n"
	"pushq 0x100000\n"			/* 6 */
	"mov %rsp, %rcx\n"
	"mov %rsi, %rsp\n"
	"mov %rcx, %rax\n"
	G_REPORT
	"cld\n"
	"mov %rbx, %rdi\n"
	"stosl\n"				/* 7 */
	"mov %edi, %eax\n"
	G_REPORT
	"mov $0x77, %eax\n"
	"xchg %eax, (%rbx)\n"			/* a read; 8 */
	G_REPORT
	"mov %eax, -1(%rbx)\n"			/* across it */
	"mov %al, 1(%rbx)\n"
	"mov $0x508, %dx\n"
	"out %al, %dx\n out %ax, %dx\n out %eax, %dx\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd = hvt_eventfd(), port = hvt_eventfd();

	hvt_ioeventfd(v->vm, 0, DEV + 8, 0, 0, fd);
	hvt_ioeventfd(v->vm, HVMON_IOEVENTFD_PIO, 0x508, 0, 0, port);
	CHECK_EQ(EXPECT_REPORT(v), DEV + 8);
	CHECK_EQ(hvt_eventfd_take(fd), 6);
	CHECK_EQ(EXPECT_REPORT(v), DEV + 12);
	CHECK_EQ(hvt_eventfd_take(fd), 1);
	EXPECT_MMIO_READ(v, DEV + 8, 4, 0x55);
	CHECK_EQ(EXPECT_REPORT(v), 0x55);
	CHECK_EQ(hvt_eventfd_take(fd), 1);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 7, 4), 0x55);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 9, 1), 0x55);
	CHECK_EQ(EXPECT_REPORT(v), 0x55);
	CHECK_EQ(hvt_eventfd_take(fd), 0);
	CHECK_EQ(hvt_eventfd_take(port), 3);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
