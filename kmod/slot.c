// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: adding, replacing and removing them while vCPUs run, the dirty
 * log, and access to guest memory through them.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pt.h"

/**
 * hvmon_gpa_bits - width of a guest-physical address
 *
 * What the nested tables reach and the host's address bus carries.
 *
 * Return: the number of bits.
 */
u32 hvmon_gpa_bits(void)
{
	u32 bits = boot_cpu_data.x86_phys_bits;

	if (hvmon_probe_result.levels)
		bits = min_t(u32, bits, PAGE_SHIFT + 9 * hvmon_probe_result.levels);
	return min(bits, 52U);
}

/* ------------------------------------------------------------------ */
/* The sorted array */

/**
 * hvmon_mem_check - whether an argument of HVMON_MEM_SET makes sense by itself
 * @arg: copied in
 * @gpa_bits: hvmon_gpa_bits()
 *
 * Return: 0 or -EINVAL.
 */
int hvmon_mem_check(const struct hvmon_mem *arg, u32 gpa_bits)
{
	u64 gpa_end, hva_end;

	if (arg->flags & ~(HVMON_MEM_READONLY | HVMON_MEM_LOG_DIRTY))
		return -EINVAL;
	if (arg->reserved || arg->slot >= HVMON_MAX_SLOTS)
		return -EINVAL;
	if (!arg->len)
		return arg->gpa || arg->hva || arg->flags ? -EINVAL : 0;
	if (!IS_ALIGNED(arg->gpa | arg->hva | arg->len, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(arg->gpa, arg->len, &gpa_end) ||
	    check_add_overflow(arg->hva, arg->len, &hva_end))
		return -EINVAL;
	if (gpa_end > 1ULL << gpa_bits || hva_end > TASK_SIZE_MAX)
		return -EINVAL;
	return 0;
}

/**
 * hvmon_slots_find - the slot that has a frame
 * @slots: sorted; NULL is empty
 * @gfn: guest frame
 *
 * Return: the slot or NULL.
 */
struct hvmon_slot *hvmon_slots_find(const struct hvmon_slots *slots, u64 gfn)
{
	u32 lo = 0, hi = slots ? slots->nr : 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		struct hvmon_slot *slot = slots->slot[mid];

		if (gfn < slot->gfn)
			hi = mid;
		else if (gfn - slot->gfn >= slot->npages)
			lo = mid + 1;
		else
			return slot;
	}
	return NULL;
}

static bool slots_overlap(const struct hvmon_slot *a, const struct hvmon_slot *b)
{
	return a->gfn < b->gfn + b->npages && b->gfn < a->gfn + a->npages;
}

/**
 * hvmon_slots_edit - a changed copy of a slot array
 * @old: sorted; NULL is empty
 * @drop: slot to leave out, or NULL
 * @add: slot to put in, or NULL
 *
 * Return: the sorted copy, NULL if it would be empty, or ERR_PTR: -EEXIST if
 * @add overlaps a slot that stays, -ENOMEM.
 */
