/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows: pages of code that exits have led to, kept from one to the next.
 *
 * Where the processor tells neither an instruction's length nor its bytes, each
 * exit begins with a walk of the guest's page tables. A guest may change these at
 * any time, and makes its TLB forget without an exit; so nothing that is kept here
 * is believed. A window remembers the entries that a walk has read, and where they
 * lie in the launcher's memory. It is open if all of them read the same again: a
 * walk would then lead to the same page, and take several times as long.
 */
#ifndef _HVMON_WINDOW_H
#define _HVMON_WINDOW_H

#include <linux/uaccess.h>
#include <asm/processor-flags.h>

#include "hvmon.h"

/* Whose bits are at different places in the three registers: what a fetch looks at */
#define HVMON_MODE_CR0	X86_CR0_PG
#define HVMON_MODE_CR4	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_LA57 | X86_CR4_SMEP)
#define HVMON_MODE_EFER	(BIT_ULL(10) | BIT_ULL(11))	/* LMA, NXE */
#define HVMON_MODE_USER	BIT_ULL(0)

static_assert(!(HVMON_MODE_CR0 & HVMON_MODE_CR4));
static_assert(!((HVMON_MODE_CR0 | HVMON_MODE_CR4) & (HVMON_MODE_EFER | HVMON_MODE_USER)));

static __always_inline u64 hvmon_fetch_mode(u64 cr0, u64 cr4, u64 efer, int cpl)
{
	return (cr0 & HVMON_MODE_CR0) | (cr4 & HVMON_MODE_CR4) | (efer & HVMON_MODE_EFER) |
	       (cpl == 3 ? HVMON_MODE_USER : 0);
}

static __always_inline struct hvmon_window *hvmon_window_at(struct hvmon_vcpu *vcpu, u64 lin)
{
	return &vcpu->window[(lin >> PAGE_SHIFT) % ARRAY_SIZE(vcpu->window)];
}

/* Do its table entries read as they did? Between user_access_begin() and _end() */
static __always_inline bool hvmon_window_walks(const struct hvmon_window *w)
{
	/* By pointers: a check of an index would be a call, which must not be here */
	const struct hvmon_window_entry *e = w->entry, *end = e + w->nr;
	u32 narrow;
	u64 val;

	for (; e < end; e++) {
		if (likely(w->wide)) {
			unsafe_get_user(val, (const u64 __user *)e->hva, fault);
		} else {
			unsafe_get_user(narrow, (const u32 __user *)e->hva, fault);
			val = narrow;
		}
		if (val != e->val)
			return false;
	}
	return true;

fault:
	return false;
}

/**
 * hvmon_window_peek() - instruction bytes by an open window
 * @vcpu: the vCPU
 * @code: where it is
 * @buf: filled in
 * @len: how many bytes: 8 or 16, a constant
 *
 * In the VM's address space, in a section or outside; it does not sleep. The slots
 * are those that the window was made by, or they have been replaced an instant ago:
 * then the bytes come from where they came from before that.
 *
 * Return: false if there is none, or fewer than @len bytes are left of the page:
 * nothing is known.
 */
static __always_inline bool hvmon_window_peek(struct hvmon_vcpu *vcpu,
					      const struct hvmon_code *code, u64 *buf, int len)
{
	const struct hvmon_window *w = hvmon_window_at(vcpu, code->lin);
	unsigned long offset = code->lin & ~PAGE_MASK;
	const u64 __user *from;
	bool open = false;

	if ((w->page ^ (code->lin - offset)) | (w->cr3 ^ code->cr3) | (w->mode ^ code->mode) |
	    (w->slots_gen ^ READ_ONCE(vcpu->vm->slots_gen)) || offset > PAGE_SIZE - len)
		return false;
	from = (const u64 __user *)(w->hva + offset);
	pagefault_disable();
	if (unlikely(!user_access_begin(from, len)))
		goto out;
	if (unlikely(!hvmon_window_walks(w)))
		goto end;
	unsafe_get_user(buf[0], from, end);
	if (len > 8)
		unsafe_get_user(buf[1], from + 1, end);
	open = true;
end:
	user_access_end();
out:
	pagefault_enable();
	return open;
}

#endif /* _HVMON_WINDOW_H */
