// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A request to the tree's process: asked, done again on the board, and how it ended.
 */
#include <inttypes.h>
#include <string.h>

#include "tree_private.h"

/* EL2 ended here: said by an event, kept for reports. */
static void __attribute__((noreturn))
panicked(struct tree *t, struct cpu *cpu, const char *reason, const char *what)
{
	const struct tree_panic *from = &t->process->shared->panic;
	struct el2_panic *p = &t->panic;
	bool abort = !strcmp(reason, "EL2 data abort");

	memset(p, 0, sizeof(*p));
	p->happened = true;
	p->fn = process_function(t->process, from->pc);
	p->cpu = cpu->id;
	p->far = abort ? from->far : 0;
	p->esr = abort ? FIELD_PREP(ESR_EC, EC_DABT_CUR) | ESR_IL | 4
		       : FIELD_PREP(ESR_EC, EC_BRK64) | ESR_IL | 0x800;
	g_strlcpy(p->reason, reason, sizeof(p->reason));
	g_strlcpy(p->what, what, sizeof(p->what));
	for (unsigned int i = 0; i < from->n_chain && p->n_chain < PANIC_CHAIN; i++)
		p->chain[p->n_chain++] = process_function(t->process, from->chain[i]);
	for (struct spinlock *l = t->board->locks; l && p->n_locks < 8; l = l->next) {
		if (!spin_is_locked(l))
			continue;
		p->locks[p->n_locks] = l->name;
		p->lock_cpu[p->n_locks++] = (unsigned int)l->holder;
	}
	event_emit(cpu, .kind = EV_PANIC, .fn = p->fn,
		   .what = abort ? "EL2_ABORT" : g_intern_string(reason), .addr = p->far,
		   .val = p->esr);
	p->seq = t->board->seq;
	cpu_die(cpu);
}

/* "memory.h:60: BUG_ON(!p->refcount)": the place, and what stands there. */
static char *place_words(const struct tree *t, const struct tree_panic *p)
{
	g_autofree char *file = g_canonicalize_filename(p->file, t->built->cache);
	g_autofree char *base = g_path_get_basename(file);
	g_autofree char *text = NULL;
	char *line = NULL, *words, **lines;

	if (g_file_get_contents(file, &text, NULL, NULL)) {
		lines = g_strsplit(text, "\n", (int)p->line + 1);
		if (p->line && g_strv_length(lines) >= p->line)
			line = g_strdup(g_strstrip(lines[p->line - 1]));
		g_strfreev(lines);
	}
	words = g_strdup_printf("%s:%u%s%s", base, p->line, line ? ": " : "", line ? line : "");
	g_free(line);
	return words;
}

static void panic_of_process(struct tree *t, struct cpu *cpu)
{
	const struct tree_panic *from = &t->process->shared->panic;
	char what[sizeof(t->panic.what)];

	if (!strcmp(from->reason, "EL2 data abort")) {
		g_autofree char *line = process_line(t->process, from->pc);

		g_snprintf(what, sizeof(what), "at 0x%" PRIx64 "%s%s", from->far, line ? ", " : "",
			   line ? line : "");
	} else {
		g_autofree char *place = place_words(t, from);

		g_snprintf(what, sizeof(what), "%s%s%s", from->what, from->what[0] ? ", " : "",
			   place);
	}
	panicked(t, cpu, from->reason, what);
}

static void hung(struct tree *t, struct cpu *cpu)
{
	const struct tree_shared *s = t->process->shared;

	if (s->lock)
		spin_lock(cpu, tree_lock(t, s->lock));
	cpu_hang(cpu);
}

/* What the CPUs' registers say about the host's second stage. */
static void registers(struct tree *t)
{
	const struct tree_view *v = &t->seen;

	for (unsigned int i = 0; i < t->board->n_cpus; i++) {
		struct cpu *cpu = &t->board->cpus[i];

		cpu->host_s2_on = v->cpu[i].hcr & 1;
		cpu->host_s2 = (struct mmu_table){
			.stage = 2,
			.ia_bits = (u8)(64 - (v->cpu[i].vtcr & 63)),
			.start_level = (s8)v->s2.start_level,
			.vmid = (u16)(v->cpu[i].vttbr >> 48),
			.root = PA(v->cpu[i].vttbr & GENMASK(47, 1)),
			.f = t->board->f,
		};
	}
}

/* The board did not come back to what the process was asked: whoever drives it went away. */
static void abandon(struct tree_process *p)
{
	p->shared->abandon = p->shared->forget = 1;
	process_turn(p);
	p->shared->abandon = 0;
	p->midway = false;
}

enum tree_status tree_request(struct tree *t, struct cpu *cpu, enum tree_op op)
{
	struct tree_process *p = t->process;
	struct tree_shared *s = p->shared;

	if (p->midway)
		abandon(p);
	s->op = op;
	s->cpu = cpu ? cpu->id : 0;
	s->wants_loads = t->board->kinds >> EV_LOAD & 1;
	s->warn_continues = t->cfg->knob[KNOB_WARN] == WARN_CONTINUE;
	if (t->requests != p->requests || op == TREE_OP_SETUP) {
		s->forget = 1;
		s->view = t->seen;
	}
	t->requests = ++p->requests;
	t->stalls = 0;
	do {
		if (!process_turn(p)) {
			s->n_events = s->n_lines = 0;
			s->panic.n_chain = 0;
			if (cpu)
				panicked(t, cpu, "lost", p->lost);
			return TREE_LOST;
		}
		p->midway = s->status == TREE_FULL || s->status == TREE_SMC;
		replay(t, cpu);
		if (s->status == TREE_SMC)
			tree_firmware(t, cpu);
	} while (p->midway);
	t->seen = s->view;
	if (op != TREE_OP_SETUP && op != TREE_OP_TABLES) {
		registers(t);
		tree_guests_take(t);
	}
	if (s->status == TREE_PANICKED && cpu)
		panic_of_process(t, cpu);
	if (s->status == TREE_HUNG && cpu)
		hung(t, cpu);
	return s->status;
}
