/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our EL2, after Linux arch/arm64/kvm/hyp/nvhe. One public symbol: the table of
 * functions behind the seam. The rest of the folder includes hyp_private.h.
 */
#ifndef PKVM_SIM_HYP_H
#define PKVM_SIM_HYP_H

#include "sim/el2/el2.h"

extern const struct hypervisor pkvm_hypervisor;

#endif
