// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's surroundings on a vCPU: instruction bytes, guest memory,
 * devices of the kernel and of the launcher, and the commit to the registers.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <asm/msr-index.h>
#include <asm/processor.h>

#include "emul.h"
#include "hvmon.h"
#include "lapic.h"
#include "trace.h"
#include "window.h"

#define DR6_BS		BIT(14)
#define RFLAGS_TF	BIT(8)

/**
 * struct decoded - an instruction that has been decoded
 * @bytes: its bytes, and what follows them; in the last byte how many there are, and the
 *	   bits of the code segment: decode_key()
 * @word: the same. All of 0: nothing has been decoded
 * @r: what hvmon_decode() has returned
 * @insn: what the bytes say, if that was a length
 */
struct decoded {
	union {
		u8 bytes[HVMON_INSN_MAX + 1];
		u64 word[2];
	};
	int r;
	struct hvmon_insn insn;
};

static_assert(HVMON_INSN_MAX == 15);

#define DECODED		4

/**
 * struct vcpu_emul - the emulator of a vCPU
 * @em: the core's part, first; vcpu->emul points to it
 * @vcpu: owner
 * @gpa: the address whose fault made emulation necessary, ~0 if none
 * @rip: of the instruction that waits for the launcher, to be executed again
 * @decoded: some of the last instructions, by their addresses
 * @cur: the one that is being emulated; NULL if there is none
 */
struct vcpu_emul {
	struct hvmon_emul em;
	struct hvmon_vcpu *vcpu;
	u64 gpa;
	u64 rip;
	struct decoded decoded[DECODED];
	const struct decoded *cur;
};

static struct vcpu_emul *to_vcpu_emul(struct hvmon_emul *em)
{
	return container_of(em, struct vcpu_emul, em);
}

static struct hvmon_vcpu *vcpu_of(struct hvmon_emul *em)
{
	return to_vcpu_emul(em)->vcpu;
}

static int emul_rerun(struct hvmon_vcpu *vcpu);
static int emul_mmio_done(struct hvmon_vcpu *vcpu);
static int emul_pio_done(struct hvmon_vcpu *vcpu);

/* ---- memory ---- */

static int vcpu_translate(struct hvmon_emul *em, u64 lin, u32 access, u64 *gpa, u32 *error)
{
	int r = hvmon_gva_to_gpa(vcpu_of(em), lin, access, true, gpa, error);

	if (r < 0)
		return hvmon_em_unknown(em, "the guest's page tables cannot be read");
	return r;
}

static bool vcpu_is_ram(struct hvmon_emul *em, u64 gpa, bool write)
{
	struct hvmon_vm *vm = vcpu_of(em)->vm;
	struct hvmon_slot *slot;
	bool ram;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slot = hvmon_slot_by_gfn(vm, gpa >> PAGE_SHIFT);
	ram = slot && !(write && (slot->flags & HVMON_MEM_READONLY));
	srcu_read_unlock(&vm->srcu, idx);
	return ram;
}

/* A slot has the page, the launcher has no memory there: tell it, try again later */
static int memory_gone(struct hvmon_emul *em, u64 gpa, bool write, int err)
{
	struct hvmon_vcpu *vcpu = vcpu_of(em);

	vcpu->run->fault.gpa = gpa;
	vcpu->run->fault.access = write ? HVMON_ACCESS_WRITE : 0;
	vcpu->run->fault.error = -err;
	vcpu->complete = emul_rerun;
	hvmon_user_exit(vcpu, HVMON_EXIT_FAULT);
	return EM_WAIT;
}

static u64 trace_value(const struct hvmon_emul_access *a)
{
	u64 val = 0;

	memcpy(&val, a->data, min_t(u32, a->len, 8));
	return val;
}

static int lapic_access(struct hvmon_vcpu *vcpu, struct hvmon_emul_access *a)
{
	return a->write ? hvmon_lapic_mmio_write(vcpu, a->gpa, a->len, a->data) :
			  hvmon_lapic_mmio_read(vcpu, a->gpa, a->len, a->data);
}

static int bus_access(struct hvmon_vcpu *vcpu, struct hvmon_emul_access *a)
{
	return a->write ? hvmon_bus_write(vcpu, HVMON_BUS_MMIO, a->gpa, a->len, a->data) :
			  hvmon_bus_read(vcpu, HVMON_BUS_MMIO, a->gpa, a->len, a->data);
}

