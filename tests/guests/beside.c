// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that computes without end, under hvmon or under KVM, and a launcher
 * that knows the results: tests/guests/kvm-beside runs several on one CPU.
 * Usage: beside hvmon|kvm SEED; prints a line per right result, ends with
 * status 1 at a wrong one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../bench/bench.h"

#define ROUND	3000	/* steps per result */

/*
 * Flat 32-bit code. EAX: a random number, EBX: the sum of what memory held
 * where the numbers are stored, ST0: the sum of their low words. CPUID exits,
 * and the count of the x87 stays across all exits.
 */
asm(".pushsection .rodata\n"
	".code32\n"
	".globl guest_start, guest_end\n"
	"guest_start:\n"
	"fninit\n"
	"fldz\n"
	"mov %ds:0x8000, %eax\n"
	"xor %ebx, %ebx\n"
	"1: mov $3000, %esi\n"		/* ROUND */
	"2: imul $1664525, %eax, %eax\n"
	"add $1013904223, %eax\n"
	"mov %eax, %edi\n"
	"shr $8, %edi\n"
	"and $0x3ffffc, %edi\n"
	"add 0x200000(%edi), %ebx\n"	/* TOUCH_GPA */
	"mov %eax, 0x200000(%edi)\n"
	"movzwl %ax, %edx\n"
	"mov %edx, 0x8004\n"
	"fiaddl 0x8004\n"
	"test $0x7f, %esi\n"
	"jnz 3f\n"
	"mov %eax, 0x8008\n"
	"mov %ebx, 0x800c\n"
	"xor %eax, %eax\n"
	"cpuid\n"
	"mov 0x8008, %eax\n"
	"mov 0x800c, %ebx\n"
	"3: dec %esi\n"
	"jnz 2b\n"
	"fld %st(0)\n"
	"fistpll 0x8010\n"
	"mov %eax, %ecx\n"
	"mov 0x8010, %eax\n"
	"xor 0x8014, %eax\n"
	"xor %ebx, %eax\n"
	"out %eax, $0xf4\n"		/* PORT_RESULT */
	"mov %ecx, %eax\n"
	"jmp 1b\n"
	"guest_end:\n"
	".code64\n"
	".popsection\n");

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("FAIL: ");
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

static uint32_t number, sum, shadow[TOUCH_SIZE / 4];
static uint64_t words;

/* The guest's next result */
static uint32_t expected(void)
{
	int i;

	for (i = 0; i < ROUND; i++) {
		uint32_t *p;

		number = number * 1664525 + 1013904223;
		p = &shadow[(number >> 8 & 0x3ffffc) / 4];
		sum += *p;
		*p = number;
		words += number & 0xffff;
	}
	return (uint32_t)words ^ words >> 32 ^ sum;
}

int main(int argc, char **argv)
{
	const struct backend *be = &hvmon_backend;
	struct machine m = { };
	uint32_t want, got;
	uint16_t port;
	char *mem;
	void *data;
	long n;

	if (argc != 3)
		die("usage: beside hvmon|kvm SEED");
	if (!strcmp(argv[1], "kvm"))
		be = &kvm_backend;
	setvbuf(stdout, NULL, _IOLBF, 0);
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die("no memory");
	number = strtoul(argv[2], NULL, 0);
	memcpy(mem + 0x8000, &number, sizeof(number));
	memcpy(mem + CODE_GPA, guest_start, guest_end - guest_start);
	be->create(&m, mem, MEM_SIZE);
	be->vcpu(&m, 0);
	be->start(&m, 0, CODE_GPA, STACK_GPA, 0);
	for (n = 1;; n++) {
		if (be->run(&m, 0, &port, &data) != EXIT_OUT || port != PORT_RESULT) {
			be->explain(&m, 0);
			die("the guest ended in round %ld", n);
		}
		want = expected();
		memcpy(&got, data, sizeof(got));
		if (got != want)
			die("round %ld gives %#x, not %#x", n, got, want);
		printf("right %ld\n", n);
	}
}
