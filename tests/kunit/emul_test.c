// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's core, kmod/emul*.c, on memory and a device of the test's own:
 * 64 KiB of memory at 0, a device at 0x100000 that makes every access wait,
 * and nothing else. Linear addresses are physical ones.
 */
#include <kunit/test.h>

#include "../../kmod/emul.h"

#define RAM_SIZE	0x10000
#define GDT		0x4000
#define DEVICE		0x100000
#define ABSENT		0x200000	/* page fault */

struct fake {
	struct hvmon_emul em;
	struct hvmon_regs regs;
	struct hvmon_segment seg[HVMON_NR_SEGS];
	u64 cr0, cr4;
	u8 *ram;
	u8 device[0x2000];
	u32 reads, writes;	/* accesses of the device */
	u8 xsave[1024];
	u8 pio_data[HVMON_RUN_DATA];
	bool pio_kernel;
	u32 pio_calls, pio_last;
};

static struct fake *to_fake(struct hvmon_emul *em)
{
	return container_of(em, struct fake, em);
}

static int fake_translate(struct hvmon_emul *em, u64 lin, u32 access, u64 *gpa, u32 *error)
{
	*gpa = lin;
	*error = access & HVMON_ACCESS_WRITE ? 2 : 0;
	return lin >= ABSENT ? EM_FAULT : EM_OK;
}

static bool fake_is_ram(struct hvmon_emul *em, u64 gpa, bool write)
{
	return gpa < RAM_SIZE;
}

static int fake_access(struct hvmon_emul *em, struct hvmon_emul_access *a)
{
	struct fake *f = to_fake(em);
	bool is_ram = fake_is_ram(em, a->gpa, a->write);
	u8 *p = is_ram ? f->ram + a->gpa : f->device + (a->gpa - DEVICE);

	if (a->write)
		memcpy(p, a->data, a->len);
	else
		memcpy(a->data, p, a->len);
	if (is_ram)
		return EM_OK;
	if (a->write)
		f->writes++;
	else
		f->reads++;
	a->done = true;
	return EM_WAIT;
}

static int fake_pio(struct hvmon_emul *em, bool in, u16 port, u32 size, void *data)
{
	struct fake *f = to_fake(em);

	if (!f->pio_kernel)
		return -EOPNOTSUPP;
	f->pio_calls++;
	if (in)
		memset(data, f->pio_calls, size);
	else
		memcpy(&f->pio_last, data, size);
	return 0;
}

static int fake_pio_user(struct hvmon_emul *em, bool in, u16 port, u32 size, u32 count)
{
	struct fake *f = to_fake(em);

	f->pio_calls++;
	f->pio_last = count;
	if (in)
		memset(f->pio_data, 0xa5, size * count);
	memcpy(&em->pio_val, f->pio_data, size);
	em->pio_done = true;
	return EM_WAIT;
}

static int fake_ram_write(struct hvmon_emul *em, u64 gpa, u32 len)
{
	memcpy(to_fake(em)->ram + gpa, em->pio_data, len);
	return EM_OK;
}

static int fake_ram_read(struct hvmon_emul *em, u64 gpa, u32 len)
{
	memcpy(em->pio_data, to_fake(em)->ram + gpa, len);
	return EM_OK;
}

static void fake_get_seg(struct hvmon_emul *em, int seg, struct hvmon_segment *s)
{
	*s = to_fake(em)->seg[seg];
}

static void fake_set_seg(struct hvmon_emul *em, int seg, const struct hvmon_segment *s)
{
	to_fake(em)->seg[seg] = *s;
}

static int fake_get_gdt(struct hvmon_emul *em, struct hvmon_dtable *gdt)
{
	*gdt = (struct hvmon_dtable) { .base = GDT, .limit = 0x3f };
	return EM_OK;
}

static bool fake_long_mode(struct hvmon_emul *em)
{
	return em->insn.bits == 64;
}

static u64 fake_get_cr(struct hvmon_emul *em, int cr)
{
	return cr ? to_fake(em)->cr4 : to_fake(em)->cr0;
}

static int fake_set_cr(struct hvmon_emul *em, int cr, u64 val)
{
	if (val >> 32)
		return -EINVAL;
	if (cr)
		to_fake(em)->cr4 = val;
	else
		to_fake(em)->cr0 = val;
	return 0;
}

static const struct hvmon_emul_ops fake_ops = {
	.translate = fake_translate,
	.access = fake_access,
	.is_ram = fake_is_ram,
	.pio = fake_pio,
	.pio_user = fake_pio_user,
	.ram_write = fake_ram_write,
	.ram_read = fake_ram_read,
	.get_seg = fake_get_seg,
	.set_seg = fake_set_seg,
	.get_gdt = fake_get_gdt,
	.long_mode = fake_long_mode,
	.get_cr = fake_get_cr,
	.set_cr = fake_set_cr,
};

