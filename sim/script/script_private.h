/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sim/script share: source lines, values and expressions,
 * statements, set-up, and one run. In the order in which a file goes through
 * them: lexer.c, expr.c, parse.c, setup.c, matrix.c, exec.c, judge.c.
 *
 * All that a parse makes lives in its program and dies with it.
 */
#ifndef PKVM_SIM_SCRIPT_PRIVATE_H
#define PKVM_SIM_SCRIPT_PRIVATE_H

#include <string.h>

#include "model/model.h"
#include "model/oracle.h"
#include "script.h"

/* Bounds on what a file may ask of the parser: beyond them it is an error of the file. */
#define MAX_LINE_BYTES (64 * 1024)
#define MAX_PROGRAM_BYTES (256u << 20)
#define MAX_INCLUDE_DEPTH 16
#define MAX_INCLUDES 10000
#define MAX_EXPR_DEPTH 200
#define MAX_BLOCK_DEPTH 64

/* ---- Source text, errors of the file (lexer.c, error.c) ------------------------------ */

struct source {
	const char *name;            /* as given, or as composed from the including file's */
	const char *path;            /* canonical, to find self-inclusion; NULL: no file */
	const struct source *parent; /* the file that includes it */
	unsigned int depth;
};

struct line {
	const struct source *src;
	unsigned int no;
	const char *text; /* without the newline */
	u32 len;          /* bytes of @text */
	u32 end;          /* bytes before the comment and outer blanks */
};

enum script_error { SCRIPT_ERROR_FILE, SCRIPT_ERROR_USAGE };

/*
 * An error of the file at byte @off of @l, in the form of section 9. @hint: a
 * name to suggest, or NULL. Always false.
 */
bool script_fail(GError **error, const struct line *l, u32 off, const char *hint, const char *fmt,
		 ...) G_GNUC_PRINTF(5, 6);
