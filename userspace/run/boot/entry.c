// SPDX-License-Identifier: GPL-2.0
/* The first vCPU at the kernel's first instruction */
#include <string.h>

#include "boot.h"

#define SEL_CODE32	0x08
#define SEL_CODE64	0x10
#define SEL_DATA	0x18
#define SEL_TSS		0x20
#define GDT_ENTRIES	6		/* a TSS takes two in 64-bit mode */

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)

#define PTE_TABLE	0x03ULL		/* present, writable */
#define PTE_LARGE	0x83ULL

/* Segment attributes as hvmon_segment.attr has them */
#define ATTR_CODE32	(HVMON_SEG_P | HVMON_SEG_S | HVMON_SEG_G | HVMON_SEG_DB | 0xb)
#define ATTR_CODE64	(HVMON_SEG_P | HVMON_SEG_S | HVMON_SEG_G | HVMON_SEG_L | 0xb)
#define ATTR_DATA	(HVMON_SEG_P | HVMON_SEG_S | HVMON_SEG_G | HVMON_SEG_DB | 0x3)
#define ATTR_CODE16	(HVMON_SEG_P | HVMON_SEG_S | 0xb)
#define ATTR_DATA16	(HVMON_SEG_P | HVMON_SEG_S | 0x3)
#define ATTR_TSS	(HVMON_SEG_P | 0xb)

static void identity_map(const struct guest_mem *mem)
{
	uint64_t *pml4 = mem_at(mem, BOOT_PAGES, 6 * 4096);
	uint64_t *pdpt = pml4 + 512;
	uint64_t *pd = pdpt + 512;

	memset(pml4, 0, 2 * 4096);
	pml4[0] = (BOOT_PAGES + 4096) | PTE_TABLE;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PAGES + (2 + i) * 4096) | PTE_TABLE;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MiB | PTE_LARGE;
}

void boot_tables(const struct guest_mem *mem)
{
	uint64_t *gdt = mem_at(mem, BOOT_GDT, GDT_ENTRIES * 8);

	gdt[0] = 0;
	gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffff;
	gdt[SEL_CODE64 / 8] = 0x00af9b000000ffff;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
	gdt[SEL_TSS / 8] = 0x0000890000000067;
	gdt[SEL_TSS / 8 + 1] = 0;
	identity_map(mem);
}

static void set_segment(struct hvmon_segment *seg, uint16_t selector, uint64_t base,
			uint32_t limit, uint32_t attr)
{
	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->base = base;
	seg->limit = limit;
	seg->attr = attr;
}

static void real_mode(const struct boot_entry *e, struct hvmon_sregs *s)
{
	for (int i = HVMON_ES; i <= HVMON_GS; i++) {
		uint16_t sel = i == HVMON_CS ? e->cs : e->ds;

		/* The stack ends where the launcher's tables begin */
		if (i == HVMON_SS)
			sel = (BOOT_STACK - 0x10000) >> 4;
		set_segment(&s->seg[i], sel, (uint64_t)sel << 4, 0xffff,
			    i == HVMON_CS ? ATTR_CODE16 : ATTR_DATA16);
	}
	s->idt.limit = 0x3ff;
	s->cr0 = CR0_ET;
}

static void flat_mode(const struct boot_entry *e, struct hvmon_sregs *s)
{
	bool is64 = e->mode == BOOT_LONG;

	for (int i = HVMON_ES; i <= HVMON_GS; i++)
		set_segment(&s->seg[i], e->ds, 0, 0xffffffff, ATTR_DATA);
	set_segment(&s->seg[HVMON_CS], e->cs, 0, 0xffffffff,
		    is64 ? ATTR_CODE64 : ATTR_CODE32);
	set_segment(&s->seg[HVMON_TR], SEL_TSS, 0, 0x67, ATTR_TSS);
	s->gdt.base = BOOT_GDT;
	s->gdt.limit = GDT_ENTRIES * 8 - 1;
	s->cr0 = CR0_ET | CR0_NE | CR0_PE;
	if (!is64)
		return;
	s->cr0 |= CR0_PG;
	s->cr3 = BOOT_PAGES;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
}

void boot_state(const struct boot_entry *e, struct hvmon_state *st)
{
	struct hvmon_sregs *s = &st->sregs;

	memset(&st->regs, 0, sizeof(st->regs));
	st->regs.rip = e->rip;
	st->regs.rflags = 2;
	st->regs.gpr[HVMON_RAX] = e->rax;
	st->regs.gpr[HVMON_RBX] = e->rbx;
	st->regs.gpr[HVMON_RSI] = e->rsi;
	st->regs.gpr[HVMON_RSP] = e->mode == BOOT_REAL ? 0xfff0 : BOOT_STACK;

	memset(&s->gdt, 0, sizeof(s->gdt));
	memset(&s->idt, 0, sizeof(s->idt));
	s->cr2 = 0;
	s->cr3 = 0;
	s->cr4 = 0;
	s->efer = 0;
	if (e->mode == BOOT_REAL)
		real_mode(e, s);
	else
		flat_mode(e, s);
}
