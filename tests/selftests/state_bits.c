// SPDX-License-Identifier: GPL-2.0
/*
 * STATE_SET with each bit of the state turned over, one at a time, in real,
 * protected and 64-bit mode: refused with EINVAL, and nothing has changed; or
 * accepted, and the guest runs, or ends with a reason that names the broken
 * rule. Then the vCPU takes a good state again and runs.
 *
 * STATE_SET has no fields for the controls of a VMCS or VMCB, and so none of
 * their reserved bits. What a launcher has of them is what they are made from:
 * EFER (the entry control for long mode), DR7 (interception of MOV DR), RFLAGS
 * and the flags (interruptibility and windows), the events (entry interruption
 * information, EVENTINJ), the segments' attributes, the LAPIC's TPR and requests.
 *
 * A bit that reaches neither these nor the guest's state area is only set. Data
 * of which any value is right (vector registers) is turned over a bit of every
 * word at a time.
 */
#include "hvt.h"

#include <sys/time.h>

#define HLT		0xf4
/* What a guest can spoil that matters to the next one */
#define KEPT		(HVT_CODE + 0x1000)
#define PAE_PDPT	0xa000UL
#define TICK_US		10000
#define GOOD_TICKS	500

#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_DEBUG | \
		 HVMON_STATE_EVENTS | HVMON_STATE_MP)

/* The exit is not at the first instruction: another RIP is set then, which ends it */
GUEST64(reporter, "nop\n" G_REPORT "hlt\n");

GUEST64(irets,
	"mov %rsp, %rax\n"
	"pushq $0x10\n push %rax\n pushfq\n pushq $0x18\n"
	"lea 1f(%rip), %rcx\n push %rcx\n"
	"iretq\n"
	"1: hlt\n");

enum kind { SET_ONLY, RUN, RESERVED };

/**
 * struct field - bits of struct hvmon_state
 * @name: for messages
 * @offset: where they are
 * @size: bytes
 * @kind: SET_ONLY: a guest's run does not depend on them; RUN: it may; RESERVED:
 *        none is ever accepted
 * @count: how many there are, a struct further each, such as segments
 * @stride: size of that struct
 */
struct field {
	const char *name;
	size_t offset, size;
	enum kind kind;
	unsigned int count;
	size_t stride;
};

#define AT(member)	offsetof(struct hvmon_state, member)
#define SEG		sizeof(struct hvmon_segment)
#define TABLE		sizeof(struct hvmon_dtable)
#define EVENT		sizeof(struct hvmon_event)

static const struct field registers[] = {
	{ "general registers", AT(regs.gpr), 16 * 8, SET_ONLY, 1, 0 },
	{ "RSP", AT(regs.gpr[HVMON_RSP]), 8, RUN, 1, 0 },
	{ "RIP", AT(regs.rip), 8, RUN, 1, 0 },
	{ "RFLAGS", AT(regs.rflags), 8, RUN, 1, 0 },
	{ "segment base", AT(sregs.seg[0].base), 8, RUN, HVMON_NR_SEGS, SEG },
	{ "segment limit", AT(sregs.seg[0].limit), 4, RUN, HVMON_NR_SEGS, SEG },
	{ "segment attributes", AT(sregs.seg[0].attr), 4, RUN, HVMON_NR_SEGS, SEG },
	{ "segment selector", AT(sregs.seg[0].selector), 2, RUN, HVMON_NR_SEGS, SEG },
	{ "segment reserved", AT(sregs.seg[0].reserved), 6, RESERVED, HVMON_NR_SEGS, SEG },
	{ "descriptor table's base", AT(sregs.gdt.base), 8, RUN, 2, TABLE },
	{ "descriptor table's limit", AT(sregs.gdt.limit), 2, RUN, 2, TABLE },
	{ "descriptor table reserved", AT(sregs.gdt.reserved), 6, RESERVED, 2, TABLE },
	{ "CR2", AT(sregs.cr2), 8, SET_ONLY, 1, 0 },
	{ "CR8", AT(sregs.cr8), 8, RUN, 1, 0 },
	{ "breakpoints", AT(debug.db), 4 * 8, SET_ONLY, 1, 0 },
	{ "DR6", AT(debug.dr6), 8, RUN, 1, 0 },
	{ "DR7", AT(debug.dr7), 8, RUN, 1, 0 },
};

