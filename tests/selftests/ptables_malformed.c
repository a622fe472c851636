// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables of the guest that lie in a device, outside memory or have
 * reserved bits give it a fault or a clean exit.
 */
#include "hvt.h"

GUEST64(guest,
	"mov 0x40000000, %eax\n"
	"hlt\n");

static struct hvt_vcpu *boot(u64 pdpte)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);

	((u64 *)(v->vm->mem + HVT_PDPT))[1] = pdpte;
	return v;
}

int main(void)
{
	struct hvt_vcpu *v;
	struct hvmon_state st;
	int e;

	/* not present */
	v = boot(0);
	EXPECT_EXC(v, 14);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	CHECK_EQ(st.sregs.cr2, 0x40000000);
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]), 0);
	/* a reserved bit in a 1 GiB page's address */
	v = boot(0x40000083 | 1 << 13);
	EXPECT_EXC(v, 14);
	hvt_get(v, &st, HVMON_STATE_REGS);
	/* An emulated processor may forget P in the error code of this */
	CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]) | 1, 9);
	/* the next table lies where there is no memory */
	v = boot(0xd0000007);
	e = hvt_run(v);
	if (e != HVMON_EXIT_EMULATION && e != HVMON_EXIT_MMIO && e != HVMON_EXIT_FAULT &&
	    !(e == HVMON_EXIT_PIO && v->run->pio.port == HVT_PORT_EXC))
		hvt_explain(v, e, __FILE_NAME__, __LINE__, "an end");
	/* the root itself */
	v = HVT_BOOT(64, guest);
	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.cr3 = 0x7000000;
	if (!hvt_try_set(v, &st, HVMON_STATE_SREGS)) {
		e = hvt_run(v);
		if (e == HVMON_EXIT_HLT || e == HVMON_EXIT_NONE || e < 0)
			hvt_explain(v, e, __FILE_NAME__, __LINE__, "an end");
	}
	return 0;
}
