/* SPDX-License-Identifier: GPL-2.0-only */
/* No CPU of the board has counters: a guest that reads one ends EL2. */
#ifndef PKVM_SIM_ARCH_TIMER_H
#define PKVM_SIM_ARCH_TIMER_H

#define arch_timer_read_cntpct_el0 sim_unused_read_cntpct
#define arch_timer_read_cntvct_el0 sim_unused_read_cntvct
#include_next <asm/arch_timer.h>
#undef arch_timer_read_cntpct_el0
#undef arch_timer_read_cntvct_el0

#define sim_no_counter() (sim_trap("unmodelled", __FILE__, __LINE__, "counters"), 0UL)
#define arch_timer_read_cntpct_el0 sim_no_counter
#define arch_timer_read_cntvct_el0 sim_no_counter

#endif
