// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_SIMD_VERSIONS_HPP
#define FILMATLAS_CORE_DETAIL_SIMD_VERSIONS_HPP

#include "filmatlas/core/simd.hpp"

/// @file simd_versions.hpp
/// @brief Functions compiled once per instruction set, in a build for the baseline.

// Elsewhere the versions for wider lanes are compiled as well, and never chosen.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define FILMATLAS_TARGET_AVX2 __attribute__((target("avx2")))
#define FILMATLAS_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define FILMATLAS_TARGET_AVX2
#define FILMATLAS_TARGET_AVX512
#endif
#define FILMATLAS_ALWAYS_INLINE inline __attribute__((always_inline))

namespace filmatlas::detail {

/// Of a function's three versions, the one for the instruction set in use.
template <class Function>
Function simd_version(Function baseline, Function avx2, Function avx512) {
    const SimdLevel level = simd_level();
    return level >= SimdLevel::Avx512 ? avx512 : level >= SimdLevel::Avx2 ? avx2 : baseline;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CORE_DETAIL_SIMD_VERSIONS_HPP
