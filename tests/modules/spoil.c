// SPDX-License-Identifier: GPL-2.0
/*
 * hvmon_spoil.ko, for the selftest vmx_revision: makes the revision wrong that
 * VMXON finds in its region and VMPTRLD in the VMCS (SDM vol. 3, 25.2 and 25.11.5),
 * and tells what the host's registers are.
 *
 * Where the two lie is learned by probes on two functions of hvmon: load this first,
 * then create a vCPU and run it. The pages are held until they are known no more,
 * so that a vCPU may go while its VMCS is spoilt.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <asm/desc.h>
#include <asm/special_insns.h>

#include "../../kmod/vmx/vmx.h"

struct spoilt {
	struct page *page;
	u32 mask;		/* what is wrong with the first word at present */
};

static struct spoilt region, vmcs;

static void turn_over(struct spoilt *s, u32 mask)
{
	u32 *revision = page_address(s->page);

	WRITE_ONCE(*revision, *revision ^ s->mask ^ mask);
	s->mask = mask;
}

static void learn(struct spoilt *s, const void *addr)
{
	struct page *page = addr ? virt_to_page(addr) : NULL;

	if (s->mask || s->page == page)
		return;
	if (page)
		get_page(page);
	if (s->page)
		put_page(s->page);
	s->page = page;
}

/* vmx_vmcs_init(vcpu): a new vCPU */
static int see_vmcs(struct kprobe *p, struct pt_regs *regs)
{
	const struct hvmon_vcpu *vcpu = (void *)regs->di;

	learn(&vmcs, vcpu->vmx->vmcs);
	return 0;
}

/* vmx_host_section_begin(vcpu, cpu): in VMX operation on this processor */
static int see_region(struct kprobe *p, struct pt_regs *regs)
{
	const struct vmx_cpu *cpu = (void *)regs->si;

	learn(&region, cpu->region);
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "hvmon:vmx_vmcs_init", .pre_handler = see_vmcs },
	{ .symbol_name = "hvmon:vmx_host_section_begin", .pre_handler = see_region },
};

/* ---- parameters: bits of the revision that are turned over, 0 for none ---- */

static int set_mask(const char *val, const struct kernel_param *kp)
{
	struct spoilt *s = kp->arg;
	u32 mask;
	int r = kstrtou32(val, 0, &mask);

	if (r)
		return r;
	if (!s->page)
		return -ENODATA;
	turn_over(s, mask);
	return 0;
}

static int get_mask(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "0x%x\n", ((const struct spoilt *)kp->arg)->mask);
}

static const struct kernel_param_ops mask_ops = { .set = set_mask, .get = get_mask };

module_param_cb(region, &mask_ops, &region, 0600);
MODULE_PARM_DESC(region, "Bits of the VMXON region's revision to turn over");
module_param_cb(vmcs, &mask_ops, &vmcs, 0600);
MODULE_PARM_DESC(vmcs, "Bits of the revision of the VMCS made last to turn over");

/* What a section that fails must leave as it was, on the caller's processor */
static int get_host(char *buf, const struct kernel_param *kp)
{
	static const u32 msrs[] = {
		MSR_EFER, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_GS_BASE,
		MSR_IA32_CR_PAT, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
		MSR_IA32_SYSENTER_EIP, MSR_IA32_DEBUGCTLMSR,
	};
	struct desc_ptr gdt, idt;
	unsigned int i;
	int n;
	u64 val;

	preempt_disable();
	native_store_gdt(&gdt);
	store_idt(&idt);
	n = sysfs_emit(buf, "cr0 %lx cr4 %lx gdt %lx %x idt %lx %x tr %lx", read_cr0(),
		       __read_cr4(), gdt.address, gdt.size, idt.address, idt.size,
		       native_store_tr());
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		hvmon_rdmsr_safe(msrs[i], &val);
		n += sysfs_emit_at(buf, n, " %x:%llx", msrs[i], val);
	}
	preempt_enable();
	return n + sysfs_emit_at(buf, n, "\n");
}

static const struct kernel_param_ops host_ops = { .get = get_host };

module_param_cb(host, &host_ops, NULL, 0400);
MODULE_PARM_DESC(host, "The host's registers on this processor");

static int __init spoil_init(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		r = register_kprobe(&probes[i]);
		if (r) {
			while (i--)
				unregister_kprobe(&probes[i]);
			return r;
		}
	}
	return 0;
}

static void __exit spoil_exit(void)
{
	struct spoilt *all[] = { &region, &vmcs };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i]->page)
			turn_over(all[i], 0);
		learn(all[i], NULL);
	}
}

module_init(spoil_init);
module_exit(spoil_exit);
MODULE_DESCRIPTION("Spoils what VMXON and VMPTRLD check, for a test of hvmon");
MODULE_LICENSE("GPL");
