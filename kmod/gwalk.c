// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of the guest's own page tables, as the processor would do it in the
 * guest's paging mode (APM vol. 2, chapter 5; SDM vol. 3, chapter 4). The
 * walker proper takes its memory through two callbacks and knows no VM.
 */
#include <linux/bits.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "pt.h"
#include "window.h"

#define GW_P		BIT_ULL(0)
#define GW_W		BIT_ULL(1)
#define GW_U		BIT_ULL(2)
#define GW_A		BIT_ULL(5)
#define GW_D		BIT_ULL(6)
#define GW_PS		BIT_ULL(7)
#define GW_NX		BIT_ULL(63)
#define GW_PKEY(e)	((e) >> 59 & 15)

/* Another processor may change an entry between its read and its update */
#define GW_TRIES	64

/* How the tables of a paging mode look */
struct gw_mode {
	u8 levels;
	u8 entry;		/* bytes */
	u8 index_bits;
	bool longmode;
};

static const struct gw_mode gw_32 = { .levels = 2, .entry = 4, .index_bits = 10 };
static const struct gw_mode gw_pae = { .levels = 3, .entry = 8, .index_bits = 9 };
static const struct gw_mode gw_4 = { .levels = 4, .entry = 8, .index_bits = 9, .longmode = true };
static const struct gw_mode gw_5 = { .levels = 5, .entry = 8, .index_bits = 9, .longmode = true };

/* What the walk has gathered */
struct gw_result {
	u64 gpa;
	u64 pte;		/* the leaf */
	u64 pte_gpa;		/* where it lies */
	u8 level;
	bool write, user, nx;	/* allowed by all levels */
};

static const struct gw_mode *gw_mode(const struct hvmon_paging *pg)
{
	if (!(pg->cr4 & X86_CR4_PAE))
		return &gw_32;
	if (!(pg->efer & EFER_LMA))
		return &gw_pae;
	return pg->cr4 & X86_CR4_LA57 ? &gw_5 : &gw_4;
}

static unsigned int gw_shift(const struct gw_mode *m, int level)
{
	return 12 + m->index_bits * (level - 1);
}

static bool gw_nxe(const struct hvmon_paging *pg)
{
	return (pg->cr4 & X86_CR4_PAE) && (pg->efer & EFER_NX);
}

static bool gw_is_leaf(const struct hvmon_gwalk *w, const struct gw_mode *m, int level, u64 e)
{
	if (level == 1)
		return true;
	if (!(e & GW_PS))
		return false;
	if (m == &gw_32)
		return w->pg.cr4 & X86_CR4_PSE;
	return level == 2 || (level == 3 && m->longmode);
}

/* GENMASK that may be empty */
static u64 gw_bits(int high, int low)
{
	return high < low ? 0 : GENMASK_ULL(high, low);
}

/* PSE-36: bits 20:13 are bits 39:32 of the address, as far as there are any */
static u64 gw_reserved_32(const struct hvmon_gwalk *w, int level, u64 e)
{
	int width = clamp_t(int, w->maxphyaddr, 32, 40);

	return level == 2 && (e & GW_PS) && (w->pg.cr4 & X86_CR4_PSE) ?
	       gw_bits(21, 13 + width - 32) : 0;
}

/* Bits that must be zero in a present entry */
static u64 gw_reserved(const struct hvmon_gwalk *w, const struct gw_mode *m, int level, u64 e)
{
	u64 r;

	if (m == &gw_32)
		return gw_reserved_32(w, level, e);

	r = gw_bits(51, w->maxphyaddr);
	if (!gw_nxe(&w->pg))
		r |= GW_NX;
	if (!m->longmode) {
		r |= gw_bits(62, 52);
		if (level == 3)
			return r | GW_NX | gw_bits(8, 5) | gw_bits(2, 1);
	}
	if (level > 3 || (level == 3 && !w->gbpages))
		r |= GW_PS;
	if (level > 1 && (e & GW_PS))
		r |= gw_bits(gw_shift(m, level) - 1, 13);
	return r;
}