static struct fake *new_fake(struct kunit *test)
{
	struct fake *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u64 bv = 7;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->ram = kunit_kzalloc(test, RAM_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->ram);
	for (i = 0; i < HVMON_NR_SEGS; i++)
		f->seg[i] = (struct hvmon_segment) { .limit = U32_MAX, .attr = 0xc093 };
	f->cr0 = 0x80000033;
	f->cr4 = 0x40620;
	f->regs.rflags = 2;
	f->regs.rip = 0x1000;
	f->regs.gpr[HVMON_RSP] = 0x8000;
	f->em.ops = &fake_ops;
	f->em.in = &f->regs;
	f->em.xsave = f->xsave;
	f->em.ymm_offset = 576;
	f->em.xcr0 = 7;
	f->em.pio_data = f->pio_data;
	memcpy(f->xsave + 512, &bv, 8);
	return f;
}

/* Run to the end, with all iterations; EM_OK commits the registers */
static int run_bytes(struct fake *f, int bits, const u8 *bytes, int n)
{
	int r = hvmon_decode(&f->em.insn, bytes, n, bits);

	if (r != n)
		return r < 0 ? r : -ERANGE;
	do {
		do {
			r = hvmon_emul_step(&f->em);
		} while (r == EM_WAIT);
		if (r)
			return r;
		f->regs = f->em.regs;
	} while (f->em.again);
	return EM_OK;
}

