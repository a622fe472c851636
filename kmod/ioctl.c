// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl table. Each call is a row: number, sizes, locks, function. One
 * function copies the struct in, checks what all structs have in common, takes
 * the row's locks, calls, and copies the struct out.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cpuid.h"
#include "ioctl.h"

/* Every struct begins so */
struct hvmon_header {
	__u32 size;
	__u32 flags;
};

/* What a row asks for */
#define ROW_OUT		BIT(0)	/* copy the struct out on success */
#define ROW_OUT_ERR	BIT(1)	/* ... and after an error too */
#define ROW_MM		BIT(2)	/* only in the VM's own address space */
#define ROW_VM_LOCK	BIT(3)	/* holds vm->lock */
#define ROW_VCPU_LOCK	BIT(4)	/* holds vcpu->mutex: HVMON_RUN has returned */

union hvmon_object {
	struct hvmon_vm *vm;
	struct hvmon_vcpu *vcpu;
};

struct hvmon_ioctl {
	u32 cmd;
	u32 size;	/* of the struct as this module knows it */
	u32 min;	/* of the first published one */
	u32 flags;	/* that its flags field may have */
	u32 how;	/* ROW_* */
	long (*fn)(union hvmon_object obj, void *arg);
};

/* The tail that a newer launcher may append has to fit into this */
#define HVMON_ARG_MAX	16384

static long call_row(const struct hvmon_ioctl *row, union hvmon_object obj,
		     struct hvmon_vm *vm, struct hvmon_vcpu *vcpu, void *arg)
{
	long r;

	if (vm && row->how & ROW_MM && vm->mm != current->mm)
		return -EIO;
	if (row->how & ROW_VM_LOCK) {
		if (mutex_lock_killable(&vm->lock))
			return -EINTR;
	}
	if (row->how & ROW_VCPU_LOCK) {
		if (mutex_lock_interruptible(&vcpu->mutex)) {
			r = -ERESTARTNOHAND;
			goto out_vm;
		}
	}

	r = row->fn(obj, arg);

	if (row->how & ROW_VCPU_LOCK)
		mutex_unlock(&vcpu->mutex);
out_vm:
	if (row->how & ROW_VM_LOCK)
		mutex_unlock(&vm->lock);
	return r;
}

/**
 * hvmon_dispatch() - one ioctl of any of the three kinds of file
 * @table: the rows of this kind
 * @n: how many
 * @cmd: the number
 * @uarg: the caller's struct
 * @obj: what the rows' functions get
 * @vm: the VM, or NULL for the device
 * @vcpu: the vCPU, or NULL
 *
 * The size is read once and put into the copy, so that a caller who changes
 * the struct during the call only confuses itself.
 *
 * Return: the row's result, or -errno as the uapi header says.
 */
static long hvmon_dispatch(const struct hvmon_ioctl *table, size_t n, unsigned int cmd,
			   void __user *uarg, union hvmon_object obj,
			   struct hvmon_vm *vm, struct hvmon_vcpu *vcpu)
{
	const struct hvmon_ioctl *row = NULL;
	u64 small[16] = {};
	struct hvmon_header *arg = (void *)small;
	u32 usize;
	size_t i;
	long r;

	for (i = 0; i < n && !row; i++)
		if (table[i].cmd == cmd)
			row = &table[i];
	if (!row)
		return -ENOTTY;

	if (get_user(usize, (u32 __user *)uarg))
		return -EFAULT;
	if (usize < row->min)
		return -EINVAL;
	if (usize > HVMON_ARG_MAX)
		return -E2BIG;

	if (row->size > sizeof(small)) {
		arg = kvzalloc(row->size, GFP_KERNEL_ACCOUNT);
		if (!arg)
			return -ENOMEM;
	}
	r = copy_struct_from_user(arg, row->size, uarg, usize);
	if (r)
		goto out;
	arg->size = usize;
	if (arg->flags & ~row->flags) {
		r = -EINVAL;
		goto out;
	}

	r = call_row(row, obj, vm, vcpu, arg);

	if ((r >= 0 && row->how & ROW_OUT) || (r < 0 && row->how & ROW_OUT_ERR)) {
		if (copy_to_user(uarg, arg, min(usize, row->size)))
			r = -EFAULT;
	}
out:
	if (row->size > sizeof(small))
		kvfree(arg);
	return r;
}

/*
 * The last step of creating something: nothing after it can fail, because
 * another thread may use or close the fd as soon as it is installed. On an
 * error the caller still owns @priv.
 */
