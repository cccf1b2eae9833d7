// SPDX-License-Identifier: GPL-2.0-or-later
/* A host with a secure world behind EL2: what tests of FF-A share. */
#include "tests/unit/ffa_rig.h"

void rig_config(struct rig *r, enum profile_id p, u8 ffa)
{
	*r = (struct rig){
		.bc = board_config_machine("virt"),
		.ec = el2_config_new(&el2_profiles[p]),
	};
	r->ec->knob[KNOB_FFA] = ffa;
}

s64 rig_boot(struct rig *r)
{
	GError *error = NULL;
	struct outcome o;

	r->m = machine_new(r->bc, r->ec, &pkvm_hypervisor, &error);
	g_assert_no_error(error);
	r->page = BIT(r->bc->f.page_shift);
	r->tx = RAM;
	r->rx = RAM + r->page;
	r->p = RAM + 16 * r->page;
	o = machine_boot(r->m);
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return (s64)o.value;
}

void rig_free(struct rig *r)
{
	machine_free(r->m);
	board_config_free(r->bc);
	el2_config_free(r->ec);
}

int rig_end(struct rig *r, struct outcome o)
{
	r->last = o;
	if (o.kind == OUTCOME_VALUE)
		return OK;
	return o.kind == OUTCOME_FFA ? (int)(s64)o.value : (int)(0x2000 + o.kind);
}

int rig_map(struct rig *r)
{
	return SMC(r, FFA_FN64_RXTX_MAP, r->tx, r->rx, r->page / 4096);
}

void rig_start(struct rig *r, u64 version)
{
	g_assert_cmpint(rig_boot(r), ==, 0);
	g_assert_cmpint(SMC(r, FFA_VERSION, version), ==, OK);
	g_assert_cmphex(r->last.value, ==, version);
	g_assert_cmpint(rig_map(r), ==, OK);
}

void rig_put(struct rig *r, u64 pa, unsigned int size, u64 val)
{
	g_assert_cmpint(machine_host_access(r->m, 0, MMU_WRITE, pa, size, val, true).kind, ==,
			OUTCOME_VALUE);
}

u64 rig_get(struct rig *r, u64 pa, unsigned int size)
{
	struct outcome o = machine_host_access(r->m, 0, MMU_READ, pa, size, 0, true);

	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return o.value;
}

u64 rig_describe(struct rig *r, u64 pa, unsigned int n, u64 stride, bool head, u32 more)
{
	struct machine_ffa_ranges d = { .head = head, .n = n, .more = more };
	struct outcome o;

	d.more_pages = (u32)(more * r->page / 4096);
	for (unsigned int i = 0; i < n; i++) {
		d.range[i].address = pa + i * stride * r->page;
		d.range[i].pages = r->page / 4096;
	}
	o = machine_ffa_describe(r->m, 0, r->tx, &d);
	g_assert_cmpint(o.kind, ==, OUTCOME_VALUE);
	return o.value;
}

int rig_share(struct rig *r, u64 len)
{
	return SMC(r, FFA_FN64_MEM_SHARE, len, len);
}

struct abs_page rig_page(struct rig *r, u64 pa)
{
	struct abs_page p;

	model_page(r->m->board, r->m->hyp->view(r->m->el2), PA(pa), &p);
	return p;
}

void rig_assert_unlocked(struct rig *r)
{
	for (const struct spinlock *l = r->m->board->locks; l; l = l->next)
		g_assert_false(spin_is_locked(l));
}
