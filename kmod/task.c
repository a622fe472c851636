// SPDX-License-Identifier: GPL-2.0
/*
 * The task switch of protected mode, for processors on which it exits: SDM
 * vol. 3, chapter 8. It is done in three steps. What the first finds wrong
 * (prepare()) is the old task's fault, and nothing has changed. The second
 * (commit()) saves the old task and marks the tasks busy or not. What the third
 * finds wrong (load()) is the new task's fault.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emul.h"
#include "task.h"

#define DR6_BT		BIT(15)
#define DR7_LOCAL	0x155U		/* L0-3 and LE */
#define TYPE_WRITE	BIT(1)		/* of data */
#define TYPE_READ	BIT(1)		/* of code */
#define TYPE_LDT	2

/* ---- formats ---- */

const struct hvmon_tss_fmt hvmon_tss16 = {
	.width = 2, .nr_segs = 4, .ip = 0x0e, .flags = 0x10, .gpr = 0x12, .seg = 0x22,
	.ldt = 0x2a, .min_limit = 0x2b,
};

const struct hvmon_tss_fmt hvmon_tss32 = {
	.width = 4, .nr_segs = 6, .ip = 0x20, .flags = 0x24, .gpr = 0x28, .seg = 0x48,
	.ldt = 0x60, .cr3 = 0x1c, .trap = 0x64, .min_limit = 0x67,
};

static u32 get_field(const u8 *image, int at, int width)
{
	u32 val = 0;

	memcpy(&val, image + at, width);
	return val;
}

static void put_field(u8 *image, int at, int width, u32 val)
{
	memcpy(image + at, &val, width);
}

/**
 * hvmon_tss_load() - take a task's state from its TSS
 * @fmt: the TSS's format
 * @image: its first HVMON_TSS_MAX bytes, as far as the format has them
 * @t: filled in
 */
void hvmon_tss_load(const struct hvmon_tss_fmt *fmt, const u8 *image, struct hvmon_tss *t)
{
	int i;

	*t = (struct hvmon_tss) {
		.eip = get_field(image, fmt->ip, fmt->width),
		.eflags = get_field(image, fmt->flags, fmt->width),
		.ldt = get_field(image, fmt->ldt, 2),
	};
	for (i = 0; i < 8; i++)
		t->gpr[i] = get_field(image, fmt->gpr + i * fmt->width, fmt->width);
	for (i = 0; i < fmt->nr_segs; i++)
		t->seg[i] = get_field(image, fmt->seg + i * fmt->width, 2);
	if (fmt->cr3)
		t->cr3 = get_field(image, fmt->cr3, fmt->width);
	if (fmt->trap)
		t->trap = image[fmt->trap] & 1;
}

/**
 * hvmon_tss_store() - put a task's state into its TSS
 * @fmt: the TSS's format
 * @image: its bytes from 0 on; those of static fields and the high halves of
 *         selectors stay as they are
 * @t: the state; CR3, the LDT and the T flag are static fields
 */
void hvmon_tss_store(const struct hvmon_tss_fmt *fmt, u8 *image, const struct hvmon_tss *t)
{
	int i;

	put_field(image, fmt->ip, fmt->width, t->eip);
	put_field(image, fmt->flags, fmt->width, t->eflags);
	for (i = 0; i < 8; i++)
		put_field(image, fmt->gpr + i * fmt->width, fmt->width, t->gpr[i]);
	for (i = 0; i < fmt->nr_segs; i++)
		put_field(image, fmt->seg + i * fmt->width, 2, t->seg[i]);
}

/* ---- descriptors ---- */

/**
 * hvmon_desc_to_seg() - what a register caches of a descriptor of 8 bytes
 * @selector: of the register
 * @desc: the descriptor
 * @s: filled in
 */
void hvmon_desc_to_seg(u16 selector, u64 desc, struct hvmon_segment *s)
{
	*s = (struct hvmon_segment) {
		.base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000),
		.limit = (desc & 0xffff) | (desc >> 32 & 0xf0000),
		.attr = desc >> 40 & 0xf0ff,
		.selector = selector,
	};
	if (s->attr & HVMON_SEG_G)
		s->limit = s->limit << 12 | 0xfff;
}

