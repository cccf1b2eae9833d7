#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# link.sh OUT PROGRAM IMAGE: the program for an EL2 whose image begins at this physical
# address, with the sections that sim/el2/place.c gives it.
set -eu
out=$1 program=$2
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
# shellcheck source=sim/tree/kernel/say.sh
. "$here/say.sh"
# beside it first: others may want the same one now
new=$program.$$
image=$(($3 + 0x100000000000))

at() {
	printf '0x%x' $((image + $1 * 4096))
}
# To v7.0 what EL2 has of data never changes after boot, and lies in its read-only section.
own=0x11 own_end=0x19
if grep -q HAVE___hyp_data_start "$out/gen/probes.h"; then
	own=0x22 own_end=0x24
fi
sed "s/@IDMAP@/$(at 0x00)/g; s/@TEXT@/$(at 0x01)/g; s/@TEXT_END@/$(at 0x11)/g
	s/@RODATA@/$(at 0x11)/g; s/@RODATA_END@/$(at 0x19)/g
	s/@BSS@/$(at 0x19)/g; s/@BSS_END@/$(at 0x1d)/g
	s/@DATA@/$(at 0x22)/g; s/@DATA_END@/$(at 0x24)/g
	s/@OWN_DATA@/$(at $own)/g; s/@OWN_DATA_END@/$(at $own_end)/g
	s/@VGIC@/$(at 0x21)/g; s/@PERCPU_BYTES@/0x2000/g" "$here/link.lds.in" > "$new.lds"
if ! $cc -no-pie -g -o "$new" "$out/tree.o" "$out"/rt-*.o -Wl,-T,"$new.lds" 2> "$new.log"; then
	fail "the tree's EL2 does not link:
$(say_link "$(cat "$out/tree")" "$new.log")"
fi
nm "$new" > "$new.symbols"
mv "$new.symbols" "$program.symbols"
mv "$new" "$program"
rm -f "$new.lds" "$new.log"
