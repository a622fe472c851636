// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "dev/dev.h"
#include "dev/pci.h"
#include "unit.h"

/* A device with a port BAR, one of 32 and one of 64 bits, and MSI-X in the last */
#define TABLE	0x2000
#define PBA	0x3000
#define VECTORS	70

static struct vm vm;
static struct pci_dev probe, other, third;
static int accesses, frees, writes;
static uint64_t last;

static uint64_t probe_read(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len)
{
	uint64_t value;

	if (msix_read(dev, bar, offset, len, &value))
		return value;
	accesses++;
	return dev->slot << 24 | bar << 16 | offset;
}

static void probe_write(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
			uint64_t value)
{
	if (msix_write(dev, bar, offset, len, value))
		return;
	accesses++;
	last = value;
}

static void probe_config(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	(void)dev;
	(void)reg;
	(void)len;
	writes++;
}

static void probe_free(struct pci_dev *dev)
{
	(void)dev;
	frees++;
}

static const struct pci_ops probe_ops = {
	"probe", probe_read, probe_write, NULL, probe_config, NULL, probe_free,
};

static const struct pci_id probe_id = {
	.vendor = 0x1234, .device = 0x5678, .class = 0xff0000, .revision = 3,
	.subsystem_vendor = 0x9abc, .subsystem = 0xdef0,
};

static uint32_t cfg(int slot, int reg)
{
	uint32_t v, address = 1u << 31 | slot << 11 | (reg & 0xfc);

	bus_write(&vm.pio, 0xcf8, &address, 4);
	bus_read(&vm.pio, 0xcfc, &v, 4);
	return v;
}

static void set_cfg(int slot, int reg, int len, uint32_t v)
{
	uint32_t address = 1u << 31 | slot << 11 | (reg & 0xfc);

	bus_write(&vm.pio, 0xcf8, &address, 4);
	bus_write(&vm.pio, 0xcfc + (reg & 3), &v, len);
}

static uint32_t peek(uint64_t addr)
{
	uint32_t v;

	bus_read(&vm.mmio, addr, &v, 4);
	return v;
}

static void poke(uint64_t addr, uint32_t v)
{
	bus_write(&vm.mmio, addr, &v, 4);
}

static uint64_t base64(int slot)
{
	return (cfg(slot, 0x18) & ~0xfu) | (uint64_t)cfg(slot, 0x1c) << 32;
}

static void make(struct pci_dev *dev)
{
	pci_init(dev, &vm, &probe_ops, &probe_id);
	pci_set_bar(dev, 0, PCI_BASE_ADDRESS_SPACE_IO, 0x40);
	pci_set_bar(dev, 1, 0, 0x1000);
	pci_set_bar(dev, 2, PCI_BASE_ADDRESS_MEM_TYPE_64, 0x4000);
	dev->config[PCI_INTERRUPT_PIN] = 1;
	expect(!msix_init(dev, VECTORS, 2, TABLE, PBA));
	expect(!pci_add(dev));
}

