/* SPDX-License-Identifier: GPL-2.0 */
/* The world switch of VT-x. */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/frame.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "../return_stack.S"
#include "vmx.h"

/* struct hvmon_regs: gpr[] in the encoding's order; vmx.h asserts it */
#define R_RAX	(0 * 8)
#define R_RCX	(1 * 8)
#define R_RDX	(2 * 8)
#define R_RBX	(3 * 8)
#define R_RBP	(5 * 8)
#define R_RSI	(6 * 8)
#define R_RDI	(7 * 8)
#define R_R8	(8 * 8)
#define R_R9	(9 * 8)
#define R_R10	(10 * 8)
#define R_R11	(11 * 8)
#define R_R12	(12 * 8)
#define R_R13	(13 * 8)
#define R_R14	(14 * 8)
#define R_R15	(15 * 8)

/*
 * VERW of any writable data segment clears the buffers of MDS, TAA, MMIO stale
 * data and RFDS. Kernels say that guests want it by the one feature or the other:
 * 6.1 and 6.12 have CLEAR_CPU_BUF_VM, but for AMD's processors alone.
 */
#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
#define VERW_FEATURE_VM	X86_FEATURE_CLEAR_CPU_BUF_VM
#else
#define VERW_FEATURE_VM	X86_FEATURE_CLEAR_CPU_BUF
#endif

/* The branch history is the guest's after an exit; 6.1 to 6.16, then from 6.17 on */
#ifdef X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#define BHB_FEATURE	X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#elif defined(X86_FEATURE_CLEAR_BHB_VMEXIT)
#define BHB_FEATURE	X86_FEATURE_CLEAR_BHB_VMEXIT
#endif

/*
 * 5 calls, 30 jumps and 29 taken conditional ones: no fewer than the sequence of
 * the host's kernel takes, which Intel specifies for processors before Alder
 * Lake; later ones have BHI_DIS_S. Without the calls the loop stream detector
 * could run the loop, and leave the history alone.
 */
#define BHB_CALLS	5
#define BHB_ROUNDS	6

	.section .rodata
	.balign 2
verw_selector:
	.word	__KERNEL_DS

	.section .noinstr.text, "ax"

/**
 * hvmon_vmx_enter - one entry into the guest and the exit from it
 * @regs:	%rdi: the guest's struct hvmon_regs; RSP, RIP and RFLAGS are the
 *		VMCS's business
 * @sw:		%rsi: struct vmx_switch
 *
 * Interrupts are off and the VMCS is current. CR2 is the guest's at the entry
 * and is taken from it at the exit: nothing can fault in between.
 *
 * Return: 0; -EIO if VMLAUNCH or VMRESUME faulted or failed before the guest's
 * state was loaded, VM-instruction error says why.
 */
