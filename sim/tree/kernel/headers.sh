#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# headers.sh TREE OUT: the headers that a kernel build would generate, as far as EL2's
# sources read them, made in OUT by the tree's own scripts and lists.
set -eu
tree=$1 out=$2
gen=$out/gen
arch=$tree/arch/arm64
awk=$(command -v gawk || command -v mawk || command -v awk)

mkdir -p "$gen/asm" "$gen/uapi/asm" "$gen/generated/uapi/linux" "$gen/generated/asm" "$gen/linux"

# The words of one Kbuild list: list FILE NAME
list() {
	[ -f "$1" ] || return 0
	sed -n "s/^$2[ 	]*+*=[ 	]*//p" "$1"
}

# A header that an architecture must have and arm64 does not is asm-generic's.
wrappers() { # FROM TO PREFIX
	{
		list "$arch/include/$1/Kbuild" generic-y
		list "$tree/include/$3/Kbuild" mandatory-y
	} | tr ' 	' '\n' | sort -u | while read -r h; do
		[ -n "$h" ] || continue
		[ -f "$arch/include/$1/$h" ] && continue
		[ -f "$tree/include/asm-generic/$h" ] || [ -f "$tree/include/uapi/asm-generic/$h" ] ||
			continue
		printf '#include <asm-generic/%s>\n' "$h" > "$gen/$2/$h"
	done
}
wrappers uapi/asm uapi/asm uapi/asm-generic
wrappers asm asm asm-generic

"$awk" -f "$arch/tools/gen-cpucaps.awk" "$arch/tools/cpucaps" > "$gen/asm/cpucap-defs.h"
"$awk" -f "$arch/tools/gen-sysreg.awk" "$arch/tools/sysreg" > "$gen/asm/sysreg-defs.h"
[ ! -f "$arch/tools/gen-kernel-hwcaps.sh" ] ||
	sh "$arch/tools/gen-kernel-hwcaps.sh" "$arch/include/uapi/asm/hwcap.h" > "$gen/asm/kernel-hwcap.h"
sh "$tree/scripts/syscallhdr.sh" --abis common,64,renameat,rlimit,memfd_secret --emit-nr \
	"$tree/scripts/syscall.tbl" "$gen/uapi/asm/unistd_64.h"
for t in unistd_32 unistd_compat_32; do
	echo > "$gen/asm/$t.h"
done
for h in asm-offsets vdso-offsets vdso32-offsets; do
	echo > "$gen/generated/$h.h"
done
echo > "$gen/generated/utsrelease.h"
printf '#define LINUX_VERSION_CODE 0\n' > "$gen/generated/uapi/linux/version.h"
# What these are computed from has no part in EL2's code: sizes of structures of the rest.
cat > "$gen/generated/bounds.h" <<'END'
#define NR_PAGEFLAGS 22
#define MAX_NR_ZONES 4
#define NR_CPUS_BITS 6
#define SPINLOCK_SIZE 4
#define LRU_GEN_WIDTH 0
#define __LRU_REFS_WIDTH 0
END
cat > "$gen/generated/rq-offsets.h" <<'END'
#define RQ_nr_pinned 0
END
cat > "$gen/generated/timeconst.h" <<'END'
#define HZ_TO_MSEC_MUL32 UINT64_C(0x80000000)
#define HZ_TO_MSEC_ADJ32 UINT64_C(0)
#define HZ_TO_MSEC_SHR32 29
#define MSEC_TO_HZ_MUL32 UINT64_C(0x80000000)
#define MSEC_TO_HZ_ADJ32 UINT64_C(0x180000000)
#define MSEC_TO_HZ_SHR32 33
#define HZ_TO_USEC_NUM 4000
#define HZ_TO_USEC_DEN 1
#define USEC_TO_HZ_NUM 1
#define USEC_TO_HZ_DEN 4000
END
