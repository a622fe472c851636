// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU in its NMI handler does not have another's NMIs blocked, on the same
 * processor.
 *
 * In Bochs 2.7 it does, where an entry does not end blocking by NMI, so that this
 * fails there: see Documentation/testing.rst.
 */
#define _GNU_SOURCE
#include <sched.h>
#include "hvt.h"

GUEST64(guest, "1: mov $1, %eax\n" G_REPORT "jmp 1b\n");
GUEST64(handler, "mov $2, %eax\n" G_REPORT "mov $3, %eax\n" G_REPORT "iretq\n");

static struct hvt_vcpu *boot(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	hvt_load(v->vm, 0x11000, handler, handler_end);
	hvt_gate64(v->vm, 2, 0x11000);
	CHECK_EQ(EXPECT_REPORT(v), 1);
	return v;
}

static void into_handler(struct hvt_vcpu *v)
{
	SYS(hvt_try_inject(v, HVMON_EV_NMI, 0, false, 0, 0));
	CHECK_EQ(EXPECT_REPORT(v), 2);
}

static u32 blocked(struct hvt_vcpu *v)
{
	HVT_DEFINE_ARG(hvmon_state, st);

	hvt_get(v, &st, HVMON_STATE_EVENTS);
	return st.events.flags & HVMON_EVS_NMI_BLOCKED;
}

int main(void)
{
	struct hvt_vcpu *a, *b;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	SYS(sched_setaffinity(0, sizeof(set), &set));
	a = boot();
	b = boot();
	into_handler(a);
	CHECK_EQ(EXPECT_REPORT(b), 1);
	CHECK(blocked(a) && !blocked(b), "%u %u", blocked(a), blocked(b));
	into_handler(b);
	CHECK_EQ(EXPECT_REPORT(b), 3);
	CHECK_EQ(EXPECT_REPORT(a), 3);
	CHECK(blocked(a) && blocked(b), "%u %u", blocked(a), blocked(b));
	/* The end of one's handler does not end what blocks the other's */
	CHECK_EQ(EXPECT_REPORT(b), 1);
	CHECK(blocked(a) && !blocked(b), "%u %u", blocked(a), blocked(b));
	SYS(hvt_try_inject(a, HVMON_EV_NMI, 0, false, 0, 0));
	CHECK_EQ(EXPECT_REPORT(a), 2);
	CHECK_EQ(EXPECT_REPORT(a), 3);
	CHECK_EQ(EXPECT_REPORT(a), 1);
	return 0;
}
