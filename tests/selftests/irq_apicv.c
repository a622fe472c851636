// SPDX-License-Identifier: GPL-2.0
/*
 * LAPIC registers and interrupts are the same whether the processor virtualizes
 * them or not: what a guest writes it reads, the launcher sees what is requested
 * and in service and can put it elsewhere, and a LAPIC that is moved is only at
 * its new address. Where the processor does it there are hardly any exits.
 */
#include <stdio.h>

#include "hvt_irq.h"

#define BUSY_HANDLER	(HVT_HANDLER + 0x100)
#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_EVENTS | HVMON_STATE_MP | \
		 HVMON_STATE_LAPIC)

/* 200 interrupts by self IPI, with their EOIs, and reads of what is there anyway */
GUEST64(loop,
	G_LAPIC_ON
	"sti\n"
	"mov $0x100, %eax\n"
	G_REPORT
	"mov $200, %ecx\n"
	"1: movl $0x44061, 0x300(%rbp)\n"
	"nop\n"
	"mov 0x30(%rbp), %eax\n"
	"mov 0xf0(%rbp), %eax\n"
	"loop 1b\n"
	"mov 0x100000, %eax\n"
	G_REPORT
	"hlt\n");

GUEST64(quiet,
	"incl 0x100000\n"
	G_EOI
	"iretq\n");

GUEST64(x2apic_loop,
	"mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"
	"mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
	"sti\n"
	"mov $0x100, %eax\n"
	G_REPORT
	"mov $200, %edi\n"
	"1: mov $0x83f, %ecx\n mov $0x61, %eax\n xor %edx, %edx\n wrmsr\n"
	"nop\n"
	"mov $0x803, %ecx\n rdmsr\n"
	"mov $0x80a, %ecx\n rdmsr\n"
	"dec %edi\n"
	"jnz 1b\n"
	"mov 0x100000, %eax\n"
	G_REPORT
	/* all 64 bits of the ICR, and that the page has gone */
	"mov $0x830, %ecx\n mov $7, %edx\n mov $0x62, %eax\n wrmsr\n"
	"xor %edx, %edx\n xor %eax, %eax\n rdmsr\n"
	"add %edx, %eax\n"
	G_REPORT
	"mov $0xfee00000, %ebp\n"
	"mov 0x30(%rbp), %eax\n"
	G_REPORT
	"hlt\n");

GUEST64(x2apic_quiet,
	"push %rcx\n push %rax\n push %rdx\n"
	"incl 0x100000\n"
	"mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n"
	"pop %rdx\n pop %rax\n pop %rcx\n"
	"iretq\n");

GUEST64(registers,
	G_LAPIC_ON
	"movl $0x12345678, 0x20(%rbp)\n"	/* ID: only its high byte */
	"mov 0x20(%rbp), %eax\n"
	G_REPORT
	"movl $0, 0x20(%rbp)\n"
	"movl $0xffffffff, 0xd0(%rbp)\n"	/* LDR: only its high byte */
	"mov 0xd0(%rbp), %eax\n"
	G_REPORT
	"movl $0x50, 0x350(%rbp)\n"
	"movl $0xff, 0xf0(%rbp)\n"		/* off: LVTs are masked */
	"mov 0x350(%rbp), %eax\n"
	G_REPORT
	"movl $0x1ff, 0xf0(%rbp)\n"
	"movl $0x05ffffff, 0x310(%rbp)\n"
	"movl $0x4000, 0x300(%rbp)\n"		/* vector 0 to nobody: an error */
	"mov 0x310(%rbp), %eax\n"
	G_REPORT
	"movl $0, 0x280(%rbp)\n"
	"mov 0x280(%rbp), %eax\n"
	G_REPORT
	"sti\n"
	"mov $0x777, %eax\n"
	G_REPORT
	/* 0x72 is being handled here, 0x63 and 0x75 are waiting */
	"mov 0xa0(%rbp), %eax\n"
	G_REPORT
	"mov $0x1b, %ecx\n rdmsr\n"
	"and $0xfff, %eax\n or $0xfed00000, %eax\n wrmsr\n"
	"mov $0xfed00000, %ebp\n"
	"mov 0x30(%rbp), %eax\n"
	G_REPORT
	"movl $0x44061, 0x300(%rbp)\n"
	"nop\n"
	"mov 0xfee00030, %eax\n"
	G_REPORT
	"hlt\n");

GUEST64(busy,
	"push %rax\n"
	"mov $0x888, %eax\n"
	G_REPORT
	G_EOI
	"pop %rax\n"
	"iretq\n");

