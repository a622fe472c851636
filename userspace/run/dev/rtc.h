/* SPDX-License-Identifier: GPL-2.0 */
/* MC146818 clock and CMOS memory, apart from real time and the interrupt */
#ifndef RUN_RTC_H
#define RUN_RTC_H

#include <stdbool.h>
#include <stdint.h>

#define CMOS_SIZE	128

struct rtc {
	uint8_t cmos[CMOS_SIZE];	/* time registers are filled in at reads */
	int64_t offset;			/* guest's seconds - host's */
	bool irq;
};

/* Registers A to D in their power-on state, clock on host time */
void rtc_reset(struct rtc *rtc);
/* @now: nanoseconds of host time since 1970 UTC */
uint8_t rtc_read(struct rtc *rtc, uint8_t index, int64_t now);
void rtc_write(struct rtc *rtc, uint8_t index, uint8_t value, int64_t now);

/* Nanoseconds between periodic interrupts, 0 for none */
uint64_t rtc_period(const struct rtc *rtc);
/* True if the clock must be told of each new second */
bool rtc_wants_seconds(const struct rtc *rtc);
void rtc_periodic(struct rtc *rtc);
/* True if this is the alarm's second, and it is enabled */
bool rtc_second(struct rtc *rtc, int64_t now);

#endif
