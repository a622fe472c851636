// SPDX-License-Identifier: GPL-2.0
/*
 * Irqfds with a resample eventfd assert a level-triggered pin of the PICs until
 * the EOI command for it, on master and slave.
 */
#include "hvt_eventfd.h"

GUEST64(guest,
	G_PICS_ON
	"mov $0x4d0, %dx\n"
	"mov $0x0820, %ax\n"		/* pins 5 and 11 are levels */
	"out %ax, %dx\n"
	G_REPORT
	G_IDLE);

/* Vectors 0x25 and 0x2b: count, EOI by name to the chips concerned */
GUEST64(master,
	"push %rax\n"
	"lock incl 0x100000\n"
	"mov $0x65, %al\n"
	"out %al, $0x20\n"
	"pop %rax\n"
	"iretq\n");

GUEST64(slave,
	"push %rax\n"
	"lock incl 0x100000\n"
	"mov $0x63, %al\n"
	"out %al, $0xa0\n"
	"mov $0x62, %al\n"
	"out %al, $0x20\n"
	"pop %rax\n"
	"iretq\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	int fd[2] = { hvt_eventfd(), hvt_eventfd() };
	int eoi[2] = { hvt_eventfd(), hvt_eventfd() };
	struct hvt_thread t;
	u32 i;

	HVT_SET_HANDLER(v->vm, 0x25, master);
	hvt_load(v->vm, HVT_HANDLER + 0x100, slave, slave_end);
	hvt_gate64(v->vm, 0x2b, HVT_HANDLER + 0x100);
	hvt_irqfd(v->vm, 5, fd[0], eoi[0]);
	hvt_irqfd(v->vm, 11, fd[1], eoi[1]);
	EXPECT_REPORT(v);
	hvt_spawn(&t, v);
	for (i = 0; i < 100; i++) {
		hvt_eventfd_signal(fd[i & 1]);
		CHECK_EQ(hvt_eventfd_wait(eoi[i & 1]), 1);
		hvt_wait_count(v->vm, i + 1);
		CHECK_EQ(hvt_eventfd_take(eoi[!(i & 1)]), 0);
	}
	hvt_sleep_ms(20);
	CHECK_EQ(hvt_count(v->vm), 100);
	hvt_stop(&t);
	return 0;
}
