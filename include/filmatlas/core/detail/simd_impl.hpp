// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP
#define FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP

#include <algorithm>
#include <cstdlib>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/simd.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view to_string(SimdLevel level) noexcept {
    switch (level) {
        case SimdLevel::Baseline: return "baseline";
        case SimdLevel::Avx2: return "avx2";
        case SimdLevel::Avx512: return "avx512";
    }
    return "unknown";
}

FILMATLAS_INLINE SimdLevel detected_simd_level() noexcept {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2 && avx512) return SimdLevel::Avx512;
    if (avx2) return SimdLevel::Avx2;
#endif
    return SimdLevel::Baseline;
}

FILMATLAS_INLINE SimdLevel simd_level() {
    static const SimdLevel detected = detected_simd_level();
    const char* wanted = std::getenv("FILMATLAS_SIMD");
    if (wanted == nullptr || *wanted == '\0') return detected;
    for (const SimdLevel level : {SimdLevel::Baseline, SimdLevel::Avx2, SimdLevel::Avx512}) {
        if (to_string(level) == wanted) return std::min(level, detected);
    }
    throw_invalid("simd_level", "FILMATLAS_SIMD", "is '" + std::string(wanted) + "'",
                  "use baseline, avx2 or avx512, or unset it");
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP
