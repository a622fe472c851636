// SPDX-License-Identifier: GPL-2.0
/* No write is lost from the dirty log while the guest writes and the launcher harvests. */
#include "hvt.h"

#define PAGES	256

/* Round RDX: writes it to every page, then publishes it at HVT_DATA */
GUEST64(guest,
	"xor %edx, %edx\n"
	"2: inc %edx\n"
	"mov $0x1000000, %ebx\n"
	"mov $256, %ecx\n"
	"1: mov %edx, (%rbx)\n"
	"add $4096, %ebx\n"
	"dec %ecx\n"
	"jnz 1b\n"
	"mov %edx, 0x100000\n"
	"jmp 2b\n");

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	u8 *p = hvt_anon(PAGES * 4096);
	volatile u32 *round = (u32 *)(v->vm->mem + HVT_DATA);
	static u32 copy[PAGES];
	u64 map[PAGES / 64];
	struct hvt_thread t;
	u32 i, pass, final;
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = PAGES,
		       .bitmap = (u64)(uintptr_t)map);

	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, PAGES * 4096, p);
	hvt_spawn(&t, v);
	for (pass = 0; pass < 200 || *round < 20; pass++) {
		u32 published = *round;

		SYS(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &arg));
		for (i = 0; i < PAGES; i++) {
			if (map[i / 64] >> (i % 64) & 1)
				copy[i] = *(volatile u32 *)(p + i * 4096);
			/* All writes before the call are in this log or an earlier one */
			if (copy[i] < published)
				FAIL("page %u: copy of round %u, but round %u was complete", i,
				     copy[i], published);
		}
	}
	hvt_stop(&t);
	SYS(ioctl(v->vm->fd, HVMON_DIRTY_LOG, &arg));
	final = *round;
	CHECK(final > 10, "the guest made but %u rounds", final);
	for (i = 0; i < PAGES; i++) {
		if (map[i / 64] >> (i % 64) & 1)
			copy[i] = *(volatile u32 *)(p + i * 4096);
		CHECK_EQ(copy[i], *(u32 *)(p + i * 4096));
	}
	return 0;
}