static void test_config(void)
{
	uint32_t v;

	claim("pci: mechanism 1 finds the bridge and the devices, and nothing else");
	expect(cfg(0, 8) >> 16 == 0x0600);
	expect(cfg(1, 0) == 0x56781234 && cfg(1, 8) == 0xff000003 && cfg(1, 0x2c) == 0xdef09abc);
	expect(cfg(3, 0) == ~0u);
	v = 1u << 31 | 1 << 16 | 1 << 11;		/* bus 1 */
	bus_write(&vm.pio, 0xcf8, &v, 4);
	bus_read(&vm.pio, 0xcfc, &v, 4);
	expect(v == ~0u);
	v = 1u << 31 | 1 << 11 | 1 << 8;		/* function 1 */
	bus_write(&vm.pio, 0xcf8, &v, 4);
	bus_read(&vm.pio, 0xcfc, &v, 4);
	expect(v == ~0u);
	v = 1 << 11;					/* not enabled */
	bus_write(&vm.pio, 0xcf8, &v, 4);
	bus_read(&vm.pio, 0xcfc, &v, 4);
	expect(v == ~0u);

	claim("pci: ECAM shows the same, zeroes after 256 bytes, ones without a device");
	expect(peek(PCI_ECAM + 0x8000) == 0x56781234);
	expect(peek(PCI_ECAM + 0x8100) == 0 && peek(PCI_ECAM + 0x8ffc) == 0);
	expect(peek(PCI_ECAM + 0x8104) == 0 && peek(PCI_ECAM + 0x8110) == 0);
	expect(peek(PCI_ECAM + 0x9000) == ~0u && peek(PCI_ECAM + PCI_ECAM_LEN - 4) == ~0u);
	bus_read(&vm.mmio, PCI_ECAM + 0x80fd, &v, 4);
	bus_read(&vm.mmio, PCI_ECAM + 0x8ffe, &v, 4);
	poke(PCI_ECAM + 0x80fe, ~0u);
	poke(PCI_ECAM + 0x8ffe, ~0u);

	claim("pci: what is read-only stays, byte writes reach their byte");
	set_cfg(1, 0, 4, 0);
	set_cfg(1, 8, 4, 0);
	expect(cfg(1, 0) == 0x56781234 && cfg(1, 8) == 0xff000003);
	set_cfg(1, 0x3c, 1, 0x5a);
	set_cfg(1, 0x3d, 1, 0);
	expect((cfg(1, 0x3c) & 0xffff) == 0x15a);
	set_cfg(1, 4, 2, 0xffff);
	expect((cfg(1, 4) & 0xffff) == 0x407);
	set_cfg(1, 4, 2, 0);
	expect(writes > 0);

	claim("pci: the capability list leads to MSI-X and ends");
	expect(cfg(1, 4) >> 16 & PCI_STATUS_CAP_LIST);
	expect((cfg(1, 0x34) & 0xff) == probe.msix.cap);
	v = cfg(1, probe.msix.cap);
	expect((v & 0xffff) == 0x11 && (v >> 16) == VECTORS - 1);
	expect(cfg(1, probe.msix.cap + 4) == (TABLE | 2));
	expect(cfg(1, probe.msix.cap + 8) == (PBA | 2));
}

static void test_bars(void)
{
	uint32_t port, v;
	uint64_t base;

	claim("pci: BARs tell their size and type, and come with addresses");
	port = cfg(1, 0x10);
	expect((port & 3) == 1 && (port & ~3u) >= 0x1000);
	set_cfg(1, 0x10, 4, ~0u);
	expect(cfg(1, 0x10) == (~0x3fu | 1));
	set_cfg(1, 0x10, 4, port);
	set_cfg(1, 0x14, 4, ~0u);
	expect(cfg(1, 0x14) == ~0xfffu);
	base = base64(1);
	expect(base >= PCI_WINDOW && base + 0x4000 <= PCI_ECAM && !(base & 0x3fff));
	expect(base64(2) >= base + 0x4000);
	set_cfg(1, 0x18, 4, ~0u);
	set_cfg(1, 0x1c, 4, ~0u);
	expect(cfg(1, 0x18) == (~0x3fffu | 4) && cfg(1, 0x1c) == ~0u);
	set_cfg(1, 0x18, 4, base);
	set_cfg(1, 0x1c, 4, base >> 32);
	set_cfg(1, 0x14, 4, 0xc8000000);

	claim("pci: the command register decides which BARs answer");
	bus_read(&vm.pio, port & ~3u, &v, 4);
	expect(v == ~0u && peek(base + 8) == ~0u);
	set_cfg(1, 4, 2, PCI_COMMAND_IO);
	bus_read(&vm.pio, (port & ~3u) + 4, &v, 4);
	expect(v == (1 << 24 | 4) && peek(base + 8) == ~0u);
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY);
	bus_read(&vm.pio, port & ~3u, &v, 4);
	expect(v == ~0u && peek(base + 8) == (1 << 24 | 2 << 16 | 8));
	expect(peek(0xc8000010) == (1 << 24 | 1 << 16 | 0x10));

	claim("pci: a BAR may move, also above 4 GiB and while it is decoded");
	set_cfg(1, 0x1c, 4, 0x12);
	expect(peek(base + 8) == ~0u);
	expect(peek(0x1200000000 + base + 8) == (1 << 24 | 2 << 16 | 8));
	poke(0x1200000000 + base + 0x3ffc, 7);
	expect(last == 7);
	set_cfg(1, 0x1c, 4, 0);
	expect(peek(base + 8) == (1 << 24 | 2 << 16 | 8));

	claim("pci: of two BARs at one place the first stays, the second waits for it");
	set_cfg(2, 4, 2, PCI_COMMAND_MEMORY);
	set_cfg(2, 0x14, 4, 0xc8000000);
	expect(peek(0xc8000010) >> 24 == 1);
	set_cfg(1, 0x14, 4, 0xc9000000);
	expect(peek(0xc8000010) >> 24 == 2 && peek(0xc9000010) >> 24 == 1);
	set_cfg(2, 0x14, 4, PCI_ECAM);
	expect(peek(PCI_ECAM) == cfg(0, 0));
	set_cfg(2, 4, 2, 0);

	claim("pci: addresses that no bus has are decoded by nobody");
	set_cfg(1, 0x18, 4, 0xffffffff);
	set_cfg(1, 0x1c, 4, 0xffffffff);
	expect(!probe.bar[2].mapped);
	set_cfg(1, 0x18, 4, base);
	set_cfg(1, 0x1c, 4, 0);
	expect(peek(base + 8) >> 24 == 1);
}

