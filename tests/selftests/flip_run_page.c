// SPDX-License-Identifier: GPL-2.0
/*
 * A thread that scribbles over the run page while the vCPU leaves and enters
 * confuses no one but the launcher.
 */
#include "hvt_abi.h"

GUEST64(guest,
	"1: mov $0x100100, %esi\n"
	"mov $64, %ecx\n"
	"cld\n"
	"mov $0x3f8, %dx\n"
	"rep outsb\n"
	"mov $0x100200, %edi\n"
	"mov $64, %ecx\n"
	"rep insb\n"
	"mov 0xd0000000, %eax\n"
	"mov %eax, 0xd0000004\n"
	"incl 0x100000\n"
	"jmp 1b\n");

static int stop;

static void *scribble(void *p)
{
	volatile u32 *run = p;
	u32 x = 1, i;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (i = 2; i < sizeof(struct hvmon_run) / 4; i++) {
			x = x * 1664525 + 1013904223;
			/* not regs_valid: SET of registers is a request */
			if (i != 3)
				run[i] = x;
		}
	return NULL;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	volatile u32 *loops = (u32 *)(v->vm->mem + HVT_DATA);
	pthread_t t;
	int i;

	pthread_create(&t, NULL, scribble, v->run);
	for (i = 0; i < 20000; i++)
		SYS(ioctl(v->fd, HVMON_RUN, 0));
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	CHECK(*loops > 50, "the guest went %u times around", *loops);
	/* INS wrote where it should and nowhere else */
	for (i = 0x240; i < 0x1000; i++)
		CHECK_EQ(v->vm->mem[HVT_DATA + i], 0);
	return 0;
}
