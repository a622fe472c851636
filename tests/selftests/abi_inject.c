// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_INJECT refuses wrong sizes, flags, types, vectors, error codes,
 * pointers and fds, and then injects nothing.
 */
#include "hvt_abi.h"

GUEST64(guest, "nop\n hlt\n");

int main(void)
{
	HVT_DEFINE_ARG(hvmon_inject, arg, .type = HVMON_EV_NMI);
	struct hvt_vcpu *v = HVT_BOOT(64, guest), *chips;
	struct hvt_abi abi = { .name = "INJECT", .fd = hvt_vcpu(hvt_vm(), 0)->fd,
			       .cmd = HVMON_INJECT, .arg = &arg, .size = sizeof(arg) };
	static const struct { u32 type, vector, has_error, error; u64 payload; } bad[] = {
		{ 1, 0, 0, 0, 0 }, { HVMON_EV_SOFT_INT, 0x80, 0, 0, 0 },
		{ HVMON_EV_PRIV_SW, 1, 0, 0, 0 }, { HVMON_EV_SW_EXC, 3, 0, 0, 0 },
		{ 7, 0, 0, 0, 0 }, { ~0u, 0, 0, 0, 0 },
		{ HVMON_EV_INTR, 256, 0, 0, 0 }, { HVMON_EV_INTR, 0x20, 1, 0, 0 },
		{ HVMON_EV_NMI, 2, 0, 0, 0 }, { HVMON_EV_NMI, 0, 1, 0, 0 },
		{ HVMON_EV_EXCEPTION, 2, 0, 0, 0 }, { HVMON_EV_EXCEPTION, 32, 0, 0, 0 },
		{ HVMON_EV_EXCEPTION, 6, 1, 0, 0 },	/* #UD has no error code */
		{ HVMON_EV_EXCEPTION, 13, 2, 0, 0 },
		{ HVMON_EV_EXCEPTION, 13, 1, 0, 5 },	/* only #PF and #DB have a payload */
	};
	unsigned int i;

	hvt_abi_check(&abi);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		HVT_DEFINE_ARG(hvmon_inject, a, .type = bad[i].type, .vector = bad[i].vector,
			       .has_error = bad[i].has_error, .error = bad[i].error,
			       .payload = bad[i].payload);

		if (ioctl(v->fd, HVMON_INJECT, &a) == 0 || errno != EINVAL)
			FAIL("bad event %u: %s, expected EINVAL", i, strerror(errno));
	}
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_rip(v), HVT_CODE + 2);

	chips = HVT_BOOT_IRQ(64, guest, 0);
	REFUSED(hvt_try_inject(chips, HVMON_EV_INTR, 0x40, false, 0, 0), EOPNOTSUPP);
	return 0;
}
