// SPDX-License-Identifier: GPL-2.0
/*
 * One eventfd as ioeventfd and irqfd: a guest's write interrupts the guest,
 * through a port and through memory, without an exit to the launcher.
 */
#include "hvt_eventfd.h"

#define ROUNDS	100

GUEST64(guest,
	G_LAPIC_ON
	G_REPORT
	"sti\n"
	"mov $0xd0000000, %ebx\n"
	"xor %ecx, %ecx\n"
	"1: out %al, $0xa8\n"
	"inc %ecx\n"
	"2: pause\n cmp %ecx, 0x100000\n jne 2b\n"
	"movw $0, (%rbx)\n"
	"inc %ecx\n"
	"2: pause\n cmp %ecx, 0x100000\n jne 2b\n"
	"cmp $100, %ecx\n"
	"jb 1b\n"
	"mov %ecx, %eax\n"
	G_REPORT);

HVT_SILENT_HANDLER(handler);

int main(void)
{
	static const struct hvmon_irq_route r = {
		.gsi = 100, .type = HVMON_ROUTE_MSI, .addr = 0xfee00000, .data = 0x61 };
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	u64 exits;
	int fd = hvt_eventfd();

	HVT_SET_HANDLER(v->vm, 0x61, handler);
	hvt_routes(v->vm, &r, 1);
	hvt_irqfd(v->vm, 100, fd, 0);
	hvt_ioeventfd(v->vm, HVMON_IOEVENTFD_PIO, 0xa8, 1, 0, fd);
	hvt_ioeventfd(v->vm, 0, 0xd0000000, 0, 0, fd);
	EXPECT_REPORT(v);
	exits = hvt_stats(v).user_exits;
	CHECK_EQ(EXPECT_REPORT(v), ROUNDS);
	CHECK_EQ(hvt_stats(v).user_exits, exits + 1);
	CHECK_EQ(hvt_stats(v).irq_injected, ROUNDS);
	CHECK_EQ(hvt_eventfd_take(fd), 0);
	return 0;
}
