// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction that is replaced by another, or comes with the code segment's
 * mode changed, is executed as what it is now, not as what was at its address.
 */
#include "hvt.h"

#define DEV	0xd0000000UL

GUEST64(guest,
	"mov $0xd0000000, %ebx\n"
	"mov $0x1122334455667788, %rax\n"
	"1: mov %rax, (%rbx)\n"
	"hlt\n"
	"jmp 1b\n");

#define MOV	(5 + 10)	/* what is ahead of it */

static void again(struct hvt_vcpu *v)
{
	EXPECT(v, HVMON_EXIT_HLT);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *mov = v->vm->mem + HVT_CODE + MOV;
	int i;

	for (i = 0; i < 2; i++) {
		CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 8), 0x1122334455667788ULL);
		again(v);
	}
	/* Another width, another direction, another address */
	mov[1] = 0x88;
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV, 1), 0x88);
	again(v);
	mov[1] = 0x8b;
	EXPECT_MMIO_READ(v, DEV, 8, 0x5a5b5c5d5e5f6061ULL);
	again(v);
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 0x5a5b5c5d5e5f6061ULL);
	mov[0] = 0x90;
	EXPECT_MMIO_READ(v, DEV, 4, 0x42434445);
	again(v);
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 0x42434445);

	/* The same bytes in 32-bit code, where EBX is the address */
	hvt_start(v, 32);
	hvt_set_rip(v, HVT_CODE + MOV);
	hvt_set_reg(v, HVMON_RBX, 0x100000000ULL | DEV);
	EXPECT_MMIO_READ(v, DEV, 4, 0x46474849);
	again(v);
	CHECK_EQ(hvt_reg(v, HVMON_RAX), 0x46474849);
	return 0;
}
