// SPDX-License-Identifier: GPL-2.0
/*
 * HVMON_VCPU_CREATE refuses wrong sizes, flags, ids, pointers and fds, and
 * leaves no vCPU behind.
 */
#include "hvt_abi.h"

static struct hvt_vm *vm;
static u32 id;
static struct hvmon_vcpu_create arg = { .size = sizeof(arg) };

/* An id stays taken as long as the VM: another VM under the same fd */
static void next_vm(void)
{
	int fd = hvt_vm_fd();

	SYS(dup2(fd, vm->fd));
	close(fd);
}

int main(void)
{
	struct hvt_abi abi = { .name = "VCPU_CREATE", .cmd = HVMON_VCPU_CREATE, .arg = &arg,
			       .size = sizeof(arg), .fresh = next_vm,
			       .reserved = { offsetof(struct hvmon_vcpu_create, reserved) } };

	vm = hvt_vm();
	abi.fd = vm->fd;
	hvt_abi_check(&abi);
	vm = hvt_vm();
	REFUSED(hvt_try_vcpu(vm->fd, HVMON_MAX_VCPUS), EINVAL);
	REFUSED(hvt_try_vcpu(vm->fd, ~0u), EINVAL);
	CHECK_EQ(hvt_vm_stats(vm).vcpus, 0);
	for (id = 0; id < 3; id++) {
		SYS(hvt_try_vcpu(vm->fd, id));
		REFUSED(hvt_try_vcpu(vm->fd, id), EEXIST);
		CHECK_EQ(hvt_vm_stats(vm).vcpus, id + 1);
	}
	return 0;
}