static int hvmon_publish(const char *name, const struct file_operations *fops, void *priv)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, priv, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/* ---- device ---- */

static long device_info(union hvmon_object obj, void *arg)
{
	struct hvmon_info *info = arg;

	*info = (struct hvmon_info){ .size = info->size };
	info->abi_version = HVMON_ABI_VERSION;
	info->vendor = hvmon_vendor ? hvmon_vendor->id : HVMON_VENDOR_NONE;
	info->max_vcpus = HVMON_MAX_VCPUS;
	info->max_slots = HVMON_MAX_SLOTS;
	info->run_size = PAGE_SIZE;
	info->tsc_khz = tsc_khz;
	info->xcr0 = hvmon_fpu_xcr0_supported();
	info->xsave_size = hvmon_fpu_xsave_size();
	strscpy(info->version, HVMON_VERSION, sizeof(info->version));
	if (hvmon_vendor) {
		/* The LAPIC is ours: it has these on every processor */
		info->caps = hvmon_probe_result.caps | HVMON_CAP_TSC_DEADLINE | HVMON_CAP_X2APIC |
			     HVMON_CAP_IOEVENTFD | HVMON_CAP_IRQFD;
		info->page_sizes = hvmon_probe_result.page_sizes;
		info->levels = hvmon_probe_result.levels;
		info->gpa_bits = hvmon_gpa_bits();
	}
	strscpy(info->why, hvmon_probe_result.why, sizeof(info->why));
	return 0;
}

static long device_vm_create(union hvmon_object obj, void *arg)
{
	struct hvmon_vm *vm;
	int fd;

	vm = hvmon_vm_create(arg);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = hvmon_publish("hvmon-vm", &hvmon_vm_fops, vm);
	if (fd < 0)
		hvmon_vm_put(vm);
	return fd;
}

#define ROW(nr, type, flg, howto, func) \
	{ .cmd = (nr), .size = sizeof(struct type), .min = sizeof(struct type), \
	  .flags = (flg), .how = (howto), .fn = (func) }

static const struct hvmon_ioctl device_ioctls[] = {
	ROW(HVMON_INFO, hvmon_info, 0, ROW_OUT, device_info),
	ROW(HVMON_VM_CREATE, hvmon_vm_create, 0, 0, device_vm_create),
};

static long hvmon_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union hvmon_object obj = {};

	return hvmon_dispatch(device_ioctls, ARRAY_SIZE(device_ioctls), cmd, (void __user *)arg,
			      obj, NULL, NULL);
}

const struct file_operations hvmon_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hvmon_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* ---- VM ---- */

static long vm_vcpu_create(union hvmon_object obj, void *a)
{
	struct hvmon_vcpu_create *arg = a;
	struct hvmon_vm *vm = obj.vm;
	struct hvmon_vcpu *vcpu;
	int fd;

	if (arg->reserved || arg->id >= HVMON_MAX_VCPUS)
		return -EINVAL;
	vcpu = hvmon_vcpu_create(vm, arg->id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	/*
	 * Others may reach the vCPU through the VM from here on, so it can
	 * only go with the VM: reserve the fd first, publish both last.
	 */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd >= 0) {
		struct file *file = anon_inode_getfile("hvmon-vcpu", &hvmon_vcpu_fops, vcpu,
						       O_RDWR);

		if (!IS_ERR(file)) {
			hvmon_vm_get(vm);
			hvmon_vcpu_publish(vcpu);
			fd_install(fd, file);
			return fd;
		}
		put_unused_fd(fd);
		fd = PTR_ERR(file);
	}
	hvmon_vcpu_free(vcpu);
	return fd;
}

static long vm_mem_set(union hvmon_object obj, void *arg)
{
	return hvmon_mem_set(obj.vm, arg);
}

static long vm_dirty_log(union hvmon_object obj, void *arg)
{
	return hvmon_dirty_log(obj.vm, arg);
}

static long vm_irqchip_create(union hvmon_object obj, void *a)
{
	struct hvmon_irqchip_create *arg = a;

	return hvmon_irqchip_create(obj.vm, arg->flags);
}

static long vm_irqchip_get(union hvmon_object obj, void *a)
{
	struct hvmon_irqchip *arg = a;

	if (arg->reserved)
		return -EINVAL;
	if (!obj.vm->irqs)
		return -ENOENT;
	memset(&arg->state, 0, sizeof(arg->state));
	return hvmon_irqchip_get(obj.vm, arg);
}

static long vm_irqchip_set(union hvmon_object obj, void *a)
{
	struct hvmon_irqchip *arg = a;

	if (arg->reserved)
		return -EINVAL;
	if (!obj.vm->irqs)
		return -ENOENT;
	return hvmon_irqchip_set(obj.vm, arg);
}