#define RUN(f, bits, ...) \
	run_bytes(f, bits, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* ---- arithmetic, with the processor itself as the judge ---- */

static const u64 edges[] = {
	0, 1, 2, 0xf, 0x10, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
	0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	0x123456789abcdef0,
};

#define NATIVE2(insn, suffix, type)					\
	do {								\
		type d = *dst, s = src;					\
									\
		asm volatile("push %[f]; popf; " insn suffix " %[s], %[d]; pushf; pop %[f]" \
			     : [d] "+r" (d), [f] "+r" (flags) : [s] "r" (s) : "cc", "memory"); \
		*dst = d;						\
	} while (0)

#define NATIVE(name)							\
static u64 native_##name(u64 *dst, u64 src, u64 flags, int size)	\
{									\
	flags |= 0x202;	/* interrupts stay on */			\
	switch (size) {							\
	case 1:								\
		NATIVE2(#name, "b", u8);				\
		break;							\
	case 2:								\
		NATIVE2(#name, "w", u16);				\
		break;							\
	case 4:								\
		NATIVE2(#name, "l", u32);				\
		break;							\
	default:							\
		NATIVE2(#name, "q", u64);				\
		break;							\
	}								\
	return flags;							\
}

NATIVE(add) NATIVE(adc) NATIVE(sub) NATIVE(sbb)
NATIVE(and) NATIVE(or) NATIVE(xor) NATIVE(cmp) NATIVE(test)

/* Results and all six flags are the processor's, for every size and carry */
static void arithmetic(struct kunit *test)
{
	static const struct {
		u64 (*native)(u64 *dst, u64 src, u64 flags, int size);
		u8 op;
		u64 flags;
	} ops[] = {
		{ native_add, OP_ADD, 0x8d5 }, { native_adc, OP_ADC, 0x8d5 },
		{ native_sub, OP_SUB, 0x8d5 }, { native_sbb, OP_SBB, 0x8d5 },
		{ native_cmp, OP_CMP, 0x8d5 }, { native_and, OP_AND, 0x8c5 },
		{ native_or, OP_OR, 0x8c5 }, { native_xor, OP_XOR, 0x8c5 },
		{ native_test, OP_TEST, 0x8c5 },
	};
	int n = ARRAY_SIZE(edges), i, j, k, size;

	for (k = 0; k < ARRAY_SIZE(ops) * 4 * 2; k++) {
		size = 1 << (k / 2 % 4);
		for (i = 0; i < n * n; i++) {
			struct hvmon_int_args a = { .size = size, .srcsize = size };
			u64 mask = hvmon_size_mask(size), want, flags;

			j = k / 8;
			a.dst = edges[i / n] & mask;
			a.src = edges[i % n] & mask;
			a.rflags = k & 1;
			want = a.dst;
			flags = ops[j].native(&want, a.src, a.rflags, size);
			hvmon_int_ops[ops[j].op].fn(&a);
			if (hvmon_int_ops[ops[j].op].flags & INT_WR)
				KUNIT_ASSERT_EQ(test, a.dst, want & mask);
			KUNIT_ASSERT_EQ(test, a.rflags & ops[j].flags, flags & ops[j].flags);
		}
	}
}

/* INC and DEC keep CF, NEG sets it, NOT keeps all */
static void one_operand(struct kunit *test)
{
	struct hvmon_int_args a = { .dst = 0xff, .size = 1, .rflags = 1 };

	hvmon_int_ops[OP_INC].fn(&a);
	KUNIT_EXPECT_EQ(test, a.dst, 0);
	KUNIT_EXPECT_EQ(test, a.rflags, 0x55);
	hvmon_int_ops[OP_DEC].fn(&a);
	KUNIT_EXPECT_EQ(test, a.dst, 0xff);
	KUNIT_EXPECT_EQ(test, a.rflags, 0x95);
	hvmon_int_ops[OP_NOT].fn(&a);
	KUNIT_EXPECT_EQ(test, a.dst, 0);
	KUNIT_EXPECT_EQ(test, a.rflags, 0x95);
	hvmon_int_ops[OP_NEG].fn(&a);
	KUNIT_EXPECT_EQ(test, a.rflags, 0x44);
}

/* A quotient that does not fit by one is #DE, and writes nothing; rests have the dividend's sign */
static void quotients(struct kunit *test)
{
	static const struct {
		u8 op, size;
		u64 high, low, divisor;
		bool fault;
		u64 quotient, rest;
	} rows[] = {
		{ OP_DIV, 1, 0, 1, 0, true },
		{ OP_DIV, 1, 0xfe, 0xff, 0xff, false, 0xff, 0xfe },
		{ OP_DIV, 1, 0xff, 0, 0xff, true },
		{ OP_DIV, 4, 1, 0, 2, false, 0x80000000, 0 },
		{ OP_DIV, 8, 5, 6, 6, false, 0xd555555555555556, 2 },
		{ OP_DIV, 8, 6, 0, 6, true },
		{ OP_IDIV, 1, 0, 127, 1, false, 127, 0 },
		{ OP_IDIV, 1, 0, 128, 1, true },
		{ OP_IDIV, 1, 0xff, 0x80, 1, false, 0x80, 0 },
		{ OP_IDIV, 1, 0xff, 0x7f, 1, true },
		{ OP_IDIV, 1, 0, 128, 0xff, false, 0x80, 0 },
		{ OP_IDIV, 1, 0, 129, 0xff, true },
		{ OP_IDIV, 1, 0xff, 0x80, 0xff, true },
		{ OP_IDIV, 2, 0xffff, 0xfff9, 2, false, 0xfffd, 0xffff },
		{ OP_IDIV, 4, 0, 7, 0xfffffffe, false, 0xfffffffd, 1 },
		{ OP_IDIV, 8, 0x8000000000000000, 0, 0x8000000000000000, true },
		{ OP_IDIV, 8, 0, 0, 0, true },
		{ OP_IDIV, 8, ~0ULL, 1ULL << 63, 1, false, 1ULL << 63, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hvmon_int_args a = {
			.size = rows[i].size, .srcsize = rows[i].size, .high = rows[i].high,
			.acc = rows[i].low, .src = rows[i].divisor,
		};

		hvmon_int_ops[rows[i].op].fn(&a);
		KUNIT_EXPECT_EQ_MSG(test, a.fault, rows[i].fault, "row %d", i);
		if (a.fault || rows[i].fault)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, a.acc, rows[i].quotient, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, a.high, rows[i].rest, "row %d", i);
	}
}

/* ---- registers ---- */

/* 8 and 16 bits leave the rest of a register, 32 bits clear it */
static void partial_registers(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u64 *rax = &f->regs.gpr[HVMON_RAX];

	f->regs.gpr[HVMON_RBX] = 0x100;
	memset(f->ram + 0x100, 0x5a, 8);
	*rax = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x8a, 0x03), EM_OK);	/* mov al, [rbx] */
	KUNIT_EXPECT_EQ(test, *rax, 0xffffffffffffff5a);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x8a, 0x23), EM_OK);	/* mov ah, [rbx] */
	KUNIT_EXPECT_EQ(test, *rax, 0xffffffffffff5a5a);
	*rax = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x66, 0x8b, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, *rax, 0xffffffffffff5a5a);
	*rax = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x8b, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, *rax, 0x5a5a5a5a);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x1009);
	/* With REX, encoding 4 is SPL */
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x40, 0x8a, 0x23), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], 0x805a);
	KUNIT_EXPECT_EQ(test, *rax, 0x5a5a5a5a);
}

/* ---- devices ---- */

