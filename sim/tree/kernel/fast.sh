#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fast.sh BUILT OUT: the tree that build.sh built in BUILT once more, with nothing in it
# that tells of what it does: no hook of the compiler's, shims that are no more than what
# a CPU would do. For measuring; a line "file N/M NAME" as each begins.
set -eu
built=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
# shellcheck source=sim/tree/kernel/say.sh
. "$here/say.sh"
export built out here cc

cp "$built/jobs" "$out/jobs"
echo "$here/glue/work.c glue-work" >> "$out/jobs"
mkdir "$out/gen"
cp "$built/gen/probes.h" "$out/gen/probes.h"
cp "$built/tree" "$out/tree"
total=$(wc -l < "$out/jobs")
export total

# names of headers in @flags are relative to there
cd "$built"
: > "$out/begun"
# shellcheck disable=SC2016 # expanded by the shells that xargs starts
xargs -P "$(nproc)" -n 2 sh -c '
n=$(wc -l < "$out/begun"); echo >> "$out/begun"
echo "file $((n + 1))/$total $1"
$cc -c @flags -g0 -DPKVM_SIM_FAST -o "$out/$1.o" "$0" 2> "$out/$1.log" ||
	{ echo "$0: $1" >> "$out/failed"; exit 255; }
' < "$out/jobs" 2>/dev/null || :
if [ -f "$out/failed" ]; then
	while read -r f log; do
		say_compile "$(cat "$built/tree")" "${f%:}" "$out/$log.log"
	done < "$out/failed" | head -n 20 >&2
	exit 1
fi

for f in main memory plain tried; do
	$cc -c -O2 -g -fno-pie -mcmodel=medium -mlarge-data-threshold=1000000000 \
		-o "$out/rt-$f.o" "$here/$f.c" 2> "$out/rt-$f.log" || {
		head -n 12 "$out/rt-$f.log" >&2
		exit 1
	}
done
cd "$out"
# No call passes where events are told of it: what glue means by __real_NAME is NAME.
for f in glue-*.o; do
	real=$(nm -u "$f" | sed -n 's/^ *U __real_\(.*\)/--redefine-sym=__real_\1=\1/p')
	# shellcheck disable=SC2086 # words, or none
	[ -z "$real" ] || objcopy $real "$f"
done
# shellcheck disable=SC2046
ld -r -o tree.o $(awk '{ print $2 ".o" }' jobs)
