// SPDX-License-Identifier: GPL-2.0
/* Counters, in HVMON_VM_STATS and under debugfs: hvmon/ID-NAME/{vm,vcpuN}. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <asm/tsc.h>

#include "hvmon.h"

static struct dentry *debugfs_root;

/**
 * hvmon_vm_stats_get() - the VM's counters
 * @vm: the VM
 * @arg: filled in, but for size and flags
 */
void hvmon_vm_stats_get(struct hvmon_vm *vm, struct hvmon_vm_stats *arg)
{
	struct hvmon_slots *slots;
	u32 size = arg->size;
	int idx;

	*arg = vm->stats;
	arg->size = size;
	arg->flags = 0;
	arg->vcpus = READ_ONCE(vm->nr_vcpus);
	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->slots, &vm->srcu);
	arg->slots = slots ? slots->nr : 0;
	srcu_read_unlock(&vm->srcu, idx);
	spin_lock(&vm->mmu.lock);
	arg->pages_4k = vm->mmu.nr_leaves[0];
	arg->pages_2m = vm->mmu.nr_leaves[1];
	arg->pages_1g = vm->mmu.nr_leaves[2];
	arg->table_pages = vm->mmu.nr_tables;
	spin_unlock(&vm->mmu.lock);
}

/**
 * hvmon_vcpu_stats_get() - the vCPU's counters, also while it runs
 * @vcpu: the vCPU
 * @arg: filled in, but for size and flags
 */
void hvmon_vcpu_stats_get(struct hvmon_vcpu *vcpu, struct hvmon_vcpu_stats *arg)
{
	u32 size = arg->size;

	*arg = vcpu->stats;
	arg->size = size;
	arg->flags = 0;
	/* Counted in cycles, because the hot path has only those */
	arg->guest_ns = mul_u64_u32_div(arg->guest_ns, NSEC_PER_MSEC, tsc_khz ?: 1);
	arg->halted_ns = mul_u64_u32_div(arg->halted_ns, NSEC_PER_MSEC, tsc_khz ?: 1);
}

#define ROW(field) { #field, offsetof(struct hvmon_vcpu_stats, field) }
static const struct {
	const char *name;
	size_t offset;
} vcpu_rows[] = {
	ROW(exits), ROW(user_exits), ROW(cpuid), ROW(msr_read), ROW(msr_write),
	ROW(pio), ROW(mmio), ROW(faults), ROW(hlt), ROW(hypercall), ROW(host_intr),
	ROW(other), ROW(irq_injected), ROW(nmi_injected), ROW(exceptions), ROW(emulated),
	ROW(halted_ns), ROW(guest_ns), ROW(sections), ROW(timer),
};

#undef ROW
#define ROW(field) { #field, offsetof(struct hvmon_vm_stats, field) }
static const struct {
	const char *name;
	size_t offset;
} vm_rows[] = {
	ROW(pages_4k), ROW(pages_2m), ROW(pages_1g), ROW(table_pages), ROW(faults),
	ROW(faulted_around), ROW(zaps), ROW(remote_flushes),
};

static int vcpu_stats_show(struct seq_file *m, void *unused)
{
	struct hvmon_vcpu_stats st = {};
	size_t i;

	hvmon_vcpu_stats_get(m->private, &st);
	for (i = 0; i < ARRAY_SIZE(vcpu_rows); i++)
		seq_printf(m, "%s %llu\n", vcpu_rows[i].name,
			   *(u64 *)((void *)&st + vcpu_rows[i].offset));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpu_stats);

static int vm_stats_show(struct seq_file *m, void *unused)
{
	struct hvmon_vm_stats st = {};
	size_t i;

	hvmon_vm_stats_get(m->private, &st);
	seq_printf(m, "vcpus %u\nslots %u\n", st.vcpus, st.slots);
	for (i = 0; i < ARRAY_SIZE(vm_rows); i++)
		seq_printf(m, "%s %llu\n", vm_rows[i].name,
			   *(u64 *)((void *)&st + vm_rows[i].offset));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vm_stats);

void hvmon_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir("hvmon", NULL);
}

void hvmon_debugfs_exit(void)
{
	debugfs_remove(debugfs_root);
}

void hvmon_debugfs_add_vm(struct hvmon_vm *vm)
{
	char name[HVMON_NAME_LEN + 16];

	snprintf(name, sizeof(name), "%u-%s", vm->id, vm->name);
	vm->debugfs = debugfs_create_dir(name, debugfs_root);
	debugfs_create_file("vm", 0400, vm->debugfs, vm, &vm_stats_fops);
}

/* Waits for readers, so that the VM may be freed afterwards */
void hvmon_debugfs_remove_vm(struct hvmon_vm *vm)
{
	debugfs_remove(vm->debugfs);
}

void hvmon_debugfs_add_vcpu(struct hvmon_vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	vcpu->debugfs = debugfs_create_file(name, 0400, vcpu->vm->debugfs, vcpu,
					    &vcpu_stats_fops);
}