static int check_code(const struct hvmon_segment *s)
{
	int dpl = DESC_DPL(s->attr), rpl = SEL_RPL(s->selector);

	if (!(s->attr & TYPE_CODE))
		return X86_TRAP_TS;
	return s->attr & TYPE_CONFORMING ? dpl > rpl : dpl != rpl;
}

static int check_stack(const struct hvmon_segment *s, int cpl)
{
	int dpl = DESC_DPL(s->attr);

	return s->attr & TYPE_CODE || !(s->attr & TYPE_WRITE) || dpl != cpl ||
	       dpl != SEL_RPL(s->selector);
}

static int check_data(const struct hvmon_segment *s, int cpl)
{
	int dpl = DESC_DPL(s->attr);

	if (s->attr & TYPE_CODE && !(s->attr & TYPE_READ))
		return X86_TRAP_TS;
	if (s->attr & TYPE_CODE && s->attr & TYPE_CONFORMING)
		return 0;
	return dpl < cpl || dpl < SEL_RPL(s->selector);
}

/**
 * hvmon_task_check_seg() - may a new task have this in a segment register?
 * @seg: the register, HVMON_ES .. HVMON_LDTR
 * @s: what would be loaded, of a selector that is not null
 * @cpl: privilege level of the new task
 *
 * Return: 0, or the vector that table 8-1 has for it.
 */
int hvmon_task_check_seg(int seg, const struct hvmon_segment *s, int cpl)
{
	bool present = s->attr & HVMON_SEG_P, bad;

	if (seg == HVMON_LDTR)
		return !present || (s->attr & 0x1f) != TYPE_LDT ? X86_TRAP_TS : 0;
	bad = !(s->attr & HVMON_SEG_S);
	if (seg == HVMON_CS)
		bad |= check_code(s);
	else if (seg == HVMON_SS)
		bad |= check_stack(s, cpl);
	else
		bad |= check_data(s, cpl);
	if (bad)
		return X86_TRAP_TS;
	if (!present)
		return seg == HVMON_SS ? X86_TRAP_SS : X86_TRAP_NP;
	return 0;
}

/* ---- a switch on its way ---- */

/* What steps return besides 0 and -errno: an exception has been queued */
#define FAULTED	1

/* A range of linear addresses of up to a page's length, translated */
struct span {
	u64 gpa[2];
	u32 len[2];
};

/**
 * struct task - a switch on its way
 * @vcpu: whose
 * @sw: what the vendor has decoded
 * @ext: the EXT bit of error codes: an event from outside the program
 * @nested: the new task will return to the old one
 * @old_fmt: format of the old task's TSS
 * @fmt: ... of the new one's
 * @old: the old task register
 * @tr: the new one
 * @old_area: what is saved to, from old_fmt->ip to old_fmt->ldt
 * @old_type: byte of the old TSS's descriptor, if it is to become available
 * @type: byte of the new TSS's descriptor, if it is to become busy
 * @image: the new TSS
 * @link: the new TSS's back link, if @nested
 * @gpa: the address at which the launcher has no memory
 * @committed: the new task is the current one
 */
struct task {
	struct hvmon_vcpu *vcpu;
	const struct hvmon_task_switch *sw;
	bool ext, nested;
	const struct hvmon_tss_fmt *old_fmt, *fmt;
	struct hvmon_segment old, tr;
	struct span old_area, old_type, type, image, link;
	u64 gpa;
	bool committed;
};

static int raise(struct task *t, u8 vector, u16 selector)
{
	hvmon_queue_exception(t->vcpu, vector, true, (selector & ~3) | t->ext, 0);
	return FAULTED;
}

/* @access is the stack's, or implicit: that of a table or TSS */
static int map(struct task *t, u32 lin, u32 len, u32 access, struct span *s)
{
	u32 error, part;
	int i, r;

	s->len[1] = 0;
	for (i = 0; len; i++) {
		part = min_t(u32, len, PAGE_SIZE - offset_in_page(lin));
		r = hvmon_gva_to_gpa(t->vcpu, lin, access, true, &s->gpa[i], &error);
		if (r == 1) {
			hvmon_queue_exception(t->vcpu, X86_TRAP_PF, true, error, lin);
			return FAULTED;
		}
		/* The guest's own mistake: its tables do not lie in memory */
		if (r)
			return r == -EFAULT ? -ENOENT : r;
		s->len[i] = part;
		len -= part;
		lin += part;
	}
	return 0;
}