static __always_inline void trace_access(struct hvmon_vcpu *vcpu,
					 const struct hvmon_emul_access *a, bool user)
{
	if (trace_hvmon_mmio_enabled())
		trace_hvmon_mmio(vcpu, a->write, a->gpa, a->len, trace_value(a), user);
}

/* A device in the kernel, 0 if one took the access */
static int kernel_device(struct hvmon_vcpu *vcpu, struct hvmon_emul_access *a)
{
	int r = -EOPNOTSUPP;

	if (vcpu->lapic && hvmon_lapic_page_has(vcpu->lapic, a->gpa))
		r = lapic_access(vcpu, a);
	if (r)
		r = bus_access(vcpu, a);
	if (!r)
		trace_access(vcpu, a, false);
	return r;
}

/* What the launcher has to do; HVMON_RUN calls @complete when it has done it */
static int to_launcher(struct hvmon_vcpu *vcpu, struct hvmon_emul_access *a,
		       int (*complete)(struct hvmon_vcpu *vcpu))
{
	struct hvmon_run *run = vcpu->run;

	run->mmio.gpa = a->gpa;
	run->mmio.len = a->len;
	run->mmio.write = a->write;
	/* What a launcher does not answer reads as nothing, not as old data */
	if (a->write)
		memcpy(run->data, a->data, sizeof(a->data));
	else
		memset(run->data, 0, sizeof(a->data));
	if (a->write)
		trace_access(vcpu, a, true);
	vcpu->complete = complete;
	return hvmon_user_exit(vcpu, HVMON_EXIT_MMIO);
}

static int vcpu_access(struct hvmon_emul *em, struct hvmon_emul_access *a)
{
	struct hvmon_vcpu *vcpu = vcpu_of(em);
	int r;

	if (a->write)
		r = hvmon_gpa_write(vcpu, a->gpa, a->data, a->len);
	else
		r = hvmon_gpa_read(vcpu, a->gpa, a->data, a->len);
	if (!r)
		return EM_OK;
	if (r == -EFAULT)
		return memory_gone(em, a->gpa, a->write, r);
	if (r != -ENOENT && r != -EROFS)
		return r;

	vcpu->stats.mmio++;
	if (!kernel_device(vcpu, a))
		return EM_OK;
	to_launcher(vcpu, a, emul_mmio_done);
	return EM_WAIT;
}

static int vcpu_ram(struct hvmon_emul *em, u64 gpa, u32 len, bool write)
{
	struct hvmon_vcpu *vcpu = vcpu_of(em);
	int r;

	if (write)
		r = hvmon_gpa_write(vcpu, gpa, em->pio_data, len);
	else
		r = hvmon_gpa_read(vcpu, gpa, em->pio_data, len);
	if (r == -EFAULT || r == -ENOENT || r == -EROFS)
		return memory_gone(em, gpa, write, -EFAULT);
	return r;
}

static int vcpu_ram_write(struct hvmon_emul *em, u64 gpa, u32 len)
{
	return vcpu_ram(em, gpa, len, true);
}

static int vcpu_ram_read(struct hvmon_emul *em, u64 gpa, u32 len)
{
	return vcpu_ram(em, gpa, len, false);
}

/* ---- ports ---- */

static int vcpu_pio(struct hvmon_emul *em, bool in, u16 port, u32 size, void *data)
{
	struct hvmon_vcpu *vcpu = vcpu_of(em);
	u32 val = 0;
	int r;

	vcpu->stats.pio++;
	if (in)
		r = hvmon_bus_read(vcpu, HVMON_BUS_PIO, port, size, data);
	else
		r = hvmon_bus_write(vcpu, HVMON_BUS_PIO, port, size, data);
	memcpy(&val, data, size);
	if (!r)
		trace_hvmon_pio(vcpu, !in, port, size, 1, val);
	return r;
}

static int vcpu_pio_user(struct hvmon_emul *em, bool in, u16 port, u32 size, u32 count)
{
	struct hvmon_vcpu *vcpu = vcpu_of(em);
	struct hvmon_run *run = vcpu->run;

	run->pio.port = port;
	run->pio.size = size;
	run->pio.direction = in ? HVMON_PIO_IN : HVMON_PIO_OUT;
	run->pio.count = count;
	if (in)
		memset(run->data, 0, size * count);
	trace_hvmon_pio(vcpu, !in, port, size, count, 0);
	vcpu->complete = emul_pio_done;
	hvmon_user_exit(vcpu, HVMON_EXIT_PIO);
	return EM_WAIT;
}

