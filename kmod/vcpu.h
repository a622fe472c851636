/* SPDX-License-Identifier: GPL-2.0 */
/* Between vcpu.c and run.c, and for tests. */
#ifndef _HVMON_VCPU_H
#define _HVMON_VCPU_H

#include "hvmon.h"

DECLARE_PER_CPU(struct hvmon_vm *, hvmon_section_vm);

void hvmon_vcpu_set_mode(struct hvmon_vcpu *vcpu, enum hvmon_vcpu_mode mode);

/* What becomes of an exception during the delivery of another */
enum hvmon_merge {
	HVMON_MERGE_SECOND,	/* the second one is delivered */
	HVMON_MERGE_DOUBLE,	/* a double fault is */
	HVMON_MERGE_TRIPLE,	/* the processor shuts down */
};

enum hvmon_merge hvmon_merge_exceptions(u8 first, u8 second);

#endif /* _HVMON_VCPU_H */
