// SPDX-License-Identifier: GPL-2.0
/* The run page maps at offset 0, shared, run_size bytes, and nothing else does. */
#include "hvt.h"

static void *try(int fd, size_t len, int prot, int flags, off_t off)
{
	return mmap(NULL, len, prot, flags, fd, off);
}

int main(void)
{
	size_t size = hvt_info().run_size;
	struct hvt_vm *vm = hvt_vm();
	int fd = SYS(hvt_try_vcpu(vm->fd, 0));

	CHECK(try(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, size) == MAP_FAILED, "offset");
	CHECK(try(fd, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == MAP_FAILED, "length");
	CHECK(try(vm->fd, size, PROT_READ, MAP_SHARED, 0) == MAP_FAILED, "the VM's fd");
	CHECK(try(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0) != MAP_FAILED, "%s",
	      strerror(errno));
	return 0;
}
