/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of model/. */
#ifndef PKVM_SIM_MODEL_PRIVATE_H
#define PKVM_SIM_MODEL_PRIVATE_H

#include "model.h"

/* The 4 KiB frame at @pa is backed and was never written: it reads as zero. */
bool model_frame_untouched(struct board *b, pa_t pa);

/* What an entry of a guest's tables says of the page. */
enum page_state model_entry_state(const struct el2_layout *l, u64 desc);

/* A guest's leaf that says it owns what it translates to. */
struct guest_leaf {
	u64 from, to; /* PA */
	u32 handle;
};
/* All guests', ascending by address. Free with g_array_unref(). */
GArray *model_guest_leaves(struct board *b, const struct el2_view *v);

#endif