/* ---- registers ---- */

static void vcpu_get_seg(struct hvmon_emul *em, int seg, struct hvmon_segment *s)
{
	hvmon_call(get_seg, vcpu_of(em), seg, s);
}

static void vcpu_set_seg(struct hvmon_emul *em, int seg, const struct hvmon_segment *s)
{
	hvmon_vendor->set_seg(vcpu_of(em), seg, s);
}

static int vcpu_get_gdt(struct hvmon_emul *em, struct hvmon_dtable *gdt)
{
	struct hvmon_state *st = kzalloc(sizeof(*st), GFP_KERNEL);

	if (!st)
		return -ENOMEM;
	hvmon_vendor->get_state(vcpu_of(em), HVMON_STATE_SREGS, st);
	*gdt = st->sregs.gdt;
	kfree(st);
	return EM_OK;
}

static bool vcpu_long_mode(struct hvmon_emul *em)
{
	return hvmon_vendor->get_reg(vcpu_of(em), HVMON_REG_EFER) & EFER_LMA;
}

static u64 vcpu_get_cr(struct hvmon_emul *em, int cr)
{
	return hvmon_get_cr(vcpu_of(em), cr);
}

static int vcpu_set_cr(struct hvmon_emul *em, int cr, u64 val)
{
	return hvmon_set_cr(vcpu_of(em), cr, val);
}

static u64 vcpu_get_dr(struct hvmon_emul *em, int dr)
{
	return hvmon_get_dr(vcpu_of(em), dr);
}

static int vcpu_set_dr(struct hvmon_emul *em, int dr, u64 val)
{
	return hvmon_set_dr(vcpu_of(em), dr, val);
}

static void vcpu_invlpg(struct hvmon_emul *em, u64 lin)
{
	hvmon_vendor->flush_tlb(vcpu_of(em));
}

static const struct hvmon_emul_ops vcpu_ops = {
	.translate = vcpu_translate,
	.access = vcpu_access,
	.is_ram = vcpu_is_ram,
	.pio = vcpu_pio,
	.pio_user = vcpu_pio_user,
	.ram_write = vcpu_ram_write,
	.ram_read = vcpu_ram_read,
	.get_seg = vcpu_get_seg,
	.set_seg = vcpu_set_seg,
	.get_gdt = vcpu_get_gdt,
	.long_mode = vcpu_long_mode,
	.get_cr = vcpu_get_cr,
	.set_cr = vcpu_set_cr,
	.get_dr = vcpu_get_dr,
	.set_dr = vcpu_set_dr,
	.invlpg = vcpu_invlpg,
};

/* ---- instruction bytes ---- */

/* Why a fetch ended early: as hvmon_gva_to_gpa() or hvmon_gpa_read() said */
struct fetch_stop {
	int r;
	u32 error;
	u64 lin;
};

/* As many of @len bytes as can be had */
static int fetch(struct hvmon_vcpu *vcpu, struct hvmon_code code, u8 *buf, int len,
		 struct fetch_stop *stop)
{
	int done = 0, part, r;
	u64 gpa;

	while (done < len) {
		part = min_t(int, len - done, PAGE_SIZE - offset_in_page(code.lin));
		r = hvmon_window_walk(vcpu, &code, &gpa, &stop->error);
		if (!r)
			r = hvmon_gpa_read(vcpu, gpa, buf + done, part);
		if (r) {
			stop->r = r;
			stop->lin = code.lin;
			break;
		}
		done += part;
		code.lin += part;
	}
	return done;
}

/**
 * hvmon_fetch_insn - the bytes at CS:RIP
 * @vcpu: the vCPU
 * @buf: room
 * @len: how many are wanted
 *
 * Return: how many there are, at least 1; -EAGAIN in a section if memory is
 * needed that is not present; -EFAULT if there is none.
 */
int hvmon_fetch_insn(struct hvmon_vcpu *vcpu, u8 *buf, int len)
{
	struct fetch_stop stop = { };
	struct hvmon_code code;
	int n;

	if (vcpu->exit.bytes_len) {
		n = min_t(int, len, vcpu->exit.bytes_len);
		memcpy(buf, vcpu->exit.bytes, n);
		return n;
	}
	hvmon_call(get_code, vcpu, &code);
	n = fetch(vcpu, code, buf, len, &stop);
	if (n)
		return n;
	return stop.r < 0 ? stop.r : -EFAULT;
}

