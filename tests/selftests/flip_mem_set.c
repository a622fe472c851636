// SPDX-License-Identifier: GPL-2.0
/*
 * A thread that changes the struct during MEM_SET gets one of its two meanings
 * or a refusal, never a mixture.
 */
#include "hvt_abi.h"

int main(void)
{
	struct hvt_vm *vm = hvt_vm();
	u8 *p = hvt_anon(4096);
	HVT_DEFINE_ARG(hvmon_mem, arg, .slot = 1, .gpa = 16 * MiB, .len = 4096,
		       .hva = (u64)(uintptr_t)p);
	struct hvt_flip f;
	int i, good = 0, bad = 0;

	/* length: one page or an unaligned one */
	hvt_flip_start(&f, &arg.len, 4096, 4097);
	for (i = 0; hvt_flip_again(&f, i, 20000); i++) {
		if (!ioctl(vm->fd, HVMON_MEM_SET, &arg))
			good++;
		else if (errno == EINVAL)
			bad++;
		else
			FAIL("%s", strerror(errno));
	}
	hvt_flip_stop(&f);
	CHECK_EQ(hvt_vm_stats(vm).slots, good ? 2 : 1);
	arg.len = 4096;
	/* the size: right, or larger than any struct */
	hvt_flip_start(&f, &arg.size, sizeof(arg), 1 << 20);
	for (i = 0; hvt_flip_again(&f, i, 20000); i++)
		if (ioctl(vm->fd, HVMON_MEM_SET, &arg) && errno != E2BIG && errno != EFAULT)
			FAIL("%s", strerror(errno));
	hvt_flip_stop(&f);
	arg.size = sizeof(arg);
	SYS(ioctl(vm->fd, HVMON_MEM_SET, &arg));
	/* an address beyond user space */
	hvt_flip_start(&f, (u8 *)&arg.hva + 4, arg.hva >> 32, 0xffff8000);
	for (i = 0; hvt_flip_again(&f, i, 20000); i++)
		if (ioctl(vm->fd, HVMON_MEM_SET, &arg) && errno != EINVAL)
			FAIL("%s", strerror(errno));
	hvt_flip_stop(&f);
	return 0;
}
