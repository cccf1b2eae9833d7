#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh TREE OUT: compile EL2's sources of a kernel tree, each unchanged, for this machine.
# A line "file N/M NAME" as each begins. What goes wrong is said on standard error: which
# file of the tree, and the first things that it needs. Nothing runs on half a build.
# Lists of words are meant to fall apart; none has blanks or patterns in it.
# shellcheck disable=SC2046,SC2086,SC2089,SC2090
set -eu
export LC_ALL=C # messages for everybody alike
tree=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-gcc}
hyp=$tree/arch/arm64/kvm/hyp
gen=$out/gen

# shellcheck source=sim/tree/kernel/say.sh
. "$here/say.sh"

[ -d "$hyp/nvhe" ] || fail "$tree has no arch/arm64/kvm/hyp/nvhe: is it a Linux source tree with pKVM?"
files="early_alloc page_alloc tlb sys_regs hyp-smp psci-relay"
for f in pgtable.c $(printf 'nvhe/%s.c ' mem_protect mm hyp-main setup pkvm ffa $files); do
	[ -f "$hyp/$f" ] || fail "$tree has no arch/arm64/kvm/hyp/$f: without it there is no EL2.
Is it on its way to another name, or not checked out?"
done
for f in include/linux/kconfig.h scripts/syscallhdr.sh scripts/syscall.tbl arch/arm64/Kconfig \
	arch/arm64/tools/gen-sysreg.awk arch/arm64/tools/gen-cpucaps.awk; do
	[ -f "$tree/$f" ] || fail "$tree has no $f, which headers are made from."
done
command -v "$cc" >/dev/null || fail "no compiler: $cc is not there (apt install gcc)"
for tool in ld objcopy nm awk; do
	command -v $tool >/dev/null || fail "$tool is not there (apt install binutils)"
done

mkdir -p "$out"
cd "$out"
sh "$here/headers.sh" "$tree" "$out" 2>"$out/headers.log" ||
	fail "the tree's own scripts did not make the generated headers:
$(tail -n 12 "$out/headers.log")"

# What arm64 always selects, from its Kconfig, then our choices.
{
	sed -n '/^config ARM64$/,/^config /p' "$tree/arch/arm64/Kconfig" |
		sed -n 's/^	select \([A-Z0-9_]*\)[ ]*$/#define CONFIG_\1 1/p' | sort -u
	cat "$here/autoconf.h"
} > "$gen/generated/autoconf.h"

# Hypercalls by the names of the tree's own enumeration.
for f in asm/kvm_asm.h asm/kvm_host.h; do
	sed -n 's/^[ 	]*__KVM_HOST_SMCCC_FUNC_\([A-Za-z0-9_]*\)\(,\| =\).*/H(\1)/p' \
		"$tree/arch/arm64/include/$f"
done | grep -v 'MIN_PKVM\|MAX_NO_PKVM\|PKVM_ONLY' > "$gen/hcalls.h" || :

# -w is not among them: it would hide a function that the tree no longer has.
flags="-std=gnu11 -O2 -g -fno-strict-aliasing -fno-common -fno-PIE -fno-stack-protector
	-mno-red-zone -mcmodel=medium -mlarge-data-threshold=0 -mgeneral-regs-only
	-fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks -fno-strict-overflow
	-ffreestanding -fshort-wchar -funsigned-char -fcf-protection=none -fno-jump-tables
	-fms-extensions -fplan9-extensions
	-Werror=implicit-function-declaration -Werror=implicit-int -Werror=int-conversion
	-Werror=incompatible-pointer-types -Wno-attributes -Wno-pointer-sign
	-nostdinc -U__x86_64__ -U__x86_64 -U__amd64__ -U__amd64 -D__aarch64__
	-D__KERNEL__ -D__KVM_NVHE_HYPERVISOR__ -D__DISABLE_EXPORTS -D__DISABLE_TRACE_MMIO__
	-DDISABLE_BRANCH_PROFILING -DKASAN_SHADOW_SCALE_SHIFT= -DARM64_ASM_PREAMBLE=
	-D__ro_after_init= -D__read_mostly= -DKBUILD_MODNAME=\\\"kvm\\\" -DKBUILD_BASENAME=\\\"kvm\\\"
	-DKBUILD_MODFILE=\\\"kvm\\\""
