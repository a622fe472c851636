// SPDX-License-Identifier: GPL-2.0
/* MMIO is decoded in 16-bit and 32-bit code, with address-size and segment prefixes. */
#include "hvt.h"

#define DEV	0xd0000000UL

/* real mode with a 4 GiB FS limit, as firmware uses it */
GUEST16(g16,
	"mov $0xd0000000, %ebx\n"
	"mov $0x12345678, %eax\n"
	"mov %ax, %fs:(%ebx)\n"
	"mov %eax, %fs:4(%ebx)\n"
	"mov %fs:8(%ebx), %cx\n"
	"hlt\n");
GUEST32(g32,
	"mov $0x12345678, %eax\n"
	"mov %ax, 0xd0000000\n"
	"mov $0x100, %edi\n"
	"mov %eax, %gs:4(,%edi,4)\n"
	"mov 0xd0000008, %ecx\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(16, g16);
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.seg[HVMON_FS].limit = 0xffffffff;
	st.sregs.seg[HVMON_FS].attr |= HVMON_SEG_G;
	hvt_set(v, &st, HVMON_STATE_SREGS);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 2), 0x5678);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 4, 4), 0x12345678);
	EXPECT_MMIO_READ(v, DEV + 8, 2, 0xbeef);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RCX), 0xbeef);

	v = HVT_BOOT(32, g32);
	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.seg[HVMON_GS].base = DEV - 0x400;
	hvt_set(v, &st, HVMON_STATE_SREGS);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 2), 0x5678);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 4, 4), 0x12345678);
	EXPECT_MMIO_READ(v, DEV + 8, 4, 0xcafef00d);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(hvt_reg(v, HVMON_RCX), 0xcafef00d);
	return 0;
}
