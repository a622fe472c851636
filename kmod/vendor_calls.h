/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Static calls for the vendor hooks that run at every exit: a direct branch,
 * patched once when the vendor is known, instead of an indirect one that the
 * mitigations would slow down.
 */
#ifndef _HVMON_VENDOR_CALLS_H
#define _HVMON_VENDOR_CALLS_H

#include <linux/static_call.h>

#define HVMON_HOT_HOOKS(_)						\
	_(section_begin) _(section_end) _(enter) _(handle_exit)		\
	_(get_state) _(set_state) _(get_reg) _(set_reg) _(get_seg) _(seg_base)	\
	_(get_paging) _(get_msr) _(set_msr) _(cpl) _(code_bits) _(get_code)	\
	_(can_inject) _(inject) _(open_window) _(post_irr) _(skip_insn)

#define HVMON_DECLARE_HOOK(name)					\
	DECLARE_STATIC_CALL(hvmon_hook_##name,				\
			    *((struct hvmon_vendor_ops *)0)->name);
HVMON_HOT_HOOKS(HVMON_DECLARE_HOOK)

#define hvmon_call(name, ...) static_call(hvmon_hook_##name)(__VA_ARGS__)

#endif /* _HVMON_VENDOR_CALLS_H */
