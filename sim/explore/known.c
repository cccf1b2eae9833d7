// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breaches that the real code of a release has: who looks for others must be able to
 * look past them. docs/fidelity.md tells each, with how it is known to be real.
 */
#include <string.h>

#include "explore.h"

#define SENT_BY_FFA "smc ffa_mem_share|smc ffa_mem_share_32|smc ffa_mem_lend|smc ffa_mem_lend_32"
/* What maps for EL2, or annotates for the host, does so under WARN_ON(). */
#define ASSERTED                                                                                   \
	"host_share_hyp|host_donate_hyp|hyp_donate_host|host_share_ffa|host_unshare_ffa|"          \
	"host_unshare_hyp|pin_shared_mem|ffa_mem_share|ffa_mem_reclaim|" SENT_BY_FFA "|"           \
	"smc ffa_mem_frag_tx|smc ffa_mem_reclaim|smc ffa_rxtx_map|smc ffa_rxtx_unmap|"             \
	"init_vm|init_vcpu|host_share_guest|host_donate_guest|host share|host unshare|"            \
	"vm create|vm run|vm destroy|host map|host unmap|guest read|guest write|guest exec|"       \
	"guest hvc"
/* What makes EL2's side of a VM or of a vCPU; the driver does when a vCPU is first to run. */
#define MAKES_VM "init_vm|init_vcpu|vm run|host map|guest read|guest write|guest exec|guest hvc"
#define ENDS_VM "vm destroy|finalize_teardown_vm|teardown_vm"
/* What the secure world calls what it was lent; its numbers begin so. */
#define A_HANDLE(digit) "the SMC gave " digit
#define EVERY_RELEASE (BIT(PROFILE_V6_12) | BIT(PROFILE_V7_0) | BIT(PROFILE_V7_2))
#define BY_THE_HOST "host read|host write|host exec|ffa describe"

