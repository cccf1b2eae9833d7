# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes scenarios/selftest: the self-test that EL2 runs at the end of its boot when it is built
with CONFIG_NVHE_EL2_DEBUG, row by row, and the full table of calls against the states of a page.
Rows and cells stand here once; tests/test_selftest.py sees that the files are what they make.

usage: make_selftest.py [FOLDER]"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scenarios/selftest"

STATES = {
    "O": "OWNED",
    "SO": "SHARED_OWNED",
    "SB": "SHARED_BORROWED",
    "N": "NOPAGE",
    "P": "POISON",
}

# A call by its short name: what it is written as, and whether only v7.2 has it
CALLS = {
    "DH": ("el2 host_donate_hyp pfn({x}) 1", False),
    "SH": ("hvc host_share_hyp pfn({x})", False),
    "UH": ("hvc host_unshare_hyp pfn({x})", False),
    "HD": ("el2 hyp_donate_host pfn({x}) 1", False),
    "SF": ("el2 host_share_ffa pfn({x}) 1", False),
    "UF": ("el2 host_unshare_ffa pfn({x}) 1", False),
    "PIN": ("el2 pin_shared_mem hyp_va({x}) hyp_va({x}+4K)", False),
    "UNPIN": ("el2 unpin_shared_mem hyp_va({x}) hyp_va({x}+4K)", False),
    "SG": ("el2 vm_share g pfn({x}) {gfn} 1 {rwx}", False),
    "UG": ("el2 vm_unshare g {gfn} 1", False),
    "DG": ("el2 vm_donate g pfn({x}) {gfn}", True),
    "GS": ("el2 guest_share_host g {gfn}", True),
    "GU": ("el2 guest_unshare_host g {gfn}", True),
    "RC": ("el2 host_reclaim_page_guest g {gfn}", True),
    "FR": ("hvc force_reclaim_guest_page {x}", True),
}

# ---- The self-test -----------------------------------------------------------------------

# Stage by stage: what host, EL2 and the guest at its two places have after every row; the rows,
# each a call, the place for those that have one, and the error. "*": from v7.1 on.
STAGES = """
EL2's own                       | N  O  N  N  | DH:EPERM SH:EPERM UH:EPERM SF:EPERM UF:EPERM PIN:EPERM SG0:EPERM UG0:ENOENT *DG0:EPERM
the host's own                  | O  N  N  N  | HD:0 HD:EPERM UH:EPERM UF:EPERM UG0:ENOENT PIN:EPERM
shared with EL2                 | SO SB N  N  | SH:0 SH:EPERM DH:EPERM SF:EPERM HD:EPERM SG0:EPERM UG0:ENOENT *DG0:EPERM
and pinned, twice and once      | SO SB N  N  | PIN:0 PIN:0 UNPIN:0 refs:1 UH:EBUSY SH:EPERM DH:EPERM SF:EPERM HD:EPERM SG0:EPERM UG0:ENOENT *DG0:EPERM UNPIN:0 refs:0
the host's own again            | O  N  N  N  | UH:0
lent to the secure world        | SO N  N  N  | SF:0 SF:EPERM DH:EPERM SH:EPERM UH:EPERM HD:EPERM SG0:EPERM UG0:ENOENT *DG0:EPERM PIN:EPERM
and back                        | O  N  N  N  | UF:0 UF:EPERM
lent to a guest                 | SO N  SB N  | SG0:0 SG0:EPERM SF:EPERM DH:EPERM SH:EPERM UH:EPERM HD:EPERM *DG0:EPERM PIN:EPERM
at two places                   | SO N  SB SB | SG1:0 sharers:2
at the second                   | SO N  N  SB | UG0:0
and back                        | O  N  N  N  | UG1:0
*given to a guest               | N  N  O  N  | DG0:0 DG0:EPERM DG1:EPERM SG0:EPERM SG1:EPERM SF:EPERM DH:EPERM SH:EPERM UH:EPERM HD:EPERM
*which shares it                | SB N  SO N  | GS0:0 GS0:EPERM DG0:EPERM DG1:EPERM SG0:EPERM SG1:EPERM SF:EPERM DH:EPERM SH:EPERM UH:EPERM HD:EPERM
*and no longer                  | N  N  O  N  | GU0:0 GU0:EPERM DG0:EPERM DG1:EPERM SG0:EPERM SG1:EPERM SF:EPERM DH:EPERM SH:EPERM UH:EPERM HD:EPERM
*taken by force                 | O  N  P  N  | FR:0 DG0:EPERM SG0:EPERM GS0:EHWPOISON GU0:EHWPOISON
*given once more                | N  N  P  O  | DG1:0
*taken from a guest that ends   | O  N  P  N  | RC1:0 DG0:EPERM SG0:EPERM
EL2's own at the end            | N  O  N  N  | DH:0
"""