static long vm_irq_routes(union hvmon_object obj, void *a)
{
	struct hvmon_irq_routes *arg = a;
	struct hvmon_irq_route *routes = NULL;
	long r;

	if (arg->reserved)
		return -EINVAL;
	if (arg->count > HVMON_MAX_ROUTES)
		return -E2BIG;
	if (!obj.vm->irqs)
		return -ENOENT;
	if (arg->count) {
		routes = vmemdup_user(u64_to_user_ptr(arg->routes),
				      array_size(arg->count, sizeof(*routes)));
		if (IS_ERR(routes))
			return PTR_ERR(routes);
	}
	r = hvmon_irq_routes_set(obj.vm, routes, arg->count);
	kvfree(routes);
	return r;
}

static long vm_irq_line(union hvmon_object obj, void *a)
{
	struct hvmon_irq_line *arg = a;

	if (arg->level > 1 || arg->gsi >= HVMON_MAX_ROUTES)
		return -EINVAL;
	if (!smp_load_acquire(&obj.vm->irqs))	/* pairs with irqchip_create() */
		return -ENOENT;
	return hvmon_irq_line(obj.vm, arg->gsi, arg->level);
}

static long vm_msi(union hvmon_object obj, void *a)
{
	struct hvmon_msi *arg = a;
	int r;

	if (!smp_load_acquire(&obj.vm->irqs))	/* pairs with irqchip_create() */
		return -ENOENT;
	r = hvmon_msi_send(obj.vm, arg->addr, arg->data);
	if (r < 0)
		return r;
	arg->delivered = r;
	return 0;
}

static long vm_irqfd(union hvmon_object obj, void *arg)
{
	return hvmon_irqfd(obj.vm, arg);
}

static long vm_ioeventfd(union hvmon_object obj, void *arg)
{
	return hvmon_ioeventfd(obj.vm, arg);
}

static long vm_stats(union hvmon_object obj, void *arg)
{
	hvmon_vm_stats_get(obj.vm, arg);
	return 0;
}

static long vm_clock_get(union hvmon_object obj, void *arg)
{
	return hvmon_clock_get(obj.vm, arg);
}

static long vm_clock_set(union hvmon_object obj, void *arg)
{
	return hvmon_clock_set(obj.vm, arg);
}

static const struct hvmon_ioctl vm_ioctls[] = {
	ROW(HVMON_VCPU_CREATE, hvmon_vcpu_create, 0, ROW_MM | ROW_VM_LOCK, vm_vcpu_create),
	ROW(HVMON_MEM_SET, hvmon_mem, HVMON_MEM_READONLY | HVMON_MEM_LOG_DIRTY,
	    ROW_MM | ROW_VM_LOCK, vm_mem_set),
	ROW(HVMON_DIRTY_LOG, hvmon_dirty_log, 0, ROW_MM | ROW_VM_LOCK | ROW_OUT,
	    vm_dirty_log),
	ROW(HVMON_IRQCHIP_CREATE, hvmon_irqchip_create, HVMON_IRQCHIP_PIT,
	    ROW_VM_LOCK, vm_irqchip_create),
	ROW(HVMON_IRQCHIP_GET, hvmon_irqchip, 0, ROW_VM_LOCK | ROW_OUT, vm_irqchip_get),
	ROW(HVMON_IRQCHIP_SET, hvmon_irqchip, 0, ROW_VM_LOCK, vm_irqchip_set),
	ROW(HVMON_IRQ_ROUTES, hvmon_irq_routes, 0, ROW_VM_LOCK, vm_irq_routes),
	ROW(HVMON_IRQ_LINE, hvmon_irq_line, 0, 0, vm_irq_line),
	ROW(HVMON_MSI, hvmon_msi, 0, ROW_OUT, vm_msi),
	ROW(HVMON_VM_STATS, hvmon_vm_stats, 0, ROW_VM_LOCK | ROW_OUT, vm_stats),
	ROW(HVMON_CLOCK_GET, hvmon_clock, 0, ROW_VM_LOCK | ROW_OUT, vm_clock_get),
	ROW(HVMON_CLOCK_SET, hvmon_clock, 0, ROW_VM_LOCK, vm_clock_set),
	ROW(HVMON_IOEVENTFD, hvmon_ioeventfd,
	    HVMON_IOEVENTFD_DEASSIGN | HVMON_IOEVENTFD_PIO | HVMON_IOEVENTFD_DATAMATCH |
	    HVMON_IOEVENTFD_LAZY, ROW_VM_LOCK, vm_ioeventfd),
	ROW(HVMON_IRQFD, hvmon_irqfd, HVMON_IRQFD_DEASSIGN | HVMON_IRQFD_RESAMPLE,
	    ROW_VM_LOCK, vm_irqfd),
};

