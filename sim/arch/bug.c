// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a bug of the simulator itself ends: apart from what the modelled EL2
 * returns and from what a user got wrong, so that it is never taken for either.
 */
#include <stdio.h>
#include <unistd.h>

#include "sim/arch/types.h"

/*
 * _exit(): nothing of a process that no longer knows its own state runs again,
 * atexit handlers included. What was printed before still reaches the reader.
 */
void sim_bug(const char *file, int line, const char *cond)
{
	fflush(stdout);
	fprintf(stderr, "pkvm-sim: internal error: %s:%d: %s\n", file, line, cond);
	fflush(stderr);
	_exit(3);
}