hooks="-fsanitize=thread --param=tsan-distinguish-volatile=1"
# the generated ones from where it runs: what is built is moved
paths="-include $here/shim/hook.h -I$here/shim -Igen -I$hyp/include -I$tree/arch/arm64/include
	-Igen/uapi -Igen/generated -I$tree/include -I$tree/arch/arm64/include/uapi
	-I$tree/include/uapi -I$hyp -I$hyp/nvhe -I$tree/arch/arm64/kvm -I$here/.. -I$here/glue
	-include $tree/include/linux/compiler-version.h -include $tree/include/linux/kconfig.h
	-include $tree/include/linux/compiler_types.h"
# one a line, as the compiler reads it from a file
printf '%s\n' $flags $paths > "$out/flags"

# ---- What the tree has: functions tried by a compiler, not versions ----
probe() { # NAME CODE
	printf '#include <nvhe/%s>\n%s\n' "$2" "$3" > "$out/probe-$1.c"
	if $cc @"$out/flags" -fsyntax-only "$out/probe-$1.c" 2>/dev/null; then
		printf '#define HAVE_%s 1\n' "$1" > "$out/probe-$1.h"
	else
		: > "$out/probe-$1.h"
	fi
}
has() { # a function with this name
	probe "$1" "${2:-mem_protect.h}" "void *probe = (void *)&$1;"
}
has __pkvm_host_share_ffa &
has kvm_pgtable_stage2_annotate &
wait
probe __hyp_data_start mem_protect.h '#include <asm/sections.h>
void *probe = __hyp_data_start;' &
probe mmio_donation mem_protect.h '
#define PAGEWISE(fn) static_assert(__builtin_types_compatible_p(typeof(fn), int(u64)))
PAGEWISE(__pkvm_host_donate_hyp_mmio);
PAGEWISE(__pkvm_hyp_donate_host_mmio);' &
probe pkvm_protected_regs setup.c '
u64 probe(void)
{
	struct pkvm_protected_reg *r = &pkvm_protected_regs[num_protected_reg];

	return unmap_protected_regions() + r->start_pfn + r->num_pages;
}' &
probe pkvm_selftest mem_protect.h '#include <asm/kvm_pkvm.h>
void *probe[] = { &pkvm_ownership_selftest, &pkvm_selftest_pages };' &
probe FIXBLOCK_LOCK mm.c 'void *probe = &hyp_fixblock_lock;' &
# VMs by reservation, guests of the host's memory, guests of their own: all that glue names
probe RESERVED_VMS pkvm.c 'int (*reserve)(void) = __pkvm_reserve_vm;
struct pkvm_hyp_vm *(*get)(pkvm_handle_t) = get_pkvm_hyp_vm;
void *loaded = &loaded_hyp_vcpu;
char a[offsetof(struct pkvm_hyp_vcpu, loaded_hyp_vcpu)], b[offsetof(struct kvm, arch.pkvm.is_protected)],
	c[offsetof(struct kvm, arch.pkvm.stage2_teardown_mc)],
	d[offsetof(struct kvm_vcpu, arch.pkvm_memcache)];' &
probe NP_GUESTS pkvm.h '#include <nvhe/mem_protect.h>
int (*share)(u64, u64, u64, struct pkvm_hyp_vcpu *, enum kvm_pgtable_prot) = __pkvm_host_share_guest;
int (*unshare)(u64, u64, struct pkvm_hyp_vm *) = __pkvm_host_unshare_guest;
int (*relax)(u64, struct pkvm_hyp_vcpu *, enum kvm_pgtable_prot) = __pkvm_host_relax_perms_guest;
int (*wrprotect)(u64, u64, struct pkvm_hyp_vm *) = __pkvm_host_wrprotect_guest;
int (*young)(u64, u64, bool, struct pkvm_hyp_vm *) = __pkvm_host_test_clear_young_guest;
int (*mkyoung)(u64, struct pkvm_hyp_vcpu *) = __pkvm_host_mkyoung_guest;' &
probe PROTECTED_GUESTS pkvm.h '#include <nvhe/mem_protect.h>
int (*donate)(u64, u64, struct pkvm_hyp_vcpu *) = __pkvm_host_donate_guest;
int (*share)(struct pkvm_hyp_vcpu *, u64) = __pkvm_guest_share_host;
int (*unshare)(struct pkvm_hyp_vcpu *, u64) = __pkvm_guest_unshare_host;
int (*reclaim)(u64, struct pkvm_hyp_vm *) = __pkvm_host_reclaim_page_guest;
char a[offsetof(struct kvm, arch.pkvm.is_dying)];' &
probe INIT_NR_CPUS mem_protect.h 'int __pkvm_init(phys_addr_t, unsigned long, unsigned long,
	unsigned long *, u32);' &