static const struct field paging[] = {
	{ "CR0", AT(sregs.cr0), 8, RUN, 1, 0 },
	{ "CR3", AT(sregs.cr3), 8, RUN, 1, 0 },
	{ "CR4", AT(sregs.cr4), 8, RUN, 1, 0 },
	{ "EFER", AT(sregs.efer), 8, RUN, 1, 0 },
	{ "PDPTEs", AT(sregs.pdptr), 4 * 8, RUN, 1, 0 },
};

static const struct field events[] = {
	{ "event", AT(events.in_flight), offsetof(struct hvmon_event, reserved), RUN, 2, EVENT },
	{ "event reserved", AT(events.in_flight.reserved), 4, RESERVED, 2, EVENT },
	{ "event flags", AT(events.flags), 4, RUN, 1, 0 },
	{ "NMIs", AT(events.nmi_pending), 4, RUN, 1, 0 },
	{ "pending debug exceptions", AT(events.pending_dbg), 8, RUN, 1, 0 },
	{ "multiprocessing state", AT(mp), sizeof(struct hvmon_mp), RUN, 1, 0 },
};

static const struct field lapic[] = {
	{ "multiprocessing state", AT(mp), sizeof(struct hvmon_mp), RUN, 1, 0 },
	{ "CR8", AT(sregs.cr8), 8, RUN, 1, 0 },
	{ "APIC base", AT(lapic.base), 8, RUN, 1, 0 },
	{ "TSC deadline", AT(lapic.tsc_deadline), 8, SET_ONLY, 1, 0 },
	{ "APIC timer", AT(lapic.timer_left_ns), 8, SET_ONLY, 1, 0 },
	{ "LAPIC reserved", AT(lapic.reserved), 8, RESERVED, 1, 0 },
	{ "LAPIC register", AT(lapic.page), 4, RUN, 64, 16 },
	{ "behind a LAPIC register", AT(lapic.page[4]), 12, RESERVED, 64, 16 },
};

#define XSAVE_LEGACY_END	512
#define XSAVE_HEADER_END	576

static const struct field xsave[] = {
	{ "XCR0", AT(xsave.xcr0), 8, RUN, 1, 0 },
	{ "XSS", AT(xsave.xss), 8, RUN, 1, 0 },
	{ "PKRU", AT(xsave.pkru), 4, RUN, 1, 0 },
	{ "XSAVE reserved", AT(xsave.reserved), 11 * 4, RESERVED, 1, 0 },
	{ "FPU control", AT(xsave.area), 32, RUN, 1, 0 },
	{ "XSAVE header", AT(xsave.area[XSAVE_LEGACY_END]), XSAVE_HEADER_END - XSAVE_LEGACY_END,
	  RUN, 1, 0 },
};

static struct hvmon_state good, st, back;
static u8 kept[KEPT];
static u64 groups;
static const char *mode;
static int good_exit;
static unsigned int refused, accepted, ended[10], endless;

/*
 * A guest may run without end, and a signal comes every TICK_US: the second one says
 * that it does. A good guest has the time that it needs on a busy machine.
 */
static int run(struct hvt_vcpu *v, int most)
{
	int e;

	do {
		e = hvt_run(v);
	} while (e == -EINTR && --most);
	return e;
}

static void good_runs(struct hvt_vcpu *v, const char *after)
{
	int e;

	memcpy(v->vm->mem, kept, sizeof(kept));
	hvt_set(v, &good, groups);
	e = run(v, GOOD_TICKS);
	if (e != good_exit)
		FAIL("after %s, in %s, a good state ends in %s, not %s: \"%s\"", after, mode,
		     hvt_exit_name(e), hvt_exit_name(good_exit), v->run->message);
	memcpy(v->vm->mem, kept, sizeof(kept));
	hvt_set(v, &good, groups);
}

