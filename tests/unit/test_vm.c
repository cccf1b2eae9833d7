// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver's flows on our EL2: VMs made, run and destroyed, and what is left of them.
 */
#include <errno.h>

#include "model/model.h"
#include "sim/host/host.h"
#include "sim/hyp/hyp.h"

#define GFN UINT64_C(0x80000)
#define IPA_OF(gfn) ((gfn) << 12)

static struct machine *machine_of(enum profile_id release)
{
	struct board_config *b = board_config_machine("virt");
	struct el2_config *c = el2_config_new(&el2_profiles[release]);
	GError *error = NULL;
	struct machine *m = machine_new(b, c, &pkvm_hypervisor, &error);

	g_assert_no_error(error);
	board_config_free(b);
	el2_config_free(c);
	g_assert_cmpint(machine_boot(m).kind, ==, OUTCOME_VALUE);
	return m;
}

static void gives(struct outcome o, s64 value)
{
	g_assert_cmpstr(outcome_name[o.kind], ==, "value");
	g_assert_cmpint((s64)o.value, ==, value);
}

static void ends(struct outcome o, enum outcome_kind kind)
{
	g_assert_cmpstr(outcome_name[o.kind], ==, outcome_name[kind]);
}

static struct outcome guest_write(struct machine *m, const char *name, u64 ipa, u64 val)
{
	return machine_guest_access(m, 0, name, 0, MMU_WRITE, ipa, 8, val);
}

static struct outcome guest_read(struct machine *m, const char *name, u64 ipa)
{
	return machine_guest_access(m, 0, name, 0, MMU_READ, ipa, 8, 0);
}

static pa_t backing(struct machine *m, const char *name, u64 gfn)
{
	const struct el2_view *v = m->hyp->view(m->el2);
	struct machine_vm vm;
	struct mmu_result res = { 0 };

	g_assert_true(machine_vm(m, name, &vm));
	for (unsigned int i = 0; i < v->n_guests; i++)
		if (v->guests[i]->handle == vm.handle)
			mmu_walk(&v->guests[i]->s2, IPA_OF(gfn), MMU_READ, board_read_desc,
				 m->board, &res);
	return res.fault == MMU_OK ? res.oa : PA(0);
}

/* Pages that are not plainly the host's, and the pools' free pages. */
struct books {
	u64 taken, host_s2, hyp_s1;
};

static void count_run(void *data, u64 base, u64 size, const struct abs_page *page)
{
	struct books *b = data;

	if (page->is_ram && (page->owner != OWNER_HOST || page->host != PKVM_PAGE_OWNED ||
			     page->hyp != PKVM_NOPAGE))
		b->taken += size >> 12;
}

static struct books books(struct machine *m)
{
	const struct el2_view *v = m->hyp->view(m->el2);
	struct books b = { 0 };

	model_for_each_run(m->board, v, count_run, &b);
	b.host_s2 = model_pool_free(m->board, v, &v->pools[POOL_HOST_S2]);
	b.hyp_s1 = model_pool_free(m->board, v, &v->pools[POOL_HYP_S1]);
	return b;
}

static void same_books(struct machine *m, const struct books *before)
{
	struct books after = books(m);

	g_assert_cmpuint(after.taken, ==, before->taken);
	g_assert_cmpuint(after.hyp_s1, ==, before->hyp_s1);
	/* tables of the host's that pages were unmapped from stay */
	g_assert_cmpuint(after.host_s2, <=, before->host_s2);
}

static void test_protected(void)
{
	struct machine *m = machine_of(PROFILE_V7_2);
	const struct machine_map map = { .gfn = GFN, .pages = 3 };
	struct books before = books(m);
	pa_t pa;

	gives(machine_vm_create(m, 0, "g", true, 1, 0), 0);
	ends(guest_write(m, "g", IPA_OF(GFN), 0x5ec7e7), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), 0);
	gives(guest_read(m, "g", IPA_OF(GFN)), 0x5ec7e7);
	pa = backing(m, "g", GFN);
	g_assert_cmpint(model_owner(m->board, m->hyp->view(m->el2), pa), ==, OWNER_GUEST);
	ends(machine_host_access(m, 0, MMU_READ, pa.pa, 8, 0, true), OUTCOME_ABORT);
	gives(machine_guest_map(m, 0, "g", 0, &map), 0);
	gives(guest_read(m, "g", IPA_OF(GFN + 2)), 0);
	gives(machine_vm_destroy(m, 0, "g"), 0);
	gives(machine_host_access(m, 0, MMU_READ, pa.pa, 8, 0, true), 0);
	same_books(m, &before);
	machine_free(m);
}

/* What the kernel touches it gets, and the guest finds poison. */
static void test_force_reclaim(void)
{
	struct machine *m = machine_of(PROFILE_V7_2);
	struct books before = books(m);
	pa_t pa;

	gives(machine_vm_create(m, 0, "g", true, 1, 0), 0);
	ends(guest_write(m, "g", IPA_OF(GFN), 0x5ec7e7), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), 0);
	pa = backing(m, "g", GFN);
	gives(machine_kernel_access(m, 1, MMU_READ, pa.pa, 8, 0, true), 0);
	ends(guest_read(m, "g", IPA_OF(GFN)), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), -EFAULT);
	gives(machine_vm_destroy(m, 0, "g"), 0);
	same_books(m, &before);
	machine_free(m);
}

