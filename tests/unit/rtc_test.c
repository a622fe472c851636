// SPDX-License-Identifier: GPL-2.0
#include "dev/rtc.h"
#include "unit.h"

#define SEC	1000000000LL
/* 2026-11-23 17:04:05 UTC, a Monday */
#define NOW	(1795453445 * SEC)

int main(void)
{
	struct rtc r;

	claim("rtc: host time reads as BCD, with the century");
	rtc_reset(&r);
	expect(rtc_read(&r, 0, NOW) == 0x05);
	expect(rtc_read(&r, 2, NOW) == 0x04);
	expect(rtc_read(&r, 4, NOW) == 0x17);
	expect(rtc_read(&r, 6, NOW) == 2);
	expect(rtc_read(&r, 7, NOW) == 0x23);
	expect(rtc_read(&r, 8, NOW) == 0x11);
	expect(rtc_read(&r, 9, NOW) == 0x26);
	expect(rtc_read(&r, 0x32, NOW) == 0x20);

	claim("rtc: binary and 12-hour formats");
	rtc_write(&r, 11, 0x04, NOW);
	expect(rtc_read(&r, 4, NOW) == (0x80 | 5));
	expect(rtc_read(&r, 9, NOW) == 26);

	claim("rtc: UIP is set only before a new second");
	rtc_reset(&r);
	expect(!(rtc_read(&r, 10, NOW) & 0x80));
	expect(rtc_read(&r, 10, NOW + SEC - 1000) & 0x80);

	claim("rtc: time set by the guest goes on from there");
	rtc_reset(&r);
	rtc_write(&r, 11, 0x82, NOW);
	rtc_write(&r, 0, 0x58, NOW);
	rtc_write(&r, 2, 0x59, NOW);
	rtc_write(&r, 4, 0x23, NOW);
	rtc_write(&r, 7, 0x31, NOW);
	rtc_write(&r, 8, 0x12, NOW);
	rtc_write(&r, 9, 0x99, NOW);
	expect(rtc_read(&r, 0, NOW + 10 * SEC) == 0x58);
	rtc_write(&r, 11, 0x02, NOW + 10 * SEC);
	expect(rtc_read(&r, 0, NOW + 13 * SEC) == 0x01);
	expect(rtc_read(&r, 9, NOW + 13 * SEC) == 0x00);
	expect(rtc_read(&r, 0x32, NOW + 13 * SEC) == 0x21);

	claim("rtc: periodic and update interrupts, cleared by reading C");
	rtc_reset(&r);
	expect(rtc_period(&r) == 0 && !rtc_wants_seconds(&r));
	rtc_write(&r, 11, 0x42, NOW);
	expect(rtc_period(&r) == 976562);
	rtc_periodic(&r);
	expect(r.irq && rtc_read(&r, 12, NOW) == 0xc0 && !r.irq);
	rtc_write(&r, 11, 0x12, NOW);
	expect(rtc_wants_seconds(&r));
	rtc_second(&r, NOW);
	expect(r.irq && (rtc_read(&r, 12, NOW) & 0x90) == 0x90 && !r.irq);

	claim("rtc: the alarm fires at its time, and at any with don't-care values");
	rtc_write(&r, 11, 0x22, NOW);
	rtc_write(&r, 1, 0x06, NOW);
	rtc_write(&r, 3, 0x04, NOW);
	rtc_write(&r, 5, 0xff, NOW);
	rtc_second(&r, NOW);
	expect(!r.irq);
	rtc_second(&r, NOW + SEC);
	expect(r.irq && (rtc_read(&r, 12, NOW) & 0x20));
	return unit_finish();
}