SELFTEST_HEAD = """\
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Built with CONFIG_NVHE_EL2_DEBUG, EL2 tests itself at the end of its boot: one page goes through
# all states that a page can be in, and in each the calls are tried that it must not let
# through. After every call all sides are looked at: host, EL2, and a guest at two places.
# {about}
#
# Written by tests/make_selftest.py.

title The self-test of boot, on {kernel}
kernel {kernel}

boot
vm create g
vm run g
# Tables for both places; and pages for more, which a refused call leaves with EL2.
host map g gfn=0x8000100
host map g gfn=0x8000101 page=uart              => -EPERM
let x = page()
let ipa0 = 1<<39
let ipa1 = ipa0 + 4K
el2 host_donate_hyp pfn(x) 1
"""

ABOUT = {
    "v7.0": "These are its rows on v7.0, where guests own no memory yet.",
    "v7.2": "These are its 100 calls on v7.2.",
}


def expect(sides, x="x", ipas=("ipa0", "ipa1")):
    """What each side has: host and EL2 on one line, the guest at its places on another."""
    where = [f"host, {x}", f"hyp, {x}", *(f"g, {ipa}" for ipa in ipas)]
    terms = [f"state({w}) == {STATES[s]}" for w, s in zip(where, sides, strict=True)]
    return "\n".join("expect " + " and ".join(part) for part in (terms[:2], terms[2:]))


def line(action, result):
    return f"{action:<47} => {result}"


def outcome(error):
    return "0" if error == "0" else f"-{error}"


def selftest_row(row, sides):
    call, _, wanted = row.lstrip("*").partition(":")
    if call == "refs":
        return [f"expect refcount(x) == {wanted}"]
    if call == "sharers":
        return [f"expect sharers(x) == {wanted}"]
    place = call[-1] if call[-1].isdigit() else "0"
    text = CALLS[call.rstrip("01")][0].format(x="x", gfn=f"pfn(ipa{place})", rwx="0xf")
    return [line(text, outcome(wanted)), expect(sides)]


def selftest(kernel):
    out = [SELFTEST_HEAD.format(kernel=kernel, about=ABOUT[kernel]) + expect(["N", "O", "N", "N"])]
    for stage in STAGES.strip().splitlines():
        name, states, rows = (part.strip() for part in stage.split("|"))
        if name.startswith("*") and kernel != "v7.2":
            continue
        sides = states.split()
        # what was taken by force leaves poison, on the releases that know it
        if kernel == "v7.2" and name.startswith("EL2's own at"):
            sides[2] = "P"
        out.append(f"\n# {name.lstrip('*')[0].upper()}{name.lstrip('*')[1:]}.")
        for row in rows.split():
            if not row.startswith("*") or kernel == "v7.2":
                out += selftest_row(row, sides)
    return "\n".join(out) + "\n"


# ---- Calls against states ----------------------------------------------------------------

# How a page comes to be in a state, with what is there then; and what each call answers, with
# what is there after success. "!": the state is corrupt, and the oracle says which rule.
COLUMNS = {
    "the-hosts-own": {
        "title": "the host's own",
        "prepare": [],
        "sides": "O N N",
        "cells": {
            "SH": "SO SB N", "DH": "N O N", "SF": "SO N N", "SG": "SO N SB", "DG": "N N O",
            "FR": "EAGAIN",
        },
    },
    "el2s-own": {
        "title": "EL2's own",
        "prepare": ["DH"],
        "sides": "N O N",
        "cells": {"HD": "O N N", "FR": "EPERM"},
        "kept_out": True,
    },
    "shared-with-el2": {
        "title": "shared with EL2",
        "prepare": ["SH"],
        "sides": "SO SB N",
        "cells": {"UH": "O N N", "PIN": "SO SB N", "UF": "!O SB N single-owner", "FR": "EAGAIN"},
    },
    "pinned-by-el2": {
        "title": "shared with EL2 and pinned",
        "prepare": ["SH", "PIN"],
        "sides": "SO SB N",
        "cells": {
            "UH": "EBUSY", "PIN": "SO SB N", "UF": "!O SB N single-owner", "FR": "EAGAIN",
        },
    },
    "lent-to-the-secure-world": {
        "title": "lent to the secure world",
        "prepare": ["SF"],
        "sides": "SO N N",
        "cells": {"UF": "O N N", "FR": "EAGAIN"},
    },
    "lent-to-a-guest": {
        "title": "lent to a guest",
        "prepare": ["SG"],
        "sides": "SO N SB",
        "cells": {
            "UF": "!O N SB single-owner", "SG'": "SO N SB", "UG": "O N N", "GS": "EPERM",
            "GU": "EPERM", "RC": "EPERM", "FR": "EAGAIN",
        },
    },
    "a-guests-own": {
        "title": "a guest's own",
        "v7_2": True,
        "prepare": ["DG"],
        "sides": "N N O",
        "cells": {
            "UG": "EPERM", "GS": "SB N SO", "GU": "EPERM", "RC": "O N N", "FR": "O N P",
        },
        "kept_out": True,
    },
    "shared-by-a-guest": {
        "title": "a guest's, shared with the host",
        "v7_2": True,
        "prepare": ["DG", "GS"],
        "sides": "SB N SO",
        "cells": {"UG": "EPERM", "GS": "EPERM", "GU": "N N O", "RC": "O N N", "FR": "EAGAIN"},
    },
    "a-devices": {
        "title": "a device's",
        "page": "uart",
        "prepare": [],
        "sides": "",
        "cells": {"FR": "EFAULT"},
        "panics": ["HD"],
    },
    "firmwares": {
        "title": "firmware's",
        "page": "0xc0000000",
        "prepare": [],
        "sides": "",
        "cells": {"FR": "EAGAIN"},
    },
    "el2s-text": {
        "title": "EL2's text",
        "page": "text",
        "prepare": [],
        "sides": "N O N",
        "cells": {},
        # one is a panic that no rule allows: scenarios/findings
        "skip": ["HD", "FR"],
        "text": True,
        # the host has it back, and a mapping that does not let it write (C23)
        "last": [
            ("el2 hyp_donate_host pfn(text) 1", "0"),
            ("host write text 1", "hang, violation owner-progress"),
        ],
    },
}

