// SPDX-License-Identifier: GPL-2.0
/*
 * PAE paging that comes without PDPTEs, as from AMD-V: they are read from memory before
 * anything else. A bad one is an exit, after which the state is as it was set, with the
 * event that was to be delivered.
 */
#include "hvt.h"

#define PAE_PDPT	0xa000UL
#define PRESENT		1ULL
#define RESERVED	(1ULL << 5)
#define GROUPS		(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_EVENTS)

GUEST32(guest, "1: hlt; jmp 1b\n");

int main(void)
{
	struct hvmon_state st, back;
	struct hvt_vcpu *v;
	u64 *pdpt;

	if (!hvt_is_vmx())
		hvt_skip("AMD-V leaves PDPTEs in memory");
	v = HVT_BOOT(32, guest);
	pdpt = (u64 *)(v->vm->mem + PAE_PDPT);
	pdpt[0] = HVT_PD | PRESENT | RESERVED;

	hvt_get(v, &st, GROUPS);
	st.sregs.cr0 |= 0x80000000;
	st.sregs.cr3 = PAE_PDPT;
	st.sregs.cr4 |= 0x20;
	st.regs.rflags |= 0x200;
	st.events.in_flight = (struct hvmon_event){
		.valid = 1, .type = HVMON_EV_INTR, .vector = 0x61 };
	hvt_set(v, &st, GROUPS);
	EXPECT(v, HVMON_EXIT_INVALID);
	CHECK(strstr(v->run->message, "PDPTE"), "%s", v->run->message);
	hvt_get(v, &back, GROUPS);
	CHECK_EQ(back.events.in_flight.valid, 1);
	CHECK_EQ(back.events.in_flight.vector, 0x61);
	CHECK_EQ(back.regs.rip, st.regs.rip);

	pdpt[0] = HVT_PD | PRESENT;
	memset(&st.events, 0, sizeof(st.events));
	hvt_set(v, &st, GROUPS);
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &back, GROUPS);
	CHECK_EQ(back.sregs.pdptr[0], HVT_PD | PRESENT);
	return 0;
}
