/* SPDX-License-Identifier: GPL-2.0 */
/* What clock.c and pv.c show to each other, to msr.c and to their unit tests. */
#ifndef _HVMON_PV_H
#define _HVMON_PV_H

#include "hvmon.h"

/* clock.c */

/* ns = (cycles << shift) * mul >> 32; a negative shift goes to the right */
void hvmon_pvclock_scale(u32 khz, u32 *mul, s8 *shift);
u64 hvmon_pvclock_ns(u64 cycles, u32 mul, s8 shift);
/* The multiplier with @frac fraction bits that gives guests @khz; 0 or -EINVAL */
int hvmon_tsc_ratio(u32 khz, u32 host_khz, u8 frac, u64 *ratio);
/* The guest clock of this instant, and the host's TSC that belongs to it */
u64 hvmon_clock_read(struct hvmon_vm *vm, u64 *tsc);
/* MSR TSC: by the guest, or by the launcher when it restores a vCPU */
void hvmon_tsc_write(struct hvmon_vcpu *vcpu, u64 val, bool host);

/* pv.c */

/* What CPUID 0x40000001 EAX may show */
u32 hvmon_pv_features(void);
#define HVMON_PV_IPI_MAX	128
/*
 * APIC IDs that KVM_HC_SEND_IPI's bitmaps name: @lo bit n is @min + n, @hi
 * goes on after it, with 64 or 32 bits each. Returns how many.
 */
int hvmon_pv_ipi_dests(u64 lo, u64 hi, u32 min, bool long_mode, u32 *dest);

#endif /* _HVMON_PV_H */
