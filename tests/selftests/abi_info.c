// SPDX-License-Identifier: GPL-2.0
/* HVMON_INFO refuses wrong sizes, flags, pointers and fds, and fills only its struct. */
#include "hvt_abi.h"

int main(void)
{
	struct { struct hvmon_info info; u8 guard[64]; } arg = { .info.size = sizeof(arg.info) };
	struct hvt_abi abi = { .name = "INFO", .fd = hvt_dev(), .cmd = HVMON_INFO,
			       .arg = &arg.info, .size = sizeof(arg.info) };
	unsigned int i;

	hvt_abi_check(&abi);
	memset(arg.guard, 0, sizeof(arg.guard));
	arg.info.size = sizeof(arg);
	SYS(ioctl(abi.fd, HVMON_INFO, &arg));
	for (i = 0; i < sizeof(arg.guard); i++)
		CHECK_EQ(arg.guard[i], 0);
	return 0;
}