# Calls with the place where the guest has the page; without one they find nothing there.
HAS_PLACE = ("UG", "GS", "GU", "RC")
OPS = ["SH", "UH", "DH", "HD", "SF", "UF", "PIN", "SG'", "DG'", *HAS_PLACE, "FR"]

MATRIX_HEAD = """\
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every call about a page that is {title}: what it answers, and what is
# there afterwards. Each begins with a page of its own, where there is more than one. A call
# that is refused changes nothing. `el2` calls are those that EL2 makes of itself, for the
# host or for a guest.
#
# Written by tests/make_selftest.py.

title What may be done with a page that is {title}?
machine phone
kernel {kernel}

boot
vm create g
vm run g
# Tables for what follows; and pages for more, which a refused call leaves with EL2.
host map g gfn=0x80100
host map g gfn=0x80101 page=uart                => -EPERM
"""


class Matrix:
    def __init__(self, kernel, column):
        self.kernel, self.column, self.place = kernel, column, 0x80000
        self.fixed = column.get("page")
        self.out = [MATRIX_HEAD.format(title=column["title"], kernel=kernel)]
        if self.fixed == "text":
            self.out.append("let text = 0x80011000")

    def call(self, op, gfn):
        op = op.rstrip("'")
        page = self.fixed or "p"
        return CALLS[op][0].format(x=page, gfn=f"{gfn:#x}", rwx="0xf")

    def has(self, op):
        return self.kernel == "v7.2" or not CALLS[op.rstrip("'")][1]

    def cell(self, op):
        column = self.column
        gfn, other = self.place, self.place + 1
        self.place += 2
        wanted = column["cells"].get(op, column["cells"].get(op.rstrip("'"), "EPERM"))
        guests = any(s != "N" for s in column["sides"].split()[2:])
        if op in HAS_PLACE and not guests:
            wanted = "ENOENT"
        used = gfn if op in HAS_PLACE or not guests else other
        if not self.fixed:
            self.out.append("let p = page()")
        self.out += [self.call(step, gfn) for step in column["prepare"]]
        sides, result = column["sides"], outcome(wanted)
        if wanted[0] in "!OSN" and not wanted.startswith("E") and " " in wanted:
            words = wanted.lstrip("!").split()
            sides, result = " ".join(words[:3]), "0"
            if wanted.startswith("!"):
                result += f", violation {words[3]}"
        self.out.append(line(self.call(op, used), result))
        if sides:
            self.out.append(expect(sides.split(), self.fixed or "p", [f"{gfn:#x}<<12"]))

    def access(self):
        column, page = self.column, self.fixed or "p"
        if column.get("text"):
            self.out.append(f"host read {page}")
            return
        if not self.fixed:
            self.out.append("let p = page()")
        self.out += [self.call(step, self.place) for step in column["prepare"]]
        kept_out = column.get("kept_out")
        how = {"v7.0": "panic", "v7.2": "abort"}[self.kernel]
        self.out.append(line(f"host read {page}", how if kept_out else "ok"))

    def text(self):
        for op in OPS:
            panics = op in self.column.get("panics", [])
            if self.has(op) and op not in self.column.get("skip", []) and not panics:
                self.cell(op)
        self.access()
        for action, result in self.column.get("last", []) if self.kernel == "v7.2" else []:
            self.out.append(line(action, result))
        for op in self.column.get("panics", []):
            self.out.append(line(self.call(op, self.place), "panic"))
        return "\n".join(self.out) + "\n"


# ---- All files -----------------------------------------------------------------------------


def files():
    for kernel in ("v7.0", "v7.2"):
        dashed = kernel.replace(".", "-")
        yield f"the-self-test-of-boot-{dashed}.pkvm", selftest(kernel)
        for name, column in COLUMNS.items():
            if kernel == "v7.2" or not column.get("v7_2"):
                yield f"what-of-a-page-that-is-{name}-{dashed}.pkvm", Matrix(kernel, column).text()


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    for name, text in files():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
