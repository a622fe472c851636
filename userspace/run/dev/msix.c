// SPDX-License-Identifier: GPL-2.0
/* MSI-X (PCI Local Bus Specification 3.0, 6.8.2): table, masks, pending bits */
#include <string.h>

#include "../vm.h"
#include "pci.h"

#define CONTROL_AT(dev)	((dev)->msix.cap + PCI_MSIX_FLAGS)
#define PBA_LEN		(MSIX_MAX / 8)

void msix_init(struct pci_dev *dev, unsigned int nr, uint8_t bar, uint32_t table,
	       uint32_t pba)
{
	struct {
		uint16_t control;
		uint32_t table, pba;
	} __attribute__((packed)) body = { nr - 1, table | bar, pba | bar };
	struct msix *m = &dev->msix;

	m->nr = nr;
	m->bar = bar;
	m->table = table;
	m->pba = pba;
	for (unsigned int i = 0; i < nr; i++)
		m->entry[i].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	m->cap = pci_add_cap(dev, PCI_CAP_ID_MSIX, &body, sizeof(body));
	dev->writable[CONTROL_AT(dev) + 1] = (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
}

bool msix_enabled(const struct pci_dev *dev)
{
	return dev->msix.nr && (pci_get16(dev, CONTROL_AT(dev)) & PCI_MSIX_FLAGS_ENABLE);
}

/* A message is a write of the device to memory: it needs bus mastering, too */
static bool masked(const struct pci_dev *dev, unsigned int n)
{
	return (pci_get16(dev, CONTROL_AT(dev)) & PCI_MSIX_FLAGS_MASKALL) ||
	       (dev->msix.entry[n].control & PCI_MSIX_ENTRY_CTRL_MASKBIT) ||
	       !(pci_get16(dev, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

/* The one place that sends: an eventfd with a route would be signalled here */
static void send(struct pci_dev *dev, unsigned int n)
{
	vm_msi(dev->vm, dev->msix.entry[n].addr, dev->msix.entry[n].data);
}

void msix_raise(struct pci_dev *dev, unsigned int n)
{
	if (n >= dev->msix.nr || !msix_enabled(dev))
		return;
	if (masked(dev, n))
		dev->msix.pending[n / 64] |= 1ULL << n % 64;
	else
		send(dev, n);
}

void msix_flush(struct pci_dev *dev)
{
	if (!msix_enabled(dev))
		return;
	for (unsigned int n = 0; n < dev->msix.nr; n++) {
		uint64_t bit = 1ULL << n % 64;

		if (!(dev->msix.pending[n / 64] & bit) || masked(dev, n))
			continue;
		dev->msix.pending[n / 64] &= ~bit;
		send(dev, n);
	}
}

/* The bytes at @offset of the BAR if they are wholly in what begins at @start */
static uint8_t *inside(void *bytes, uint64_t start, uint64_t size, uint64_t offset,
		       uint32_t len)
{
	if (offset < start || offset - start >= size || len > size - (offset - start))
		return NULL;
	return (uint8_t *)bytes + (offset - start);
}

bool msix_read(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len, uint64_t *value)
{
	struct msix *m = &dev->msix;
	uint8_t *p;

	if (!m->nr || bar != m->bar)
		return false;
	p = inside(m->entry, m->table, m->nr * sizeof(m->entry[0]), offset, len);
	if (!p)
		p = inside(m->pending, m->pba, PBA_LEN, offset, len);
	if (!p)
		return false;
	*value = 0;
	memcpy(value, p, len);
	return true;
}

bool msix_write(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
		uint64_t value)
{
	struct msix *m = &dev->msix;
	uint8_t *p;

	if (!m->nr || bar != m->bar)
		return false;
	if (inside(m->pending, m->pba, PBA_LEN, offset, len))
		return true;
	p = inside(m->entry, m->table, m->nr * sizeof(m->entry[0]), offset, len);
	if (!p)
		return false;
	/* Other accesses than of aligned 4 and 8 bytes are undefined: none happens */
	if (len >= 4 && !(offset % len))
		memcpy(p, &value, len);
	msix_flush(dev);
	return true;
}
