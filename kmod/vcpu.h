/* SPDX-License-Identifier: GPL-2.0 */
/* Between vcpu.c and run.c, and for tests. */
#ifndef _HVMON_VCPU_H
#define _HVMON_VCPU_H

#include "hvmon.h"

DECLARE_PER_CPU(struct hvmon_vm *, hvmon_section_vm);

/* From which modes there is a way to this one */
static __always_inline u32 hvmon_modes_before(enum hvmon_vcpu_mode mode)
{
	if (mode == HVMON_VCPU_RUNNING)
		return BIT(HVMON_VCPU_IDLE) | BIT(HVMON_VCPU_IN_GUEST) | BIT(HVMON_VCPU_BLOCKED);
	return BIT(HVMON_VCPU_RUNNING);
}

/**
 * hvmon_vcpu_set_mode() - change the mode, which must be legal
 * @vcpu: the caller's
 * @mode: new mode; see enum hvmon_vcpu_mode
 *
 * A full barrier follows: a request that was made before the change was seen
 * is seen by the checks that come after it, or its kick sees the new mode.
 */
static __always_inline void hvmon_vcpu_set_mode(struct hvmon_vcpu *vcpu,
						enum hvmon_vcpu_mode mode)
{
	VM_WARN_ON_ONCE(!(hvmon_modes_before(mode) & BIT(vcpu->mode)));
	/* Pairs with hvmon_request() and with hvmon_kick_all_sync() */
	smp_store_mb(vcpu->mode, mode);
}

/* What becomes of an exception during the delivery of another */
enum hvmon_merge {
	HVMON_MERGE_SECOND,	/* the second one is delivered */
	HVMON_MERGE_DOUBLE,	/* a double fault is */
	HVMON_MERGE_TRIPLE,	/* the processor shuts down */
};

enum hvmon_merge hvmon_merge_exceptions(u8 first, u8 second);

#endif /* _HVMON_VCPU_H */
