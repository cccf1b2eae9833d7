# SPDX-License-Identifier: GPL-2.0-only
#
# Read by the other scripts: what did not work, said to one who knows kernels and not this
# program, on one screen.
# shellcheck shell=sh

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# Names of files as the tree has them, and ours as ours.
plain_names() { # TREE
	sed "s|$1/||g; s|^[^ ]*/sim/tree/kernel/|pkvm-sim: |"
}

# What the compiler said first of SOURCE. A file of glue is the tree's of the same name and more.
say_compile() { # TREE SOURCE LOG
	source=$2
	name=$(basename "$2")
	case $2 in
	*/glue/main.c) source=arch/arm64/kvm/hyp/nvhe/hyp-main.c ;;
	*/glue/*) [ ! -f "$1/arch/arm64/kvm/hyp/nvhe/$name" ] || source=arch/arm64/kvm/hyp/nvhe/$name ;;
	esac
	printf '%s\n' "$source does not compile:" | plain_names "$1"
	grep -E '(error|Error|fatal)[: ]' "$3" | plain_names "$1" | awk '!seen[$0]++' | head -n 6
	if grep -q 'no such instruction\|pkvm_sim_' "$3"; then
		cat <<'END'
No shim stands in for that instruction, or for that code patched at boot: what arm64 would do
is not known here (docs/kernel-tree.md).
END
	elif grep -q 'fatal error: .*No such file' "$3"; then
		echo 'A file that it includes is not in the tree, and no kernel build would generate it.'
	fi
}

# What nobody has, by the first place that wants it.
say_link() { # TREE LOG
	grep 'undefined reference' "$2" | sed 's/^.*ld: //; s/(\.text[^)]*): */ /' |
		awk '{ name = $NF } !seen[name]++' | plain_names "$1" | head -n 8
	grep -E 'truncated|room|multiple definition' "$2" | plain_names "$1" | head -n 4
	if grep -q 'undefined reference to .sim_reg_' "$2"; then
		echo 'sim_reg_NAME is a register that the board has not.'
	elif grep -q 'undefined reference' "$2"; then
		cat <<'END'
The definition has another name, or stands in a file that is not among those built here
(docs/kernel-tree.md lists them).
END
	fi
}
