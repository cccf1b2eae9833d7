// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How each release lays out what it keeps in RAM: struct hyp_page
 * (nvhe/memory.h), page state in software bits, ownership in invalid entries
 * (pgtable.c, asm/kvm_pgtable.h). Data only, for those who read an EL2's memory
 * without being that EL2.
 */
#include <inttypes.h>

#include "el2.h"

#define NO_OWNER 0xff

#define ANNOTATION_TO_V7_0                                                                         \
	.sw_state_mask = GENMASK(56, 55), .owner_mask = GENMASK(9, 2), .locked_value = BIT(10),    \
	.owner_host = 0, .owner_hyp = 1, .owner_guest = NO_OWNER, .owner_ffa = 2,                  \
	.va_offset = UINT64_C(0x100000000000)

#define HYP_PAGE_8                                                                                 \
	.hyp_page_size = 8, .has_state = true, .refcount_off = 0, .refcount_width = 2,             \
	.order_off = 2, .order_width = 1, .state_off = 3, .hyp_state_xor = 3, .share_count_off = 4

static const struct el2_layout layouts[N_PROFILES] = {
	[PROFILE_V6_12] = {
		.hyp_page_size = 4,
		.refcount_off = 0,
		.refcount_width = 2,
		.order_off = 2,
		.order_width = 2,
		ANNOTATION_TO_V7_0,
	},
	[PROFILE_V7_0] = {
		HYP_PAGE_8,
		ANNOTATION_TO_V7_0,
	},
	[PROFILE_V7_2] = {
		HYP_PAGE_8,
		.sw_state_mask = GENMASK(56, 55),
		.owner_mask = GENMASK(3, 1),
		.type_mask = GENMASK(63, 60),
		.type_locked = 1,
		.type_donation = 2,
		.type_poison = 3,
		.locked_value = BIT(60),
		.handle_mask = GENMASK(19, 4),
		.gfn_mask = GENMASK(59, 20),
		.owner_host = 0,
		.owner_hyp = 1,
		.owner_guest = 2,
		.owner_ffa = NO_OWNER,
		.va_offset = UINT64_C(0x100000000000),
	},
};

const struct el2_layout *el2_layout_of(enum profile_id id)
{
	return &layouts[id];
}

/* Ours: see struct el2_vm_layout. */
const struct el2_vm_layout el2_vm_layout = {
	.kvm_size = 0x1c00,
	.kvm_created_vcpus = 0x00,
	.kvm_handle = 0x08,
	.kvm_is_protected = 0x10,
	.kvm_created_vcpus_width = 8,
	.kvm_handle_width = 8,
	.kvm_is_protected_width = 8,
	.kvm_flags = 0x18,
	.kvm_has_id_regs = 1,
	.kvm_teardown_mc = 0x20,
	.kvm_stage2_teardown_mc = 0x40,
	.vcpu_size = 0x2800,
	.vcpu_idx = 0x00,
	.vcpu_kvm = 0x08,
	.vcpu_idx_width = 8,
	.vcpu_memcache = 0x10,
	.mc_head = 0x00,
	.mc_nr_pages = 0x08,
	.mc_size = 0x20,
	.hyp_vm_size = 0x1e00,
	.hyp_vcpu_size = 0x2c00,
	.hyp_vcpu_memcache = 0x00,
	.hyp_vcpu_loaded = 0x20,
	.hyp_vcpu_host = 0x28,
};

unsigned int el2_vcpu_loaded_on(const struct el2_view *v, unsigned int n_cpus, u64 word)
{
	const struct el2_vm_layout *l = v->vm_layout;

	if (!l->loaded_is_address)
		return word <= n_cpus ? (unsigned int)word : 0;
	for (unsigned int i = 0; word && i < n_cpus; i++)
		if (word == v->cpu_pages[i].percpu.base + l->percpu_loaded + v->layout->va_offset)
			return i + 1;
	return 0;
}

static char *owner_words(const struct el2_layout *l, u64 pte)
{
	u64 owner = FIELD_GET(l->owner_mask, pte);

	if (owner == l->owner_hyp)
		return g_strdup("owner HYP");
	if (owner == l->owner_ffa)
		return g_strdup("owner FFA");
	if (owner == l->owner_guest)
		return g_strdup_printf("owner GUEST handle 0x%" PRIx64 " gfn 0x%" PRIx64,
				       FIELD_GET(l->handle_mask, pte), FIELD_GET(l->gfn_mask, pte));
	return g_strdup_printf("owner %" PRIu64, owner);
}

char *el2_annotation_words(const struct el2_layout *l, u64 pte)
{
	if (pte_valid(pte)) {
		u64 s = FIELD_GET(l->sw_state_mask, pte);

		return g_strdup(s ? page_state_name[s] : "");
	}
	if (!pte)
		return g_strdup("");
	if (!l->type_mask) {
		if (pte & l->locked_value)
			return g_strdup("locked: break-before-make in progress");
		return owner_words(l, pte);
	}
	if (FIELD_GET(l->type_mask, pte) == l->type_locked)
		return g_strdup("locked: break-before-make in progress");
	if (FIELD_GET(l->type_mask, pte) == l->type_poison)
		return g_strdup("poisoned");
	if (FIELD_GET(l->type_mask, pte) == l->type_donation)
		return owner_words(l, pte);
	return g_strdup_printf("type %" PRIu64, FIELD_GET(l->type_mask, pte));
}
