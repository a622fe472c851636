/* SPDX-License-Identifier: GPL-2.0 */
/* What cpuid.c shows to the vendors and its unit tests. */
#ifndef _HVMON_CPUID_H
#define _HVMON_CPUID_H

#include "hvmon.h"

enum hvmon_cpuid_reg { HVMON_CPUID_EAX, HVMON_CPUID_EBX, HVMON_CPUID_ECX, HVMON_CPUID_EDX };

#define HVMON_CPUID_ANY		(~0u)	/* hvmon_cpuid_word.subleaf: all of them */
#define HVMON_CPUID_RAW		(-1)	/* .word: the host kernel keeps no copy */

/**
 * struct hvmon_cpuid_word - a register of CPUID that holds feature bits
 * @leaf: EAX of the instruction
 * @subleaf: ECX of the instruction, or HVMON_CPUID_ANY
 * @reg: HVMON_CPUID_E?X
 * @word: index into boot_cpu_data.x86_capability, where the host kernel has
 *        cleared what is broken or was switched off; or HVMON_CPUID_RAW
 * @mask: shown if both the processor and the host kernel have it
 * @native: shown if the processor has it, whatever the host kernel does
 * @emulated: shown always, the module provides it
 * @state: follows the vCPU's state at each CPUID; ignored when a table is set
 */
struct hvmon_cpuid_word {
	u32 leaf;
	u32 subleaf;
	u8 reg;
	s8 word;
	u32 mask;
	u32 native;
	u32 emulated;
	u32 state;
};

extern const struct hvmon_cpuid_word hvmon_cpuid_words[];
extern const unsigned int hvmon_nr_cpuid_words;

void hvmon_cpuid_execute(struct hvmon_vcpu *vcpu);
bool hvmon_cpuid_word_matches(const struct hvmon_cpuid_word *w, u32 leaf, u32 subleaf);
/* The bits of @w that a guest may be shown on this host */
u32 hvmon_cpuid_word_allowed(const struct hvmon_cpuid_word *w);
void hvmon_cpuid_withhold(u32 leaf, u32 subleaf, enum hvmon_cpuid_reg reg, u32 bit);
/* Width of guest-physical addresses that our tables can map */
u32 hvmon_cpuid_phys_bits(void);
/* 0, or -EINVAL for a table that HVMON_CPUID_SET refuses */
int hvmon_cpuid_check(const struct hvmon_cpuid_entry *e, u32 n);
/* The default table of vCPU @id; @e has room for HVMON_MAX_CPUID. Its length */
u32 hvmon_cpuid_default(u32 id, struct hvmon_cpuid_entry *e);
void hvmon_cpuid_caps(const struct hvmon_cpuid_entry *e, u32 n, struct hvmon_guest_caps *caps);

#endif /* _HVMON_CPUID_H */
