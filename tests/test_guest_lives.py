# SPDX-License-Identifier: GPL-2.0-or-later
"""Lives of VMs by chance, under the oracle: the driver's flows, guests' accesses and calls, and
hypercalls with any arguments in between. Whatever an action gives, it breaks no rule."""

import random

import pytest

GFNS = [0, 0x80000, 0x80001, 0x80002, 0x80200, 0x80201, 0x90000]
BLOCKS = [0x50000000, 0x50200000]


class Life:
    """A scenario. Left out is what a release is known to break a rule with: on v7.0 a VM that is
    taken apart while it is in use, a handle given up under a VM, tables that run out; and a VM
    that goes with pages which the driver does not know that it has."""

    def __init__(self, kernel, seed, actions):
        self.kernel, self.r = kernel, random.Random(seed)
        self.vms, self.made = {}, 0  # name: has pages that the driver does not know of
        self.lines = [f"kernel {kernel}", "boot", *(f"let p{i} = page()" for i in range(6))]
        for _ in range(actions):
            self.act()
        for name, raw in self.vms.items():
            if not raw:
                self.add(f"vm destroy {name}")

    def text(self):
        return "\n".join(self.lines) + "\n"

    def add(self, action):
        self.lines.append(f"{action} => any")

    def act(self):
        r = self.r
        if not self.vms or (r.random() < 0.08 and len(self.vms) < 4):
            name, kind = f"v{self.made}", ""
            if self.kernel == "v7.2" and r.random() < 0.5:
                kind = "protected "
            self.made += 1
            self.vms[name] = False
            self.add(f"vm create {name} {kind}vcpus={r.choice([1, 2])}")
            return
        vm = r.choice(list(self.vms))
        if r.random() < 0.05 and not self.vms[vm]:
            self.add(f"{self.cpu()}vm destroy {vm}")
            del self.vms[vm]
            return
        choices = [self.driver, self.driver, self.guest, self.attributes, self.host]
        if self.kernel == "v7.2":
            choices.append(self.by_hand)
        r.choice(choices)(vm)

    def cpu(self):
        return self.r.choice(["", "", "cpu1: "])

    def page(self):
        return f"p{self.r.randrange(6)}"

    def gfn(self):
        return f"{self.r.choice(GFNS):#x}"

    def one(self, *choices):
        self.add(self.cpu() + self.r.choice(choices))

    def driver(self, vm):
        r = self.r
        page = r.choice([f" page={self.page()}", " page=uart", "", ""])
        self.one(
            f"host map {vm} gfn={self.gfn()} pages={r.randint(1, 3)}{page}",
            f"host map {vm} gfn={self.gfn()} w=0",
            f"host map {vm} gfn=0x90000 pages=512 page={r.choice(BLOCKS):#x} huge=1",
            f"host unmap {vm} gfn={self.gfn()} pages={r.choice([1, 2, 512])}",
            f"host wrprotect {vm} gfn={self.gfn()}",
            f"host age {vm} gfn={self.gfn()} mkold={r.randrange(2)}",
            f"vm run {vm}",
        )

    def guest(self, vm):
        r = self.r
        ipa = f"{self.gfn()}*4K+{r.choice([0, 8, 0xFFC])}"
        self.one(
            f"guest {vm} read {ipa}",
            f"guest {vm} exec {ipa}",
            f"guest {vm} write {ipa} {r.randrange(1 << 32)}",
            f"guest {vm} hvc mem_share {ipa}",
            f"guest {vm} hvc mem_unshare {self.gfn()}*4K",
            f"guest {vm} hvc mem_share {self.gfn()}*4K",
        )

    def attributes(self, vm):
        nr = self.r.choice([1, 1, 2, 512])
        self.one(
            f"hvc host_relax_perms_guest {self.gfn()} {self.r.choice([0xF, 0xC, 8, 0x10])}",
            f"hvc host_mkyoung_guest {self.gfn()}",
            f"hvc host_wrprotect_guest {vm} {self.gfn()} {nr}",
            f"hvc host_test_clear_young_guest {vm} {self.gfn()} {nr} {self.r.randrange(2)}",
            f"hvc tlb_flush_vmid {vm}",
        )

    def host(self, vm):
        self.one(
            f"host read {self.page()}{' reclaim=1' if self.kernel == 'v7.2' else ''}",
            f"host write {self.page()} 7",
            f"hvc host_share_hyp pfn({self.page()})",
            f"hvc host_unshare_hyp pfn({self.page()})",
            f"el2 host_share_ffa pfn({self.page()}) 1",
            "hvc reserve_vm",
        )

    def by_hand(self, vm):
        """Behind the driver's back: what it thinks of its VMs is wrong from then on."""
        for name in self.vms:
            self.vms[name] = True
        self.one(
            f"hvc host_donate_guest pfn({self.page()}) {self.gfn()}",
            f"hvc host_share_guest pfn({self.page()}) {self.gfn()} 1 {self.r.choice([0xF, 8, 0])}",
            f"hvc host_unshare_guest {vm} {self.gfn()} {self.r.choice([1, 2, 512])}",
            f"hvc force_reclaim_guest_page {self.page()}",
            f"hvc reclaim_dying_guest_page {vm} {self.gfn()}",
            f"hvc start_teardown_vm {vm}",
            f"hvc vcpu_load {vm} {self.r.randrange(3)} 0",
            "hvc vcpu_put",
            "hvc vcpu_in_poison_fault",
            f"el2 guest_share_host {vm} {self.gfn()}",
            f"el2 guest_unshare_host {vm} {self.gfn()}",
            f"el2 host_reclaim_page_guest {vm} {self.gfn()}",
            f"el2 vm_donate {vm} pfn({self.page()}) {self.gfn()}",
            f"el2 vm_share {vm} pfn({self.page()}) {self.gfn()} 1 0xf",
        )


def write(folder, kernel, seeds, actions):
    for seed in seeds:
        (folder / f"{seed:04}.pkvm").write_text(Life(kernel, seed, actions).text())
    return folder


@pytest.mark.parametrize("kernel", ["v7.0", "v7.2"])
def test_no_rule_is_broken(run, tmp_path, kernel):
    done = run("run", write(tmp_path, kernel, range(60), 80))
    assert done.status == 0, done.out[-4000:] + done.err
    assert "60 passed" in done.out


def test_the_oracle_keeps_up(run, tmp_path):
    """Everything read anew after each step is what it worked out from events."""
    done = run("run", "--check=paranoid", write(tmp_path, "v7.2", range(100, 104), 40))
    assert done.status == 0, done.out[-4000:] + done.err
