// SPDX-License-Identifier: GPL-2.0
/*
 * A launcher in a hundred lines on libhvmon: a guest of one page in 16-bit
 * real mode prints a line through port 0x3f8 and halts.
 * Documentation/tutorial.rst walks through it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libhvmon.h>

#define PAGE	4096
#define START	0x1000		/* guest-physical address of the page */
#define PORT	0x3f8

/*
 *	mov	$text, %si
 *	mov	$0x3f8, %dx
 * 1:	lodsb
 *	test	%al, %al
 *	jz	2f
 *	out	%al, (%dx)
 *	jmp	1b
 * 2:	hlt
 */
static const unsigned char code[] = {
	0xbe, 0x0f, 0x10,
	0xba, 0xf8, 0x03,
	0xac,
	0x84, 0xc0,
	0x74, 0x03,
	0xee,
	0xeb, 0xf8,
	0xf4,
};

static const char text[] = "Hello from a guest of hvmon\n";

static int check(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "hello: %s: %s\n", what, strerror(-ret));
	exit(1);
}

/* From power-on to real mode at START */
static void set_start(int vcpu)
{
	struct hvmon_state *st = calloc(1, sizeof(*st));
	unsigned long long groups = HVMON_STATE_REGS | HVMON_STATE_SREGS;

	if (!st)
		check(-ENOMEM, "memory");
	check(hvmon_state_get(vcpu, groups, st), "state");
	st->sregs.seg[HVMON_CS].selector = 0;
	st->sregs.seg[HVMON_CS].base = 0;
	st->regs.rip = START;
	check(hvmon_state_set(vcpu, groups, st), "state");
	free(st);
}

/* 0 to go on, 1 at the guest's end */
static int handle(const struct hvmon_run *run)
{
	char line[256];

	if (run->exit == HVMON_EXIT_PIO && run->pio.direction == HVMON_PIO_OUT &&
	    run->pio.port == PORT) {
		fwrite(run->data, run->pio.size, run->pio.count, stdout);
		return 0;
	}
	if (run->exit == HVMON_EXIT_HLT)
		return 1;
	hvmon_exit_describe(run, line, sizeof(line));
	fprintf(stderr, "hello: %s\n", line);
	exit(1);
}

int main(void)
{
	struct hvmon_info info;
	struct hvmon_run *run;
	int dev, vm, vcpu;
	char *mem;

	dev = check(hvmon_open(NULL), HVMON_DEVICE);
	check(hvmon_info(dev, &info), "info");
	if (info.vendor == HVMON_VENDOR_NONE) {
		fprintf(stderr, "hello: %s\n", info.why);
		return 1;
	}
	vm = check(hvmon_vm_create(dev, HVMON_MMU_TDP, "hello"), "vm");

	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		check(-errno, "memory");
	memcpy(mem, code, sizeof(code));
	memcpy(mem + sizeof(code), text, sizeof(text));
	check(hvmon_mem_set(vm, 0, 0, START, PAGE, mem), "memory slot");

	vcpu = check(hvmon_vcpu_create(vm, 0), "vcpu");
	check(hvmon_map_run(vcpu, info.run_size, &run), "run page");
	set_start(vcpu);
	do
		check(hvmon_run(vcpu), "run");
	while (!handle(run));
	return 0;
}