static int copy(struct task *t, const struct span *s, void *buf, bool write)
{
	int i, r;

	for (i = 0; i < 2 && s->len[i]; i++) {
		t->gpa = s->gpa[i];
		if (write)
			r = hvmon_gpa_write(t->vcpu, s->gpa[i], buf, s->len[i]);
		else
			r = hvmon_gpa_read(t->vcpu, s->gpa[i], buf, s->len[i]);
		/* What is written to a ROM is lost */
		if (r && r != -EROFS)
			return r;
		buf += s->len[i];
	}
	return 0;
}

static int map_table(struct task *t, u32 lin, u32 len, bool write, struct span *s)
{
	return map(t, lin, len, HVMON_ACCESS_IMPLICIT | (write ? HVMON_ACCESS_WRITE : 0), s);
}

static int set_type_bits(struct task *t, const struct span *s, u8 set, u8 clear)
{
	u8 type;
	int r = copy(t, s, &type, false);

	if (r)
		return r;
	type = (type & ~clear) | set;
	return copy(t, s, &type, true);
}

/* A descriptor of the GDT, or of another table given as a segment */
static int read_desc(struct task *t, u64 base, u32 limit, u16 selector, u8 vector, u64 *desc)
{
	struct span s;
	int r;

	if ((selector | 7) > limit)
		return raise(t, vector, selector);
	r = map_table(t, base + (selector & ~7), 8, false, &s);
	return r ? r : copy(t, &s, desc, false);
}

static int read_gdt(struct task *t, u16 selector, u8 vector, u64 *desc)
{
	return read_desc(t, t->sw->gdt.base, t->sw->gdt.limit, selector, vector, desc);
}

/* ---- the old task's faults ---- */

/* The processor has checked it all before the exit, but another may change it */
static int check_new_tss(struct task *t)
{
	bool iret = t->sw->source == HVMON_TASK_IRET;
	u8 vector = iret ? X86_TRAP_TS : X86_TRAP_GP;
	u16 selector = t->sw->selector;
	u64 desc;
	int r;

	if (selector & SEL_TI || selector < 8)
		return raise(t, vector, selector);
	r = read_gdt(t, selector, vector, &desc);
	if (r)
		return r;
	hvmon_desc_to_seg(selector, desc, &t->tr);
	/* 1 and 9 are available, 3 and 11 busy */
	if ((t->tr.attr & 0x17) != (iret ? 1 | TSS_BUSY : 1))
		return raise(t, vector, selector);
	if (!(t->tr.attr & HVMON_SEG_P))
		return raise(t, X86_TRAP_NP, selector);
	t->fmt = t->tr.attr & TSS_32 ? &hvmon_tss32 : &hvmon_tss16;
	if (t->tr.limit < t->fmt->min_limit)
		return raise(t, X86_TRAP_TS, selector);
	t->tr.attr |= TSS_BUSY;
	return 0;
}

/* All that commit() will read and write, so that it cannot fault */
static int map_all(struct task *t)
{
	enum hvmon_task_source source = t->sw->source;
	u32 gdt = t->sw->gdt.base;
	int r;

	r = map_table(t, t->old.base + t->old_fmt->ip, t->old_fmt->ldt - t->old_fmt->ip, true,
		      &t->old_area);
	if (!r)
		r = map_table(t, t->tr.base, t->fmt->min_limit + 1, false, &t->image);
	if (!r && t->nested)
		r = map_table(t, t->tr.base, 2, true, &t->link);
	if (!r && source != HVMON_TASK_IRET)
		r = map_table(t, gdt + (t->tr.selector & ~7) + DESC_TYPE, 1, true, &t->type);
	if (!r && (source == HVMON_TASK_IRET || source == HVMON_TASK_JMP))
		r = map_table(t, gdt + (t->old.selector & ~7) + DESC_TYPE, 1, true, &t->old_type);
	return r;
}

