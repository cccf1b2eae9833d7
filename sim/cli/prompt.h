/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session at the prompt, shared by repl.c and complete.c.
 */
#ifndef PKVM_SIM_CLI_PROMPT_H
#define PKVM_SIM_CLI_PROMPT_H

#include "cli.h"

struct prompt {
	struct session *session;
	struct machine *spare; /* for names of calls, while the session has no machine */
	enum exit_status status;
	bool more;             /* inside an open block */
	bool quit;
	bool interactive;
};

/* Calls that EL2 of this session has: NULL terminated, or NULL. */
const struct el2_call *const *prompt_calls(const struct prompt *p);
/* Tell readline how to complete. */
void prompt_completion(const struct prompt *p);

#endif
