#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# debug.sh BUILT OUT: the tree that build.sh built in BUILT once more, with what
# CONFIG_NVHE_EL2_DEBUG adds to it: checks, and a self-test at boot if it has one. A line
# "file N/M NAME" as each begins.
set -eu
export LC_ALL=C
built=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
hooks="-fsanitize=thread --param=tsan-distinguish-volatile=1"
# shellcheck source=sim/tree/kernel/say.sh
. "$here/say.sh"
export built out cc hooks

cp -R "$built/gen" "$out/gen"
cp "$built/jobs" "$built/tree" "$out"
echo '#define CONFIG_NVHE_EL2_DEBUG 1' >> "$out/gen/generated/autoconf.h"
total=$(wc -l < "$out/jobs")
export total

# names of generated headers in @flags are relative to here
cd "$out"
: > begun
# shellcheck disable=SC2016 # expanded by the shells that xargs starts
xargs -P "$(nproc)" -n 2 sh -c '
n=$(wc -l < begun); echo >> begun
echo "file $((n + 1))/$total $1"
$cc -c @"$built/flags" $hooks -o "$1.o" "$0" 2> "$1.log" || { echo "$0 $1" >> failed; exit 255; }
' < ./jobs 2>/dev/null || :
if [ -f failed ]; then
	while read -r f log; do
		say_compile "$(cat tree)" "$f" "$log.log"
	done < ./failed | head -n 20 >&2
	exit 1
fi

# What the self-test has for itself, a VM among it, is larger than the room in EL2's image. It
# is of no use after boot: the process's own memory will do.
# shellcheck disable=SC2086 # words meant to fall apart
$cc -c @"$built/flags" $hooks -fdata-sections -o glue-pkvm.o "$here/glue/pkvm.c" 2> glue-pkvm.log
for section in $(readelf -SW glue-pkvm.o | grep -o '\.l[a-z]*\.selftest_[a-z0-9_]*' | sort -u); do
	objcopy --rename-section "$section=.data.sim,alloc,load,data,contents" glue-pkvm.o
done

# names without blanks, one a line
# shellcheck disable=SC2046
ld -r $(cat "$built/wrap") -o tree.o $(awk '{ print $2 ".o" }' jobs)
objcopy --redefine-sym memset=sim_memset --redefine-sym memcpy=sim_memcpy tree.o
for f in "$built"/rt-*.o; do
	ln "$f" . 2>/dev/null || cp "$f" .
done