struct hvmon_slots *hvmon_slots_edit(const struct hvmon_slots *old,
				     const struct hvmon_slot *drop, struct hvmon_slot *add)
{
	u32 i, n = 0, nr = (old ? old->nr : 0) - (drop ? 1 : 0) + (add ? 1 : 0);
	struct hvmon_slots *new;

	for (i = 0; add && old && i < old->nr; i++)
		if (old->slot[i] != drop && slots_overlap(old->slot[i], add))
			return ERR_PTR(-EEXIST);
	if (!nr)
		return NULL;
	new = kzalloc(struct_size(new, slot, nr), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->nr = nr;
	for (i = 0; old && i < old->nr; i++) {
		struct hvmon_slot *slot = old->slot[i];

		if (slot == drop)
			continue;
		if (add && add->gfn < slot->gfn) {
			new->slot[n++] = add;
			add = NULL;
		}
		new->slot[n++] = slot;
	}
	if (add)
		new->slot[n] = add;
	return new;
}

static bool slots_log(const struct hvmon_slots *slots)
{
	u32 i;

	for (i = 0; slots && i < slots->nr; i++)
		if (slots->slot[i]->dirty)
			return true;
	return false;
}

static struct hvmon_slots *vm_slots(struct hvmon_vm *vm)
{
	return srcu_dereference_check(vm->slots, &vm->srcu, lockdep_is_held(&vm->lock));
}

/**
 * hvmon_slot_by_gfn - the slot that has a frame
 * @vm: virtual machine; the caller is in a vm->srcu read section
 * @gfn: guest frame
 *
 * Return: the slot, valid as long as the read section, or NULL.
 */
struct hvmon_slot *hvmon_slot_by_gfn(struct hvmon_vm *vm, u64 gfn)
{
	return hvmon_slots_find(vm_slots(vm), gfn);
}

bool hvmon_gfn_has_slot(struct hvmon_vcpu *vcpu, u64 gfn, u64 gen)
{
	struct hvmon_vm *vm = vcpu->vm;
	bool has;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	has = hvmon_slot_by_gfn(vm, gfn);
	srcu_read_unlock(&vm->srcu, idx);
	if (!has) {
		vcpu->hole_gfn = gfn;
		vcpu->hole_gen = gen;
	}
	return has;
}

static struct hvmon_slot *slot_by_id(struct hvmon_vm *vm, u32 id)
{
	struct hvmon_slots *slots = vm_slots(vm);
	u32 i;

	for (i = 0; slots && i < slots->nr; i++)
		if (slots->slot[i]->id == id)
			return slots->slot[i];
	return NULL;
}

/* ------------------------------------------------------------------ */
/* MEM_SET */

static void slot_free(struct hvmon_slot *slot)
{
	kvfree(slot->dirty);
	kfree(slot);
}

static bool slot_same_memory(const struct hvmon_slot *a, const struct hvmon_slot *b)
{
	return a->hva == b->hva && a->npages == b->npages;
}

static struct hvmon_slot *slot_alloc(struct hvmon_vm *vm, const struct hvmon_mem *arg,
				     const struct hvmon_slot *old)
{
	struct hvmon_slot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->vm = vm;
	slot->id = arg->slot;
	slot->flags = arg->flags;
	slot->gfn = arg->gpa >> PAGE_SHIFT;
	slot->npages = arg->len >> PAGE_SHIFT;
	slot->hva = arg->hva;
	if (!(slot->flags & HVMON_MEM_LOG_DIRTY))
		return slot;
	/* Pages of the same memory stay dirty; slot_retire() leaves them to us */
	if (old && old->dirty && slot_same_memory(old, slot)) {
		slot->dirty = old->dirty;
		return slot;
	}
	slot->dirty = kvzalloc(BITS_TO_LONGS(slot->npages) * sizeof(long),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!slot->dirty) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

/* Whether @new differs from @old only in that writes are logged from now on */
static bool slot_only_logs(const struct hvmon_slot *old, const struct hvmon_slot *new)
{
	return new && slot_same_memory(old, new) && old->gfn == new->gfn &&
	       (old->flags | HVMON_MEM_LOG_DIRTY) == new->flags;
}

/* Nothing refers to @old any more but the notifier */
static void slot_retire(struct hvmon_slot *old, const struct hvmon_slot *new)
{
	mmu_interval_notifier_remove(&old->notifier);
	if (new && new->dirty == old->dirty)
		old->dirty = NULL;
	slot_free(old);
}

static void slots_publish(struct hvmon_vm *vm, struct hvmon_slots *slots)
{
	struct hvmon_slots *prev = vm_slots(vm);

	rcu_assign_pointer(vm->slots, slots);
	/* Pairs with hvmon_window_walk(): of the old array no window is opened any more */
	smp_store_release(&vm->slots_gen, vm->slots_gen + 1);
	if (prev) {
		synchronize_srcu_expedited(&vm->srcu);
		kfree(prev);
	}
}

/*
 * A leaf belongs to the slot that its frame lies in, and nothing says so in
 * the tables. So faults install nothing from before the old slot's leaves go
 * until no one can find the old slot: no leaf of either is ever taken for one
 * of the other.
 */
static void slots_replace(struct hvmon_vm *vm, struct hvmon_slots *slots,
			  struct hvmon_slot *old, struct hvmon_slot *new)
{
	hvmon_tdp_freeze(vm, true);
	hvmon_tdp_walk_slot(old, slot_only_logs(old, new) ? HVMON_PT_LOG : HVMON_PT_ZAP,
			    0, old->npages);
	slots_publish(vm, slots);
	slot_retire(old, new);
	hvmon_tdp_freeze(vm, false);
}

/**
 * hvmon_mem_set - HVMON_MEM_SET
 * @vm: virtual machine, with vm->lock held, in its own address space
 * @arg: copied in
 *
 * Return: 0 or -errno as the ABI says.
 */
int hvmon_mem_set(struct hvmon_vm *vm, const struct hvmon_mem *arg)
{
	struct hvmon_slot *old, *new = NULL;
	struct hvmon_slots *slots;
	int r = hvmon_mem_check(arg, hvmon_gpa_bits());

	lockdep_assert_held(&vm->lock);
	if (r)
		return r;
	old = slot_by_id(vm, arg->slot);
	if (!arg->len && !old)
		return -ENOENT;
	if (arg->gpa >> PAGE_SHIFT <= HVMON_APIC_GFN &&
	    (arg->gpa + arg->len) >> PAGE_SHIFT > HVMON_APIC_GFN)
		hvmon_tdp_bar_apic(vm);
	if (arg->len) {
		new = slot_alloc(vm, arg, old);
		if (!new)
			return -ENOMEM;
	}
	slots = hvmon_slots_edit(vm_slots(vm), old, new);
	if (IS_ERR(slots)) {
		r = PTR_ERR(slots);
		goto free_slot;
	}
	if (new) {
		r = mmu_interval_notifier_insert(&new->notifier, vm->mm, new->hva, arg->len,
						 &hvmon_tdp_interval_ops);
		if (r)
			goto free_slots;
	}
	if (new && new->dirty)
		hvmon_tdp_set_logging(vm, true);
	if (old)
		slots_replace(vm, slots, old, new);
	else
		slots_publish(vm, slots);
	hvmon_tdp_set_logging(vm, slots_log(slots));
	return 0;

free_slots:
	kfree(slots);
free_slot:
	if (new && old && new->dirty == old->dirty)
		new->dirty = NULL;
	if (new)
		slot_free(new);
	return r;
}

/**
 * hvmon_slots_fini - free all slots
 * @vm: virtual machine that nobody else can reach
 */
void hvmon_slots_fini(struct hvmon_vm *vm)
{
	struct hvmon_slots *slots = rcu_dereference_protected(vm->slots, true);
	u32 i;

	if (!slots)
		return;
	/* The notifier that ages pages is still there, and reads the array */
	RCU_INIT_POINTER(vm->slots, NULL);
	synchronize_srcu_expedited(&vm->srcu);
	for (i = 0; i < slots->nr; i++) {
		hvmon_tdp_walk_slot(slots->slot[i], HVMON_PT_ZAP, 0, slots->slot[i]->npages);
		slot_retire(slots->slot[i], NULL);
	}
	kfree(slots);
}

/* ------------------------------------------------------------------ */
/* Dirty log */

/*
 * Set even if it is set: who takes the bit after that sees what was written
 * before, while a bit that is only looked at may be taken before the write has
 * left the processor's store buffer.
 */
static void slot_mark(struct hvmon_slot *slot, u64 gfn)
{
	if (slot->dirty)
		set_bit(gfn - slot->gfn, slot->dirty);
}

/**
 * hvmon_mark_dirty - log pages that were written
 * @vm: virtual machine
 * @gpa: guest-physical addresses in them; after the writes
 * @n: how many
 *
 * By the module for the guest, or by the processor where that says so. Any
 * context but NMI. Those of no slot are passed over.
 */
void hvmon_mark_dirty(struct hvmon_vm *vm, const u64 *gpa, u32 n)
{
	int idx = srcu_read_lock(&vm->srcu);
	struct hvmon_slot *slot = NULL;
	u64 gfn;
	u32 i;

	for (i = 0; i < n; i++) {
		gfn = gpa[i] >> PAGE_SHIFT;
		if (!slot || gfn - slot->gfn >= slot->npages)
			slot = hvmon_slot_by_gfn(vm, gfn);
		if (slot)
			slot_mark(slot, gfn);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

/* Takes words of the log from @word up to @end and adds their weight to *@dirty */
static int log_take(struct hvmon_slot *slot, u64 word, u64 end, u64 __user *to, u64 *dirty)
{
	bool clean = slot->vm->mmu.fmt->logs;
	unsigned long buf[32];

	while (word < end) {
		u32 i, n = min_t(u64, end - word, ARRAY_SIZE(buf)), found = 0;
		unsigned long *log = &slot->dirty[word];

		for (i = 0; i < n; i++) {
			buf[i] = READ_ONCE(log[i]) ? xchg(&log[i], 0) : 0;
			found += hweight_long(buf[i]);
		}
		/* After the bits were taken: a write after that sets one again */
		if (clean && found)
			hvmon_tdp_clean(slot, word * BITS_PER_LONG, buf, n * BITS_PER_LONG);
		if (copy_to_user(to, buf, n * sizeof(*buf)))
			return -EFAULT;
		*dirty += found;
		word += n;
		to += n;
		cond_resched();
	}
	return 0;
}

/**
 * hvmon_dirty_log - HVMON_DIRTY_LOG
 * @vm: virtual machine, with vm->lock held
 * @arg: copied in; @dirty is filled in
 *
 * Return: 0 or -errno as the ABI says.
 */
int hvmon_dirty_log(struct hvmon_vm *vm, struct hvmon_dirty_log *arg)
{
	struct hvmon_slot *slot;
	u64 word, end;
	int r;

	lockdep_assert_held(&vm->lock);
	if (arg->flags || arg->reserved || arg->slot >= HVMON_MAX_SLOTS)
		return -EINVAL;
	slot = slot_by_id(vm, arg->slot);
	if (!slot)
		return -ENOENT;
	if (!slot->dirty || arg->first_page % BITS_PER_LONG || arg->first_page > slot->npages ||
	    arg->pages > slot->npages - arg->first_page)
		return -EINVAL;
	if (arg->pages % BITS_PER_LONG && arg->first_page + arg->pages != slot->npages)
		return -EINVAL;

	/* Sections that have ended have told what the processor has logged */
	if (vm->mmu.fmt->logs)
		hvmon_kick_all_sync(vm);
	else
		hvmon_tdp_walk_slot(slot, HVMON_PT_HARVEST, arg->first_page, arg->pages);
	arg->dirty = 0;
	word = arg->first_page / BITS_PER_LONG;
	end = word + BITS_TO_LONGS(arg->pages);
	r = log_take(slot, word, end, u64_to_user_ptr(arg->bitmap), &arg->dirty);
	/*
	 * A vCPU may write through what its TLB remembers as dirty, and nothing
	 * logs that. A bit may come from a notifier that has not flushed yet:
	 * such writes have to be over before the launcher looks at the page.
	 */
	hvmon_tdp_flush(vm);
	return r;
}

/* ------------------------------------------------------------------ */
/* Access to guest memory */

/* In sections and stretches the page must be there: no faults, no sleep */
static int user_copy(struct hvmon_vcpu *vcpu, unsigned long hva, void *buf, size_t len,
		     bool write)
{
	void __user *ptr = (void __user *)hva;
	unsigned long left;

	if (!vcpu->in_section && !vcpu->in_stretch) {
		left = write ? copy_to_user(ptr, buf, len) : copy_from_user(buf, ptr, len);
		return left ? -EFAULT : 0;
	}
	pagefault_disable();
	left = write ? __copy_to_user_inatomic(ptr, buf, len) :
		       __copy_from_user_inatomic(buf, ptr, len);
	pagefault_enable();
	return left ? -EAGAIN : 0;
}

/* Two loads that overlap: any number of bytes from one up to two times a load's */
#define LOAD_TWICE(type, buf, ptr, len, fault) do {					\
	unsafe_get_user(*(type *)(buf), (const type __user *)(ptr), fault);		\
	unsafe_get_user(*(type *)((buf) + (len) - sizeof(type)),			\
			(const type __user *)((ptr) + (len) - sizeof(type)), fault);	\
} while (0)

static int user_load(void *buf, const void __user *ptr, size_t len)
{
	if (!user_access_begin(ptr, len))
		return -EFAULT;
	if (len >= 8)
		LOAD_TWICE(u64, buf, ptr, len, fault);
	else if (len >= 4)
		LOAD_TWICE(u32, buf, ptr, len, fault);
	else if (len >= 2)
		LOAD_TWICE(u16, buf, ptr, len, fault);
	else
		LOAD_TWICE(u8, buf, ptr, len, fault);
	user_access_end();
	return 0;

fault:
	user_access_end();
	return -EFAULT;
}

#define LOAD_MAX	16

/*
 * Opcodes and page-table entries: a copy of any length, with its checks, costs
 * several times as much. 1, and nothing is read, if it is not all in one slot.
 */
static int gpa_load(struct hvmon_vcpu *vcpu, u64 gpa, void *buf, size_t len)
{
	bool atomic = vcpu->in_section || vcpu->in_stretch;
	struct hvmon_vm *vm = vcpu->vm;
	int idx = srcu_read_lock(&vm->srcu);
	struct hvmon_slot *slot = hvmon_slot_by_gfn(vm, gpa >> PAGE_SHIFT);
	int r = -ENOENT;
	u64 offset;

	if (!slot)
		goto out;
	r = 1;
	offset = gpa - (slot->gfn << PAGE_SHIFT);
	if (offset + len > slot->npages << PAGE_SHIFT)
		goto out;
	if (atomic)
		pagefault_disable();
	r = user_load(buf, (const void __user *)(slot->hva + offset), len);
	if (atomic)
		pagefault_enable();
	if (r && atomic)
		r = -EAGAIN;
out:
	srcu_read_unlock(&vm->srcu, idx);
	return r;
}

static int slot_rw(struct hvmon_vcpu *vcpu, struct hvmon_slot *slot, u64 gpa, void *buf,
		   size_t len, bool write)
{
	u64 gfn;
	int r;

	if (write && (slot->flags & HVMON_MEM_READONLY))
		return -EROFS;
	r = user_copy(vcpu, slot->hva + (gpa - (slot->gfn << PAGE_SHIFT)), buf, len, write);
	/* Also after a failure: a part may have been written */
	if (write && slot->dirty)
		for (gfn = gpa >> PAGE_SHIFT; gfn <= (gpa + len - 1) >> PAGE_SHIFT; gfn++)
			slot_mark(slot, gfn);
	return r;
}

static int gpa_rw(struct hvmon_vcpu *vcpu, u64 gpa, void *buf, size_t len, bool write)
{
	struct hvmon_vm *vm = vcpu->vm;
	int idx = srcu_read_lock(&vm->srcu);
	int r = 0;

	while (len && !r) {
		struct hvmon_slot *slot = hvmon_slot_by_gfn(vm, gpa >> PAGE_SHIFT);
		size_t n;

		if (!slot) {
			r = -ENOENT;
			break;
		}
		n = min_t(u64, len, ((slot->gfn + slot->npages) << PAGE_SHIFT) - gpa);
		r = slot_rw(vcpu, slot, gpa, buf, n, write);
		gpa += n;
		buf += n;
		len -= n;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return r;
}

/**
 * hvmon_gpa_read - read guest-physical memory
 * @vcpu: on whose behalf
 * @gpa: address
 * @buf: where to
 * @len: bytes, any number, across slots
 *
 * Return: 0, -ENOENT (no slot), -EFAULT (a slot, but the launcher has no memory
 * there), or -EAGAIN in a section or stretch if a page is not there.
 */
int hvmon_gpa_read(struct hvmon_vcpu *vcpu, u64 gpa, void *buf, size_t len)
{
	int r = 1;

	if (len && len <= LOAD_MAX)
		r = gpa_load(vcpu, gpa, buf, len);
	return r <= 0 ? r : gpa_rw(vcpu, gpa, buf, len, false);
}

/**
 * hvmon_gpa_write - write guest-physical memory and log it
 * @vcpu: on whose behalf
 * @gpa: address
 * @buf: what
 * @len: bytes, any number, across slots
 *
 * Return: as hvmon_gpa_read(), or -EROFS for a read-only slot.
 */
int hvmon_gpa_write(struct hvmon_vcpu *vcpu, u64 gpa, const void *buf, size_t len)
{
	return gpa_rw(vcpu, gpa, (void *)buf, len, true);
}
