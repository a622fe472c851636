// SPDX-License-Identifier: GPL-2.0
/*
 * A guest writes MIB of memory on a shared memfd, while the host, which has
 * been given less than that, swaps it out; then the guest verifies every word
 * and changes it, and at the end the launcher verifies every word through
 * another mapping of the file. Usage: pressure MIB [PASSES]
 */
#include "../selftests/hvt.h"

#define BASE	(1UL << 30)

/*
 * RBX base, RCX words, RSI pass. Word i of pass p is i * 8 ^ p << 56. Writes
 * pass 1 over zeros, then verifies pass p and writes p + 1. Reports the number
 * of wrong words after each pass.
 */
GUEST64(guest,
	"xor %esi, %esi\n"
	"1: xor %edi, %edi\n"
	"xor %eax, %eax\n"
	"2: mov %rsi, %rdx\n"
	"shl $56, %rdx\n"
	"xor %rdi, %rdx\n"
	"test %rsi, %rsi\n"
	"cmovz %rsi, %rdx\n"		/* before the first pass: zeros */
	"cmp %rdx, (%rbx, %rdi)\n"
	"je 3f\n"
	"inc %eax\n"
	"3: lea 1(%rsi), %rdx\n"
	"shl $56, %rdx\n"
	"xor %rdi, %rdx\n"
	"mov %rdx, (%rbx, %rdi)\n"
	"add $8, %rdi\n"
	"cmp %rcx, %rdi\n"
	"jb 2b\n"
	"inc %rsi\n"
	"out %eax, $0xe4\n"
	"jmp 1b\n");

int main(int argc, char **argv)
{
	size_t size = (argc > 1 ? strtoul(argv[1], NULL, 0) : 64) * MiB, i;
	u64 pass, passes = argc > 2 ? strtoul(argv[2], NULL, 0) : 3, start = hvt_now_ns();
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	int fd = SYS(memfd_create("guest", 0));
	u64 *p;
	struct hvmon_state st;

	SYS(ftruncate(fd, size));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "mmap");
	/* The harness maps 4 GiB one to one, which is enough for 3 GiB of this */
	CHECK(size <= 3 * GiB, "too much");
	hvt_mem(v->vm, 1, 0, BASE, size, p);
	hvt_get(v, &st, HVMON_STATE_REGS);
	st.regs.gpr[HVMON_RBX] = BASE;
	st.regs.gpr[HVMON_RCX] = size;
	hvt_set(v, &st, HVMON_STATE_REGS);
	for (pass = 0; pass < passes; pass++) {
		u32 wrong = EXPECT_REPORT(v);

		if (wrong)
			FAIL("pass %llu: the guest found %u wrong words",
			     (unsigned long long)pass, wrong);
		printf("pass %llu after %llu s\n", (unsigned long long)pass,
		       (unsigned long long)(hvt_now_ns() - start) / 1000000000);
		fflush(stdout);
	}
	munmap(p, size);
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "mmap");
	for (i = 0; i < size / 8; i++)
		if (p[i] != (i * 8 ^ passes << 56))
			FAIL("word %zu is %#llx", i, (unsigned long long)p[i]);
	printf("%zu MiB verified\n", size / MiB);
	return 0;
}
