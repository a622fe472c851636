// SPDX-License-Identifier: GPL-2.0
/*
 * REP MOVS between memory and a device, and REP STOS to one, access each
 * element once and in order.
 */
#include "hvt.h"

#define DEV	0xd0000000UL

GUEST64(guest,
	"cld\n"
	"mov $0x100ff8, %esi\n"
	"mov $0xd0000000, %edi\n"
	"mov $10, %ecx\n"
	"rep movsl\n"
	"mov $0xd0000100, %esi\n"
	"mov $0x102000, %edi\n"
	"mov $7, %ecx\n"
	"rep movsb\n"
	"mov $0xd0000200, %edi\n"
	"mov $5, %ecx\n"
	"mov $0xabcd, %eax\n"
	"rep stosw\n"
	"mov %rdi, %rbx\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_run *r = v->run;
	u8 *src = v->vm->mem + 0x100ff8, all[64];
	u32 n, i;

	for (i = 0; i < 40; i++)
		src[i] = i + 1;
	/* however the exits are cut, the bytes are in order */
	for (n = 0; n < 40; n += r->mmio.len) {
		EXPECT(v, HVMON_EXIT_MMIO);
		CHECK_EQ(r->mmio.write, 1);
		CHECK_EQ(r->mmio.gpa, DEV + n);
		CHECK_EQ(r->mmio.len % 4, 0);
		memcpy(all + n, r->data, r->mmio.len);
	}
	CHECK(!memcmp(all, src, 40), "the bytes differ");
	for (n = 0; n < 7; n += r->mmio.len) {
		EXPECT(v, HVMON_EXIT_MMIO);
		CHECK_EQ(r->mmio.write, 0);
		CHECK_EQ(r->mmio.gpa, DEV + 0x100 + n);
		for (i = 0; i < r->mmio.len; i++)
			r->data[i] = 0x40 + n + i;
	}
	for (n = 0; n < 10; n += r->mmio.len) {
		EXPECT(v, HVMON_EXIT_MMIO);
		CHECK_EQ(r->mmio.write, 1);
		CHECK_EQ(r->mmio.gpa, DEV + 0x200 + n);
		CHECK_EQ(*(u16 *)r->data, 0xabcd);
	}
	EXPECT(v, HVMON_EXIT_HLT);
	for (i = 0; i < 7; i++)
		CHECK_EQ(v->vm->mem[0x102000 + i], 0x40 + i);
	CHECK_EQ(v->vm->mem[0x102007], 0);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), DEV + 0x20a);
	return 0;
}
