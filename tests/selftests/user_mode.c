// SPDX-License-Identifier: GPL-2.0
/* Guest code at CPL 3 enters the kernel by SYSCALL and INT, and returns, without an exit. */
#include "hvt.h"

GUEST64(guest,
	/* CPL 3 */
	"mov $0x1111, %ebx\n"
	"syscall\n"
	"add $1, %ebx\n"
	"hlt\n");			/* #GP */
GUEST64(kernel,
	"mov %ebx, %eax\n"
	G_REPORT
	"mov $0x2222, %ebx\n"
	"sysretq\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;

	hvt_load(v->vm, 0x12000, kernel, kernel_end);
	/* SYSCALL: CS 0x18; SYSRET: CS 0x18 + 16, without a look at the GDT */
	SYS(hvt_try_set_msr(v, 0xc0000081, 0x1bULL << 48 | 0x18ULL << 32));
	SYS(hvt_try_set_msr(v, 0xc0000082, 0x12000));
	SYS(hvt_try_set_msr(v, 0xc0000084, 0));
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	hvt_state_user(&st);
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	CHECK_EQ(EXPECT_REPORT(v), 0x1111);
	EXPECT_EXC(v, 13);
	CHECK_EQ(hvt_reg(v, HVMON_RBX), 0x2223);
	hvt_get(v, &st, HVMON_STATE_REGS);
	/* error code, RIP, CS at CPL 3 */
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP] + 16) & 3, 3);
	return 0;
}
