// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tree's page-table library on tables of its own: a process without an EL2, whose calls
 * go to one function each. The second stage is the library as the host kernel has it, the
 * first as EL2.
 */
#include <string.h>

#include "tree_private.h"

/* Where the program's own data may lie, beside all memory of such boards. */
#define NOWHERE UINT64_C(0x1000000000)

struct el2_pgtable {
	struct tree t;
	struct el2_tree *built;
	u8 stage;
};

static const char *const op_name[] = {
#define O(name) #name,
	TREE_TABLES_OPS(O)
#undef O
};

static struct tree_tables *tables_of(struct el2_pgtable *p)
{
	return &p->t.process->shared->tables;
}

static bool start(struct el2_pgtable *p, const struct el2_pgtable_config *c, GError **error)
{
	const struct el2_places places = { .idmap.base = NOWHERE };
	g_autofree char *program = NULL;

	p->built = tree_tables(c->tree, error);
	program = p->built ? tree_program(p->built, &places, error) : NULL;
	p->t.process = program ? process_new(program, error) : NULL;
	if (!p->t.process)
		return false;
	tree_describe(&p->t, p->t.process->shared);
	p->t.process->shared->idmap_pa = NOWHERE;
	return process_start(p->t.process, p->t.board, error);
}

static void ask(struct el2_pgtable *p, struct cpu *cpu, enum tree_tables_op op)
{
	tables_of(p)->op = op;
	tree_request(&p->t, cpu, TREE_OP_TABLES);
}

void tree_pgtable_free(struct el2_pgtable *p)
{
	process_stop(p->t.process);
	el2_config_free(p->t.cfg);
	tree_close(p->built);
}

struct el2_pgtable *tree_pgtable_new(struct board *b, const struct el2_pgtable_config *c,
				     struct cpu *cpu, s64 *ret, GError **error)
{
	struct el2_pgtable *p = board_alloc(b, sizeof(*p));
	struct tree_tables *t;

	p->t.board = b;
	p->t.cfg = el2_config_new(&el2_profiles[c->profile]);
	p->t.cfg->knob[KNOB_WARN] = c->el1_build ? WARN_CONTINUE : WARN_PANIC;
	p->t.built = c->tree;
	p->t.requests = 1; /* not what the process had: it maps the board first */
	p->stage = c->stage;
	if (!start(p, c, error)) {
		tree_pgtable_free(p);
		return NULL;
	}
	t = tables_of(p);
	t->stage = c->stage;
	t->ia_bits = c->ia_bits;
	t->flags = c->flags;
	t->force_pte_unless_rwx = c->force_pte_unless_rwx;
	t->cmo = c->cmo_callbacks;
	t->first_page = c->first_page;
	t->page_limit = MIN(c->page_limit, TREE_MAX_TABLE_PAGES);
	ask(p, cpu, TREE_TABLES_new);
	*ret = p->t.process->shared->ret;
	return p;
}

void tree_pgtable_op(struct el2_pgtable *p, struct cpu *cpu, const struct el2_pgtable_op *op,
		     struct el2_pgtable_result *res)
{
	struct tree_tables *t = tables_of(p);
	unsigned int i = 0;

	memset(res, 0, sizeof(*res));
	while (i < TREE_N_TABLES_OPS && strcmp(op_name[i], op->op))
		i++;
	t->ia = op->ia;
	t->size = op->size;
	t->pa = op->pa;
	t->prot = op->prot;
	t->annotation = op->annotation;
	t->type = i == TREE_TABLES_set_owner ? op->owner : op->type;
	t->walk_flags = op->walk_flags;
	t->mkold = op->mkold;
	t->pte = 0;
	t->level = 0;
	ask(p, cpu, i);
	res->ret = p->t.process->shared->ret;
	res->pte = t->pte;
	res->level = (s8)t->level;
}

struct mmu_table tree_pgtable_view(struct el2_pgtable *p)
{
	const struct tree_table *from = p->stage == 1 ? &p->t.seen.s1 : &p->t.seen.s2;

	return (struct mmu_table){
		.stage = p->stage,
		.ia_bits = (u8)from->ia_bits,
		.start_level = (s8)from->start_level,
		.root = PA(from->root),
		.f = p->t.board->f,
	};
}

u32 tree_pgtable_refcount(struct el2_pgtable *p, pa_t page)
{
	const struct tree_tables *t = tables_of(p);
	u64 n = (page.pa - t->first_page) >> p->t.board->f->page_shift;

	return n < TREE_MAX_TABLE_PAGES ? t->count[n] : 0;
}

u32 tree_pgtable_used(struct el2_pgtable *p)
{
	return tables_of(p)->used;
}
