// SPDX-License-Identifier: GPL-2.0
/* HVMON_DIRTY_LOG refuses wrong sizes, flags, slots, ranges, pointers and fds. */
#include "hvt_abi.h"

static int try(struct hvt_vm *vm, u32 slot, u64 first, u64 pages, void *map)
{
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = slot, .first_page = first, .pages = pages,
		       .bitmap = (u64)(uintptr_t)map);

	return ioctl(vm->fd, HVMON_DIRTY_LOG, &arg);
}

int main(void)
{
	static u64 map[64];
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = 100,
		       .bitmap = (u64)(uintptr_t)map);
	struct hvt_vm *vm = hvt_vm();
	struct hvt_abi abi = { .name = "DIRTY_LOG", .fd = vm->fd, .cmd = HVMON_DIRTY_LOG,
			       .arg = &arg, .size = sizeof(arg),
			       .reserved = { offsetof(struct hvmon_dirty_log, reserved) } };

	hvt_mem(vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, 100 * 4096, hvt_anon(100 * 4096));
	hvt_abi_check(&abi);
	REFUSED(try(vm, 2, 0, 64, map), ENOENT);
	REFUSED(try(vm, HVMON_MAX_SLOTS, 0, 64, map), EINVAL);
	REFUSED(try(vm, ~0u, 0, 64, map), EINVAL);
	REFUSED(try(vm, 0, 0, 64, map), EINVAL);	/* is not logged */
	REFUSED(try(vm, 1, 1, 64, map), EINVAL);
	REFUSED(try(vm, 1, 0, 63, map), EINVAL);
	REFUSED(try(vm, 1, 0, 128, map), EINVAL);
	REFUSED(try(vm, 1, 64, 37, map), EINVAL);
	REFUSED(try(vm, 1, 128, 64, map), EINVAL);
	REFUSED(try(vm, 1, ~0ULL - 63, 128, map), EINVAL);
	REFUSED(try(vm, 1, 0, ~0ULL - 63, map), EINVAL);
	REFUSED(try(vm, 1, 0, 100, NULL), EFAULT);
	REFUSED(try(vm, 1, 0, 100, (void *)0xffff800000000000ULL), EFAULT);
	SYS(try(vm, 1, 0, 100, map));
	SYS(try(vm, 1, 64, 36, map));
	return 0;
}
