// SPDX-License-Identifier: GPL-2.0
/* MMX and SSE moves to and from a device are one access each, of up to 16 bytes. */
#include "hvt.h"

#define DEV	0xd0000000UL
#define MMX	0x8070605040302010ULL

GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"movups (%rbx), %xmm3\n"
	"movups %xmm3, 0x100000\n"
	"movdqa %xmm3, 0x40(%rbx)\n"
	"movq %xmm3, 0x80(%rbx)\n"
	"fninit\n"
	"fld1\n"
	"movq 8(%rbx), %mm5\n"
	"movq %mm5, 16(%rbx)\n"
	"movd %mm5, 24(%rbx)\n"
	"movq %mm5, 0x100000\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	u8 bytes[16];
	int i;

	for (i = 0; i < 16; i++)
		bytes[i] = 0xf0 - i * 3;
	EXPECT(v, HVMON_EXIT_MMIO);
	CHECK_EQ(r->mmio.gpa, DEV);
	CHECK_EQ(r->mmio.len, 16);
	CHECK_EQ(r->mmio.write, 0);
	memcpy(r->data, bytes, 16);
	EXPECT(v, HVMON_EXIT_MMIO);
	CHECK_EQ(r->mmio.gpa, DEV + 0x40);
	CHECK_EQ(r->mmio.len, 16);
	CHECK_EQ(r->mmio.write, 1);
	CHECK(!memcmp(r->data, bytes, 16), "the bytes differ");
	EXPECT_MMIO_WRITE(v, DEV + 0x80, 8);
	CHECK(!memcmp(r->data, bytes, 8), "the bytes differ");
	CHECK(!memcmp(v->vm->mem + HVT_DATA, bytes, 16), "the register differs");
	EXPECT_MMIO_READ(v, DEV + 8, 8, MMX);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 16, 8), MMX);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 24, 4), MMX & 0xffffffff);
	EXPECT(v, HVMON_EXIT_HLT);
	CHECK_EQ(*(u64 *)(v->vm->mem + HVT_DATA), MMX);
	return 0;
}
