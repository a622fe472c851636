// SPDX-License-Identifier: GPL-2.0
/*
 * A shared memfd is seen both ways: guest writes by other mappings, their
 * writes by the guest, and holes punched.
 */
#include "hvt.h"

GUEST64(guest,
	"mov $0x1000000, %ebx\n"
	"1: mov (%rbx), %eax\n"
	"lea 1(%rax), %ecx\n"
	"mov %ecx, 0x1000(%rbx)\n"
	G_REPORT
	"jmp 1b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd = SYS(memfd_create("guest", 0)), i;
	volatile u32 *guest_map, *other;

	SYS(ftruncate(fd, 8192));
	guest_map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(guest_map != MAP_FAILED && other != MAP_FAILED, "mmap");
	hvt_mem(v->vm, 1, 0, 16 * MiB, 8192, (void *)guest_map);
	for (i = 0; i < 10; i++) {
		other[0] = i * 100;
		CHECK_EQ(EXPECT_REPORT(v), i * 100);
		CHECK_EQ(other[1024], i * 100 + 1);
		SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
		CHECK_EQ(EXPECT_REPORT(v), 0);
		CHECK_EQ(other[1024], 1);
	}
	/* A file that has become too short is no memory */
	SYS(ftruncate(fd, 0));
	EXPECT(v, HVMON_EXIT_FAULT);
	return 0;
}
