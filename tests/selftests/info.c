// SPDX-License-Identifier: GPL-2.0
/* HVMON_INFO names a vendor that works, and its figures agree with the header. */
#include "hvt.h"

int main(void)
{
	struct hvmon_info i = hvt_info();

	CHECK_EQ(i.abi_version, HVMON_ABI_VERSION);
	CHECK(i.vendor == HVMON_VENDOR_SVM || i.vendor == HVMON_VENDOR_VMX, "why: %s", i.why);
	CHECK_EQ(i.why[0], 0);
	CHECK(i.version[0] && memchr(i.version, 0, sizeof(i.version)), "version");
	CHECK_EQ(i.max_vcpus, HVMON_MAX_VCPUS);
	CHECK_EQ(i.max_slots, HVMON_MAX_SLOTS);
	CHECK(i.run_size >= sizeof(struct hvmon_run) && !(i.run_size & 4095), "%u", i.run_size);
	CHECK(i.caps & (HVMON_CAP_TDP | HVMON_CAP_SHADOW), "%#llx", i.caps);
	CHECK(i.page_sizes & (1 << 12), "%#llx", i.page_sizes);
	CHECK(i.gpa_bits >= 36 && i.gpa_bits <= 52, "%u", i.gpa_bits);
	if (i.caps & HVMON_CAP_TDP)
		CHECK(i.levels == 4 || i.levels == 5, "%u", i.levels);
	CHECK(i.tsc_khz > 1000, "%u", i.tsc_khz);
	CHECK_EQ(i.xcr0 & 3, 3);
	CHECK(i.xsave_size >= 576 && i.xsave_size <= HVMON_XSAVE_SIZE, "%u", i.xsave_size);
	CHECK_EQ(i.reserved, 0);
	return 0;
}
