// SPDX-License-Identifier: GPL-2.0
/* The XSAVE group of STATE_GET shows the guest's XMM registers, and STATE_SET changes them. */
#include "hvt.h"

GUEST64(guest,
	"movups 0x100000, %xmm5\n"
	"hlt\n"
	"movups %xmm5, 0x100010\n"
	"hlt\n");

int main(void)
{
	static struct hvmon_state st;
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *data = v->vm->mem + HVT_DATA;
	int i;

	for (i = 0; i < 16; i++)
		data[i] = 0xa0 + i;
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_XSAVE);
	/* XMM registers begin at byte 160 of the area */
	CHECK(!memcmp(st.xsave.area + 160 + 5 * 16, data, 16), "XMM5");
	CHECK_EQ(*(u64 *)(st.xsave.area + 512) & 2, 2);
	CHECK_EQ(st.xsave.xcr0 & 1, 1);
	for (i = 0; i < 16; i++)
		st.xsave.area[160 + 5 * 16 + i] = i * 5;
	hvt_set(v, &st, HVMON_STATE_XSAVE);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK(!memcmp(data + 16, st.xsave.area + 160 + 5 * 16, 16), "XMM5 was not loaded");
	/* refused: an MXCSR with reserved bits, a header with any, and XCR0 = 0 */
	st.xsave.area[24 + 3] = 0x80;
	REFUSED(hvt_try_set(v, &st, HVMON_STATE_XSAVE), EINVAL);
	st.xsave.area[24 + 3] = 0;
	st.xsave.area[512 + 7] = 0x40;
	REFUSED(hvt_try_set(v, &st, HVMON_STATE_XSAVE), EINVAL);
	st.xsave.area[512 + 7] = 0;
	st.xsave.area[512 + 15] = 0x80;		/* XCOMP_BV: compacted */
	REFUSED(hvt_try_set(v, &st, HVMON_STATE_XSAVE), EINVAL);
	st.xsave.area[512 + 15] = 0;
	st.xsave.xcr0 = 0;
	REFUSED(hvt_try_set(v, &st, HVMON_STATE_XSAVE), EINVAL);
	st.xsave.xcr0 = 1ULL << 62 | 3;
	REFUSED(hvt_try_set(v, &st, HVMON_STATE_XSAVE), EINVAL);
	return 0;
}
