/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sim/tree share: the tree that was built, the process, the instance.
 */
#ifndef PKVM_SIM_TREE_PRIVATE_H
#define PKVM_SIM_TREE_PRIVATE_H

#include "protocol.h"
#include "tree.h"

#define TREE_ERROR tree_error_quark()
GQuark tree_error_quark(void);

/* ---- build.c ------------------------------------------------------------------------------- */

struct el2_tree {
	char *dir;   /* of the sources */
	char *cache; /* of what was built from them */
	struct tree_layout layout;
	struct profile profile; /* of the release that it is nearest to, knobs as it has them */
	struct el2_vm_layout vm_layout;
};

/* With CONFIG_NVHE_EL2_DEBUG; tree_close() it. */
struct el2_tree *tree_debug(const struct el2_tree *t, GError **error);

/* With the page-table library to be called by itself (tables.c); tree_close() it. */
struct el2_tree *tree_tables(const struct el2_tree *t, GError **error);

/* The program for EL2 at these places: linked if it was not yet. New string. */
char *tree_program(const struct el2_tree *t, const struct el2_places *p, GError **error);

/* ---- process.c ----------------------------------------------------------------------------- */

struct tree_process {
	pid_t pid;
	struct tree_shared *shared;
	u64 requests; /* that it has had */
	u8 *fresh;    /* lines as they are after a request */
	struct tree_symbol *symbol;
	unsigned int n_symbols;
	char *program;
	int fd;		/* of the block */
	bool midway;	/* it waits within a request: for room, or for firmware */
	char lost[160]; /* why it cannot be asked any more */
};

struct tree_process *process_new(const char *program, GError **error);
/* Start it; what it is to know of the machine stands in its block. */
bool process_start(struct tree_process *p, const struct board *b, GError **error);
void process_stop(struct tree_process *p);
/* Its turn, until it is ours again. False: it is no more; @p->lost. */
bool process_turn(struct tree_process *p);
/* The tree's function at @pc; lives as long as the program. */
const char *process_function(const struct tree_process *p, u32 pc);
/* "mem_protect.c:123", or NULL. New. */
char *process_line(const struct tree_process *p, u32 pc);

/* ---- tree.c: the instance ------------------------------------------------------------------ */

enum {
	LOCK_VMS,
	LOCK_HOST,
	LOCK_HYP,
	LOCK_FIXBLOCK,
	LOCK_FFA_VERSION,
	LOCK_FFA_BUFFERS,
	LOCK_POOL_HYP_S1,
	LOCK_POOL_HOST_S2,
	LOCK_OTHER, /* of what is not known here, a lock each while there are any */
	N_LOCKS = LOCK_OTHER + 4
};

/* In the arena, but what it points to outside is the same after a snapshot. */
struct tree {
	struct board *board;
	struct el2_config *cfg;
	const struct el2_tree *built;
	struct el2_tree *debug; /* that, with el2_debug=on */
	struct tree_process *process;
	u64 requests; /* as this machine has made; fewer than the process had: it went back */
	struct el2_places places;
	struct el2_section hyp_mem;
	int reserve_error;
	bool finalised, initialised;
	struct el2_region region[TREE_MAX_REGIONS];
	unsigned int n_regions;
	struct tree_view seen; /* the process's view after the last request */
	struct spinlock lock[N_LOCKS];
	u64 other_lock[N_LOCKS - LOCK_OTHER]; /* VA */
	struct el2_layout layout;
	struct el2_view view;
	struct el2_pool_view pool[N_BASE_POOLS];
	struct el2_panic panic;
	const struct el2_call *calls[TREE_MAX_HCALLS + TREE_N_CALLS + 1];
	u32 hvc_id[TREE_MAX_HCALLS + TREE_N_CALLS];
	struct secure_world *secure_world;
	unsigned int stalls; /* of its, in this request */
	/* guests.c: of each slot of the VM table; of the VM that is made or taken apart */
	struct extent *vm_store;
	u32 n_vm_slots; /* whose locks are there */
	struct tree_vm *new_vm;
	const struct el2_guest_view *guests[EL2_MAX_VMS];
	u32 n_guests;
};