/*
 * Bochs 2.7 refuses an entry with another RPL in CS than its DPL, for which the
 * manual has no rule (SDM vol. 3, 27.3.1.2).
 */
static bool emulators_own(const struct field *f, unsigned int bit)
{
	return f->offset == AT(sregs.seg[HVMON_CS].selector) && bit < 2;
}

static void ends_well(struct hvt_vcpu *v, const char *what, bool unexplained)
{
	int e = run(v, 2);

	if (e == -EINTR)
		endless++;
	else if (e < 0 || e == HVMON_EXIT_UNEXPECTED)
		FAIL("%s: RUN ends in %s: \"%s\"", what, hvt_exit_name(e), v->run->message);
	else if (e == HVMON_EXIT_INVALID && !unexplained &&
		 (!v->run->message[0] || strstr(v->run->message, "no rule")))
		FAIL("%s: the entry fails and nobody knows why: \"%s\"", what, v->run->message);
	if (e >= 0)
		ended[e]++;
	if (e != HVMON_EXIT_HLT)
		memcpy(v->vm->mem, kept, sizeof(kept));
}

/* @st has one bit turned over */
static void one(struct hvt_vcpu *v, const struct field *f, unsigned int bit)
{
	char what[100];

	snprintf(what, sizeof(what), "%s (offset %zu), bit %u, in %s", f->name,
		 f->offset + bit / 8, bit % 8, mode);
	if (hvt_try_set(v, &st, groups)) {
		if (errno != EINVAL)
			FAIL("%s: %s, expected EINVAL", what, strerror(errno));
		refused++;
		/* Of reserved bits none is accepted: one look after the last will do */
		if (f->kind == RESERVED)
			return;
		hvt_get(v, &back, groups);
		if (memcmp(&back, &good, sizeof(back)))
			FAIL("%s was refused, but the state changed", what);
		return;
	}
	if (f->kind == RESERVED)
		FAIL("%s is reserved and was accepted", what);
	accepted++;
	if (f->kind == RUN)
		ends_well(v, what, emulators_own(f, bit));
	hvt_set(v, &good, groups);
}

static void field(struct hvt_vcpu *v, const struct field *f)
{
	unsigned int bit;
	u8 *byte;

	for (bit = 0; bit < f->size * 8; bit++) {
		byte = (u8 *)&st + f->offset + bit / 8;
		*byte ^= 1 << bit % 8;
		one(v, f, bit);
		*byte ^= 1 << bit % 8;
	}
	hvt_get(v, &back, groups);
	if (memcmp(&back, &good, sizeof(back)))
		FAIL("after %s, in %s, a good state is another one", f->name, mode);
	if (f->kind == RUN)
		good_runs(v, f->name);
}

static void all_bits(struct hvt_vcpu *v, const struct field *f, unsigned int n)
{
	struct field one_of;
	unsigned int i;

	for (; n--; f++) {
		one_of = *f;
		for (i = 0; i < f->count; i++, one_of.offset += f->stride)
			field(v, &one_of);
	}
}

/* The state to start from is what is in @good */
static void start(struct hvt_vcpu *v, const char *name, u64 which)
{
	mode = name;
	groups = which;
	hvt_set(v, &good, groups);
	hvt_get(v, &good, groups);
	st = good;
	good_exit = run(v, GOOD_TICKS);
	CHECK(good_exit == HVMON_EXIT_HLT || good_exit == HVMON_EXIT_PIO, "%s: %s \"%s\"", name,
	      hvt_exit_name(good_exit), v->run->message);
	good_runs(v, "the first run");
}

/* Words of data, a bit of each at a time: all are taken, and given back */
static void data(struct hvt_vcpu *v, unsigned int from, unsigned int end)
{
	unsigned int bit, i;
	u64 *word;

	for (bit = 0; bit < 64; bit++) {
		for (i = from; i < end; i += 8) {
			word = (u64 *)(st.xsave.area + i);
			*word ^= 1ULL << bit;
		}
		hvt_set(v, &st, groups);
		hvt_get(v, &back, groups);
		if (memcmp(&back, &st, sizeof(back)))
			FAIL("bit %u of the data in %u to %u of the XSAVE area is not kept", bit,
			     from, end);
	}
	for (i = from; i < end; i++)
		st.xsave.area[i] ^= 0xff;
	CHECK(!memcmp(&st, &good, sizeof(st)), "each bit was turned over once");
	hvt_set(v, &good, groups);
}

