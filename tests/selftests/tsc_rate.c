// SPDX-License-Identifier: GPL-2.0
/*
 * A VM runs at the TSC rate that CLOCK_SET names: RDTSC, MSR reads, TSC_ADJUST,
 * the deadline timer and the paravirtual clock agree on it. A processor that
 * cannot scale refuses other rates; a VM with vCPUs keeps the one it has.
 */
#include "hvt_clock.h"
#include "hvt_irq.h"

/* Of the launcher's, in guest memory */
#define TSC_AT		0x101000UL	/* the guest's RDTSC */
#define DELTA_AT	0x101008UL	/* cycles to the deadline */
#define PAGE		0x102000UL	/* the clock page */

#define G_RDTSC								\
	"rdtsc\n"							\
	"mov %eax, 0x101000\n"						\
	"mov %edx, 0x101004\n"

GUEST64(guest,
	G_LAPIC_ON
	"mov $0x4b564d01, %ecx\n"		/* the paravirtual clock */
	"mov $0x102001, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	G_RDTSC
	G_REPORT
	G_RDTSC
	G_REPORT
	"mov $0x3b, %ecx\n"			/* TSC_ADJUST: 2^40 on */
	"rdmsr\n"
	"add $0x100, %edx\n"
	"wrmsr\n"
	G_RDTSC
	G_REPORT
	"mov $0x10, %ecx\n"			/* TSC */
	"mov $0x5000, %edx\n"
	"xor %eax, %eax\n"
	"wrmsr\n"
	G_RDTSC
	G_REPORT
	"movl $0x40050, 0x320(%rbp)\n"
	"mfence\n"
	"rdtsc\n"
	"add 0x101008, %eax\n"
	"adc $0, %edx\n"
	"mov %eax, %esi\n"
	"mov %edx, %edi\n"
	"mov $0x6e0, %ecx\n"
	"wrmsr\n"
	"sti\n"
	"hlt\n"
	G_RDTSC
	"sub %esi, %eax\n"
	"sbb %edi, %edx\n"
	"sets %al\n"
	"movzbl %al, %eax\n"
	G_REPORT);

HVT_COUNTING_HANDLER(handler);

static u64 guest_tsc(struct hvt_vcpu *v)
{
	return *(volatile u64 *)(v->vm->mem + TSC_AT);
}

static u64 msr_tsc(struct hvt_vcpu *v)
{
	u64 val;

	SYS(hvt_try_get_msr(v, 0x10, &val));
	return val;
}

static int set_rate(struct hvt_vm *vm, u64 khz)
{
	HVT_DEFINE_ARG(hvmon_clock, arg, .ns = 3000000000000ULL, .tsc_khz = khz);

	return ioctl(vm->fd, HVMON_CLOCK_SET, &arg);
}

static struct hvmon_clock get_clock(struct hvt_vm *vm)
{
	HVT_DEFINE_ARG(hvmon_clock, arg);

	SYS(ioctl(vm->fd, HVMON_CLOCK_GET, &arg));
	return arg;
}

static struct hvt_vcpu *boot(struct hvt_vm *vm)
{
	struct hvt_vcpu *v;

	hvt_irqchip(vm, 0);
	v = hvt_vcpu(vm, 0);
	hvt_load(vm, HVT_CODE, guest, guest_end);
	HVT_SET_HANDLER(vm, 0x50, handler);
	hvt_start(v, 64);
	return v;
}

/* What the page makes of the guest's TSC */
static u64 page_ns(struct hvt_vcpu *v)
{
	return hvt_clock_ns(hvt_clock_page(v->vm, PAGE), guest_tsc(v));
}

