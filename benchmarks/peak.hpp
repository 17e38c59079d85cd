// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_BENCHMARKS_PEAK_HPP
#define FILMATLAS_BENCHMARKS_PEAK_HPP

// What the processor can do at most: multiply-adds that wait for nothing, on registers or tiles alone.

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "filmatlas/core/simd.hpp"

namespace filmatlas::benchmarks {

#if defined(__x86_64__)

/// 2 * 16 * 16 * rounds float32 operations.
__attribute__((target("avx512f"))) inline float fma_peak_avx512(std::size_t rounds) {
    __m512 sums[16];
    for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
    const __m512 a = _mm512_set1_ps(0.5F);
    const __m512 b = _mm512_set1_ps(0.25F);
    for (std::size_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
        for (auto& sum : sums) sum = _mm512_fmadd_ps(a, sum, b);
    }
    float out[16];
    float total = 0;
    for (const auto& sum : sums) {
        _mm512_storeu_ps(out, sum);
        total += out[0];
    }
    return total;
}

/// 2 * 12 * 8 * rounds float32 operations.
__attribute__((target("avx2,fma"))) inline float fma_peak_avx2(std::size_t rounds) {
    __m256 sums[12];
    for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
    const __m256 a = _mm256_set1_ps(0.5F);
    const __m256 b = _mm256_set1_ps(0.25F);
    for (std::size_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
        for (auto& sum : sums) sum = _mm256_fmadd_ps(a, sum, b);
    }
    float out[8];
    float total = 0;
    for (const auto& sum : sums) {
        _mm256_storeu_ps(out, sum);
        total += out[0];
    }
    return total;
}

/// 2 * 4 * 16 * 16 * 32 * rounds bfloat16 operations.
__attribute__((target("amx-tile,amx-bf16"))) inline void amx_peak(std::size_t rounds) {
    struct alignas(64) Shapes {
        std::uint8_t palette = 1;
        std::uint8_t rest[15] = {};
        std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
        std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16};
    };
    static constexpr Shapes shapes{};
    _tile_loadconfig(&shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (std::size_t r = 0; r < rounds; ++r) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_release();
}

#endif

/// Runs `rounds` rounds of float32 multiply-adds at the level in use; returns the operations, 0 where it does not know
/// how.
inline double run_float32_peak(std::size_t rounds) {
#if defined(__x86_64__)
    const SimdLevel level = simd_level();
    volatile float sink = 0;
    if (level >= SimdLevel::Avx512) {
        sink = fma_peak_avx512(rounds);
        return 2.0 * 16 * 16 * static_cast<double>(rounds);
    }
    if (level == SimdLevel::Avx2) {
        sink = fma_peak_avx2(rounds);
        return 2.0 * 12 * 8 * static_cast<double>(rounds);
    }
    (void)sink;
#endif
    (void)rounds;
    return 0;
}

/// The same for bfloat16 on AMX tiles.
inline double run_tile_peak(std::size_t rounds) {
#if defined(__x86_64__)
    if (simd_level() == SimdLevel::Amx) {
        amx_peak(rounds);
        return 2.0 * 4 * 16 * 16 * 32 * static_cast<double>(rounds);
    }
#endif
    (void)rounds;
    return 0;
}

}  // namespace filmatlas::benchmarks
#endif  // FILMATLAS_BENCHMARKS_PEAK_HPP