static int prepare(struct task *t)
{
	u8 buf[HVMON_TSS_MAX];
	int r = check_new_tss(t);

	if (r)
		return r;
	hvmon_call(get_seg, t->vcpu, HVMON_TR, &t->old);
	t->old_fmt = t->old.attr & TSS_32 ? &hvmon_tss32 : &hvmon_tss16;
	if (t->old.limit < t->old_fmt->ldt - 1)
		return raise(t, X86_TRAP_TS, t->old.selector);
	r = map_all(t);
	/* The launcher's memory, too, has to be there before anything changes */
	if (!r)
		r = copy(t, &t->old_area, buf, false);
	return r ? r : copy(t, &t->image, buf, false);
}

/* ---- from the one to the other ---- */

static int save_old(struct task *t)
{
	const struct hvmon_regs *regs = &t->vcpu->regs;
	struct hvmon_tss tss = {
		.eip = regs->rip + t->sw->insn_len,
		.eflags = regs->rflags,
	};
	struct hvmon_segment s;
	u8 buf[HVMON_TSS_MAX];
	int i, r;

	if (t->sw->source == HVMON_TASK_IRET)
		tss.eflags &= ~X86_EFLAGS_NT;
	for (i = 0; i < 8; i++)
		tss.gpr[i] = regs->gpr[i];
	for (i = 0; i < 6; i++) {
		hvmon_call(get_seg, t->vcpu, i, &s);
		tss.seg[i] = s.selector;
	}
	r = copy(t, &t->old_area, buf + t->old_fmt->ip, false);
	if (r)
		return r;
	hvmon_tss_store(t->old_fmt, buf, &tss);
	return copy(t, &t->old_area, buf + t->old_fmt->ip, true);
}

static int commit(struct task *t, struct hvmon_tss *tss)
{
	enum hvmon_task_source source = t->sw->source;
	struct hvmon_vcpu *vcpu = t->vcpu;
	u8 buf[HVMON_TSS_MAX];
	int r;

	r = save_old(t);
	if (!r && (source == HVMON_TASK_IRET || source == HVMON_TASK_JMP))
		r = set_type_bits(t, &t->old_type, 0, TSS_BUSY);
	if (!r)
		r = copy(t, &t->image, buf, false);
	if (!r && t->nested)
		r = copy(t, &t->link, &t->old.selector, true);
	if (!r && source != HVMON_TASK_IRET)
		r = set_type_bits(t, &t->type, TSS_BUSY, 0);
	if (r)
		return r;
	hvmon_tss_load(t->fmt, buf, tss);
	if (t->nested)
		tss->eflags |= X86_EFLAGS_NT;

	t->committed = true;
	hvmon_vendor->set_seg(vcpu, HVMON_TR, &t->tr);
	hvmon_set_cr(vcpu, 0, hvmon_get_cr(vcpu, 0) | X86_CR0_TS);
	hvmon_set_dr(vcpu, 7, hvmon_get_dr(vcpu, 7) & ~(u64)DR7_LOCAL);
	/*
	 * An interrupt has arrived, whatever comes now. An exception is kept
	 * until its handler can run: a second one may make it a double fault.
	 */
	if (vcpu->in_flight.type != HVMON_EV_EXCEPTION)
		vcpu->in_flight.valid = 0;
	return 0;
}

/* ---- the new task's faults ---- */

/*
 * What a segment register has before its descriptor is loaded, and if that
 * fails: the selector. CS and the DPL of SS, the CPL, have to be something.
 */
static void set_selector(struct task *t, int seg, u16 selector, int cpl)
{
	struct hvmon_segment s = { .selector = selector, .attr = HVMON_SEG_UNUSABLE };

	if (seg == HVMON_CS)
		s.attr = HVMON_SEG_P | HVMON_SEG_S | TYPE_CODE | TYPE_READ | TYPE_ACCESSED;
	if (seg == HVMON_CS || seg == HVMON_SS)
		s.attr |= cpl << 5;
	hvmon_vendor->set_seg(t->vcpu, seg, &s);
}

/* Virtual-8086 mode: 21.1.1 */
static void set_v8086(struct task *t, int seg, u16 selector)
{
	const struct hvmon_segment s = {
		.selector = selector,
		.base = selector << 4,
		.limit = 0xffff,
		.attr = 0xf3,
	};

	hvmon_vendor->set_seg(t->vcpu, seg, &s);
}

