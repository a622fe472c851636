/* SPDX-License-Identifier: GPL-2.0 */
/* The processor's DR0-3 by number. */
#ifndef _HVMON_DR_H
#define _HVMON_DR_H

#include "compat.h"

static inline unsigned long hvmon_read_dr(int n)
{
	unsigned long val;

	switch (n) {
	case 0:
		get_debugreg(val, 0);
		break;
	case 1:
		get_debugreg(val, 1);
		break;
	case 2:
		get_debugreg(val, 2);
		break;
	default:
		get_debugreg(val, 3);
		break;
	}
	return val;
}

static inline void hvmon_write_dr(int n, unsigned long val)
{
	switch (n) {
	case 0:
		set_debugreg(val, 0);
		break;
	case 1:
		set_debugreg(val, 1);
		break;
	case 2:
		set_debugreg(val, 2);
		break;
	default:
		set_debugreg(val, 3);
		break;
	}
}

#endif /* _HVMON_DR_H */