static long hvmon_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union hvmon_object obj = { .vm = file->private_data };

	return hvmon_dispatch(vm_ioctls, ARRAY_SIZE(vm_ioctls), cmd, (void __user *)arg,
			      obj, obj.vm, NULL);
}

static int hvmon_vm_release(struct inode *inode, struct file *file)
{
	hvmon_vm_put(file->private_data);
	return 0;
}

const struct file_operations hvmon_vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hvmon_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = hvmon_vm_release,
	.llseek = noop_llseek,
};

/* ---- vCPU ---- */

static long vcpu_state_get(union hvmon_object obj, void *arg)
{
	return hvmon_state_get(obj.vcpu, arg);
}

static long vcpu_state_set(union hvmon_object obj, void *arg)
{
	return hvmon_state_set(obj.vcpu, arg);
}

static long msrs_list(struct hvmon_vcpu *vcpu, struct hvmon_msrs *arg, struct hvmon_msr *m)
{
	u32 *index;
	u32 i, n;

	index = kcalloc(HVMON_MAX_MSRS, sizeof(*index), GFP_KERNEL);
	if (!index)
		return -ENOMEM;
	n = hvmon_msr_list(vcpu, index, HVMON_MAX_MSRS);
	for (i = 0; i < min(n, arg->count); i++)
		m[i].index = index[i];
	kfree(index);
	if (n > arg->count) {
		arg->count = n;
		return -E2BIG;
	}
	arg->count = n;
	return 0;
}