/* A read-modify-write of a device reads once and writes once */
static void device_rmw(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RBX] = DEVICE + 8;
	f->regs.rflags |= BIT(16);
	f->device[8] = 0xf0;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x83, 0x0b, 0x0f), EM_OK);	/* or dword [rbx], 15 */
	KUNIT_EXPECT_EQ(test, f->device[8], 0xff);
	KUNIT_EXPECT_EQ(test, f->reads, 1);
	KUNIT_EXPECT_EQ(test, f->writes, 1);
	KUNIT_EXPECT_FALSE(test, f->regs.rflags & BIT(16));
}

/* An operand across a page makes two accesses, each once, in either direction */
static void device_page_crossing(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u32 val = 0x11223344;

	f->regs.gpr[HVMON_RBX] = DEVICE + 0xffe;
	memcpy(f->device + 0xffe, &val, 4);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xff, 0x03), EM_OK);	/* inc dword [rbx] */
	memcpy(&val, f->device + 0xffe, 4);
	KUNIT_EXPECT_EQ(test, val, 0x11223345);
	KUNIT_EXPECT_EQ(test, f->reads, 2);
	KUNIT_EXPECT_EQ(test, f->writes, 2);
}

/* PUSH of device memory and POP to it use the stack too */
static void device_stack(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RBX] = DEVICE;
	f->device[0] = 0x77;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xff, 0x33), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], 0x7ff8);
	KUNIT_EXPECT_EQ(test, f->ram[0x7ff8], 0x77);
	f->ram[0x7ff8] = 0x78;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x8f, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], 0x8000);
	KUNIT_EXPECT_EQ(test, f->device[0], 0x78);
	KUNIT_EXPECT_EQ(test, f->reads, 1);
}

/* CALL pushes what comes next; ENTER and LEAVE make and undo a frame */
static void device_frames(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u64 val = 0x2468;

	f->regs.gpr[HVMON_RBX] = DEVICE;
	memcpy(f->device, &val, 8);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xff, 0x13), EM_OK);	/* call [rbx] */
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x2468);
	memcpy(&val, f->ram + 0x7ff8, 8);
	KUNIT_EXPECT_EQ(test, val, 0x1002);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc2, 0xf0, 0xff), EM_OK);	/* ret 0xfff0 */
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x1002);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], 0x17ff0);

	f->regs.gpr[HVMON_RSP] = DEVICE + 0x100;
	f->regs.gpr[HVMON_RBP] = 0x1357;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc8, 0x20, 0x90, 0x00), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], DEVICE + 0xf8 - 0x9020);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RBP], DEVICE + 0xf8);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc9), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], DEVICE + 0x100);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RBP], 0x1357);
	KUNIT_EXPECT_EQ(test, f->writes, 1);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc8, 0x20, 0x00, 0x01), EM_UNKNOWN);
}

/* A branch beyond CS's limit is #GP; without a B bit in SS the stack pointer has 16 bits */
static void near_branch_checks(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u32 val = 0x10000;

	f->seg[HVMON_CS].limit = 0xffff;
	f->regs.gpr[HVMON_RBX] = DEVICE;
	memcpy(f->device, &val, 4);
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x23), EM_FAULT);	/* jmp [ebx] */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 13);
	val = 0xffff;
	memcpy(f->device, &val, 4);
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x23), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0xffff);
	f->seg[HVMON_SS].attr &= ~HVMON_SEG_DB;
	f->regs.gpr[HVMON_RSP] = 0x20002;
	f->regs.gpr[HVMON_RCX] = 0x12345678;
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x66, 0x51), EM_OK);	/* push cx */
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSP], 0x20000);
	KUNIT_EXPECT_EQ(test, f->ram[1], 0x56);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x66, 0xff, 0x23), EM_UNKNOWN);
}

/* ---- selectors ---- */

static void put_desc(struct fake *f, u16 selector, u64 desc)
{
	memcpy(f->ram + GDT + selector, &desc, 8);
}