/* An error with no place: "FILE: error: ...". Always false. */
bool script_fail_file(GError **error, const char *file, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* Collects names and keeps the one nearest to a misspelt word. */
struct nearest {
	const char *word;
	const char *best;
	unsigned int distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *name);

struct scan {
	struct program *prog;
	const struct line *line;
	u32 at, end;     /* bytes of line->text */
	u32 paren;       /* open parentheses: blanks are free inside */
	u32 depth;       /* nesting of the expression being parsed */
	bool outcome;    /* a top-level `or` separates outcomes */
	GError **error;
};

bool is_blank(char c);
bool is_name_start(char c);
bool is_name_char(char c);
void scan_blanks(struct scan *s);
bool scan_end(struct scan *s);                     /* nothing but blanks is left */
char scan_peek(const struct scan *s, u32 ahead);   /* '\0' at the end */
bool scan_char(struct scan *s, char c);            /* skip blanks, take @c if it is next */
/* A name; NULL (no error set) if none is next. *@off: where it begins. */
const char *scan_name(struct scan *s, u32 *off);
/* All up to a blank, quotes resolved; NULL with an error set, or at the end without. */
const char *scan_word(struct scan *s, u32 *off);
/* What is in the quotes that begin here. */
const char *scan_quoted(struct scan *s);
/* TEXT: the rest; if all of it is quoted, the quotes go. NULL with an error. */
const char *scan_text(struct scan *s);
#define scan_fail(s, off, hint, ...) \
	script_fail((s)->error, (s)->line, (off), (hint), __VA_ARGS__)

/* Where the statement on a line ends: before comment and blanks. False: a quote is open. */
bool line_trim(struct line *l, GError **error);

/* ---- Values and expressions (expr.c, eval.c, state.c) ---------------------------------- */

struct value {
	const char *word; /* NULL: a number */
	__int128 n;       /* -2^63 .. 2^64-1 */
	bool vm;          /* a VM's name: a word, and where a number is wanted its handle */
};

static inline bool is_number(struct value v)
{
	return !v.word || v.vm;
}

static inline struct value number(__int128 n)
{
	return (struct value){ .n = n };
}

static inline struct value word(const char *w)
{
	return (struct value){ .word = w };
}

enum op {
	OP_NUMBER, OP_WORD, OP_NAME, OP_CALL, OP_NEG, OP_COMPLEMENT, OP_NOT,
	OP_OR, OP_AND, OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT,
	OP_BITOR, OP_XOR, OP_BITAND, OP_SHL, OP_SHR, OP_ADD, OP_SUB, OP_MUL, OP_DIV,
};

struct expr {
	enum op op;
	u32 off, end;     /* bytes in the line; an operator's node spans its operands */
	u32 op_off;       /* of the operator itself */
	u32 depth;
	const struct line *line;
	struct value value;          /* OP_NUMBER, OP_WORD */
	const char *name;            /* OP_NAME; OP_CALL: a parameter that is a bare name */
	const struct function *fn;   /* OP_CALL */
	unsigned int n;              /* operands or arguments */
	struct expr *kid[2];
	int cpu;                     /* cpuN.result; -1: none */
};

/* Parses one expression; NULL with an error. */
struct expr *expr_parse(struct scan *s);
/* The same of bytes @at..@end of the line, all of them. */
struct expr *expr_parse_part(struct scan *s, u32 at, u32 end);

/* A word that a name may not be: state, owner, outcome; interned. NULL: none. */
const char *word_find(const char *name);
bool name_reserved(const char *name, const char **what);

enum function_id {
	FN_OWNER, FN_STATE, FN_PTE, FN_LEVEL, FN_MAPPED, FN_TRANSLATES, FN_FREE, FN_TABLES,
	FN_REFCOUNT, FN_PINS, FN_SHARERS, FN_HYP_VA, FN_KERN_VA, FN_PFN, FN_PAGE, FN_RAM, FN_CPUS,
	FN_MEM, FN_LOCKED, FN_EVENTS, FN_OFFSET, FN_REG, FN_RESULT, N_FUNCTIONS
};

enum param { PARAM_NONE, PARAM_EXPR, PARAM_PARTY, PARAM_POOL, PARAM_LOCK, PARAM_KIND, PARAM_FIELD };

struct context; /* where an expression is evaluated */

struct function {
	const char *name;
	enum param param[2];
	bool (*eval)(const struct expr *e, struct context *c, struct value *v, GError **error);
};
const struct function *function_find(const char *name);
const struct function *function_get(enum function_id id);
/* Can this parameter be @name, given the VMs of @prog or none (NULL)? Else: the suggestion. */
bool param_known(const struct program *prog, enum param p, const char *name,
		 struct nearest *near);

struct context {
	GHashTable *names;                 /* char * -> struct value *, owned */
	const struct board_config *board;  /* regions as known so far */
	struct run *run;                   /* NULL during set-up */
	bool may_page;                     /* page() is allowed here */
};

bool expr_eval(const struct expr *e, struct context *c, struct value *v, GError **error);
/* A number, else an error. */
bool expr_number(const struct expr *e, struct context *c, __int128 *n, GError **error);
/* A number of 0 .. 2^64-1; @what names it in the error. */
bool expr_u64(const struct expr *e, struct context *c, const char *what, u64 *n, GError **error);
/* Two's complement of a number of -2^63 .. 2^64-1. */
bool expr_register(const struct expr *e, struct context *c, u64 *n, GError **error);

GHashTable *names_new(void);
GHashTable *names_copy(GHashTable *names);
void names_set(GHashTable *names, const char *name, struct value v);
bool region_find(const struct board_config *b, const char *name, u64 *base);
/* Checks a new binding: reserved words, regions. */
bool name_bindable(const struct line *l, u32 off, const char *name, const struct board_config *b,
		   GError **error);

/* A VM's name from here on. */
bool bind_vm(const struct line *l, u32 off, const char *name, struct context *c, GError **error);
void names_drop_vms(GHashTable *names);

char *value_words_beside(struct value v, const struct expr *e); /* in the style of @e */
char *value_decimal(struct value v); /* for programs */
char *value_words(struct value v); /* "hyp", "0", "-EPERM", "0x1111": reads back as itself */

/* ---- Statements (parse.c, parse_action.c, commands.c) ------------------------------------ */

enum command_id {
	CMD_TITLE, CMD_ORIGIN, CMD_MACHINE, CMD_CPUS, CMD_PAGE_SIZE, CMD_PA_BITS, CMD_FEATURE,
	CMD_RAM, CMD_MMIO, CMD_NO, CMD_HYP_IMAGE, CMD_HYP_MEMORY, CMD_POOL, CMD_KERNEL, CMD_PATCH,
	CMD_SET, CMD_BUG, CMD_PROTECT, CMD_MATRIX, CMD_REQUIRES,
	CMD_BOOT, CMD_INIT, CMD_FINALISE, CMD_PROT_FINALIZE, CMD_HVC, CMD_EL2, CMD_HOST, CMD_HYP,
	CMD_SMC, CMD_FFA, CMD_DMA, CMD_GUEST, CMD_VM, CMD_DRAIN, CMD_REFILL, CMD_FAIL,
	CMD_EXPECT, CMD_ALWAYS, CMD_NEVER, CMD_SOMETIMES,
	CMD_LET, CMD_REPEAT, CMD_END, CMD_PARALLEL, CMD_EXPLORE, CMD_SCHEDULE, CMD_ECHO, CMD_SHOW, CMD_INCLUDE,
	CMD_RESET,
	N_COMMANDS
};

bool command_find(const char *name, enum command_id *id);

/* A=x,y as it stands in set, feature, matrix, requires and brackets. */
struct pair {
	const char *name;
	u32 off;
	const char **value; /* NULL terminated */
	u32 *value_off;
	unsigned int n;
};

/* A pair whose name is a knob or `kernel`: the values as a set of indices. */
struct cond {
	bool kernel;
	enum knob_id knob;
	u32 values;
};

struct rule_expected {
	const char *rule;
	bool optional;
};

/* One `=>`, with its bracket. */
struct expectation {
	const struct line *line;
	u32 off, end;           /* from the first outcome to the last violation */
	GPtrArray *outcome;     /* struct expected *; empty: must succeed */
	GArray *violation;      /* struct rule_expected */
	GArray *cond;           /* struct cond */
};

struct expected {
	struct expr *value;     /* a number or an outcome's word */
	const char *panic;      /* words that a panic's report must have, or NULL */
};

struct named_arg {
	const char *name;
	u32 off;
	struct expr *value;
};

#define MAX_ARGS 18

/* Second words of `vm` and `host`. */
enum verb {
	VERB_NONE, /* host: an access */
	VERB_CREATE, VERB_RUN, VERB_PUT, VERB_DESTROY,
	VERB_MAP, VERB_UNMAP, VERB_WRPROTECT, VERB_AGE, VERB_SHARE, VERB_UNSHARE,
	VERB_HVC, /* guest */
	N_VERBS
};

struct stmt {
	enum command_id id;
	const struct line *line;
	u32 off;                /* of the keyword */
	int cpu;                /* -1: none given */
	enum mmu_access access; /* host, hyp, dma */
	bool raw;               /* hvc raw */
	enum verb verb;
	unsigned int vcpu;      /* of the VM @word; guest, vm, host map */
	const char *call;       /* guest hvc */
	u64 call_id;
	const char *word;       /* TEXT, or the first word after the keyword */
	u32 word_off;
	bool flag;              /* nomap; no mmio; vm create protected */
	enum window_model model;
	struct expr *arg[MAX_ARGS];
	unsigned int n_args;
	struct named_arg named[8];
	unsigned int n_named;
	GArray *pair;           /* struct pair */
	GArray *cond;           /* struct cond: brackets of expect, requires */
	GPtrArray *words;       /* show, bug: char * */
	u32 *words_off;
	struct expr **show;     /* the words of show that are expressions */
	GPtrArray *expect;      /* struct expectation *, of an action */
	GPtrArray *body;        /* struct stmt *, of a block */
	GPtrArray *clauses;     /* struct stmt *: what is said of a block after its end */
	GArray *moves;          /* struct x_move, of schedule */
	GArray *moves_off;      /* u32: where each is said */
	u32 forced;             /* explore: switches; X_UNBOUNDED */
	bool alloc_any;         /* explore: every allocation may fail */
	bool sets_up;           /* repeat: has set-up statements inside */
};

struct program {
	GPtrArray *memory, *arrays, *lists; /* all that it is made of */
	GPtrArray *vms;         /* names of `vm create`, const char * */
	GPtrArray *stmt;        /* top level */
	unsigned int n_setup;   /* top-level statements up to the last of set-up */
	bool pressure;          /* drain, fail, pool or bug stands in it */
	u64 bytes;
	unsigned int n_includes;
};

struct parser {
	struct program *prog;
	struct stmt *block[MAX_BLOCK_DEPTH];
	unsigned int n_blocks;
	unsigned int floor;     /* blocks opened outside the file being read */
	struct stmt *last;      /* an action that `=>` lines may carry on, or NULL */
	struct stmt *closed;    /* the block whose end stands right above, or NULL */
	const struct line *acted; /* the first action or check */
	const struct stmt *including; /* whose file is being opened */
	bool interactive;       /* `=>` without an action above judges the last one */
	GPtrArray *loose;       /* those expectations; interactive only */
};

struct program *program_new(void);
void program_free(struct program *p);
void *program_alloc(struct program *p, size_t bytes);
const char *program_strndup(struct program *p, const char *s, size_t n);
GPtrArray *program_ptrs(struct program *p);
GArray *program_array(struct program *p, size_t element);

/* One line. False with an error of the file. */
bool parse_line(struct parser *ps, const struct line *l, GError **error);
bool parse_statement(struct parser *ps, struct scan *s, struct stmt *st);
bool parse_action(struct scan *s, struct stmt *st);
bool parse_expectation(struct scan *s, struct expectation **out);
bool parse_bracket(struct scan *s, GArray *cond);

/* How many arguments and which NAME=EXPR an action takes. */
struct shape {
	u8 min, max;
	const char *named[8];
};
bool parse_args(struct scan *s, struct stmt *st, const struct shape *shape);
bool parse_smc(struct scan *s, struct stmt *st);
bool parse_ffa(struct scan *s, struct stmt *st);
bool parse_access(struct scan *s, struct stmt *st);
bool parse_word(struct scan *s, struct stmt *st, const char *what);
/* parse_vm.c: NAME, or NAME.N where a vCPU may stand, of a VM that was made above */
bool parse_vm_name(struct scan *s, struct stmt *st, bool vcpu);
bool parse_vm(struct scan *s, struct stmt *st);
bool parse_vm_verb(struct scan *s, struct stmt *st); /* behind `host VERB`, `guest VM hvc` */
bool verb_find(enum command_id id, const char *name, enum verb *verb);
const char *verbs_of(enum command_id id); /* in words */
const char *verb_name(enum verb verb);
const char *scan_pool(struct scan *s, u32 *off); /* NAME or NAME.N; NULL: none is next */
bool program_has_vm(const struct program *p, const char *name);
void program_vms_try(const struct program *p, struct nearest *near);
bool parse_pair(struct scan *s, struct pair *pair);
const char *parse_rule(struct scan *s); /* NULL with an error */
/* parse_block.c: parallel, explore, schedule, and what is said of them */
bool parse_parallel(struct scan *s, struct stmt *st);
bool parse_explore(struct scan *s, struct stmt *st);
bool parse_schedule(struct scan *s, struct stmt *st);
bool parse_clause(struct scan *s, struct stmt *st);
/* Does @st belong where it stands, as far as blocks of CPUs are concerned? */
bool block_allows(const struct parser *ps, const struct scan *s, const struct stmt *st);
bool block_allows_expectation(const struct parser *ps, const struct scan *s,
			      const struct expectation *x);
bool is_clause(enum command_id id);
bool is_block(enum command_id id); /* of CPUs */
bool pair_cond(const struct line *l, const struct pair *pair, struct cond *c, GError **error);
bool parse_arg_end(struct scan *s); /* a blank, an end: not glued to what follows */
/* A file and what it includes; "-": standard input. NULL with an error. */
struct program *program_read(const char *path, GError **error);
/* Add a file's statements to the open parser (include, session). */
bool parse_file(struct parser *ps, const char *path, const struct source *parent, GError **error);
bool parse_memory(struct parser *ps, const struct source *src, const char *text, size_t len,
		  GError **error);
/* One line of @src: what no line may hold, then its statement. */
bool parse_source_line(struct parser *ps, const struct source *src, unsigned int no,
		       const char *text, size_t len, GError **error);
const struct source *source_new(struct program *p, const char *name, const char *path,
				const struct source *parent);
bool parse_finish(struct parser *ps, const struct source *src, GError **error);

bool is_setup(enum command_id id);
bool is_action(enum command_id id);

/* ---- Set-up (setup.c) and combinations (matrix.c) ------------------------------------------ */

struct setup_region {
	union {
		struct ram_region ram;
		struct mmio_window mmio;
		struct protect_entry protect;
	};
	const struct stmt *stmt;
};

struct axis {
	bool kernel;
	enum knob_id knob;
	const char *name;
	const char *value[KNOB_MAX_VALUES];
	u8 id[KNOB_MAX_VALUES]; /* profile or knob value */
	unsigned int n;
	const struct stmt *stmt;
};

struct setup {
	const char *title, *origin, *machine;
	unsigned int cpus;      /* 0: the board's */
	u8 page_shift, pa_bits; /* 0: the board's */
	u32 feature_given, feature_on; /* bits by index of the feature table */
	bool no_ram, no_mmio;
	GArray *ram, *mmio, *protect; /* struct setup_region, in the order given */
	const struct stmt *hyp_image_stmt, *hyp_memory_stmt, *machine_stmt, *first_stmt;
	u64 hyp_image, hyp_memory;
	u64 pool_pages[N_BASE_POOLS];
	const struct profile *kernel;
	const struct patch *patch;
	s8 knob[N_KNOBS];       /* -1: not set */
	bool bug[N_BUGS + 1];
	GArray *axis;           /* struct axis */
	GPtrArray *requires;    /* struct stmt * */
	u64 turns;              /* of blocks: bounded */
	struct board_config *view; /* what expressions of the set-up see */
};

/* The command line's layer. */
struct overrides {
	const struct el2_tree *tree;
	const struct profile *tree_profile; /* where no file says a release */
	const struct profile *kernel;
	const struct patch *patch;
	s8 knob[N_KNOBS];
	bool bug[N_BUGS + 1];
	bool any_bug;
};

bool overrides_init(struct overrides *o, const struct run_options *opt, GError **error);

struct setup *setup_new(void);
void setup_free(struct setup *s);
struct setup *setup_copy(const struct setup *s);
/* One statement, in the order written. @names: for its expressions. */
bool setup_apply(struct setup *s, const struct stmt *st, GHashTable *names, GError **error);
/* A whole file: the board is chosen first, then the rest in order. */
bool setup_collect(struct setup *s, GPtrArray *stmts, unsigned int n, GHashTable *names,
		   GError **error);
/* Board by name with the statements' changes; checked. Errors point at their line of @file. */
struct board_config *setup_board(const struct setup *s, const char *file, GError **error);
bool feature_name(unsigned int i, const char **name); /* the feature table, by index */

/* Axes with those fixed that the command line fixes. */
GArray *matrix_axes(const struct setup *s, const struct overrides *o);
u64 matrix_size(GArray *axes);
/* Value of each axis in combination @i: last axis fastest. */
void matrix_pick(GArray *axes, u64 i, unsigned int *pick);
/* Apply the layers. @base: the profile's and patch's knobs, for "what differs". */
struct el2_config *matrix_config(const struct setup *s, const struct overrides *o, GArray *axes,
				 const unsigned int *pick, const struct patch **patch,
				 u8 base[N_KNOBS]);
/* Do all conditions hold in this configuration? */
bool conds_hold(GArray *cond, const struct el2_config *c);

/* ---- Before it runs (check.c) --- */

/* Names, CPUs and devices of the statements from @first on, as the set-up left them. */
bool check_statements(GPtrArray *stmts, unsigned int first, GHashTable *names,
		      const struct board_config *board, GError **error);

/* ---- Kernel calls that any release has (calls.c) ---------------------------------------------- */

const char *call_bare(const char *name); /* without the kernel's prefixes */
bool known_hypercall(const char *name);
bool known_el2_call(const char *name);
void known_calls_try(struct nearest *n, bool hypercall);

/* ---- One run (exec.c, action.c, judge.c) --------------------------------------------------------- */

#define RING_EVENTS 1024

/* Where in the run an action began. */
struct recorder_mark {
	u64 n, count[N_EVENT_KINDS]; /* events before it */
};

struct recorder {
	struct event_ring ring;     /* events of the run */
	struct recorder_mark first; /* of the last action */
	struct recorder_mark next;  /* of the one that has begun */
	bool begun;		    /* there is one, and perhaps it has caused none yet */
	struct event ev[RING_EVENTS];
	FILE *trace;
	volatile bool *stop;
	struct board *board;
	GString *text;
};

struct recorder *recorder_new(FILE *trace, volatile bool *stop);
void recorder_free(struct recorder *rec);
void recorder_attach(struct recorder *rec, struct board *b);
void recorder_detach(struct recorder *rec);
/* From the next event on another action is the last one. */
void recorder_begin(struct recorder *rec);
void recorder_end(struct recorder *rec);
/* Events of @kind of the last action. */
u64 recorder_count(struct recorder *rec, enum event_kind kind);
/*
 * The last events in order, at most @max: of the run, or of its last action, with
 * calls and returns. Free with g_array_unref.
 */
GArray *recorder_of_run(const struct recorder *rec, unsigned int max);
GArray *recorder_of_action(struct recorder *rec, unsigned int max);

struct run {
	const struct run_options *opt;
	const struct setup *setup;
	const struct board_config *board;
	struct el2_config *config;
	struct context ctx;
	struct machine *m;             /* NULL before the first use */
	struct oracle *oracle;         /* NULL: --check=off */
	bool watching;                 /* it was told of an action that has not ended */
	bool flow;                     /* the last action is one of many steps: */
	struct machine_watch steps;    /* who is told of them */
	GArray *broken;                /* struct violation, of all of them */
	unsigned int gathered;         /* of the oracle's, how many stand there already */
	const struct stmt *last_act;   /* the last action of all, or NULL */
	struct recorder *rec;
	u64 statements;                /* carried out: a bound on loops without events */
	bool boot_tried;
	u64 page_next;                 /* all below was given or stands in @passed */
	GArray *passed;                /* u64: passed over, not the host's when seen */
	bool has_last;
	struct outcome last;
	bool cpu_acted[BOARD_MAX_CPUS];
	struct outcome cpu_last[BOARD_MAX_CPUS];
	bool failed, finished, interrupted;
	bool interactive;              /* no expectation: none implied */
	/* asked before each action, or NULL; false: an error of the file */
	bool (*before)(void *data, struct run *r, const struct stmt *st, GError **error);
	void *before_data;
	/* told of every line */
	void (*told)(void *data, const struct report_line *l);
	void *told_data;
	struct recording *recording;   /* --record, or NULL */
};

/* Takes @config and @names. */
struct run *run_new(const struct run_options *opt, const struct setup *setup,
		    const struct board_config *board, struct el2_config *config,
		    GHashTable *names);
void run_free(struct run *r);
/* The machine, made now if it was not yet. NULL with an error. */
struct machine *run_machine(struct run *r, const struct line *l, u32 off, GError **error);
/* Statements in order; of the first @n_setup only what prints. False: an error of the file. */
bool run_statements(struct run *r, GPtrArray *stmts, unsigned int n_setup, GError **error);
/* What the oracle says at the end, where no action is known as the last. */
void run_end(struct run *r, GPtrArray *stmts);
bool run_steps(struct run *r, const struct stmt *st);
bool run_statement(struct run *r, const struct stmt *st, GError **error);
/* Why this run is skipped by its `requires`, or NULL. False: an error of the file. */
bool run_requirements(struct run *r, char **skip, GError **error);
/* offers.c: has this EL2 what the statement, what the whole file asks for? Else *@why, new. */
bool offered(const struct run *r, const struct stmt *st, char **why);
bool run_offered(const struct run *r, const struct program *prog, char **why);
/* Does what the action says. Its arguments as evaluated are left in @words, if given. */
bool action_run(struct run *r, const struct stmt *st, struct outcome *out, GString *words,
		GError **error);
/* Its arguments as they are now, to be carried out in a block. */
struct deed;
bool action_ready(struct run *r, const struct stmt *st, struct deed *deed, GString *words,
		  GError **error);
const struct el2_call *run_find_call(struct run *r, const char *name, bool *ambiguous);

struct judgement {
	enum verdict verdict;
	char *expected; /* words, or NULL */
	const struct expectation *by; /* that decided, or NULL */
};
/* Judge @out by the first expectation whose bracket holds. */
bool judge(struct run *r, GPtrArray *expect, const struct outcome *out, struct judgement *j,
	   GError **error);
bool outcome_succeeded(const struct outcome *o);
struct value outcome_value(const struct outcome *o);
char *outcome_got(struct run *r, const struct outcome *o);
char *outcome_cell(const struct outcome *o);
char *stmt_text(const struct stmt *st); /* as written, without the comment */

/* A block of CPUs: parallel or explore (block.c). */
bool exec_block(struct run *r, const struct stmt *st, GError **error);
/* "owner(uart) = host, x = 4": every side of a comparison in @e, a part of @all, that is
 * not plain to see. */
bool run_sides(struct run *r, const struct expr *e, const struct expr *all, GString *out,
	       GError **error);
/* Tell of a line; what failed ends the run. */
void run_tell(struct run *r, const struct stmt *st, struct report_line *l);

/* ---- The oracle beside it (watch.c) -------------------------------------------------------------- */

/* False with an error where the system does not give what the oracle needs. */
bool watch_start(struct run *r, const struct line *l, u32 off, GError **error);
/* Around each action; nothing with --check=off. */
void watch_begin(struct run *r, const struct oracle_action *a);
/* The same for a flow of the driver, which tells of its steps itself. */
void watch_flow(struct run *r);
void watch_end(struct run *r, const struct outcome *o);
/* The last action of a run, where it is known which; NULL if not. */
const struct stmt *watch_last(GPtrArray *stmts);
/* The run is over. @alone: what is found now is no action's. */
void watch_finish(struct run *r, bool alone);
/* Are the breaches of the last action those of @x (or NULL)? Appends what @x wants. */
bool watch_judge(struct run *r, const struct expectation *x, GString *words);
struct report_violation *watch_violations(struct run *r, const struct expectation *x,
					  unsigned int *n);
void watch_violations_free(struct report_violation *v, unsigned int n);
char *watch_rules(struct run *r); /* "single-owner, spec" or ""; new */

/* ---- --record (record.c) ---------------------------------------------------------------------------- */

struct recording *recording_new(FILE *out);
void recording_free(struct recording *r);
void record_setup(struct recording *rec, const struct setup *s, const struct el2_config *c,
		  const struct patch *patch, const u8 base[N_KNOBS]);
void record_names(struct recording *rec, GHashTable *names);
void record_action(struct recording *rec, const char *words, const struct outcome *o,
		   const struct report_violation *v, unsigned int n);
/* parallel and schedule, or (NULL) end; between them its lines, with their cpu0:. */
void record_block(struct recording *rec, const char *schedule);
void record_block_line(struct recording *rec, const char *words, const struct outcome *o);
void record_let(struct recording *rec, const char *name, struct value v);
void record_text(struct recording *rec, const char *keyword, const char *text);
void record_quoted(struct recording *rec, const char *keyword, const char *text);
void record_show(struct recording *rec, const char *topic, GPtrArray *words);

#endif