static long vcpu_msrs_get(union hvmon_object obj, void *a)
{
	struct hvmon_msrs *arg = a;
	struct hvmon_msr *m;
	long r = 0;
	u32 i = 0;

	arg->done = 0;
	if (arg->count > HVMON_MAX_MSRS)
		return -E2BIG;
	m = kcalloc(HVMON_MAX_MSRS, sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	if (arg->flags & HVMON_MSRS_LIST) {
		r = msrs_list(obj.vcpu, arg, m);
	} else if (copy_from_user(m, u64_to_user_ptr(arg->msrs),
				  array_size(arg->count, sizeof(*m)))) {
		r = -EFAULT;
	}
	for (; !r && i < arg->count; i++) {
		if (m[i].reserved)
			r = -EINVAL;
		else
			r = hvmon_msr_get(obj.vcpu, m[i].index, &m[i].value, true);
		if (r)
			break;
	}
	arg->done = i;
	if (copy_to_user(u64_to_user_ptr(arg->msrs), m, array_size(i, sizeof(*m))))
		r = -EFAULT;
	kfree(m);
	return r;
}

static long vcpu_msrs_set(union hvmon_object obj, void *a)
{
	struct hvmon_msrs *arg = a;
	struct hvmon_msr *m;
	long r = 0;
	u32 i;

	arg->done = 0;
	if (arg->count > HVMON_MAX_MSRS)
		return -E2BIG;
	if (!arg->count)
		return 0;
	m = memdup_user(u64_to_user_ptr(arg->msrs), array_size(arg->count, sizeof(*m)));
	if (IS_ERR(m))
		return PTR_ERR(m);
	for (i = 0; i < arg->count; i++) {
		if (m[i].reserved)
			r = -EINVAL;
		else
			r = hvmon_msr_set(obj.vcpu, m[i].index, m[i].value, true);
		if (r)
			break;
	}
	arg->done = i;
	kfree(m);
	return r;
}

static long vcpu_cpuid_get(union hvmon_object obj, void *a)
{
	struct hvmon_cpuid *arg = a;
	struct hvmon_vcpu *vcpu = obj.vcpu;
	u32 room = arg->count;

	if (arg->reserved)
		return -EINVAL;
	arg->count = vcpu->nr_cpuid;
	if (room < vcpu->nr_cpuid)
		return -E2BIG;
	if (copy_to_user(u64_to_user_ptr(arg->entries), vcpu->cpuid,
			 array_size(vcpu->nr_cpuid, sizeof(*vcpu->cpuid))))
		return -EFAULT;
	return 0;
}

static long vcpu_cpuid_set(union hvmon_object obj, void *a)
{
	struct hvmon_cpuid *arg = a;
	struct hvmon_cpuid_entry *e;
	long r;

	if (arg->reserved || !arg->count)
		return -EINVAL;
	if (arg->count > HVMON_MAX_CPUID)
		return -E2BIG;
	if (obj.vcpu->has_run)
		return -EBUSY;
	e = memdup_user(u64_to_user_ptr(arg->entries), array_size(arg->count, sizeof(*e)));
	if (IS_ERR(e))
		return PTR_ERR(e);
	r = hvmon_cpuid_set(obj.vcpu, e, arg->count);
	kfree(e);
	return r;
}

static long vcpu_inject(union hvmon_object obj, void *arg)
{
	return hvmon_vcpu_inject(obj.vcpu, arg);
}

static long vcpu_translate(union hvmon_object obj, void *a)
{
	struct hvmon_translate *arg = a;
	int r;

	if (arg->reserved ||
	    arg->access & ~(HVMON_ACCESS_WRITE | HVMON_ACCESS_EXEC | HVMON_ACCESS_USER))
		return -EINVAL;
	arg->gpa = 0;
	arg->error = 0;
	r = hvmon_gva_to_gpa(obj.vcpu, arg->gva, arg->access, false, &arg->gpa, &arg->error);
	if (r < 0)
		return r;
	arg->valid = !r;
	if (r)
		arg->gpa = 0;
	return 0;
}

static long vcpu_stats(union hvmon_object obj, void *arg)
{
	hvmon_vcpu_stats_get(obj.vcpu, arg);
	return 0;
}

static const struct hvmon_ioctl vcpu_ioctls[] = {
	ROW(HVMON_STATE_GET, hvmon_state, 0, ROW_VCPU_LOCK | ROW_OUT, vcpu_state_get),
	ROW(HVMON_STATE_SET, hvmon_state, 0, ROW_VCPU_LOCK, vcpu_state_set),
	ROW(HVMON_MSRS_GET, hvmon_msrs, HVMON_MSRS_LIST,
	    ROW_VCPU_LOCK | ROW_OUT | ROW_OUT_ERR, vcpu_msrs_get),
	ROW(HVMON_MSRS_SET, hvmon_msrs, 0,
	    ROW_MM | ROW_VCPU_LOCK | ROW_OUT | ROW_OUT_ERR, vcpu_msrs_set),
	ROW(HVMON_CPUID_GET, hvmon_cpuid, 0,
	    ROW_VCPU_LOCK | ROW_OUT | ROW_OUT_ERR, vcpu_cpuid_get),
	ROW(HVMON_CPUID_SET, hvmon_cpuid, 0, ROW_VCPU_LOCK, vcpu_cpuid_set),
	ROW(HVMON_INJECT, hvmon_inject, 0, 0, vcpu_inject),
	ROW(HVMON_TRANSLATE, hvmon_translate, 0, ROW_MM | ROW_VCPU_LOCK | ROW_OUT,
	    vcpu_translate),
	ROW(HVMON_VCPU_STATS, hvmon_vcpu_stats, 0, ROW_OUT, vcpu_stats),
};

static long hvmon_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union hvmon_object obj = { .vcpu = file->private_data };
	long r;

	/* The one call without a struct: what it needs is in the run page */
	if (cmd == HVMON_RUN) {
		if (arg)
			return -EINVAL;
		if (mutex_lock_interruptible(&obj.vcpu->mutex))
			return -ERESTARTNOHAND;
		r = hvmon_vcpu_run(obj.vcpu);
		mutex_unlock(&obj.vcpu->mutex);
		return r;
	}
	return hvmon_dispatch(vcpu_ioctls, ARRAY_SIZE(vcpu_ioctls), cmd, (void __user *)arg,
			      obj, obj.vcpu->vm, obj.vcpu);
}

static vm_fault_t hvmon_vcpu_fault(struct vm_fault *vmf)
{
	struct hvmon_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	page = virt_to_page(vcpu->run);
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct hvmon_vcpu_vm_ops = {
	.fault = hvmon_vcpu_fault,
};

static int hvmon_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED) ||
	    vma->vm_flags & VM_EXEC)
		return -EINVAL;
	vma->vm_ops = &hvmon_vcpu_vm_ops;
	return 0;
}

static int hvmon_vcpu_release(struct inode *inode, struct file *file)
{
	struct hvmon_vcpu *vcpu = file->private_data;

	hvmon_vm_put(vcpu->vm);
	return 0;
}

const struct file_operations hvmon_vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hvmon_vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = hvmon_vcpu_mmap,
	.release = hvmon_vcpu_release,
	.llseek = noop_llseek,
};
