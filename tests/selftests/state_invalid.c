// SPDX-License-Identifier: GPL-2.0
/*
 * STATE_SET refuses each impossible control register, segment, flag and event,
 * and then nothing has changed.
 */
#include "hvt.h"

GUEST64(guest, "hlt\n");

#define GROUPS	(HVMON_STATE_REGS | HVMON_STATE_SREGS | HVMON_STATE_DEBUG | \
		 HVMON_STATE_EVENTS | HVMON_STATE_MP)

enum {
	CR0, CR3, CR4, CR8, EFER, RFLAGS, DR6, DR7, CS_ATTR, LDT_BASE, GS_BASE, GDT_BASE,
	EV_TYPE, EV_VALID, EV_VECTOR, EV_FLAGS, NMIS, MP, SIPI,
	PENDING_DBG,
};

static const struct { const char *what; int field; u64 val; } bad[] = {
	{ "PG without PE", CR0, 0x80010032 },
	{ "NW without CD", CR0, 0xa0010033 },
	{ "CR0 bit 32", CR0, 0x180010033ULL },
	{ "CR0 bit 63", CR0, 0x8000000080010033ULL },
	{ "CR4 without PAE in long mode", CR4, 0x600 },
	{ "CR4.VMXE, which no guest has", CR4, 0x2620 },
	{ "CR4 bit 31", CR4, 0x80000620 },
	{ "CR4 bit 63", CR4, 0x8000000000000620ULL },
	{ "CR3 above the physical width", CR3, 1ULL << 62 },
	{ "CR8 above 15", CR8, 16 },
	{ "EFER.SVME, which no guest has", EFER, 0x1d01 },
	{ "EFER bit 63", EFER, 0x8000000000000d01ULL },
	{ "LMA without LME", EFER, 0xc01 },
	{ "RFLAGS without bit 1", RFLAGS, 0 },
	{ "RFLAGS bit 3", RFLAGS, 0xa },
	{ "RFLAGS bit 32", RFLAGS, 0x100000002ULL },
	{ "RFLAGS.VM in long mode", RFLAGS, 0x20002 },
	{ "DR6 bit 32", DR6, 0x1ffff0ff0ULL },
	{ "DR7 bit 32", DR7, 0x100000400ULL },
	{ "L and D in one code segment", CS_ATTR, 0xe09b },
	{ "reserved attribute bits", CS_ATTR, 0xa09b | 1 << 17 },
	{ "attribute bits 8-11", CS_ATTR, 0xa09b | 1 << 8 },
	{ "a non-canonical LDT base", LDT_BASE, 1ULL << 63 },
	{ "a non-canonical GS base", GS_BASE, 1ULL << 62 },
	{ "a non-canonical GDT base", GDT_BASE, 1ULL << 62 },
	{ "an event of type 1", EV_TYPE, 1 },
	{ "an event of type 7", EV_TYPE, 7 },
	{ "an event that is valid twice", EV_VALID, 2 },
	{ "exception 32", EV_VECTOR, 32 },
	{ "an unknown event flag", EV_FLAGS, 8 },
	{ "a reserved pending debug exception", PENDING_DBG, 0x10 },
	{ "three NMIs", NMIS, 3 },
	{ "multiprocessing state 3", MP, 3 },
	{ "SIPI vector 256", SIPI, 256 },
};

static void spoil(struct hvmon_state *st, int field, u64 val)
{
	struct hvmon_event ev = { .valid = 1, .type = HVMON_EV_EXCEPTION, .vector = 6 };

	switch (field) {
	case CR0:
		st->sregs.cr0 = val;
		break;
	case CR3:
		st->sregs.cr3 = val;
		break;
	case CR4:
		st->sregs.cr4 = val;
		break;
	case CR8:
		st->sregs.cr8 = val;
		break;
	case EFER:
		st->sregs.efer = val;
		break;
	case RFLAGS:
		st->regs.rflags = val;
		break;
	case DR6:
		st->debug.dr6 = val;
		break;
	case DR7:
		st->debug.dr7 = val;
		break;
	case CS_ATTR:
		st->sregs.seg[HVMON_CS].attr = val;
		break;
	case LDT_BASE:
		st->sregs.seg[HVMON_LDTR].attr = 0x82;
		st->sregs.seg[HVMON_LDTR].base = val;
		break;
	case GS_BASE:
		st->sregs.seg[HVMON_GS].base = val;
		break;
	case GDT_BASE:
		st->sregs.gdt.base = val;
		break;
	case EV_TYPE:
		ev.type = val;
		st->events.exception = ev;
		break;
	case EV_VALID:
		ev.valid = val;
		st->events.exception = ev;
		break;
	case EV_VECTOR:
		ev.vector = val;
		st->events.exception = ev;
		break;
	case EV_FLAGS:
		st->events.flags = val;
		break;
	case PENDING_DBG:
		st->events.pending_dbg = val;
		break;
	case NMIS:
		st->events.nmi_pending = val;
		break;
	case MP:
		st->mp.state = val;
		break;
	case SIPI:
		st->mp.sipi_pending = 1;
		st->mp.sipi_vector = val;
		break;
	}
}

int main(void)
{
	static struct hvmon_state good, st, back;
	struct hvt_vcpu *v = HVT_BOOT(64, guest);
	unsigned int i;

	hvt_get(v, &good, GROUPS);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		st = good;
		st.regs.gpr[HVMON_RBX] = 0xbad;
		st.debug.db[0] = 0xbad;
		st.sregs.cr2 = 0xbad;
		spoil(&st, bad[i].field, bad[i].val);
		if (hvt_try_set(v, &st, GROUPS) == 0)
			FAIL("%s was accepted", bad[i].what);
		if (errno != EINVAL)
			FAIL("%s: %s, expected EINVAL", bad[i].what, strerror(errno));
		hvt_get(v, &back, GROUPS);
		if (memcmp(&back, &good, sizeof(back)))
			FAIL("%s was refused, but the state changed", bad[i].what);
	}
	hvt_set(v, &good, GROUPS);
	EXPECT(v, HVMON_EXIT_HLT);
	return 0;
}