HVT_COUNTING_HANDLER(handler);

static bool file_has(const char *path, const char *word)
{
	static char buf[8192];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (f)
		fclose(f);
	buf[n] = 0;
	return strstr(buf, word);
}

/* Does the processor deliver interrupts by itself? */
static bool processor_delivers(void)
{
	return hvt_is_vmx() && file_has("/proc/cpuinfo", " vid") &&
	       file_has("/sys/module/hvmon/parameters/apicv", "Y");
}

static void few_exits(struct hvt_vcpu *v, const char *what)
{
	__u64 exits;

	CHECK_EQ(EXPECT_REPORT(v), 0x100);
	exits = hvt_stats(v).exits;
	CHECK_EQ(EXPECT_REPORT(v), 200);
	exits = hvt_stats(v).exits - exits;
	printf("%s: %llu exits\n", what, exits);
	if (processor_delivers())
		CHECK(exits < 100, "%s: %llu exits", what, exits);
}

static u32 page(const struct hvmon_state *st, u32 offset)
{
	return *(const u32 *)(st->lapic.page + offset);
}

/* A vCPU of another VM goes on where @v is */
static struct hvt_vcpu *moved(struct hvt_vcpu *v)
{
	struct hvt_vm *vm = hvt_vm();
	static struct hvmon_state st;
	struct hvt_vcpu *w;

	v->run->immediate_exit = 1;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	hvt_get(v, &st, GROUPS);
	CHECK_EQ(page(&st, 0x130), 1 << 0x12);			/* ISR: 0x72 */
	CHECK_EQ(page(&st, 0x230), 1 << 3 | 1 << 0x15);		/* IRR: 0x63, 0x75 */
	CHECK_EQ(page(&st, 0xa0), 0x70);
	CHECK_EQ(page(&st, 0x310), 0x05000000);
	memcpy(vm->mem, v->vm->mem, HVT_MEM);
	hvt_irqchip(vm, 0);
	w = hvt_vcpu(vm, 0);
	hvt_set(w, &st, GROUPS);
	return w;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT_IRQ(64, loop, 0);

	HVT_SET_HANDLER(v->vm, 0x61, quiet);
	few_exits(v, "xAPIC");

	if (hvt_info().caps & HVMON_CAP_X2APIC) {
		v = HVT_BOOT_IRQ(64, x2apic_loop, 0);
		HVT_SET_HANDLER(v->vm, 0x61, x2apic_quiet);
		few_exits(v, "x2APIC");
		CHECK_EQ(EXPECT_REPORT(v), 0x69);
		EXPECT_MMIO_READ(v, 0xfee00030, 4, 0xabc);
		CHECK_EQ(EXPECT_REPORT(v), 0xabc);
	}

	v = HVT_BOOT_IRQ(64, registers, 0);
	HVT_SET_HANDLER(v->vm, 0x63, handler);
	hvt_gate64(v->vm, 0x61, HVT_HANDLER);
	hvt_gate64(v->vm, 0x75, HVT_HANDLER);
	hvt_load(v->vm, BUSY_HANDLER, busy, busy_end);
	hvt_gate64(v->vm, 0x72, BUSY_HANDLER);
	CHECK_EQ(EXPECT_REPORT(v), 0x12000000);
	CHECK_EQ(EXPECT_REPORT(v), 0xff000000);
	CHECK_EQ(EXPECT_REPORT(v), 0x10050);
	CHECK_EQ(EXPECT_REPORT(v), 0x05000000);
	CHECK_EQ(EXPECT_REPORT(v), 0x20);
	CHECK_EQ(EXPECT_REPORT(v), 0x777);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x72), 1);
	CHECK_EQ(EXPECT_REPORT(v), 0x888);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x63), 1);
	CHECK_EQ(hvt_msi(v->vm, 0xfee00000, 0x75), 1);
	v = moved(v);
	CHECK_EQ(EXPECT_REPORT(v), 1);		/* 0x75 */
	CHECK_EQ(EXPECT_REPORT(v), 2);		/* 0x63 */
	CHECK_EQ(EXPECT_REPORT(v), 0);		/* PPR */
	CHECK_EQ(EXPECT_REPORT(v), 0x50014);
	/* The handler's EOI goes to the new page: RBP */
	CHECK_EQ(EXPECT_REPORT(v), 3);
	EXPECT_MMIO_READ(v, 0xfee00030, 4, 0xdef);
	CHECK_EQ(EXPECT_REPORT(v), 0xdef);
	return 0;
}
