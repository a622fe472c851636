// SPDX-License-Identifier: GPL-2.0
/*
 * MOV to a segment register, LTR and a far JMP take their selector from a device
 * and check its descriptor: what is refused raises the manual's exception and
 * changes nothing.
 */
#include "hvt.h"

#define DEV	0xd0000000UL
#define ABSENT	0x20		/* a data segment that is not present */
#define FAR_RIP	(HVT_CODE + 0x100)

GUEST64(guest, "hlt\n");

/* An instruction on what is at (%rbx), and what becomes of it */
struct test {
	const char *name;
	u8 code[4];
	u8 len;
	int seg;
	u16 selector;
	int vector;		/* 0: loaded */
	u16 error;
};

static const struct test tests[] = {
	{ "mov (%rbx),%ds", { 0x8e, 0x1b }, 2, HVMON_DS, HVT_SEL_DATA, 0, 0 },
	{ "mov (%rbx),%es, null", { 0x8e, 0x03 }, 2, HVMON_ES, 0, 0, 0 },
	{ "mov (%rbx),%fs, code", { 0x8e, 0x23 }, 2, HVMON_FS, HVT_SEL_CODE64, 0, 0 },
	{ "mov (%rbx),%gs, a TSS", { 0x8e, 0x2b }, 2, HVMON_GS, HVT_SEL_TSS, 13, HVT_SEL_TSS },
	{ "mov (%rbx),%ds, beyond the table", { 0x8e, 0x1b }, 2, HVMON_DS, 0x43, 13, 0x40 },
	{ "mov (%rbx),%ds, no LDT", { 0x8e, 0x1b }, 2, HVMON_DS, 0xc, 13, 0xc },
	{ "mov (%rbx),%ds, absent", { 0x8e, 0x1b }, 2, HVMON_DS, ABSENT, 11, ABSENT },
	{ "mov (%rbx),%ss", { 0x8e, 0x13 }, 2, HVMON_SS, HVT_SEL_DATA, 0, 0 },
	{ "mov (%rbx),%ss, null", { 0x8e, 0x13 }, 2, HVMON_SS, 0, 0, 0 },
	{ "mov (%rbx),%ss, null with RPL", { 0x8e, 0x13 }, 2, HVMON_SS, 3, 13, 0 },
	{ "mov (%rbx),%ss, RPL", { 0x8e, 0x13 }, 2, HVMON_SS, HVT_SEL_DATA | 3, 13, HVT_SEL_DATA },
	{ "mov (%rbx),%ss, absent", { 0x8e, 0x13 }, 2, HVMON_SS, ABSENT, 12, ABSENT },
	{ "ltr (%rbx)", { 0x0f, 0x00, 0x1b }, 3, HVMON_TR, HVT_SEL_TSS, 0, 0 },
	{ "ltr (%rbx), null", { 0x0f, 0x00, 0x1b }, 3, HVMON_TR, 0, 13, 0 },
	{ "ltr (%rbx), data", { 0x0f, 0x00, 0x1b }, 3, HVMON_TR, HVT_SEL_DATA, 13, HVT_SEL_DATA },
	{ "ljmp *(%rbx)", { 0x48, 0xff, 0x2b }, 3, HVMON_CS, HVT_SEL_CODE64, 0, 0 },
	{ "ljmp *(%rbx), 16:32", { 0xff, 0x2b }, 2, HVMON_CS, HVT_SEL_CODE64, 0, 0 },
	{ "ljmp *(%rbx), null", { 0x48, 0xff, 0x2b }, 3, HVMON_CS, 0, 13, 0 },
	{ "ljmp *(%rbx), data", { 0xff, 0x2b }, 2, HVMON_CS, HVT_SEL_DATA, 13, HVT_SEL_DATA },
};

static u64 *gdt(struct hvt_vcpu *v, u16 selector)
{
	return (u64 *)(v->vm->mem + HVT_GDT) + (selector >> 3);
}