SYM_FUNC_START(hvmon_vmx_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rsi
	push	%rdi

	/* An exit comes back with RSP as it is here; mostly the VMCS knows it */
	cmp	%rsp, VMX_SWITCH_HOST_RSP(%rsi)
	je	.Lrsp_done
	mov	$VMX_HOST_RSP_ENCODING, %eax
1:	vmwrite	%rsp, %rax
	jbe	.Lfailed
	mov	%rsp, VMX_SWITCH_HOST_RSP(%rsi)
.Lrsp_done:
	mov	%cr2, %rax
	cmp	VMX_SWITCH_CR2(%rsi), %rax
	je	.Lcr2_done
	mov	VMX_SWITCH_CR2(%rsi), %rax
	mov	%rax, %cr2
.Lcr2_done:

	/* No indirect branch and no return from here to the entry */
	ALTERNATIVE "jmp .Lspec_guest_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	VMX_SWITCH_SPEC_GUEST(%rsi), %eax
	cmp	VMX_SWITCH_SPEC_HOST(%rsi), %eax
	je	.Lspec_guest_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_guest_done:

	/* In CF from here to the jump: neither MOV nor VERW touches it */
	btw	$0, VMX_SWITCH_LAUNCHED(%rsi)

	mov	R_RAX(%rdi), %rax
	mov	R_RCX(%rdi), %rcx
	mov	R_RDX(%rdi), %rdx
	mov	R_RBX(%rdi), %rbx
	mov	R_RBP(%rdi), %rbp
	mov	R_RSI(%rdi), %rsi
	mov	R_R8(%rdi), %r8
	mov	R_R9(%rdi), %r9
	mov	R_R10(%rdi), %r10
	mov	R_R11(%rdi), %r11
	mov	R_R12(%rdi), %r12
	mov	R_R13(%rdi), %r13
	mov	R_R14(%rdi), %r14
	mov	R_R15(%rdi), %r15
	mov	R_RDI(%rdi), %rdi

#ifdef X86_FEATURE_CLEAR_CPU_BUF
	/* Outside the alternative: 6.1 does not relocate what is inside */
	ALTERNATIVE_2 "jmp .Lverw_done", "", X86_FEATURE_CLEAR_CPU_BUF, "", VERW_FEATURE_VM
	verw	verw_selector(%rip)
.Lverw_done:
#endif
	UNWIND_HINT_SAVE
	jnc	.Llaunch
2:	vmresume
	jmp	.Lfailed
.Llaunch:
3:	vmlaunch
	jmp	.Lfailed

SYM_INNER_LABEL(hvmon_vmx_exit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push	%rax
	mov	8(%rsp), %rax
	mov	%rcx, R_RCX(%rax)
	mov	%rdx, R_RDX(%rax)
	mov	%rbx, R_RBX(%rax)
	mov	%rbp, R_RBP(%rax)
	mov	%rsi, R_RSI(%rax)
	mov	%rdi, R_RDI(%rax)
	mov	%r8, R_R8(%rax)
	mov	%r9, R_R9(%rax)
	mov	%r10, R_R10(%rax)
	mov	%r11, R_R11(%rax)
	mov	%r12, R_R12(%rax)
	mov	%r13, R_R13(%rax)
	mov	%r14, R_R14(%rax)
	mov	%r15, R_R15(%rax)
	pop	R_RAX(%rax)
	mov	8(%rsp), %rsi
	mov	%cr2, %rax
	mov	%rax, VMX_SWITCH_CR2(%rsi)
	movb	$1, VMX_SWITCH_LAUNCHED(%rsi)
	xor	%r8d, %r8d

.Lback:
	/* In R8 the return value. Predictions of the guest's end before any RET */
	ALTERNATIVE "jmp .Lrsb_done", "", X86_FEATURE_RSB_VMEXIT
	FILL_RETURN_STACK RETURN_STACK_ENTRIES
.Lrsb_done:
#ifdef X86_FEATURE_RSB_VMEXIT_LITE
	/*
	 * Enhanced IBRS keeps the guest's entries from being used, but for the
	 * first return ahead of a call that has retired (post-barrier return
	 * stack buffer predictions).
	 */
	ALTERNATIVE "jmp .Lrsb_lite_done", "", X86_FEATURE_RSB_VMEXIT_LITE
	FILL_RETURN_STACK 1
.Lrsb_lite_done:
#endif

	ALTERNATIVE "jmp .Lspec_host_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	VMX_SWITCH_SPEC_HOST(%rsi), %eax
#ifdef X86_FEATURE_KERNEL_IBRS
	/* IBRS that is not enhanced acts from its write on, of the same value, too */
	ALTERNATIVE "jmp .Lspec_host_compare", "", X86_FEATURE_KERNEL_IBRS
	jmp	.Lspec_host_write
.Lspec_host_compare:
#endif
	cmp	VMX_SWITCH_SPEC_GUEST(%rsi), %eax
	je	.Lspec_host_fence
.Lspec_host_write:
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_host_fence:
	/* A jump that is predicted wrong goes on with the guest's value */
	lfence
.Lspec_host_done:

#ifdef BHB_FEATURE
	ALTERNATIVE "jmp .Lbhb_done", "", BHB_FEATURE
	mov	$BHB_CALLS, %ecx
.Lbhb_call:
	ANNOTATE_INTRA_FUNCTION_CALL
	call	773f
	int3
773:
	mov	$BHB_ROUNDS, %edx
.Lbhb_round:
	jmp	.Lbhb_taken
	int3
.Lbhb_taken:
	dec	%edx
	jnz	.Lbhb_round
	add	$8, %rsp
	dec	%ecx
	jnz	.Lbhb_call
	lfence
.Lbhb_done:
#endif

	mov	%r8d, %eax
	/* Nothing of the guest's stays for the host to speculate with */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	add	$16, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* Faulted, or failed with the host's state intact but for what we loaded */
.Lfailed:
	mov	8(%rsp), %rsi
	mov	$-5, %r8d
	jmp	.Lback

	_ASM_EXTABLE(1b, .Lfailed)
	_ASM_EXTABLE(2b, .Lfailed)
	_ASM_EXTABLE(3b, .Lfailed)
SYM_FUNC_END(hvmon_vmx_enter)

#define L1D_LINE	64
#define L1D_LINES	1024
#define L1D_PAGE	4096

/**
 * hvmon_vmx_flush_l1d - displace what the first-level data cache holds
 * @pages:	%rdi: 64 KiB that nobody else reads, twice the size of the cache
 *
 * First a byte of each page, so that no page walk of the second pass brings
 * lines of page tables in between. Unrolled: a loop takes three times as many
 * instructions.
 */
SYM_FUNC_START(hvmon_vmx_flush_l1d)
	.set	offset, 0
	.rept	L1D_LINES * L1D_LINE / L1D_PAGE
	movzbl	offset(%rdi), %eax
	.set	offset, offset + L1D_PAGE
	.endr
	lfence
	.set	offset, 0
	.rept	L1D_LINES
	movzbl	offset(%rdi), %eax
	.set	offset, offset + L1D_LINE
	.endr
	lfence
	xor	%eax, %eax
	RET
SYM_FUNC_END(hvmon_vmx_flush_l1d)