static const struct {
	u32 profiles; /* BIT(PROFILE_*) */
	struct x_known known;
} table[] = {
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = ASSERTED,
	    .enomem = true,
	    .words = "ended in a panic|_hyp gave 1", /* with warn=continue, what WARN_ON() gives */
	    .reason = "a table that cannot be had for EL2 or for the host is a WARN" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = BY_THE_HOST,
	    .enomem = true,
	    .words = "ended in a panic",
	    .reason = "a fault of the host for which no table can be had is a BUG" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = "boot|finalise",
	    .enomem = true,
	    .once = true,
	    .below = "pkvm_ownership_selftest",
	    .reason = "EL2's self-test asserts that what it asks for succeeds" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = "boot|finalise",
	    .enomem = true,
	    .once = true,
	    .below = "kvm_pgtable_stage2_init",
	    .reason = "the host's first table is split before anybody asks whether it is there" } },
	{ EVERY_RELEASE,
	  { .rule = "owner-progress",
	    .actions = BY_THE_HOST "|vm create|vm destroy|" MAKES_VM,
	    .enomem = true,
	    .reason = "a fault of the host for which no table can be had is a BUG" } },
	{ EVERY_RELEASE,
	  { .rule = "leak",
	    .actions = "smc ffa_mem_frag_tx",
	    .harmless = true,
	    .reason = "when a later fragment fails, pages of those before stay lent" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = "smc ffa_rxtx_unmap",
	    .words = "ended in a panic",
	    .reason = "a mailbox that EL2 has pinned for another use is given back under a "
		      "WARN" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = "smc ffa_mem_frag_tx",
	    .words = "ended in a panic",
	    .reason = "a descriptor that cannot go on is reclaimed under a WARN, whoever made up "
		      "its handle" } },
	{ BIT(PROFILE_V6_12) | BIT(PROFILE_V7_0),
	  { .rule = "spec",
	    .actions = SENT_BY_FFA "|smc ffa_mem_frag_tx",
	    .words = "gave INVALID_PARAMETERS",
	    .harmless = true,
	    .reason = "an address inside a page is left to the secure world to refuse: B-42" } },
	{ BIT(PROFILE_V6_12) | BIT(PROFILE_V7_0),
	  { .rule = "spec",
	    .actions = SENT_BY_FFA,
	    .words = "ended in a panic",
	    .reason = "where a descriptor says that its receiver stands is believed: B-41" } },
	{ BIT(PROFILE_V6_12) | BIT(PROFILE_V7_0),
	  { .rule = "no-change-on-error",
	    .actions = "host share|vm create",
	    .harmless = true,
	    .reason = "the driver counts what EL2 refused to share, and what comes before it: "
		      "B-27, B-29" } },
	{ BIT(PROFILE_V6_12) | BIT(PROFILE_V7_0),
	  { .rule = "no-change-on-error",
	    .actions = "host unshare|vm create|vm destroy",
	    .harmless = true,
	    .reason = "the driver forgets a share that EL2 keeps: B-28" } },
	{ BIT(PROFILE_V7_0),
	  { .rule = "pinned",
	    .actions = MAKES_VM,
	    .words = "the handle is not reserved",
	    .reason = "a VM that fails late keeps what it pinned, and counts on its tables: C17, "
		      "B-21" } },
	{ BIT(PROFILE_V7_0),
	  { .rule = "no-change-on-error",
	    .actions = MAKES_VM,
	    .words = "the handle is not reserved|the VM has no such vCPU|the vCPU is there|"
		     "has not set its id registers",
	    .reason = "a VM that fails late keeps what it pinned, and counts on its tables: C17, "
		      "B-21" } },
	{ BIT(PROFILE_V7_2),
	  { .rule = "spec",
	    .actions = "force_reclaim_guest_page|" BY_THE_HOST,
	    .words = "has another page there",
	    .below = "__pkvm_host_force_reclaim_page_guest",
	    .reason =
		    "what nobody took back from a guest before it ended is nobody's: C16, D-L1" } },
	{ BIT(PROFILE_V7_0),
	  { .rule = "spec",
	    .actions = ENDS_VM,
	    .words = "a vCPU of it is loaded",
	    .below = "__pkvm_teardown_vm",
	    .reason = "a VM that is in use is taken apart under a WARN" } },
	{ EVERY_RELEASE,
	  { .rule = "spec",
	    .actions = MAKES_VM,
	    .words = "start tables must be aligned",
	    .below = "kvm_guest_prepare_stage2",
	    .reason = "start tables that are not aligned end EL2: B-18" } },
	{ BIT(PROFILE_V7_0) | BIT(PROFILE_V7_2),
	  { .rule = "spec",
	    .actions = "host_share_guest",
	    .words = "cannot tell execution at EL1",
	    .below = "__pkvm_host_share_guest",
	    .reason = "a permission that the CPU cannot have ends EL2: C21" } },
	{ BIT(PROFILE_V7_0) | BIT(PROFILE_V7_2),
	  { .rule = "spec",
	    .actions = "host_test_clear_young_guest",
	    .words = "past the last address",
	    .below = "kvm_pgtable_stage2_test_clear_young",
	    .reason = "asking for an access flag past the last address ends EL2: C22" } },
	{ BIT(PROFILE_V7_2),
	  { .rule = "spec",
	    .actions = "force_reclaim_guest_page",
	    .words = "it is no guest's",
	    .below = "__pkvm_host_force_reclaim_page_guest",
	    .reason = "taking EL2's text back by force ends EL2: C19" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = "kvm_vcpu_run|" MAKES_VM,
	    .words = "ended in a panic",
	    .below = "handle___kvm_vcpu_run",
	    .reason = "the vCPU that is to run is looked at before anybody asks whose it is" } },
	{ EVERY_RELEASE,
	  { .rule = "leak",
	    .actions = "vm create|vm destroy|" MAKES_VM,
	    .words = "nobody will unshare it",
	    .failed = true,
	    .reason = "the driver frees what EL2 would not let go of" } },
	{ BIT(PROFILE_V7_2),
	  { .rule = "leak",
	    .actions = ENDS_VM,
	    .words = "kept for a guest that no longer has it",
	    .harmless = true,
	    .reason =
		    "what nobody took back from a guest before it ended is nobody's: C16, D-L1" } },
	{ BIT(PROFILE_V7_2),
	  { .rule = "leak",
	    .actions = ENDS_VM,
	    .words = "its guest shared it and is gone",
	    .harmless = true,
	    .reason =
		    "what nobody took back from a guest before it ended is nobody's: C16, D-L1" } },
	{ BIT(PROFILE_V7_0) | BIT(PROFILE_V7_2),
	  { .rule = "leak",
	    .actions = ENDS_VM,
	    .words = "counts as lent to a guest that no longer has it",
	    .harmless = true,
	    .reason = "what a guest was lent stays lent when it is gone: D-L2" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = "host_unshare_hyp|host unshare",
	    .words = "ended in a panic",
	    .reason = "EL2's side is not looked at: what is lent by FF-A is unmapped under a "
		      "WARN" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = "hyp_donate_host",
	    .words = "deals with memory only",
	    .reason = "memory's way back does not ask whether it is memory" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "range",
	    .words = "which no addresses have",
	    .reason = "frame numbers are not checked before they are shifted to addresses" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = "host_donate_hyp|init_vm|init_vcpu",
	    .words = "as cacheable memory|memory that is not the host's to give",
	    .reason = "an empty entry is judged by its first page, whatever lies behind" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "no-change-on-error",
	    .actions = "init_vm|init_vcpu",
	    .words = "memory that is not the host's to give",
	    .reason = "an empty entry is judged by its first page, whatever lies behind" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = "host_share_ffa|ffa_mem_share",
	    .words = "gave 0",
	    .reason = "an empty entry is judged by its first page, whatever lies behind" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = SENT_BY_FFA,
	    .words = A_HANDLE("1") "|" A_HANDLE("2") "|" A_HANDLE("3") "|" A_HANDLE("4"),
	    .reason = "an empty entry is judged by its first page, whatever lies behind" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "single-owner",
	    .enomem = true,
	    .once = true,
	    .at_edge = true,
	    .reason = "a recycle takes a page that is memory in part for a device's" } },
	{ BIT(PROFILE_V6_12),
	  { .rule = "spec",
	    .actions = BY_THE_HOST "|host_stage2_idmap",
	    .words = "one fault",
	    .harmless = true,
	    .reason = "a level without blocks is passed by, and its whole range is mapped" } },
};