static void start(struct hvt_vcpu *v, const u8 *code, int len)
{
	struct hvmon_state st;

	memcpy(v->vm->mem + HVT_CODE, code, len);
	v->vm->mem[HVT_CODE + len] = 0xf4;
	v->vm->mem[FAR_RIP] = 0xf4;
	*gdt(v, ABSENT) = hvt_desc(0xfffff, HVT_ATTR_DATA & ~HVMON_SEG_P);
	/* A TSS that is available, and data that nobody has accessed */
	*gdt(v, HVT_SEL_TSS) &= ~(2ULL << 40);
	*gdt(v, HVT_SEL_DATA) &= ~(1ULL << 40);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	hvt_state64(&st);
	st.regs.gpr[HVMON_RBX] = DEV;
	hvt_set(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
}

static void answer(struct hvt_vcpu *v, const struct test *t)
{
	struct hvmon_run *r = v->run;
	u32 offset = t->seg != HVMON_CS ? 0 : t->code[0] == 0x48 ? 8 : 4;
	u64 rip = FAR_RIP;

	EXPECT(v, HVMON_EXIT_MMIO);
	CHECK_EQ(r->mmio.gpa, DEV);
	CHECK_EQ(r->mmio.len, offset + 2);
	CHECK_EQ(r->mmio.write, 0);
	memcpy(r->data, &rip, offset);
	memcpy(r->data + offset, &t->selector, 2);
}

static void check_loaded(struct hvt_vcpu *v, const struct test *t)
{
	struct hvmon_segment *s;
	struct hvmon_state st;
	int e = hvt_run(v);

	if (e != HVMON_EXIT_HLT)
		FAIL("%s: exit %s %.100s", t->name, hvt_exit_name(e), v->run->message);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	s = &st.sregs.seg[t->seg];
	CHECK(s->selector == t->selector, "%s: %#x", t->name, s->selector);
	CHECK(!(s->attr & HVMON_SEG_UNUSABLE) == (t->selector > 3), "%s", t->name);
	if (t->seg == HVMON_CS)
		CHECK_EQ(st.regs.rip, FAR_RIP + 1);
	if (t->selector == HVT_SEL_DATA)
		CHECK(*gdt(v, HVT_SEL_DATA) & 1ULL << 40, "%s: not accessed", t->name);
	if (t->seg == HVMON_TR) {
		CHECK_EQ(s->base, HVT_TSS);
		CHECK_EQ(s->limit, 0x67);
		CHECK_EQ(s->attr, 0x8b);
		CHECK(*gdt(v, HVT_SEL_TSS) & 2ULL << 40, "not busy");
	}
}

static void check_refused(struct hvt_vcpu *v, const struct test *t, const struct hvmon_state *old)
{
	struct hvmon_state st;
	int e = hvt_run(v);
	u64 *frame;

	if (e != HVMON_EXIT_PIO)
		FAIL("%s: exit %s %.100s", t->name, hvt_exit_name(e), v->run->message);
	CHECK(v->run->data[0] == t->vector, "%s: vector %u", t->name, v->run->data[0]);
	hvt_get(v, &st, HVMON_STATE_REGS | HVMON_STATE_SREGS);
	frame = (u64 *)(v->vm->mem + st.regs.gpr[HVMON_RSP]);
	CHECK(frame[0] == t->error, "%s: error %#llx", t->name, (unsigned long long)frame[0]);
	CHECK(frame[1] == HVT_CODE, "%s: RIP %#llx", t->name, (unsigned long long)frame[1]);
	CHECK(!memcmp(&st.sregs.seg[t->seg], &old->sregs.seg[t->seg],
		      sizeof(struct hvmon_segment)), "%s", t->name);
}

/* The instruction after MOV SS is shielded from interrupts, that after MOV DS is not */
static void check_shadow(struct hvt_vcpu *v, const struct test *t, bool expected)
{
	const u32 shadow = HVMON_EVS_STI_SHADOW | HVMON_EVS_MOVSS_SHADOW;
	struct hvmon_state st;

	start(v, t->code, t->len);
	answer(v, t);
	v->run->immediate_exit = 1;
	REFUSED(ioctl(v->fd, HVMON_RUN, 0), EINTR);
	v->run->immediate_exit = 0;
	CHECK_EQ(hvt_rip(v), HVT_CODE + t->len);
	hvt_get(v, &st, HVMON_STATE_EVENTS);
	CHECK(!!(st.events.flags & shadow) == expected, "%s", t->name);
	EXPECT(v, HVMON_EXIT_HLT);
	hvt_get(v, &st, HVMON_STATE_EVENTS);
	CHECK(!(st.events.flags & shadow), "%s", t->name);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	struct hvmon_state old;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		start(v, tests[i].code, tests[i].len);
		hvt_get(v, &old, HVMON_STATE_SREGS);
		answer(v, &tests[i]);
		if (tests[i].vector)
			check_refused(v, &tests[i], &old);
		else
			check_loaded(v, &tests[i]);
	}
	check_shadow(v, &tests[0], false);
	check_shadow(v, &tests[7], true);
	return 0;
}