static void load_registers(struct task *t, const struct hvmon_tss *tss, int cpl)
{
	struct hvmon_regs *regs = &t->vcpu->regs;
	int i;

	regs->rip = tss->eip;
	regs->rflags = hvmon_fixed_rflags(tss->eflags);
	/* High halves are undefined after a 16-bit TSS: they stay */
	for (i = 0; i < 8; i++)
		regs->gpr[i] = t->fmt->width == 4 ? tss->gpr[i] :
			       (regs->gpr[i] & 0xffff0000) | tss->gpr[i];
	for (i = 0; i < 6; i++) {
		if (regs->rflags & X86_EFLAGS_VM)
			set_v8086(t, i, tss->seg[i]);
		else
			set_selector(t, i, tss->seg[i], cpl);
	}
	set_selector(t, HVMON_LDTR, tss->ldt, 0);
}

static int load_paging(struct task *t, const struct hvmon_tss *tss)
{
	struct hvmon_vcpu *vcpu = t->vcpu;

	if (!t->fmt->cr3 || !(hvmon_get_cr(vcpu, 0) & X86_CR0_PG))
		return 0;
	if (hvmon_set_cr(vcpu, 3, tss->cr3) ||
	    (hvmon_vendor->load_pdptrs && !hvmon_vendor->load_pdptrs(vcpu)))
		return raise(t, X86_TRAP_GP, 0);
	return 0;
}

static int load_ldt(struct task *t, u16 selector)
{
	struct hvmon_segment s;
	u64 desc;
	int r;

	if (selector & SEL_TI)
		return raise(t, X86_TRAP_TS, selector);
	if (selector < 4)
		return 0;
	r = read_gdt(t, selector, X86_TRAP_TS, &desc);
	if (r)
		return r;
	hvmon_desc_to_seg(selector, desc, &s);
	r = hvmon_task_check_seg(HVMON_LDTR, &s, 0);
	if (r)
		return raise(t, r, selector);
	hvmon_vendor->set_seg(t->vcpu, HVMON_LDTR, &s);
	return 0;
}

static int load_seg(struct task *t, int seg, u16 selector, int cpl)
{
	struct hvmon_segment s, table = { .base = t->sw->gdt.base, .limit = t->sw->gdt.limit };
	struct span type;
	u64 desc;
	int r;

	if (selector < 4)
		return seg == HVMON_CS || seg == HVMON_SS ? raise(t, X86_TRAP_TS, selector) : 0;
	if (selector & SEL_TI) {
		hvmon_call(get_seg, t->vcpu, HVMON_LDTR, &table);
		if (table.attr & HVMON_SEG_UNUSABLE)
			return raise(t, X86_TRAP_TS, selector);
	}
	r = read_desc(t, table.base, table.limit, selector, X86_TRAP_TS, &desc);
	if (r)
		return r;
	hvmon_desc_to_seg(selector, desc, &s);
	r = hvmon_task_check_seg(seg, &s, cpl);
	if (r)
		return raise(t, r, selector);
	if (!(s.attr & TYPE_ACCESSED)) {
		r = map_table(t, table.base + (selector & ~7) + DESC_TYPE, 1, true, &type);
		if (!r)
			r = set_type_bits(t, &type, TYPE_ACCESSED, 0);
		if (r)
			return r;
		s.attr |= TYPE_ACCESSED;
	}
	/* With a conforming CS the CPL is not its DPL, but always that of SS */
	hvmon_vendor->set_seg(t->vcpu, seg, &s);
	return 0;
}

/* The error code goes onto the new task's stack: 7.12.2 */
static int push_error(struct task *t, u32 error, int cpl)
{
	u32 access = HVMON_ACCESS_WRITE | (cpl == 3 ? HVMON_ACCESS_USER : 0);
	u64 *rsp = &t->vcpu->regs.gpr[HVMON_RSP];
	struct hvmon_segment ss;
	struct span s;
	u32 sp, mask;
	int r;

	hvmon_call(get_seg, t->vcpu, HVMON_SS, &ss);
	mask = ss.attr & HVMON_SEG_DB ? U32_MAX : U16_MAX;
	sp = (*rsp - t->fmt->width) & mask;
	if (!hvmon_seg_has(&ss, sp, t->fmt->width))
		return raise(t, X86_TRAP_SS, 0);
	r = map(t, ss.base + sp, t->fmt->width, access, &s);
	if (!r)
		r = copy(t, &s, &error, true);
	if (!r)
		*rsp = (*rsp & ~(u64)mask) | sp;
	return r;
}