/**
 * hvmon_insn_len - length of the instruction at CS:RIP
 * @vcpu: the vCPU
 *
 * Return: 1 to 15; -EAGAIN in a section: ask outside; -EFAULT if it cannot be
 * fetched; -EINVAL if it cannot be decoded.
 */
int hvmon_insn_len(struct hvmon_vcpu *vcpu)
{
	struct hvmon_insn insn;
	u8 buf[HVMON_INSN_MAX];
	int n, r;

	n = hvmon_fetch_insn(vcpu, buf, sizeof(buf));
	if (n < 0)
		return n;
	r = hvmon_decode(&insn, buf, n, hvmon_call(code_bits, vcpu));
	if (r > 0)
		return r;
	if (r == -ENODATA)
		return vcpu->in_section ? -EAGAIN : -EFAULT;
	return -EINVAL;
}

/* A number of bytes fits below the bits of a code segment, which are 16, 32 or 64 */
static __always_inline u8 decode_key(int n, int bits)
{
	return n | bits;
}

static int decoded_bytes(const struct decoded *d)
{
	return d->bytes[HVMON_INSN_MAX] & 15;
}

static noinline void decode_anew(struct decoded *d, const u64 word[2], int n, int bits)
{
	memcpy(d->word, word, sizeof(d->word));
	d->r = hvmon_decode(&d->insn, d->bytes, n, bits);
}

/*
 * The @n first of @bytes, into ve->cur; what hvmon_decode() returns.
 *
 * Drivers come with few instructions: the one that polls, those of an interrupt, which
 * are an access or two and the EOI. Decoding depends on nothing but the bytes, which
 * have just been fetched, and the mode.
 */
static __always_inline int decode(struct vcpu_emul *ve, u64 lin, const u64 bytes[2], int n,
				  int bits)
{
	struct decoded *d = &ve->decoded[(lin ^ lin >> 2) % DECODED];
	const u64 word[2] = { bytes[0], bytes[1] << 8 >> 8 | (u64)decode_key(n, bits) << 56 };

	if (unlikely((word[0] ^ d->word[0]) | (word[1] ^ d->word[1])))
		decode_anew(d, word, n, bits);
	ve->cur = d;
	return d->r;
}

/* Whatever the bytes are, and why there are no more */
static noinline int fetch_and_decode_slowly(struct hvmon_vcpu *vcpu, struct vcpu_emul *ve,
					    const struct hvmon_code *code, int r)
{
	struct hvmon_emul *em = &ve->em;
	struct fetch_stop stop = { };
	u64 bytes[2] = { };
	int n;

	if (r == -ENODATA) {
		n = fetch(vcpu, *code, (u8 *)bytes, HVMON_INSN_MAX, &stop);
		r = decode(ve, code->lin, bytes, n, code->bits);
	}
	switch (r) {
	case -EINVAL:
		return hvmon_em_ud(em);
	case -E2BIG:
		return hvmon_em_gp(em);
	case -EOPNOTSUPP:
		return hvmon_em_unknown(em, "instruction is not in the decoder's tables");
	case -ENODATA:
		if (stop.r > 0)
			return hvmon_em_raise(em, 14, true, stop.error, stop.lin);
		return hvmon_em_unknown(em, "instruction lies outside memory");
	}
	return EM_OK;
}

/* Fetch and decode into ve->cur; EM_OK or what becomes of the instruction */
static int fetch_and_decode(struct hvmon_vcpu *vcpu, struct vcpu_emul *ve)
{
	/* Both are filled in before they are read: clearing them takes as long as a look */
	struct hvmon_code code __uninitialized;
	u64 bytes[2] __uninitialized;
	int n, r = -ENODATA;

	hvmon_call(get_code, vcpu, &code);
	n = min_t(int, vcpu->exit.bytes_len, HVMON_INSN_MAX);
	if (n) {
		memcpy(bytes, vcpu->exit.bytes, HVMON_INSN_MAX);
		r = decode(ve, code.lin, bytes, n, code.bits);
	} else if (hvmon_window_peek(vcpu, &code, bytes, sizeof(bytes))) {
		r = decode(ve, code.lin, bytes, HVMON_INSN_MAX, code.bits);
	}
	if (likely(r > 0))
		return EM_OK;
	return fetch_and_decode_slowly(vcpu, ve, &code, r);
}

