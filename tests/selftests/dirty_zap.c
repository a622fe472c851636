// SPDX-License-Identifier: GPL-2.0
/*
 * No write is lost from the dirty log while the host takes the guest's mappings
 * away under it, as migration of pages does: the bits that this sets may be
 * harvested while a processor still writes through what it remembers.
 */
#include "hvt.h"

#define PAGES	64

/* Round RDX: writes it to every page, then publishes it at HVT_DATA */
GUEST64(guest,
	"xor %edx, %edx\n"
	"2: inc %edx\n"
	"mov $0x1000000, %ebx\n"
	"mov $64, %ecx\n"
	"1: mov %edx, (%rbx)\n"
	"add $4096, %ebx\n"
	"dec %ecx\n"
	"jnz 1b\n"
	"mov %edx, 0x100000\n"
	"jmp 2b\n");

static u8 *mem;
static int done;

/* The guest needs no right to execute, but each change of protection zaps */
static void *zapper(void *unused)
{
	int exec = 0;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		exec ^= PROT_EXEC;
		SYS(mprotect(mem, PAGES * 4096, PROT_READ | PROT_WRITE | exec));
		/* A fault needs a moment without changes */
		usleep(500);
	}
	return unused;
}

static void harvest(struct hvt_vm *vm, u32 *copy)
{
	u64 map;
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = PAGES,
		       .bitmap = (u64)(uintptr_t)&map);
	u32 i;

	SYS(ioctl(vm->fd, HVMON_DIRTY_LOG, &arg));
	for (i = 0; i < PAGES; i++)
		if (map >> i & 1)
			copy[i] = *(volatile u32 *)(mem + i * 4096);
}

static u64 zaps(struct hvt_vm *vm)
{
	return hvt_vm_stats(vm).zaps;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *round = (u32 *)(v->vm->mem + HVT_DATA);
	static u32 copy[PAGES];
	struct hvt_thread t;
	u32 i, pass, published;
	pthread_t zap;
	u64 before;

	mem = hvt_anon(PAGES * 4096);
	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, PAGES * 4096, mem);
	hvt_spawn(&t, v);
	before = zaps(v->vm);
	if (pthread_create(&zap, NULL, zapper, NULL))
		FAIL("pthread_create failed");
	for (pass = 0; pass < 300 || *round < 100 || zaps(v->vm) < before + PAGES; pass++) {
		published = *round;
		harvest(v->vm, copy);
		/* All writes before the call are in this log or an earlier one */
		for (i = 0; i < PAGES; i++)
			CHECK(copy[i] >= published,
			      "page %u: copy of round %u, but round %u was complete", i, copy[i],
			      published);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(zap, NULL);
	hvt_stop(&t);
	harvest(v->vm, copy);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(copy[i], *(u32 *)(mem + i * 4096));
	return 0;
}
