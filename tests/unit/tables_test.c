// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include "dev/dev.h"
#include "firmware.h"
#include "unit.h"

static struct guest_mem mem;

static uint8_t sum(const uint8_t *p, uint32_t len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* A table at @gpa with a good header, or NULL */
static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *p = mem_at(&mem, gpa, 36);

	if (!p || memcmp(p, signature, 4) || gpa + get32(p + 4) > BIOS_END)
		return NULL;
	return sum(p, get32(p + 4)) ? NULL : p;
}

static void dump(const char *dir, const char *name, const uint8_t *p)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.aml", dir, name);
	f = fopen(path, "w");
	if (!f)
		return;
	fwrite(p, 1, get32(p + 4), f);
	fclose(f);
}

/* iasl reads what we wrote, without a complaint */
static void disassemble(const uint8_t *fadt, const uint8_t *dsdt, const uint8_t *madt,
			const uint8_t *mcfg, const uint8_t *xsdt)
{
	char dir[] = "/tmp/hvmon-unit.XXXXXX", cmd[800];

	if (system("command -v iasl >/dev/null") || !mkdtemp(dir))
		return;
	claim("acpi: iasl takes the tables apart without errors");
	dump(dir, "fadt", fadt);
	dump(dir, "dsdt", dsdt);
	dump(dir, "madt", madt);
	dump(dir, "mcfg", mcfg);
	dump(dir, "xsdt", xsdt);
	snprintf(cmd, sizeof(cmd),
		 "cd %s && iasl -d *.aml >log 2>&1 && "
		 "! grep -iE 'error|warning|invalid' log *.dsl >bad && "
		 "grep -q PNP0501 dsdt.dsl && grep -q _S5 dsdt.dsl && "
		 "grep -q PNP0A03 dsdt.dsl && grep -q 'QWordMemory' dsdt.dsl && "
		 "[ $(grep -c 'Method (_EJ0' dsdt.dsl) = 31 ] && "
		 "[ $(grep -c 'Notify (S[0-9]*, 0x01)' dsdt.dsl) = 31 ] && "
		 "[ $(grep -c 'Notify (S[0-9]*, 0x03)' dsdt.dsl) = 31 ] && "
		 "iasl dsdt.dsl >log2 2>&1", dir);
	expect(!system(cmd));
	if (!unit_ok) {
		snprintf(cmd, sizeof(cmd), "cd %s && cat bad log log2 | sed 's/^/# /'", dir);
		(void)!system(cmd);
	}
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	(void)!system(cmd);
}

static void test_acpi(unsigned int cpus)
{
	const uint8_t *rsdp, *xsdt, *fadt = NULL, *madt = NULL, *dsdt = NULL;
	const uint8_t *mcfg = NULL;
	unsigned int lapics = 0, n;

	claim("acpi: RSDP, XSDT, FADT, DSDT, FACS, MADT, MCFG are found and add up");
	acpi_build(&mem, cpus, 39);
	rsdp = mem_at(&mem, BIOS_RSDP, 36);
	expect(!memcmp(rsdp, "RSD PTR ", 8) && !sum(rsdp, 20) && !sum(rsdp, 36));
	xsdt = table(get64(rsdp + 24), "XSDT");
	expect(xsdt && get32(xsdt + 4) == 36 + 3 * 8);
	if (xsdt) {
		fadt = table(get64(xsdt + 36), "FACP");
		madt = table(get64(xsdt + 44), "APIC");
		mcfg = table(get64(xsdt + 52), "MCFG");
	}
	expect(fadt && madt && mcfg);
	if (!fadt || !madt || !mcfg)
		return;
	dsdt = table(get64(fadt + 140), "DSDT");
	expect(dsdt);
	expect(!(get64(fadt + 132) & 63));
	expect(!memcmp(mem_at(&mem, get64(fadt + 132), 64), "FACS", 4));

	claim("acpi: the FADT names the ports of dev.h");
	expect(get32(fadt + 56) == PM1_EVENT_PORT && get32(fadt + 64) == PM1_CONTROL_PORT);
	expect(get32(fadt + 76) == PM_TIMER_PORT && get64(fadt + 120) == RESET_PORT);
	expect(fadt[128] == RESET_VALUE);
	expect(get32(fadt + 80) == GPE0_PORT && fadt[92] == GPE0_LEN);
	expect(get64(fadt + 224) == GPE0_PORT && fadt[221] == GPE0_LEN * 8);

	claim("acpi: the MADT has one LAPIC per processor and ends where it says");
	for (n = 44; n < get32(madt + 4) && madt[n + 1]; n += madt[n + 1])
		if (madt[n] == 0)
			expect(madt[n + 3] == lapics++);
	expect(n == get32(madt + 4) && lapics == cpus);

	claim("acpi: the MCFG has one bus at the address that memory maps keep free");
	expect(get32(mcfg + 4) == 60 && get64(mcfg + 44) == PCI_ECAM);
	expect(!(mcfg[52] | mcfg[53] | mcfg[54] | mcfg[55]));
	if (dsdt && cpus == 2)
		disassemble(fadt, dsdt, madt, mcfg, xsdt);
}

static bool contains(const uint8_t *p, uint32_t len, const void *what, uint32_t n)
{
	for (uint32_t i = 0; i + n <= len; i++)
		if (!memcmp(p + i, what, n))
			return true;
	return false;
}

static const uint8_t *build_dsdt_for(unsigned int gpa_bits)
{
	const uint8_t *xsdt, *fadt;

	acpi_build(&mem, 1, gpa_bits);
	xsdt = mem_at(&mem, get64((const uint8_t *)mem_at(&mem, BIOS_RSDP, 36) + 24), 36);
	fadt = mem_at(&mem, get64(xsdt + 36), 276);
	return mem_at(&mem, get64(fadt + 140), 36);
}