/* ---- the whole ---- */

static int emulation_exit(struct hvmon_vcpu *vcpu, const char *why)
{
	struct vcpu_emul *ve = to_vcpu_emul(vcpu->emul);
	struct hvmon_run *run = vcpu->run;
	int n = ve->cur ? decoded_bytes(ve->cur) : 0;
	struct hvmon_code code;
	u64 rip_gpa = ~0ULL;
	u32 error;

	hvmon_call(get_code, vcpu, &code);
	if (hvmon_window_walk(vcpu, &code, &rip_gpa, &error))
		rip_gpa = ~0ULL;
	run->emulation.rip_gpa = rip_gpa;
	run->emulation.gpa = ve->gpa;
	run->emulation.len = n;
	memset(run->emulation.bytes, 0, sizeof(run->emulation.bytes));
	if (n)
		memcpy(run->emulation.bytes, ve->cur->bytes, n);
	strscpy(run->message, why, sizeof(run->message));
	return hvmon_user_exit(vcpu, HVMON_EXIT_EMULATION);
}

/* What ended an instruction or kept it from ending */
static int conclude(struct hvmon_vcpu *vcpu, struct hvmon_emul *em, int r)
{
	switch (r) {
	case EM_WAIT:
		to_vcpu_emul(em)->rip = vcpu->regs.rip;
		return HVMON_USER;
	case EM_FAULT:
		hvmon_queue_exception(vcpu, em->fault.vector, em->fault.has_error,
				      em->fault.error, em->fault.payload);
		return HVMON_RESUME;
	case EM_UNKNOWN:
		return emulation_exit(vcpu, em->why);
	case EM_RETRY:
		return HVMON_RESUME;
	default:
		return r;
	}
}

static int block_interrupts(struct hvmon_vcpu *vcpu)
{
	struct hvmon_state *st = kzalloc(sizeof(*st), GFP_KERNEL);

	if (!st)
		return -ENOMEM;
	hvmon_vendor->get_state(vcpu, HVMON_STATE_EVENTS, st);
	st->events.flags |= HVMON_EVS_MOVSS_SHADOW;
	hvmon_vendor->set_state(vcpu, HVMON_STATE_EVENTS, st);
	kfree(st);
	return 0;
}

static int commit(struct hvmon_vcpu *vcpu, struct hvmon_emul *em)
{
	int r;

	vcpu->regs = em->regs;
	if (em->again) {
		/* A string traps after each iteration; skip_insn() does the last */
		if (vcpu->regs.rflags & RFLAGS_TF)
			hvmon_queue_exception(vcpu, 1, false, 0, DR6_BS);
		return 0;
	}
	vcpu->stats.emulated++;
	/* RIP is where it belongs: what is left is the interrupt shadow, and TF */
	vcpu->exit.insn_len = 0;
	r = hvmon_call(skip_insn, vcpu);
	if (r >= 0)
		r = em->shadow ? block_interrupts(vcpu) : 0;
	return r;
}

/* Between two iterations of a string: the guest goes on with it by itself */
static bool must_stop(struct hvmon_vcpu *vcpu)
{
	return (READ_ONCE(vcpu->requests) & ~(BIT(HVMON_REQ_CLOCK) | BIT(HVMON_REQ_STEAL))) ||
	       signal_pending(current) || need_resched() ||
	       READ_ONCE(vcpu->run->immediate_exit);
}

static int emul_run(struct hvmon_vcpu *vcpu)
{
	struct hvmon_emul *em = vcpu->emul;
	int r;

	em->cpl = hvmon_call(cpl, vcpu);
	em->xcr0 = vcpu->xcr0;
	do {
		r = hvmon_emul_step(em);
		if (r)
			return conclude(vcpu, em, r);
		r = commit(vcpu, em);
		if (r)
			return r;
	} while (em->again && !must_stop(vcpu));
	return HVMON_RESUME;
}

static int emul_rerun(struct hvmon_vcpu *vcpu)
{
	/* The launcher has given the vCPU another state: nothing to finish */
	if (vcpu->regs.rip != to_vcpu_emul(vcpu->emul)->rip) {
		hvmon_emul_reset(vcpu->emul);
		return HVMON_RESUME;
	}
	return emul_run(vcpu);
}

