/* SPDX-License-Identifier: GPL-2.0 */
/* The world switch of AMD-V. */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/frame.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>

#include "../return_stack.S"
#include "svm.h"

/* struct hvmon_regs: gpr[] in the encoding's order; svm.h asserts it */
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

/* VERW of any writable data segment clears the buffers that TSA leaks from */
#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
#define VERW_FEATURE	X86_FEATURE_CLEAR_CPU_BUF_VM
#elif defined(X86_FEATURE_CLEAR_CPU_BUF)
#define VERW_FEATURE	X86_FEATURE_CLEAR_CPU_BUF
#endif

#if defined(CONFIG_MITIGATION_UNRET_ENTRY) || defined(CONFIG_MITIGATION_SRSO) || \
	defined(CONFIG_CPU_UNRET_ENTRY) || defined(CONFIG_CPU_SRSO)
#define HAVE_UNTRAIN
#endif

	.section .rodata
	.balign 2
verw_selector:
	.word	__KERNEL_DS

	.section .noinstr.text, "ax"

/**
 * hvmon_svm_enter - one entry into the guest and the exit from it
 * @regs:	%rdi: the guest's struct hvmon_regs; RAX, RSP, RIP and RFLAGS are
 *		the VMCB's business
 * @sw:		%rsi: struct svm_switch
 *
 * GIF and IF are clear, and the host's VMSAVE state lies at @sw->host_pa. IF
 * is set over VMRUN, because with V_INTR_MASKING the host's IF decides whether
 * physical interrupts exit (15.21.1).
 *
 * Every instruction of SVM has an exception-table entry. One is a formality:
 * while the guest's VMLOAD state is in the processor, GS is the guest's, and no
 * exception handler of the host can run. The VMRUN that this concerns cannot
 * fault, however: CLGI at the section's start has proved that EFER.SVME is set
 * and CPL is 0, the VMLOAD two steps before that RAX holds an address that is
 * fit for a VMCB, and GIF has been clear since, so that nobody can have changed
 * it (APM vol. 3, VMRUN, "Exceptions").
 *
 * Return: 0, or -EIO if an SVM instruction faulted; the host's state is intact.
 */
SYM_FUNC_START(hvmon_svm_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rsi
	push	%rdi

	/* No indirect branch and no return from here to VMRUN */
	ALTERNATIVE "jmp .Lspec_guest_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	SVM_SWITCH_SPEC_GUEST(%rsi), %eax
	cmp	SVM_SWITCH_SPEC_HOST(%rsi), %eax
	je	.Lspec_guest_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_guest_done:

	mov	SVM_SWITCH_VMCB_PA(%rsi), %rax
1:	vmload	%rax

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

#ifdef VERW_FEATURE
	/* Outside the alternative: 6.1 does not relocate what is inside */
	ALTERNATIVE "jmp .Lverw_done", "", VERW_FEATURE
	verw	verw_selector(%rip)
.Lverw_done:
#endif

	sti
2:	vmrun	%rax
3:	cli

	/* RAX is the host's again: the VMCB's address */
4:	vmsave	%rax
5:	mov	(%rsp), %rax
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
	xor	%r8d, %r8d

.Lload_host:
	/* In R8 the return value, from here on */
	mov	8(%rsp), %rsi
	mov	SVM_SWITCH_HOST_PA(%rsi), %rax
6:	vmload	%rax
7:
	/*
	 * Return predictions of the guest's making end here, before any RET. With
	 * automatic IBRS the exit itself clears them (EFER.AIBRSE, 3.1.7), and the
	 * kernel does not ask for it. RSB_VMEXIT_LITE is never set: AMD's processors
	 * make no post-barrier return stack buffer predictions.
	 */
	ALTERNATIVE "jmp .Lrsb_done", "", X86_FEATURE_RSB_VMEXIT
	FILL_RETURN_STACK RETURN_STACK_ENTRIES
.Lrsb_done:

	/*
	 * No LFENCE for a jump that is predicted wrong and goes on with the guest's
	 * value, as VT-x has: the host predicts none of its branches by this MSR.
	 * Linux sets its IBRS bit on Intel's processors alone (KERNEL_IBRS), and
	 * automatic IBRS is a bit of EFER, which the exit has loaded. STIBP is for
	 * user space, retpolines and untrained returns do the kernel's work. SSBD and
	 * PSFD act on loads that pass older stores: those from here to the RET are of
	 * what was stored before VMRUN. The values that are compared lie in a line of
	 * the cache that has just been read, so that the jump does not stay wrong.
	 */
	ALTERNATIVE "jmp .Lspec_host_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	SVM_SWITCH_SPEC_HOST(%rsi), %eax
	cmp	SVM_SWITCH_SPEC_GUEST(%rsi), %eax
	je	.Lspec_host_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_host_done:

#ifdef X86_FEATURE_IBPB_ON_VMEXIT
	ALTERNATIVE "jmp .Libpb_done", "", X86_FEATURE_IBPB_ON_VMEXIT
	mov	$MSR_IA32_PRED_CMD, %ecx
	mov	$PRED_CMD_IBPB, %eax
	xor	%edx, %edx
	wrmsr
#ifdef X86_BUG_IBPB_NO_RET
	/* The kernel takes RSB_VMEXIT back where it has this barrier at exits */
	ALTERNATIVE "jmp .Libpb_done", "", X86_BUG_IBPB_NO_RET
	FILL_RETURN_STACK RETURN_STACK_ENTRIES
#endif
.Libpb_done:
#endif
#ifdef HAVE_UNTRAIN
	ALTERNATIVE_2 "", "call entry_untrain_ret", X86_FEATURE_UNRET, \
			  "call srso_alias_untrain_ret", X86_FEATURE_SRSO_ALIAS
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

	/* VMLOAD of the guest's state or VMRUN faulted: back to the host's */
8:	cli
	mov	$-5, %r8d
	jmp	.Lload_host

	_ASM_EXTABLE(1b, 8b)
	_ASM_EXTABLE(2b, 8b)
	_ASM_EXTABLE(4b, 5b)
	_ASM_EXTABLE(6b, 7b)
SYM_FUNC_END(hvmon_svm_enter)