/* What lies beyond the components that a guest can have: a bit of each byte */
static void beyond(struct hvt_vcpu *v, unsigned int from)
{
	const struct field f = {
		"beyond the XSAVE components", AT(xsave.area) + from, HVMON_XSAVE_SIZE - from,
		RESERVED, 1, 0 };
	unsigned int i;

	for (i = 0; i < f.size; i++) {
		st.xsave.area[from + i] ^= 1 << i % 8;
		one(v, &f, i * 8 + i % 8);
		st.xsave.area[from + i] ^= 1 << i % 8;
	}
	hvt_get(v, &back, groups);
	CHECK(!memcmp(&back, &good, sizeof(back)), "what was refused has changed the state");
}

/* The words in front: with unknown groups, flags or sizes nothing is taken */
static void front_words(struct hvt_vcpu *v)
{
	static union {
		struct hvmon_state st;
		u8 room[16384];
	} arg;
	unsigned int bit;
	u64 was;
	u32 size;

	for (bit = 0; bit < 64; bit++) {
		arg.st = good;
		arg.st.regs.rip++;
		arg.st.groups = groups | 1ULL << bit;
		if (!(HVMON_STATE_ALL >> bit & 1))
			REFUSED(ioctl(v->fd, HVMON_STATE_SET, &arg), EINVAL);
	}
	arg.st.groups = groups;
	for (bit = 0; bit < 32; bit++) {
		arg.st.flags = 1u << bit;
		REFUSED(ioctl(v->fd, HVMON_STATE_SET, &arg), EINVAL);
	}
	arg.st.flags = 0;
	was = arg.st.regs.rip;
	for (bit = 0; bit < 32; bit++) {
		size = sizeof(arg.st) ^ 1u << bit;
		arg.st.size = size;
		if (size < sizeof(arg.st)) {
			REFUSED(ioctl(v->fd, HVMON_STATE_SET, &arg), EINVAL);
		} else if (size > sizeof(arg)) {
			REFUSED(ioctl(v->fd, HVMON_STATE_SET, &arg), E2BIG);
		} else {
			/* A later header's, of whose groups none is asked for */
			arg.st.regs.rip = good.regs.rip;
			SYS(ioctl(v->fd, HVMON_STATE_SET, &arg));
			arg.st.regs.rip = was;
		}
	}
	hvt_get(v, &back, groups);
	CHECK(!memcmp(&back, &good, sizeof(back)), "a refused STATE_SET changed the state");
}

static void ticks(unsigned int us)
{
	const struct itimerval tick = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us };

	SYS(setitimer(ITIMER_REAL, &tick, NULL));
}

static struct hvt_vcpu *boot(bool irqchip)
{
	struct hvt_vcpu *v;
	struct hvt_vm *vm;
	int i;

	ticks(0);
	vm = hvt_vm();
	/* Wherever a guest goes it halts, but for the tables of hvt_vm() */
	memset(vm->mem, HLT, HVT_PML4);
	memset(vm->mem + HVT_TSS + 0x800, HLT, HVT_MEM - HVT_TSS - 0x800);
	if (irqchip) {
		hvt_irqchip(vm, 0);
		hvt_load(vm, HVT_CODE, reporter, reporter_end);
	}
	for (i = 0; i < 4; i++)
		*(u64 *)(vm->mem + PAE_PDPT + i * 8) = (HVT_PD + i * 0x1000) | 1;
	memcpy(kept, vm->mem, sizeof(kept));
	v = hvt_vcpu(vm, 0);
	ticks(TICK_US);
	return v;
}

