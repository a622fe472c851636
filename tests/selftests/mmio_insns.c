// SPDX-License-Identifier: GPL-2.0
/*
 * Every instruction class that software uses on device memory leaves as MMIO
 * and computes what the processor would.
 */
#include <cpuid.h>

#include "hvt.h"

#define DEV	0xd0000000UL

/* An instruction on device memory at (%rbx): the value read, what is written back */
struct test {
	const char *name;
	u8 code[16];
	u8 len;
	u8 size;		/* of the access */
	bool read, write;
	u64 answer;		/* the device's value */
	u64 written;
	u64 rax;		/* in: 0x1122334455667788; out */
	u32 flags;		/* of CF, ZF, SF, OF after it */
};

#define RAX	0x1122334455667788ULL
#define CF	1
#define ZF	0x40
#define SF	0x80
#define OF	0x800
#define ANY	0x80000000	/* flags are undefined or unchanged */

static const struct test tests[] = {
	{ "mov %eax,(%rbx)", { 0x89, 0x03 }, 2, 4, false, true, 0, 0x55667788, RAX, ANY },
	{ "mov (%rbx),%ax", { 0x66, 0x8b, 0x03 }, 3, 2, true, false,
	  0xabcd, 0, 0x112233445566abcdULL, ANY },
	{ "movzbl (%rbx),%eax", { 0x0f, 0xb6, 0x03 }, 3, 1, true, false, 0x80, 0, 0x80, ANY },
	{ "movzwl (%rbx),%eax", { 0x0f, 0xb7, 0x03 }, 3, 2, true, false, 0x8001, 0, 0x8001, ANY },
	{ "movsbl (%rbx),%eax", { 0x0f, 0xbe, 0x03 }, 3, 1, true, false, 0x80, 0, 0xffffff80, ANY },
	{ "movswq (%rbx),%rax", { 0x48, 0x0f, 0xbf, 0x03 }, 4, 2, true, false,
	  0x8001, 0, 0xffffffffffff8001ULL, ANY },
	{ "movslq (%rbx),%rax", { 0x48, 0x63, 0x03 }, 3, 4, true, false,
	  0x80000001, 0, 0xffffffff80000001ULL, ANY },
	{ "movbe (%rbx),%eax", { 0x0f, 0x38, 0xf0, 0x03 }, 4, 4, true, false,
	  0x01020304, 0, 0x04030201, ANY },
	{ "movbe %eax,(%rbx)", { 0x0f, 0x38, 0xf1, 0x03 }, 4, 4, false, true,
	  0, 0x88776655, RAX, ANY },
	{ "and %eax,(%rbx)", { 0x21, 0x03 }, 2, 4, true, true, 0xff00ff00, 0x55007700, RAX, 0 },
	{ "or $0x80,%al (imm) (%rbx)", { 0x80, 0x0b, 0x80 }, 3, 1, true, true, 1, 0x81, RAX, SF },
	{ "xor %eax,(%rbx)", { 0x31, 0x03 }, 2, 4, true, true, 0x55667788, 0, RAX, ZF },
	{ "add $1,(%rbx)", { 0x83, 0x03, 0x01 }, 3, 4, true, true, 0xffffffff, 0, RAX, CF | ZF },
	{ "add $1,(%rbx) overflow", { 0x83, 0x03, 0x01 }, 3, 4, true, true,
	  0x7fffffff, 0x80000000, RAX, SF | OF },
	{ "sub %eax,(%rbx)", { 0x29, 0x03 }, 2, 4, true, true,
	  0x55667787, 0xffffffff, RAX, CF | SF },
	{ "sub (%rbx),%eax", { 0x2b, 0x03 }, 2, 4, true, false, 0x55667788, 0, 0, ZF },
	{ "cmp %eax,(%rbx)", { 0x39, 0x03 }, 2, 4, true, false, 0x55667788, 0, RAX, ZF },
	{ "cmpb $5,(%rbx)", { 0x80, 0x3b, 0x05 }, 3, 1, true, false, 4, 0, RAX, CF | SF },
	{ "test %eax,(%rbx)", { 0x85, 0x03 }, 2, 4, true, false, 0x88, 0, RAX, 0 },
	{ "testb $8,(%rbx)", { 0xf6, 0x03, 0x08 }, 3, 1, true, false, 0xf0, 0, RAX, ZF },
	{ "xchg %eax,(%rbx)", { 0x87, 0x03 }, 2, 4, true, true, 0xcafe, 0x55667788, 0xcafe, ANY },
	{ "inc (%rbx)", { 0xff, 0x03 }, 2, 4, true, true, 9, 10, RAX, 0 },
	{ "dec (%rbx)", { 0xff, 0x0b }, 2, 4, true, true, 1, 0, RAX, ZF },
	{ "not (%rbx)", { 0xf7, 0x13 }, 2, 4, true, true, 0xf0f0f0f0, 0x0f0f0f0f, RAX, ANY },
	{ "neg (%rbx)", { 0xf7, 0x1b }, 2, 4, true, true, 1, 0xffffffff, RAX, CF | SF },
	{ "bt $3,(%rbx)", { 0x0f, 0xba, 0x23, 0x03 }, 4, 4, true, false, 8, 0, RAX, CF | ANY },
	{ "lock bts $3,(%rbx)", { 0xf0, 0x0f, 0xba, 0x2b, 0x03 }, 5, 4, true, true,
	  1, 9, RAX, ANY },
	{ "btr $3,(%rbx)", { 0x0f, 0xba, 0x33, 0x03 }, 4, 4, true, true, 9, 1, RAX, CF | ANY },
	{ "mull (%rbx)", { 0xf7, 0x23 }, 2, 4, true, false, 4, 0, 0x5599de20, CF | ANY },
	{ "imulb (%rbx)", { 0xf6, 0x2b }, 2, 1, true, false,
	  0xff, 0, 0x1122334455660078ULL, ANY },
	{ "divl (%rbx)", { 0xf7, 0x33 }, 2, 4, true, false, 0x10, 0, 0x5566778, ANY },
	{ "idivl (%rbx)", { 0xf7, 0x3b }, 2, 4, true, false, 0xfffffff0, 0, 0xfaa99888, ANY },
	{ "shll $4,(%rbx)", { 0xc1, 0x23, 0x04 }, 3, 4, true, true,
	  0x12345678, 0x23456780, RAX, ANY },
	{ "sarb (%rbx)", { 0xd0, 0x3b }, 2, 1, true, true, 0x81, 0xc0, RAX, CF | SF },
	{ "rorw %cl,(%rbx)", { 0x66, 0xd3, 0x0b }, 3, 2, true, true, 0x0001, 0x2000, RAX, ANY },
	{ "cmovne (%rbx),%eax", { 0x0f, 0x45, 0x03 }, 3, 4, true, false, 0xcafe, 0, 0xcafe, ANY },
	{ "cmove (%rbx),%eax", { 0x0f, 0x44, 0x03 }, 3, 4, true, false,
	  0xcafe, 0, 0x55667788, ANY },
	{ "setne (%rbx)", { 0x0f, 0x95, 0x03 }, 3, 1, false, true, 0, 1, RAX, ANY },
	{ "stosl", { 0xab }, 1, 4, false, true, 0, 0x55667788, RAX, ANY },
	{ "lodsl", { 0xad }, 1, 4, true, false, 0x1357, 0, 0x1357, ANY },
	{ "movabs %al", { 0xa2, 0, 0, 0, 0xd0, 0, 0, 0, 0 }, 9, 1, false, true, 0, 0x88, RAX, ANY },
	{ "push (%rbx)", { 0xff, 0x33 }, 2, 8, true, false, 0x1234567890ULL, 0, RAX, ANY },
};

