// SPDX-License-Identifier: GPL-2.0
/* Every fd answers ENOTTY to ioctl numbers that it does not have, and RUN belongs to vCPUs. */
#include "hvt.h"

int main(void)
{
	static u8 buf[8192];
	struct hvt_vm *vm = hvt_vm();
	struct hvt_vcpu *v = hvt_vcpu(vm, 0);
	int fds[] = { hvt_dev(), vm->fd, v->fd }, i, nr;

	*(u32 *)buf = 64;
	for (i = 0; i < 3; i++) {
		for (nr = 0; nr < 256; nr++) {
			bool known = i == 0 ? nr <= 1 : i == 1 ? nr >= 0x20 && nr <= 0x2d :
						       nr >= 0x40 && nr <= 0x49;

			if (!known)
				REFUSED(ioctl(fds[i], _IO(HVMON_IOC_MAGIC, nr), buf), ENOTTY);
		}
		/* The right number with another magic, direction or size */
		nr = i * 0x20;
		REFUSED(ioctl(fds[i], _IO(0xae, nr), buf), ENOTTY);
		REFUSED(ioctl(fds[i], _IOR(HVMON_IOC_MAGIC, nr, int), buf), ENOTTY);
		REFUSED(ioctl(fds[i], TCGETS, buf), ENOTTY);
	}
	REFUSED(ioctl(fds[0], HVMON_RUN, 0), ENOTTY);
	REFUSED(ioctl(fds[1], HVMON_RUN, 0), ENOTTY);
	return 0;
}