static void in_mode(struct hvt_vcpu *v, const char *name)
{
	start(v, name, GROUPS);
	all_bits(v, registers, ARRAY_SIZE(registers));
	all_bits(v, paging, ARRAY_SIZE(paging));
	all_bits(v, events, ARRAY_SIZE(events));
}

/*
 * Only VT-x keeps PDPTEs. On AMD-V they stay in memory, where QEMU sets a bit in
 * those it uses that is reserved, and the module's own walk finds no code any more.
 */
static void pae_paging(struct hvt_vcpu *v)
{
	int i;

	good.sregs.cr0 |= 0x80000000;
	good.sregs.cr3 = PAE_PDPT;
	for (i = 0; i < 4; i++)
		good.sregs.pdptr[i] = (HVT_PD + i * 0x1000) | 1;
	start(v, "protected mode with PAE paging", GROUPS);
	all_bits(v, paging, ARRAY_SIZE(paging));
	memset(good.sregs.pdptr, 0, sizeof(good.sregs.pdptr));
}

static void without_lapic(void)
{
	struct hvt_vcpu *v = boot(false);

	hvt_get(v, &good, GROUPS);
	hvt_state64(&good);
	in_mode(v, "64-bit mode");
	front_words(v);
	good.events.in_flight = (struct hvmon_event){
		.valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 13, .has_error = 1 };
	start(v, "64-bit mode, amid an exception", GROUPS);
	all_bits(v, events, ARRAY_SIZE(events));
	good.events.in_flight = (struct hvmon_event){
		.valid = 1, .type = HVMON_EV_INTR, .vector = 0x61 };
	good.events.exception = (struct hvmon_event){
		.valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 6 };
	start(v, "64-bit mode, with an exception amid an interrupt", GROUPS);
	all_bits(v, events, ARRAY_SIZE(events));
	memset(&good.events, 0, sizeof(good.events));

	hvt_state32(&good);
	/*
	 * QEMU aborts when a guest changes stacks through a busy TSS, and its #VMEXIT
	 * leaves the host with paging off if the guest had EFER.LME without CR4.PAE.
	 */
	good.sregs.seg[HVMON_TR].attr = 0x89;
	good.sregs.cr4 = 0x20;
	in_mode(v, "protected mode");
	if (hvt_is_vmx())
		pae_paging(v);
	hvt_state16(&good);
	good.sregs.cr0 = 0x30;
	in_mode(v, "real mode");
}

static void fpu(void)
{
	unsigned int size = hvt_info().xsave_size;
	struct hvt_vcpu *v = boot(false);

	hvt_get(v, &good, GROUPS | HVMON_STATE_XSAVE);
	hvt_state64(&good);
	start(v, "64-bit mode", GROUPS | HVMON_STATE_XSAVE);
	all_bits(v, xsave, ARRAY_SIZE(xsave));
	data(v, 32, XSAVE_LEGACY_END);
	data(v, XSAVE_HEADER_END, size);
	beyond(v, size);
}

static void with_lapic(void)
{
	struct hvt_vcpu *v = boot(true);

	hvt_get(v, &good, GROUPS | HVMON_STATE_LAPIC);
	hvt_state64(&good);
	good.regs.rflags |= 0x200;
	start(v, "64-bit mode", GROUPS | HVMON_STATE_LAPIC);
	all_bits(v, lapic, ARRAY_SIZE(lapic));
}

/*
 * An entry to VT-x in Bochs 2.7 blocks NMIs if the VMCS says so, but does not
 * unblock them if it does not: only an IRET does, or no later guest would get any.
 */
static void unblock_nmis(void)
{
	struct hvt_vcpu *v = HVT_BOOT(64, irets);

	EXPECT(v, HVMON_EXIT_HLT);
}

int main(void)
{
	unsigned int i;

	hvt_catch(SIGALRM);
	without_lapic();
	fpu();
	with_lapic();
	ticks(0);
	unblock_nmis();
	printf("refused: %u, accepted: %u, endless: %u\n", refused, accepted, endless);
	for (i = 0; i < ARRAY_SIZE(ended); i++)
		if (ended[i])
			printf("%s: %u\n", hvt_exit_name(i), ended[i]);
	return 0;
}
