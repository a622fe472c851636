// SPDX-License-Identifier: GPL-2.0
/* A vCPU runs 64-bit code with the 16 registers it is given, and they come back. */
#include "hvt.h"

GUEST64(guest,
	"not %rax\n not %rbx\n not %rcx\n not %rdx\n"
	"not %rsi\n not %rdi\n not %rbp\n"
	"not %r8\n not %r9\n not %r10\n not %r11\n"
	"not %r12\n not %r13\n not %r14\n not %r15\n"
	"hlt\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;
	int i;

	hvt_get(v, &st, HVMON_STATE_REGS);
	for (i = 0; i < 16; i++)
		st.regs.gpr[i] = 0x0101010101010101ULL * (i + 1) ^ (0xf0ULL << 56);
	hvt_set(v, &st, HVMON_STATE_REGS);
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_REGS);
	for (i = 0; i < 16; i++) {
		u64 want = 0x0101010101010101ULL * (i + 1) ^ (0xf0ULL << 56);

		if (i != HVMON_RSP)
			want = ~want;
		if (st.regs.gpr[i] != want)
			FAIL("register %d is %#llx, not %#llx", i,
			     (unsigned long long)st.regs.gpr[i], (unsigned long long)want);
	}
	return 0;
}