static int load(struct task *t, const struct hvmon_tss *tss)
{
	static const u8 order[] = {
		HVMON_CS, HVMON_SS, HVMON_DS, HVMON_ES, HVMON_FS, HVMON_GS,
	};
	bool v8086 = tss->eflags & X86_EFLAGS_VM;
	int cpl = v8086 ? 3 : SEL_RPL(tss->seg[HVMON_CS]);
	struct hvmon_vcpu *vcpu = t->vcpu;
	unsigned int i;
	int r;

	load_registers(t, tss, cpl);
	r = load_paging(t, tss);
	if (!r)
		r = load_ldt(t, tss->ldt);
	for (i = 0; i < ARRAY_SIZE(order) && !r && !v8086; i++)
		r = load_seg(t, order[i], tss->seg[order[i]], cpl);
	if (!r && t->sw->source == HVMON_TASK_GATE && vcpu->in_flight.valid &&
	    vcpu->in_flight.has_error)
		r = push_error(t, vcpu->in_flight.error, cpl);
	if (r)
		return r;
	/* An EIP beyond the limit is #GP when the processor fetches from there */
	vcpu->in_flight.valid = 0;
	if (tss->trap)
		hvmon_queue_exception(vcpu, X86_TRAP_DB, false, 0, DR6_BT);
	return 0;
}

/* ---- the whole ---- */

static int memory_exit(struct task *t, int err)
{
	struct hvmon_run *run = t->vcpu->run;

	if (err == -EFAULT && !t->committed) {
		run->fault.gpa = t->gpa;
		run->fault.access = HVMON_ACCESS_WRITE;
		run->fault.error = EFAULT;
		return hvmon_user_exit(t->vcpu, HVMON_EXIT_FAULT);
	}
	memset(&run->emulation, 0, sizeof(run->emulation));
	run->emulation.rip_gpa = ~0ULL;
	run->emulation.gpa = t->gpa;
	strscpy(run->message, "a task switch needs a table or TSS where there is no memory",
		sizeof(run->message));
	return hvmon_user_exit(t->vcpu, HVMON_EXIT_EMULATION);
}

/* INT n, INT3 and INTO are the program's own */
static bool external(const struct hvmon_vcpu *vcpu)
{
	return vcpu->in_flight.type != HVMON_EV_SOFT_INT &&
	       vcpu->in_flight.type != HVMON_EV_SW_EXC;
}

/**
 * hvmon_exit_task_switch() - switch tasks
 * @vcpu: the vCPU, at the instruction or with the event that does it
 * @sw: what the vendor has decoded
 *
 * For a gate in the IDT vcpu->in_flight is the event. It is not valid any more
 * when it has been delivered. What is left to the vendor is what it alone
 * knows: shadows, and whether NMIs are blocked.
 *
 * Return: HVMON_RESUME, HVMON_USER, HVMON_LATER in a section, or -errno.
 */
int hvmon_exit_task_switch(struct hvmon_vcpu *vcpu, const struct hvmon_task_switch *sw)
{
	bool gate = sw->source == HVMON_TASK_GATE;
	struct task t = {
		.vcpu = vcpu,
		.sw = sw,
		.gpa = ~0ULL,
		.ext = gate && external(vcpu),
		.nested = gate || sw->source == HVMON_TASK_CALL,
	};
	struct hvmon_tss tss;
	int r;

	if (vcpu->in_section)
		return HVMON_LATER;
	vcpu->stats.other++;
	r = prepare(&t);
	/* The instruction at RIP is executed again when the handler returns */
	if (r == FAULTED && gate && !external(vcpu))
		vcpu->in_flight.valid = 0;
	if (!r)
		r = commit(&t, &tss);
	if (!r)
		r = load(&t, &tss);
	if (r == -EFAULT || r == -ENOENT)
		return memory_exit(&t, r);
	return r < 0 ? r : HVMON_RESUME;
}
