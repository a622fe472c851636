// SPDX-License-Identifier: GPL-2.0
/* MSI-X (PCI Local Bus Specification 3.0, 6.8.2): table, masks, pending bits */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../vm.h"
#include "pci.h"

#define CONTROL_AT(dev)	((dev)->msix.cap + PCI_MSIX_FLAGS)
#define PBA_LEN		(MSIX_MAX / 8)

int msix_init(struct pci_dev *dev, unsigned int nr, uint8_t bar, uint32_t table,
	      uint32_t pba)
{
	struct {
		uint16_t control;
		uint32_t table, pba;
	} __attribute__((packed)) body = { nr - 1, table | bar, pba | bar };
	struct msix *m = &dev->msix;

	m->bar = bar;
	m->table = table;
	m->pba = pba;
	for (; m->nr < nr; m->nr++) {
		int gsi = vm_gsi_alloc(dev->vm);

		if (gsi < 0)
			return gsi;
		m->vector[m->nr].gsi = gsi;
		m->vector[m->nr].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->vector[m->nr].fd < 0) {
			int err = errno;

			vm_gsi_free(dev->vm, gsi);
			return -err;
		}
		m->entry[m->nr].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	m->cap = pci_add_cap(dev, PCI_CAP_ID_MSIX, &body, sizeof(body));
	dev->writable[CONTROL_AT(dev) + 1] = (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	return 0;
}

static void unbind(struct pci_dev *dev, unsigned int n)
{
	struct msix_vector *v = &dev->msix.vector[n];

	if (v->bound)
		vm_msi_unbind(dev->vm, v->fd, v->gsi);
	v->bound = false;
}

void msix_fini(struct pci_dev *dev)
{
	struct msix *m = &dev->msix;

	while (m->nr) {
		unbind(dev, --m->nr);
		close(m->vector[m->nr].fd);
		vm_gsi_free(dev->vm, m->vector[m->nr].gsi);
	}
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

void msix_raise(struct pci_dev *dev, unsigned int n)
{
	uint64_t one = 1;

	/* A full counter pends just as well */
	if (n < dev->msix.nr && msix_enabled(dev))
		(void)!write(dev->msix.vector[n].fd, &one, sizeof(one));
}

int msix_fd(const struct pci_dev *dev, unsigned int n)
{
	return n < dev->msix.nr ? dev->msix.vector[n].fd : -1;
}

/*
 * A vector's eventfd is bound to its message while that may be sent. While it may
 * not, whoever raises the vector, a back end in another process or in the kernel
 * too, leaves a count in the eventfd. That is the pending bit: nobody has to move
 * it, so none gets lost on the way.
 */
void msix_update(struct pci_dev *dev)
{
	struct msix *m = &dev->msix;
	bool enabled = msix_enabled(dev);

	for (unsigned int n = 0; n < m->nr; n++) {
		const struct msix_entry *e = &m->entry[n];
		struct msix_vector *v = &m->vector[n];
		bool on = enabled && !masked(dev, n);

		if (v->bound && (!on || v->addr != e->addr || v->data != e->data))
			unbind(dev, n);
		if (!on || v->bound)
			continue;
		v->addr = e->addr;
		v->data = e->data;
		v->bound = vm_msi_bind(dev->vm, v->fd, v->gsi, v->addr, v->data);
	}
}

static void collect_pending(const struct msix *m, uint64_t *pending)
{
	struct pollfd p[MSIX_MAX];

	for (unsigned int n = 0; n < m->nr; n++)
		p[n] = (struct pollfd){ m->vector[n].bound ? -1 : m->vector[n].fd, POLLIN, 0 };
	memset(pending, 0, PBA_LEN);
	if (poll(p, m->nr, 0) <= 0)
		return;
	for (unsigned int n = 0; n < m->nr; n++)
		if (p[n].revents & POLLIN)
			pending[n / 64] |= 1ULL << n % 64;
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
	uint64_t pending[PBA_LEN / 8];
	uint8_t *p;

	if (!m->nr || bar != m->bar)
		return false;
	p = inside(m->entry, m->table, m->nr * sizeof(m->entry[0]), offset, len);
	if (!p) {
		p = inside(pending, m->pba, PBA_LEN, offset, len);
		if (!p)
			return false;
		collect_pending(m, pending);
	}
	*value = 0;
	memcpy(value, p, len);
	return true;
}

bool msix_write(struct pci_dev *dev, int bar, uint64_t offset, uint32_t len,
		uint64_t value)
{
	struct msix *m = &dev->msix;
	uint64_t pending[PBA_LEN / 8];
	uint8_t *p;

	if (!m->nr || bar != m->bar)
		return false;
	if (inside(pending, m->pba, PBA_LEN, offset, len))
		return true;
	p = inside(m->entry, m->table, m->nr * sizeof(m->entry[0]), offset, len);
	if (!p)
		return false;
	/* Other accesses than of aligned 4 and 8 bytes are undefined: none happens */
	if (len >= 4 && !(offset % len))
		memcpy(p, &value, len);
	msix_update(dev);
	return true;
}