/* LTR marks its TSS busy, which has 16 bytes in long mode; another type is #GP */
static void task_register(struct kunit *test)
{
	struct fake *f = new_fake(test);

	put_desc(f, 0x10, 0x1200893456780067ULL);
	put_desc(f, 0x18, 0xffff8888);
	f->regs.gpr[HVMON_RBX] = DEVICE;
	f->device[0] = 0x10;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x00, 0x1b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_TR].base, 0xffff888812345678);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_TR].limit, 0x67);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_TR].attr, 0x8b);
	KUNIT_EXPECT_EQ(test, f->ram[GDT + 0x15], 0x8b);
	KUNIT_EXPECT_FALSE(test, f->em.shadow);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x00, 0x1b), EM_FAULT);	/* busy */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 13);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0x10);
	put_desc(f, 0x10, 0x0000890000000067ULL);
	put_desc(f, 0x18, 0x0000010000000000ULL);	/* the upper half has a type */
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x00, 0x1b), EM_FAULT);
	put_desc(f, 0x18, 0x00008000);			/* not canonical */
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x00, 0x1b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->ram[GDT + 0x15], 0x89);
	/* In 32-bit code eight bytes are all, and there is a 16-bit TSS */
	put_desc(f, 0x10, 0x000081000000002bULL);
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x0f, 0x00, 0x1b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_TR].attr, 0x83);
	f->em.cpl = 3;
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x0f, 0x00, 0x1b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0);
	f->cr0 = 0x10;
	KUNIT_EXPECT_EQ(test, RUN(f, 16, 0x0f, 0x00, 0x1b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 6);
}

/* In real mode a selector is a base; MOV SS asks for an interrupt shadow */
static void selectors_without_descriptors(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u16 pointer[2] = { 0x10, 0x2000 };

	f->cr0 = 0x10;
	f->seg[HVMON_SS].attr = 0x93;
	f->regs.gpr[HVMON_RBX] = 0x100;
	memcpy(f->ram + 0x100, pointer, 4);
	KUNIT_EXPECT_EQ(test, RUN(f, 16, 0x8e, 0x57, 0x02), EM_OK);	/* mov ss, [bx+2] */
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_SS].base, 0x20000);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_SS].attr, 0x93);
	KUNIT_EXPECT_TRUE(test, f->em.shadow);
	KUNIT_EXPECT_EQ(test, RUN(f, 16, 0xff, 0x2f), EM_OK);		/* jmp far [bx] */
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_CS].base, 0x20000);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x10);
	KUNIT_EXPECT_FALSE(test, f->em.shadow);
}

/* A far JMP sets the accessed bit, keeps the CPL, and may not change it */
static void far_jump(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u8 pointer[6] = { 0x78, 0x56, 0, 0, 0x13, 0 };

	f->regs.gpr[HVMON_RBX] = DEVICE;
	memcpy(f->device, pointer, 6);
	f->em.cpl = 3;
	put_desc(f, 0x10, 0x00cffa000000ffffULL);
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x2b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x5678);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_CS].selector, 0x13);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_CS].attr, 0xc0fb);
	KUNIT_EXPECT_EQ(test, f->ram[GDT + 0x15], 0xfb);
	put_desc(f, 0x10, 0x00cf9a000000ffffULL);	/* DPL 0 */
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x2b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0x10);
	put_desc(f, 0x10, 0x00cf9e000000ffffULL);	/* conforming */
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x2b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->seg[HVMON_CS].selector, 0x13);
	put_desc(f, 0x10, 0x00cffa000000ffffULL & ~(0xfULL << 48 | 0xffffULL) & ~(1ULL << 55));
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x2b), EM_FAULT);	/* limit 0 */
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0);
	put_desc(f, 0x10, 0x0000ec0000000000ULL);	/* a call gate */
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0xff, 0x2b), EM_UNKNOWN);
	put_desc(f, 0x10, 0x00effa000000ffffULL);	/* L and D */
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xff, 0x2b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0x10);
}

/* A fault on the second operand leaves the device and the registers alone */
static void fault_before_access(struct kunit *test)
{
	struct fake *f = new_fake(test);
	struct hvmon_regs before;

	f->regs.gpr[HVMON_RSI] = DEVICE;
	f->regs.gpr[HVMON_RDI] = ABSENT - 2;
	before = f->regs;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xa5), EM_FAULT);	/* movsd */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 14);
	KUNIT_EXPECT_EQ(test, f->em.fault.payload, ABSENT);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 2);
	KUNIT_EXPECT_EQ(test, f->reads, 0);
	KUNIT_EXPECT_EQ(test, memcmp(&before, &f->regs, sizeof(before)), 0);
}

/* Locked operations on memory are the processor's, on a device they are ours */
static void locked(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RBX] = 0x100;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf0, 0xff, 0x03), EM_RETRY);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x87, 0x03), EM_RETRY);	/* xchg */
	KUNIT_EXPECT_EQ(test, f->ram[0x100], 0);
	f->regs.gpr[HVMON_RBX] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf0, 0xff, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, f->device[0], 1);
}

/* A bit number in a register selects memory beyond the operand, both ways */
static void bit_strings(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RBX] = DEVICE + 0x100;
	f->regs.gpr[HVMON_RCX] = 100;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0xab, 0x0b), EM_OK);	/* bts [rbx], ecx */
	KUNIT_EXPECT_EQ(test, f->device[0x10c], 1 << 4);
	f->regs.gpr[HVMON_RCX] = -1ULL;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0xab, 0x0b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->device[0xff], 0x80);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0xab, 0x0b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.rflags & 1, 1);
}