static void test_pci_windows(void)
{
	const uint64_t window = ABOVE_4G;
	const uint8_t *dsdt;

	claim("acpi: the second PCI window is there only where addresses reach it");
	dsdt = build_dsdt_for(33);
	expect(contains(dsdt, get32(dsdt + 4), &window, 8));
	dsdt = build_dsdt_for(32);
	expect(!contains(dsdt, get32(dsdt + 4), &window, 8));
}

static void test_mptable(unsigned int cpus)
{
	static const uint8_t size[] = { 20, 8, 8, 8, 8 };
	const uint8_t *ptr, *t, *e;
	unsigned int seen[5] = { 0 };
	uint16_t entries, len;

	claim("mp: pointer and table add up and the entries end where they should");
	mptable_build(&mem, cpus);
	ptr = mem_at(&mem, BIOS_MP, 16);
	expect(!memcmp(ptr, "_MP_", 4) && !sum(ptr, 16) && !(BIOS_MP & 15));
	t = mem_at(&mem, get32(ptr + 4), 44);
	memcpy(&len, t + 4, 2);
	memcpy(&entries, t + 34, 2);
	expect(!memcmp(t, "PCMP", 4) && !sum(t, len));
	for (e = t + 44; entries && *e < 5; entries--, e += size[*e])
		seen[*e]++;
	expect(!entries && e == t + len);
	expect(seen[0] == cpus && seen[1] == 1 && seen[2] == 1 && seen[3] == 15 && seen[4] == 2);
}

static void test_features(void)
{
	struct hvmon_cpuid_entry e[] = {
		{ .leaf = 1, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 7, .ebx = ~0u, .ecx = ~0u },
		{ .leaf = 7, .subleaf = 1, .ebx = ~0u, .ecx = ~0u },
		{ .leaf = 0x80000001, .ecx = ~0u, .edx = ~0u },
	};
	uint64_t without = 0;

	claim("features: each has a name, and only that, of all its letters, finds it");
	for (unsigned int i = 0; feature_name(i); i++)
		expect(feature_find(feature_name(i), strlen(feature_name(i))) == (int)i);
	expect(feature_find("x2api", 5) < 0 && feature_find("", 0) < 0);

	claim("features: what is hidden is cleared, all else stays");
	without |= 1ULL << feature_find("x2apic", 6);
	without |= 1ULL << feature_find("smap", 4);
	without |= 1ULL << feature_find("rdtscp", 6);
	features_hide(e, 4, without);
	expect(e[0].ecx == ~(1u << 21) && e[0].edx == ~0u);
	expect(e[1].ebx == ~(1u << 20) && e[1].ecx == ~0u);
	expect(e[2].ebx == ~0u && e[2].ecx == ~0u);
	expect(e[3].edx == ~(1u << 27) && e[3].ecx == ~0u);
}

static void test_topology(void)
{
	struct hvmon_cpuid_entry e[] = {
		{ .leaf = 1, .ebx = 0x07080800 },
		{ .leaf = 0xb, .subleaf = 0 },
		{ .leaf = 0xb, .subleaf = 1 },
		{ .leaf = 0xb, .subleaf = 2, .ecx = 2 },
		{ .leaf = 0x80000008, .ecx = 0x3fff },
	};

	claim("topology: one socket of N cores, the vCPU's number as APIC ID");
	topology_edit(e, 5, 6, 3);
	expect(e[0].ebx == 0x03060800);
	expect(e[1].eax == 0 && e[1].ebx == 1 && e[1].ecx == 0x100 && e[1].edx == 3);
	expect(e[2].eax == 3 && e[2].ebx == 6 && e[2].ecx == 0x201 && e[2].edx == 3);
	expect(e[3].ebx == 0 && e[3].ecx == 2);
	expect((e[4].ecx & 0xff) == 5 && e[4].ecx >> 12 == 3);
}

static void test_memory(void)
{
	struct guest_mem big = { .size = 5 * GiB, .low = 3 * GiB, .span = 5 * GiB, .fd = -1 };
	struct mem_range map[MEM_MAX_RANGES];
	int n;

	claim("memory: 5 GiB leave the PCI hole free and go on at 4 GiB");
	big.base = (uint8_t *)0x100000000000;
	n = mem_map(&big, map);
	expect(n == 6 && map[3].start + map[3].len == PCI_HOLE);
	expect(map[4].start == PCI_ECAM && map[4].type == E820_RSVD);
	expect(map[5].start == ABOVE_4G && map[5].len == 2 * GiB);
	expect(mem_window64(&big) == 8 * GiB);
	expect(mem_at(&big, ABOVE_4G, 1) == big.base + PCI_HOLE);
	expect(!mem_at(&big, PCI_HOLE - 1, 2) && !mem_at(&big, ABOVE_4G + 2 * GiB, 1));
	expect(!mem_at(&big, VGA_HOLE, 1) && !mem_at(&big, ~0ULL, 1));
	expect(!mem_at(&big, 0, ~0ULL) && !mem_at(&big, ABOVE_4G, ~0ULL));
}

int main(void)
{
	if (mem_alloc(&mem, 4 * MiB, MEM_ANON))
		return 1;
	test_acpi(1);
	test_acpi(2);
	test_acpi(64);
	test_pci_windows();
	test_mptable(1);
	test_mptable(64);
	test_topology();
	test_features();
	test_memory();
	return unit_finish();
}
