// SPDX-License-Identifier: GPL-2.0
/*
 * A write to an ioeventfd's address adds one to the eventfd and does not leave;
 * other lengths, the bytes beside it and reads do. Memory is no doorbell until
 * its slot has gone.
 */
#include "hvt_eventfd.h"

#define DEV	0xd0000000UL

GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"mov $0x1122334455667788, %rax\n"
	"mov %al, (%rbx)\n"
	"mov %ax, (%rbx)\n movw $5, (%rbx)\n"
	"mov %eax, (%rbx)\n movl $5, (%rbx)\n movl $6, (%rbx)\n"
	"mov %rax, (%rbx)\n movq $5, (%rbx)\n movq $6, (%rbx)\n movq $7, (%rbx)\n"
	"mov $1, %eax\n"
	G_REPORT
	"mov %eax, 4(%rbx)\n"			/* beside it */
	"mov 16(%rbx), %ecx\n"			/* a read */
	"mov %ax, 16(%rbx)\n"			/* another length */
	"addl $3, 16(%rbx)\n"			/* a read, and a write that counts */
	"mov $2, %eax\n"
	G_REPORT
	"movl $9, 0x200000\n"			/* memory, then not */
	G_REPORT
	"movl $9, 0x200000\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd[6], i;

	for (i = 0; i < 6; i++)
		fd[i] = hvt_eventfd();
	for (i = 0; i < 4; i++)
		hvt_ioeventfd(v->vm, 0, DEV, 1 << i, 0, fd[i]);
	hvt_ioeventfd(v->vm, 0, DEV + 16, 4, 0, fd[4]);
	hvt_ioeventfd(v->vm, 0, 2 * MiB, 4, 0, fd[5]);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	for (i = 0; i < 4; i++)
		CHECK_EQ(hvt_eventfd_take(fd[i]), i + 1);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 4, 4), 1);
	EXPECT_MMIO_READ(v, DEV + 16, 4, 7);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 16, 2), 1);
	EXPECT_MMIO_READ(v, DEV + 16, 4, 7);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_eventfd_take(fd[4]), 1);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_eventfd_take(fd[5]), 0);
	CHECK_EQ(*(u32 *)(v->vm->mem + 2 * MiB), 9);
	hvt_mem_remove(v->vm, 0);
	hvt_mem(v->vm, 0, 0, 0, 2 * MiB, v->vm->mem);
	CHECK_EQ(EXPECT_REPORT(v), 2);
	CHECK_EQ(hvt_eventfd_take(fd[5]), 1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