static void test_shared_back(void)
{
	const u64 share[] = { 0xc6000003, IPA_OF(GFN) }, unshare[] = { 0xc6000004, IPA_OF(GFN) };
	const u64 meminfo[] = { 0xc6000002 }, unknown[] = { 0xc6000077 };
	struct machine *m = machine_of(PROFILE_V7_2);
	struct books before = books(m);
	pa_t pa;

	gives(machine_vm_create(m, 0, "g", true, 1, 0), 0);
	gives(machine_guest_hvc(m, 0, "g", 0, meminfo, 1), 4096);
	ends(machine_guest_hvc(m, 0, "g", 0, unknown, 1), OUTCOME_REFUSED);
	gives(machine_guest_hvc(m, 0, "g", 0, unshare, 2), -3);
	/* nothing there: the host gives a page, and the guest asks again */
	ends(machine_guest_hvc(m, 0, "g", 0, share, 2), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), 0);
	gives(machine_guest_hvc(m, 0, "g", 0, share, 2), -3);
	pa = backing(m, "g", GFN);
	gives(guest_write(m, "g", IPA_OF(GFN), 0xabcd), 0);
	gives(machine_host_access(m, 0, MMU_READ, pa.pa, 8, 0, true), 0xabcd);
	gives(machine_guest_hvc(m, 0, "g", 0, unshare, 2), 0);
	ends(machine_host_access(m, 0, MMU_READ, pa.pa, 8, 0, true), OUTCOME_ABORT);
	gives(machine_vm_destroy(m, 0, "g"), 0);
	same_books(m, &before);
	machine_free(m);
}

/* A guest that is not protected, on every release that has them. */
static void check_normal(enum profile_id release)
{
	struct machine *m = machine_of(release);
	struct machine_map map = { .gfn = GFN, .pages = 512, .huge = true, .r = true, .w = true };
	struct books before = books(m);
	pa_t pa;

	gives(machine_vm_create(m, 0, "g", false, 2, 0), 0);
	ends(guest_write(m, "g", IPA_OF(GFN + 512), 0xabcd), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), 0);
	pa = backing(m, "g", GFN + 512);
	gives(machine_host_access(m, 0, MMU_READ, pa.pa, 8, 0, true), 0xabcd);
	/* code in it: a permission fault, and more permissions */
	ends(machine_guest_access(m, 0, "g", 0, MMU_EXEC, IPA_OF(GFN + 512), 4, 0), OUTCOME_FAULT);
	gives(machine_vm_run(m, 0, "g", 0), 0);
	gives(machine_guest_access(m, 0, "g", 0, MMU_EXEC, IPA_OF(GFN + 512), 4, 0), 0);
	/* a block, from another vCPU on another CPU */
	gives(machine_guest_map(m, 1, "g", 1, &map), 0);
	pa = backing(m, "g", GFN + 5);
	g_assert_cmphex(pa.pa & 0x1fffff, ==, 0x5000);
	gives(machine_guest_access(m, 0, "g", 1, MMU_WRITE, IPA_OF(GFN + 5), 8, 7), 0);
	gives(machine_guest_wrprotect(m, 0, "g", GFN, 512), 0);
	ends(guest_write(m, "g", IPA_OF(GFN + 5), 8), OUTCOME_FAULT);
	gives(machine_guest_age(m, 0, "g", GFN, 512, true), 1);
	gives(machine_guest_age(m, 0, "g", GFN, 512, false), 0);
	gives(guest_read(m, "g", IPA_OF(GFN + 5)), 7);
	gives(machine_guest_age(m, 0, "g", GFN, 512, false), 1);
	gives(machine_guest_unmap(m, 0, "g", GFN + 17, 1), 0);
	g_assert_cmphex(backing(m, "g", GFN + 5).pa, ==, 0);
	gives(machine_vm_destroy(m, 0, "g"), 0);
	same_books(m, &before);
	machine_free(m);
}

static void test_normal(void)
{
	check_normal(PROFILE_V7_0);
	check_normal(PROFILE_V7_2);
}

/* All handles in use; another one is refused, and no memory is lost over it. */
static void test_many(void)
{
	struct machine *m = machine_of(PROFILE_V7_2);
	struct books before = books(m);
	char name[HOST_VM_NAME];

	for (unsigned int i = 0; i < 255; i++) {
		g_snprintf(name, sizeof(name), "vm%u", i);
		gives(machine_vm_create(m, 0, name, i & 1, 1, 0), 0);
	}
	gives(machine_vm_create(m, 0, "one_more", true, 1, 0), -ENOMEM);
	gives(machine_vm_create(m, 0, "vm3", true, 1, 0), -EEXIST);
	gives(machine_vm_run(m, 0, "vm254", 0), 0);
	gives(machine_vm_run(m, 0, "vm254", 1), -ENOENT);
	for (unsigned int i = 0; i < 255; i++) {
		g_snprintf(name, sizeof(name), "vm%u", i);
		gives(machine_vm_destroy(m, 0, name), 0);
	}
	gives(machine_vm_destroy(m, 0, "vm7"), -ENOENT);
	same_books(m, &before);
	machine_free(m);
}

static void test_v6_12(void)
{
	struct machine *m = machine_of(PROFILE_V6_12);
	struct books before = books(m);

	gives(machine_vm_create(m, 0, "g", false, 3, 0), 0);
	gives(machine_vm_run(m, 0, "g", 2), 0);
	gives(machine_vm_destroy(m, 0, "g"), 0);
	same_books(m, &before);
	machine_free(m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vm/protected", test_protected);
	g_test_add_func("/vm/force_reclaim", test_force_reclaim);
	g_test_add_func("/vm/shared_back", test_shared_back);
	g_test_add_func("/vm/normal", test_normal);
	g_test_add_func("/vm/many", test_many);
	g_test_add_func("/vm/v6.12", test_v6_12);
	return g_test_run();
}
