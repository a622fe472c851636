// SPDX-License-Identifier: GPL-2.0
/* Module entry and exit, and /dev/hvmon. */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

#include "ioctl.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

const struct hvmon_vendor_ops *hvmon_vendor;
struct hvmon_probe hvmon_probe_result;

static struct miscdevice hvmon_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hvmon",
	.fops = &hvmon_dev_fops,
	.mode = 0660,
};

/*
 * A processor that cannot run guests is no reason to refuse the module:
 * HVMON_INFO then tells the launcher what is missing.
 */
static const struct hvmon_vendor_ops *find_vendor(void)
{
	static const struct hvmon_vendor_ops *const vendors[] = {
		&hvmon_vmx_ops, &hvmon_svm_ops,
	};
	struct hvmon_probe *result = &hvmon_probe_result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vendors); i++) {
		struct hvmon_probe p = { };

		if (vendors[i]->probe(&p)) {
			*result = p;
			return vendors[i];
		}
		/* What the processor's own extension lacks is what matters */
		if (p.present) {
			*result = p;
			return NULL;
		}
		if (result->why[0])
			strlcat(result->why, "\n", sizeof(result->why));
		strlcat(result->why, p.why, sizeof(result->why));
	}
	return NULL;
}

static int hvmon_vendor_init(void)
{
	const struct hvmon_vendor_ops *ops = find_vendor();
	int r;

	if (!ops) {
		pr_warn("hvmon: no guests on this processor: %s\n", hvmon_probe_result.why);
		return 0;
	}
	r = ops->hw_init();
	if (r)
		return r;
	hvmon_vendor = ops;
	hvmon_vendor_calls_init(ops);
	return 0;
}

static int __init hvmon_init(void)
{
	int r;

	r = hvmon_fpu_global_init();
	if (r) {
		pr_err("hvmon: this processor has no XSAVE, or Linux does not use it\n");
		return r;
	}
	r = hvmon_vendor_init();
	if (r)
		return r;
	hvmon_debugfs_init();
	r = misc_register(&hvmon_dev);
	if (r)
		goto err_debugfs;
	if (hvmon_vendor)
		pr_info("hvmon: version %s, %s\n", HVMON_VERSION, hvmon_vendor->name);
	return 0;

err_debugfs:
	hvmon_debugfs_exit();
	if (hvmon_vendor)
		hvmon_vendor->hw_exit();
	return r;
}

static void __exit hvmon_exit(void)
{
	misc_deregister(&hvmon_dev);
	hvmon_debugfs_exit();
	if (hvmon_vendor)
		hvmon_vendor->hw_exit();
}

module_init(hvmon_init);
module_exit(hvmon_exit);

MODULE_DESCRIPTION("hvmon, a virtual machine monitor");
MODULE_VERSION(HVMON_VERSION);
MODULE_LICENSE("GPL");
