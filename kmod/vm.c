// SPDX-License-Identifier: GPL-2.0
/* Life of a VM. */
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hvmon.h"

static atomic_t next_vm_id = ATOMIC_INIT(0);

static bool name_char(char c)
{
	return isascii(c) && isprint(c) && c != '/';
}

/* Usable as a file name. The process's own name is made so, a given one is refused */
static int vm_set_name(struct hvmon_vm *vm, const char *name)
{
	size_t i, n = strnlen(name, HVMON_NAME_LEN);

	if (n == HVMON_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (!name_char(name[i]))
			return -EINVAL;
	strscpy(vm->name, n ? name : current->comm, sizeof(vm->name));
	for (i = 0; vm->name[i]; i++)
		if (!name_char(vm->name[i]))
			vm->name[i] = '-';
	return 0;
}

/**
 * hvmon_vm_create() - a VM of the caller's address space
 * @arg: see the uapi header
 *
 * Return: the VM with one reference, or ERR_PTR.
 */
struct hvmon_vm *hvmon_vm_create(const struct hvmon_vm_create *arg)
{
	struct hvmon_vm *vm;
	int r;

	if (arg->reserved || arg->mmu > HVMON_MMU_SHADOW)
		return ERR_PTR(-EINVAL);
	if (!hvmon_vendor)
		return ERR_PTR(-ENODEV);
	if (arg->mmu != HVMON_MMU_TDP)
		return ERR_PTR(-EOPNOTSUPP);

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	r = vm_set_name(vm, arg->name);
	if (r)
		goto err_free;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	vm->id = atomic_inc_return(&next_vm_id);
	vm->slots_gen = 1;
	r = init_srcu_struct(&vm->srcu);
	if (r)
		goto err_free;
	vm->mm = current->mm;
	mmgrab(vm->mm);
	r = hvmon_mmu_init(vm);
	if (r)
		goto err_mm;
	if (hvmon_vendor->vm_init) {
		r = hvmon_vendor->vm_init(vm);
		if (r)
			goto err_mmu;
	}
	hvmon_clock_vm_init(vm);
	hvmon_eventfd_init(vm);
	hvmon_debugfs_add_vm(vm);
	return vm;

err_mmu:
	hvmon_mmu_fini(vm);
err_mm:
	mmdrop(vm->mm);
	cleanup_srcu_struct(&vm->srcu);
err_free:
	kfree(vm);
	return ERR_PTR(r);
}

static void vm_destroy(struct kref *ref)
{
	struct hvmon_vm *vm = container_of(ref, struct hvmon_vm, ref);
	int i;

	hvmon_debugfs_remove_vm(vm);
	hvmon_eventfd_fini(vm);
	/* Sources of interrupts first: their timers reach for vCPUs */
	hvmon_irqchip_fini(vm);
	for (i = 0; i < HVMON_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			hvmon_vcpu_free(vm->vcpu[i]);
	hvmon_bus_fini(vm);
	hvmon_slots_fini(vm);
	hvmon_mmu_fini(vm);
	if (hvmon_vendor->vm_fini)
		hvmon_vendor->vm_fini(vm);
	mmdrop(vm->mm);
	cleanup_srcu_struct(&vm->srcu);
	kfree(vm);
}

void hvmon_vm_get(struct hvmon_vm *vm)
{
	kref_get(&vm->ref);
}

void hvmon_vm_put(struct hvmon_vm *vm)
{
	kref_put(&vm->ref, vm_destroy);
}