/* ---- segments ---- */

static void expect_fault(struct kunit *test, struct fake *f, int bits, int vector)
{
	KUNIT_EXPECT_EQ(test, RUN(f, bits, 0x89, 0x03), EM_FAULT);	/* mov [bx], ax */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, vector);
	KUNIT_EXPECT_EQ(test, f->em.fault.error, 0);
}

/* Limits, types and canonical addresses raise #GP, for the stack #SS */
static void segmentation(struct kunit *test)
{
	struct fake *f = new_fake(test);
	struct hvmon_segment *ds = &f->seg[HVMON_DS];

	f->regs.gpr[HVMON_RBX] = 0xffd;
	ds->limit = 0xfff;
	expect_fault(test, f, 32, 13);
	f->regs.gpr[HVMON_RBX] = 0xffc;
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x89, 0x03), EM_OK);
	ds->attr = 0xc091;			/* read-only */
	expect_fault(test, f, 32, 13);
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x8b, 0x03), EM_OK);
	ds->attr = 0xc097;			/* expand-down */
	expect_fault(test, f, 32, 13);
	f->regs.gpr[HVMON_RBX] = 0x1000;
	KUNIT_EXPECT_EQ(test, RUN(f, 32, 0x89, 0x03), EM_OK);
	ds->attr = HVMON_SEG_UNUSABLE;
	expect_fault(test, f, 32, 13);
	f->regs.gpr[HVMON_RBX] = 0x800000000000;
	expect_fault(test, f, 64, 13);
	/* mov [rsp + 0x7fffffffffff], eax */
	f->regs.gpr[HVMON_RSP] = 0x7ffffffffffe;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x89, 0x04, 0x24), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 12);
}

/* 16-bit addresses wrap at 64 KiB, then the base is added */
static void real_mode_address(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->cr0 = 0;
	f->seg[HVMON_DS] = (struct hvmon_segment) { .base = 0x2000, .limit = 0xffff };
	f->regs.gpr[HVMON_RBX] = 0xfff0;
	f->regs.gpr[HVMON_RSI] = 0x20;
	f->regs.gpr[HVMON_RAX] = 0xbeef;
	KUNIT_EXPECT_EQ(test, RUN(f, 16, 0x89, 0x00), EM_OK);	/* mov [bx+si], ax */
	KUNIT_EXPECT_EQ(test, f->ram[0x2010], 0xef);
	KUNIT_EXPECT_EQ(test, f->ram[0x2011], 0xbe);
}

/* ---- strings ---- */

/* REP MOVS between device and memory, both directions and both orders */
static void rep_movs(struct kunit *test)
{
	struct fake *f = new_fake(test);

	memcpy(f->device, "abcdefgh", 8);
	f->regs.gpr[HVMON_RSI] = DEVICE;
	f->regs.gpr[HVMON_RDI] = 0x100;
	f->regs.gpr[HVMON_RCX] = 4;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0x66, 0xa5), EM_OK);
	KUNIT_EXPECT_EQ(test, memcmp(f->ram + 0x100, "abcdefgh", 9), 0);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RCX], 0);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RSI], DEVICE + 8);
	KUNIT_EXPECT_EQ(test, f->reads, 4);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x1003);

	f->regs.rflags |= BIT(10);
	f->regs.gpr[HVMON_RSI] = 0x107;
	f->regs.gpr[HVMON_RDI] = DEVICE + 0x17;
	f->regs.gpr[HVMON_RCX] = 8;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0xa4), EM_OK);
	KUNIT_EXPECT_EQ(test, memcmp(f->device + 0x10, "abcdefgh", 8), 0);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RDI], DEVICE + 0xf);
}

/* REP with a count of zero does nothing; the count is as wide as addresses */
static void rep_count(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RDI] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0xab), EM_OK);
	KUNIT_EXPECT_EQ(test, f->writes, 0);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x1002);
	f->regs.gpr[HVMON_RCX] = 0x100000002;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x67, 0xf3, 0xab), EM_OK);
	KUNIT_EXPECT_EQ(test, f->writes, 2);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RCX], 0);
}

/* REPE CMPS stops behind the first difference */
static void repe_cmps(struct kunit *test)
{
	struct fake *f = new_fake(test);

	memcpy(f->ram + 0x100, "same1", 5);
	memcpy(f->device, "same2", 5);
	f->regs.gpr[HVMON_RSI] = 0x100;
	f->regs.gpr[HVMON_RDI] = DEVICE;
	f->regs.gpr[HVMON_RCX] = 10;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0xa6), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RCX], 5);
	KUNIT_EXPECT_EQ(test, f->regs.rflags & 0x41, 1);
}

