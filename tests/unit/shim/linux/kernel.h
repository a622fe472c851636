/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <linux/types.h>
#include <string.h>

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define U16_MAX		0xffffu
#define U32_MAX		0xffffffffu
#define min_t(t, a, b)	((t)shim_min(a, b))
#define max_t(t, a, b)	((t)shim_max(a, b))
#define swap(a, b)	shim_swap(&(a), &(b))
#define swab64(x)	__builtin_bswap64(x)

static inline u64 shim_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 shim_max(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline void shim_swap(u64 *a, u64 *b)
{
	u64 old = *a;

	*a = *b;
	*b = old;
}

#endif
