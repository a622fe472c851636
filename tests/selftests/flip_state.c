// SPDX-License-Identifier: GPL-2.0
/*
 * A thread that changes CR0 and the groups during STATE_SET gets a state that
 * runs, or a refusal.
 */
#include "hvt_abi.h"

GUEST64(guest, "1: hlt\n jmp 1b\n");

int main(void)
{
	static struct hvmon_state st, back;
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvt_flip f;
	int i;

	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	/* paging without protection is not a processor state */
	hvt_flip_start(&f, &st.sregs.cr0, 0x80010033, 0x80010032);
	for (i = 0; hvt_flip_again(&f, i, 3000); i++) {
		if (ioctl(v->fd, HVMON_STATE_SET, &st) && errno != EINVAL)
			FAIL("%s", strerror(errno));
		if (i % 16 == 0) {
			EXPECT(v, HVMON_EXIT_HLT);
			hvt_get(v, &back, HVMON_STATE_SREGS);
			CHECK_EQ(back.sregs.cr0, 0x80010033);
		}
	}
	hvt_flip_stop(&f);
	st.sregs.cr0 = 0x80010033;
	hvt_flip_start(&f, &st.groups, 3, 0x80000003);
	for (i = 0; hvt_flip_again(&f, i, 3000); i++)
		if (ioctl(v->fd, HVMON_STATE_SET, &st) && errno != EINVAL)
			FAIL("%s", strerror(errno));
	hvt_flip_stop(&f);
	return 0;
}
