/* SPDX-License-Identifier: GPL-2.0 */
/* Included by both vendors' enter.S; nothing is assembled from it alone. */

#include <asm/nospec-branch.h>

/*
 * Calls, for as many entries of the processor's return stack: each RET that is
 * predicted from one of them speculates into an INT3.
 */
.macro FILL_RETURN_STACK entries:req
	.rept	\entries
	ANNOTATE_INTRA_FUNCTION_CALL
	call	771f
	int3
771:
	.endr
	add	$(\entries * 8), %rsp
	lfence
.endm

/* All of them, whatever the processor */
#define RETURN_STACK_ENTRIES	32