static int emul_mmio_done(struct hvmon_vcpu *vcpu)
{
	struct hvmon_emul *em = vcpu->emul;
	struct hvmon_emul_access *a = &em->log[em->nr_log - 1];

	if (!a->write) {
		/* The launcher may go on writing there: copied once */
		memcpy(a->data, vcpu->run->data, a->len);
		trace_access(vcpu, a, true);
	}
	a->done = true;
	return emul_rerun(vcpu);
}

static int emul_pio_done(struct hvmon_vcpu *vcpu)
{
	struct hvmon_emul *em = vcpu->emul;

	memcpy(&em->pio_val, em->pio_data, em->insn.opsize);
	em->pio_done = true;
	return emul_rerun(vcpu);
}

/* Where a component lies in a standard XSAVE area, 0 if there is none */
static u32 xsave_offset(int component)
{
	u32 eax, ebx, ecx, edx;

	if (!(hvmon_fpu_xcr0_supported() & BIT_ULL(component)))
		return 0;
	cpuid_count(0xd, component, &eax, &ebx, &ecx, &edx);
	return ebx;
}

/* Most vCPUs of a large guest never need one: it comes with the first use */
static int emul_alloc(struct hvmon_vcpu *vcpu)
{
	struct vcpu_emul *ve;

	if (vcpu->emul)
		return 0;
	ve = kzalloc(sizeof(*ve), GFP_KERNEL_ACCOUNT);
	if (!ve)
		return -ENOMEM;
	ve->vcpu = vcpu;
	ve->em.ops = &vcpu_ops;
	ve->em.in = &vcpu->regs;
	ve->em.pio_data = vcpu->run->data;
	ve->em.xsave = vcpu->xsave;
	ve->em.ymm_offset = xsave_offset(2);
	ve->em.zmm_offset = xsave_offset(6);
	vcpu->emul = &ve->em;
	return 0;
}

/**
 * hvmon_emul_init - prepare a new vCPU for emulation
 * @vcpu: the vCPU
 *
 * Return: 0.
 */
int hvmon_emul_init(struct hvmon_vcpu *vcpu)
{
	vcpu->emul = NULL;
	return 0;
}

/**
 * hvmon_emul_fini - free what emulation needed
 * @vcpu: the vCPU
 */
void hvmon_emul_fini(struct hvmon_vcpu *vcpu)
{
	if (vcpu->emul)
		kfree(to_vcpu_emul(vcpu->emul));
	vcpu->emul = NULL;
}

/*
 * The processor has checked IOPL and the permission map for the access that
 * exited. If the bytes name another, a second vCPU has replaced them since:
 * the processor has to check what is there now.
 */
static bool is_other_port_access(struct hvmon_vcpu *vcpu, const struct hvmon_insn *insn, u64 gpa)
{
	if (insn->op != OP_INS && insn->op != OP_OUTS)
		return false;
	return gpa != ~0ULL || !vcpu->pio.string || vcpu->pio.size != insn->opsize ||
	       vcpu->pio.in != (insn->op == OP_INS);
}

/*
 * Is @gpa, where the processor's access of the same kind led, the operand of @insn, all in
 * one page?
 *
 * A MOV makes no other access, and the processor has found this one allowed. Somebody may
 * have written another instruction there meanwhile: if that one accesses the same place in
 * a page, in the same manner, it gets the page that the first one was about to access.
 */
static bool operand_is_at(struct hvmon_vcpu *vcpu, const struct hvmon_insn *insn, u64 gpa,
			  u32 len)
{
	u64 lin = hvmon_insn_address(insn, &vcpu->regs, vcpu->regs.rip + insn->len);
	int seg = insn->seg;

	if (insn->bits != 64 || seg == HVMON_FS || seg == HVMON_GS)
		lin += hvmon_call(seg_base, vcpu, seg);
	return offset_in_page(lin) == offset_in_page(gpa) && offset_in_page(gpa) + len <= PAGE_SIZE;
}