/* What the process is to know of the machine. */
void tree_describe(const struct tree *t, struct tree_shared *s);

static inline struct tree *to_tree(struct el2 *e)
{
	return (struct tree *)e;
}

/* ---- request.c ----------------------------------------------------------------------------- */

/* A panic of EL2's, a hang and a process that is gone do not come back if there is a @cpu. */
enum tree_status tree_request(struct tree *t, struct cpu *cpu, enum tree_op op);

/* ---- tables.c ------------------------------------------------------------------------------ */

struct el2_pgtable *tree_pgtable_new(struct board *b, const struct el2_pgtable_config *c,
				     struct cpu *cpu, s64 *ret, GError **error);
void tree_pgtable_op(struct el2_pgtable *p, struct cpu *cpu, const struct el2_pgtable_op *op,
		     struct el2_pgtable_result *res);
struct mmu_table tree_pgtable_view(struct el2_pgtable *p);
u32 tree_pgtable_refcount(struct el2_pgtable *p, pa_t page);
u32 tree_pgtable_used(struct el2_pgtable *p);
void tree_pgtable_free(struct el2_pgtable *p);

/* ---- tree.c -------------------------------------------------------------------------------- */

struct mmu_table tree_table(const struct tree *t, const struct tree_table *from, u8 stage);
struct el2_pool_view tree_pool_view(const struct tree *t, const struct tree_pool *p,
				    const char *name, struct spinlock *lock);

/* An exception of the host's with these registers, in and out. */
void tree_exception(struct tree *t, struct cpu *cpu, enum tree_op op, u64 syndrome, u64 regs[18]);

/* ---- offers.c ------------------------------------------------------------------------------ */

bool tree_offers(const struct el2_config *c, enum el2_offer what, const char *name,
		 const struct board_config *b, char **why);

/* ---- firmware.c ---------------------------------------------------------------------------- */

bool tree_firmware_new(struct tree *t); /* false: no address space */
void tree_firmware(struct tree *t, struct cpu *cpu);
u32 tree_smccc_version(const struct tree *t);
void tree_smc(struct el2 *e, struct cpu *cpu, u16 imm, u64 regs[18]);

/* ---- guests.c ------------------------------------------------------------------------------ */

bool tree_guests_new(struct tree *t); /* false: no address space */
void tree_guests_take(struct tree *t);
struct mmu_table tree_guest_s2(struct el2 *e, struct cpu *cpu);
enum el2_guest_result tree_guest_hvc(struct el2 *e, struct cpu *cpu, u64 regs[18],
				     struct el2_guest_exit *exit);
enum el2_guest_result tree_guest_abort(struct el2 *e, struct cpu *cpu, const struct el2_fault *f,
				       struct el2_guest_exit *exit);
struct spinlock *tree_guest_lock(struct tree *t, u64 va); /* NULL: no VM's */
const char *tree_guest_pool(struct tree *t, u64 lock); /* name of the pool with this lock; NULL */

/* ---- replay.c ------------------------------------------------------------------------------ */

/* What the process did since the last time happens on the board. @cpu NULL: nothing but memory. */
void replay(struct tree *t, struct cpu *cpu);
struct spinlock *tree_lock(struct tree *t, u64 va);

/* ---- calls.c ------------------------------------------------------------------------------- */

/* The calls that a tree of this layout has, and their function ids; NULL terminated. */
unsigned int tree_calls(const struct tree_layout *l, const struct el2_call **call, u32 *hvc_id);
/* Of its own functions: which one a call names; TREE_N_CALLS if none. */
unsigned int tree_own_call(const struct el2_call *call);
u32 tree_hvc_number(const struct tree_layout *l, const char *full); /* 0: has none */

#endif
