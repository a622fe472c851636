// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells are rung without leaving the section: by OUT, and by MOV to memory,
 * in every form, but for one across two pages, which is two writes.
 */
#include <sys/utsname.h>

#include "hvt_eventfd.h"

#define DEV	0xd0000000UL
#define N	400

GUEST64(guest,
	"sti\n"
	"mov $0xd0000ffc, %ebx\n"
	"mov $0x100, %ecx\n"
	"mov %ecx, (%rbx)\n"			/* the first makes the emulator */
	G_REPORT
	"mov $400, %esi\n"
	"1: out %al, $0xa8\n"
	"dec %esi\n"
	"jnz 1b\n"
	G_REPORT
	"mov $50, %esi\n"
	"1: mov %al, (%rbx)\n"
	"mov %ax, (%rbx)\n"
	"mov %eax, (%rbx)\n"
	"movw $1, -0x100(%rbx,%rcx)\n"
	"movl $1, (%ebx)\n"
	"movb $1, (%rbx)\n"
	"movnti %eax, (%rbx)\n"
	"mov %ds, (%rbx)\n"
	"dec %esi\n"
	"jnz 1b\n"
	G_REPORT
	"mov %rax, (%rbx)\n"
	G_REPORT
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd = hvt_eventfd();
	struct utsname u;
	u64 sections, spent;
	int i;

	SYS(uname(&u));
	if (strstr(u.version, "PREEMPT_RT"))
		hvt_skip("PREEMPT_RT leaves the section for it");
	hvt_ioeventfd(v->vm, HVMON_IOEVENTFD_PIO, 0xa8, 1, 0, fd);
	hvt_ioeventfd(v->vm, 0, DEV + 0xffc, 0, 0, fd);
	EXPECT_REPORT(v);
	CHECK_EQ(hvt_eventfd_take(fd), 1);
	for (i = 0; i < 2; i++) {
		sections = hvt_stats(v).sections;
		EXPECT_REPORT(v);
		CHECK_EQ(hvt_eventfd_take(fd), N);
		spent = hvt_stats(v).sections - sections;
		/* Interrupts of the host end some, on a slow one many */
		CHECK(spent < N / 2, "%s: %u doorbells took %llu sections", i ? "MOV" : "OUT", N,
		      (unsigned long long)spent);
	}
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 0x1000, 4), 0);
	EXPECT_REPORT(v);
	CHECK_EQ(hvt_eventfd_take(fd), 1);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
