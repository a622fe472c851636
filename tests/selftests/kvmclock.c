// SPDX-License-Identifier: GPL-2.0
/*
 * The paravirtual clock runs forward, at the host's pace, follows CLOCK_SET,
 * and is the same on two vCPUs.
 */
#include "hvt_clock.h"

/* EBX: where the page is, + 1. Reports, with a TSC at HVT_DATA */
GUEST64(guest,
	"mov $0x4b564d01, %ecx\n"
	"mov %ebx, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"1: rdtsc\n"
	"mov %eax, 0x100000\n"
	"mov %edx, 0x100004\n"
	G_REPORT
	"jmp 1b\n");

static u64 now(struct hvt_vcpu *v, u64 page)
{
	volatile struct hvt_clock_page *p = hvt_clock_page(v->vm, page);
	u64 tsc;

	EXPECT_REPORT(v);
	tsc = *(u64 *)(v->vm->mem + HVT_DATA);
	CHECK_EQ(p->version & 1, 0);
	CHECK(p->version, "the page was never filled in");
	CHECK(tsc >= p->tsc, "the page is ahead of the guest's TSC");
	return hvt_clock_ns(p, tsc);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest), *w = hvt_vcpu(v->vm, 1);
	HVT_DEFINE_ARG(hvmon_clock, clock);
	u64 a, b, last, start, real;
	int i;

	hvt_start(w, 64);
	hvt_set_reg(v, HVMON_RBX, 0x102001);
	hvt_set_reg(w, HVMON_RBX, 0x103001);
	last = now(v, 0x102000);
	for (i = 0; i < 50; i++) {
		a = i & 1 ? now(v, 0x102000) : now(w, 0x103000);
		CHECK(a >= last, "it went back by %llu ns", (unsigned long long)(last - a));
		last = a;
	}
	start = hvt_now_ns();
	a = now(v, 0x102000);
	hvt_sleep_ms(1500);
	b = now(v, 0x102000);
	real = hvt_now_ns() - start;
	CHECK(b - a > real / 2 && b - a < real * 2, "%llu ns for %llu", (unsigned long long)(b - a),
	      (unsigned long long)real);
	SYS(ioctl(v->vm->fd, HVMON_CLOCK_GET, &clock));
	CHECK(clock.ns >= b && clock.ns < b + 60000000000ULL, "CLOCK_GET %llu, guest %llu",
	      clock.ns, (unsigned long long)b);
	clock.ns = 7777000000000ULL;
	clock.host_tsc = 0;
	SYS(ioctl(v->vm->fd, HVMON_CLOCK_SET, &clock));
	a = now(w, 0x103000);
	CHECK(a >= 7777000000000ULL && a < 7837000000000ULL, "%llu", (unsigned long long)a);
	return 0;
}
