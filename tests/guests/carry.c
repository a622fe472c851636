// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that counts, stopped on one host and continued on another, whose
 * processor may be of the other vendor; no count may be lost.
 *
 *   carry save FILE      runs COUNTS steps and writes the guest into FILE
 *   carry continue FILE  runs it COUNTS steps further
 *
 * The guest counts in a general register, in memory, in a vector register and
 * in MSRs, and tells each step through a port. Both print how far it got.
 */
#include "../selftests/hvt.h"

#define COUNTS	1000
#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_DEBUG | \
		 HVMON_STATE_EVENTS | HVMON_STATE_XSAVE)

static const u32 msrs[] = {
	0x174, 0x175, 0x176,				/* SYSENTER */
	0xc0000081, 0xc0000082, 0xc0000084,		/* STAR, LSTAR, SFMASK */
	0xc0000102,					/* KERNEL_GS_BASE */
};

struct image {
	char mem[HVT_MEM];
	struct hvmon_state state;
	u64 msr[ARRAY_SIZE(msrs)];
};

GUEST64(guest,
	"xor %ebx, %ebx\n"
	"mov $1, %eax\n"
	"movq %rax, %xmm6\n"
	"pxor %xmm7, %xmm7\n"
	"mov $0x401000, %eax\n"
	"mov %rax, %dr3\n"
	"1: inc %rbx\n"
	"paddq %xmm6, %xmm7\n"
	"incq 0x100000\n"
	"mov $0xc0000102, %ecx\n"	/* KERNEL_GS_BASE */
	"rdmsr\n"
	"inc %eax\n"
	"wrmsr\n"
	"mov $0xc0000082, %ecx\n"	/* LSTAR */
	"rdmsr\n"
	"inc %eax\n"
	"wrmsr\n"
	"out %al, $0xe4\n"
	"jmp 1b\n");

static struct image image;

static void steps(struct hvt_vcpu *v, u64 n)
{
	while (n--)
		EXPECT(v, HVMON_EXIT_PIO);
}

/* Every place has counted to @n */
static void counted(struct hvt_vcpu *v, u64 n)
{
	u64 xmm7, gs, lstar;

	hvt_get(v, &image.state, GROUPS);
	memcpy(&xmm7, image.state.xsave.area + 160 + 7 * 16, sizeof(xmm7));
	CHECK(!hvt_try_get_msr(v, 0xc0000102, &gs), "KERNEL_GS_BASE");
	CHECK(!hvt_try_get_msr(v, 0xc0000082, &lstar), "LSTAR");
	CHECK_EQ(image.state.regs.gpr[HVMON_RBX], n);
	CHECK_EQ(*(u64 *)(v->vm->mem + HVT_DATA), n);
	CHECK_EQ(xmm7, n);
	CHECK_EQ(gs, n);
	CHECK_EQ(lstar, n);
	CHECK_EQ(image.state.debug.db[3], 0x401000);
}

/* The step that is under way in the launcher is completed first */
static void complete(struct hvt_vcpu *v)
{
	v->run->immediate_exit = 1;
	CHECK(hvt_run(v) == -EINTR, "no EINTR");
	v->run->immediate_exit = 0;
}

static void save(const char *path)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	FILE *f = fopen(path, "w");
	unsigned int i;

	CHECK(f, "%s: %m", path);
	steps(v, COUNTS);
	complete(v);
	counted(v, COUNTS);
	memcpy(image.mem, v->vm->mem, HVT_MEM);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		CHECK(!hvt_try_get_msr(v, msrs[i], &image.msr[i]), "MSR %#x", msrs[i]);
	CHECK(fwrite(&image, sizeof(image), 1, f) == 1 && !fclose(f), "%s: %m", path);
	printf("saved at %u\n", COUNTS);
}

static void resume(const char *path)
{
	struct hvt_vcpu *v = hvt_vcpu(hvt_vm(), 0);
	FILE *f = fopen(path, "r");
	unsigned int i;

	CHECK(f && fread(&image, sizeof(image), 1, f) == 1, "%s: %m", path);
	memcpy(v->vm->mem, image.mem, HVT_MEM);
	hvt_set(v, &image.state, GROUPS);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		CHECK(!hvt_try_set_msr(v, msrs[i], image.msr[i]), "MSR %#x", msrs[i]);
	steps(v, COUNTS);
	complete(v);
	counted(v, 2 * COUNTS);
	printf("continued to %u\n", 2 * COUNTS);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "save")) {
		save(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "continue")) {
		resume(argv[2]);
	} else {
		fputs("usage: carry save|continue FILE\n", stderr);
		return 2;
	}
	return 0;
}
