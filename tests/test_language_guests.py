# SPDX-License-Identifier: GPL-2.0-or-later
"""The language, section 3: virtual machines, guests, and what the host does with their memory."""

import pytest

from language_support import passes, fails, mistaken, recorded, runs  # noqa: F401

V72 = "kernel v7.2\nboot\n"
GIVEN = V72 + "vm create g protected\nhost map g gfn=0x80000\n"
UNCHECKED = "--check=off"  # what is tested is the language


# ---- Names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("vm create\n", 1, "a name is missing"),
        ("vm create host\n", 1, "a word for a state"),
        ("vm create page\n", 1, "a function"),
        ("vm create hyp_s1\n", 1, "a pool"),
        ("vm create uart\nboot\n", 1, "already a region"),
        ("vm create abcdefghijklmnopqrstuvwxyz012345\n", 1, "at most 31"),
        ("let g = 1\nvm create g\n", 2, "a `let` name"),
        ("vm create g\nlet g = 1\n", 2, "is a VM"),
        ("vm create g\nrepeat 2 as g\nend\n", 2, "is a VM"),
        ("vm create g protected safe\n", 1, "too many arguments"),
        ("vm create g vcpu=1\n", 1, "did you mean `vcpus`?"),
        ("vm make g\n", 1, "create, run, put or destroy"),
        ("vm run g\n", 1, "no `vm create g` stands above"),
        ("vm create guest1\nguest guest2 read 0\n", 2, "did you mean `guest1`?"),
        ("vm create g\nvm run g.x\n", 2, "a vCPU's number"),
        ("vm create g\nvm destroy g.0\n", 2, "not to a vCPU"),
        ("vm create g\nguest g hvc mem_shar 0\n", 2, "did you mean `mem_share`?"),
        ("vm create g\nguest g hvc mem_share\n", 2, "too few"),
        ("vm create g\nguest g hvc hyp_meminfo 0 0 0 0\n", 2, "too many"),
        ("vm create g\nguest g jump 0\n", 2, "read, write, exec or hvc"),
        ("vm create g\nhost map g\n", 2, "`gfn=` is missing"),
        ("vm create g\nhost map g gfn=0 prot=1\n", 2, "takes no `prot=`"),
        ("boot\nvm create g\nhost map g gfn=0 w=2\n", 3, "w is 0 or 1"),
        ("vm create g\nexpect state(h, 0) == NOPAGE\n", 2, "knows no `h`"),
        ("expect tables(g) == 0\nvm create g\n", 1, "knows no `g`"),
    ],
)
def test_mistakes(mistaken, text, line, words):
    mistaken(text, line, words)


def test_a_name_is_a_word_and_a_handle(passes):
    passes(V72 + "vm create a protected\nvm create b\nexpect a == a and a != b and a != host\n"
           "expect a + 0 == 0x1000 and b + 0 == 0x1001\nexpect (a == 0x1000) == 0\n"
           "let h = b + 0\nvm destroy b\nexpect b + 0 == h\n"
           "hvc start_teardown_vm b => -EINVAL\nhvc unreserve_vm a\n", UNCHECKED)  # fmt: skip


def test_a_name_may_come_back(passes):
    passes(V72 + "repeat 3\nvm create g protected\nvm run g\nvm destroy g\nend\n"
           "vm create g => 0\nvm create g => -EEXIST\n", UNCHECKED)  # fmt: skip


def test_what_is_not_there(passes):
    text = "vm create g\n{}\nexpect state(g, 0) == NOPAGE and mapped(g, 0) == 0\n" \
           "expect translates(g, 0) == fault and tables(g) == 0 and free(g) == 0\n" \
           "expect free(g.0) == 0 and g != host\n"  # fmt: skip
    passes(text.replace("\n", " => -ENODEV\n", 1).format(""), UNCHECKED)
    passes(V72 + text.format("vm destroy g\nvm run g => -ENOENT\nhost map g gfn=0 => -ENOENT"),
           UNCHECKED)  # fmt: skip
    passes(V72 + "vm create g vcpus=2\nvm run g.2 => -ENOENT\nguest g.7 read 0 => -ENOENT\n",
           UNCHECKED)  # fmt: skip


