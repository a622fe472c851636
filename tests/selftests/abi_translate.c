// SPDX-License-Identifier: GPL-2.0
/* HVMON_TRANSLATE refuses wrong sizes, flags, accesses, pointers and fds. */
#include "hvt_abi.h"

GUEST64(guest, "hlt\n");

int main(void)
{
	HVT_DEFINE_ARG(hvmon_translate, arg, .gva = 0x1234);
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvt_abi abi = { .name = "TRANSLATE", .fd = v->fd, .cmd = HVMON_TRANSLATE,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_translate, reserved) } };
	int bit;

	hvt_abi_check(&abi);
	for (bit = 3; bit < 32; bit++) {
		arg.access = 1u << bit;
		REFUSED(ioctl(v->fd, HVMON_TRANSLATE, &arg), EINVAL);
	}
	return 0;
}