/* REP OUTS hands many bytes to the launcher at once, REP INS likewise */
static void port_strings(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RSI] = 0x100;
	f->regs.gpr[HVMON_RCX] = 3;
	memcpy(f->ram + 0x100, "abcdef", 6);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0x66, 0x6f), EM_OK);
	KUNIT_EXPECT_EQ(test, f->pio_calls, 1);
	KUNIT_EXPECT_EQ(test, f->pio_last, 3);
	KUNIT_EXPECT_EQ(test, memcmp(f->pio_data, "abcdef", 6), 0);

	f->pio_calls = 0;
	f->regs.gpr[HVMON_RDI] = 0x3000 - 0x202;
	f->regs.gpr[HVMON_RCX] = 0x200;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xf3, 0x66, 0x6d), EM_OK);
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RCX], 0);
	KUNIT_EXPECT_EQ(test, f->pio_calls, 2);	/* up to the page's end, the rest */
	KUNIT_EXPECT_EQ(test, f->ram[0x3000 - 0x203], 0);
	KUNIT_EXPECT_EQ(test, f->ram[0x3000 - 0x202], 0xa5);
	KUNIT_EXPECT_EQ(test, f->ram[0x31fd], 0xa5);
	KUNIT_EXPECT_EQ(test, f->ram[0x31fe], 0);
}

/* INS raises its page fault before the port is read, and reads it once */
static void ins_order(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->pio_kernel = true;
	f->regs.gpr[HVMON_RDI] = ABSENT;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x6c), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->pio_calls, 0);
	f->regs.gpr[HVMON_RDI] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x6c), EM_OK);
	KUNIT_EXPECT_EQ(test, f->pio_calls, 1);
	KUNIT_EXPECT_EQ(test, f->device[0], 1);
}

/* ---- vectors ---- */

/* SSE keeps the upper half of a YMM register, VEX.128 clears it */
static void vector_halves(struct kunit *test)
{
	struct fake *f = new_fake(test);

	memset(f->device, 0x11, 32);
	memset(f->xsave + 160, 0x22, 16);
	memset(f->xsave + 576, 0x33, 16);
	f->regs.gpr[HVMON_RBX] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x10, 0x03), EM_OK);	/* movups */
	KUNIT_EXPECT_EQ(test, f->xsave[160], 0x11);
	KUNIT_EXPECT_EQ(test, f->xsave[576], 0x33);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc5, 0xf8, 0x10, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, f->xsave[576], 0);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0xc5, 0xfc, 0x10, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, f->xsave[576 + 15], 0x11);
	KUNIT_EXPECT_EQ(test, f->reads, 3);
}

/* A component that XSTATE_BV lacks reads as zero, and all of it becomes zero */
static void vector_initial_state(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u64 bv = 0;

	memset(f->xsave + 160, 0x22, 256);
	memset(f->device, 0x44, 16);
	memcpy(f->xsave + 512, &bv, 8);
	f->regs.gpr[HVMON_RBX] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x11, 0x03), EM_OK);
	KUNIT_EXPECT_EQ(test, f->device[0], 0);
	f->device[0] = 0x55;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x10, 0x03), EM_OK);
	memcpy(&bv, f->xsave + 512, 8);
	KUNIT_EXPECT_EQ(test, bv, 2);
	KUNIT_EXPECT_EQ(test, f->xsave[160], 0x55);
	KUNIT_EXPECT_EQ(test, f->xsave[176], 0);	/* XMM1 */
}

/* Alignment, CR0 and CR4 fault as the manual says */
static void vector_faults(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RBX] = DEVICE + 8;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x28, 0x03), EM_FAULT);	/* movaps */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 13);
	f->cr0 |= BIT(3);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x10, 0x03), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 7);
	f->cr4 = 0;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x10, 0x03), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 6);
	KUNIT_EXPECT_EQ(test, f->reads, 0);
}