def test_after_a_panic_names_still_mean_something(passes):
    passes(V72 + "hvc force_reclaim_guest_page 0x40011000 => panic\nvm create g\n"
           "guest g read 0\nexpect state(g, 0) == NOPAGE\nexpect owner(ram(0)) != g\n",
           UNCHECKED)  # fmt: skip


# ---- What they do ---------------------------------------------------------------------------------


def test_state_functions(passes):
    passes(GIVEN + "let p = translates(g, 0x80000000)\nexpect owner(p) == g\n"
           "expect state(g, 0x80000000) == OWNED and state(host, p) == NOPAGE\n"
           "expect mapped(g, 0x80000000) and level(g, 0x80000000) == 3\n"
           "expect (pte(g, 0x80000000) & 3) == 3 and translates(g, 0x80000008) == p + 8\n"
           "expect mapped(g, 0x80001000) == 0 and tables(g) == 4\n"
           "expect free(g.0) == 0 and free(g) == 0\n", UNCHECKED)  # fmt: skip


def test_accesses_have_sizes(passes):
    passes(GIVEN + "host map g gfn=0x80001\nguest g write 0x80000ffe 0x1122 2\n"
           "guest g write 0x80000ffe 0x44332211 4\nguest g read 0x80000ffe 4 => 0x44332211\n"
           "guest g read 0x80001000 1 => 0x33\nguest g exec 0x80000000 => 0\n", UNCHECKED)


def test_calls_of_a_guest(passes):
    passes(GIVEN + "guest g hvc hyp_meminfo => 4096\nguest g hvc hyp_meminfo 1 => -3\n"
           "guest g hvc raw 0x86000000 => 0x1d\nguest g hvc raw 0xc6000007 0 => refused\n"
           "guest g hvc mem_share 0x80000001 => -3\nguest g hvc mem_share 0x80000000 => 0\n"
           "expect state(g, 0x80000000) == SHARED_OWNED\nguest g hvc mem_share 0x80000000 => -3\n"
           "guest g hvc mem_unshare 0x80000000 0 1 => -3\n"
           "guest g hvc mem_unshare 0x80000000 => 0\n"
           "vm create np\nguest np hvc hyp_meminfo => refused\n", UNCHECKED)  # fmt: skip


def test_a_share_of_nothing_is_a_fault_that_the_host_handles(passes):
    passes(V72 + "vm create g protected\nguest g hvc mem_share 0x80000000 => fault\nvm run g\n"
           "expect state(g, 0x80000000) == SHARED_OWNED\n", UNCHECKED)  # fmt: skip


def test_mapping_what_the_scenario_says(passes):
    passes(V72 + "let p = page()\nhost write p 0xabcd\nvm create g\n"
           "host map g gfn=0x80000 page=p w=0 x=0\nexpect translates(g, 0x80000000) == p\n"
           "guest g read 0x80000000 => 0xabcd\nguest g write 0x80000000 1 => fault\n"
           "guest g exec 0x80000000 => fault\nvm run g\nguest g exec 0x80000000\n"
           "expect sharers(p) == 1 and owner(p) == host\nhost unmap g gfn=0x80000\n"
           "expect sharers(p) == 0 and mem(p) == 0xabcd\n"
           "host map g gfn=0 page=p+1 => -EINVAL\nhost map g gfn=1<<52 => -EINVAL\n"
           "host map g gfn=1<<40 => -ERANGE\nhost map g gfn=0 pages=0 => -EINVAL\n", UNCHECKED)


def test_vcpus_and_cpus(passes):
    passes(V72 + "vm create g vcpus=2\ncpu1: host map g gfn=0x80000\n"
           "cpu1: guest g write 0x80000000 5\nguest g read 0x80000000 => 5\n"
           "cpu1: guest g.1 read 0x80000000 => 5\nvm put g\nvm put g.1\nvm put g.1\n"
           "cpu1: vm destroy g\n", UNCHECKED)  # fmt: skip


