/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switching on x86-64 (System V ABI): the registers that a callee must
 * keep lie on the stack that is left. The floating point control words are the
 * same on all of them: nothing here changes them. The way out is a jump, as a
 * return to another stack is one that the processor always predicts wrong.
 */
	.text

/* void stack_switch(void **save, void *to) */
	.globl	stack_switch
	.type	stack_switch, @function
stack_switch:
	.cfi_startproc
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	popq	%rcx
	jmp	*%rcx
	.cfi_endproc
	.size	stack_switch, . - stack_switch

/* Where a new stack starts: its argument is in %rbx, put there by stack_prepare(). */
	.type	stack_entry, @function
stack_entry:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rbx, %rdi
	call	coroutine_main@PLT
	ud2
	.cfi_endproc
	.size	stack_entry, . - stack_entry

/* void *stack_prepare(void *base, size_t size, void *arg) */
	.globl	stack_prepare
	.type	stack_prepare, @function
stack_prepare:
	.cfi_startproc
	leaq	(%rdi,%rsi), %rax
	andq	$-16, %rax
	leaq	stack_entry(%rip), %rcx
	movq	%rcx, -8(%rax)	/* return address */
	movq	$0, -16(%rax)	/* rbp: end of the frame chain */
	movq	%rdx, -24(%rax)	/* rbx */
	movq	$0, -32(%rax)	/* r12..r15 */
	movq	$0, -40(%rax)
	movq	$0, -48(%rax)
	movq	$0, -56(%rax)
	leaq	-56(%rax), %rax
	ret
	.cfi_endproc
	.size	stack_prepare, . - stack_prepare

	.section .note.GNU-stack, "", @progbits