static void test_intx(void)
{
	unsigned int line = PCI_GSI + PCI_LINE(1, 0);

	claim("pci: INTA raises its line unless the command register or MSI-X forbids it");
	expect(line >= 16 && line < 24 && PCI_LINE(1, 0) != PCI_LINE(2, 0));
	pci_intx(&probe, true);
	expect(fake_irq[line] == 1 && (cfg(1, 4) >> 16 & PCI_STATUS_INTERRUPT));
	set_cfg(1, 4, 2, PCI_COMMAND_INTX_DISABLE);
	expect(fake_irq[line] == 0 && (cfg(1, 4) >> 16 & PCI_STATUS_INTERRUPT));
	set_cfg(1, 4, 2, 0);
	expect(fake_irq[line] == 1);
	set_cfg(1, probe.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	expect(fake_irq[line] == 0);
	set_cfg(1, probe.msix.cap + 2, 2, 0);
	expect(fake_irq[line] == 1);
	pci_intx(&probe, false);
	expect(fake_irq[line] == 0 && !(cfg(1, 4) >> 16 & PCI_STATUS_INTERRUPT));

	claim("pci: devices that share a line release it together");
	other.slot += PCI_LINES - 1;	/* as if it were in a slot of the same line */
	expect(PCI_LINE(other.slot, 0) == PCI_LINE(1, 0));
	pci_intx(&probe, true);
	pci_intx(&other, true);
	pci_intx(&probe, false);
	expect(fake_irq[line] == 1);
	pci_intx(&other, false);
	expect(fake_irq[line] == 0);
	other.slot -= PCI_LINES - 1;
}

static void test_msix(void)
{
	uint64_t base = base64(1), table = base + TABLE, pba = base + PBA, one = 1;

	claim("msix: nothing is sent or pends before it is enabled");
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	msix_raise(&probe, 0);
	expect(!fake_msis && !peek(pba));

	claim("msix: an unmasked vector is sent as its table entry says");
	set_cfg(1, probe.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	poke(table + 69 * 16, 0xfee01000);
	poke(table + 69 * 16 + 4, 0);
	poke(table + 69 * 16 + 8, 0x4045);
	expect(peek(table + 69 * 16 + 12) == 1);
	poke(table + 69 * 16 + 12, 0);
	expect(!fake_msis);
	msix_raise(&probe, 69);
	expect(fake_msis == 1 && fake_msi_addr == 0xfee01000 && fake_msi_data == 0x4045);
	expect(peek(table + 69 * 16 + 8) == 0x4045);

	claim("msix: a masked vector pends, once, until table or function unmasks it");
	poke(table + 69 * 16 + 12, 1);
	msix_raise(&probe, 69);
	msix_raise(&probe, 69);
	expect(fake_msis == 1 && peek(pba + 8) == 1u << (69 - 64));
	poke(table + 69 * 16 + 8, 0x46);
	poke(table + 69 * 16 + 12, 0);
	expect(fake_msis == 2 && fake_msi_data == 0x46 && !peek(pba + 8));
	set_cfg(1, probe.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	msix_raise(&probe, 69);
	expect(fake_msis == 2 && peek(pba + 8));
	set_cfg(1, probe.msix.cap + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	expect(fake_msis == 3 && !peek(pba + 8));

	claim("msix: without bus mastering messages wait");
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY);
	msix_raise(&probe, 69);
	expect(fake_msis == 3);
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(fake_msis == 4);

	claim("msix: what a back end signals while a vector is masked pends, and follows the "
	      "message");
	poke(table + 69 * 16 + 12, 1);
	expect(!fake_msi[probe.msix.vector[69].gsi].bound);
	expect(write(msix_fd(&probe, 69), &one, 8) == 8 && peek(pba + 8) && fake_msis == 4);
	poke(table + 69 * 16 + 8, 0x47);
	expect(fake_msis == 4);
	poke(table + 69 * 16 + 12, 0);
	expect(fake_msis == 5 && fake_msi_data == 0x47 && !peek(pba + 8));
	expect(write(msix_fd(&probe, 69), &one, 8) == 8 && fake_msis == 6);
	poke(table + 69 * 16 + 8, 0x46);
	msix_raise(&probe, 69);
	expect(fake_msis == 7 && fake_msi_data == 0x46);
	fake_sent.n = 4;

	claim("msix: vectors that are not there, writes to pending bits, odd accesses: nothing");
	msix_raise(&probe, VECTORS);
	msix_raise(&probe, 0xffff);
	poke(pba, ~0u);
	expect(fake_msis == 4 && !peek(pba));
	bus_write(&vm.mmio, table + 69 * 16 + 8, "\xff", 1);
	expect(peek(table + 69 * 16 + 8) == 0x46);
	poke(table + VECTORS * 16 - 2, 0);
	accesses = 0;
	peek(table + VECTORS * 16);
	expect(accesses == 1);
}

static void test_detach(void)
{
	unsigned int line = PCI_GSI + PCI_LINE(2, 0);
	uint32_t free_gsis = vm.nr_free_gsis;

	claim("pci: a device that is taken off the bus leaves an empty slot, no region, no "
	      "interrupt");
	set_cfg(1, 0x14, 4, 0xca000000);
	set_cfg(2, 0x14, 4, 0xca000000);
	set_cfg(2, 4, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	expect(peek(0xca000000) >> 24 == 1);
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	poke(base64(1) + TABLE + 12, 0);
	expect(fake_msi[probe.msix.vector[0].gsi].bound);
	pci_detach(&vm, 1);
	expect(cfg(1, 0) == ~0u && !frees && peek(0xca000000) >> 24 == 2);
	expect(!fake_msi[probe.msix.vector[0].gsi].bound);
	pci_intx(&other, true);
	expect(fake_irq[line] == 1);
	pci_detach(&vm, 2);
	expect(fake_irq[line] == 0 && vm.mmio.nr == 1 && vm.pio.nr == 1);
	pci_intx(&other, true);
	expect(fake_irq[line] == 0);

	claim("pci: its slot and interrupt sources are free again when it has been released");
	pci_newest(&vm);
	pci_hot(&vm);
	make(&third);
	expect(pci_newest(&vm) == 3 && pci_newest(&vm) == -1);
	pci_reap(&vm);
	expect(frees == 2);
	msix_fini(&probe);
	msix_fini(&other);
	expect(vm.nr_free_gsis == free_gsis + 2 * VECTORS);
	memset(&probe, 0, sizeof(probe));
	memset(&other, 0, sizeof(other));
	make(&probe);
	make(&other);
	expect(pci_newest(&vm) == 2 && cfg(1, 0) == 0x56781234 && vm.nr_free_gsis == free_gsis);

	claim("pci: a device that comes while the guest runs has no addresses yet");
	expect(cfg(1, 0x10) == 1 && cfg(1, 0x14) == 0 && base64(1) == 0);
	set_cfg(1, 0x14, 4, 0xca000000);
	set_cfg(1, 4, 2, PCI_COMMAND_MEMORY);
	expect(peek(0xca000000) >> 24 == 1);
	set_cfg(1, 4, 2, 0);
	frees = 0;
}

static void test_full(void)
{
	static struct pci_dev many[PCI_SLOTS];
	int n = 0;

	claim("pci: the 32nd device is refused");
	for (; n < PCI_SLOTS; n++) {
		pci_init(&many[n], &vm, &probe_ops, &probe_id);
		pci_set_bar(&many[n], 0, 0, 0x1000);
		if (pci_add(&many[n]))
			break;
	}
	expect(n == PCI_SLOTS - 4 && frees == 1);
	frees = 0;
}

int main(void)
{
	if (pci_create(&vm))
		return 1;
	claim("pci: devices are added");
	make(&probe);
	make(&other);
	test_config();
	test_bars();
	test_intx();
	test_msix();
	test_detach();
	test_full();

	claim("pci: with the bus its devices go, and their regions");
	vm.dev_list[0]->ops->free(vm.dev_list[0]);
	expect(frees == PCI_SLOTS - 1 && vm.pio.nr == 1 && vm.mmio.nr == 1);
	return unit_finish();
}
