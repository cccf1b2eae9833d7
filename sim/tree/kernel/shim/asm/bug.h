/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: every one of these ends EL2, by a trap that names file and line. */
#ifndef _ARCH_ARM64_ASM_BUG_H
#define _ARCH_ARM64_ASM_BUG_H

#include <linux/stringify.h>

#define HAVE_ARCH_BUG
#define BUG() sim_trap("BUG", __FILE__, __LINE__, "")
/* How many arguments a release gives it differs. */
#define __WARN_FLAGS(...) sim_warn(__FILE__, __LINE__, "")

#include <asm-generic/bug.h>

#endif
