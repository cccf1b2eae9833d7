/* SPDX-License-Identifier: GPL-2.0-only */
/* No CPU of the board has vector registers: who saves or loads them ends EL2. */
#ifndef PKVM_SIM_FPSIMD_H
#define PKVM_SIM_FPSIMD_H

#define fpsimd_save_vregs sim_unused_fpsimd_save_vregs
#define fpsimd_load_vregs sim_unused_fpsimd_load_vregs
#define fpsimd_save_state sim_unused_fpsimd_save_state
#define fpsimd_load_state sim_unused_fpsimd_load_state
#define sve_save_state sim_unused_sve_save_state
#define sve_load_state sim_unused_sve_load_state
#include_next <asm/fpsimd.h>
#undef fpsimd_save_vregs
#undef fpsimd_load_vregs
#undef fpsimd_save_state
#undef fpsimd_load_state
#undef sve_save_state
#undef sve_load_state

#define sim_no_vectors(...) sim_trap("unmodelled", __FILE__, __LINE__, "vector registers")
#define fpsimd_save_vregs sim_no_vectors
#define fpsimd_load_vregs sim_no_vectors
#define fpsimd_save_state sim_no_vectors
#define fpsimd_load_state sim_no_vectors
#define sve_save_state sim_no_vectors
#define sve_load_state sim_no_vectors

#endif
