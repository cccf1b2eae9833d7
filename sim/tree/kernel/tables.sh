#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# tables.sh BUILT OUT: what build.sh built in BUILT, and the page-table library of its tree as
# the host kernel has it beside EL2's, both to be called by themselves. A line "file N/M NAME"
# as each begins.
set -eu
built=$1 out=$2
source=$(awk '$2 == "pgtable" { print $1 }' "$built/jobs")
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
hooks="-fsanitize=thread --param=tsan-distinguish-volatile=1"

# shellcheck source=sim/tree/kernel/say.sh
. "$here/say.sh"
tree=$(cat "$built/tree")

mkdir -p "$out/gen"
cp "$built/gen/probes.h" "$out/gen/probes.h"
cp "$built/tree" "$out/tree"
# names of headers in @flags are relative to there
cd "$built"
grep -v '^-D__KVM_NVHE_HYPERVISOR__$' flags > "$out/host-flags"

probe() { # NAME CODE
	printf '#include <asm/kvm_pgtable.h>\n%s\n' "$2" > "$out/probe-$1.c"
	if $cc @flags -fsyntax-only "$out/probe-$1.c" 2>/dev/null; then
		printf '#define HAVE_%s 1\n' "$1" > "$out/probe-$1.h"
	else
		: > "$out/probe-$1.h"
	fi
}
probe PX 'int probe = KVM_PGTABLE_PROT_PX | KVM_PGTABLE_PROT_UX;' &
probe NOFWB 'int probe = KVM_PGTABLE_S2_NOFWB;' &
probe AS_S1 'int probe = KVM_PGTABLE_S2_AS_S1;' &
probe annotate 'void *probe = (void *)&kvm_pgtable_stage2_annotate;' &
probe relax_flags 'int probe(struct kvm_pgtable *p)
{
	return kvm_pgtable_stage2_relax_perms(p, 0, 0, KVM_PGTABLE_WALK_SHARED);
}' &
probe mkyoung_pte 'kvm_pte_t probe(struct kvm_pgtable *p)
{
	return kvm_pgtable_stage2_mkyoung(p, 0);
}' &
wait
cat "$out"/probe-*.h > "$out/table_probes.h"

compile() { # FLAGS SOURCE NAME
	echo "file $3"
	# shellcheck disable=SC2086 # words meant to fall apart
	$cc -c @"$1" $hooks "-I$out" -MD -MF "$out/$3.d" -o "$out/$3.o" "$2" 2> "$out/$3.log" ||
		fail "$(say_compile "$tree" "$2" "$out/$3.log")"
}
compile "$out/host-flags" "$source" host-pgtable &
host=$!
compile "$out/host-flags" "$here/glue/tables.c" host-tables
compile flags "$here/glue/tables.c" el2-tables
wait $host
$cc -c -O2 -g -fno-pie -mcmodel=medium -mlarge-data-threshold=1000000000 -o "$out/rt-tables.o" \
	"$here/tables.c" 2> "$out/rt-tables.log" || fail "$(head -n 12 "$out/rt-tables.log")"

# two libraries in one program: of the host's only the entry has a name
cd "$out"
ld -r -o host.o host-pgtable.o host-tables.o
objcopy --redefine-sym __kvm_tlb_flush_vmid_ipa=tables_flush_ipa \
	--redefine-sym __kvm_tlb_flush_vmid_ipa_nsh=tables_flush_ipa_nsh \
	--redefine-sym __kvm_tlb_flush_vmid_range=tables_flush_range \
	--redefine-sym __kvm_tlb_flush_vmid=tables_flush_all \
	--redefine-sym memset=sim_memset --redefine-sym memcpy=sim_memcpy \
	--keep-global-symbol=el1_tables_op --keep-global-symbol=el1_tables_view host.o
ld -r -o tree.o "$built/tree.o" el2-tables.o host.o
objcopy --redefine-sym memset=sim_memset --redefine-sym memcpy=sim_memcpy tree.o
for f in "$built"/rt-*.o; do
	ln "$f" . 2>/dev/null || cp "$f" .
done
