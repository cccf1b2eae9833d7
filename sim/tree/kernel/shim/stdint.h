/* SPDX-License-Identifier: GPL-2.0-only */
/* The protocol's types, where there is no C library. */
#ifndef PKVM_SIM_STDINT_H
#define PKVM_SIM_STDINT_H

#include <linux/types.h>

#define UINT64_C(n) n##ULL

#endif