/* Where the top table lies, and how many levels are left to walk from there */
static u64 gw_root(const struct hvmon_gwalk *w, const struct gw_mode *m)
{
	if (m == &gw_32)
		return w->pg.cr3 & gw_bits(31, 12);
	if (m == &gw_pae)
		return w->pg.cr3 & gw_bits(31, 5);
	return w->pg.cr3 & gw_bits(51, 12);
}

static u64 gw_leaf_gpa(const struct gw_mode *m, int level, u64 e, u64 gva)
{
	u64 offset = gw_bits(gw_shift(m, level) - 1, 0);
	u64 base = e & gw_bits(m == &gw_32 ? 31 : 51, 12) & ~offset;

	if (m == &gw_32 && level == 2)
		base |= (e >> 13 & 0xff) << 32;
	return base | (gva & offset);
}

static int gw_read(struct hvmon_gwalk *w, const struct gw_mode *m, int level, unsigned int i,
		   u64 at, u64 *e)
{
	u32 e32;
	int r;

	/* VT-x loads the four PDPTEs with CR3; AMD-V reads them as it walks */
	if (m == &gw_pae && level == 3 && w->pg.pdptr_valid) {
		*e = w->pg.pdptr[i & 3];
		return 0;
	}
	if (m->entry == 8)
		return w->read(w, at, e, 8);
	r = w->read(w, at, &e32, 4);
	*e = e32;
	return r;
}

/* Sets @bits of an entry. 0, 1 if it changed meanwhile, or -errno */
static int gw_mark(struct hvmon_gwalk *w, const struct gw_mode *m, u64 at, u64 *e, u64 bits)
{
	int r;

	if ((*e & bits) == bits)
		return 0;
	r = w->update(w, at, *e, *e | bits, m->entry);
	if (!r)
		*e |= bits;
	return r;
}

/* The error code but for what the tables add to it */
static u32 gw_error(const struct hvmon_paging *pg, u32 access)
{
	u32 error = 0;

	if (access & HVMON_ACCESS_WRITE)
		error |= HVMON_PF_W;
	if (access & HVMON_ACCESS_USER)
		error |= HVMON_PF_U;
	if ((access & HVMON_ACCESS_EXEC) && (gw_nxe(pg) || (pg->cr4 & X86_CR4_SMEP)))
		error |= HVMON_PF_I;
	return error;
}

static bool gw_pkey_denies(const struct hvmon_paging *pg, const struct gw_mode *m,
			   const struct gw_result *res, u32 access)
{
	u32 rights = pg->pkru >> (2 * GW_PKEY(res->pte)) & 3;

	if (!m->longmode || !(pg->cr4 & X86_CR4_PKE) || !res->user ||
	    (access & HVMON_ACCESS_EXEC))
		return false;
	if (rights & 1)
		return true;
	return (rights & 2) && (access & HVMON_ACCESS_WRITE) &&
	       ((access & HVMON_ACCESS_USER) || (pg->cr0 & X86_CR0_WP));
}

static bool gw_rights_deny(const struct hvmon_paging *pg, const struct gw_result *res,
			   u32 access)
{
	bool user = access & HVMON_ACCESS_USER;
	bool exec = access & HVMON_ACCESS_EXEC;

	if (user && !res->user)
		return true;
	if (exec && res->nx && gw_nxe(pg))
		return true;
	if (exec && !user && res->user && (pg->cr4 & X86_CR4_SMEP))
		return true;
	if (!exec && !user && res->user && (pg->cr4 & X86_CR4_SMAP) &&
	    !(pg->rflags & X86_EFLAGS_AC))
		return true;
	return (access & HVMON_ACCESS_WRITE) && !res->write &&
	       (user || (pg->cr0 & X86_CR0_WP));
}

/*
 * One level: reads the entry and checks that it can be used. Returns 0, 1 with
 * bits added to *@error, or -errno.
 */
