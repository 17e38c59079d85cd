// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_HALF_HPP
#define FILMATLAS_IO_HALF_HPP

#include <bit>
#include <cstdint>

/// @file half.hpp
/// @brief IEEE 754 binary16 to and from float, exact and portable.

namespace filmatlas::detail {

inline float half_to_float(std::uint16_t half) noexcept {
    const std::uint32_t sign = std::uint32_t{half} >> 15 << 31;
    const std::uint32_t exponent = half >> 10 & 31;
    const std::uint32_t mantissa = half & 1023;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | mantissa << 13);
    if (exponent == 0) {
        // Subnormal: mantissa * 2^-24, exact in float.
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
    }
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

/// To nearest, ties to even; values beyond the range become infinities; NaN stays NaN.
inline std::uint16_t float_to_half(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
    const std::uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return static_cast<std::uint16_t>(sign | 0x7E00);
    if (magnitude >= 0x477FF000)
        return static_cast<std::uint16_t>(sign | 0x7C00);  // >= 65520 rounds to infinity
    if (magnitude < 0x38800000) {
        // Below 2^-14 a half counts units of 2^-24; adding 0.5 puts that unit at the last bit of a float's
        // mantissa, so that the addition rounds as wanted.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
    }
    const std::uint32_t odd = magnitude >> 13 & 1;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFF + odd) >> 13));
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_IO_HALF_HPP
