// SPDX-License-Identifier: GPL-2.0
/*
 * A write to an ioeventfd's port adds one to the eventfd and does not leave;
 * other lengths, the ports beside it and reads do. String writes count each.
 */
#include "hvt_eventfd.h"

#define PIO	HVMON_IOEVENTFD_PIO

GUEST64(guest,
	"mov $0x500, %dx\n"
	"mov $0x11223344, %eax\n"
	"out %al, %dx\n"
	"out %ax, %dx\n"
	"out %ax, %dx\n"
	"out %eax, %dx\n out %eax, %dx\n out %eax, %dx\n"
	"mov $1, %eax\n"
	G_REPORT
	"mov $0x502, %dx\n"
	"out %ax, %dx\n"			/* beside it */
	"mov $0x504, %dx\n"
	"out %al, %dx\n"			/* counts */
	"out %ax, %dx\n"			/* another length */
	"in %dx, %al\n"				/* a read */
	"mov $0x100000, %esi\n"
	"mov $5, %ecx\n"
	"cld\n"
	"rep outsb\n"				/* counts five times */
	"mov $2, %eax\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd[4], i;

	for (i = 0; i < 4; i++)
		fd[i] = hvt_eventfd();
	for (i = 0; i < 3; i++)
		hvt_ioeventfd(v->vm, PIO, 0x500, 1 << i, 0, fd[i]);
	hvt_ioeventfd(v->vm, PIO, 0x504, 1, 0, fd[3]);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	for (i = 0; i < 3; i++)
		CHECK_EQ(hvt_eventfd_take(fd[i]), i + 1);
	CHECK_EQ(EXPECT_OUT(v, 0x502, 2), 1);
	CHECK_EQ(EXPECT_OUT(v, 0x504, 2), 1);
	EXPECT_IN(v, 0x504, 1, 0x5a);
	CHECK_EQ(hvt_eventfd_take(fd[3]), 1);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_eventfd_take(fd[3]), 5);
	CHECK_EQ(hvt_stats(v).pio, 6 + 1 + 4 + 5 + 1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
