// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP
#define FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP

#include <algorithm>
#include <cstdlib>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/simd.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace filmatlas {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
namespace detail {

inline bool cpu_has_f16c() noexcept {  // clang 14 does not know its name
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 29 & 1U) != 0;
}

/// Products of pairs: of bfloat16 (AVX-512 BF16) and of 16-bit integers (VNNI).
inline bool cpu_has_avx512_pairs() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    const bool vnni = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c >> 11 & 1U) != 0;
    return vnni && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 5 & 1U) != 0;
}

/// Whether the processor has AMX tiles with bfloat16 and 8-bit integers, and the system saves them and lets this process
/// use them.
inline bool amx_granted() noexcept {
#if defined(__linux__) && defined(SYS_arch_prctl)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    const bool tiles = (d >> 22 & 1U) != 0 && (d >> 24 & 3U) == 3U;  // AMX-BF16; AMX-TILE, AMX-INT8
    if (!tiles || __get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 27 & 1U) == 0) return false;  // OSXSAVE
    unsigned low = 0;
    unsigned high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3U) != 3U) return false;  // XTILECFG and XTILEDATA
    constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

}  // namespace detail
#endif

FILMATLAS_INLINE std::string_view to_string(SimdLevel level) noexcept {
    switch (level) {
        case SimdLevel::Baseline: return "baseline";
        case SimdLevel::Avx2: return "avx2";
        case SimdLevel::Avx512: return "avx512";
        case SimdLevel::Avx512Bf16: return "avx512_bf16";
        case SimdLevel::Amx: return "amx";
    }
    return "unknown";
}

FILMATLAS_INLINE SimdLevel detected_simd_level() noexcept {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && detail::cpu_has_f16c();
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (!avx2) return SimdLevel::Baseline;
    if (!avx512) return SimdLevel::Avx2;
    if (!detail::cpu_has_avx512_pairs()) return SimdLevel::Avx512;
    static const bool amx = detail::amx_granted();
    return amx ? SimdLevel::Amx : SimdLevel::Avx512Bf16;
#else
    return SimdLevel::Baseline;
#endif
}

FILMATLAS_INLINE SimdLevel simd_level() {
    static const SimdLevel detected = detected_simd_level();
    const char* wanted = std::getenv("FILMATLAS_SIMD");
    if (wanted == nullptr || *wanted == '\0') return detected;
    for (const SimdLevel level : {SimdLevel::Baseline, SimdLevel::Avx2, SimdLevel::Avx512, SimdLevel::Avx512Bf16,
                                  SimdLevel::Amx}) {
        if (to_string(level) == wanted) return std::min(level, detected);
    }
    throw_invalid("simd_level", "FILMATLAS_SIMD", "is '" + std::string(wanted) + "'",
                  "use baseline, avx2, avx512, avx512_bf16 or amx, or unset it");
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_DETAIL_SIMD_IMPL_HPP
