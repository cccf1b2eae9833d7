/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: a register by name is of the wrong machine here. */
#ifndef __ASM_STACK_POINTER_H
#define __ASM_STACK_POINTER_H

#define current_stack_pointer ((unsigned long)__builtin_frame_address(0))

#endif
