// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_SIMD_HPP
#define FILMATLAS_CORE_SIMD_HPP

#include <string_view>

#include "filmatlas/core/config.hpp"

/// @file simd.hpp
/// @brief Which instruction set the kernels use; detected once, never changes a result.

namespace filmatlas {

/// Instruction sets, lowest first. On processors other than x86-64 only Baseline (portable code) exists.
enum class SimdLevel {
    Baseline,    ///< x86-64 SSE2, or portable code
    Avx2,        ///< AVX2 + FMA + F16C
    Avx512,      ///< AVX-512 F, BW, DQ, VL
    Avx512Bf16,  ///< the same and AVX-512 BF16 and VNNI
    Amx,         ///< the same and AMX tiles with bfloat16 and 8-bit integers
};

/// "baseline", "avx2", "avx512", "avx512_bf16" or "amx".
std::string_view to_string(SimdLevel level) noexcept;

/// Highest level that processor and operating system support. Linux lends the AMX tiles on request only: this asks
/// for them, once per process, and does without where it is refused.
SimdLevel detected_simd_level() noexcept;

/// Level in use: FILMATLAS_SIMD=baseline|avx2|avx512|avx512_bf16|amx when set (never above what is supported), else
/// the detected one. The variable is read at every call, so that tests can change it within one process.
/// @throws Error (InvalidArgument) when the variable holds another word.
SimdLevel simd_level();

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/core/detail/simd_impl.hpp"
#endif
#endif  // FILMATLAS_CORE_SIMD_HPP