/* A MOV whose access is done: the register that it loads, and RIP */
static int finish_mov(struct hvmon_vcpu *vcpu, const struct hvmon_emul_access *a)
{
	const struct hvmon_insn *insn = &to_vcpu_emul(vcpu->emul)->cur->insn;
	u64 val;

	vcpu->stats.emulated++;
	if (!a->write) {
		memcpy(&val, a->data, sizeof(val));
		hvmon_insn_set_reg(insn, &vcpu->regs,
				   insn->dst == OPD_ACC ? HVMON_RAX : insn->reg, a->len, val);
	}
	vcpu->regs.rflags &= ~(u64)X86_EFLAGS_RF;
	vcpu->exit.insn_len = insn->len;
	return hvmon_call(skip_insn, vcpu);
}

static int mov_done(struct hvmon_vcpu *vcpu)
{
	struct hvmon_emul_access *a = &vcpu->emul->log[0];

	if (!a->write) {
		/* The launcher may go on writing there: copied once */
		memcpy(a->data, vcpu->run->data, sizeof(u64));
		trace_access(vcpu, a, true);
	}
	return finish_mov(vcpu, a);
}

/**
 * hvmon_emulate_device - emulate an access to a device, inside the section
 * @vcpu: the vCPU
 * @gpa: the address that faulted, where there is no memory
 * @access: HVMON_ACCESS_*, with FINAL
 *
 * What drivers use: MOV to or from an address in one page, one access. The instruction is
 * read, and page tables on the way to it, as far as they are present. All of an instruction
 * or nothing: so it needs no copy of the registers, and no log of accesses but the one that
 * the launcher is to complete.
 *
 * Return: HVMON_RESUME; HVMON_USER; HVMON_LATER: nothing has happened, hvmon_emulate()
 * has to do it; or -errno.
 */
int hvmon_emulate_device(struct hvmon_vcpu *vcpu, u64 gpa, u32 access)
{
	struct hvmon_emul *em = vcpu->emul;
	const struct hvmon_insn *insn;
	struct hvmon_emul_access *a;
	u64 val;
	int r;

	/* The first emulation, outside, makes it */
	if (!em || vcpu->in_flight.valid || fetch_and_decode(vcpu, to_vcpu_emul(em)))
		return HVMON_LATER;
	insn = &to_vcpu_emul(em)->cur->insn;
	if (insn->op != OP_MOV || !insn->mem || insn->src == OPD_SEG)
		return HVMON_LATER;
	a = &em->log[0];
	a->gpa = gpa;
	a->len = insn->opsize;
	a->write = insn->dst == OPD_RM;
	if (access != (HVMON_ACCESS_FINAL | (a->write ? HVMON_ACCESS_WRITE : 0)) ||
	    !operand_is_at(vcpu, insn, gpa, a->len))
		return HVMON_LATER;
	if (a->write) {
		val = insn->src == OPD_IMM ? insn->imm :
		      hvmon_insn_reg(insn, &vcpu->regs,
				     insn->src == OPD_ACC ? HVMON_RAX : insn->reg, a->len);
		memcpy(a->data, &val, sizeof(val));
	}
	r = kernel_device(vcpu, a);
	if (r == HVMON_LATER)
		return r;
	vcpu->stats.mmio++;
	if (!r)
		return finish_mov(vcpu, a);
	trace_hvmon_fault(vcpu, gpa, a->write ? HVMON_ACCESS_WRITE : 0, -ENOENT);
	return to_launcher(vcpu, a, mov_done);
}

/**
 * hvmon_emulate - emulate the instruction at CS:RIP
 * @vcpu: the vCPU
 * @gpa: the address that faulted, ~0 if none
 *
 * Return: HVMON_RESUME, HVMON_USER, HVMON_LATER in a section, or -errno.
 */
int hvmon_emulate(struct hvmon_vcpu *vcpu, u64 gpa)
{
	struct vcpu_emul *ve;
	int r;

	if (vcpu->in_section)
		return HVMON_LATER;
	r = emul_alloc(vcpu);
	if (r)
		return r;
	ve = to_vcpu_emul(vcpu->emul);
	ve->gpa = gpa;
	hvmon_emul_reset(&ve->em);
	/* The fault is not of the instruction at RIP, which may not have begun */
	if (vcpu->in_flight.valid && gpa != ~0ULL) {
		ve->cur = NULL;
		return emulation_exit(vcpu, "delivery of an event accessed device memory");
	}
	r = fetch_and_decode(vcpu, ve);
	if (r)
		return conclude(vcpu, &ve->em, r);
	ve->em.insn = ve->cur->insn;
	if (is_other_port_access(vcpu, &ve->em.insn, gpa))
		return HVMON_RESUME;
	return emul_run(vcpu);
}
