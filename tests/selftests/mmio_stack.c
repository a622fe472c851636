// SPDX-License-Identifier: GPL-2.0
/*
 * A stack in device memory takes what PUSH, CALL and ENTER write and gives POP,
 * RET and LEAVE what they read; near branches take their target from a device.
 */
#include "hvt.h"

#define DEV	0xd0000000UL
#define STACK	(DEV + 0x1000)

GUEST64(guest,
	"mov $0xd0001000, %esp\n"
	"push $-7\n"
	"push $0x12345678\n"
	"mov $0x1122334455667788, %rax\n"
	"push %rax\n"
	"pop %rbx\n"
	"popw %cx\n"
	"mov $0xd0001000, %esp\n"
	"call f\n"
	"next: mov $0xd0000f00, %ebp\n"
	"leave\n"
	"enter $0x1230, $0\n"
	"mov %rsp, %rdi\n"
	"mov $0x40000, %esp\n"
	"mov $0xd0000000, %ebx\n"
	"jmp *8(%rbx)\n"
	"hlt\n"
	"f: ret $0x20\n"
	"target: call *16(%rbx)\n"
	"hlt\n"
	"callee: pop %rdx\n"
	"hlt\n");

GUEST_LABEL(next);
GUEST_LABEL(target);
GUEST_LABEL(callee);

static u64 at(const u8 *label)
{
	return HVT_CODE + (label - guest);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;

	CHECK_EQ(EXPECT_MMIO_WRITE(v, STACK - 8, 8), -7);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, STACK - 16, 8), 0x12345678);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, STACK - 24, 8), 0x1122334455667788);
	EXPECT_MMIO_READ(v, STACK - 24, 8, 0x8877665544332211);
	EXPECT_MMIO_READ(v, STACK - 16, 2, 0xabcd);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, STACK - 8, 8), at(next));
	EXPECT_MMIO_READ(v, STACK - 8, 8, at(next));
	EXPECT_MMIO_READ(v, DEV + 0xf00, 8, 0xaa55aa55bb66bb66);
	CHECK_EQ(EXPECT_MMIO_WRITE(v, DEV + 0xf00, 8), 0xaa55aa55bb66bb66);
	EXPECT_MMIO_READ(v, DEV + 8, 8, at(target));
	EXPECT_MMIO_READ(v, DEV + 16, 8, at(callee));
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(st.regs.gpr[HVMON_RDX], at(callee) - 1);
	CHECK_EQ(st.regs.gpr[HVMON_RCX] & 0xffff, 0xabcd);
	CHECK_EQ(st.regs.gpr[HVMON_RBP], DEV + 0xf00);
	CHECK_EQ(st.regs.gpr[HVMON_RDI], DEV + 0xf00 - 0x1230);
	CHECK_EQ(st.regs.gpr[HVMON_RSP], HVT_STACK);

	/* A target that is not canonical is #GP of the jump itself */
	hvt_set_rip(v, at(target));
	EXPECT_MMIO_READ(v, DEV + 16, 8, 0x8000000000000000);
	EXPECT_EXC(v, 13);
	hvt_get(v, &st, HVMON_STATE_REGS);
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP] + 8), at(target));
	return 0;
}