static int gw_entry(struct hvmon_gwalk *w, const struct gw_mode *m, int level, unsigned int i,
		    u64 at, u64 *e, u32 *error)
{
	int r = gw_read(w, m, level, i, at, e);

	if (r)
		return r;
	if (!(*e & GW_P))
		return 1;
	if (*e & gw_reserved(w, m, level, *e)) {
		*error |= HVMON_PF_P | HVMON_PF_RSVD;
		return 1;
	}
	return 0;
}

/* Down to the leaf. 0, 1 for a fault, 2 to walk again, or -errno */
static int gw_descend(struct hvmon_gwalk *w, const struct gw_mode *m, u64 gva,
		      struct gw_result *res, u32 *error)
{
	u64 table = gw_root(w, m);
	int level, r;

	res->write = true;
	res->user = true;
	for (level = m->levels; ; level--) {
		unsigned int i = gva >> gw_shift(m, level) & gw_bits(m->index_bits - 1, 0);
		bool pdpte = m == &gw_pae && level == 3;
		u64 at = table + i * m->entry;
		u64 e;

		r = gw_entry(w, m, level, i, at, &e, error);
		if (r)
			return r;
		if (!pdpte) {
			res->write &= !!(e & GW_W);
			res->user &= !!(e & GW_U);
			res->nx |= m->entry == 8 && (e & GW_NX);
		}
		if (gw_is_leaf(w, m, level, e)) {
			res->gpa = gw_leaf_gpa(m, level, e, gva);
			res->pte = e;
			res->pte_gpa = at;
			return 0;
		}
		if (w->set_ad && !pdpte) {
			r = gw_mark(w, m, at, &e, GW_A);
			if (r)
				return r == 1 ? 2 : r;
		}
		table = e & gw_bits(m == &gw_32 ? 31 : 51, 12);
	}
}

static int gw_once(struct hvmon_gwalk *w, const struct gw_mode *m, u64 gva, u32 access,
		   u64 *gpa, u32 *error)
{
	u64 bits = GW_A | (access & HVMON_ACCESS_WRITE ? GW_D : 0);
	struct gw_result res = {};
	bool denied;
	int r;

	*error = gw_error(&w->pg, access);
	r = gw_descend(w, m, gva, &res, error);
	if (r)
		return r;

	denied = gw_rights_deny(&w->pg, &res, access);
	if (gw_pkey_denies(&w->pg, m, &res, access)) {
		*error |= HVMON_PF_PK;
		denied = true;
	}
	if (denied) {
		*error |= HVMON_PF_P;
		return 1;
	}
	if (w->set_ad) {
		r = gw_mark(w, m, res.pte_gpa, &res.pte, bits);
		if (r)
			return r == 1 ? 2 : r;
	}
	*gpa = res.gpa;
	*error = 0;
	return 0;
}

static bool gw_canonical(u64 gva, const struct gw_mode *m)
{
	int unused = 64 - gw_shift(m, m->levels + 1);

	return !m->longmode || (u64)((s64)(gva << unused) >> unused) == gva;
}

/**
 * hvmon_gwalk - walk page tables
 * @w: mode and memory
 * @gva: linear address. In long mode it should be canonical: the processor
 *       raises #GP or #SS before it walks; here it counts as not present
 * @access: HVMON_ACCESS_*
 * @gpa: where it leads, if 0 is returned
 * @error: the page fault's error code, if 1 is returned
 *
 * RFLAGS.AC in @w->pg overrides SMAP: the caller clears it for implicit
 * supervisor accesses (SDM vol. 3, 4.6.1).
 *
 * Return: 0, 1 for a page fault, or what a callback failed with.
 */
int hvmon_gwalk(struct hvmon_gwalk *w, u64 gva, u32 access, u64 *gpa, u32 *error)
{
	const struct gw_mode *m = gw_mode(&w->pg);
	int i, r;

	if (!(w->pg.cr0 & X86_CR0_PG)) {
		*gpa = (u32)gva;
		*error = 0;
		return 0;
	}
	if (!m->longmode)
		gva = (u32)gva;
	if (!gw_canonical(gva, m)) {
		*error = gw_error(&w->pg, access);
		return 1;
	}
	for (i = 0; i < GW_TRIES; i++) {
		r = gw_once(w, m, gva, access, gpa, error);
		if (r != 2)
			return r;
	}
	return -EAGAIN;
}

