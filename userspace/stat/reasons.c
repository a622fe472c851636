// SPDX-License-Identifier: GPL-2.0
/* Exit codes in words. */
#include "stat.h"

/* SDM vol. 3, table C-1: basic exit reasons */
static const char *const intel_reasons[] = {
	[0] = "exception or NMI", [1] = "external interrupt", [2] = "triple fault",
	[3] = "INIT", [4] = "SIPI", [7] = "interrupt window", [8] = "NMI window",
	[9] = "task switch", [10] = "CPUID", [12] = "HLT", [13] = "INVD", [14] = "INVLPG",
	[15] = "RDPMC", [16] = "RDTSC", [18] = "VMCALL", [28] = "CR access", [29] = "DR access",
	[30] = "I/O", [31] = "RDMSR", [32] = "WRMSR", [33] = "invalid guest state",
	[34] = "MSR loading", [36] = "MWAIT", [39] = "MONITOR", [40] = "PAUSE",
	[41] = "machine check at entry", [43] = "TPR below threshold", [44] = "APIC access",
	[45] = "virtualized EOI", [46] = "GDTR or IDTR access", [47] = "LDTR or TR access",
	[48] = "EPT violation", [49] = "EPT misconfiguration", [51] = "RDTSCP",
	[52] = "preemption timer", [54] = "WBINVD", [55] = "XSETBV", [56] = "APIC write",
	[58] = "INVPCID", [61] = "RDSEED", [62] = "PML full",
};

/* APM vol. 2, table C-1: exit codes */
static const struct {
	uint32_t code;
	const char *name;
} amd_reasons[] = {
	{ 0x60, "INTR" }, { 0x61, "NMI" }, { 0x62, "SMI" }, { 0x63, "INIT" },
	{ 0x64, "interrupt window" }, { 0x65, "CR0 write" }, { 0x6e, "RDTSC" },
	{ 0x6f, "RDPMC" }, { 0x72, "CPUID" }, { 0x74, "IRET" }, { 0x75, "INT n" },
	{ 0x76, "INVD" }, { 0x77, "PAUSE" }, { 0x78, "HLT" }, { 0x79, "INVLPG" },
	{ 0x7a, "INVLPGA" }, { 0x7b, "I/O" }, { 0x7c, "MSR" }, { 0x7d, "task switch" },
	{ 0x7e, "FERR" }, { 0x7f, "shutdown" }, { 0x80, "VMRUN" }, { 0x81, "VMMCALL" },
	{ 0x82, "VMLOAD" }, { 0x83, "VMSAVE" }, { 0x84, "STGI" }, { 0x85, "CLGI" },
	{ 0x86, "SKINIT" }, { 0x87, "RDTSCP" }, { 0x89, "WBINVD" }, { 0x8a, "MONITOR" },
	{ 0x8b, "MWAIT" }, { 0x8d, "XSETBV" }, { 0x8e, "RDPRU" }, { 0x400, "nested page fault" },
	{ 0xffffffff, "invalid state" },
};

const char *stat_reason(bool intel, uint64_t code, char *buf, size_t len)
{
	uint32_t c = intel ? code & 0xffff : (uint32_t)code;
	size_t i;

	if (intel && c < sizeof(intel_reasons) / sizeof(intel_reasons[0]) && intel_reasons[c])
		return intel_reasons[c];
	for (i = 0; !intel && i < sizeof(amd_reasons) / sizeof(amd_reasons[0]); i++)
		if (amd_reasons[i].code == c)
			return amd_reasons[i].name;
	if (!intel && c < 0x20)
		snprintf(buf, len, "CR%u %s", c & 15, c & 16 ? "write" : "read");
	else if (!intel && c < 0x40)
		snprintf(buf, len, "DR%u %s", c & 15, c & 16 ? "write" : "read");
	else if (!intel && c < 0x60)
		snprintf(buf, len, "exception %u", c - 0x40);
	else
		snprintf(buf, len, "reason %#x", c);
	return buf;
}
