// SPDX-License-Identifier: GPL-2.0
/* MC146818 clock and CMOS memory, after Motorola's data sheet */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "rtc.h"

#define NSEC		1000000000LL
/* Registers change within this time before each second: the data sheet's tBUC */
#define UPDATE_NS	244000

enum {
	SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM, WEEKDAY,
	DAY, MONTH, YEAR, REG_A, REG_B, REG_C, REG_D, CENTURY = 0x32,
};

#define A_UIP		0x80
#define A_RATE		0x0f

#define B_SET		0x80
#define B_PERIODIC	0x40
#define B_ALARM		0x20
#define B_UPDATE	0x10
#define B_BINARY	0x04
#define B_24H		0x02

#define C_IRQ		0x80

#define D_VALID		0x80

#define HOUR_PM		0x80

static uint8_t encode(const struct rtc *rtc, int v)
{
	return rtc->cmos[REG_B] & B_BINARY ? v : (v / 10 << 4) | v % 10;
}

static int decode(const struct rtc *rtc, uint8_t v)
{
	return rtc->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, int h)
{
	if (rtc->cmos[REG_B] & B_24H)
		return encode(rtc, h);
	return encode(rtc, h % 12 ? h % 12 : 12) | (h >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *rtc, uint8_t v)
{
	if (rtc->cmos[REG_B] & B_24H)
		return decode(rtc, v);
	return decode(rtc, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* Brings the time registers up to date, unless the guest is setting them */
static void update_time(struct rtc *rtc, int64_t now)
{
	time_t t = now / NSEC + rtc->offset;
	struct tm tm;

	if (rtc->cmos[REG_B] & B_SET)
		return;
	if (!gmtime_r(&t, &tm))
		return;
	rtc->cmos[SECONDS] = encode(rtc, tm.tm_sec % 60);
	rtc->cmos[MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[YEAR] = encode(rtc, tm.tm_year % 100);
	rtc->cmos[CENTURY] = encode(rtc, tm.tm_year / 100 + 19);
}

/* What the guest wrote is the time from now on */
static void set_time(struct rtc *rtc, int64_t now)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[DAY]),
		.tm_mon = decode(rtc, rtc->cmos[MONTH]) - 1,
		.tm_year = decode(rtc, rtc->cmos[YEAR]) +
			   (decode(rtc, rtc->cmos[CENTURY]) - 19) * 100,
	};

	rtc->offset = timegm(&tm) - now / NSEC;
}

static bool is_time(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

static void update_irq(struct rtc *rtc)
{
	uint8_t *c = &rtc->cmos[REG_C];
	uint8_t enabled = rtc->cmos[REG_B] & (B_PERIODIC | B_ALARM | B_UPDATE);

	*c &= ~C_IRQ;
	if (*c & enabled)
		*c |= C_IRQ;
	rtc->irq = *c & C_IRQ;
}

void rtc_reset(struct rtc *rtc)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->cmos[REG_A] = 0x26;	/* 32768 Hz, periodic rate 1024 Hz */
	rtc->cmos[REG_B] = B_24H;
	rtc->cmos[REG_D] = D_VALID;
}

uint8_t rtc_read(struct rtc *rtc, uint8_t index, int64_t now)
{
	uint8_t v;

	index %= CMOS_SIZE;
	if (is_time(index))
		update_time(rtc, now);
	v = rtc->cmos[index];
	if (index == REG_A && !(rtc->cmos[REG_B] & B_SET) && now % NSEC >= NSEC - UPDATE_NS)
		v |= A_UIP;
	if (index == REG_C) {
		rtc->cmos[REG_C] = 0;
		update_irq(rtc);
	}
	return v;
}

static void write_b(struct rtc *rtc, uint8_t value, int64_t now)
{
	uint8_t old = rtc->cmos[REG_B];

	/* Freeze the present time, in the old format, before it can be edited */
	if (value & ~old & B_SET)
		update_time(rtc, now);
	rtc->cmos[REG_B] = value;
	if (old & ~value & B_SET)
		set_time(rtc, now);
	update_irq(rtc);
}

void rtc_write(struct rtc *rtc, uint8_t index, uint8_t value, int64_t now)
{
	index %= CMOS_SIZE;
	switch (index) {
	case REG_A:
		rtc->cmos[REG_A] = value & ~A_UIP;
		break;
	case REG_B:
		write_b(rtc, value, now);
		break;
	case REG_C:
	case REG_D:
		break;
	default:
		if (is_time(index))
			update_time(rtc, now);
		rtc->cmos[index] = value;
		if (is_time(index) && !(rtc->cmos[REG_B] & B_SET))
			set_time(rtc, now);
	}
}

uint64_t rtc_period(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[REG_A] & A_RATE;

	if (!(rtc->cmos[REG_B] & B_PERIODIC) || !rate)
		return 0;
	/* Rates 1 and 2 are those of 8 and 9; else 32768 Hz >> (rate - 1) */
	if (rate < 3)
		rate += 7;
	return NSEC * (1ULL << (rate - 1)) / 32768;
}

bool rtc_wants_seconds(const struct rtc *rtc)
{
	return (rtc->cmos[REG_B] & (B_ALARM | B_UPDATE)) && !(rtc->cmos[REG_B] & B_SET);
}

void rtc_periodic(struct rtc *rtc)
{
	rtc->cmos[REG_C] |= B_PERIODIC;
	update_irq(rtc);
}

/* An alarm register of 0xc0 or more matches any value */
static bool alarm_matches(const struct rtc *rtc, int alarm, int reg)
{
	return rtc->cmos[alarm] >= 0xc0 || rtc->cmos[alarm] == rtc->cmos[reg];
}

bool rtc_second(struct rtc *rtc, int64_t now)
{
	bool alarm;

	if (rtc->cmos[REG_B] & B_SET)
		return false;
	update_time(rtc, now);
	rtc->cmos[REG_C] |= B_UPDATE;
	alarm = alarm_matches(rtc, SECONDS_ALARM, SECONDS) &&
		alarm_matches(rtc, MINUTES_ALARM, MINUTES) &&
		alarm_matches(rtc, HOURS_ALARM, HOURS);
	if (alarm)
		rtc->cmos[REG_C] |= B_ALARM;
	update_irq(rtc);
	return alarm && rtc->cmos[REG_B] & B_ALARM;
}
