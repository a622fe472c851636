// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log is exact when a guest writes more pages than a processor's own
 * log has room for without leaving the guest, also when it is the delivery of an
 * interrupt that writes: none is lost, and none delivered twice.
 */
#include "hvt_irq.h"

#define PAGES	1536	/* three times 512 */
#define PUSHES	0x80000000

/*
 * Waits for a number of pages to go by, 0: reads every page, else writes every
 * so many; with PUSHES as the stack of an interrupt that it sends itself
 */
GUEST64(guest,
	"mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"
	"mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
	"1: in $0xe5, %eax\n"
	"mov $0x1000000, %ebx\n"
	"test %eax, %eax\n"
	"js 5f\n"
	"jnz 3f\n"
	"2: mov (%rbx), %ecx\n"
	"add $4096, %ebx\n"
	"cmp $0x1600000, %ebx\n"
	"jb 2b\n"
	"jmp 1b\n"
	"3: shl $12, %eax\n"
	"4: incl (%rbx)\n"
	"add %eax, %ebx\n"
	"cmp $0x1600000, %ebx\n"
	"jb 4b\n"
	"jmp 1b\n"
	"5: shl $12, %eax\n"
	"mov %eax, %edi\n"
	"sti\n"
	"6: lea 0x800(%rbx), %rsp\n"
	"mov $0x83f, %ecx\n mov $0x61, %eax\n xor %edx, %edx\n wrmsr\n"
	"nop\n"
	"add %edi, %ebx\n"
	"cmp $0x1600000, %ebx\n"
	"jb 6b\n"
	"cli\n"
	"jmp 1b\n");

GUEST64(handler,
	"incl 0x100000\n"
	"mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n"
	"iretq\n");

static u64 map[PAGES / 64];

static void harvest(struct hvt_vm *vm, u32 step)
{
	HVT_DEFINE_ARG(hvmon_dirty_log, arg, .slot = 1, .pages = PAGES,
		       .bitmap = (u64)(uintptr_t)map);
	u32 i;

	SYS(ioctl(vm->fd, HVMON_DIRTY_LOG, &arg));
	for (i = 0; i < PAGES; i++)
		CHECK((map[i / 64] >> i % 64 & 1) == (step && i % step == 0),
		      "step %u, page %u: %s", step, i, step ? "wrong" : "dirty");
	CHECK_EQ(arg.dirty, step ? (PAGES + step - 1) / step : 0);
}

/* The guest has done it when the next one returns */
static void go(struct hvt_vcpu *v, u32 command)
{
	EXPECT_IN(v, 0xe5, 4, command);
}

int main(void)
{
	static const u32 steps[] = { 1, 1, 2, 3, 7, 1 };
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, guest, 0);
	u32 *count = (u32 *)(v->vm->mem + HVT_DATA);
	u8 *mem = hvt_anon(PAGES * 4096);
	u32 i;

	if (!(hvt_info().caps & HVMON_CAP_X2APIC))
		hvt_skip("no x2APIC");
	memset(mem, 0, PAGES * 4096);
	hvt_mem(v->vm, 1, HVMON_MEM_LOG_DIRTY, 16 * MiB, PAGES * 4096, mem);
	HVT_SET_HANDLER(v->vm, 0x61, handler);
	go(v, 0);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		go(v, steps[i]);
		go(v, 0);
		harvest(v->vm, steps[i]);
	}
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		*count = 0;
		go(v, PUSHES | steps[i]);
		go(v, 0);
		harvest(v->vm, steps[i]);
		CHECK_EQ(*count, (PAGES + steps[i] - 1) / steps[i]);
	}
	go(v, 0);
	harvest(v->vm, 0);
	return 0;
}