/* ------------------------------------------------------------------ */
/* A vCPU's walk */

/* @nr of the entries read are kept, with their addresses in the guest */
struct gw_vcpu {
	struct hvmon_gwalk w;
	struct hvmon_vcpu *vcpu;
	u32 nr;
	u64 gpa[HVMON_WINDOW_LEVELS];
	u64 val[HVMON_WINDOW_LEVELS];
};

static int gw_vcpu_read(struct hvmon_gwalk *w, u64 gpa, void *buf, u32 len)
{
	struct gw_vcpu *gv = container_of(w, struct gw_vcpu, w);
	int r = hvmon_gpa_read(gv->vcpu, gpa, buf, len);

	if (!r && gv->nr < HVMON_WINDOW_LEVELS) {
		gv->gpa[gv->nr] = gpa;
		gv->val[gv->nr++] = len == 8 ? *(u64 *)buf : *(u32 *)buf;
	}
	return r;
}

static int gw_cmpxchg_user(unsigned long hva, u64 old, u64 new, u32 len)
{
	u32 old32 = old;

	if (len == 8)
		return __try_cmpxchg_user((u64 __user *)hva, &old, new, fault64);
	return __try_cmpxchg_user((u32 __user *)hva, &old32, (u32)new, fault32);
}

/* An entry is aligned to its size, and so lies in one page */
static int gw_vcpu_update(struct hvmon_gwalk *w, u64 gpa, u64 old, u64 new, u32 len)
{
	struct hvmon_vcpu *vcpu = container_of(w, struct gw_vcpu, w)->vcpu;
	bool atomic = vcpu->in_section || vcpu->in_stretch;
	struct hvmon_vm *vm = vcpu->vm;
	struct hvmon_slot *slot;
	int idx, r = -EFAULT;

	idx = srcu_read_lock(&vm->srcu);
	slot = hvmon_slot_by_gfn(vm, gpa >> PAGE_SHIFT);
	if (!slot)
		goto out;
	/* Tables in ROM: the walk is good, only the bits cannot be kept */
	if (slot->flags & HVMON_MEM_READONLY) {
		r = 0;
		goto out;
	}
	if (atomic)
		pagefault_disable();
	r = gw_cmpxchg_user(slot->hva + (gpa - (slot->gfn << PAGE_SHIFT)), old, new, len);
	if (atomic)
		pagefault_enable();
	if (!r)
		hvmon_mark_dirty(vm, &gpa, 1);
	else if (r < 0 && atomic)
		r = -EAGAIN;
out:
	srcu_read_unlock(&vm->srcu, idx);
	return r;
}

static int gw_vcpu_walk(struct hvmon_vcpu *vcpu, struct gw_vcpu *gv, u64 gva, u32 access,
			bool set_ad, u64 *gpa, u32 *error)
{
	gv->w.maxphyaddr = vcpu->caps.maxphyaddr ?: hvmon_gpa_bits();
	gv->w.gbpages = vcpu->caps.gbpages;
	gv->w.set_ad = set_ad;
	gv->w.read = gw_vcpu_read;
	gv->w.update = gw_vcpu_update;
	gv->vcpu = vcpu;
	gv->nr = 0;
	hvmon_call(get_paging, vcpu, &gv->w.pg);
	if (access & HVMON_ACCESS_IMPLICIT ||
	    (!(access & HVMON_ACCESS_USER) && hvmon_call(cpl, vcpu) == 3))
		gv->w.pg.rflags &= ~X86_EFLAGS_AC;
	return hvmon_gwalk(&gv->w, gva, access, gpa, error);
}