static void check_rate(u32 khz)
{
	struct hvt_vm *vm = hvt_vm();
	struct hvt_vcpu *v;
	u64 a, b, start, real, before, after;

	SYS(set_rate(vm, khz));
	CHECK_EQ(get_clock(vm).tsc_khz, khz);
	v = boot(vm);
	/* A vCPU is there; and not every processor could */
	REFUSED(set_rate(vm, khz - khz / 8),
		hvt_info().caps & HVMON_CAP_TSC_SCALING ? EBUSY : EOPNOTSUPP);
	CHECK_EQ(get_clock(vm).tsc_khz, khz);
	SYS(set_rate(vm, khz));
	SYS(set_rate(vm, 0));
	CHECK_EQ(get_clock(vm).tsc_khz, khz);

	/* What the processor gives the guest lies between what the module computes */
	before = msr_tsc(v);
	CHECK(before < khz * 60000ULL, "a new vCPU's TSC is %llu", (unsigned long long)before);
	start = hvt_now_ns();
	EXPECT_REPORT(v);
	a = guest_tsc(v);
	after = msr_tsc(v);
	CHECK(a >= before && a <= after, "%llu: %llu, %llu", (unsigned long long)before,
	      (unsigned long long)a, (unsigned long long)after);
	hvt_sleep_ms(500);
	EXPECT_REPORT(v);
	real = hvt_now_ns() - start;
	b = guest_tsc(v);
	CHECK(b - a >= khz * 495ULL, "%llu cycles in half a second", (unsigned long long)(b - a));
	CHECK(b - a <= real / 1000 * khz / 1000 * 102 / 100, "%llu cycles in %llu ns",
	      (unsigned long long)(b - a), (unsigned long long)real);

	/* CLOCK_SET made it 3000 s */
	a = page_ns(v);
	b = get_clock(vm).ns;
	CHECK(a > 3000000000000ULL && a <= b && b - a < 10000000000ULL, "page %llu, clock %llu",
	      (unsigned long long)a, (unsigned long long)b);

	before = msr_tsc(v);
	EXPECT_REPORT(v);
	a = guest_tsc(v) - (1ULL << 40);
	CHECK(a >= before && a - before < khz * 10000ULL, "TSC_ADJUST: %llu, %llu",
	      (unsigned long long)before, (unsigned long long)a);
	EXPECT_REPORT(v);
	a = guest_tsc(v) - 0x500000000000ULL;
	CHECK(a < khz * 10000ULL, "TSC was written, is %llu more", (unsigned long long)a);

	/* 100 ms */
	*(u32 *)(vm->mem + DELTA_AT) = khz * 100;
	start = hvt_now_ns();
	CHECK_EQ(EXPECT_REPORT(v), 1);
	real = hvt_now_ns() - start;
	CHECK(real >= 98000000 && real < 5000000000ULL, "100 ms took %llu ns",
	      (unsigned long long)real);
	CHECK_EQ(EXPECT_REPORT(v), 0);
}

int main(void)
{
	u32 host = hvt_info().tsc_khz;
	struct hvt_vm *vm = hvt_vm();

	CHECK_EQ(get_clock(vm).tsc_khz, host);
	REFUSED(set_rate(vm, 1), EINVAL);
	REFUSED(set_rate(vm, host / 256), EINVAL);
	if (host < 0xffffffff / 256)
		REFUSED(set_rate(vm, host * 256), EINVAL);
	CHECK(get_clock(vm).ns < 3000000000000ULL, "a refused call set the clock");
	check_rate(host);
	if (hvt_info().caps & HVMON_CAP_TSC_SCALING) {
		check_rate(host / 2);
		check_rate(host + host / 3);
		SYS(set_rate(vm, host + host / 5000));
		CHECK_EQ(get_clock(vm).tsc_khz, host + host / 5000);
	} else {
		REFUSED(set_rate(vm, host / 2), EOPNOTSUPP);
		REFUSED(set_rate(vm, host + host / 3000), EOPNOTSUPP);
		CHECK_EQ(get_clock(vm).tsc_khz, host);
		CHECK(get_clock(vm).ns < 3000000000000ULL, "a refused call set the clock");
		SYS(set_rate(vm, host + host / 5000));
		CHECK_EQ(get_clock(vm).tsc_khz, host);
		CHECK(get_clock(vm).ns >= 3000000000000ULL, "the clock was not set");
	}
	return 0;
}