def test_pressure_on_a_guest(passes, mistaken):
    passes(V72 + "vm create g\nvm run g\nexpect free(g.0) == 0\n"
           "fail alloc g nth=1\nhost map g gfn=0x80000 => 0\n", UNCHECKED)  # fmt: skip
    mistaken(V72 + "vm create g\ndrain g\n", 4, "has no pool now", options=(UNCHECKED,))


def test_pages_of_the_driver_are_not_given_again(passes):
    passes(V72 + "let a = page()\nvm create g protected\nvm run g\nlet b = page()\n"
           "expect owner(b) == host and state(host, b) == OWNED and b > a\n"
           "expect b == a + 4K\nhost map g gfn=0x80000 pages=3\nlet c = page()\n"
           "expect c == b + 4K and owner(c) == host\nvm destroy g\n", UNCHECKED)


def test_sharing_counts(passes):
    passes("boot\nlet p = page()\nhost share p\nhost share p\nhost unshare p\n"
           "expect state(hyp, p) == SHARED_BORROWED\nhost unshare p\n"
           "expect state(hyp, p) == NOPAGE\nhost unshare p => -ENOENT\n"
           "host share uart => -EINVAL\nhost share p pages=0\n", UNCHECKED)  # fmt: skip


def test_recorded_as_written(recorded):
    lines = recorded(
        V72 + "vm create g protected vcpus=2\nguest g.1 write 0x80000000 0x11 4 => fault\n"
        "cpu1: vm run g.1\nguest g.1 hvc mem_share 0x80000000\nhost map g gfn=0x80001 pages=2\n"
        "vm destroy g\n", UNCHECKED)  # fmt: skip
    assert lines[-6:] == [
        "vm create g protected vcpus=2 => 0",
        "guest g.1 write 0x80000000 0x11 0x4 => fault",
        "cpu1: vm run g.1 => 0",
        "guest g.1 hvc mem_share 0x80000000 => 0",
        "host map g gfn=524289 pages=2 => 0",
        "vm destroy g => 0",
    ]


def test_reset_forgets_them(repl):
    repl.all(V72 + "vm create g protected\nreset\nboot")
    assert "there is no `g`" in repl("let x = g + 0")["text"]
    assert repl.value("vm create g") == 0


# ---- What is shown ---------------------------------------------------------------------------------


def test_shown(passes, mistaken):
    done = passes(GIVEN + "let p = translates(g, 0x80000000)\nshow vms\nshow guest g\n"
                  "show walk g 0x80000008\nshow owners p p\nshow page p\nshow pools\n",
                  UNCHECKED)  # fmt: skip
    for words in [
        "g  handle 0x1000  protected",
        "vcpu 0   struct kvm_vcpu 0x7f3fb000  memcache 0",
        "---[ Guest IPA ]---",
        "guest IPA 0x80000008",
        "  owner     g",
        "vm0x1000 0x7f3f",
    ]:
        assert words in done.out
    assert "no virtual machines" in passes("boot\nshow vms\n").out
    mistaken(V72 + "vm create g\nshow guest g\n", 4, "EL2 has nothing of", options=(UNCHECKED,))
    mistaken(V72 + "show guest g\n", 3, "there is no VM", options=(UNCHECKED,))
    mistaken(V72 + "show walk g 0\n", 3, "there is no VM", options=(UNCHECKED,))


def test_a_vcpus_memcache_is_a_pool(passes, mistaken):
    passes(V72 + "vm create g protected vcpus=2\nhost map g gfn=0x80000\nhost unmap g gfn=0x80000\n"
           "expect free(g.0) == 0\nhost map g gfn=0x80001\nexpect free(g.0) == 2\ndrain g.0 leave=1\n"
           "expect free(g.0) == 1\nrefill g.0\nexpect free(g.0) == 2\ndrain g.0\n"
           "hvc host_donate_guest pfn(page()) 0x80002 => -ENOMEM\nrefill g.0\n"
           "hvc host_donate_guest pfn(page()) 0x80002\n", UNCHECKED)  # fmt: skip
    mistaken(V72 + "vm create g\nvm run g\ndrain g.1\n", 5, "no pool", options=(UNCHECKED,))
    mistaken(V72 + "vm create g\nvm run g\nfail alloc g.0 nth=1\n", 5, "no pool",
             options=(UNCHECKED,))  # fmt: skip
