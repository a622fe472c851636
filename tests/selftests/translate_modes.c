// SPDX-License-Identifier: GPL-2.0
/* TRANSLATE follows the paging mode: none, 32-bit with 4 MiB pages, PAE. */
#include "hvt.h"

GUEST32(guest, "hlt\n");

static void want(struct hvt_vcpu *v, u32 gva, u64 gpa)
{
	HVT_DEFINE_ARG(hvmon_translate, t, .gva = gva);

	SYS(ioctl(v->fd, HVMON_TRANSLATE, &t));
	if (!t.valid || t.gpa != gpa)
		FAIL("%#x: valid %u gpa %#llx, expected %#llx", gva, t.valid, t.gpa,
		     (unsigned long long)gpa);
}

static void paging(struct hvt_vcpu *v, u64 cr3, u64 cr4)
{
	struct hvmon_state st;

	hvt_get(v, &st, HVMON_STATE_SREGS);
	st.sregs.cr0 |= 1ULL << 31;
	st.sregs.cr3 = cr3;
	st.sregs.cr4 = cr4;
	hvt_set(v, &st, HVMON_STATE_SREGS);
}

int main(void)
{
	struct hvt_vcpu *v = HVT_BOOT(32, guest);
	u32 *pd = (u32 *)(v->vm->mem + 0x200000), *pt = (u32 *)(v->vm->mem + 0x201000);
	u64 *pdpt = (u64 *)(v->vm->mem + 0x202000), *pae_pd = (u64 *)(v->vm->mem + 0x203000);
	u64 *pae_pt = (u64 *)(v->vm->mem + 0x204000);

	want(v, 0xdeadbeef, 0xdeadbeef);
	pd[0] = 0x83;
	pd[768] = 0x201000 | 7;
	pt[5] = 0x123000 | 7;
	paging(v, 0x200000, 0x10);
	want(v, 0x3fffff, 0x3fffff);
	want(v, 0xc0005678, 0x123678);
	pdpt[0] = 0x203000 | 1;
	pae_pd[0] = 0x83;
	pae_pd[1] = 0x204000 | 7;
	pae_pt[7] = 0x1fffff000ULL | 7;		/* above 4 GiB */
	paging(v, 0x202000, 0x20);
	want(v, 0x1fffff, 0x1fffff);
	want(v, 0x207abc, 0x1fffffabcULL);
	return 0;
}