wait
cat "$out"/probe-*.h > "$gen/probes.h"

# ---- Compile ----
cat > "$out/jobs" <<END
$here/glue/mem_protect.c glue-mem_protect
$here/glue/mm.c glue-mm
$here/glue/main.c glue-main
$here/glue/setup.c glue-setup
$here/glue/pkvm.c glue-pkvm
$here/glue/ffa.c glue-ffa
$here/glue/tried.c glue-tried
$hyp/pgtable.c pgtable
END
# what a guest traps for, where one is loaded
! grep -q HAVE_RESERVED_VMS "$gen/probes.h" || echo "$here/glue/switch.c glue-switch" >> "$out/jobs"
for f in $files; do
	echo "$hyp/nvhe/$f.c $f" >> "$out/jobs"
done
total=$(wc -l < "$out/jobs")

cat > "$out/one.sh" <<END
set -e
n=\$(wc -l < "$out/begun"); echo >> "$out/begun"
echo "file \$((n + 1))/$total \$2"
if ! $cc -c @"$out/flags" $hooks -MD -MF "$out/\$2.d" -o "$out/\$2.o" "\$1" \
	2> "$out/\$2.log"; then
	echo "\$1" >> "$out/failed"
	exit 255 # no more are begun
fi
END
: > "$out/begun"
rm -f "$out/failed"
xargs -P "$(nproc)" -n 2 sh "$out/one.sh" < "$out/jobs" 2>/dev/null || :

if [ -f "$out/failed" ]; then
	while read -r f; do
		log=$(awk -v f="$f" '$1 == f { print $2 }' "$out/jobs")
		say_compile "$tree" "$f" "$out/$log.log"
	done < "$out/failed" | head -n 20 >&2
	exit 1
fi

for f in main memory events told tried; do
	$cc -c -O2 -g -fno-pie -mcmodel=medium -mlarge-data-threshold=1000000000 -MD \
		-MF "$out/rt-$f.d" -o "$out/rt-$f.o" "$here/$f.c" 2> "$out/rt-$f.log" ||
		fail "$(head -n 12 "$out/rt-$f.log")"
done

# Calls from one file of the tree into another pass where events are told of them, and
# calls of what its assembly has go to the run-time.
wrap=
for f in hyp_alloc_pages hyp_put_page hyp_pool_init hyp_split_page __kvm_tlb_flush_vmid_ipa \
	__kvm_tlb_flush_vmid_ipa_nsh __kvm_tlb_flush_vmid_range __kvm_tlb_flush_vmid \
	kvm_pgtable_stage2_unmap __pkvm_host_donate_hyp_mmio __pkvm_hyp_donate_host_mmio; do
	wrap="$wrap --wrap=$f"
done
echo "$wrap" > wrap
rm -f tree.o
ld -r $wrap -o tree.o $(awk '{ print $2 ".o" }' jobs)
objcopy --redefine-sym memset=sim_memset --redefine-sym memcpy=sim_memcpy "$out/tree.o"

echo "$tree" > "$out/tree"
sh "$here/link.sh" "$out" "$out/el2" 0x40010000
"$out/el2" --layout > "$out/layout" ||
	fail "the tree's code was tried before it ran as EL2, and that went wrong:
$(tail -c 300 "$out/layout" | tr -cd '[:print:]')"
