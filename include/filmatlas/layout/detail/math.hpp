// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_MATH_HPP
#define FILMATLAS_LAYOUT_DETAIL_MATH_HPP

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "filmatlas/core/detail/simd_versions.hpp"

/// @file math.hpp
/// @brief exp, log and pow of the layouts: additions, multiplications and bit moves only, so that a map does not
/// depend on the C library that computed it. Lanes are compiler vectors; every lane gets the same bits at any
/// width.

namespace filmatlas::detail {

/// e^x, relative error below 4e-16; 0 below -708.
inline double layout_exp(double x) noexcept {
    if (!(x > -708.0)) return 0.0;
    if (x > 709.0) return std::numeric_limits<double>::infinity();
    constexpr double kLog2e = 1.4426950408889634074;
    // ln 2 in two parts, so that x - k ln 2 is exact to the last bit.
    constexpr double kLn2High = 0x1.62e42fee00000p-1;
    constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
    const auto k = static_cast<std::int64_t>(x * kLog2e + (x < 0 ? -0.5 : 0.5));
    const double kd = static_cast<double>(k);
    const double r = (x - kd * kLn2High) - kd * kLn2Low;
    double sum = 1.0 / 6227020800.0;
    for (const double c :
         {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0,
          1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0}) {
        sum = sum * r + c;
    }
    return sum * std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

/// Natural logarithm of a positive normal number, error below 4e-16 relative to max(1, |ln x|).
inline double layout_log(double x) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    // Mantissa in [sqrt(1/2), sqrt(2)).
    const std::int64_t e = static_cast<std::int64_t>(bits - 0x3FE6A09E667F3BCDULL) >> 52;
    const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(e) << 52));
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double sum = 1.0 / 23.0;
    for (const double c : {1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0,
                           1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0}) {
        sum = sum * z + c;
    }
    return static_cast<double>(e) * 0.69314718055994530942 + (2.0 * s + 2.0 * s * (z * sum));
}

/// x^y for x >= 0.
inline double layout_pow(double x, double y) noexcept { return x > 0 ? layout_exp(y * layout_log(x)) : 0.0; }

/// Compiler vectors of `Lanes` floats and of 32-bit integers beside them.
template <int Lanes>
struct LayoutVec;
template <>
struct LayoutVec<4> {
    typedef float F __attribute__((vector_size(16)));
    typedef std::int32_t I __attribute__((vector_size(16)));
};
template <>
struct LayoutVec<8> {
    typedef float F __attribute__((vector_size(32)));
    typedef std::int32_t I __attribute__((vector_size(32)));
};
template <>
struct LayoutVec<16> {
    typedef float F __attribute__((vector_size(64)));
    typedef std::int32_t I __attribute__((vector_size(64)));
};

/// x <- x^b for positive normal x, relative error about 1e-6. Several vectors go hand in hand, statement by statement:
/// one alone waits for its own results, and processors do not look far enough ahead to find the next one.
template <int Lanes, int Count>
FILMATLAS_ALWAYS_INLINE void layout_pow_lanes(typename LayoutVec<Lanes>::F (&x)[Count], float b) {
    using F = typename LayoutVec<Lanes>::F;
    using I = typename LayoutVec<Lanes>::I;
    I e[Count];
    F s[Count];
    F z[Count];
    F y[Count];
    F p[Count];
    for (int w = 0; w < Count; ++w) e[w] = ((I)x[w] - 0x3F3504F3) >> 23;
    for (int w = 0; w < Count; ++w) s[w] = (F)((I)x[w] - (e[w] << 23));
    for (int w = 0; w < Count; ++w) s[w] = (s[w] - 1.0F) / (s[w] + 1.0F);
    for (int w = 0; w < Count; ++w) z[w] = s[w] * s[w];
    for (int w = 0; w < Count; ++w) y[w] = 0.412198574F * z[w] + 0.577078016F;
    for (int w = 0; w < Count; ++w) y[w] = y[w] * z[w] + 0.961796694F;
    for (int w = 0; w < Count; ++w) y[w] = y[w] * z[w] + 2.88539008F;
    for (int w = 0; w < Count; ++w) y[w] = (y[w] * s[w] + __builtin_convertvector(e[w], F)) * b;
    for (int w = 0; w < Count; ++w) y[w] = y[w] < -125.0F ? F{} - 125.0F : y[w];
    for (int w = 0; w < Count; ++w) y[w] = y[w] > 125.0F ? F{} + 125.0F : y[w];
    // Adding 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
    for (int w = 0; w < Count; ++w) s[w] = y[w] + 12582912.0F;
    for (int w = 0; w < Count; ++w) y[w] = y[w] - (s[w] - 12582912.0F);
    for (int w = 0; w < Count; ++w) p[w] = 1.54035304e-4F * y[w] + 1.33335581e-3F;
    for (int w = 0; w < Count; ++w) p[w] = p[w] * y[w] + 9.61812911e-3F;
    for (int w = 0; w < Count; ++w) p[w] = p[w] * y[w] + 5.55041087e-2F;
    for (int w = 0; w < Count; ++w) p[w] = p[w] * y[w] + 2.40226507e-1F;
    for (int w = 0; w < Count; ++w) p[w] = p[w] * y[w] + 6.93147181e-1F;
    for (int w = 0; w < Count; ++w) p[w] = p[w] * y[w] + 1.0F;
    for (int w = 0; w < Count; ++w) x[w] = p[w] * (F)((((I)s[w] - 0x4B400000) + 127) << 23);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_MATH_HPP
