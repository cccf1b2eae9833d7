# SPDX-License-Identifier: GPL-2.0-or-later
"""The two patches of March 2026 put into a copy of a v6.12 tree, in words of our own.

    mmio_tree.py TREE [eperm|clear|skip] [fixed]

Donation of a device's page to EL2 and back, what stage 2's unmap does with an entry that
names an owner, and the static array of regions that EL2 takes while it boots. "fixed": a
donation that runs out of tables is undone, and a failed boot hands everything back.
"""

import pathlib
import sys

HYP = "arch/arm64/kvm/hyp"
FILES = [
    "arch/arm64/include/asm/kvm_pkvm.h",
    *(
        f"{HYP}/{f}"
        for f in ("pgtable.c", "include/nvhe/mem_protect.h", "nvhe/mem_protect.c", "nvhe/setup.c")
    ),
]

WALKER = {"clear": None, "eperm": "-EPERM", "skip": "0"}

CALLS = """
static int mmio_leaf(struct kvm_pgtable *pgt, u64 addr, kvm_pte_t *pte)
{
	*pte = 0;
	return kvm_pgtable_get_leaf(pgt, addr, pte, NULL);
}

static int mmio_owner(u64 phys, u8 owner)
{
	return host_stage2_try(kvm_pgtable_stage2_set_owner, &host_mmu.pgt, phys, PAGE_SIZE,
			       &host_s2_pool, owner);
}

static int mmio_take(u64 phys, void *va)
{
	kvm_pte_t pte;
	int ret = mmio_leaf(&host_mmu.pgt, phys, &pte);

	if (ret || (pte && !kvm_pte_valid(pte)))
		return ret ?: -EPERM;
	ret = mmio_leaf(&pkvm_pgtable, (u64)va, &pte);
	if (ret || pte)
		return ret ?: -EBUSY;
	ret = pkvm_create_mappings_locked(va, va + PAGE_SIZE, PAGE_HYP_DEVICE);
	@COMMIT@
}

static int mmio_return(u64 phys, void *va)
{
	kvm_pte_t pte;
	int ret = mmio_leaf(&pkvm_pgtable, (u64)va, &pte);

	if (ret || !kvm_pte_valid(pte))
		return ret ?: -ENOENT;
	ret = mmio_leaf(&host_mmu.pgt, phys, &pte);
	if (ret || FIELD_GET(KVM_INVALID_PTE_OWNER_MASK, pte) != PKVM_ID_HYP)
		return ret ?: -EPERM;
	WARN_ON(kvm_pgtable_hyp_unmap(&pkvm_pgtable, (u64)va, PAGE_SIZE) != PAGE_SIZE);
	WARN_ON(mmio_owner(phys, PKVM_ID_HOST));
	return 0;
}

static int mmio_locked(u64 pfn, int (*change)(u64 phys, void *va))
{
	u64 phys = hyp_pfn_to_phys(pfn);
	int ret;

	if (addr_is_memory(phys))
		return -EINVAL;
	host_lock_component();
	hyp_lock_component();
	ret = change(phys, __hyp_va(phys));
	hyp_unlock_component();
	host_unlock_component();
	return ret;
}

int __pkvm_host_donate_hyp_mmio(u64 pfn)
{
	return mmio_locked(pfn, mmio_take);
}

int __pkvm_hyp_donate_host_mmio(u64 pfn)
{
	return mmio_locked(pfn, mmio_return);
}

struct pkvm_protected_reg pkvm_protected_regs[PKVM_PROTECTED_REGS_NUM];
unsigned int num_protected_reg;
"""

COMMIT = {
    False: """if (ret)
		return ret;
	WARN_ON(mmio_owner(phys, PKVM_ID_HYP));
	return 0;""",
    True: """ret = ret ?: mmio_owner(phys, PKVM_ID_HYP);
	if (ret)
		kvm_pgtable_hyp_unmap(&pkvm_pgtable, (u64)va, PAGE_SIZE);
	return ret;""",
}

PROTECTED = """
#define PKVM_PROTECTED_REGS_NUM 8

struct pkvm_protected_reg {
	u64 start_pfn;
	size_t num_pages;
};

extern struct pkvm_protected_reg kvm_nvhe_sym(pkvm_protected_regs)[];
extern unsigned int kvm_nvhe_sym(num_protected_reg);
"""

BOOT = """static int unmap_protected_regions(void)
{
	int i, j, ret;

	for (i = 0; i < num_protected_reg; i++) {
		for (j = 0; j < pkvm_protected_regs[i].num_pages; j++) {
			ret = __pkvm_host_donate_hyp_mmio(pkvm_protected_regs[i].start_pfn + j);
			if (ret)
				goto back;
		}
	}
	return 0;
back:
	do {
		while (j--)
			__pkvm_hyp_donate_host_mmio(pkvm_protected_regs[i].start_pfn + j);
		if (@ALL@ && i)
			j = pkvm_protected_regs[i - 1].num_pages;
	} while (@ALL@ && i--);
	return ret;
}

"""

STEP = "ret = unmap_protected_regions();\n\tif (ret)\n\t\tgoto out;\n\n\t"


def insert(file, text, before=None, after=None, beyond=""):
    """@text beside what stands there once, or first after @beyond."""
    whole = file.read_text()
    mark = before or after
    at = whole.index(mark, whole.index(beyond)) + (0 if before else len(mark))
    file.write_text(whole[:at] + text + whole[at:])


def patch(tree, walker="eperm", fixed=False):
    hyp = pathlib.Path(tree) / HYP
    if WALKER[walker]:
        insert(
            hyp / "pgtable.c",
            "if (!kvm_pte_valid(ctx->old) && stage2_pte_is_counted(ctx->old))\n"
            f"\t\treturn {WALKER[walker]};\n\n\t",
            before="if (!kvm_pte_valid(ctx->old))",
            beyond="static int stage2_unmap_walker(",
        )
    with open(hyp / "nvhe/mem_protect.c", "a", encoding="utf-8") as f:
        f.write(CALLS.replace("@COMMIT@", COMMIT[fixed]))
    insert(
        hyp / "include/nvhe/mem_protect.h",
        "int __pkvm_host_donate_hyp_mmio(u64 pfn);\nint __pkvm_hyp_donate_host_mmio(u64 pfn);\n",
        before="int __pkvm_host_share_hyp(u64 pfn);",
    )
    insert(
        pathlib.Path(tree) / "arch/arm64/include/asm/kvm_pkvm.h",
        PROTECTED,
        after="#define HYP_MEMBLOCK_REGIONS 128\n",
    )
    insert(
        hyp / "nvhe/setup.c",
        BOOT.replace("@ALL@", str(int(fixed))),
        before="void __noreturn __pkvm_init_finalise(void)",
    )
    insert(hyp / "nvhe/setup.c", STEP, before="ret = hyp_ffa_init(")


if __name__ == "__main__":
    patch(sys.argv[1], *sys.argv[2:3], fixed="fixed" in sys.argv)
