// SPDX-License-Identifier: GPL-2.0
/*
 * With a datamatch only writes of that value, in all its bytes, signal; several
 * at one address are told apart, and other values leave.
 */
#include "hvt_eventfd.h"

#define DEV	0xd0000000UL
#define PIO	HVMON_IOEVENTFD_PIO
#define MATCH	HVMON_IOEVENTFD_DATAMATCH

GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"mov $0x510, %dx\n"
	"mov $8, %ecx\n"
	"1: lea -1(%rcx), %eax\n"
	"out %ax, %dx\n"			/* 7 .. 0 */
	"loop 1b\n"
	"mov $0x12340003, %eax\n"
	"out %ax, %dx\n"			/* 3, once more */
	"mov $0x0103, %eax\n"
	"out %ax, %dx\n"			/* not 3 */
	"movb $0x80, (%rbx)\n"
	"movb $0x7f, (%rbx)\n"
	"movl $0x80000000, (%rbx)\n"
	"mov $0x8000000000000001, %rax\n"
	"mov %rax, (%rbx)\n"
	"mov $1, %eax\n"
	"mov %rax, (%rbx)\n"			/* only its lower half */
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd[8], byte = hvt_eventfd(), word = hvt_eventfd(), quad = hvt_eventfd(), i;

	for (i = 0; i < 7; i++) {
		fd[i] = hvt_eventfd();
		hvt_ioeventfd(v->vm, PIO | MATCH, 0x510, 2, i, fd[i]);
	}
	hvt_ioeventfd(v->vm, MATCH, DEV, 1, 0x80, byte);
	hvt_ioeventfd(v->vm, MATCH, DEV, 4, 0x80000000, word);
	hvt_ioeventfd(v->vm, MATCH, DEV, 8, 0x8000000000000001ULL, quad);
	CHECK_EQ(EXPECT_OUT(v, 0x510, 2), 7);
	CHECK_EQ(EXPECT_OUT(v, 0x510, 2), 0x103);
	for (i = 0; i < 7; i++)
		CHECK_EQ(hvt_eventfd_take(fd[i]), i == 3 ? 2 : 1);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 1), 0x7f);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 8), 1);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	CHECK_EQ(hvt_eventfd_take(byte), 1);
	CHECK_EQ(hvt_eventfd_take(word), 1);
	CHECK_EQ(hvt_eventfd_take(quad), 1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
