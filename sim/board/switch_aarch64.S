/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switching on arm64 (AAPCS64): x19..x30 and d8..d15 lie on the stack that
 * is left, in one frame of 160 bytes. The way out is a jump, as a return to
 * another stack is one that the processor always predicts wrong.
 */
	.text

/* void stack_switch(void **save, void *to) */
	.globl	stack_switch
	.type	stack_switch, %function
stack_switch:
	.cfi_startproc
	stp	x19, x20, [sp, #-160]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x19, x20, [sp], #160
	br	x30
	.cfi_endproc
	.size	stack_switch, . - stack_switch

/* Where a new stack starts: its argument is in x19, put there by stack_prepare(). */
	.type	stack_entry, %function
stack_entry:
	.cfi_startproc
	.cfi_undefined x30
	mov	x0, x19
	bl	coroutine_main
	brk	#1
	.cfi_endproc
	.size	stack_entry, . - stack_entry

/* void *stack_prepare(void *base, size_t size, void *arg) */
	.globl	stack_prepare
	.type	stack_prepare, %function
stack_prepare:
	.cfi_startproc
	add	x0, x0, x1
	and	x0, x0, #~15
	sub	x0, x0, #160
	adr	x9, stack_entry
	stp	x2, xzr, [x0]		/* x19 */
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	stp	xzr, xzr, [x0, #64]
	stp	xzr, x9, [x0, #80]	/* x29: end of the frame chain, x30 */
	stp	xzr, xzr, [x0, #96]
	stp	xzr, xzr, [x0, #112]
	stp	xzr, xzr, [x0, #128]
	stp	xzr, xzr, [x0, #144]
	ret
	.cfi_endproc
	.size	stack_prepare, . - stack_prepare

	.section .note.GNU-stack, "", %progbits
