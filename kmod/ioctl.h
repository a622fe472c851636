/* SPDX-License-Identifier: GPL-2.0 */
/* The three kinds of file behind the ABI. */
#ifndef _HVMON_IOCTL_H
#define _HVMON_IOCTL_H

#include <linux/fs.h>

#include "hvmon.h"

extern const struct file_operations hvmon_dev_fops;
extern const struct file_operations hvmon_vm_fops;
extern const struct file_operations hvmon_vcpu_fops;

#endif /* _HVMON_IOCTL_H */
