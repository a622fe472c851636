// SPDX-License-Identifier: GPL-2.0
/* Features that a guest is not to see, --cpu-without: bits of CPUID, cleared */
#include <string.h>

#include "firmware.h"

enum { EBX, ECX, EDX };

/* Names as in Linux's /proc/cpuinfo; only what no other feature depends on */
static const struct {
	const char *name;
	uint32_t leaf;		/* subleaf 0 */
	uint8_t reg, bit;
} features[] = {
	{ "x2apic", 1, ECX, 21 },
	{ "tsc_deadline_timer", 1, ECX, 24 },
	{ "pcid", 1, ECX, 17 },
	{ "tsc_adjust", 7, EBX, 1 },
	{ "smep", 7, EBX, 7 },
	{ "invpcid", 7, EBX, 10 },
	{ "smap", 7, EBX, 20 },
	{ "umip", 7, ECX, 2 },
	{ "pku", 7, ECX, 3 },
	{ "la57", 7, ECX, 16 },
	{ "pdpe1gb", 0x80000001, EDX, 26 },
	{ "rdtscp", 0x80000001, EDX, 27 },
};

int feature_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (strlen(features[i].name) == len && !memcmp(features[i].name, name, len))
			return i;
	return -1;
}

const char *feature_name(unsigned int i)
{
	return i < ARRAY_SIZE(features) ? features[i].name : NULL;
}

void features_hide(struct hvmon_cpuid_entry *e, uint32_t n, uint64_t without)
{
	for (; n--; e++) {
		uint32_t *reg[] = { [EBX] = &e->ebx, [ECX] = &e->ecx, [EDX] = &e->edx };

		for (size_t i = 0; i < ARRAY_SIZE(features); i++)
			if (without >> i & 1 && features[i].leaf == e->leaf && !e->subleaf)
				*reg[features[i].reg] &= ~(1u << features[i].bit);
	}
}
