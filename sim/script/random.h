/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `pkvm-sim random` share. */
#ifndef PKVM_SIM_SCRIPT_RANDOM_H
#define PKVM_SIM_SCRIPT_RANDOM_H

#include "batch.h"
#include "sim/explore/explore.h"

/* The action as a line of a scenario. New string. */
char *action_words(const struct x_action *a);

#endif
