/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaying recordings of the real hypervisor (../shared/golden/README.md gives
 * their format) and comparing everything that they say.
 */
#ifndef PKVM_SIM_GOLDEN_H
#define PKVM_SIM_GOLDEN_H

#include "sim/report/report.h"

/*
 * golden_run - replay @files (NULL terminated) on @hyp, which runs @tree if it is a tree's
 *
 * .jsonl or gzip'ed. Each file is replayed from our own boot of the machine that
 * its header describes, up to its first difference, which @out is told with both
 * sides; a file without one gives the line "FILE: N operations, no difference".
 * EXIT_USAGE, with a message on stderr, for what is no recording or none that
 * this build can replay; then the other files still run. The highest status wins.
 */
enum exit_status golden_run(const char *const *files, const struct hypervisor *hyp,
			    const struct el2_tree *tree, FILE *out);

#endif
