// SPDX-License-Identifier: GPL-2.0
/* HVMON_MEM_SET refuses wrong sizes, unknown flags, reserved fields, pointers and fds. */
#include "hvt_abi.h"

int main(void)
{
	HVT_DEFINE_ARG(hvmon_mem, arg, .slot = 3, .gpa = 16 * MiB, .len = 64 * KiB,
		       .hva = (u64)(uintptr_t)hvt_anon(64 * KiB));
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "MEM_SET", .fd = vm->fd, .cmd = HVMON_MEM_SET,
			       .arg = &arg, .size = sizeof(arg),
			       .known_flags = HVMON_MEM_READONLY | HVMON_MEM_LOG_DIRTY,
			       .reserved = { offsetof(struct hvmon_mem, reserved) } };

	hvt_abi_check(&abi);
	CHECK_EQ(hvt_vm_stats(vm).slots, 2);
	return 0;
}