GArray *x_known_of(const struct profile *p)
{
	GArray *known = g_array_new(FALSE, FALSE, sizeof(struct x_known));

	for (unsigned int i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].profiles >> p->id & 1)
			g_array_append_val(known, table[i].known);
	return known;
}

/* Is @name one of the words between '|'? */
static bool among(const char *words, const char *name)
{
	const size_t n = strlen(name);

	for (; words; words = strchr(words, '|')) {
		words += *words == '|';
		if (!strncmp(words, name, n) && (!words[n] || words[n] == '|'))
			return true;
	}
	return false;
}

/* Does one of the words between '|' stand in @text? */
static bool any_in(const char *words, const char *text)
{
	g_auto(GStrv) each = g_strsplit(words, "|", -1);

	for (unsigned int i = 0; each[i]; i++)
		if (strstr(text, each[i]))
			return true;
	return false;
}

/* A kernel tree's function may be the one with underscores behind a macro's name. */
static bool panicked_below(const struct el2_panic *p, const char *fn)
{
	for (unsigned int i = 0; p && i < p->n_chain; i++)
		if (!strcmp(p->chain[i] + strspn(p->chain[i], "_"), fn + strspn(fn, "_")))
			return true;
	return false;
}

void x_shortage_note(struct x_shortage *s, const struct event *ev)
{
	if (ev->addr)
		return;
	if (!strcmp(ev->what, "host_s2"))
		s->host++;
	else
		s->other++;
}

bool x_shortage_is_real(const struct x_shortage *s)
{
	return s->other || s->host > 1;
}

static bool short_enough(const struct x_known *k, const struct x_shortage *s)
{
	return !k->enomem || x_shortage_is_real(s) || (k->once && s->host);
}

static bool is_at_edge(const struct board *b, const struct violation *v)
{
	const u64 size = BIT(b->f->page_shift);

	for (guint i = 0; v->has_page && i < b->config->ram->len; i++) {
		const struct ram_region *r = &g_array_index(b->config->ram, struct ram_region, i);
		const u64 end = r->base + r->size;

		if ((r->base % size && v->page == ALIGN_DOWN(r->base, size)) ||
		    (end % size && v->page == ALIGN_DOWN(end, size)))
			return true;
	}
	return false;
}

struct x_known *x_known_find(GArray *known, const struct x_case *c, const struct violation *v)
{
	for (guint i = 0; known && i < known->len; i++) {
		struct x_known *k = &g_array_index(known, struct x_known, i);

		if (!strcmp(k->rule, model_rules[v->rule].name) &&
		    (!k->actions || among(k->actions, c->action)) && short_enough(k, c->shortage) &&
		    (!k->words || any_in(k->words, v->text) || any_in(k->words, v->allowed)) &&
		    (!k->failed || c->failed) &&
		    (!k->below || panicked_below(c->panic, k->below)) &&
		    (!k->at_edge || is_at_edge(c->b, v)))
			return k;
	}
	return NULL;
}