/**
 * hvmon_gva_to_gpa - walk the guest's page tables as it has them now
 * @vcpu: whose
 * @gva: linear address; canonical, or a fault without P is reported
 * @access: HVMON_ACCESS_*; without USER at CPL 3 the access is implicit, too
 * @set_ad: set accessed and dirty bits as the processor would
 * @gpa: where it leads, if 0 is returned
 * @error: the page fault's error code, if 1 is returned
 *
 * Return: 0; 1 for a guest page fault; -EFAULT if a table does not lie in
 * memory; -EAGAIN in a section or stretch where a page is not there.
 */
int hvmon_gva_to_gpa(struct hvmon_vcpu *vcpu, u64 gva, u32 access, bool set_ad,
		     u64 *gpa, u32 *error)
{
	struct gw_vcpu gv;

	if (hvmon_call(get_reg, vcpu, HVMON_REG_CR0) & X86_CR0_PG)
		return gw_vcpu_walk(vcpu, &gv, gva, access, set_ad, gpa, error);
	*gpa = (u32)gva;
	*error = 0;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Windows */

/* Under vm->srcu. 0: nowhere, or at an address that tells nothing */
static unsigned long gpa_to_hva(struct hvmon_vm *vm, u64 gpa)
{
	const struct hvmon_slot *slot = hvmon_slot_by_gfn(vm, gpa >> PAGE_SHIFT);

	return slot ? slot->hva + (gpa - (slot->gfn << PAGE_SHIFT)) : 0;
}

/* What the walk has read becomes a window, if all of it lies in the launcher's memory */
static void window_make(struct hvmon_vcpu *vcpu, struct hvmon_window *w,
			const struct hvmon_code *code, const struct gw_vcpu *gv, u64 gpa,
			u64 slots_gen)
{
	struct hvmon_vm *vm = vcpu->vm;
	bool found;
	int idx;
	u32 i;

	idx = srcu_read_lock(&vm->srcu);
	w->hva = gpa_to_hva(vm, gpa & PAGE_MASK);
	found = w->hva;
	for (i = 0; i < gv->nr; i++) {
		w->entry[i].hva = gpa_to_hva(vm, gv->gpa[i]);
		w->entry[i].val = gv->val[i];
		found &= !!w->entry[i].hva;
	}
	srcu_read_unlock(&vm->srcu, idx);
	if (!found)
		return;
	w->page = code->lin & PAGE_MASK;
	w->cr3 = code->cr3;
	w->mode = code->mode;
	w->nr = gv->nr;
	w->wide = code->mode & X86_CR4_PAE;
	w->slots_gen = slots_gen;
}

/**
 * hvmon_window_walk() - walk to an instruction, and make a window where it leads
 * @vcpu: whose
 * @code: where it is
 * @gpa: where it leads, if 0 is returned
 * @error: the page fault's error code, if 1 is returned
 *
 * Accessed bits are left alone: the processor has set them when it fetched. PDPTEs
 * that the processor keeps in registers are compared by nobody: no window then.
 *
 * Return: as hvmon_gva_to_gpa().
 */
int hvmon_window_walk(struct hvmon_vcpu *vcpu, const struct hvmon_code *code, u64 *gpa,
		      u32 *error)
{
	u32 access = HVMON_ACCESS_EXEC | (code->mode & HVMON_MODE_USER ? HVMON_ACCESS_USER : 0);
	struct hvmon_window *w = hvmon_window_at(vcpu, code->lin);
	/* Before any slot is looked at; pairs with slots_publish() */
	u64 slots_gen = smp_load_acquire(&vcpu->vm->slots_gen);
	struct gw_vcpu gv;
	int r;

	w->slots_gen = 0;
	if (!(code->mode & X86_CR0_PG)) {
		*gpa = (u32)code->lin;
		*error = 0;
		gv.nr = 0;
		window_make(vcpu, w, code, &gv, *gpa, slots_gen);
		return 0;
	}
	r = gw_vcpu_walk(vcpu, &gv, code->lin, access, false, gpa, error);
	if (!r && !gv.w.pg.pdptr_valid)
		window_make(vcpu, w, code, &gv, *gpa, slots_gen);
	return r;
}
