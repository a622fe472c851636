// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <uapi/asm/kvm_para.h>

#include "../../kmod/pv.h"

/* For any rate a second, and ten days, are right to one part in 10^8 */
static void clock_scale(struct kunit *test)
{
	static const u32 khz[] = {
		1, 3, 999, 1000, 1193, 33333, 100000, 499999, 500000, 999999, 1000000,
		1000001, 1893118, 1999999, 2000000, 2000001, 2394373, 2999999, 3500000,
		4000000, 4000001, 5800000, 10000000, 4294967295u,
	};
	u64 hz, ns, want;
	u32 mul;
	s8 shift;
	int i, days;

	for (i = 0; i < ARRAY_SIZE(khz); i++) {
		hvmon_pvclock_scale(khz[i], &mul, &shift);
		/* All 32 bits of the factor are used */
		KUNIT_EXPECT_GE_MSG(test, mul, 1u << 31, "%u kHz", khz[i]);
		hz = (u64)khz[i] * 1000;
		for (days = 0; days <= 10; days += 10) {
			want = days ? days * 86400ULL * NSEC_PER_SEC : NSEC_PER_SEC;
			ns = hvmon_pvclock_ns(days ? hz * 86400 * days : hz, mul, shift);
			KUNIT_EXPECT_LE_MSG(test, abs_diff(ns, want),
					    div_u64(want, 100000000) + 4,
					    "%u kHz, %d days: %llu", khz[i], days, ns);
		}
	}
}

/* More cycles never mean less time */
static void clock_monotonic(struct kunit *test)
{
	u64 cycles, ns, last;
	u32 khz, mul;
	s8 shift;

	for (khz = 700000; khz < 5000000; khz += 333333) {
		hvmon_pvclock_scale(khz, &mul, &shift);
		last = 0;
		for (cycles = 0; cycles < 4000; cycles++) {
			ns = hvmon_pvclock_ns((1ULL << 50) + cycles, mul, shift);
			KUNIT_ASSERT_GE(test, ns, last);
			last = ns;
		}
	}
}

/* Guests get the rate asked for; what is waited for is never early, hardly late */
static void tsc_rates(struct kunit *test)
{
	static const u32 khz[] = { 8000, 999999, 1000000, 1893118, 2394373, 2400000, 500000000 };
	static const u8 fracs[] = { 32, 48 };
	static const u64 spans[] = { 1, 7, 1000, 123456789, 1ULL << 40, (1ULL << 54) - 1 };
	struct hvmon_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	u64 host, guest, second;
	int i, j, k;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	for (i = 0; i < ARRAY_SIZE(khz) * ARRAY_SIZE(fracs); i++) {
		vm->clock.tsc_frac = fracs[i & 1];
		k = i >> 1;
		KUNIT_ASSERT_EQ(test, hvmon_tsc_ratio(khz[k], 2000000, vm->clock.tsc_frac,
						      &vm->clock.tsc_ratio), 0);
		second = hvmon_tsc_scale(vm, 2000000000);
		KUNIT_EXPECT_LE_MSG(test, abs_diff(second, khz[k] * 1000ULL),
				    khz[k] * 1000ULL / 10000000 + 1, "%u kHz: %llu", khz[k],
				    second);
		for (j = 0; j < ARRAY_SIZE(spans); j++) {
			host = hvmon_tsc_to_host(vm, spans[j]);
			guest = hvmon_tsc_scale(vm, host);
			KUNIT_EXPECT_GE_MSG(test, guest, spans[j], "%u kHz", khz[k]);
			/* One of the host's cycles, and one of its own */
			KUNIT_EXPECT_LE_MSG(test, guest - spans[j], khz[k] / 2000000 + 2,
					    "%u kHz", khz[k]);
		}
		/* No span is too long, though farther than 2^54 looks nearer */
		KUNIT_EXPECT_GE(test, hvmon_tsc_to_host(vm, U64_MAX), 1ULL << 46);
	}
	vm->clock.tsc_ratio = 0;
	KUNIT_EXPECT_EQ(test, hvmon_tsc_scale(vm, U64_MAX), U64_MAX);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_to_host(vm, U64_MAX), U64_MAX);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(2000000, 2000000, 48, &host), 0);
	KUNIT_EXPECT_EQ(test, host, 0ULL);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(1000000, 2000000, 32, &host), 0);
	KUNIT_EXPECT_EQ(test, host, 1ULL << 31);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(2000000U * 256 - 1, 2000000, 48, &host), 0);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(2000000U * 256, 2000000, 48, &host), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(7812, 2000000, 48, &host), -EINVAL);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(7813, 2000000, 48, &host), 0);
	KUNIT_EXPECT_EQ(test, hvmon_tsc_ratio(1, 2000000, 48, &host), -EINVAL);
}

/* The IPI bitmaps name IDs from the lowest on, 128 or 64 of them */
static void pv_ipi_decode(struct kunit *test)
{
	u32 dest[HVMON_PV_IPI_MAX];

	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(0, 0, 0, true, dest), 0);
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(5, 0, 7, true, dest), 2);
	KUNIT_EXPECT_EQ(test, dest[0], 7);
	KUNIT_EXPECT_EQ(test, dest[1], 9);
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(BIT_ULL(63), 1, 0, true, dest), 2);
	KUNIT_EXPECT_EQ(test, dest[0], 63);
	KUNIT_EXPECT_EQ(test, dest[1], 64);
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(~0ULL, ~0ULL, 0, true, dest), 128);
	KUNIT_EXPECT_EQ(test, dest[127], 127);
	/* 32-bit callers: the upper halves do not exist */
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(BIT_ULL(31) | BIT_ULL(40), 1, 2, false, dest), 2);
	KUNIT_EXPECT_EQ(test, dest[0], 33);
	KUNIT_EXPECT_EQ(test, dest[1], 34);
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(~0ULL, ~0ULL, 0, false, dest), 64);
	/* IDs neither wrap nor reach the broadcast one */
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(~0ULL, ~0ULL, U32_MAX - 3, true, dest), 3);
	KUNIT_EXPECT_EQ(test, hvmon_pv_ipi_dests(1, 0, U32_MAX, true, dest), 0);
}

/* Only what is implemented is announced, and flushes only with steal time */
static void pv_features(struct kunit *test)
{
	u32 f = hvmon_pv_features();

	KUNIT_EXPECT_FALSE(test, f & BIT(KVM_FEATURE_CLOCKSOURCE));
	KUNIT_EXPECT_FALSE(test, f & BIT(KVM_FEATURE_ASYNC_PF));
	KUNIT_EXPECT_FALSE(test, f & BIT(KVM_FEATURE_PV_SCHED_YIELD));
	KUNIT_EXPECT_TRUE(test, f & BIT(KVM_FEATURE_CLOCKSOURCE2));
	KUNIT_EXPECT_EQ(test, !!(f & BIT(KVM_FEATURE_STEAL_TIME)),
			!!(f & BIT(KVM_FEATURE_PV_TLB_FLUSH)));
}

static struct kunit_case clock_cases[] = {
	KUNIT_CASE(clock_scale),
	KUNIT_CASE(clock_monotonic),
	KUNIT_CASE(tsc_rates),
	KUNIT_CASE(pv_ipi_decode),
	KUNIT_CASE(pv_features),
	{}
};

static struct kunit_suite clock_suite = {
	.name = "hvmon_clock",
	.test_cases = clock_cases,
};

kunit_test_suite(clock_suite);