GUEST64(guest, "hlt\n");

static bool has_movbe(void)
{
	u32 a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_MOVBE;
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		const struct test *t = &tests[i];
		struct hvmon_run *r = v->run;
		u64 mask = t->size == 8 ? ~0ULL : (1ULL << t->size * 8) - 1, got = 0;
		bool wrote = false;
		int e;

		if (!strncmp(t->name, "movbe", 5) && !has_movbe())
			continue;
		memcpy(v->vm->mem + HVT_CODE, t->code, t->len);
		v->vm->mem[HVT_CODE + t->len] = 0xf4;
		hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		hvt_state64(&st);
		st.regs.gpr[HVMON_RAX] = RAX;
		st.regs.gpr[HVMON_RBX] = DEV;
		st.regs.gpr[HVMON_RCX] = 3;
		st.regs.gpr[HVMON_RSI] = DEV;
		st.regs.gpr[HVMON_RDI] = DEV;
		hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
		while ((e = hvt_run(v)) == HVMON_EXIT_MMIO) {
			if (r->mmio.gpa != DEV || r->mmio.len != t->size)
				FAIL("%s: gpa %#llx len %u", t->name, r->mmio.gpa, r->mmio.len);
			if (r->mmio.write) {
				memcpy(&got, r->data, t->size);
				wrote = true;
			} else {
				CHECK(t->read, "%s read", t->name);
				memcpy(r->data, &t->answer, t->size);
			}
		}
		if (e != HVMON_EXIT_HLT)
			FAIL("%s: exit %s %.100s", t->name, hvt_exit_name(e), r->message);
		hvt_get(v, &st, HVMON_STATE_REGS);
		CHECK(wrote == t->write, "%s", t->name);
		if (wrote && got != (t->written & mask))
			FAIL("%s wrote %#llx, not %#llx", t->name, (unsigned long long)got,
			     (unsigned long long)t->written);
		if (st.regs.gpr[HVMON_RAX] != t->rax)
			FAIL("%s: RAX is %#llx, not %#llx", t->name, st.regs.gpr[HVMON_RAX],
			     (unsigned long long)t->rax);
		if (!(t->flags & ANY) && (st.regs.rflags & (CF | ZF | SF | OF)) != t->flags)
			FAIL("%s: flags are %#llx, not %#x", t->name, st.regs.rflags, t->flags);
		if (t->flags == (CF | ANY))
			CHECK(st.regs.rflags & CF, "%s", t->name);
		if (t->code[0] == 0xab)
			CHECK_EQ(st.regs.gpr[HVMON_RDI], DEV + 4);
		if (t->code[0] == 0xad)
			CHECK_EQ(st.regs.gpr[HVMON_RSI], DEV + 4);
		if (t->code[0] == 0xff && t->code[1] == 0x33)
			CHECK_EQ(*(u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]), t->answer);
	}
	return 0;
}
