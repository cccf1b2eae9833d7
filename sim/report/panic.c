// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An EL2 panic as the host kernel would print it (nvhe_hyp_panic_handler() in
 * arch/arm64/kvm/handle_exit.c): the same lines in the same order, with symbols
 * where the kernel prints addresses, since code has no address here, and without
 * the `Code:` line for the same reason. The CPU and the locks that stay held for
 * ever follow; the kernel does not know those.
 */
#include <string.h>

#include "report_private.h"

/* A BRK is a BUG or a WARN; everything else is "panic". */
static const char *panic_word(const struct el2_panic *p)
{
	return FIELD_GET(ESR_EC, p->esr) == EC_BRK64 ? "BUG" : "panic";
}

static void append_reason(GString *s, const struct el2_panic *p)
{
	if (!strcmp(p->reason, "WARN") || !strcmp(p->reason, "BUG"))
		g_string_append_printf(s, "%s_ON(%s)", p->reason, p->what);
	else
		g_string_append_printf(s, "%s%s%s", p->reason, p->what[0] ? ": " : "", p->what);
}

char *report_panic(const struct el2_panic *p)
{
	GString *s = g_string_new(NULL);

	if (!p || !p->happened)
		return g_string_free(s, FALSE);
	g_string_append_printf(s, "kvm [1]: nVHE hyp %s at: [<%s>] ", panic_word(p),
			       p->fn ? p->fn : "?");
	append_reason(s, p);
	g_string_append(s, "!\n");
	g_string_append(s, "kvm [1]: nVHE call trace:\n");
	for (unsigned int i = 0; i < p->n_chain; i++)
		g_string_append_printf(s, "kvm [1]:  [<%s>]\n", p->chain[i]);
	g_string_append(s, "kvm [1]: ---[ end nVHE call trace ]---\n");
	g_string_append(s, "Kernel panic - not syncing: HYP panic:\n");
	g_string_append_printf(s, "ESR:%016" PRIx64 " FAR:%016" PRIx64 " HPFAR:%016" PRIx64 "\n",
			       p->esr, p->far, p->hpfar);
	g_string_append_printf(s, "CPU: %u, event %" PRIu64 "\n", p->cpu, p->seq);
	if (!p->n_locks)
		g_string_append(s, "no lock is held");
	for (unsigned int i = 0; i < p->n_locks; i++)
		g_string_append_printf(s, "%sheld for ever: %s (by CPU %u)", i ? "\n" : "",
				       p->locks[i], p->lock_cpu[i]);
	return g_string_free(s, FALSE);
}