/* An MMX register is an x87 register by number: it moves when the top of the stack does */
static void mmx_registers(struct kunit *test)
{
	struct fake *f = new_fake(test);
	u16 fsw = 6 << 11 | BIT(8), fcw;
	u64 bv = 6;
	int i;

	for (i = 0; i < 8; i++)
		f->xsave[32 + 16 * i] = i;
	memcpy(f->xsave + 2, &fsw, 2);
	f->regs.gpr[HVMON_RBX] = DEVICE;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x7f, 0x0b), EM_OK);	/* movq [rbx], mm1 */
	KUNIT_EXPECT_EQ(test, f->device[0], 3);		/* ST3 was register 1 */
	memcpy(&fsw, f->xsave + 2, 2);
	KUNIT_EXPECT_EQ(test, fsw, BIT(8));
	KUNIT_EXPECT_EQ(test, f->xsave[4], 0xff);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, f->xsave[32 + 16 * i], (i + 2) & 7);
	memset(f->device, 0x5a, 8);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x6e, 0x13), EM_OK);	/* movd mm2, [rbx] */
	KUNIT_EXPECT_EQ(test, f->xsave[64 + 3], 0x5a);
	KUNIT_EXPECT_EQ(test, f->xsave[64 + 4], 0);
	KUNIT_EXPECT_EQ(test, f->xsave[64 + 9], 0xff);
	/* Without OSFXSR there is MMX; a pending x87 exception comes first */
	f->cr4 = 0;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x7f, 0x0b), EM_OK);
	fsw = BIT(7);
	memcpy(f->xsave + 2, &fsw, 2);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x7f, 0x0b), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 16);
	/* In its initial state all registers are zero, whatever the area holds */
	memcpy(f->xsave + 512, &bv, 8);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x7f, 0x0b), EM_OK);
	KUNIT_EXPECT_EQ(test, f->device[0], 0);
	memcpy(&bv, f->xsave + 512, 8);
	memcpy(&fcw, f->xsave, 2);
	KUNIT_EXPECT_EQ(test, bv, 7);
	KUNIT_EXPECT_EQ(test, fcw, 0x37f);
	KUNIT_EXPECT_EQ(test, f->xsave[64], 0);
}

/* ---- control registers ---- */

/* LMSW cannot clear PE; a refused value is #GP; user code gets #GP */
static void control_registers(struct kunit *test)
{
	struct fake *f = new_fake(test);

	f->regs.gpr[HVMON_RAX] = 0;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x01, 0xf0), EM_OK);	/* lmsw ax */
	KUNIT_EXPECT_EQ(test, f->cr0, 0x80000031);
	f->cr0 |= 8;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x06), EM_OK);		/* clts */
	KUNIT_EXPECT_EQ(test, f->cr0, 0x80000031);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x20, 0xc1), EM_OK);	/* mov rcx, cr0 */
	KUNIT_EXPECT_EQ(test, f->regs.gpr[HVMON_RCX], 0x80000031);
	f->regs.gpr[HVMON_RAX] = BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x22, 0xc0), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 13);
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x20, 0xc8), EM_FAULT);	/* CR1 */
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 6);
	f->em.cpl = 3;
	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0x06), EM_FAULT);
	KUNIT_EXPECT_EQ(test, f->em.fault.vector, 13);
}

/* What only has a length is not executed */
static void not_emulated(struct kunit *test)
{
	struct fake *f = new_fake(test);

	KUNIT_EXPECT_EQ(test, RUN(f, 64, 0x0f, 0xa2), EM_UNKNOWN);
	KUNIT_EXPECT_NOT_NULL(test, f->em.why);
	KUNIT_EXPECT_EQ(test, f->regs.rip, 0x1000);
}

static struct kunit_case emul_cases[] = {
	KUNIT_CASE(arithmetic),
	KUNIT_CASE(one_operand),
	KUNIT_CASE(quotients),
	KUNIT_CASE(partial_registers),
	KUNIT_CASE(device_rmw),
	KUNIT_CASE(device_page_crossing),
	KUNIT_CASE(device_stack),
	KUNIT_CASE(device_frames),
	KUNIT_CASE(near_branch_checks),
	KUNIT_CASE(task_register),
	KUNIT_CASE(selectors_without_descriptors),
	KUNIT_CASE(far_jump),
	KUNIT_CASE(fault_before_access),
	KUNIT_CASE(locked),
	KUNIT_CASE(bit_strings),
	KUNIT_CASE(segmentation),
	KUNIT_CASE(real_mode_address),
	KUNIT_CASE(rep_movs),
	KUNIT_CASE(rep_count),
	KUNIT_CASE(repe_cmps),
	KUNIT_CASE(port_strings),
	KUNIT_CASE(ins_order),
	KUNIT_CASE(vector_halves),
	KUNIT_CASE(vector_initial_state),
	KUNIT_CASE(vector_faults),
	KUNIT_CASE(mmx_registers),
	KUNIT_CASE(control_registers),
	KUNIT_CASE(not_emulated),
	{ }
};

static struct kunit_suite emul_suite = {
	.name = "hvmon-emul",
	.test_cases = emul_cases,
};

kunit_test_suite(emul_suite);
